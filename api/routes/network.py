"""The sewer network as a graph: traces and what follows from them, as GeoJSON ready to draw."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import TypeVar
from urllib.parse import quote

import orjson
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from api.answers import answer_packed, answer_unchanged, has_current, pack
from api.context import Parts, parts_of
from api.freshness import make_etag, read_version
from api.identity import person_of
from api.language import choose_language
from api.ogc.documents import GEOJSON
from api.ogc.parameters import (
    COMMON,
    check_known,
    read_limit,
    read_optional_moment,
    refuse_parameter,
)
from api.reading import Ask
from api.recording import record
from api.requests import read_model
from api.routes.records import read_identifier
from gis.attributes import Vocabulary
from gis.kinds.sewer_pipe import PipeSystem
from gis.network import misconnections as meeting
from gis.network import trace as tracing
from gis.network import ways
from gis.network.asking import asking
from gis.network.catchment import MOST_M, NEAR_M, read_area
from gis.network.components import describe_components
from gis.network.inspection_questions import inspections_version
from gis.network.isolation import isolate as isolate_pipe
from gis.network.profile_json import as_json
from gis.network.profile_questions import NODE_KINDS
from gis.network.swmm_export import export_swmm
from gis.network.swmm_part import require_levels
from gis.network.topology import topology_statement
from gis.network.way_profile import read_profile
from gis.people.policy import Action, allows
from layers.profile_drawing import draw_profile

E = TypeVar("E", bound=StrEnum | Vocabulary)
KINDS = ("sewer_pipe", *NODE_KINDS)
"""Every collection an answer of this module reads."""


async def answer_network(
    request: Request,
    work: Callable[[Ask, Parts], bytes],
    *,
    media: str = GEOJSON,
    inspected: bool = False,
    headers: dict[str, str] | None = None,
) -> Response:
    """What ``work`` makes, under an ETag over every collection of the network.

    ``inspected`` is whether it rests on inspections as well, which are no collection.
    """
    parts = parts_of(request)
    language = choose_language(request)
    parts.kind("sewer_pipe")  # who does not see the pipes knows of no network

    def in_thread(ask: Ask) -> tuple[str, tuple[bytes, bool] | None]:
        runs = ask(inspections_version()) if inspected else ()
        version = read_version(ask, KINDS)
        etag = make_etag(version, parts.pool, request.url, language.value, *runs)
        if has_current(request, etag):
            return etag, None
        return etag, pack(request, work(ask, parts))

    etag, packed = await parts.reader.run(request, in_thread)
    if packed is None:
        return answer_unchanged(etag)
    return answer_packed(request, packed, etag=etag, media=media, headers=headers)


def read_place(query: QueryParams, name: str = "from") -> str:
    """The id or code of a node or a pipe."""
    text = query.get(name)
    if text is None:
        raise refuse_parameter(name, "不可缺少", "is needed")
    if not 0 < len(text) <= 64 or "\x00" in text:
        raise refuse_parameter(name, "需为编号或标识", "takes a code or an id")
    return text


def read_word(query: QueryParams, name: str, words: type[E]) -> E | None:
    """A word of a closed list, or None where it is not asked for."""
    text = query.get(name)
    if text is None:
        return None
    try:
        return words(text)
    except ValueError:
        known = ", ".join(str(word.value) for word in words)
        raise refuse_parameter(name, f"需为 {known} 之一", f"takes one of {known}") from None


def read_flag(query: QueryParams, name: str) -> bool:
    """``true`` or ``false``; false where it is not asked for."""
    text = query.get(name, "false")
    if text not in ("true", "false"):
        raise refuse_parameter(name, "需为 true 或 false", "takes true or false")
    return text == "true"


def read_as_of(request: Request) -> datetime | None:
    """The moment that is asked about; None is now."""
    return read_optional_moment(request.query_params, "as-of", parts_of(request).zone)


async def trace(request: Request) -> Response:
    """All that drains to a place, or that it drains to."""
    query = request.query_params
    check_known(query, {*COMMON, "from", "direction", "system", "as-of", "people"})
    start, as_of = read_place(query), read_as_of(request)
    direction = read_word(query, "direction", tracing.Direction) or tracing.Direction.UP
    system, people = read_word(query, "system", PipeSystem), read_flag(query, "people")

    def work(ask: Ask, parts: Parts) -> bytes:
        return tracing.trace(
            ask, start, direction, pool=parts.pool, system=system, people=people, as_of=as_of
        ).as_bytes()

    return await answer_network(request, work)


def _draw_way(ask: Ask, parts: Parts, way: ways.Way) -> bytes:
    """The way as GeoJSON, its summary, and its steps in order."""
    pipes, nodes, summary = ask(
        tracing.trace_statement(way.as_walk(), parts.pool, says_dead_ends=False)
    )[0]
    head = {
        "type": "FeatureCollection",
        "along": way.along.value,
        "length_m": way.length_m,
        "as_of": way.as_of.isoformat() if way.as_of else None,
        "way": [
            {"pipe": str(s.pipe), "start": str(s.start), "end": str(s.end), "forward": s.forward}
            for s in way.steps
        ],
    }
    body = (orjson.dumps(head)[:-1], b',"summary":', summary.encode(), b',"features":[')
    return b"".join((*body, tracing.join_features(pipes, nodes).encode(), b"]}"))


async def path(request: Request) -> Response:
    """The shortest way between two places, along the flow where there is one."""
    query = request.query_params
    check_known(query, {*COMMON, "from", "to", "as-of"})
    start, goal, as_of = read_place(query), read_place(query, "to"), read_as_of(request)

    def work(ask: Ask, parts: Parts) -> bytes:
        return _draw_way(ask, parts, ways.find_way(ask, start, goal, as_of=as_of))

    return await answer_network(request, work)


async def downstream(request: Request) -> Response:
    """The way to the nearest outfall, or manhole, downstream."""
    query = request.query_params
    check_known(query, {*COMMON, "from", "goal", "as-of"})
    start, as_of = read_place(query), read_as_of(request)
    goal = read_word(query, "goal", ways.Goal) or ways.Goal.OUTFALL

    def work(ask: Ask, parts: Parts) -> bytes:
        return _draw_way(ask, parts, ways.find_downstream(ask, start, goal, as_of=as_of))

    return await answer_network(request, work)


async def profile(request: Request) -> Response:
    """The profile between two places, or down to the outfall: JSON, or a drawing (``f=svg``)."""
    query, language = request.query_params, choose_language(request)
    check_known(query, {*COMMON, "from", "to", "as-of"})
    start, as_of = read_place(query), read_as_of(request)
    goal = read_place(query, "to") if "to" in query else None
    if query.get("f", "json") not in ("json", "svg"):
        raise refuse_parameter("f", "需为 json 或 svg", "takes json or svg")
    is_drawing = query.get("f") == "svg"
    inspected = allows(person_of(request), Action.READ_INSPECTIONS)
    on = None if as_of is None else as_of.astimezone(parts_of(request).zone).date()

    def work(ask: Ask, parts: Parts) -> bytes:
        if goal is None:
            way = ways.find_downstream(ask, start, as_of=as_of)
        else:
            way = ways.find_way(ask, start, goal, as_of=as_of)
        made = read_profile(ask, way, pool=parts.pool, on=on, inspected=inspected)
        if is_drawing:
            return draw_profile(made, language).encode()
        return orjson.dumps({"along": way.along.value, **as_json(made)})

    media = "image/svg+xml" if is_drawing else "application/json"
    return await answer_network(request, work, media=media, inspected=inspected)


async def swmm(request: Request) -> Response:
    """A traced part of the network as a model for EPA SWMM, to be saved."""
    query = request.query_params
    check_known(query, {*COMMON, "from", "direction", "system", "as-of", "planned"})
    start, as_of = read_place(query), read_as_of(request)
    direction = read_word(query, "direction", tracing.Direction) or tracing.Direction.UP
    system, planned = read_word(query, "system", PipeSystem), read_flag(query, "planned")
    require_levels(parts_of(request).pool)

    def work(ask: Ask, parts: Parts) -> bytes:
        model = export_swmm(
            ask, start, direction, pool=parts.pool, system=system, as_of=as_of, planned=planned
        )
        return model.as_inp().encode()

    name = quote(f"{re.sub(r'[^0-9A-Za-z_-]+', '-', start) or 'model'}.inp")
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return await answer_network(request, work, media="text/plain", headers=headers)


async def catchment(request: Request) -> Response:
    """The area whose pipes drain to a place, with what a trace upstream adds up to."""
    query = request.query_params
    check_known(query, {*COMMON, "from", "near", "people", "as-of"})
    start, as_of, people = read_place(query), read_as_of(request), read_flag(query, "people")
    near_m = _read_near(query.get("near"))

    def work(ask: Ask, parts: Parts) -> bytes:
        place, walk = tracing.start_walk(ask, start, tracing.Direction.UP, as_of=as_of)
        found = tracing.answer_walk(
            ask, place, tracing.Direction.UP, walk, pool=parts.pool, people=people
        )
        geometry, area_m2 = read_area(ask, walk, near_m=near_m)
        area = {
            "type": "Feature",
            "id": "catchment",
            "geometry": orjson.Fragment(geometry or "null"),
            "properties": {"kind": "catchment", "area_m2": area_m2, "near_m": near_m},
        }
        return orjson.dumps(
            {
                "type": "FeatureCollection",
                "from": place.as_document(),
                "as_of": as_of.isoformat() if as_of else None,
                "summary": orjson.Fragment(found.summary),
                "people": orjson.Fragment(found.people or "null"),
                "features": [area],
            }
        )

    return await answer_network(request, work)


def _read_near(text: str | None) -> float:
    if text is None:
        return NEAR_M
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= MOST_M):
        raise refuse_parameter("near", f"需为 1-{MOST_M:g} 米", f"takes 1 to {MOST_M:g} metres")
    return float(text)


async def isolate(request: Request) -> Response:
    """What is affected when a pipe is blocked."""
    query = request.query_params
    check_known(query, {*COMMON, "from", "people", "as-of"})
    start, as_of, people = read_place(query), read_as_of(request), read_flag(query, "people")

    def work(ask: Ask, parts: Parts) -> bytes:
        found = isolate_pipe(ask, start, as_of=as_of)
        drawn = tracing.answer_walk(
            ask, found.blocked, tracing.Direction.UP, found.stopped, pool=parts.pool, people=people
        )
        diverted = {"pipes": found.diverted_pipes, "length_m": found.diverted_m}
        return b'{"diverted":' + orjson.dumps(diverted) + b"," + drawn.as_bytes()[1:]

    return await answer_network(request, work)


async def components(request: Request) -> Response:
    """Connected components, longest first, and what hangs on nothing."""
    query = request.query_params
    check_known(query, {*COMMON, "limit", "as-of"})
    limit, as_of = read_limit(query), read_as_of(request)

    def work(ask: Ask, _parts: Parts) -> bytes:
        return orjson.dumps(
            describe_components(ask, limit=limit, as_of=as_of), option=orjson.OPT_SERIALIZE_NUMPY
        )

    return await answer_network(request, work, media="application/json")


async def topology(request: Request) -> Response:
    """How ends of pipes found their nodes: what was snapped how far, which names are unknown."""
    query = request.query_params
    check_known(query, {*COMMON, "limit"})
    statement = topology_statement(read_limit(query))

    def work(ask: Ask, _parts: Parts) -> bytes:
        text: str = ask(statement)[0][0]
        return text.encode()

    return await answer_network(request, work, media="application/json")


async def misconnections(request: Request) -> Response:
    """Every place where systems meet wrongly, the longest affected length first."""
    check_known(request.query_params, COMMON)

    def work(ask: Ask, _parts: Parts) -> bytes:
        return orjson.dumps(meeting.list_misconnections(ask))

    return await answer_network(request, work)


async def misconnection(request: Request) -> Response:
    """One misconnection, what it affects and what was recorded of it."""
    check_known(request.query_params, COMMON)
    identifier = read_identifier(request)

    def work(ask: Ask, _parts: Parts) -> bytes:
        return orjson.dumps(meeting.read_misconnection(ask, identifier))

    return await answer_network(request, work)


async def misconnection_records(request: Request) -> Response:
    """What was recorded of one misconnection, newest first."""
    check_known(request.query_params, COMMON)
    identifier = read_identifier(request)

    def work(ask: Ask, _parts: Parts) -> bytes:
        return orjson.dumps({"records": meeting.read_records(ask, identifier)})

    return await answer_network(request, work, media="application/json")


async def add_misconnection_record(request: Request) -> Response:
    """Append what was seen, measured or done at a misconnection."""
    check_known(request.query_params, COMMON)
    given = await read_model(request, meeting.MisconnectionRecord)
    identifier = read_identifier(request)
    own = await record(
        request,
        lambda c: meeting.add_record(c, asking(c), identifier, given),
        reason="misconnection",
    )
    headers = {"Location": f"/network/misconnections/{identifier}", "Cache-Control": "no-store"}
    return Response(orjson.dumps({"id": str(own)}), 201, headers, "application/json")
