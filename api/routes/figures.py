"""Figures of hazards with the rows behind them, and 今日盯办: what is late or nearly."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

import anyio.to_thread
import orjson
from sqlalchemy import Connection
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from api.context import application_of, parts_of
from api.ogc.parameters import (
    COMMON,
    check_known,
    read_limit,
    read_moment,
    read_optional_moment,
    read_value,
    refuse_parameter,
)
from api.recording import house_rules
from gis.attributes import Vocabulary
from gis.db.roles import Pool
from gis.hazards.cohort import Dimension, Question, Scope, find_rows
from gis.hazards.devices import read_completeness
from gis.hazards.escalation import Escalation, read_escalations
from gis.hazards.figures import Part, compute_figures
from gis.hazards.flood_board import read_flood_mode
from gis.hazards.pressing_clocks import list_pressing_clocks
from gis.hazards.questions import brief_hazards
from gis.hazards.seal import read_newest_root
from gis.hazards.site_visits import cover_sites, name_sites
from gis.hazards.today import DAYS_AHEAD, Desk, Pressing, group_by_desk, list_pressing
from gis.hazards.visit_figures import SiteCoverage
from gis.hazards.waiting import list_waiting
from gis.kinds.hazard import Hazard, HazardCategory, HazardOrigin, Severity

T = TypeVar("T")
V = TypeVar("V", bound=Vocabulary)
_ASKED = {
    *COMMON, "from", "to", "as-of", "township", "category", "severity", "origin", "unit", "site",
    "by",
}  # fmt: skip
_ROWS = {*_ASKED, "key", "scope", "part", "limit"}
MOST_ROWS = 10_000
MOST_DAYS = 366
MOST_LEFT = 500
_PRIVATE = {"Cache-Control": "no-store"}


async def read_aside(request: Request, work: Callable[[Connection], T]) -> T:
    """Run ``work`` in a thread, in a reading transaction of the person's role."""
    parts = parts_of(request)

    def in_thread() -> T:
        with parts.database.read(parts.pool) as connection:
            return work(connection)

    return await anyio.to_thread.run_sync(in_thread)


def _answer(document: object) -> Response:
    return Response(orjson.dumps(document), 200, _PRIVATE, "application/json")


def read_question(request: Request) -> Question:
    """The cohort that is asked for: ``from`` and ``to`` are days of the business clock, both in."""
    query, zone = request.query_params, parts_of(request).zone
    last = read_moment("to", query["to"], zone) if "to" in query else None
    first = read_moment("from", query["from"], zone) if "from" in query else None
    if first is not None and len(query["from"]) == len("2026-01-01"):
        first += _TICK - timedelta(days=1)  # a day is read as its last moment
    if first is not None and last is not None and last < first:
        raise refuse_parameter("to", "早于 from", "is before from")
    texts = {
        name: str(read_value(Hazard, attribute, query[name], zone))
        for name, attribute in (("township", "township"), ("unit", "duty_holder"))
        if name in query
    }
    return Question(
        start=first,
        end=last + _TICK if last else None,
        as_of=read_optional_moment(query, "as-of", zone),
        category=_read_word(request, "category", HazardCategory),
        severity=_read_word(request, "severity", Severity),
        origin=_read_word(request, "origin", HazardOrigin),
        site=_read_site(query.get("site")),
        by=_read_word(request, "by", Dimension),
        **texts,
    )


_TICK = timedelta(microseconds=1)


def _read_word(request: Request, name: str, words: type[V]) -> V | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        return words(text)
    except ValueError:
        known = ", ".join(word.value for word in words)
        raise refuse_parameter(name, f"需为 {known} 之一", f"takes one of {known}") from None


def _read_site(text: str | None) -> UUID | None:
    try:
        return None if text is None else UUID(text)
    except ValueError:
        raise refuse_parameter("site", "需为设施编号", "takes an asset's id") from None


async def figures(request: Request) -> Response:
    """Every figure of a cohort, by part of its breakdown, each with the address of its rows."""
    check_known(request.query_params, _ASKED)
    question, now = read_question(request), parts_of(request).clock()

    def work(connection: Connection) -> tuple[list[Part], dict[str, str]]:
        parts = compute_figures(connection, question, now=now)
        is_by_site = question.by is Dimension.SITE
        sites = [p.value for p in parts if p.value is not None] if is_by_site else []
        return parts, name_sites(connection, sites)

    parts, labels = await read_aside(request, work)
    document = {
        "now": now.isoformat(),
        "as_of": (question.as_of or now).isoformat(),
        "by": question.by.value if question.by else None,
        "parts": [
            {
                "value": part.value,
                "label": labels.get(part.value or ""),
                "figures": {
                    name: f.as_document()
                    | {
                        "rows_at": _address_rows(request, f.rows, f.scope, part.value),
                        "base_at": _address_rows(request, f.base, f.scope, part.value),
                    }
                    for name, f in part.figures.items()
                },
            }
            for part in parts
        ],
    }
    return _answer(document)


def _address_rows(request: Request, key: str | None, scope: Scope, part: str | None) -> str | None:
    """Where the rows of a figure are; None where there are none to list."""
    if key is None:
        return None
    asked = {n: v for n, v in request.query_params.items() if n not in COMMON}
    asked |= {"key": key, "scope": scope.value}
    if "by" in asked:
        asked["part"] = part or ""
    return f"/hazards/figures/rows?{urlencode(asked)}"


async def rows(request: Request) -> Response:
    """The hazards behind one count, the most pressing first; ``count`` says how many there are."""
    query, parts = request.query_params, parts_of(request)
    check_known(query, _ROWS)
    question, now, limit = read_question(request), parts.clock(), read_limit(query)
    if "key" not in query:
        raise refuse_parameter("key", "不可缺少", "is needed")
    if "part" in query and question.by is None:
        raise refuse_parameter("part", "需与 by 同用", "goes with by")
    scope = _read_word(request, "scope", Scope) or Scope.ALL
    part = _read_words(query, "part")

    def work(connection: Connection) -> tuple[int, str]:
        found = find_rows(
            connection, question, query["key"], now=now, scope=scope, part=part, limit=MOST_ROWS
        )
        asked = brief_hazards(found[:limit])
        page = connection.exec_driver_sql(asked.sql, asked.parameters).scalar_one()
        return len(found), page

    count, page = await read_aside(request, work)
    head = {"now": now.isoformat(), "key": query["key"], "count": count}
    content = orjson.dumps(head)[:-1] + b',"hazards":' + page.encode() + b"}"
    return Response(content, 200, _PRIVATE, "application/json")


async def coverage(request: Request) -> Response:
    """Coverage of sites by category in a period: 次, 家次, 家, and the sites nobody has been in."""
    check_known(request.query_params, {*COMMON, "from", "to", "township", "category"})
    asked = read_question(request)

    def work(connection: Connection) -> list[dict[str, Any]]:  # Any: JSON
        found = cover_sites(
            connection,
            start=asked.start,
            end=asked.end,
            categories=None if asked.category is None else (asked.category,),
            township=asked.township,
        )
        codes = name_sites(connection, [site for one in found for site in one.left[:MOST_LEFT]])
        return [_describe_coverage(one, codes) for one in found]

    categories = await read_aside(request, work)
    return _answer({"now": parts_of(request).clock().isoformat(), "categories": categories})


def _describe_coverage(one: SiteCoverage, codes: dict[str, str]) -> dict[str, Any]:  # Any: JSON
    left = [{"id": site, "code": codes.get(site)} for site in one.left[:MOST_LEFT]]
    return one.as_document() | {"left": left, "left_count": len(one.left)}


def _read_words(query: QueryParams, name: str) -> str | None:
    text = query.get(name)
    if text is not None and (len(text) > 200 or "\x00" in text):
        raise refuse_parameter(name, "过长或无法存储", "is too long, or cannot be stored")
    return text


async def completeness(request: Request) -> Response:
    """How much of what devices numbered has arrived, which numbers have not, the log's root."""
    check_known(request.query_params, COMMON)
    zone = application_of(request).settings.timezone

    def work(connection: Connection) -> dict[str, Any]:  # Any: JSON
        root = read_newest_root(connection, zone=zone)
        sealed = {"day": root[0].isoformat(), "hash": root[1]} if root else None
        return {**read_completeness(connection).as_document(), "daily_root": sealed}

    found = await read_aside(request, work)
    return _answer({"now": parts_of(request).clock().isoformat(), **found})


async def today(request: Request) -> Response:
    """What is overdue or due within ``days``, by section and person, with the stage it reached; and
    which records wait for more than a day, for whatever desk."""
    query, parts = request.query_params, parts_of(request)
    check_known(query, {*COMMON, "days", "section", "person"})
    now, days = parts.clock(), _read_days(query.get("days"))
    section, who = _read_words(query, "section"), _read_words(query, "person")
    calendar = house_rules(request).calendar

    def is_asked(row: Pressing) -> bool:
        return (section is None or row.section == section) and (who is None or row.person == who)

    def work(connection: Connection) -> dict[str, Any]:  # Any: JSON
        found = list_pressing(
            connection, now=now, pool=parts.pool, days_ahead=days, section=section, person=who
        )
        clocks = list_pressing_clocks(
            connection, calendar, now=now, pool=parts.pool, days_ahead=days
        )
        found += filter(is_asked, clocks)
        hazards = [row.id for row in found if row.kind == "hazard"]
        stages = read_escalations(connection, hazards, now=now)
        desks = [_describe(desk, stages) for desk in group_by_desk(found)]
        return {
            "desks": desks,
            "flood": _read_flood(connection, parts.pool, now),
            "waiting": list_waiting(connection, now=now, pool=parts.pool),
        }

    found = await read_aside(request, work)
    return _answer({"now": now.isoformat(), "days": days, **found})


def _read_flood(connection: Connection, pool: Pool, now: datetime) -> object:
    """Level and open call-outs; None where there is neither, or for who may not know."""
    if pool is Pool.PUBLIC:
        return None
    asked = read_flood_mode(now)
    words = connection.exec_driver_sql(asked.sql, asked.parameters).scalar()
    return None if words is None else orjson.loads(words)


def _read_days(text: str | None) -> int:
    if text is None:
        return DAYS_AHEAD
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= MOST_DAYS):
        raise refuse_parameter("days", "需为 0-366", "takes 0-366")
    return int(text)


def _describe(desk: Desk, stages: dict[UUID, Escalation]) -> dict[str, Any]:  # Any: JSON
    def row_of(row: Pressing) -> dict[str, Any]:  # Any: JSON
        stage = stages.get(row.id) if row.clock is None else None
        return row.as_document() | {"escalation": stage.as_document() if stage else None}

    return {
        "section": desk.section,
        "person": desk.person,
        "overdue": desk.overdue,
        "rows": [row_of(row) for row in desk.rows],
    }
