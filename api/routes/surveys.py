"""Survey batches (管网验收): books handed in and judged by a job, findings decided about.

Who edits surveys has had the book in their hands and sees its levels; other readers see which
rule spoke where, as far as their role is not cleared for levels under ground.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar
from urllib.parse import quote
from uuid import UUID

import orjson
from anyio.to_thread import run_sync
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from api.context import application_of
from api.identity import person_of
from api.language import choose_language
from api.ogc.parameters import COMMON, check_known, read_limit
from api.pages import PAGE_HEADERS, survey_document
from api.requests import read_model
from api.routes.records import read_identifier
from gis.attributes import Sensitivity, Text
from gis.db.roles import Pool
from gis.errors import ForbiddenError, InputError, ParameterError
from gis.jobs.queue import enqueue
from gis.network import survey_questions as questions
from gis.network import survey_store as store
from gis.network.survey_import import TASK
from gis.network.survey_rules import load_rules
from gis.network.survey_store import Decision, Deliverable, DeliverableState, Filing
from gis.people.person import Credential
from gis.people.policy import Action, allows

_PRIVATE = {"Cache-Control": "no-store"}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FILTERS = {
    "severity": ("error", "warning", "notice"),
    "state": ("open", "accept", "waive"),
    "change": ("new", "same", "gone"),
}
T = TypeVar("T")


class Verdict(BaseModel):
    """Findings and what is decided about them."""

    model_config = ConfigDict(extra="forbid")

    keys: Annotated[list[Annotated[str, Field(max_length=80)]], Field(min_length=1, max_length=500)]
    decision: str
    reason: Annotated[str, Field(max_length=1000)] = ""


class Standing(BaseModel):
    """Where a deliverable stands."""

    model_config = ConfigDict(extra="forbid")

    item: str
    state: str
    note: Annotated[str, Field(max_length=500)] = ""


async def page(request: Request) -> Response:
    """The page of surveys; its script asks the endpoints below."""
    check_known(request.query_params, COMMON)
    return Response(survey_document(choose_language(request)), 200, PAGE_HEADERS, "text/html")


def _sees_levels(request: Request) -> bool:
    """As everywhere: by what the reader's role may see; a phone, which is lost easily, may not."""
    person = person_of(request)
    return person.credential is not Credential.DEVICE and person.pool.sees(Sensitivity.RESTRICTED)


async def _ask(request: Request, work: Callable[[Connection], T]) -> T:
    """Ask as staff who sees levels, else as a role that cannot read them."""
    pool = Pool.STAFF if _sees_levels(request) else Pool.FIELD
    database = application_of(request).database

    def in_thread() -> T:
        with database.read(pool) as connection:
            return work(connection)

    return await run_sync(in_thread)


async def _write(request: Request, work: Callable[[Connection], T], reason: str) -> T:
    database, login = application_of(request).database, person_of(request).login

    def in_thread() -> T:
        with database.write(actor=login, reason=reason, pool=Pool.STAFF) as connection:
            return work(connection)

    return await run_sync(in_thread)


def _json(content: str | bytes | dict[str, Any], status: int = 200) -> Response:  # Any: JSON
    body = orjson.dumps(content) if isinstance(content, dict) else content
    return Response(body, status, _PRIVATE, "application/json")


async def list_batches(request: Request) -> Response:
    """Every batch with its last book."""
    check_known(request.query_params, COMMON)
    batches = await _ask(request, questions.list_batches)
    edits = allows(person_of(request), Action.EDIT_SURVEYS)
    head = orjson.dumps({"may_edit": edits, "rules": _describe_rules()})[:-1]
    return _json(head + b',"batches":' + batches.encode() + b"}")


def _describe_rules() -> dict[str, Any]:  # Any: JSON
    book = load_rules()
    return {
        rule.id: {
            "severity": rule.severity.value,
            "title": rule.title.text.as_dict(),
            "from": book.clauses[rule.clause].title.text.as_dict(),
            "unverified": book.is_unverified(rule),
            "waivable": rule.waivable,
        }
        for rule in book.rules
    }


async def hand_in(request: Request) -> Response:
    """A book as the body: a new batch, or (``batch``) a corrected book of one. A job judges it."""
    query = request.query_params
    check_known(query, {*COMMON, "file", "name", "unit", "claimed-km", "crs", "batch"})
    content = await request.body()
    if not content:
        raise InputError(Text(zh="没有文件内容", en="the body is empty"))
    filing = Filing(
        file=store.check_file_name(query.get("file") or "book.xlsx"),
        content=content,
        name=(query.get("name") or (query.get("file") or "").rsplit(".", 1)[0])[:150],
        unit=(query.get("unit") or "")[:200],
        claimed_m=_read_claim(query.get("claimed-km")),
        crs=(query.get("crs") or None),
        batch=_read_batch(query["batch"]) if "batch" in query else None,
    )
    login = person_of(request).login

    def work(connection: Connection) -> dict[str, Any]:  # Any: JSON
        batch, identifier = store.file_book(connection, filing, actor=login)
        job = enqueue(connection, TASK, {"import_id": str(identifier), "actor": login})
        return {"batch": str(batch), "import": str(identifier), "job": job}

    return _json(await _write(request, work, "survey"), 202)


def _read_batch(words: str) -> UUID:
    try:
        return UUID(words)
    except ValueError:
        raise ParameterError(
            Text(zh="batch 应为批次标识", en="batch is a batch's id"), parameter="batch"
        ) from None


def _read_claim(words: str | None) -> float | None:
    if not words:
        return None
    try:
        kilometres = float(words)
    except ValueError:
        kilometres = -1.0
    if not 0 <= kilometres <= 100_000:
        raise ParameterError(
            Text(zh="claimed-km 应为公里数", en="claimed-km takes a number of kilometres"),
            parameter="claimed-km",
        )
    return kilometres * 1000


async def one_batch(request: Request) -> Response:
    """One batch: its books, deliverables, and what the last book changed."""
    check_known(request.query_params, COMMON)
    identifier = read_identifier(request)
    return _json(await _ask(request, lambda c: questions.describe_batch(c, identifier)))


async def findings(request: Request) -> Response:
    """Findings of the last judged book; by rule, severity, sheet, state, change."""
    query = request.query_params
    check_known(query, {*COMMON, "rule", "sheet", *FILTERS, "after", "limit"})
    identifier, limit = read_identifier(request), min(read_limit(query), questions.MOST)
    filters = {n: query[n] for n in ("rule", "sheet", *FILTERS) if query.get(n)}
    for name, known in FILTERS.items():
        if filters.get(name, known[0]) not in known:
            raise ParameterError(
                Text(zh="{name} 可取 {known}", en="{name} is one of {known}").format(
                    name=name, known=", ".join(known)
                ),
                parameter=name,
            )
    after = query.get("after", "0")
    if not (after.isascii() and after.isdigit() and len(after) < 16):
        raise ParameterError(Text(zh="after 应为整数", en="after is a number"), parameter="after")
    levels = _sees_levels(request)
    rows = await _ask(
        request,
        lambda c: questions.list_findings(
            c, identifier, filters, levels=levels, after=int(after), limit=limit
        ),
    )
    listed = orjson.loads(rows)
    following = listed[limit - 1]["number"] if len(listed) > limit else None
    return _json({"findings": listed[:limit], "next": following})


async def features(request: Request) -> Response:
    """The findings that have a place, as GeoJSON."""
    check_known(request.query_params, COMMON)
    identifier, levels = read_identifier(request), _sees_levels(request)
    found = await _ask(request, lambda c: questions.read_features(c, identifier, levels=levels))
    return Response(found, 200, _PRIVATE, "application/geo+json")


async def marked_book(request: Request) -> Response:
    """The last book, marked: for those who see the levels in it."""
    check_known(request.query_params, COMMON)
    if not _sees_levels(request):
        raise ForbiddenError(
            Text(
                zh="批注表含受控高程,您的角色不能下载",
                en="the marked book holds restricted levels: your role may not have it",
            )
        )
    identifier = read_identifier(request)
    name, content = await _ask(request, lambda c: questions.read_marked(c, identifier))
    headers = {
        **_PRIVATE,
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}.xlsx",
    }
    return Response(content, 200, headers, XLSX)


async def decide(request: Request) -> Response:
    """Accept findings, waive them with a reason, or open them again."""
    check_known(request.query_params, COMMON)
    asked, identifier = await read_model(request, Verdict), read_identifier(request)
    decision = _read_word(Decision, asked.decision)
    login = person_of(request).login
    count = await _write(
        request,
        lambda c: store.decide(c, identifier, asked.keys, decision, asked.reason, actor=login),
        "survey decision",
    )
    return _json({"decided": count})


async def note_deliverable(request: Request) -> Response:
    """Write down where a deliverable stands."""
    check_known(request.query_params, COMMON)
    asked, identifier = await read_model(request, Standing), read_identifier(request)
    item, state = _read_word(Deliverable, asked.item), _read_word(DeliverableState, asked.state)
    login = person_of(request).login

    def work(connection: Connection) -> None:
        questions.describe_batch(connection, identifier)  # a 404 where there is none
        store.note_deliverable(connection, identifier, item, state, asked.note, actor=login)

    await _write(request, work, "survey deliverable")
    return Response(status_code=204, headers=_PRIVATE)


async def judge_again(request: Request) -> Response:
    """Judge and load the last book again, after decisions; a job does it."""
    check_known(request.query_params, COMMON)
    identifier, login = read_identifier(request), person_of(request).login

    def work(connection: Connection) -> dict[str, Any]:  # Any: JSON
        questions.describe_batch(connection, identifier)
        last, _ = questions.last_judged(connection, identifier)
        if last is None:
            raise InputError(Text(zh="尚无检查过的表", en="no book of it was judged yet"))
        job = enqueue(connection, TASK, {"import_id": str(last), "actor": login})
        return {"batch": str(identifier), "import": str(last), "job": job}

    return _json(await _write(request, work, "survey"), 202)


V = TypeVar("V", Decision, Deliverable, DeliverableState)


def _read_word(vocabulary: type[V], word: str) -> V:
    try:
        return vocabulary(word)
    except ValueError:
        known = ", ".join(w.value for w in vocabulary)
        raise InputError(Text(zh="可取 {known}", en="one of {known}").format(known=known)) from None
