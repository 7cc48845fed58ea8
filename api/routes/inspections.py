"""Inspections of sewers: runs, conditions with their explanation, repairs, and record tables in."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import anyio.to_thread
import orjson
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.context import application_of, parts_of
from api.identity import person_of
from api.language import choose_language
from api.ogc.parameters import (
    COMMON,
    check_known,
    make_cursor,
    read_cursor,
    read_limit,
)
from api.query_values import (
    read_choice,
    read_day,
    read_days,
    read_pipe,
    read_text,
    receive_file,
)
from api.recording import recording_pool
from api.routes.records import read_identifier
from gis.attributes import Text
from gis.errors import NotFoundError
from gis.network import inspection_questions as questions
from gis.network.cctv_import import CctvReport, import_cctv
from gis.network.cctv_judge import Given
from gis.network.cctv_values import METHODS
from gis.network.condition import Seen
from gis.network.condition_explain import explain
from gis.network.condition_rules import RULES_IN_FORCE, Rules, load_rules
from gis.network.inspections import read_inputs
from gis.network.pacp import describe_pacp
from gis.network.pacp_rules import load_pacp
from gis.network.repairs import RepairFilter, read_document, repairs_question
from gis.network.repairs_file import write_repairs
from gis.people.policy import Action, require
from gis.queries import Statement

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_PRIVATE = {"Cache-Control": "no-store"}
_LISTED = {
    *COMMON, "from", "to", "method", "matched", "code", "repair-class", "pipe", "unit", "rules",
    "limit", "cursor",
}  # fmt: skip
_CLASSES = ("Ⅰ", "Ⅱ", "Ⅲ", "Ⅳ")


def _answer(document: object) -> Response:
    return Response(orjson.dumps(document), 200, _PRIVATE, "application/json")


async def _ask(request: Request, statement: Statement) -> str | None:
    rows = await parts_of(request).reader.run(request, lambda ask: ask(statement))
    return rows[0][0] if rows else None


def _about(rules: Rules) -> dict[str, object]:
    """The rule version, and that nobody read the printed standard: every figure rests on it."""
    return {
        "version": rules.version,
        "standard": rules.standard,
        "original_read": rules.original_read,
    }


async def list_inspections(request: Request) -> Response:
    """Runs, the newest first, with the grade in force under the rules asked for."""
    query = request.query_params
    check_known(query, _LISTED)
    rules, limit = _read_rules(query), min(read_limit(query), 1000)
    scope = f"inspections {sorted((k, v) for k, v in query.items() if k != 'cursor')}"
    after = read_cursor(query.get("cursor"), scope)
    asked = questions.list_inspections(
        _read_filter(query), limit=limit + 1, after=after, rules=rules.version
    )
    found = orjson.loads(await _ask(request, asked) or "{}")["inspections"]
    page, cursor = found[:limit], None
    if len(found) > limit:
        cursor = make_cursor(scope, UUID(page[-1]["id"]))
    return _answer({"rules": _about(rules), "inspections": page, "cursor": cursor})


def _read_filter(query: QueryParams) -> questions.InspectionFilter:
    first, last = read_days(query)
    matched = read_choice(query, "matched", ("true", "false"))
    return questions.InspectionFilter(
        first=first,
        last=last,
        method=read_choice(query, "method", tuple(METHODS)),
        is_matched=None if matched is None else matched == "true",
        code=read_text(query, "code"),
        repair_class=read_choice(query, "repair-class", _CLASSES),
        pipe=read_pipe(query),
        unit=read_text(query, "unit"),
    )


def _read_rules(query: QueryParams) -> Rules:
    return load_rules(query.get("rules", RULES_IN_FORCE))


async def one_inspection(request: Request) -> Response:
    """A run with its observations, every grade, and the grade in force explained term by term."""
    check_known(request.query_params, {*COMMON, "rules"})
    rules, identifier = _read_rules(request.query_params), read_identifier(request)
    content = await _ask(request, questions.one_inspection(identifier, rules=rules.version))
    if content is None:
        raise NotFoundError(Text(zh="没有此检测记录", en="no such inspection"))
    document = orjson.loads(content)
    inputs = document.pop("inputs")
    terms = [] if inputs is None else explain(read_inputs(inputs), rules)
    return _answer(
        {
            "rules": _about(rules),
            **document,
            "inputs": inputs,
            "explain": [term.as_document() for term in terms],
        }
    )


async def pipe_condition(request: Request) -> Response:
    """A pipe's latest grade, its history, and what the latest run saw as GeoJSON."""
    check_known(request.query_params, {*COMMON, "rules", "on"})
    rules, identifier = _read_rules(request.query_params), read_identifier(request)
    on = read_day(request.query_params, "on")
    if "sewer_pipe" not in parts_of(request).kinds:
        raise HTTPException(404)
    content = await _ask(request, questions.pipe_condition(identifier, on=on, rules=rules.version))
    if content is None:
        raise NotFoundError(Text(zh="没有此管段", en="no such pipe"))
    document = orjson.loads(content)
    pacp = None if document["latest"] is None else _rate_pacp(document["defects"])
    return _answer({"rules": _about(rules), **document, "pacp": pacp})


def _rate_pacp(defects: Mapping[str, Any]) -> dict[str, Any]:  # Any: JSON
    """The same observations by another protocol, beside the grades of CJJ 181."""
    found = (feature["properties"] for feature in defects["features"])
    seen = [Seen(o["chainage_m"], o["code"], o["grade"], o["end_m"]) for o in found]
    return describe_pacp(seen, load_pacp())


async def classes(request: Request) -> Response:
    """The latest classes of every inspected pipe, and the words of the repair classes."""
    check_known(request.query_params, {*COMMON, "rules", "on"})
    rules, on = _read_rules(request.query_params), read_day(request.query_params, "on")
    if "sewer_pipe" not in parts_of(request).kinds:
        raise HTTPException(404)
    content = await _ask(request, questions.latest_classes(on=on, rules=rules.version))
    words = [
        {"value": band.key, "zh": band.zh, "en": band.en, "unverified": band.source is None}
        for band in rules.repair_class
    ]
    return _answer(
        {"rules": _about(rules), "words": words, "pipes": orjson.Fragment(content or "{}")}
    )


async def repairs(request: Request) -> Response:
    """What to repair and clean first, with quantities; ``f=xlsx`` for a workbook."""
    query = request.query_params
    check_known(query, {*COMMON, "rules", "on", "system", "road"})
    rules = _read_rules(query)
    asked = RepairFilter(
        on=read_day(query, "on"),
        system=read_text(query, "system"),
        road=read_text(query, "road"),
    )
    shape = read_choice(query, "f", ("json", "xlsx"))
    if shape == "xlsx":
        require(person_of(request), Action.EXPORT)
    content = await _ask(request, repairs_question(asked, rules=rules.version))
    document = read_document(content or "{}")
    if shape != "xlsx":
        return _answer({"rules": _about(rules), **document})
    language = choose_language(request)
    with tempfile.TemporaryDirectory(prefix="infratrack-repairs-") as folder:
        path = Path(folder) / "repairs.xlsx"
        await anyio.to_thread.run_sync(write_repairs, path, document, rules, language)
        book = await anyio.to_thread.run_sync(path.read_bytes)
    name = quote("管道修复清单.xlsx")
    headers = {**_PRIVATE, "Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
    return Response(book, 200, headers, XLSX)


async def import_table(request: Request) -> Response:
    """Take in a record table, sent as the body; the verdict on every row comes back."""
    query, parts = request.query_params, application_of(request)
    check_known(query, {*COMMON, "name", "dry-run", "method", "unit", "importance", "soil"})
    given = Given(
        method=read_choice(query, "method", tuple(METHODS)) or "cctv",
        unit=read_text(query, "unit"),
        importance=read_text(query, "importance"),
        soil=read_text(query, "soil"),
    )
    dry_run = read_choice(query, "dry-run", ("true", "false")) == "true"
    person, today = person_of(request), parts.clock().astimezone(parts.zone).date()
    async with receive_file(request) as path:
        work = partial(
            import_cctv,
            parts.database,
            path,
            actor=person.login,
            today=today,
            name=read_text(query, "name") or "upload",
            given=given,
            dry_run=dry_run,
            pool=recording_pool(person),
        )
        report: CctvReport = await anyio.to_thread.run_sync(work)
    return _answer(report.as_document())
