"""Questions about inspections, each one statement in the shape its asker needs (JSON text).

Defects lie on the line by the chainage of their run, measured from the run's own first manhole,
whichever way the pipe is drawn. Fractions are taken on the conformal plane of tiles: along a pipe
its scale does not change, so a share of the length is the same share on the ground.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from gis.db.tables import CORE
from gis.geometry import STORAGE_SRID
from gis.network.condition_rules import RULES_IN_FORCE
from gis.queries import Filter, Parameters, Statement, source_clause

_RUN, _SEEN, _GRADE, _PIPE = (
    f"{CORE}.{name}" for name in ("pipe_inspection", "pipe_observation", "pipe_grade", "sewer_pipe")
)
GRADE_IN_FORCE = (
    f"LEFT JOIN LATERAL (SELECT g.* FROM {_GRADE} g WHERE g.inspection_id = r.id"
    " AND g.rule_version = %(rules)s ORDER BY g.number DESC LIMIT 1) g ON true"
)
"""Joins the grade in force of a run ``r`` under the rule version ``rules``."""
_BRIEF = (
    "r.id, r.from_code, r.to_code, r.method, r.direction, r.inspected_on, r.unit, r.video, r.place,"
    " r.pipe_length_m, r.inspected_length_m, r.diameter_mm, r.pipe_id, p.code AS pipe_code,"
    " (SELECT json_build_object('rules', g.rule_version, 'f', g.f, 'structural_grade',"
    " g.structural_grade, 'ri', g.ri, 'repair_class', g.repair_class, 'repair_method',"
    " g.repair_method, 'g', g.g, 'functional_grade', g.functional_grade, 'mi', g.mi,"
    " 'maintenance_class', g.maintenance_class, 'computed_at', g.computed_at)"
    " WHERE g.number IS NOT NULL) AS grade"
)
_FROM = f"FROM {_RUN} r LEFT JOIN {_PIPE} p ON p.id = r.pipe_id {GRADE_IN_FORCE}"
ALONG = "(CASE WHEN r.as_drawn THEN {0} ELSE p.length_m - {0} END)"
"""A chainage of the run as metres along the pipe as it is drawn."""


@dataclass(frozen=True, slots=True)
class InspectionFilter:
    """Which runs are asked for: in force only, the newest first."""

    first: date | None = None
    last: date | None = None
    method: str | None = None
    is_matched: bool | None = None
    code: str | None = None
    repair_class: str | None = None
    pipe: UUID | None = None
    unit: str | None = None


def _conditions(asked: InspectionFilter, parameters: Parameters) -> str:
    arms = {
        "first": "r.inspected_on >= %(first)s",
        "last": "r.inspected_on <= %(last)s",
        "method": "r.method = %(method)s",
        "is_matched": "(r.pipe_id IS NOT NULL) = %(is_matched)s",
        "code": f"EXISTS (SELECT 1 FROM {_SEEN} o WHERE o.inspection_id = r.id"
        " AND o.code = %(code)s)",
        "repair_class": "g.repair_class = %(repair_class)s",
        "pipe": "r.pipe_id = %(pipe)s",
        "unit": "r.unit = %(unit)s",
    }
    found = ["r.superseded_by IS NULL"]
    for name, arm in arms.items():
        if (value := getattr(asked, name)) is not None:
            parameters[name] = value
            found.append(arm)
    return " AND ".join(found)


def list_inspections(
    asked: InspectionFilter,
    *,
    limit: int,
    after: UUID | None = None,
    rules: str = RULES_IN_FORCE,
) -> Statement:
    """A page of runs with the grade in force: ``{"inspections": […]}``, one row more than asked."""
    parameters: Parameters = {"rules": rules, "limit": limit, "after": after}
    where = _conditions(asked, parameters)
    if after is not None:
        where += (
            " AND (r.inspected_on, r.id) <"
            f" (SELECT a.inspected_on, a.id FROM {_RUN} a WHERE a.id = %(after)s)"
        )
    return Statement(
        "SELECT json_build_object('inspections', coalesce(json_agg(row_to_json(q)"
        " ORDER BY q.inspected_on DESC, q.id DESC), '[]'))::text"
        f" FROM (SELECT {_BRIEF} {_FROM} WHERE {where}"
        " ORDER BY r.inspected_on DESC, r.id DESC LIMIT %(limit)s) q",
        parameters,
    )


def _feature() -> str:
    """One observation as a GeoJSON feature; without a pipe it has no geometry."""
    share = f"least(greatest({ALONG} / nullif(p.length_m, 0), 0), 1)"
    first, last = share.format("o.chainage_m"), share.format("coalesce(o.end_m, o.chainage_m)")
    place = (
        "CASE WHEN r.as_drawn IS NULL THEN NULL"
        f" WHEN o.end_m IS NULL THEN ST_LineInterpolatePoint(p.geometry_3857, {first})"
        " ELSE ST_LineSubstring(p.geometry_3857,"
        f" least({first}, {last}), greatest({first}, {last})) END"
    )
    drawn = f"ST_AsGeoJSON(ST_Transform({place}, {STORAGE_SRID}), 7, 0)::json"
    return (
        f"json_build_object('type', 'Feature', 'geometry', {drawn},"
        " 'properties', json_build_object('inspection', o.inspection_id, 'number', o.number,"
        " 'chainage_m', o.chainage_m, 'end_m', o.end_m, 'code', o.code, 'grade', o.grade,"
        " 'clock', o.clock, 'description', o.description, 'photo', o.photo,"
        f" 'along_m', round({ALONG.format('o.chainage_m')}::numeric, 3),"
        " 'beyond_pipe', o.chainage_m > p.length_m))"
    )


def _features(run: str) -> str:
    return (
        "json_build_object('type', 'FeatureCollection', 'features', coalesce((SELECT"
        f" json_agg({_feature()} ORDER BY o.number) FROM {_SEEN} o"
        f" WHERE o.inspection_id = {run}), '[]'))"
    )


def one_inspection(identifier: UUID, *, rules: str = RULES_IN_FORCE) -> Statement:
    """A run with its head, observations as GeoJSON and every grade; no row where there is none."""
    return Statement(
        f"SELECT row_to_json(q)::text FROM (SELECT {_BRIEF}, r.operator, r.material, r.importance,"
        " r.soil, r.claimed_ri, r.claimed_mi, r.source, r.raw, r.as_drawn, r.superseded_by,"
        " r.recorded_at, r.recorded_by, g.inputs,"
        f" {_features('r.id')} AS observations,"
        " coalesce((SELECT json_agg(json_build_object('rules', h.rule_version, 'number', h.number,"
        " 'computed_at', h.computed_at, 'condition', h.condition)"
        f" ORDER BY h.rule_version, h.number) FROM {_GRADE} h WHERE h.inspection_id = r.id), '[]')"
        f" AS grades {_FROM} WHERE r.id = %(id)s) q",
        {"id": identifier, "rules": rules},
    )


def pipe_condition(
    identifier: UUID, *, on: date | None = None, rules: str = RULES_IN_FORCE
) -> Statement:
    """A pipe's latest grade, its history and the latest run's defects; no row without the pipe.

    ``on`` leaves out what was inspected later.
    """
    parameters: Parameters = {"pipe": identifier, "rules": rules, "on": on}
    runs = (
        f"SELECT {_BRIEF} {_FROM} WHERE r.pipe_id = %(pipe)s AND r.superseded_by IS NULL"
        " AND (%(on)s::date IS NULL OR r.inspected_on <= %(on)s::date)"
        " ORDER BY r.inspected_on DESC, r.id DESC"
    )
    return Statement(
        f"WITH run AS MATERIALIZED ({runs}) SELECT json_build_object('pipe',"
        " json_build_object('id', p.id, 'code', p.code, 'system', p.system, 'material', p.material,"
        " 'diameter_mm', p.diameter_mm, 'length_m', p.length_m, 'road', p.road),"
        " 'latest', (SELECT row_to_json(run) FROM run LIMIT 1),"
        " 'history', coalesce((SELECT json_agg(row_to_json(run)) FROM run), '[]'),"
        " 'defects', (SELECT json_build_object('type', 'FeatureCollection', 'features',"
        f" coalesce(json_agg({_feature()} ORDER BY o.number), '[]')) FROM {_SEEN} o"
        f" JOIN {_RUN} r ON r.id = o.inspection_id WHERE r.id = (SELECT id FROM run LIMIT 1))"
        f")::text FROM {_PIPE} p WHERE p.id = %(pipe)s",
        parameters,
    )


LATEST_RUN = (
    f"SELECT DISTINCT ON (r.pipe_id) r.* FROM {_RUN} r WHERE r.superseded_by IS NULL"
    " AND r.pipe_id IS NOT NULL AND (%(pipes)s::uuid[] IS NULL OR r.pipe_id = ANY(%(pipes)s))"
    " AND (%(on)s::date IS NULL OR r.inspected_on <= %(on)s::date)"
    " ORDER BY r.pipe_id, r.inspected_on DESC, r.id DESC"
)
"""The latest run of each pipe (all, or these) up to a day (or to now)."""


def latest_classes(*, on: date | None = None, rules: str = RULES_IN_FORCE) -> Statement:
    """``{pipe id: [repair class, maintenance class, day of inspection]}`` of every inspected pipe.

    The classes are null where its latest run has no grade. A map colours its pipes by it.
    """
    return Statement(
        f"WITH r AS MATERIALIZED ({LATEST_RUN}) SELECT coalesce(json_object_agg(r.pipe_id,"
        " json_build_array(g.repair_class, g.maintenance_class, r.inspected_on)), '{}')::text"
        f" FROM r {GRADE_IN_FORCE}",
        {"pipes": None, "on": on, "rules": rules},
    )


def join_pipe(as_of: datetime | None, parameters: Parameters) -> str:
    """Joins the pipe ``p`` of a run ``r`` (length and diameter), now or as it was at a moment."""
    clause = source_clause("sewer_pipe", Filter(as_of=as_of), parameters)
    return (
        f"JOIN LATERAL (SELECT f.length_m, f.diameter_mm {clause} AND f.id = r.pipe_id LIMIT 1) p"
        " ON true"
    )


def defects_along(
    pipes: Sequence[UUID], *, on: date | None = None, as_of: datetime | None = None
) -> Statement:
    """Rows (JSON) of the latest run's observations: ``pipe_id``, ``along_m``, ``along_end_m``,
    ``code``, ``grade``, metres along the pipe as it is drawn, as a profile places them.

    ``on`` leaves out what was inspected later, ``as_of`` measures along the pipe of a moment.
    """
    parameters: Parameters = {"pipes": list(pipes), "on": on}
    return Statement(
        f"WITH r AS MATERIALIZED ({LATEST_RUN}) SELECT json_build_object('pipe_id', r.pipe_id,"
        f" 'along_m', {ALONG.format('o.chainage_m')}, 'along_end_m',"
        f" {ALONG.format('o.end_m')}, 'code', o.code, 'grade', o.grade)"
        f" FROM r {join_pipe(as_of, parameters)} JOIN {_SEEN} o ON o.inspection_id = r.id"
        " ORDER BY r.pipe_id, o.number",
        parameters,
    )


def inspections_version() -> Statement:
    """Two numbers that change with every run that is recorded or finds its pipe."""
    return Statement(f"SELECT count(*), count(pipe_id) FROM {_RUN}", {})
