"""Progress of sewer works in km and m³: the bureau's monthly grid, as of any day, and its rows.

Six activities x {completed, under way} x {storm, sanitary, combined}. Each metre of pipe counts
once in a cycle: the counted metres of the works on a pipe within one cycle add up to its length
at most, in the order they were completed. Cycles are fixed spans of months, so that the grids of
twelve months add up to that of the year. Volumes are of every job: silt is not counted once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

import orjson

from gis.attributes import Text
from gis.db.tables import CORE, HISTORY
from gis.network.desilting_flags import JUDGED, RUN_IN_FORCE, judging
from gis.network.desilting_rules import DesiltingRules
from gis.queries import Filter, Parameters, Statement, source_clause

ACTIVITIES: Mapping[str, Text] = MappingProxyType(
    {
        "survey": Text(zh="测绘", en="Survey"),
        "inspection": Text(zh="检测", en="Inspection"),
        "desilting": Text(zh="清淤", en="Desilting"),
        "repair": Text(zh="修复", en="Repair"),
        "laying": Text(zh="敷设", en="Laying"),
        "separation": Text(zh="雨污分流", en="Separation"),
    }
)
STATES: Mapping[str, Text] = MappingProxyType(
    {
        "completed": Text(zh="已完工", en="Completed"),
        "under_way": Text(zh="正在开展", en="Under way"),
    }
)
SYSTEMS: Mapping[str, Text] = MappingProxyType(
    {
        "storm": Text(zh="雨水", en="Storm"),
        "sanitary": Text(zh="污水", en="Sanitary"),
        "combined": Text(zh="合流", en="Combined"),
        "unknown": Text(zh="未关联管段", en="No pipe known"),
    }
)
BASIS: Mapping[str, Text] = MappingProxyType(
    {
        "survey": Text(
            zh="管段的普查日期;进行中的普查不按管段登记",
            en="a pipe's day of survey; surveys under way are not recorded by pipe",
        ),
        "inspection": Text(
            zh="检测记录的检测长度;进行中的检测不登记",
            en="length inspected by the runs in force; runs under way are not recorded",
        ),
        "desilting": Text(zh="清淤台账", en="the desilting ledger"),
        "repair": Text(
            zh="管段的更新改造日期,以及项目对既有管段的施工(按项目完工日期)",
            en="a pipe's day of renewal, and works of projects on existing pipes (completed on the"
            " project's day of completion)",
        ),
        "laying": Text(
            zh="管段的开工、完工日期;未填时取建设进度变化的日期",
            en="a pipe's days of start and completion; where missing, the day its progress changed",
        ),
        "separation": Text(
            zh="名称含“雨污分流”“清污分流”的项目所建的雨水、污水管段",
            en="storm and sanitary pipes of projects whose name speaks of separation",
        ),
    }
)
"""Where the figures of each activity come from."""


@dataclass(frozen=True, slots=True)
class ProgressFilter:
    """Period (days, both included) and area of a grid.

    ``as_of`` is the end of a day: pipes and projects are read as they were then. ``known_at``
    reads what had been recorded by then. ``last`` bounds what was done, and what was under way.
    """

    first: date
    last: date
    township: str | None = None
    as_of: datetime | None = None
    known_at: datetime | None = None


_PIPE_COLUMNS = (
    "f.id, f.code, f.system, f.township, f.road, f.length_m, f.surveyed_on, f.renewed_on,"
    " f.started_on, f.completed_on, f.project_code"
)
_UNDER_WAY = "{0} <= %(last)s AND coalesce({1} > %(last)s, true)"
# Days of pipes that have none, from the assertions that changed their progress.
_TURNED = f"""
SELECT h.id, min(d.day) FILTER (WHERE h.progress IN ('completed', 'accepted')) AS completed_on,
       min(d.day) FILTER (WHERE h.progress = 'under_construction') AS started_on
  FROM {HISTORY}.sewer_pipe h JOIN pipe p ON p.id = h.id
  CROSS JOIN LATERAL (SELECT (lower(h.valid) AT TIME ZONE 'Asia/Shanghai')::date AS day) d
 WHERE p.completed_on IS NULL AND NOT h.deleted
   AND (%(as_of)s::timestamptz IS NULL OR lower(h.valid) <= %(as_of)s)
   AND (%(known_at)s::timestamptz IS NULL OR h.recorded_at <= %(known_at)s)
 GROUP BY h.id
HAVING bool_or(h.progress IN ('planned', 'designed', 'under_construction'))
"""
_WORKS = f"""
laid AS MATERIALIZED (
  SELECT p.id, p.system, p.project_code, p.length_m, coalesce(p.started_on, t.started_on) AS began,
         coalesce(p.completed_on, t.completed_on) AS done
    FROM pipe p LEFT JOIN turned t ON t.id = p.id
), lain AS (
  SELECT l.*, 'completed' AS state, l.done AS day FROM laid l WHERE l.done <= %(last)s
  UNION ALL
  SELECT l.*, 'under_way', l.began FROM laid l WHERE {_UNDER_WAY.format("l.began", "l.done")}
), separating AS MATERIALIZED (
  SELECT l.id FROM laid l JOIN project r ON r.code = l.project_code AND r.separates
  UNION SELECT a.asset_id FROM {CORE}.project_asset a JOIN project r ON r.id = a.project_id
   WHERE r.separates AND a.work = 'new'
), repaired AS (
  SELECT a.asset_id AS pipe_id, r.id, r.started_on AS began,
         CASE WHEN a.progress IN ('completed', 'accepted') THEN r.completed_on END AS done
    FROM {CORE}.project_asset a JOIN project r ON r.id = a.project_id
    JOIN pipe p ON p.id = a.asset_id
   WHERE a.work <> 'new' AND coalesce(a.progress, '') NOT IN ('planned', 'designed')
), work (activity, record, row_id, pipe_id, state, day, length_m, volume_m3, flags) AS (
  SELECT 'survey', 'sewer_pipe', p.id, p.id, 'completed', p.surveyed_on, p.length_m,
         NULL::numeric, NULL::text[] FROM pipe p WHERE p.surveyed_on <= %(last)s
  UNION ALL
  SELECT 'inspection', 'inspection', r.id, r.pipe_id, 'completed', r.inspected_on,
         coalesce(r.inspected_length_m, r.pipe_length_m, p.length_m), NULL, NULL
    FROM {CORE}.pipe_inspection r LEFT JOIN pipe p ON p.id = r.pipe_id
   WHERE r.inspected_on <= %(last)s AND {RUN_IN_FORCE}
  UNION ALL
  SELECT 'desilting', 'desilting', j.id, j.pipe_id,
         CASE WHEN j.done_on <= %(last)s THEN 'completed' ELSE 'under_way' END,
         CASE WHEN j.done_on <= %(last)s THEN j.done_on ELSE j.began_on END,
         j.length_m, CASE WHEN j.done_on <= %(last)s THEN j.volume_m3 END, j.flags
    FROM judged j WHERE j.began_on <= %(last)s
  UNION ALL
  SELECT 'repair', 'sewer_pipe', p.id, p.id, 'completed', p.renewed_on, p.length_m, NULL, NULL
    FROM pipe p WHERE p.renewed_on <= %(last)s
  UNION ALL
  SELECT 'repair', 'project', w.id, w.pipe_id,
         CASE WHEN w.done <= %(last)s THEN 'completed' ELSE 'under_way' END,
         CASE WHEN w.done <= %(last)s THEN w.done ELSE w.began END, p.length_m, NULL, NULL
    FROM repaired w JOIN pipe p ON p.id = w.pipe_id
   WHERE w.done <= %(last)s OR w.began <= %(last)s
  UNION ALL
  SELECT 'laying', 'sewer_pipe', l.id, l.id, l.state, l.day, l.length_m, NULL, NULL FROM lain l
  UNION ALL
  SELECT 'separation', 'sewer_pipe', l.id, l.id, l.state, l.day, l.length_m, NULL, NULL
    FROM lain l JOIN separating s ON s.id = l.id WHERE l.system IN ('storm', 'sanitary')
), cycled AS (
  SELECT w.*, p.code, coalesce(p.system, 'unknown') AS system, p.township, p.road,
         p.length_m AS pipe_length_m,
         sum(w.length_m) OVER (PARTITION BY w.activity, w.pipe_id,
           CASE WHEN w.pipe_id IS NULL THEN w.row_id END,
           div(extract(year FROM c.day) * 12 + extract(month FROM c.day) - 1,
             (%(cycles)s::jsonb ->> w.activity)::numeric)
           ORDER BY w.state, w.day, w.row_id ROWS UNBOUNDED PRECEDING) AS reached_m
    FROM work w LEFT JOIN pipe p ON p.id = w.pipe_id
    CROSS JOIN LATERAL (SELECT CASE w.state WHEN 'under_way' THEN %(last)s::date ELSE w.day END
      AS day) c
), counted AS MATERIALIZED (
  SELECT c.*, least(c.pipe_length_m, c.reached_m)
              - least(c.pipe_length_m, c.reached_m - c.length_m) AS counted_m
    FROM cycled c
   WHERE (c.state = 'under_way' OR c.day >= %(first)s)
     AND (%(township)s::text IS NULL OR c.township = %(township)s)
)"""


def _question(asked: ProgressFilter, rules: DesiltingRules) -> tuple[str, Parameters]:
    """CTEs up to ``counted``, and their parameters."""
    parameters: Parameters = {
        **judging(rules, known_at=asked.known_at),
        "first": asked.first,
        "last": asked.last,
        "township": asked.township,
        "as_of": asked.as_of,
        "cycles": orjson.dumps(dict(rules.cycle_months)).decode(),
        "words": [f"%{word}%" for word in rules.separation.words],
    }
    when = Filter(as_of=asked.as_of, known_at=asked.known_at)
    pipes = source_clause("sewer_pipe", when, parameters)
    projects = source_clause("project", when, parameters)
    # What is read as known then is also what was true then, unless another day is asked for.
    parameters |= {"as_of": asked.as_of or asked.known_at}
    return (
        f"WITH pipe AS MATERIALIZED (SELECT {_PIPE_COLUMNS} {pipes}),"
        " project AS MATERIALIZED (SELECT f.id, f.code, f.started_on, f.completed_on,"
        f" f.name LIKE ANY(%(words)s) AS separates {projects}),"
        f" turned AS MATERIALIZED ({_TURNED}), {JUDGED}, {_WORKS}"
    ), parameters


def progress_grid(asked: ProgressFilter, rules: DesiltingRules) -> Statement:
    """The grid's cells that are not empty, as a JSON array.

    ``counted_m``: metres, each once in a cycle; ``length_m``: of all works, repeats included;
    ``flagged_m3``: the part of ``volume_m3`` in jobs that need a look.
    """
    question, parameters = _question(asked, rules)
    return Statement(
        f"{question}, cell AS (SELECT activity, state, system, count(*) AS rows,"
        " count(DISTINCT pipe_id) AS pipes, round(sum(counted_m)::numeric, 3)::float8 AS counted_m,"
        " round(sum(length_m)::numeric, 3)::float8 AS length_m, sum(volume_m3) AS volume_m3,"
        " sum(volume_m3) FILTER (WHERE flags <> '{}') AS flagged_m3,"
        " count(*) FILTER (WHERE flags <> '{}') AS flagged"
        " FROM counted GROUP BY activity, state, system)"
        " SELECT coalesce(json_agg(row_to_json(cell) ORDER BY activity, state, system),"
        " '[]')::text FROM cell",
        parameters,
    )


def progress_rows(
    asked: ProgressFilter,
    rules: DesiltingRules,
    *,
    activity: str | None = None,
    state: str | None = None,
    system: str | None = None,
    limit: int,
    offset: int = 0,
) -> Statement:
    """The works behind a cell (None: all of them), the latest first, as a JSON array."""
    question, parameters = _question(asked, rules)
    parameters |= {
        "activity": activity, "state": state, "system": system, "limit": limit, "offset": offset,
    }  # fmt: skip
    return Statement(
        f"{question}, row AS (SELECT activity, state, system, record, row_id AS id, pipe_id,"
        " code AS pipe_code, township, road, day,"
        " round(pipe_length_m::numeric, 3)::float8 AS pipe_length_m,"
        " round(length_m::numeric, 3)::float8 AS length_m,"
        " round(counted_m::numeric, 3)::float8 AS counted_m, volume_m3, flags FROM counted"
        " WHERE (%(activity)s::text IS NULL OR activity = %(activity)s)"
        " AND (%(state)s::text IS NULL OR state = %(state)s)"
        " AND (%(system)s::text IS NULL OR system = %(system)s)"
        " ORDER BY activity, state, system, day DESC, pipe_code, row_id"
        " LIMIT %(limit)s OFFSET %(offset)s)"
        " SELECT coalesce(json_agg(row_to_json(row) ORDER BY activity, state, system, day DESC,"
        " pipe_code, id), '[]')::text FROM row",
        parameters,
    )


def describe_progress(asked: ProgressFilter, rules: DesiltingRules) -> dict[str, Any]:  # Any: JSON
    """Words and limits of a grid: what it covers, and what each activity's figures come from."""
    return {
        "from": asked.first.isoformat(),
        "to": asked.last.isoformat(),
        "township": asked.township,
        "as_of": None if asked.as_of is None else asked.as_of.isoformat(),
        "known_at": None if asked.known_at is None else asked.known_at.isoformat(),
        "rules": {"version": rules.version, "mark": rules.mark},
        "activities": {
            name: {
                **words.as_dict(),
                "basis": BASIS[name].as_dict(),
                "cycle_months": rules.cycle_months[name],  # type: ignore[index]  # keys are checked
            }
            for name, words in ACTIVITIES.items()
        },
        "states": {name: words.as_dict() for name, words in STATES.items()},
        "systems": {name: words.as_dict() for name, words in SYSTEMS.items()},
    }
