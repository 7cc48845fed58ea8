"""OGC API Tiles: WebMercatorQuad vector tiles of one kind or several, always fresh."""

from __future__ import annotations

import gzip
from functools import partial

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from api.answers import accepts_gzip, answer_json, has_current, mark_packed
from api.context import Parts, absolute, parts_of
from api.freshness import make_etag
from api.language import choose_language
from api.ogc.documents import (
    JSON,
    MVT,
    TITLE,
    TMS_URI,
    link,
    tile_matrix_set_document,
    tileset_document,
    tilesets_document,
)
from api.ogc.parameters import COMMON, check_known, read_optional_moment
from api.reading import Ask
from gis.attributes import Text
from gis.errors import NotFoundError
from gis.kinds import Record
from gis.tiles import MAX_ZOOM, tile_statement

_HEADERS = {"Cache-Control": "private, no-cache", "Vary": "Accept-Encoding, Authorization, Cookie"}


async def tile_matrix_sets(request: Request) -> Response:
    """The tiling schemes: one."""
    check_known(request.query_params, COMMON)
    scheme = {
        "id": "WebMercatorQuad",
        "title": "WebMercatorQuad",
        "uri": TMS_URI,
        "links": [link("self", JSON, absolute(request, "/tileMatrixSets/WebMercatorQuad"))],
    }
    return answer_json(request, {"tileMatrixSets": [scheme]})


async def tile_matrix_set(request: Request) -> Response:
    """WebMercatorQuad."""
    check_known(request.query_params, COMMON)
    return answer_json(request, tile_matrix_set_document())


async def tilesets(request: Request) -> Response:
    """The tilesets of the data set, or of one collection."""
    check_known(request.query_params, COMMON)
    base, kinds = _base(request)
    language = choose_language(request)
    title = kinds[0].label if len(kinds) == 1 else TITLE
    return answer_json(request, tilesets_document(request, base, title.get(language)))


async def tileset(request: Request) -> Response:
    """One tileset's metadata."""
    check_known(request.query_params, COMMON)
    base, kinds = _base(request)
    return answer_json(request, tileset_document(request, base, kinds, choose_language(request)))


def _base(request: Request) -> tuple[str, list[type[Record]]]:
    parts = parts_of(request)
    name = request.path_params.get("kind")
    if name is None:
        return "/tiles", list(parts.kinds.values())
    return f"/collections/{name}/tiles", [parts.kind(name)]


async def tile(request: Request) -> Response:
    """One tile; its version is read first, is its ETag and the key it is kept under."""
    parts = parts_of(request)
    kinds = _asked_kinds(request, parts)
    zoom, row, column = _read_address(request)
    as_of = read_optional_moment(request.query_params, "as-of", parts.zone)
    names = [kind.kind for kind in kinds]
    version = await parts.versions.read(names)
    key = (version, parts.pool, ".".join(names), zoom, row, column, as_of)
    etag = make_etag("tile", *key)
    if has_current(request, etag):
        parts.metrics.tiles.labels("unchanged").inc()
        return Response(status_code=304, headers={"ETag": etag, **_HEADERS})

    def work(ask: Ask) -> bytes:
        asked = tile_statement(kinds, parts.pool, zoom=zoom, row=row, column=column, as_of=as_of)
        return _fit(bytes(ask(asked)[0][0]), packs=packs)

    packs = accepts_gzip(request)
    content = parts.tiles.get(key)
    parts.metrics.tiles.labels("made" if content is None else "cached").inc()
    if content is None:
        content = await parts.reader.run(request, work)
        parts.tiles.keep(key, content)
    elif content and content.startswith(_GZIP) != packs:
        content = await anyio.to_thread.run_sync(partial(_fit, content, packs=packs))
        if packs:
            parts.tiles.keep(key, content)
    return _answer_tile(content, etag)


def _answer_tile(content: bytes, etag: str) -> Response:
    if not content:
        return Response(status_code=204, headers={"ETag": etag, **_HEADERS})
    if content.startswith(_GZIP):
        headers = {"ETag": mark_packed(etag), "Content-Encoding": "gzip", **_HEADERS}
        return Response(content, 200, headers, MVT)
    return Response(content, 200, {"ETag": etag, **_HEADERS}, MVT)


_GZIP = b"\x1f\x8b"
"""How packed bytes begin; a tile begins with 0x1a, the field of its first layer."""


def _fit(content: bytes, *, packs: bool) -> bytes:
    """A tile as its reader takes it; nothing stays nothing (204).

    Packed only once somebody reads gzip: who reads plain bytes would pay for it twice.
    """
    if not content or content.startswith(_GZIP) == packs:
        return content
    return gzip.compress(content, 1) if packs else gzip.decompress(content)


def _asked_kinds(request: Request, parts: Parts) -> list[type[Record]]:
    query = request.query_params
    if "kind" in request.path_params:
        check_known(query, {*COMMON, "as-of", "v"})
        return [parts.kind(request.path_params["kind"])]
    check_known(query, {*COMMON, "as-of", "v", "collections"})
    names = dict.fromkeys(query.get("collections", ",".join(parts.kinds)).split(","))
    return [parts.kind(name) for name in names]


def _read_address(request: Request) -> tuple[int, int, int]:
    numbers = [request.path_params[name] for name in ("z", "row", "col")]
    if all(n.isascii() and n.isdigit() and len(n) < 9 for n in numbers):
        zoom, row, column = map(int, numbers)
        if zoom <= MAX_ZOOM and row < 2**zoom and column < 2**zoom:
            return zoom, row, column
    raise NotFoundError(
        Text(
            zh="没有此瓦片:级别 0-22,行列在该级范围内",
            en="no such tile: zoom 0-22, row and column within it",
        )
    )
