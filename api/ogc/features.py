"""OGC API Features, Part 1 core: landing page, conformance, collections, items."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.answers import (
    answer_json,
    answer_packed,
    answer_unchanged,
    has_current,
    pack,
)
from api.context import absolute, parts_of
from api.freshness import make_etag, read_version
from api.language import choose_language
from api.ogc.documents import (
    GEOJSON,
    JSON,
    OPENAPI_JSON,
    SCHEMA_JSON,
    Document,
    collection_document,
    conformance_document,
    landing_document,
    link,
)
from api.ogc.openapi import openapi_document
from api.ogc.page import PAGE_POLICY, write_page
from api.ogc.parameters import (
    COMMON,
    check_known,
    make_cursor,
    read_cursor,
    read_filter,
    read_limit,
)
from api.ogc.schemas import schema_document
from api.reading import Ask
from api.remembered import count_features, read_extent
from gis import queries
from gis.attributes import Text
from gis.errors import NotFoundError
from gis.geometry import CRS84_URI
from gis.kinds import Record


async def landing(request: Request) -> Response:
    """Landing page of the API; a person's browser is sent to the map."""
    check_known(request.query_params, COMMON)
    wants_page = request.headers.get("accept", "").startswith("text/html")
    if wants_page and "f" not in request.query_params:
        return RedirectResponse("/maps/progress", 303, {"Vary": "Accept"})
    return answer_json(request, landing_document(request, choose_language(request)))


async def conformance(request: Request) -> Response:
    """Conformance classes."""
    check_known(request.query_params, COMMON)
    return answer_json(request, conformance_document())


async def api_definition(request: Request) -> Response:
    """The OpenAPI 3.0 document."""
    check_known(request.query_params, COMMON)
    document = openapi_document(request, parts_of(request), choose_language(request))
    return answer_json(request, document, media=OPENAPI_JSON)


async def api_page(request: Request) -> Response:
    """The same document for people: plain HTML, nothing to run and nothing to fetch."""
    check_known(request.query_params, COMMON)
    language = choose_language(request)
    page = write_page(openapi_document(request, parts_of(request), language), language)
    headers = {"Content-Security-Policy": PAGE_POLICY, "Cache-Control": "private, no-cache"}
    return Response(page, 200, headers, "text/html")


async def collections(request: Request) -> Response:
    """All collections the reader may see."""
    check_known(request.query_params, COMMON)
    parts = parts_of(request)
    language = choose_language(request)
    kinds = list(parts.kinds.values())

    def work(ask: Ask) -> list[Document]:
        extents = [read_extent(parts, ask, kind) for kind in kinds]
        pairs = zip(kinds, extents, strict=True)
        return [collection_document(request, kind, at, language) for kind, at in pairs]

    found = await parts.reader.run(request, work)
    links = [link("self", JSON, absolute(request, "/collections"))]
    return answer_json(request, {"links": links, "collections": found})


async def collection(request: Request) -> Response:
    """One collection."""
    check_known(request.query_params, COMMON)
    parts = parts_of(request)
    kind = parts.kind(request.path_params["kind"])
    extent = await parts.reader.run(request, lambda ask: read_extent(parts, ask, kind))
    document = collection_document(request, kind, extent, choose_language(request))
    return answer_json(request, document)


async def schema(request: Request) -> Response:
    """The JSON schema of a collection's features: words, units, vocabularies."""
    check_known(request.query_params, COMMON)
    parts = parts_of(request)
    kind = parts.kind(request.path_params["kind"])
    document = schema_document(request, kind, parts.pool, choose_language(request))
    return answer_json(request, document, media=SCHEMA_JSON)


async def items(request: Request) -> Response:
    """One page of a collection's features, made by one statement."""
    parts = parts_of(request)
    kind = parts.kind(request.path_params["kind"])
    query = request.query_params
    asked = read_filter(query, kind, parts.pool, parts.zone)
    limit = read_limit(query)
    scope = f"{kind.kind}:{asked!r}"
    after = read_cursor(query.get("cursor"), scope)

    def work(ask: Ask) -> tuple[str, tuple[bytes, bool] | None]:
        version = read_version(ask, [kind.kind])
        # Weak: the time stamp inside differs from answer to answer.
        etag = "W/" + make_etag(version, parts.pool, request.url, "items")
        if has_current(request, etag):
            return etag, None
        matched = count_features(parts, ask, kind, asked, version)
        page = queries.features_page(kind, parts.pool, asked, limit=limit, after=after)
        features, returned, last, more = ask(page)[0]
        links = _page_links(request, kind, make_cursor(scope, last) if more else None)
        return etag, pack(request, _collection_bytes(features, returned, matched, links))

    etag, packed = await parts.reader.run(request, work)
    if packed is None:
        return answer_unchanged(etag)
    headers = {"Content-Crs": f"<{CRS84_URI}>"}
    return answer_packed(request, packed, etag=etag, media=GEOJSON, headers=headers)


def _page_links(request: Request, kind: type[Record], cursor: str | None) -> list[Document]:
    path = f"/collections/{kind.kind}/items"
    query = dict(request.query_params)
    asked = {name: value for name, value in query.items() if name != "cursor"}
    links = [
        link("self", GEOJSON, absolute(request, path, **query)),
        link("collection", JSON, absolute(request, f"/collections/{kind.kind}")),
    ]
    if cursor is not None:
        links.append(link("next", GEOJSON, absolute(request, path, **asked, cursor=cursor)))
    return links


def _collection_bytes(features: str, returned: int, matched: int, links: list[Document]) -> bytes:
    head = {
        "type": "FeatureCollection",
        "timeStamp": datetime.now(UTC).isoformat(timespec="seconds"),
        "numberMatched": matched,
        "numberReturned": returned,
        "links": links,
    }
    return orjson.dumps(head)[:-1] + b',"features":[' + features.encode() + b"]}"


def _read_identifier(text: str, kind: type[Record]) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise missing_feature(kind) from None


def missing_feature(kind: type[Record]) -> NotFoundError:
    """No such feature in this collection."""
    return NotFoundError(
        Text(zh="图层 {kind} 中没有此记录", en="no such feature in {kind}").format(kind=kind.kind)
    )


async def item(request: Request) -> Response:
    """One feature."""
    parts = parts_of(request)
    kind = parts.kind(request.path_params["kind"])
    identifier = _read_identifier(request.path_params["id"], kind)
    check_known(request.query_params, {*COMMON, "crs", "as-of", "known-at"})
    asked = read_filter(request.query_params, kind, parts.pool, parts.zone)
    statement = queries.one_feature(kind, parts.pool, identifier, asked)
    rows = await parts.reader.run(request, lambda ask: ask(statement))
    if not rows:
        raise missing_feature(kind)
    here = f"/collections/{kind.kind}"
    links = [
        link("self", GEOJSON, absolute(request, f"{here}/items/{identifier}")),
        link("collection", JSON, absolute(request, here)),
        link("version-history", JSON, absolute(request, f"{here}/items/{identifier}/history")),
    ]
    content = rows[0][0].encode()[:-1] + b',"links":' + orjson.dumps(links) + b"}"
    answer = answer_json(request, content, media=GEOJSON)
    answer.headers["Content-Crs"] = f"<{CRS84_URI}>"
    return answer


async def history(request: Request) -> Response:
    """Every version of one feature: who said what, when, true since when."""
    check_known(request.query_params, COMMON)
    parts = parts_of(request)
    kind = parts.kind(request.path_params["kind"])
    identifier = _read_identifier(request.path_params["id"], kind)
    rows = await parts.reader.run(
        request, lambda ask: ask(queries.versions_of(kind, parts.pool, identifier))
    )
    if rows[0][0] == "[]":
        raise missing_feature(kind)
    return answer_json(request, b'{"versions":' + rows[0][0].encode() + b"}")
