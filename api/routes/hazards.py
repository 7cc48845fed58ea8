"""Hazards as they stand: lists, one with its timeline, what is open at an asset."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import orjson
from starlette.requests import Request
from starlette.responses import Response

from api.context import Parts, parts_of
from api.freshness import make_etag, matches, read_version
from api.identity import person_of
from api.ogc.parameters import (
    COMMON,
    check_known,
    make_cursor,
    read_cursor,
    read_limit,
    read_value,
    refuse_parameter,
)
from api.reading import Ask
from api.recording import author_of, house_rules
from api.routes.records import list_allowed, read_identifier
from gis.attributes import Text
from gis.db.roles import Pool
from gis.errors import NotFoundError
from gis.geometry import BBox
from gis.hazards import questions
from gis.hazards.hints import find_hints
from gis.hazards.questions import FILTERED, HazardFilter, Order
from gis.hazards.resemblance import list_alike
from gis.hazards.running import as_document, list_running
from gis.kinds.hazard import Hazard
from gis.people.person import Credential
from gis.queries import Statement

_NOT_THERE = Text(zh="没有此隐患", en="no such hazard")
_PARAMETERS = {
    *COMMON, *FILTERED, "bbox", "open", "overdue", "due-within-days", "q", "order", "limit",
    "cursor",
}  # fmt: skip


async def _answer(
    request: Request, ask_for: Statement, wrap: Callable[[bytes], bytes] = bytes
) -> Response:
    """One JSON document of the database, under the version of the hazards it was read at."""
    parts = _parts(request)

    def work(ask: Ask) -> tuple[str, bytes | None]:
        version = read_version(ask, ["hazard"])
        # What a person may do is in the answer: it is theirs alone.
        whose = person_of(request).login
        etag = make_etag("hazards", version, parts.pool, whose, request.url.path, request.url.query)
        if matches(request.headers.get("if-none-match"), etag):
            return etag, None
        rows = ask(ask_for)
        if not rows or rows[0][0] is None:
            raise NotFoundError(_NOT_THERE)
        return etag, rows[0][0].encode()

    etag, content = await parts.reader.run(request, work)
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie"}
    if content is None:
        return Response(status_code=304, headers=headers)
    return Response(wrap(content), 200, headers, "application/json")


async def list_hazards(request: Request) -> Response:
    """Hazards by state, severity, place, asset, deadline … with a cursor to the next page."""
    query, parts = request.query_params, parts_of(request)
    check_known(query, _PARAMETERS)
    limit = min(read_limit(query), 1000)
    asked, order = _read_filter(request), _read_order(query.get("order"))
    scope = f"hazards {sorted((k, v) for k, v in query.items() if k != 'cursor')}"
    after = read_cursor(query.get("cursor"), scope)
    rows = await parts.reader.run(
        request,
        lambda ask: (
            ask(questions.list_hazards(asked, limit=limit, after=after, order=order))[0],
            ask(questions.count_hazards(asked))[0][0],
        ),
    )
    (page, last, more), count = rows
    head = {
        "now": parts.clock().isoformat(),
        "matched": count,
        "next": make_cursor(scope, last) if more else None,
    }
    content = orjson.dumps(head)[:-1] + b',"hazards":' + page.encode() + b"}"
    return Response(content, 200, {"Cache-Control": "no-store"}, "application/json")


def _read_filter(request: Request) -> HazardFilter:
    query, parts = request.query_params, parts_of(request)
    now = parts.clock()
    within = query.get("due-within-days")
    if within is not None and not (within.isascii() and within.isdigit() and len(within) <= 3):
        raise refuse_parameter("due-within-days", "需为天数", "takes a number of days")
    return HazardFilter(
        bbox=BBox.parse(query["bbox"]) if "bbox" in query else None,
        is_open=_read_flag(query.get("open"), "open"),
        overdue_at=now if _read_flag(query.get("overdue"), "overdue") else None,
        due_before=now + timedelta(days=int(within)) if within else None,
        words=_read_words(query.get("q")),
        equal={n: read_value(Hazard, n, query[n], parts.zone) for n in FILTERED if n in query},
    )


def _read_flag(words: str | None, name: str) -> bool | None:
    if words not in (None, "true", "false"):
        raise refuse_parameter(name, "需为 true 或 false", "takes true or false")
    return None if words is None else words == "true"


def _read_words(text: str | None) -> str | None:
    words = text.strip() if text is not None else None
    if words is not None and (not words or len(words) > 100 or "\x00" in words):
        raise refuse_parameter("q", "需为 1-100 个字符", "takes 1-100 characters")
    return words


def _read_order(text: str | None) -> Order:
    if text is not None and text not in [*Order]:
        known = ", ".join(Order)
        raise refuse_parameter("order", f"需为 {known} 之一", f"takes one of {known}")
    return Order(text or Order.ID)


async def one_hazard(request: Request) -> Response:
    """One hazard, with what the person may do with it, and which step is another's."""
    check_known(request.query_params, COMMON)
    identifier = _own(request, read_identifier(request))
    author, rules = author_of(person_of(request)), house_rules(request)

    def wrap(content: bytes) -> bytes:
        hazard = orjson.loads(content)
        allowed = list_allowed(author, hazard["severity"]) if author else {}
        hints: dict[str, Text] = {}
        if author is not None:
            hints = find_hints(hazard, login=author.login, roles=author.roles, preset=rules.preset)
        hazard["clocks"] = [as_document(one) for one in list_running(hazard, rules.calendar)]
        del hazard["moments"]
        may = set(allowed.get(hazard["state"], ()))
        shown = {event: text.as_dict() for event, text in hints.items() if event in may}
        return orjson.dumps({"hazard": hazard, "allowed": allowed, "hints": shown})

    return await _answer(request, questions.one_hazard(identifier, _parts(request).pool), wrap)


def _parts(request: Request) -> Parts:
    """As the person's role; who holds a link reads their one hazard as the field does."""
    parts = parts_of(request)
    return parts.for_pool(Pool.FIELD) if parts.pool is Pool.PUBLIC else parts


def _own(request: Request, identifier: UUID) -> UUID:
    """Who holds a link sees its hazard; any other is as unknown as one that does not exist."""
    person = person_of(request)
    if person.credential is Credential.LINK and person.hazard_id != identifier:
        raise NotFoundError(_NOT_THERE)
    return identifier


async def timeline(request: Request) -> Response:
    """Everything that was sent about a hazard, applied or not."""
    check_known(request.query_params, COMMON)
    identifier = _own(request, read_identifier(request))
    return await _answer(request, questions.timeline_of(identifier))


async def alike(request: Request) -> Response:
    """Photos of the hazard that are nearly those of another, for people to look at."""
    check_known(request.query_params, COMMON)
    asked = list_alike(read_identifier(request))
    rows = await parts_of(request).reader.run(request, lambda ask: ask(asked))
    return Response(rows[0][0].encode(), 200, {"Cache-Control": "no-store"}, "application/json")


async def open_at_asset(request: Request) -> Response:
    """What is open at one asset."""
    check_known(request.query_params, COMMON)
    return await _answer(request, questions.open_hazards_of_asset(read_identifier(request)))
