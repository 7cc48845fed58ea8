"""The application: parts, routes, handlers; nothing global."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

import psycopg
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from api.context import Clock, Parts, Readers, anonymous_pool, read_clock, visible
from api.errors import answer_error, answer_http, answer_validation
from api.freshness import ByteCache, Listener
from api.metrics import Metrics
from api.middleware import Guard, Limits
from api.ogc import features, tiles
from api.reading import ClientLeftError
from api.routes import accounts, devices, maps, operation, people
from api.routing import DELETE, PATCH, POST, Row, make_routes
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.errors import InfratrackError
from gis.people.policy import Action
from gis.settings import Settings

OPEN, READ = Action.OPEN, Action.READ
DEFAULT_LIMITS = Limits()
ROUTES: tuple[Row, ...] = (
    Row("/", features.landing, OPEN),
    Row("/api", features.api_definition, OPEN),
    Row("/api.html", features.api_page, OPEN),
    Row("/conformance", features.conformance, OPEN),
    Row("/collections", features.collections, OPEN),
    Row("/collections/{kind}", features.collection, OPEN),
    Row("/collections/{kind}/schema", features.schema, OPEN),
    Row("/collections/{kind}/items", features.items, READ),
    Row("/collections/{kind}/items/{id}", features.item, READ),
    Row("/collections/{kind}/items/{id}/history", features.history, READ),
    Row("/tileMatrixSets", tiles.tile_matrix_sets, OPEN),
    Row("/tileMatrixSets/WebMercatorQuad", tiles.tile_matrix_set, OPEN),
    Row("/tiles", tiles.tilesets, OPEN),
    Row("/tiles/WebMercatorQuad", tiles.tileset, OPEN),
    Row("/tiles/WebMercatorQuad/{z}/{row}/{col}", tiles.tile, READ),
    Row("/collections/{kind}/tiles", tiles.tilesets, OPEN),
    Row("/collections/{kind}/tiles/WebMercatorQuad", tiles.tileset, OPEN),
    Row("/collections/{kind}/tiles/WebMercatorQuad/{z}/{row}/{col}", tiles.tile, READ),
    Row("/search", maps.search, READ),
    Row("/events", maps.events, OPEN),
    Row("/maps/{name}", maps.map_page, OPEN),
    Row("/maps/{name}/config", maps.map_config, OPEN),
    Row("/static/app/{version}/{file}", maps.app_file, OPEN),
    Row("/static/vendor/{file:path}", maps.vendor_file, OPEN),
    Row("/login", people.login_page, OPEN),
    Row("/login", people.log_in, OPEN, POST, is_form=True),
    Row("/logout", people.log_out, Action.OWN_ACCOUNT, POST),
    Row("/me", people.me, OPEN),
    Row("/me/password", people.change_password, Action.OWN_ACCOUNT, POST),
    Row("/devices", devices.enrol, OPEN, POST),
    Row("/devices", devices.list_own, Action.OWN_ACCOUNT),
    Row("/devices/{id}", devices.revoke_own, Action.OWN_ACCOUNT, DELETE),
    Row("/enrolments", devices.make_code, Action.ENROL, POST),
    Row("/app-passwords", people.list_app_passwords, Action.OWN_ACCOUNT),
    Row("/app-passwords", people.make_app_password, Action.OWN_ACCOUNT, POST),
    Row("/app-passwords/{id}", people.revoke_app_password, Action.OWN_ACCOUNT, DELETE),
    Row("/links", devices.make_link, Action.ISSUE_LINK, POST),
    Row("/links/{id}", devices.revoke_link, Action.ISSUE_LINK, DELETE),
    Row("/accounts", accounts.list_all, Action.MANAGE_ACCOUNTS),
    Row("/accounts", accounts.create, Action.MANAGE_ACCOUNTS, POST),
    Row("/accounts/{id}", accounts.change, Action.MANAGE_ACCOUNTS, PATCH),
    Row("/audit", accounts.audit, Action.READ_AUDIT),
    Row("/admin", accounts.admin_page, Action.MANAGE_ACCOUNTS),
    Row("/health", operation.health, OPEN),
    Row("/metrics", operation.metrics, Action.MEASURE),
)


def create_app(
    urls: Mapping[Pool, str],
    settings: Settings,
    *,
    extra_routes: Iterable[BaseRoute] = (),
    limits: Limits = DEFAULT_LIMITS,
    clock: Clock = read_clock,
) -> Guard:
    """The ASGI application; each person reads as a role of their own; ``urls`` by login role."""
    parts = make_parts(urls, settings, clock=clock)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        parts.readers.open()
        parts.listener.start()
        yield
        parts.listener.stop()
        parts.readers.close()
        parts.database.close()

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.state.parts = parts
    app.state.settings = settings
    app.router.routes.extend(make_routes(ROUTES))
    app.router.routes.extend(extra_routes)
    app.router.redirect_slashes = False
    _add_handlers(app)
    return Guard(app, parts=parts, limits=limits)


def make_parts(urls: Mapping[Pool, str], settings: Settings, *, clock: Clock = read_clock) -> Parts:
    """The parts of an application, as somebody unknown uses them; nothing connects yet."""
    pool = anonymous_pool(settings)
    tiles = ByteCache(settings.tile_cache_mb)
    own_server = settings.database_url is None
    readers = Readers(urls, size=settings.pool_size, prepare=own_server)
    return Parts(
        settings=settings,
        reader=readers.get(pool),
        readers=readers,
        database=PooledDatabase(urls, pool_size=settings.pool_size),
        tiles=tiles,
        answers=ByteCache(8),
        listener=Listener(urls[pool], on_change=tiles.clear),
        metrics=Metrics(),
        kinds=visible(pool),
        clock=clock,
    )


def _add_handlers(app: FastAPI) -> None:
    app.add_exception_handler(HTTPException, answer_http)
    app.add_exception_handler(RequestValidationError, answer_validation)
    app.add_exception_handler(ClientLeftError, _answer_nobody)
    for error in (InfratrackError, SQLAlchemyError, psycopg.Error, Exception):
        app.add_exception_handler(error, answer_error)


async def _answer_nobody(_request: Request, _error: Exception) -> Response:
    """The client has left: nobody reads this, only the counters do."""
    return Response(status_code=499)
