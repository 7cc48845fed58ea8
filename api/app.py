"""The application: parts, routes, handlers; nothing global."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import psycopg
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from api.context import Clock, Parts, Readers, anonymous_pool, read_clock, visible
from api.endpoints import ROUTES
from api.errors import answer_error, answer_http, answer_validation
from api.freshness import ByteCache, Listener, Versions
from api.metrics import Metrics
from api.middleware import ROUTE_BODIES, Guard, Limits
from api.reading import ClientLeftError
from api.routing import make_routes
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.errors import InfratrackError
from gis.evidence.derive import Deriver
from gis.evidence.files import EvidenceFiles
from gis.evidence.receive import Blob, Receiver
from gis.hazards.log import note_evidence
from gis.settings import Settings

DEFAULT_LIMITS = Limits()


def create_app(
    urls: Mapping[Pool, str],
    settings: Settings,
    *,
    extra_routes: Iterable[BaseRoute] = (),
    limits: Limits = DEFAULT_LIMITS,
    clock: Clock = read_clock,
    require_room: Callable[[], None] | None = None,
) -> Guard:
    """The ASGI application; each person reads as a role of their own; ``urls`` by login role.

    ``require_room`` is asked before every write (see :class:`PooledDatabase`).
    """
    parts = make_parts(urls, settings, clock=clock, require_room=require_room)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        parts.readers.open()
        parts.listener.start()
        yield
        parts.listener.stop()
        parts.readers.close()
        parts.database.close()
        await parts.versions.close()

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.state.parts = parts
    app.state.settings = settings
    app.state.rows = ROUTES
    app.router.routes.extend(make_routes(ROUTES))
    app.router.routes.extend(extra_routes)
    app.router.redirect_slashes = False
    _add_handlers(app)
    return Guard(app, parts=parts, limits=limits, bodies=ROUTE_BODIES)


def make_parts(
    urls: Mapping[Pool, str],
    settings: Settings,
    *,
    clock: Clock = read_clock,
    require_room: Callable[[], None] | None = None,
) -> Parts:
    """The parts of an application, as somebody unknown uses them; nothing connects yet."""
    pool = anonymous_pool(settings)
    tiles = ByteCache(settings.tile_cache_mb)
    own_server = settings.database_url is None
    readers = Readers(urls, size=settings.pool_size, prepare=own_server)
    database = PooledDatabase(urls, pool_size=settings.pool_size, require_room=require_room)
    reserve = settings.disk_reserve_mb * 1024**2
    files = EvidenceFiles(settings.state_folder, reserve=reserve)
    return Parts(
        settings=settings,
        reader=readers.get(pool),
        readers=readers,
        versions=Versions(urls[pool], pool, prepare=own_server),
        tiles=tiles,
        answers=ByteCache(8),
        listener=Listener(urls[pool], on_change=tiles.clear),
        metrics=Metrics(),
        database=database,
        files=files,
        receiver=Receiver(database, files, on_stored=_note_stored),
        deriver=Deriver(database, files),
        kinds=visible(pool),
        clock=clock,
    )


def _note_stored(connection: Connection, blob: Blob) -> None:
    now = datetime.now(UTC)
    note_evidence(
        connection, blob.sha256, size=blob.bytes, media=blob.media, actor=blob.actor, now=now
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
