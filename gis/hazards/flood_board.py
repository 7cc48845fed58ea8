"""The board of flood duty: each question one statement, in the shape its page needs.

Answers carry moments and ``due_at``, never "late": the reader's page compares with the server's
clock. Limits come from the flood profile's clocks (:mod:`gis.hazards.profiles`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from gis.db.roles import Pool, visible_attributes
from gis.db.tables import CORE
from gis.hazards.deadlines import BUSINESS_CLOCK, Hours
from gis.hazards.profiles import PROFILES
from gis.kinds.flood_point import FloodPoint
from gis.kinds.hazard import HazardCategory
from gis.queries import Parameters, Statement

DAYS_AHEAD = 7
"""How far gaps of the roster are looked for."""
_MOST = 500


def _seconds_of(key: str) -> float:
    """The limit of a clock of the flood profile, seconds."""
    (clock,) = (c for c in PROFILES[HazardCategory.FLOOD].clocks if c.key == key)
    if not isinstance(clock.limit, Hours):
        raise TypeError(f"{key} is counted in hours")
    return clock.limit.hours * 3600


_POINT = (
    "json_build_object('id', p.id, 'code', p.code, 'name', p.name, 'township', p.township,"
    " 'lon', ST_X(p.geometry), 'lat', ST_Y(p.geometry))"
)
_IS_OPEN = "c.water_gone_at IS NULL AND c.cancelled_at IS NULL"
_DUE = "make_interval(secs => %(arrival_s)s)"
_CALL_OUTS = (
    "SELECT c.id, c.asset_id, c.team, c.warning, c.called_at, c.arrived_at, c.water_gone_at,"
    f" c.cancelled_at, {_IS_OPEN} AS is_open, c.called_at + {_DUE} AS arrival_due_at,"
    f" (SELECT {_POINT} FROM {CORE}.flood_point p WHERE p.id = c.asset_id) AS point,"
    f" (SELECT max(s.depth_m) FROM {CORE}.call_out_step s WHERE s.call_out_id = c.id)"
    " AS deepest_m,"
    " (SELECT coalesce(json_agg(json_build_object('id', s.id, 'step', s.step, 'at', s.at,"
    " 'depth_m', s.depth_m, 'words', s.words, 'actor', s.actor) ORDER BY s.at, s.id), '[]')"
    f" FROM {CORE}.call_out_step s WHERE s.call_out_id = c.id) AS steps"
    f" FROM {CORE}.call_out c"
)
_LEVEL = (
    f"(SELECT row_to_json(l) FROM (SELECT since, response, warning, document FROM"
    f" {CORE}.flood_level WHERE since <= %(now)s ORDER BY since DESC LIMIT 1) l)"
)
_SHIFTS = (
    "SELECT s.id, s.starts_at, s.ends_at, s.leader, s.phone, s.members, s.response,"
    f" s.cancelled_at, s.cancelled_because FROM {CORE}.duty_shift s"
)
# What of the days ahead no shift covers.
_GAPS = (
    "SELECT coalesce(json_agg(json_build_object('from', lower(g), 'to', upper(g)) ORDER BY g),"
    " '[]') FROM (SELECT unnest(tstzmultirange(tstzrange(%(now)s, %(until)s)) -"
    " coalesce(range_agg(tstzrange(s.starts_at, s.ends_at)), '{}'::tstzmultirange)) AS g"
    f" FROM {CORE}.duty_shift s WHERE s.cancelled_at IS NULL AND s.ends_at > %(now)s"
    " AND s.starts_at < %(until)s) u"
)
# Of call-outs and of visits on a round: what was seen deepest at each point since the new year.
_DEEPEST = (
    "SELECT DISTINCT ON (d.asset_id) d.asset_id, d.depth_m, d.at,"
    f" {_POINT} AS point FROM (SELECT c.asset_id, s.depth_m, s.at FROM {CORE}.call_out_step s"
    f" JOIN {CORE}.call_out c ON c.id = s.call_out_id WHERE s.depth_m IS NOT NULL"
    " UNION ALL SELECT v.asset_id, (v.flood ->> 'depth_m')::float8, v.at"
    f" FROM {CORE}.visit v WHERE v.flood ->> 'depth_m' IS NOT NULL) d"
    f" JOIN {CORE}.flood_point p ON p.id = d.asset_id WHERE d.at >= %(season)s"
    " ORDER BY d.asset_id, d.depth_m DESC, d.at"
)
_INCIDENTS = (
    "SELECT i.id, i.happened_at, i.words, i.actor, i.asset_id,"
    f" (SELECT {_POINT} FROM {CORE}.flood_point p WHERE p.id = i.asset_id) AS point,"
    " i.happened_at + make_interval(secs => %(report_s)s) AS first_due_at,"
    " min(r.at) + make_interval(secs => %(upward_s)s) AS upward_due_at,"
    " min(r.at) FILTER (WHERE r.serial = 'first') AS first_at,"
    " min(r.at) FILTER (WHERE r.is_upward) AS upward_at,"
    " coalesce(bool_or(r.serial = 'final'), false) AS is_final,"
    " coalesce(json_agg(json_build_object('id', r.id, 'number', r.number, 'serial', r.serial,"
    " 'at', r.at, 'sent_to', r.sent_to, 'is_upward', r.is_upward, 'words', r.words,"
    " 'actor', r.actor) ORDER BY r.number) FILTER (WHERE r.id IS NOT NULL), '[]') AS reports"
    f" FROM {CORE}.incident i LEFT JOIN {CORE}.incident_report r ON r.incident_id = i.id"
)


def _season(now: datetime) -> datetime:
    """The new year before ``now`` on the business clock: a season lies within one year."""
    return datetime(now.astimezone(BUSINESS_CLOCK).year, 1, 1, tzinfo=BUSINESS_CLOCK)


def _parameters(now: datetime) -> Parameters:
    return {
        "now": now,
        "until": now + timedelta(days=DAYS_AHEAD),
        "season": _season(now),
        "arrival_s": _seconds_of("arrival"),
        "report_s": _seconds_of("incident_report"),
        "upward_s": _seconds_of("incident_report_up"),
        "most": _MOST,
    }


def _listed(sql: str, order: str) -> str:
    return (
        f"(SELECT coalesce(json_agg(row_to_json(x)), '[]') FROM"
        f" (SELECT * FROM ({sql}) y ORDER BY {order} LIMIT %(most)s) x)"
    )


def read_duty(now: datetime) -> Statement:
    """The whole board as one JSON document: level, shifts, gaps, call-outs, depths, incidents."""
    shifts = f"{_SHIFTS} WHERE s.ends_at > %(now)s - interval '7 days'"
    on_duty = (
        f"{_SHIFTS} WHERE s.cancelled_at IS NULL AND s.starts_at <= %(now)s AND s.ends_at > %(now)s"
    )
    call_outs = f"{_CALL_OUTS} WHERE c.called_at >= %(season)s OR ({_IS_OPEN})"
    incidents = f"{_INCIDENTS} WHERE i.happened_at >= %(season)s GROUP BY i.id"
    levels = (
        "SELECT id, since, response, warning, document, note, actor FROM"
        f" {CORE}.flood_level WHERE since >= %(season)s"
    )
    parts = {
        "level": _LEVEL,
        "levels": _listed(levels, "since DESC"),
        "on_duty": _listed(on_duty, "starts_at DESC"),
        "shifts": _listed(shifts, "starts_at, leader"),
        "gaps": f"({_GAPS})",
        "call_outs": _listed(call_outs, "is_open DESC, called_at DESC"),
        "deepest": _listed(_DEEPEST, "depth_m DESC, at"),
        "incidents": _listed(incidents, "is_final, happened_at DESC"),
    }
    members = ", ".join(f"'{name}', {sql}" for name, sql in parts.items())
    return Statement(f"SELECT json_build_object({members})::text", _parameters(now))


_SHEET = ("risk", "treatment", "place", "plan", "warning_sign", "pump", "pump_site", "address")
_KEEPERS = ("duty_leader", "duty_phone")


def read_sheet(pool: Pool) -> Statement:
    """Points, teams and supplies as the duty room prints them, as one JSON document."""
    seen = visible_attributes(FloodPoint, pool)
    names = ["code", "name", "township", *(n for n in (*_SHEET, *_KEEPERS) if n in seen)]
    columns = ", ".join(f"p.{name}" for name in names)
    points = f"SELECT p.id, {columns} FROM {CORE}.flood_point p WHERE p.treatment <> 'eliminated'"
    teams = f"SELECT name, leader, phone, people, station FROM {CORE}.flood_team WHERE people > 0"
    supplies = (
        f"SELECT name, station, quantity, unit, keeper, phone FROM {CORE}.flood_supply"
        " WHERE quantity > 0"
    )
    parts = {
        "points": _listed(points, "township, code"),
        "teams": _listed(teams, "name"),
        "supplies": _listed(supplies, "station, name"),
    }
    members = ", ".join(f"'{name}', {sql}" for name, sql in parts.items())
    return Statement(f"SELECT json_build_object({members})::text", {"most": _MOST})


OPEN_CALL_OUTS = (
    "SELECT c.id, c.asset_id, c.team, c.warning, c.called_at, c.arrived_at"
    f" FROM {CORE}.call_out c WHERE {_IS_OPEN}"
)
"""What is open now, for the phones of who may be sent there."""


def read_flood_mode(now: datetime) -> Statement:
    """Level and open call-outs as one JSON document; null where there is neither."""
    call_outs = f"{_CALL_OUTS} WHERE {_IS_OPEN}"
    return Statement(
        f"SELECT CASE WHEN l.level ->> 'response' IS NULL AND l.level ->> 'warning' IS NULL"
        f" AND NOT EXISTS (SELECT 1 FROM {CORE}.call_out c WHERE {_IS_OPEN}) THEN NULL ELSE"
        " json_build_object('level', l.level, 'call_outs',"
        f" {_listed(call_outs, 'called_at')}) END::text FROM (SELECT {_LEVEL} AS level) l",
        _parameters(now),
    )
