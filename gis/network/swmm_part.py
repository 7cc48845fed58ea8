"""The part of the network a SWMM model is made of: its pipes, nodes and drainage users."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import shapely

from gis.attributes import Text
from gis.db.roles import Pool, visible_attributes
from gis.db.tables import CORE
from gis.errors import ForbiddenError, NotFoundError
from gis.geometry import Geometries
from gis.kinds import KINDS
from gis.kinds.sewer_pipe import PipeSystem
from gis.network.asking import Ask
from gis.network.profile_questions import NODE_KINDS
from gis.network.trace import Direction, Walk, start_walk
from gis.queries import Filter, Parameters, Statement, source_clause

LEVELS = (("sewer_pipe", "up_invert_m"), ("sewer_pipe", "down_invert_m"),
          ("sewer_manhole", "bottom_m"))  # fmt: skip
IDENTITY = ("code", "name", "source", "source_code")
PIPE_CARRIED = (
    *IDENTITY,
    *("system", "up_node", "down_node", "shape", "diameter_mm", "width_mm", "height_mm"),
    *("material", "up_invert_m", "down_invert_m", "pressure", "surveyed_flow"),
    *("progress", "service_state"),
)
"""What a conduit's description repeats of its pipe."""
NODE_CARRIED = (
    *IDENTITY,
    *("system", "manhole_type", "facility_type", "inlet_type", "ground_m", "bottom_m"),
    *("progress", "service_state"),
)


@dataclass(frozen=True, slots=True)
class Part:
    """Pipes and nodes by number, pipes along their flow.

    ``pipes``: ``id``, ``upper`` and ``lower`` (numbers of nodes), ``is_backward``, ``length_m``
    (on the ellipsoid) and the carried attributes. ``nodes``: ``id``, ``kind`` (None: virtual) and
    theirs. Geometries in EPSG:4490; a node's is None where only a pipe's end tells its place.
    """

    pipes: pd.DataFrame
    nodes: pd.DataFrame
    lines: Geometries
    points: Geometries
    users: pd.DataFrame
    """``node`` (number), ``people``, ``discharge_m3_per_day``."""

    @property
    def source(self) -> np.ndarray[Any, np.dtype[np.intp]]:
        """Numbers of the upper nodes."""
        return self.pipes["upper"].to_numpy(dtype=np.intp)

    @property
    def target(self) -> np.ndarray[Any, np.dtype[np.intp]]:
        """Numbers of the lower nodes."""
        return self.pipes["lower"].to_numpy(dtype=np.intp)


def require_levels(pool: Pool) -> None:
    """Raise ForbiddenError for who may not see inverts: a model is made of them."""
    if any(name not in visible_attributes(KINDS[kind], pool) for kind, name in LEVELS):
        raise ForbiddenError(
            Text(
                zh="水力模型由管底高程构成,您的角色不能查看管底高程",
                en="a hydraulic model is made of inverts, and your role may not see them",
            )
        )


def choose_walk(
    ask: Ask,
    start: str | None,
    direction: Direction,
    *,
    system: PipeSystem | None,
    as_of: datetime | None,
) -> Walk:
    """The walk of a trace, or of every pipe (of a system) where there is no start."""
    if start is not None:
        return start_walk(ask, start, direction, system=system, as_of=as_of)[1]
    if as_of is None:
        parameters: Parameters = {} if system is None else {"system": system.value}
        which = "" if system is None else (
            f" JOIN {CORE}.sewer_pipe q ON q.id = e.pipe_id AND q.system = %(system)s"
        )  # fmt: skip
        return Walk(
            "WITH walk AS MATERIALIZED (SELECT e.pipe_id, e.source_id, e.target_id, e.is_backward"
            f" FROM {CORE}.network_edge e{which})",
            parameters,
        )
    from gis.network.past import Network, as_walk

    network = Network.read(ask, as_of=as_of)
    chosen = np.ones(len(network.source), dtype=bool)
    if system is not None:
        chosen = (network.given.pipes["system"] == system.value).to_numpy()
    return as_walk(network, np.flatnonzero(chosen), as_of=as_of)


def read_part(ask: Ask, walk: Walk) -> Part:
    """The pipes of a walk, what they end at, and who drains there. NotFoundError: no pipe."""
    rows = ask(_pipes_statement(walk))
    if not rows:
        raise NotFoundError(
            Text(zh="此处没有可建模的管段", en="there is no pipe here to make a model of")
        )
    table = pd.DataFrame(
        [
            (str(r[0]), str(r[1]), str(r[2]), r[3], r[4], *_carried(r[5], PIPE_CARRIED))
            for r in rows
        ],
        columns=["id", "upper", "lower", "is_backward", "length_m", *PIPE_CARRIED],
    )
    lines = _as_geometries([r[6] for r in rows])
    order = table["id"].argsort().to_numpy()
    table, lines = table.iloc[order].reset_index(drop=True), lines[order]
    ids = pd.Index(np.unique(table[["upper", "lower"]].to_numpy(dtype=object).ravel()))
    table["upper"] = ids.get_indexer(table["upper"])
    table["lower"] = ids.get_indexer(table["lower"])
    nodes, points = _read_nodes(ask, ids, walk)
    _name_virtual(nodes, table)
    return Part(table, nodes, lines, points, _read_users(ask, nodes, walk))


def _pipes_statement(walk: Walk) -> Statement:
    parameters: Parameters = dict(walk.parameters)
    clause = source_clause("sewer_pipe", walk.asked, parameters)
    return Statement(
        f"{walk.sql} SELECT w.pipe_id, w.source_id, w.target_id, w.is_backward, f.length_m, f.row,"
        f" f.line FROM walk w CROSS JOIN LATERAL (SELECT f.length_m, {_row('sewer_pipe')} AS row,"
        f" ST_AsBinary(f.geometry) AS line {clause} AND f.id = w.pipe_id LIMIT 1) f",
        parameters,
        gives_bytes=True,
    )


def _row(kind: str) -> str:
    wanted = PIPE_CARRIED if kind == "sewer_pipe" else NODE_CARRIED
    columns = ", ".join(f"f.{name}" for name in wanted if name in KINDS[kind].model_fields)
    return f"(SELECT row_to_json(r) FROM (SELECT {columns}) r)"


def _carried(row: dict[str, Any], names: Sequence[str]) -> list[Any]:  # Any: JSON
    return [row.get(name) for name in names]


def _as_geometries(wkb: Sequence[bytes]) -> Geometries:
    raw = np.empty(len(wkb), dtype=object)
    raw[:] = [bytes(w) for w in wkb]
    made: Geometries = shapely.from_wkb(raw)
    return made


def _read_nodes(ask: Ask, ids: pd.Index[Any], walk: Walk) -> tuple[pd.DataFrame, Geometries]:
    parameters: Parameters = {"nodes": [UUID(i) for i in ids]}
    asked = Filter(as_of=walk.as_of)
    arms = [
        f"SELECT f.id, '{kind}', {_row(kind)}, ST_AsBinary(f.geometry)"
        f" {source_clause(kind, asked, parameters)} AND f.id = ANY(%(nodes)s)"
        for kind in NODE_KINDS
    ]
    rows = ask(Statement(" UNION ALL ".join(arms), parameters, gives_bytes=True))
    nodes = pd.DataFrame(
        None, index=range(len(ids)), columns=["id", "kind", *NODE_CARRIED], dtype=object
    )
    nodes["id"] = list(ids)
    points: Geometries = np.full(len(ids), None, dtype=object)
    if rows:
        at = ids.get_indexer(pd.Index([str(r[0]) for r in rows]))
        cells = [(r[1], *_carried(r[2], NODE_CARRIED)) for r in rows]
        nodes.iloc[at, 1:] = pd.DataFrame(cells, dtype=object).to_numpy(dtype=object)
        points[at] = _as_geometries([r[3] for r in rows])
    return nodes, points


def _name_virtual(nodes: pd.DataFrame, pipes: pd.DataFrame) -> None:
    """Give virtual nodes the code that pipes name them by; its hash is their id."""
    named = pd.unique(pipes[["up_node", "down_node"]].to_numpy(dtype=object).ravel())
    codes = {
        str(UUID(hashlib.md5(f"code {code}".encode(), usedforsecurity=False).hexdigest())): code
        for code in named
        if isinstance(code, str)
    }
    virtual = nodes["kind"].isna()
    nodes.loc[virtual, "code"] = nodes.loc[virtual, "id"].map(codes).astype(object)


def _read_users(ask: Ask, nodes: pd.DataFrame, walk: Walk) -> pd.DataFrame:
    known = nodes[nodes["kind"].notna()]
    parameters: Parameters = {
        "nodes": [UUID(i) for i in known["id"]],
        "codes": known["code"].dropna().tolist(),
    }
    clause = source_clause("drainage_user", Filter(as_of=walk.as_of), parameters)
    rows = ask(
        Statement(
            f"SELECT f.id, f.node, f.people, f.discharge_m3_per_day {clause}"
            " AND f.service_state <> 'removed'"
            " AND (f.id = ANY(%(nodes)s) OR f.node = ANY(%(codes)s))",
            parameters,
        )
    )
    users = pd.DataFrame(rows, columns=["id", "code", "people", "discharge_m3_per_day"])
    rank = known["kind"].map({kind: k for k, kind in enumerate(NODE_KINDS)})
    first = known.assign(rank=rank).sort_values("rank", kind="stable").drop_duplicates("code")
    by_id = pd.Index(nodes["id"]).get_indexer(pd.Index(users["id"].astype(str)))
    by_code = pd.Index(first["code"]).get_indexer(pd.Index(users["code"]))
    at = np.where(by_code >= 0, first.index.to_numpy()[by_code], -1) if len(first) else by_code
    users["node"] = np.where(by_id >= 0, by_id, at)
    numbers = users[["people", "discharge_m3_per_day"]].astype(float)
    return pd.concat([users["node"], numbers], axis=1)[users["node"] >= 0].reset_index(drop=True)
