"""The phone's protocol: one record, a batch of records, and the day's work."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.body import MAX_DEPTH, measure_depth, read_json
from api.context import application_of, parts_of
from api.errors import HTTP_TEXTS, NO_CONNECTION, STATUS, translate
from api.identity import person_of
from api.ogc.parameters import COMMON, check_known, refuse_parameter
from api.recording import author_of, house_rules, record
from gis.attributes import Text
from gis.errors import InfratrackError, InputError, LoginError, StorageFullError
from gis.hazards.devices import MOST_NUMBER, announce_highest
from gis.hazards.envelope import hash_body
from gis.hazards.faults import log_fault
from gis.hazards.forms import forms_document
from gis.hazards.log import Author, receive
from gis.hazards.questions import read_day
from gis.hazards.receipt import Receipt
from gis.hazards.transitions import TRANSITIONS
from gis.kinds.hazard import HazardState, Severity

MAX_BATCH = 100
_PRIVATE = {"Cache-Control": "no-store"}
_REASON = "field record"
_NO_ROW = Text(zh="格式有误", en="not in the form agreed")


def _answer(document: object, status: int = 200, **headers: str) -> Response:
    content = orjson.dumps(document, default=str)
    return Response(content, status, {**_PRIVATE, **headers}, "application/json")


def require_author(request: Request) -> Author:
    """The person as the log's author; LoginError for somebody without an identity."""
    author = author_of(person_of(request))
    if author is None:
        raise LoginError(Text(zh="请先登录", en="log in first"))
    return author


def read_identifier(request: Request, name: str = "id") -> UUID:
    """An identifier in the path; what is none is no such thing."""
    try:
        return UUID(request.path_params[name])
    except ValueError:
        raise HTTPException(404) from None


async def put_event(request: Request) -> Response:
    """Take one record in: 201 the first time, 200 when the very same bytes come again."""
    check_known(request.query_params, COMMON)
    author, identifier = require_author(request), read_identifier(request)
    body = await request.body()
    _check_depth(body)
    now, client_now = application_of(request).clock(), read_client_clock(request)
    rules = house_rules(request)
    receipt = await record(
        request,
        lambda connection: receive(
            connection,
            body,
            author=author,
            now=now,
            client_now=client_now,
            expected_id=identifier,
            rules=rules,
        ),
        reason=_REASON,
    )
    return _answer(receipt.as_json(), 201 if receipt.is_new else 200)


def _check_depth(body: bytes) -> None:
    if measure_depth(body) > MAX_DEPTH:
        raise InputError(
            Text(zh="JSON 嵌套过深(上限 {limit} 层)", en="JSON nested deeper than {limit}").format(
                limit=MAX_DEPTH
            ),
            limit=MAX_DEPTH,
        )


def read_client_clock(request: Request) -> datetime | None:
    """What the device's clock shows (``Client-Now``); one that cannot be read corrects nothing."""
    return _read_moment(request.headers.get("client-now"))


def _read_moment(words: object) -> datetime | None:
    if not isinstance(words, str) or len(words) > 40:
        return None
    try:
        moment = datetime.fromisoformat(words)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


async def post_sync(request: Request) -> Response:
    """Take a batch in, each record in a transaction of its own; one that fails blocks no other."""
    check_known(request.query_params, COMMON)
    author = require_author(request)
    asked = await read_json(request)
    bodies = _read_batch(asked)
    clock = application_of(request).clock
    await _note_highest(request, asked, clock())
    client_now = _read_moment(asked.get("client_now") if isinstance(asked, dict) else None)
    results = []
    for body in bodies:
        results.append(await take_one(request, body, author, clock(), client_now))
    return _answer({"now": clock().isoformat(), "results": results})


async def _note_highest(request: Request, asked: object, now: datetime) -> None:
    """Note what a phone says it has numbered: of the phone its token belongs to, and no other."""
    person = person_of(request)
    highest = asked.get("highest") if isinstance(asked, dict) else None
    device_id = person.device_id
    if device_id is None or type(highest) is not int or not 0 < highest <= MOST_NUMBER:
        return
    await record(
        request,
        lambda connection: announce_highest(
            connection, device_id, highest, login=person.login, now=now
        ),
        reason=_REASON,
    )


def _read_batch(asked: object) -> list[bytes]:
    events = asked.get("events") if isinstance(asked, dict) else None
    if not isinstance(events, list) or not all(isinstance(body, str) for body in events):
        raise InputError(_NO_ROW, member="events")
    if len(events) > MAX_BATCH:
        raise InputError(
            Text(zh="一次最多 {limit} 条", en="at most {limit} at once").format(limit=MAX_BATCH),
            limit=MAX_BATCH,
        )
    return [body.encode() for body in events]


async def take_one(
    request: Request, body: bytes, author: Author, now: datetime, client_now: datetime | None
) -> dict[str, object]:
    """One record in a transaction of its own: its receipt, or the problem in both languages.

    Raises what concerns every record alike: no connection to the database, no room on the disk.
    """
    try:
        _check_depth(body)
        rules = house_rules(request)
        receipt: Receipt = await record(
            request,
            lambda connection: receive(
                connection, body, author=author, now=now, client_now=client_now, rules=rules
            ),
            reason=_REASON,
        )
    except Exception as error:
        known = translate(error)
        if isinstance(known, StorageFullError) or isinstance(error, NO_CONNECTION):
            raise
        problem = _as_problem(known) if known is not None else _note_fault(error)
        return {**_name_of(body), "problem": problem}
    return receipt.as_json()


def _note_fault(error: Exception) -> dict[str, object]:
    """A fault of ours: the phone keeps the record and sends it again, the log says what it was."""
    number = log_fault(error, "a batch")
    words = {"zh": HTTP_TEXTS[500].zh, "en": HTTP_TEXTS[500].en}
    return {"type": "urn:infratrack:problem:internal", "status": 500, "fault": number, **words}


def _name_of(body: bytes) -> dict[str, object]:
    """The id a refused record gives itself, where it can be read, and the hash of its bytes."""
    try:
        document = orjson.loads(body)
        identifier = str(UUID(document["id"]))
    except (ValueError, TypeError, KeyError, AttributeError):
        identifier = None
    return {"id": identifier, "sha256": hash_body(body).hex()}


def _as_problem(error: InfratrackError) -> dict[str, object]:
    return {
        **{name: str(value) for name, value in error.facts.items()},
        "type": f"urn:infratrack:problem:{error.type}",
        "status": STATUS[type(error)],
        "zh": error.message.zh,
        "en": error.message.en,
    }


async def get_sync(request: Request) -> Response:
    """The person's day: tasks, their assets, open hazards, forms; what changed ``since``."""
    check_known(request.query_params, {*COMMON, "since"})
    person, parts = person_of(request), parts_of(request)
    since = _read_since(request.query_params.get("since"))
    statement = read_day(person.login, parts.pool, since=since)
    rows = await parts.reader.run(request, lambda ask: ask(statement))
    day = orjson.loads(rows[0][0])
    author = require_author(request)
    allowed = {word.value: list_allowed(author, word) for word in Severity}
    for hazard in day["hazards"]:
        hazard["allowed"] = allowed[hazard["severity"]][hazard["state"]]
    return _answer(
        {
            "now": parts.clock().isoformat(),
            "person": {
                "id": str(person.account_id),
                "login": person.login,
                "name": person.name,
                "roles": sorted(role.value for role in person.roles),
            },
            "forms": forms_document(),
            **day,
        }
    )


def _read_since(words: str | None) -> int | None:
    if words is None:
        return None
    if not words.isascii() or not words.isdigit() or len(words) > 15:
        raise refuse_parameter("since", "不是有效的同步标记", "is no cursor of an earlier answer")
    return int(words)


def list_allowed(author: Author, severity: Severity | str) -> dict[str, list[str]]:
    """By state: the events the author may record of such a hazard, as buttons are made of them."""
    is_major = severity == Severity.MAJOR
    return {
        state.value: [
            event.value
            for event, transition in TRANSITIONS.items()
            if state in transition.from_states
            and transition.roles_of(is_major=is_major) & author.roles
            and (is_major or not transition.major_only)
        ]
        for state in HazardState
    }
