"""The desilting ledger (清淤台账) and the progress of sewer works (管网进度)."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import date, datetime, time
from functools import partial
from pathlib import Path
from typing import Annotated, Any, get_args
from urllib.parse import quote
from uuid import UUID

import orjson
from anyio.to_thread import run_sync
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Connection
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from api.body import read_json
from api.context import application_of, parts_of
from api.identity import person_of
from api.language import choose_language
from api.ogc.parameters import (
    COMMON,
    check_known,
    make_cursor,
    read_cursor,
    read_limit,
    refuse_parameter,
)
from api.query_values import (
    check_order,
    read_choice,
    read_day,
    read_days,
    read_pipe,
    read_text,
    receive_file,
)
from api.recording import record
from api.requests import read_model
from api.routes.records import read_identifier
from gis.attributes import Text
from gis.errors import InputError, NotFoundError
from gis.network import desilting_questions as questions
from gis.network.desilting import MOST_ROWS, NO_JOB, Job, Refused, Reply, record_jobs, record_reply
from gis.network.desilting_rules import FlagId, load_rules
from gis.network.desilting_table import read_table
from gis.network.progress import (
    ACTIVITIES,
    STATES,
    SYSTEMS,
    ProgressFilter,
    describe_progress,
    progress_grid,
    progress_rows,
)
from gis.network.progress_file import Works, write_progress
from gis.people.policy import Action, require
from gis.queries import Statement

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FLAGS = ("any", "none", *get_args(FlagId))
MOST_IN_FILE = 100_000
_PRIVATE = {"Cache-Control": "no-store"}
_LISTED = {
    *COMMON, "from", "to", "state", "flag", "pipe", "unit", "township", "system", "limit", "cursor",
}  # fmt: skip
_PERIOD = {*COMMON, "from", "to", "township", "as-of", "known-at"}


class Jobs(BaseModel):
    """Jobs as one table; ``source`` names where they come from."""

    model_config = ConfigDict(extra="forbid")

    jobs: Annotated[list[Job], Field(min_length=1, max_length=MOST_ROWS)]
    source: Annotated[str, Field(min_length=1, max_length=200)] = "form"


def _answer(document: object, status: int = 200) -> Response:
    return Response(orjson.dumps(document), status, _PRIVATE, "application/json")


async def _ask(request: Request, statement: Statement) -> str | None:
    rows = await parts_of(request).reader.run(request, lambda ask: ask(statement))
    return rows[0][0] if rows else None


def _today(request: Request) -> date:
    parts = application_of(request)
    return parts.clock().astimezone(parts.zone).date()


async def list_jobs(request: Request) -> Response:
    """Jobs, the latest begun first, with their flags and the sums of all that match."""
    query = request.query_params
    check_known(query, _LISTED)
    rules, limit = load_rules(), min(read_limit(query), 1000)
    scope = f"desilting {sorted((k, v) for k, v in query.items() if k != 'cursor')}"
    after = read_cursor(query.get("cursor"), scope)
    asked = questions.list_jobs(_read_filter(query), rules, limit=limit + 1, after=after)
    found = questions.read_jobs(await _ask(request, asked) or "{}", rules)
    page, cursor = found["jobs"][:limit], None
    if len(found["jobs"]) > limit:
        cursor = make_cursor(scope, UUID(page[-1]["id"]))
    about = questions.describe_rules(rules)
    return _answer({"rules": about, "sums": found["sums"], "jobs": page, "cursor": cursor})


def _read_filter(query: QueryParams) -> questions.JobFilter:
    first, last = read_days(query)
    return questions.JobFilter(
        first=first,
        last=last,
        state=read_choice(query, "state", tuple(STATES)),
        flag=read_choice(query, "flag", FLAGS),
        pipe=read_pipe(query),
        unit=read_text(query, "unit"),
        township=read_text(query, "township"),
        system=read_choice(query, "system", ("storm", "sanitary", "combined")),
    )


async def one_job(request: Request) -> Response:
    """A job with its flags explained, every version of it, and the company's replies."""
    check_known(request.query_params, COMMON)
    rules = load_rules()
    content = await _ask(request, questions.one_job(read_identifier(request), rules))
    if content is None:
        raise NotFoundError(NO_JOB)
    about = questions.describe_rules(rules)
    return _answer({"rules": about, **questions.read_job(content, rules)})


async def take_jobs(request: Request) -> Response:
    """Record jobs: a JSON document, or a contractor's table (.xlsx, .xls, .csv) as the body."""
    query = request.query_params
    check_known(query, {*COMMON, "name", "unit"})
    refused: list[Refused] = []
    if request.headers.get("content-type", "").startswith("application/json"):
        given = await _read_jobs(request)
        jobs, source = dict(enumerate(given.jobs, 1)), given.source
    else:
        source = read_text(query, "name") or "upload"
        jobs, refused = await _read_table(request, read_text(query, "unit"))
    today, numbers = _today(request), list(jobs)

    def work(connection: Connection) -> dict[str, Any]:  # Any: JSON
        done = record_jobs(connection, list(jobs.values()), source=source, today=today)
        later = [replace(r, row=numbers[r.row - 1]) for r in done.refused]
        both = sorted((*refused, *later), key=lambda r: r.row)
        return replace(done, refused=tuple(both)).as_document()

    return _answer(await record(request, work, reason=f"desilting {source}"[:200]))


async def _read_jobs(request: Request) -> Jobs:
    document = await read_json(request)
    try:
        return Jobs.model_validate(document)
    except ValidationError as error:
        places = (detail["loc"] or (detail["type"],) for detail in error.errors())
        known = {*Jobs.model_fields, *Job.model_fields}
        names = {".".join(str(p) for p in q if isinstance(p, int) or p in known) for q in places}
        shown = sorted(names)[:20]
        raise InputError(
            Text(zh="字段有误:{names}", en="wrong fields: {names}").format(names=", ".join(shown)),
            fields=shown,
        ) from None


async def _read_table(request: Request, unit: str | None) -> tuple[dict[int, Job], list[Refused]]:
    async with receive_file(request) as path:
        return await run_sync(partial(read_table, path, unit=unit))


async def take_reply(request: Request) -> Response:
    """Keep what the company says about a job."""
    check_known(request.query_params, COMMON)
    identifier, reply = read_identifier(request), await read_model(request, Reply)
    today = _today(request)

    def work(connection: Connection) -> UUID:
        return record_reply(connection, identifier, reply, today=today)

    made = await record(request, work, reason="desilting reply")
    return _answer({"id": str(made)}, 201)


def _read_period(request: Request) -> ProgressFilter:
    """The period asked for, this year so far without one; days end on the business clock."""
    query, today = request.query_params, _today(request)
    last = read_day(query, "to") or today
    first = read_day(query, "from") or date(last.year, 1, 1)
    check_order(first, last)
    as_of, known = read_day(query, "as-of"), read_day(query, "known-at")
    zone = application_of(request).zone
    ends = [None if d is None else datetime.combine(d, time.max, zone) for d in (as_of, known)]
    return ProgressFilter(
        first=first,
        last=last if as_of is None else min(last, as_of),
        township=read_text(query, "township"),
        as_of=ends[0],
        known_at=ends[1],
    )


async def progress(request: Request) -> Response:
    """The grid of works of a period and area; ``f=xlsx`` for a workbook with every row."""
    query = request.query_params
    check_known(query, _PERIOD)
    asked, rules = _read_period(request), load_rules()
    shape = read_choice(query, "f", ("json", "xlsx"))
    cells = orjson.loads(await _ask(request, progress_grid(asked, rules)) or "[]")
    if shape != "xlsx":
        return _answer({**describe_progress(asked, rules), "cells": cells})
    require(person_of(request), Action.EXPORT)
    statement = progress_rows(asked, rules, limit=MOST_IN_FILE + 1)
    rows = orjson.loads(await _ask(request, statement) or "[]")
    with tempfile.TemporaryDirectory(prefix="infratrack-progress-") as folder:
        path = Path(folder) / "progress.xlsx"
        language = choose_language(request)
        works = Works(rows[:MOST_IN_FILE], is_cut=len(rows) > MOST_IN_FILE)
        await run_sync(write_progress, path, asked, cells, works, rules, language)
        book = await run_sync(path.read_bytes)
    name = quote("管网进度.xlsx")
    headers = {**_PRIVATE, "Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
    return Response(book, 200, headers, XLSX)


async def progress_works(request: Request) -> Response:
    """The works behind a cell of the grid, the latest first."""
    query = request.query_params
    check_known(query, {*_PERIOD, "activity", "state", "system", "limit", "offset"})
    asked, limit = _read_period(request), min(read_limit(query), 1000)
    statement = progress_rows(
        asked,
        load_rules(),
        activity=read_choice(query, "activity", tuple(ACTIVITIES)),
        state=read_choice(query, "state", tuple(STATES)),
        system=read_choice(query, "system", tuple(SYSTEMS)),
        limit=limit + 1,
        offset=_read_offset(query),
    )
    found = orjson.loads(await _ask(request, statement) or "[]")
    return _answer({"rows": found[:limit], "more": len(found) > limit})


def _read_offset(query: QueryParams) -> int:
    word = query.get("offset", "0")
    if not (word.isascii() and word.isdigit() and len(word) <= 7):
        raise refuse_parameter("offset", "需为非负整数", "takes a number from 0")
    return int(word)
