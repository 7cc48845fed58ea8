"""Upkeep of inspections: runs that found their pipe after they were graded are graded by it.

A trigger of pipes matches runs that wait for one, and rules are not computed in the database: so
a job looks for them every hour.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import Connection, text

from gis.db.roles import Pool
from gis.db.tables import CORE
from gis.jobs.worker import Task, Work
from gis.network.condition_rules import RULES_IN_FORCE
from gis.network.inspections import GRADE, RUN, grade_inspections

_LEFT_BEHIND = text(
    f"SELECT r.id FROM {RUN} r JOIN {CORE}.sewer_pipe p ON p.id = r.pipe_id"
    f" LEFT JOIN LATERAL (SELECT g.inputs FROM {GRADE} g WHERE g.inspection_id = r.id"
    " AND g.rule_version = :version ORDER BY g.number DESC LIMIT 1) g ON true"
    " WHERE r.superseded_by IS NULL AND (g.inputs IS NULL"
    " OR nullif(g.inputs -> 'length_m', 'null') IS DISTINCT FROM"
    " to_jsonb(coalesce(r.pipe_length_m, p.length_m))"
    " OR nullif(g.inputs -> 'diameter_mm', 'null') IS DISTINCT FROM"
    " to_jsonb(coalesce(r.diameter_mm, p.diameter_mm)))"
)


def find_left_behind(connection: Connection, *, version: str = RULES_IN_FORCE) -> list[UUID]:
    """Runs in force whose pipe gives another length or diameter than they were graded by."""
    return list(connection.execute(_LEFT_BEHIND, {"version": version}).scalars())


def grade_left_behind(connection: Connection) -> int:
    """Grade them; how many grades were appended."""
    runs = find_left_behind(connection)
    return grade_inspections(connection, runs) if runs else 0


def _run(work: Work) -> Mapping[str, object]:
    with work.db.write(actor=Pool.JOBS.role, reason="grade", pool=Pool.JOBS) as connection:
        return {"graded": grade_left_behind(connection)}


TASKS = (Task("grade_inspections", _run, cron="17 * * * *"),)
