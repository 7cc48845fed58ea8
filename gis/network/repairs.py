"""What to repair and to clean first, with quantities by diameter and method."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson

from gis.attributes import Text
from gis.db.tables import CORE
from gis.network.condition_rules import RULES_IN_FORCE
from gis.network.inspection_questions import GRADE_IN_FORCE
from gis.queries import Parameters, Statement

METHODS = {
    "local": Text(zh="局部修复", en="Local repair"),
    "whole": Text(zh="整体修复", en="Whole length"),
    "undecided": Text(zh="待定", en="To be decided"),
    "none": Text(zh="不修复", en="No repair"),
    "cleaning": Text(zh="清疏养护", en="Cleaning"),
}
"""Method classes of the quantities."""


@dataclass(frozen=True, slots=True)
class RepairFilter:
    """Which pipes: by the latest inspection up to a day, of a system, along a road."""

    on: date | None = None
    system: str | None = None
    road: str | None = None


# The latest run of each pipe; of a pair of manholes where no pipe is known yet.
_LATEST = (
    "SELECT DISTINCT ON (coalesce(r.pipe_id::text, least(r.from_code, r.to_code) || chr(31) ||"
    f" greatest(r.from_code, r.to_code))) r.* FROM {CORE}.pipe_inspection r"
    " WHERE r.superseded_by IS NULL"
    " AND (%(on)s::date IS NULL OR r.inspected_on <= %(on)s::date)"
    " ORDER BY coalesce(r.pipe_id::text, least(r.from_code, r.to_code) || chr(31) ||"
    " greatest(r.from_code, r.to_code)), r.inspected_on DESC, r.id DESC"
)
_ROW = (
    "r.id AS inspection, r.pipe_id, p.code AS pipe_code, r.from_code, r.to_code, p.road, p.system,"
    " coalesce(p.diameter_mm, r.diameter_mm) AS diameter_mm,"
    " coalesce(p.material, r.material) AS material,"
    " round(coalesce(p.length_m, r.pipe_length_m)::numeric, 2)::float8 AS length_m,"
    " r.inspected_on, g.f, g.structural_grade, g.ri, g.repair_class, g.repair_method,"
    " (g.condition #>> '{repair,most}')::float8 AS ri_most,"
    " (g.condition #>> '{structural,density}')::float8 AS structural_density,"
    " (g.condition #>> '{structural,n_apart}')::int + (g.condition #>> '{structural,n_near}')::int"
    " AS places, g.g, g.functional_grade, g.mi, g.maintenance_class,"
    " g.condition -> 'not_known' AS not_known"
)


def repairs_question(asked: RepairFilter, *, rules: str = RULES_IN_FORCE) -> Statement:
    """The list and the quantities as one JSON document, the most urgent first.

    A pipe is on it whose repair or maintenance class is above Ⅰ. Quantities: pipes, metres and
    (for local repair) places of defects, by method and diameter.
    """
    parameters: Parameters = {
        "rules": rules, "on": asked.on, "system": asked.system, "road": asked.road,
    }  # fmt: skip
    return Statement(
        f"WITH latest AS MATERIALIZED ({_LATEST}), row AS MATERIALIZED (SELECT {_ROW}"
        f" FROM latest r LEFT JOIN {CORE}.sewer_pipe p ON p.id = r.pipe_id {GRADE_IN_FORCE}"
        " WHERE g.number IS NOT NULL AND (g.repair_class <> 'Ⅰ' OR g.maintenance_class <> 'Ⅰ')"
        " AND (%(system)s::text IS NULL OR p.system = %(system)s)"
        " AND (%(road)s::text IS NULL OR p.road = %(road)s)),"
        " work AS (SELECT repair_method AS method, * FROM row WHERE repair_method <> 'none'"
        " UNION ALL SELECT 'cleaning', * FROM row WHERE maintenance_class <> 'Ⅰ'),"
        " quantity AS (SELECT method, diameter_mm, count(*) AS pipes,"
        " round(sum(length_m)::numeric, 2)::float8 AS length_m,"
        " sum(CASE WHEN method = 'local' THEN places END) AS places"
        " FROM work GROUP BY method, diameter_mm)"
        " SELECT json_build_object('pipes', coalesce((SELECT json_agg(row_to_json(row)"
        " ORDER BY greatest(ri, mi) DESC, ri DESC, mi DESC, inspection) FROM row), '[]'),"
        " 'quantities', coalesce((SELECT json_agg(row_to_json(quantity)"
        " ORDER BY method, diameter_mm NULLS LAST) FROM quantity), '[]'))::text",
        parameters,
    )


def read_document(content: str) -> dict[str, Any]:  # Any: JSON
    """The answer of :func:`repairs_question`."""
    document: dict[str, Any] = orjson.loads(content)  # Any: JSON
    return document
