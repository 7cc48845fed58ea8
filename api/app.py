"""The application: parts, routes, handlers; nothing global."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from functools import wraps

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from api.context import Parts, visible
from api.errors import answer_error, answer_http, answer_validation
from api.freshness import Listener, TileCache
from api.middleware import Guard
from api.ogc import features, tiles
from api.reading import ClientLeftError, Reader
from api.routes import maps, operation
from gis.db.roles import Pool
from gis.settings import Settings

Endpoint = Callable[[Request], Awaitable[Response]]
READ = ["GET", "HEAD", "OPTIONS"]
_ROUTES: tuple[tuple[str, Endpoint], ...] = (
    ("/", maps.home),
    ("/api/landing", features.landing),
    ("/api", features.api_definition),
    ("/conformance", features.conformance),
    ("/collections", features.collections),
    ("/collections/{kind}", features.collection),
    ("/collections/{kind}/schema", features.schema),
    ("/collections/{kind}/items", features.items),
    ("/collections/{kind}/items/{id}", features.item),
    ("/collections/{kind}/items/{id}/history", features.history),
    ("/tileMatrixSets", tiles.tile_matrix_sets),
    ("/tileMatrixSets/WebMercatorQuad", tiles.tile_matrix_set),
    ("/tiles", tiles.tilesets),
    ("/tiles/WebMercatorQuad", tiles.tileset),
    ("/tiles/WebMercatorQuad/{z}/{row}/{col}", tiles.tile),
    ("/collections/{kind}/tiles", tiles.tilesets),
    ("/collections/{kind}/tiles/WebMercatorQuad", tiles.tileset),
    ("/collections/{kind}/tiles/WebMercatorQuad/{z}/{row}/{col}", tiles.tile),
    ("/search", maps.search),
    ("/events", maps.events),
    ("/maps/{name}", maps.map_page),
    ("/maps/{name}/config", maps.map_config),
    ("/static/app/{version}/{file}", maps.app_file),
    ("/static/vendor/{file:path}", maps.vendor_file),
    ("/health", operation.health),
    ("/metrics", operation.metrics),
)


def create_app(
    urls: dict[Pool, str], settings: Settings, *, extra_routes: Iterable[BaseRoute] = ()
) -> Guard:
    """The ASGI application, reading as ``settings.reader``; ``urls`` by login role."""
    pool = Pool(settings.reader)
    reader = Reader(
        urls[pool], pool, size=settings.pool_size, prepare=settings.database_url is None
    )
    tile_cache = TileCache(settings.tile_cache_mb)
    listener = Listener(urls[pool], on_change=tile_cache.clear)
    parts = Parts(
        settings=settings,
        reader=reader,
        tiles=tile_cache,
        counts=TileCache(4),
        listener=listener,
        kinds=visible(pool),
    )

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        reader.open()
        listener.start()
        yield
        listener.stop()
        reader.close()

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.state.parts = parts
    app.state.settings = settings
    for path, endpoint in _ROUTES:
        app.router.routes.append(Route(path, _answer_options(endpoint), methods=READ))
    app.router.routes.extend(extra_routes)
    app.router.redirect_slashes = False
    app.add_exception_handler(HTTPException, answer_http)
    app.add_exception_handler(RequestValidationError, answer_validation)
    app.add_exception_handler(ClientLeftError, _answer_nobody)
    app.add_exception_handler(Exception, answer_error)
    return Guard(app, hosts=settings.allowed_hosts)


def _answer_options(endpoint: Endpoint) -> Endpoint:
    @wraps(endpoint)
    async def answer(request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=200, headers={"Allow": "GET, HEAD, OPTIONS"})
        try:
            return await endpoint(request)
        except (ClientLeftError, HTTPException):
            raise
        except Exception as error:  # noqa: BLE001 - every error becomes a problem document
            return answer_error(request, error)

    return answer


async def _answer_nobody(_request: Request, _error: Exception) -> Response:
    return Response(status_code=499)
