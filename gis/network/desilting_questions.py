"""Questions about the desilting ledger, each one statement that answers in JSON text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import orjson

from gis.db.tables import CORE
from gis.network.desilting_flags import FACTS, JUDGED, explain_flags, judging
from gis.network.desilting_rules import DesiltingRules
from gis.queries import Parameters, Statement

_JOB, _REPLY = f"{CORE}.desilting_job", f"{CORE}.desilting_reply"
_ROW = (
    "q.id, q.version, q.number, q.pipe_id, q.pipe_code, q.system, q.township, q.road, q.began_on,"
    " q.done_on, CASE WHEN q.done_on IS NULL THEN 'under_way' ELSE 'completed' END AS state,"
    " q.length_m, round(q.pipe_length_m::numeric, 2)::float8 AS pipe_length_m, q.method, q.unit,"
    " q.claimed, q.basis, q.rule_version, q.factor, q.volume_m3, q.before_sha256, q.after_sha256,"
    " q.note, q.recorded_at, q.recorded_by, q.flags,"
    f" (SELECT count(*) FROM {_REPLY} a WHERE a.job_id = q.id) AS replies,"
    f" json_build_object({FACTS}) AS facts"
)


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs are asked for. ``flag`` may be ``any`` or ``none``."""

    first: date | None = None
    last: date | None = None
    state: str | None = None
    flag: str | None = None
    pipe: UUID | None = None
    unit: str | None = None
    township: str | None = None
    system: str | None = None


def _conditions(asked: JobFilter, parameters: Parameters) -> str:
    arms = {
        "first": "coalesce(q.done_on, q.began_on) >= %(first)s",
        "last": "q.began_on <= %(last)s",
        "state": "(q.done_on IS NULL) = (%(state)s = 'under_way')",
        "flag": "CASE %(flag)s::text WHEN 'any' THEN q.flags <> '{}' WHEN 'none'"
        " THEN q.flags = '{}' ELSE %(flag)s = ANY(q.flags) END",
        "pipe": "q.pipe_id = %(pipe)s",
        "unit": "q.unit = %(unit)s",
        "township": "q.township = %(township)s",
        "system": "q.system = %(system)s",
    }
    found = ["true"]
    for name, arm in arms.items():
        if (value := getattr(asked, name)) is not None:
            parameters[name] = value
            found.append(arm)
    return " AND ".join(found)


def list_jobs(
    asked: JobFilter, rules: DesiltingRules, *, limit: int, after: UUID | None = None
) -> Statement:
    """A page of jobs with their flags, the latest begun first: ``{"jobs": […], "sums": {…}}``.

    One job more than asked tells that there are more. ``sums`` are over all that match.
    """
    parameters: Parameters = {**judging(rules), "limit": limit, "after": after}
    where = _conditions(asked, parameters)
    behind = (
        f"(SELECT a.began_on FROM {_JOB} a WHERE a.id = %(after)s ORDER BY a.version DESC LIMIT 1)"
    )
    return Statement(
        f"WITH {JUDGED}, matching AS MATERIALIZED (SELECT q.* FROM judged q WHERE {where}),"
        f" page AS (SELECT {_ROW} FROM matching q WHERE %(after)s::uuid IS NULL"
        f" OR (q.began_on, q.id) < ({behind}, %(after)s::uuid)"
        " ORDER BY q.began_on DESC, q.id DESC LIMIT %(limit)s)"
        " SELECT json_build_object('jobs', coalesce((SELECT json_agg(row_to_json(page)"
        " ORDER BY began_on DESC, id DESC) FROM page), '[]'),"
        " 'sums', (SELECT json_build_object('jobs', count(*), 'length_m', sum(length_m),"
        " 'volume_m3', sum(volume_m3), 'flagged', count(*) FILTER (WHERE flags <> '{}'),"
        " 'flagged_m3', sum(volume_m3) FILTER (WHERE flags <> '{}')) FROM matching))::text",
        parameters,
    )


def one_job(identifier: UUID, rules: DesiltingRules) -> Statement:
    """A job with its flags, all its versions and replies; ``job`` is null once withdrawn.

    One row, NULL for no such job.
    """
    return Statement(
        f"WITH {JUDGED}, row AS (SELECT {_ROW} FROM judged q WHERE q.id = %(id)s)"
        " SELECT json_build_object('id', %(id)s::uuid, 'job', (SELECT row_to_json(row) FROM row),"
        f" 'versions', (SELECT json_agg(row_to_json(j) ORDER BY j.version DESC) FROM {_JOB} j"
        " WHERE j.id = %(id)s),"
        " 'replies', coalesce((SELECT json_agg(row_to_json(a) ORDER BY a.recorded_at, a.id)"
        f" FROM {_REPLY} a WHERE a.job_id = %(id)s), '[]'))::text"
        f" WHERE EXISTS (SELECT 1 FROM {_JOB} j WHERE j.id = %(id)s)",
        {**judging(rules), "id": identifier},
    )


def read_jobs(content: str, rules: DesiltingRules) -> dict[str, Any]:  # Any: JSON
    """The answer of :func:`list_jobs`, its flags in words."""
    document: dict[str, Any] = orjson.loads(content)  # Any: JSON
    document["jobs"] = [_in_words(job, rules) for job in document["jobs"]]
    return document


def read_job(content: str, rules: DesiltingRules) -> dict[str, Any]:  # Any: JSON
    """The answer of :func:`one_job`, its flags in words."""
    document: dict[str, Any] = orjson.loads(content)  # Any: JSON
    if document["job"] is not None:
        document["job"] = _in_words(document["job"], rules)
    return document


def _in_words(job: Mapping[str, Any], rules: DesiltingRules) -> dict[str, Any]:  # Any: JSON
    return {**job, "flags": explain_flags(job, rules)}


def describe_rules(rules: DesiltingRules) -> dict[str, Any]:  # Any: JSON
    """What the figures rest on, and that nobody read it in a printed standard."""
    return {
        "version": rules.version,
        "mark": rules.mark,
        "conversion": {
            basis: {
                "m3_per_unit": c.m3_per_unit,
                "title": c.title.text.as_dict(),
                "how": c.how.text.as_dict(),
            }
            for basis, c in rules.conversion.items()
        },
        "cycle_months": dict(rules.cycle_months),
        "flags": {f.id: {"severity": f.severity, **f.title.text.as_dict()} for f in rules.flag},
    }
