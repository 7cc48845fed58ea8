"""Inspections into the database: recorded as delivered, matched to pipes, graded.

Everything is set-wise: a thousand runs are as many statements as one. Nothing is overwritten: a
corrected delivery supersedes the earlier run and leaves it there, a grade is appended.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection, text

from gis.db.tables import CORE
from gis.network.condition import Run, Seen
from gis.network.condition_result import Condition, grade_runs
from gis.network.condition_rules import RULES_IN_FORCE, load_rules
from gis.store import make_ids

RUN, OBSERVATION, GRADE = (
    f"{CORE}.{table}" for table in ("pipe_inspection", "pipe_observation", "pipe_grade")
)
VIDEO_CHARACTERS = 120
"""Of a video's name that tell runs apart: an index takes no key without an end."""
_LOCK = 7261018
"""Advisory lock: two deliveries of the same runs are recorded one after the other."""


@dataclass(frozen=True, slots=True)
class Observation:
    """Something seen at a chainage (metres from the run's start); ``raw`` as delivered."""

    chainage_m: float
    code: str
    grade: int | None = None
    end_m: float | None = None
    clock: str | None = None
    description: str | None = None
    photo: str | None = None
    raw: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Inspection:
    """One run as delivered; lengths in metres, the diameter in millimetres."""

    from_code: str
    to_code: str
    inspected_on: date
    method: str = "cctv"
    direction: str | None = None
    unit: str | None = None
    operator: str | None = None
    video: str | None = None
    place: str | None = None
    pipe_length_m: float | None = None
    inspected_length_m: float | None = None
    diameter_mm: float | None = None
    material: str | None = None
    importance: str | None = None
    soil: str | None = None
    claimed_ri: float | None = None
    claimed_mi: float | None = None
    raw: Mapping[str, str] = field(default_factory=dict)
    observations: tuple[Observation, ...] = ()

    @property
    def run_key(self) -> str:
        """What makes two deliveries the same run: manholes, day, method, direction, video."""
        video = (self.video or "")[:VIDEO_CHARACTERS]
        parts = (self.from_code, self.to_code, self.inspected_on.isoformat(), self.method,
                 self.direction or "", video)  # fmt: skip
        return json.dumps(parts, ensure_ascii=False)

    def as_run(self) -> Run:
        """The part a grade is computed from."""
        seen = tuple(Seen(o.chainage_m, o.code, o.grade, o.end_m) for o in self.observations)
        return Run(self.pipe_length_m, self.diameter_mm, self.importance, self.soil, seen)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What recording did, and the ids in force of what was given, in order."""

    added: int
    superseded: int
    unchanged: int
    ids: tuple[UUID, ...]


_NEW = f"""
WITH given AS (
  SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS g(id uuid, run_key text, content text)
), old AS (
  SELECT g.*, r.id AS old_id, r.content_sha256 = g.content AS is_same
    FROM given g LEFT JOIN {RUN} r ON r.run_key = g.run_key AND r.superseded_by IS NULL
), moved AS (
  UPDATE {RUN} r SET superseded_by = o.id FROM old o WHERE r.id = o.old_id AND NOT o.is_same
)
SELECT CASE WHEN is_same THEN old_id ELSE id END AS id, old_id IS NULL AS is_added,
       coalesce(is_same, false) AS is_same, run_key FROM old
"""

_RUN_COLUMNS = (
    *("id uuid", "run_key text", "method text", "direction text", "from_code text"),
    *("to_code text", "inspected_on date", "unit text", "operator text", "video text"),
    *("place text", "pipe_length_m float8", "inspected_length_m float8", "diameter_mm float8"),
    *("material text", "importance text", "soil text", "claimed_ri float8", "claimed_mi float8"),
    *("source text", "raw jsonb", "content_sha256 text"),
)
_OBSERVATION_COLUMNS = (
    *("inspection_id uuid", "number int4", "chainage_m float8", "end_m float8", "code text"),
    *("grade int2", "clock text", "description text", "photo text", "raw jsonb"),
)
_GRADE_COLUMNS = (
    *("inspection_id uuid", "rule_version text", "inputs jsonb", "condition jsonb", "f float8"),
    *("g float8", "ri float8", "mi float8", "structural_grade text", "functional_grade text"),
    *("repair_class text", "maintenance_class text", "repair_method text"),
)


def record_inspections(
    connection: Connection, inspections: Sequence[Inspection], *, source: str
) -> Recorded:
    """Write runs with their observations; the same delivery again changes nothing.

    ``source`` names the file. Of runs given twice the last one counts. A run whose content
    differs from the one in force supersedes it.
    """
    given = {i.run_key: i for i in inspections}
    ids = dict(zip(given, map(UUID, make_ids(len(given))), strict=True))
    contents = {key: _digest(inspection) for key, inspection in given.items()}
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    asked = [{"id": ids[k], "run_key": k, "content": contents[k]} for k in given]
    found = connection.execute(text(_NEW), {"rows": _dump(asked)}).all()
    in_force = {row.run_key: row.id for row in found}
    new = [row.run_key for row in found if not row.is_same]
    runs = [_run_row(given[k], ids[k], contents[k], source) for k in new]
    seen = [row for k in new for row in _observation_rows(given[k], ids[k])]
    _insert(connection, RUN, _RUN_COLUMNS, runs)
    _insert(connection, OBSERVATION, _OBSERVATION_COLUMNS, seen)
    added = sum(row.is_added for row in found)
    return Recorded(
        added=added,
        superseded=len(new) - added,
        unchanged=len(found) - len(new),
        ids=tuple(in_force[k] for k in given),
    )


def _dump(rows: object) -> str:
    return orjson.dumps(rows, default=str).decode()


def _digest(inspection: Inspection) -> str:
    content = orjson.dumps(asdict(inspection), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(content).hexdigest()


def _run_row(
    inspection: Inspection, identifier: UUID, content: str, source: str
) -> dict[str, Any]:  # Any: JSON
    row = asdict(inspection)
    del row["observations"]
    return row | {
        "id": identifier,
        "run_key": inspection.run_key,
        "source": source,
        "content_sha256": content,
    }


def _observation_rows(
    inspection: Inspection, identifier: UUID
) -> list[dict[str, Any]]:  # Any: JSON
    return [
        asdict(seen) | {"inspection_id": identifier, "number": number}
        for number, seen in enumerate(inspection.observations, 1)
    ]


def _insert(
    connection: Connection,
    table: str,
    columns: Sequence[str],
    rows: Sequence[Mapping[str, Any]],  # Any: JSON
) -> None:
    if not rows:
        return
    names = ", ".join(column.split()[0] for column in columns)
    connection.execute(
        text(
            f"INSERT INTO {table} ({names}) SELECT {names} FROM"
            f" jsonb_to_recordset(CAST(:rows AS jsonb)) AS r({', '.join(columns)})"
        ),
        {"rows": _dump(rows)},
    )


_MATCH = f"""
WITH candidate AS (
  SELECT r.id, p.id AS pipe_id, true AS as_drawn, p.diameter_mm = r.diameter_mm AS is_same
    FROM {RUN} r JOIN {CORE}.sewer_pipe p ON p.up_node = r.from_code AND p.down_node = r.to_code
   WHERE r.pipe_id IS NULL AND p.service_state IS DISTINCT FROM 'removed'
  UNION ALL
  SELECT r.id, p.id, false, p.diameter_mm = r.diameter_mm
    FROM {RUN} r JOIN {CORE}.sewer_pipe p ON p.up_node = r.to_code AND p.down_node = r.from_code
   WHERE r.pipe_id IS NULL AND p.service_state IS DISTINCT FROM 'removed'
     AND r.from_code <> r.to_code
), counted AS (
  SELECT c.*, count(*) OVER each AS n, count(*) FILTER (WHERE is_same) OVER each AS n_same
    FROM candidate c WINDOW each AS (PARTITION BY id)
)
UPDATE {RUN} r SET pipe_id = c.pipe_id, as_drawn = c.as_drawn
  FROM counted c WHERE r.id = c.id AND (c.n = 1 OR (c.n_same = 1 AND c.is_same))
RETURNING r.id
"""


def match_inspections(connection: Connection) -> tuple[UUID, ...]:
    """Give runs that wait for it the one pipe between their manholes; the runs that found theirs.

    Where several pipes lie between them, the one of the run's diameter; else the run waits on.
    The database does the same when pipes are written (``core.match_inspections``).
    """
    return tuple(connection.execute(text(_MATCH)).scalars())


# What the run says counts; the pipe's own figures stand in for what it does not say.
_INPUTS = f"""
SELECT r.id, json_build_object(
         'length_m', coalesce(r.pipe_length_m, p.length_m),
         'diameter_mm', coalesce(r.diameter_mm, p.diameter_mm),
         'importance', r.importance, 'soil', r.soil,
         'seen', coalesce((SELECT json_agg(json_build_array(o.chainage_m, o.code, o.grade, o.end_m)
                                  ORDER BY o.number)
                             FROM {OBSERVATION} o WHERE o.inspection_id = r.id), '[]')) AS inputs,
       last.inputs AS before, coalesce(last.number, 0) AS number
  FROM {RUN} r LEFT JOIN {CORE}.sewer_pipe p ON p.id = r.pipe_id
  LEFT JOIN LATERAL (SELECT g.inputs, g.number FROM {GRADE} g WHERE g.inspection_id = r.id
     AND g.rule_version = :version ORDER BY g.number DESC LIMIT 1) last ON true
 WHERE r.superseded_by IS NULL AND (CAST(:ids AS uuid[]) IS NULL OR r.id = ANY (:ids))
"""


def grade_inspections(
    connection: Connection, ids: Sequence[UUID] | None = None, *, version: str = RULES_IN_FORCE
) -> int:
    """Grade the runs (all in force, or these) by a rule version; how many grades were appended.

    A run whose last grade of that version was computed from the same inputs keeps it; grades of
    other versions are never touched.
    """
    rules = load_rules(version)
    asked = {"version": version, "ids": None if ids is None else list(ids)}
    rows = [r for r in connection.execute(text(_INPUTS), asked) if r.inputs != r.before]
    graded = grade_runs([read_inputs(row.inputs) for row in rows], rules)
    values = [
        _grade_row(row.id, row.inputs, condition) | {"number": row.number + 1}
        for row, condition in zip(rows, graded, strict=True)
    ]
    _insert(connection, GRADE, (*_GRADE_COLUMNS, "number int4"), values)
    return len(values)


def read_inputs(inputs: Mapping[str, Any]) -> Run:  # Any: JSON
    """The run a stored grade was computed from."""
    return Run(
        length_m=inputs["length_m"],
        diameter_mm=inputs["diameter_mm"],
        importance=inputs["importance"],
        soil=inputs["soil"],
        seen=tuple(Seen(*seen) for seen in inputs["seen"]),
    )


def _grade_row(
    identifier: UUID,
    inputs: Mapping[str, Any],
    condition: Condition,  # Any: JSON
) -> dict[str, Any]:  # Any: JSON
    return {
        "inspection_id": identifier,
        "rule_version": condition.rules,
        "inputs": inputs,
        "condition": condition.as_document(),
        "f": condition.structural.parameter,
        "g": condition.functional.parameter,
        "ri": condition.repair.value,
        "mi": condition.maintenance.value,
        "structural_grade": condition.structural.grade,
        "functional_grade": condition.functional.grade,
        "repair_class": condition.repair.name,
        "maintenance_class": condition.maintenance.name,
        "repair_method": condition.method,
    }
