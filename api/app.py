"""The application: parts, routes, handlers; nothing global."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import wraps

import psycopg
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from api.context import Parts, visible
from api.errors import answer_error, answer_http, answer_validation
from api.freshness import ByteCache, Listener, Versions
from api.metrics import Metrics
from api.middleware import Guard, Limits
from api.ogc import features, tiles
from api.reading import ClientLeftError, Reader
from api.routes import maps, operation
from gis.db.roles import Pool
from gis.errors import InfratrackError
from gis.settings import Settings

Endpoint = Callable[[Request], Awaitable[Response]]
READ = ["GET", "HEAD", "OPTIONS"]
DEFAULT_LIMITS = Limits()
ROUTES: tuple[tuple[str, Endpoint], ...] = (
    ("/", features.landing),
    ("/api", features.api_definition),
    ("/api.html", features.api_page),
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
    urls: Mapping[Pool, str],
    settings: Settings,
    *,
    extra_routes: Iterable[BaseRoute] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> Guard:
    """The ASGI application, reading as ``settings.reader``; ``urls`` by login role."""
    parts = make_parts(urls, settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        parts.reader.open()
        parts.listener.start()
        yield
        parts.listener.stop()
        parts.reader.close()
        await parts.versions.close()

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.state.parts = parts
    app.state.settings = settings
    for path, endpoint in ROUTES:
        app.router.routes.append(Route(path, _answer_options(endpoint), methods=READ))
    app.router.routes.extend(extra_routes)
    app.router.redirect_slashes = False
    _add_handlers(app)
    return Guard(app, parts=parts, limits=limits)


def make_parts(urls: Mapping[Pool, str], settings: Settings) -> Parts:
    """The parts of an application; nothing connects yet."""
    pool = Pool(settings.reader)
    tiles = ByteCache(settings.tile_cache_mb)
    own_server = settings.database_url is None
    return Parts(
        settings=settings,
        reader=Reader(urls[pool], pool, size=settings.pool_size, prepare=own_server),
        versions=Versions(urls[pool], pool, prepare=own_server),
        tiles=tiles,
        answers=ByteCache(8),
        listener=Listener(urls[pool], on_change=tiles.clear),
        metrics=Metrics(),
        kinds=visible(pool),
    )


def _add_handlers(app: FastAPI) -> None:
    app.add_exception_handler(HTTPException, answer_http)
    app.add_exception_handler(RequestValidationError, answer_validation)
    app.add_exception_handler(ClientLeftError, _answer_nobody)
    for error in (InfratrackError, SQLAlchemyError, psycopg.Error, Exception):
        app.add_exception_handler(error, answer_error)


def _answer_options(endpoint: Endpoint) -> Endpoint:
    @wraps(endpoint)
    async def answer(request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=200, headers={"Allow": ", ".join(READ)})
        return await endpoint(request)

    return answer


async def _answer_nobody(_request: Request, _error: Exception) -> Response:
    """The client has left: nobody reads this, only the counters do."""
    return Response(status_code=499)
