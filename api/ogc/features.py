"""OGC API Features, Part 1 core: landing page, conformance, collections, items."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from uuid import UUID

import orjson
from starlette.requests import Request
from starlette.responses import Response

from api.context import Parts, absolute, parts_of
from api.freshness import make_etag, matches, read_version
from api.language import choose_language
from api.ogc.documents import collection_document, conformance_document, landing_document
from api.ogc.openapi import openapi_document
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
from gis import queries
from gis.attributes import Text
from gis.errors import NotFoundError
from gis.geometry import CRS84_URI
from gis.kinds import Record

GEOJSON = "application/geo+json"
SCHEMA_JSON = "application/schema+json"
OPENAPI_JSON = "application/vnd.oai.openapi+json;version=3.0"


def answer_json(
    request: Request, body: object, *, etag: str | None = None, media: str = "application/json"
) -> Response:
    """A JSON answer that is validated on every use (no-cache + ETag)."""
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return answer_bytes(request, content, etag=etag or make_etag(content), media=media)


def answer_bytes(
    request: Request,
    content: bytes,
    *,
    etag: str,
    media: str,
    headers: dict[str, str] | None = None,
) -> Response:
    """Bytes under a strong ETag; 304 when the client has them; gzip where accepted."""
    packed = "gzip" in request.headers.get("accept-encoding", "") and len(content) > 1000
    tag = f'{etag[:-1]}-gzip"' if packed else etag
    out = {
        "ETag": tag,
        "Cache-Control": "private, no-cache",
        "Vary": "Accept-Encoding, Accept-Language",
        "Content-Language": choose_language(request).value,
        **(headers or {}),
    }
    if matches(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=out)
    if packed:
        content = gzip.compress(content, 1)
        out["Content-Encoding"] = "gzip"
    return Response(content, 200, out, media)


async def landing(request: Request) -> Response:
    """Landing page of the API."""
    check_known(request.query_params, COMMON)
    parts = parts_of(request)
    return answer_json(request, landing_document(request, parts, choose_language(request)))


async def conformance(request: Request) -> Response:
    """Conformance classes."""
    check_known(request.query_params, COMMON)
    return answer_json(request, conformance_document())


async def api_definition(request: Request) -> Response:
    """The OpenAPI 3.0 document."""
    check_known(request.query_params, COMMON)
    document = openapi_document(request, parts_of(request), choose_language(request))
    return answer_json(request, document, media=OPENAPI_JSON)


async def collections(request: Request) -> Response:
    """All collections the reader may see."""
    check_known(request.query_params, COMMON)
    parts = parts_of(request)
    language = choose_language(request)

    def work(ask: Ask) -> list[object]:
        return [
            collection_document(request, kind, ask(queries.collection_extent(kind))[0], language)
            for kind in parts.kinds.values()
        ]

    found = await parts.reader.run(request, work)
    links = [{"rel": "self", "type": "application/json", "href": absolute(request, "/collections")}]
    return answer_json(request, {"links": links, "collections": found})


async def collection(request: Request) -> Response:
    """One collection."""
    check_known(request.query_params, COMMON)
    parts = parts_of(request)
    kind = parts.kind(request.path_params["kind"])
    language = choose_language(request)
    rows = await parts.reader.run(request, lambda ask: ask(queries.collection_extent(kind)))
    return answer_json(request, collection_document(request, kind, rows[0], language))


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
    asked = read_filter(query, kind, parts.pool)
    limit = read_limit(query)
    scope = f"{kind.kind}:{asked!r}"
    after = read_cursor(query.get("cursor"), scope)

    def work(ask: Ask) -> tuple[str, queries.Statement | None, int, queries.Parameters]:
        version = read_version(ask, [kind.kind])
        etag = make_etag(version, parts.pool, str(request.url), "items")
        if matches(request.headers.get("if-none-match"), etag):
            return etag, None, 0, {}
        matched = _count(parts, ask, kind, asked, version)
        page = ask(queries.features_page(kind, parts.pool, asked, limit=limit, after=after))[0]
        return etag, None, matched, {"page": page}

    etag, _, matched, found = await parts.reader.run(request, work)
    if not found:
        return Response(status_code=304, headers={"ETag": etag})
    features, returned, last, more = found["page"]
    links = _page_links(request, kind, make_cursor(scope, last) if more else None)
    content = _collection_bytes(features, returned, matched, links)
    headers = {"Content-Crs": f"<{CRS84_URI}>"}
    return answer_bytes(request, content, etag=etag, media=GEOJSON, headers=headers)


def _count(parts: Parts, ask: Ask, kind: type[Record], asked: queries.Filter, version: str) -> int:
    """The exact number of matches, counted once per version and filter."""
    key = (kind.kind, version, repr(asked))
    kept = parts.counts.get(key)
    if kept is not None:
        return int(kept)
    matched = int(ask(queries.count_features(kind, asked))[0][0])
    parts.counts.keep(key, str(matched).encode())
    return matched


def _page_links(request: Request, kind: type[Record], cursor: str | None) -> list[dict[str, str]]:
    path = f"/collections/{kind.kind}/items"
    asked = {k: v for k, v in request.query_params.items() if k != "cursor"}
    links = [
        {
            "rel": "self",
            "type": GEOJSON,
            "href": absolute(request, path, **dict(request.query_params)),
        },
        {
            "rel": "collection",
            "type": "application/json",
            "href": absolute(request, f"/collections/{kind.kind}"),
        },
    ]
    if cursor is not None:
        href = absolute(request, path, **asked, cursor=cursor)
        links.append({"rel": "next", "type": GEOJSON, "href": href})
    return links


def _collection_bytes(
    features: str, returned: int, matched: int, links: list[dict[str, str]]
) -> bytes:
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
    asked = read_filter(request.query_params, kind, parts.pool)

    def work(ask: Ask) -> tuple[str, list[tuple[str]]]:
        version = read_version(ask, [kind.kind])
        rows = ask(queries.one_feature(kind, parts.pool, identifier, asked))
        return version, [(row[0],) for row in rows]

    version, rows = await parts.reader.run(request, work)
    if not rows:
        raise missing_feature(kind)
    links = [
        {
            "rel": rel,
            "type": media,
            "href": absolute(request, f"/collections/{kind.kind}{path}"),
        }
        for rel, media, path in (
            ("self", GEOJSON, f"/items/{identifier}"),
            ("collection", "application/json", ""),
            ("version-history", "application/json", f"/items/{identifier}/history"),
        )
    ]
    content = rows[0][0].encode()[:-1] + b',"links":' + orjson.dumps(links) + b"}"
    headers = {"Content-Crs": f"<{CRS84_URI}>"}
    etag = make_etag(version, parts.pool, str(request.url), "item")
    return answer_bytes(request, content, etag=etag, media=GEOJSON, headers=headers)


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
