"""OGC API Tiles: WebMercatorQuad vector tiles of one kind or several, always fresh."""

from __future__ import annotations

import gzip

from starlette.requests import Request
from starlette.responses import Response

from api.context import Parts, parts_of
from api.freshness import make_etag, matches, read_version
from api.language import choose_language
from api.ogc.documents import (
    MVT,
    TITLE,
    tile_matrix_set_document,
    tileset_document,
    tilesets_document,
)
from api.ogc.features import answer_json
from api.ogc.parameters import COMMON, check_known, read_moment
from api.reading import Ask
from gis.attributes import Text
from gis.errors import NotFoundError
from gis.kinds import Record
from gis.tiles import MAX_ZOOM, tile_statement


async def tile_matrix_sets(request: Request) -> Response:
    """The tiling schemes: one."""
    check_known(request.query_params, COMMON)
    scheme = {"id": "WebMercatorQuad", "title": "WebMercatorQuad", "links": []}
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
    query = request.query_params
    as_of = read_moment("as-of", query["as-of"]) if "as-of" in query else None
    names = [kind.kind for kind in kinds]
    asked_etag = request.headers.get("if-none-match")

    def work(ask: Ask) -> tuple[str, bytes | None]:
        version = read_version(ask, names)
        key = (version, parts.pool, ".".join(names), zoom, row, column, as_of)
        etag = make_etag("tile", *key)
        if matches(asked_etag, etag):
            return etag, None
        kept = parts.tiles.get(key)
        if kept is None:
            statement = tile_statement(
                kinds, parts.pool, zoom=zoom, row=row, column=column, as_of=as_of
            )
            kept = gzip.compress(bytes(ask(statement)[0][0]), 1)
            parts.tiles.keep(key, kept)
        return etag, kept

    etag, content = await parts.reader.run(request, work)
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Accept-Encoding"}
    if content is None:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(content, 200, {**headers, "Content-Encoding": "gzip"}, MVT)
    return Response(gzip.decompress(content), 200, headers, MVT)


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
