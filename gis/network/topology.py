"""The edges the database keeps: are they what settling all of them gives, what was snapped."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from sqlalchemy import Connection, text

from gis.attributes import Text
from gis.db.tables import CORE
from gis.errors import InputError
from gis.network.asking import asking
from gis.network.profile_questions import NODE_KINDS
from gis.network.resolution import read_ends, read_tolerance, resolve_ends
from gis.queries import Statement

MOST_TOLERANCE_M = 5.0


@dataclass(frozen=True, slots=True)
class TopologyCheck:
    """How many edges there are, how many marks wait, and the pipes whose edge is wrong."""

    pipes: int
    dirty: int
    tolerance_m: float
    wrong: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """Whether the kept edges are those of a rebuild."""
        return not self.wrong and self.dirty == 0


def check_topology(connection: Connection) -> TopologyCheck:
    """Resolve every end anew, by other code than the database's, and compare."""
    ask = asking(connection)
    tolerance = read_tolerance(ask)
    given = read_ends(ask)
    made = resolve_ends(given, tolerance)
    count = len(given.pipes)
    expected = pd.DataFrame(
        {
            "id": given.pipes["id"],
            "is_backward": given.pipes["is_backward"],
            **{
                f"{side}_{name}": made[column].to_numpy()[k * count : (k + 1) * count]
                for k, side in enumerate(("start", "end"))
                for name, column in (("id", "node_id"), ("how", "how"))
            },
        }
    )
    kept = pd.DataFrame(
        connection.exec_driver_sql(
            "SELECT pipe_id::text, is_backward, start_id::text, start_how, end_id::text, end_how"
            f" FROM {CORE}.network_edge"
        ).all(),
        columns=list(expected.columns),
    )
    both = expected.merge(kept, on="id", how="outer", suffixes=("", "_kept"))
    same = pd.Series(True, index=both.index)
    for name in expected.columns[1:]:
        same &= both[name].astype(object) == both[f"{name}_kept"].astype(object)
    dirty = connection.exec_driver_sql(f"SELECT count(*) FROM {CORE}.network_dirty").scalar_one()
    return TopologyCheck(count, int(dirty), tolerance, tuple(sorted(both.loc[~same, "id"])))


def rebuild_topology(owner: Connection, *, tolerance_m: float | None = None) -> int:
    """Settle every edge anew, as the owner, perhaps with another tolerance; how many pipes."""
    if tolerance_m is not None and not 0 <= tolerance_m <= MOST_TOLERANCE_M:
        raise InputError(
            Text(
                zh="捕捉容差需在 0 至 {most:g} 米之间", en="a tolerance is 0 to {most:g} metres"
            ).format(most=MOST_TOLERANCE_M),
            tolerance_m=tolerance_m,
        )
    asked = text(f"SELECT {CORE}.rebuild_network(CAST(:metres AS double precision))")
    return int(owner.execute(asked, {"metres": tolerance_m}).scalar_one())


def topology_statement(limit: int) -> Statement:
    """How ends found their nodes, as JSON text: counts, what was snapped how far, names unknown.

    ``snapped`` lists ends that name no node, widest first; ``unknown`` codes that no record has;
    ``far`` ends whose named node lies farther than the tolerance from where they are drawn.
    """
    sides = " UNION ALL ".join(
        f"SELECT e.pipe_id, '{side}' AS side, e.{side}_id AS node_id, e.{side}_code AS code,"
        f" e.{side}_how AS how, e.{side}_gap_m AS gap_m, e.{side}_point AS point"
        f" FROM {CORE}.network_edge e"
        for side in ("start", "end")
    )
    nodes = " UNION ALL ".join(
        f"SELECT id, '{kind}' AS kind, code, geometry FROM {CORE}.{kind}" for kind in NODE_KINDS
    )
    shown = (
        "(SELECT p.code FROM core.sewer_pipe p WHERE p.id = r.pipe_id) AS pipe, r.pipe_id, r.side,"
        " r.node_id"
    )
    return Statement(
        f"WITH ends AS MATERIALIZED ({sides}), nodes AS MATERIALIZED ({nodes}),"
        " far AS MATERIALIZED (SELECT e.*, n.kind, ST_Length(geography(ST_GeomFromText("
        "'LINESTRING(' || ST_X(e.point) || ' ' || ST_Y(e.point) || ',' || ST_X(n.geometry)"
        " || ' ' || ST_Y(n.geometry) || ')', ST_SRID(e.point)))) AS metres"
        " FROM ends e JOIN nodes n ON n.id = e.node_id WHERE e.how = 'code'"
        " AND (abs(ST_X(e.point) - ST_X(n.geometry)) > 1e-6"
        " OR abs(ST_Y(e.point) - ST_Y(n.geometry)) > 1e-6)),"
        f" beyond AS (SELECT * FROM far WHERE metres > (SELECT tolerance_m FROM"
        f" {CORE}.network_setting))"
        " SELECT json_build_object('tolerance_m', (SELECT tolerance_m FROM"
        f" {CORE}.network_setting), 'dirty', (SELECT count(*) FROM {CORE}.network_dirty),"
        " 'ends', (SELECT coalesce(json_object_agg(how, n), '{}') FROM"
        " (SELECT coalesce(how, 'unsettled') AS how, count(*) AS n FROM ends GROUP BY 1) c),"
        " 'snapped', json_build_object('count', (SELECT count(*) FROM ends WHERE gap_m > 0),"
        " 'most_m', (SELECT round(max(gap_m)::numeric, 4) FROM ends), 'rows', (SELECT"
        " coalesce(json_agg(row_to_json(s)), '[]') FROM"
        f" (SELECT {shown}, r.how, round(r.gap_m::numeric, 4) AS gap_m FROM ends r"
        " WHERE r.gap_m > 0 ORDER BY r.gap_m DESC, r.pipe_id, r.side LIMIT %(limit)s) s)),"
        " 'unknown', json_build_object('count', (SELECT count(DISTINCT code) FROM ends WHERE"
        " how = 'named'), 'rows', (SELECT coalesce(json_agg(row_to_json(s)), '[]') FROM"
        " (SELECT code, node_id, count(*) AS ends FROM ends WHERE how = 'named' GROUP BY 1, 2"
        " ORDER BY 3 DESC, 1 LIMIT %(limit)s) s)),"
        " 'far', json_build_object('count', (SELECT count(*) FROM beyond), 'rows', (SELECT"
        " coalesce(json_agg(row_to_json(s)), '[]') FROM"
        f" (SELECT {shown}, r.kind, r.code, round(r.metres::numeric, 3) AS metres FROM beyond r"
        " ORDER BY r.metres DESC, r.pipe_id, r.side LIMIT %(limit)s) s)))::text",
        {"limit": limit},
    )
