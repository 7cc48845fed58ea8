"""Flood duty and land plots as the office reads them; they are written through ``/events``."""

from __future__ import annotations

import orjson
from starlette.requests import Request
from starlette.responses import Response

from api.context import parts_of
from api.ogc.parameters import COMMON, check_known, read_limit
from api.recording import house_rules
from api.routes.figures import read_aside
from api.routes.records import read_identifier
from gis.attributes import Text
from gis.db.roles import Pool
from gis.errors import ForbiddenError
from gis.hazards.flood_board import read_duty, read_sheet
from gis.hazards.plot_questions import list_plots, read_plot_document
from gis.queries import Statement

MOST = 1000
_PRIVATE = {"Cache-Control": "no-store"}


async def _answer(request: Request, asked: Statement) -> Response:
    """A statement's document with the server's clock in front."""
    parts = parts_of(request)
    rows = await parts.reader.run(request, lambda ask: ask(asked))
    head = orjson.dumps({"now": parts.clock().isoformat()})[:-1]
    content = head + b"," + rows[0][0].encode()[1:]
    return Response(content, 200, _PRIVATE, "application/json")


async def duty(request: Request) -> Response:
    """Who is on duty, the level, gaps of the days ahead, call-outs, depths, incidents."""
    check_known(request.query_params, COMMON)
    return await _answer(request, read_duty(parts_of(request).clock()))


async def sheet(request: Request) -> Response:
    """Flood points, teams and supplies, as the duty room prints them."""
    check_known(request.query_params, COMMON)
    return await _answer(request, read_sheet(parts_of(request).pool))


def _require_records(request: Request) -> None:
    """The public role reads no log."""
    if parts_of(request).pool is Pool.PUBLIC:
        raise ForbiddenError(Text(zh="无权读取图斑整改", en="this role may not read land plots"))


async def plots(request: Request) -> Response:
    """Land plots: the open ones by due date, then the closed."""
    check_known(request.query_params, {*COMMON, "limit"})
    _require_records(request)
    limit = min(read_limit(request.query_params), MOST)
    return await _answer(request, list_plots(limit=limit))


async def one_plot(request: Request) -> Response:
    """One land plot: its route with dates and documents, what may follow, the enforcer's clock."""
    check_known(request.query_params, COMMON)
    _require_records(request)
    identifier, now = read_identifier(request), parts_of(request).clock()
    calendar = house_rules(request).calendar
    document = await read_aside(
        request,
        lambda connection: read_plot_document(connection, identifier, now=now, calendar=calendar),
    )
    content = orjson.dumps({"now": now.isoformat(), **document})
    return Response(content, 200, _PRIVATE, "application/json")
