"""What needs a look about each desilting job, with its calculation: one statement over all jobs.

Nothing is stored and nothing is deleted: flags follow from the ledger, the inspections and the
pipes as they are known when asked. The silt before a job is that of the latest run of an earlier
day; one of the same day may have been after the job. What was claimed since that run is added up,
for the pipe held its silt only once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from gis.attributes import Text
from gis.db.tables import CORE
from gis.network.condition_rules import RULES_IN_FORCE
from gis.network.condition_rules import load_rules as load_condition_rules
from gis.network.desilting_rules import DesiltingRules
from gis.network.silt import DEPOSIT, silt_share
from gis.queries import Parameters

_JOB, _RUN, _SEEN, _PIPE, _BLOB = (
    f"{CORE}.{name}"
    for name in ("desilting_job", "pipe_inspection", "pipe_observation", "sewer_pipe", "blob")
)
_KNOWN = "(%(known_at)s::timestamptz IS NULL OR {0}.recorded_at <= %(known_at)s)"
RUN_IN_FORCE = (
    f"{_KNOWN.format('r')} AND (r.superseded_by IS NULL OR NOT EXISTS (SELECT 1 FROM {_RUN} n"
    f" WHERE n.id = r.superseded_by AND {_KNOWN.format('n')}))"
)
"""A run ``r`` that no other had superseded, as known at ``known_at`` (NULL: now)."""
_TOLERANCE = "(%(tolerance_m)s + %(tolerance_share)s * p.length_m)"
# A = D²/8 (θ - sin θ), θ = 2 arccos(1 - 2 share): the bottom of a circle filled to a share of it.
_AREA = (
    "CASE WHEN d.diameter_m IS NOT NULL THEN d.diameter_m ^ 2 / 8 *"
    " (2 * acos(1 - 2 * s.share) - sin(2 * acos(1 - 2 * s.share)))"
    " WHEN p.shape = 'rectangular' THEN p.width_mm * p.height_mm / 1e6 * s.share END"
)
JUDGED = f"""
job AS MATERIALIZED (
  SELECT * FROM (SELECT DISTINCT ON (j.id) j.* FROM {_JOB} j WHERE {_KNOWN.format("j")}
    ORDER BY j.id, j.version DESC) j WHERE NOT j.withdrawn
), measured AS (
  SELECT j.*, p.code AS pipe_code, p.system, p.township, p.road, p.length_m AS pipe_length_m,
         p.shape, {_TOLERANCE} AS tolerance_m, r.id AS inspection, r.inspected_on,
         s.share, s.is_unknown, d.diameter_m, {_AREA} AS area_m2, e.not_arrived
    FROM job j LEFT JOIN {_PIPE} p ON p.id = j.pipe_id
    LEFT JOIN LATERAL (SELECT r.id, r.inspected_on, r.diameter_mm FROM {_RUN} r
      WHERE r.pipe_id = j.pipe_id AND r.inspected_on < j.began_on AND {RUN_IN_FORCE}
      ORDER BY r.inspected_on DESC, r.id DESC LIMIT 1) r ON true
    LEFT JOIN LATERAL (SELECT coalesce(max((%(shares)s::jsonb ->> o.grade::text)::float8),
        %(ungraded_share)s) AS share,
        coalesce(bool_or(NOT coalesce(%(shares)s::jsonb ? o.grade::text, false)), false)
          AS is_unknown
      FROM {_SEEN} o WHERE o.inspection_id = r.id AND o.code = %(deposit)s) s ON r.id IS NOT NULL
    CROSS JOIN LATERAL (SELECT CASE WHEN coalesce(p.shape, 'circular') = 'circular'
      THEN coalesce(p.diameter_mm, r.diameter_mm) / 1000 END AS diameter_m) d
    CROSS JOIN LATERAL (SELECT count(*) AS not_arrived
      FROM unnest(j.before_sha256 || j.after_sha256) h
      WHERE NOT EXISTS (SELECT 1 FROM {_BLOB} b WHERE b.sha256 = h)) e
), summed AS (
  SELECT m.*, sum(m.volume_m3) OVER since AS total_m3,
         least(m.pipe_length_m, sum(m.length_m) OVER since) AS bound_length_m,
         sum(m.length_m) OVER lately AS repeat_length_m,
         array_agg(json_build_object('id', m.id, 'number', m.number, 'began_on', m.began_on,
           'length_m', m.length_m)) OVER others AS earlier
    FROM measured m
  WINDOW since AS (PARTITION BY m.pipe_id, m.inspection ORDER BY m.began_on, m.id
           ROWS UNBOUNDED PRECEDING),
         lately AS (PARTITION BY m.pipe_id ORDER BY m.began_on
           RANGE BETWEEN %(repeat)s::interval PRECEDING AND CURRENT ROW),
         others AS (PARTITION BY m.pipe_id ORDER BY m.began_on
           RANGE BETWEEN %(repeat)s::interval PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW)
), judged AS (
  SELECT q.*, array_remove(ARRAY[
      CASE WHEN why IS NULL AND total_m3 > bound_m3 THEN 'above_bound' END,
      CASE WHEN earlier IS NOT NULL AND (pipe_length_m IS NULL
        OR repeat_length_m > pipe_length_m + tolerance_m) THEN 'repeat' END,
      CASE WHEN length_m > pipe_length_m + tolerance_m THEN 'beyond_pipe' END,
      CASE WHEN before_sha256 = '{{}}' OR (done_on IS NOT NULL AND after_sha256 = '{{}}')
        OR not_arrived > 0 THEN 'no_evidence' END,
      CASE WHEN done_on IS NOT NULL AND volume_m3 IS NULL THEN 'no_volume' END,
      CASE WHEN why IS NOT NULL THEN 'silt_unknown' END], NULL) AS flags
    FROM (SELECT u.*, area_m2 * bound_length_m AS bound_m3,
      CASE WHEN volume_m3 IS NULL OR volume_m3 = 0 THEN NULL
           WHEN inspection IS NULL THEN 'not_inspected'
           WHEN inspected_on < began_on - %(silt)s::interval THEN 'too_old'
           WHEN is_unknown THEN 'grade_unknown'
           WHEN area_m2 IS NULL THEN 'no_section' END AS why FROM summed u) q
)"""
"""CTEs up to ``judged``: every job in force with its pipe, its figures and the ids of its flags."""
FACTS = (
    "'inspection', q.inspection, 'inspected_on', q.inspected_on, 'share', q.share,"
    " 'diameter_m', q.diameter_m, 'area_m2', round(q.area_m2::numeric, 4)::float8,"
    " 'bound_length_m', round(q.bound_length_m::numeric, 2)::float8,"
    " 'bound_m3', round(q.bound_m3::numeric, 3)::float8, 'total_m3', q.total_m3,"
    " 'earlier', q.earlier, 'repeat_length_m', round(q.repeat_length_m::numeric, 2)::float8,"
    " 'tolerance_m', round(q.tolerance_m::numeric, 2)::float8, 'not_arrived', q.not_arrived,"
    " 'why', q.why"
)
"""Arguments of json_build_object: the figures of the calculations of a judged job ``q``."""


def judging(rules: DesiltingRules, *, known_at: datetime | None = None) -> Parameters:
    """The parameters of :data:`JUDGED`."""
    condition, limits = load_condition_rules(RULES_IN_FORCE), rules.limits
    shares = {n: s[1] for n in range(1, 10) if (s := silt_share(n, condition)) is not None}
    ungraded = silt_share(1, condition)
    return {
        "known_at": known_at,
        "shares": orjson.dumps(shares, option=orjson.OPT_NON_STR_KEYS).decode(),
        "ungraded_share": 0.0 if ungraded is None else ungraded[0],
        "deposit": DEPOSIT,
        "repeat": f"{limits.repeat_months} months",
        "silt": f"{limits.silt_months} months",
        "tolerance_m": limits.length_tolerance_m,
        "tolerance_share": limits.length_tolerance_share,
    }


def explain_flags(job: Mapping[str, Any], rules: DesiltingRules) -> list[dict[str, Any]]:
    """The flags of a judged job in words, each with its calculation. Any: JSON."""
    facts = _facts(job, rules)
    return [
        {
            "id": flag.id,
            "severity": flag.severity,
            "title": flag.title.text.as_dict(),
            "text": _fill(flag.text.text, facts),
            "unverified": rules.mark == "unverified",
        }
        for flag in rules.flag
        if flag.id in job["flags"]
    ]


def _fill(template: Text, facts: Mapping[str, Text]) -> dict[str, str]:
    return {
        "zh": template.zh.format(**{name: fact.zh for name, fact in facts.items()}),
        "en": template.en.format(**{name: fact.en for name, fact in facts.items()}),
    }


def _facts(job: Mapping[str, Any], rules: DesiltingRules) -> dict[str, Text]:  # Any: JSON
    known = {**job, **job["facts"]}
    length, pipe = job["length_m"], job["pipe_length_m"]
    more = {
        "repeat_months": rules.limits.repeat_months,
        "silt_months": rules.limits.silt_months,
        "before": len(job["before_sha256"]),
        "after": len(job["after_sha256"]),
        "beyond_m": None if pipe is None else round(length - pipe, 2),
        "pipe_length_m": None if pipe is None else round(pipe, 2),
        "earlier": "; ".join(_name(e) for e in known["earlier"] or ()),
    }
    facts = {name: _say(value) for name, value in (known | more).items()}
    facts["section"] = _section(known)
    why = rules.why.get(known["why"] or "")
    if why is not None:
        facts["why"] = Text(**_fill(why.text, facts))
    return facts


def _name(earlier: Mapping[str, Any]) -> str:  # Any: JSON
    number = f"{earlier['number']} " if earlier["number"] else ""
    return f"{number}{earlier['began_on']} {earlier['length_m']:g} m"


def _say(value: object) -> Text:
    if value is None or value == "":
        return Text(zh="不明", en="unknown")
    word = f"{value:.10g}" if isinstance(value, float) else str(value)
    return Text(zh=word, en=word)


def _section(known: Mapping[str, Any]) -> Text:  # Any: JSON
    percent = f"{100 * (known['share'] or 0):g}%"
    if known["diameter_m"] is None:
        return Text(zh=f"断面高的 {percent}", en=f"{percent} of the height")
    size = f"DN{1000 * known['diameter_m']:g}"
    return Text(zh=f" {size} 管径的 {percent}", en=f"{percent} of the diameter of {size}")
