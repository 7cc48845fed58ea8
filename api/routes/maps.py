"""Live maps, their config, search, changes as they come, and the static files they load."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from api.answers import answer_json
from api.context import Parts, parts_of
from api.freshness import read_version
from api.identity import is_still_let_in, person_of
from api.language import choose_language
from api.ogc.parameters import (
    COMMON,
    check_known,
    read_limit,
    read_optional_moment,
    refuse_parameter,
)
from api.reading import Ask
from api.remembered import count_values, read_extent
from gis import queries
from gis.attributes import Text
from gis.errors import NotFoundError
from gis.kinds import Record
from gis.people.policy import Action, allows
from layers.live import CONTENT_SECURITY_POLICY, STATIC_FOLDER, live_page, static_version
from layers.map_config import LayerCounts, build_config, get_map

HEARTBEAT_S = 15.0
GATHER_S = 0.2
"""Changes that come together wake a page once."""
_FOREVER = "public, max-age=31536000, immutable"


async def map_page(request: Request) -> Response:
    """The shell of a live map."""
    check_known(request.query_params, COMMON)
    spec = get_map(request.path_params["name"])
    headers = {
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "Cache-Control": "private, no-cache",
    }
    return Response(live_page(spec, choose_language(request)), 200, headers, "text/html")


async def map_config(request: Request) -> Response:
    """Layers, words, the server's clock, and counts: today's, or those of ``as-of``."""
    check_known(request.query_params, {*COMMON, "as-of"})
    parts = parts_of(request)
    spec = get_map(request.path_params["name"])
    kinds = [parts.kinds[name] for name in spec.kinds if name in parts.kinds]
    asked = queries.Filter(as_of=read_optional_moment(request.query_params, "as-of", parts.zone))

    def work(ask: Ask) -> tuple[str, list[float] | None, dict[str, LayerCounts]]:
        version = read_version(ask, [kind.kind for kind in kinds])
        each = zip(kinds, version.split("."), strict=True)
        counts = {kind.kind: count_values(parts, ask, kind, asked, v) for kind, v in each}
        return version, _read_bounds(parts, ask, kinds), counts

    version, bounds, counts = await parts.reader.run(request, work)
    config = build_config(
        spec,
        settings=parts.settings,
        pool=parts.pool,
        language=choose_language(request),
        version=version,
        bounds=bounds,
        counts=counts,
        sees_condition=allows(person_of(request), Action.READ_INSPECTIONS, kind="sewer_pipe"),
    )
    return answer_json(request, config)


def _read_bounds(parts: Parts, ask: Ask, kinds: list[type[Record]]) -> list[float] | None:
    """The county's extent where there is one, else that of the data."""
    rows = ask(queries.county_extent())
    if rows:
        return [float(side) for side in rows[0][:4]]
    boxes = [box for kind in kinds if (box := read_extent(parts, ask, kind).box)]
    if not boxes:
        return None
    west, south, east, north = zip(*boxes, strict=True)
    return [min(west), min(south), max(east), max(north)]


async def search(request: Request) -> Response:
    """Records by code or name."""
    query = request.query_params
    check_known(query, {*COMMON, "q", "limit"})
    words = query.get("q", "").strip()
    if not words or len(words) > 100 or "\x00" in words:
        raise refuse_parameter("q", "需为 1-100 个字符", "takes 1-100 characters")
    parts = parts_of(request)
    limit = min(read_limit(query), 50)
    rows = await parts.reader.run(
        request, lambda ask: ask(queries.search_records(parts.pool, words, limit=limit))
    )
    return answer_json(request, rows[0][0].encode())


async def events(request: Request) -> Response:
    """Server-sent events: versions of the collections at each change; a comment as heartbeat.

    The stream ends when what the person showed is revoked, at once; when it has run out, with the
    next heartbeat.
    """
    check_known(request.query_params, COMMON)
    if request.method == "HEAD":  # nothing would end a stream that nobody reads
        return Response(status_code=200, media_type="text/event-stream")
    stream = _stream_versions(request)
    first = await anext(stream)  # refusals come before the answer has begun

    async def all_of_it() -> AsyncIterator[bytes]:
        yield first
        async for message in stream:
            yield message

    headers = {"Cache-Control": "no-store"}
    return StreamingResponse(all_of_it(), 200, headers, "text/event-stream")


async def _stream_versions(request: Request) -> AsyncIterator[bytes]:
    parts, person = parts_of(request), person_of(request)
    names, told = list(parts.kinds), ""
    with parts.listener.subscribe() as changed:
        yield b"retry: 3000\n\n"
        while True:
            is_change = await _wait_for_change(changed)
            if parts.listener.closing or not await is_still_let_in(request, person):
                return
            if not is_change:
                yield b": alive\n\n"
                continue
            versions = await parts.reader.ask_aside(lambda ask: read_version(ask, names))
            if versions != told:  # somebody else's being revoked wakes every stream
                told = versions
                yield f"id: {versions}\ndata: {versions}\n\n".encode()


async def _wait_for_change(changed: asyncio.Event) -> bool:
    """Wait for a notice, and for those that come with it; False when it is time to say "alive"."""
    try:
        await asyncio.wait_for(changed.wait(), HEARTBEAT_S)
    except TimeoutError:
        return False
    await asyncio.sleep(GATHER_S)
    changed.clear()
    return True


def _serve_file(folder: Path, path: str) -> Response:
    file = (folder / path.replace("\0", "?")).resolve()
    if not file.is_relative_to(folder.resolve()) or not file.is_file():
        raise NotFoundError(Text(zh="没有此文件", en="no such file"))
    media = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return Response(file.read_bytes(), 200, {"Cache-Control": _FOREVER}, media)


async def app_file(request: Request) -> Response:
    """Our own scripts and styles, under the hash of their folder."""
    if request.path_params["version"] != static_version():
        raise NotFoundError(Text(zh="页面已更新:请刷新", en="the page was updated: reload it"))
    return _serve_file(STATIC_FOLDER, request.path_params["file"])


async def vendor_file(request: Request) -> Response:
    """Browser libraries, pinned and installed at set-up."""
    folder = parts_of(request).settings.state_folder / "assets" / "vendor"
    return _serve_file(folder, request.path_params["file"])
