"""Notices of escalations: what was raised to the person who asks."""

from __future__ import annotations

import orjson
from starlette.requests import Request
from starlette.responses import Response

from api.context import parts_of
from api.identity import person_of
from api.ogc.parameters import COMMON, check_known, read_limit
from gis.hazards.notices import list_notices

MOST = 1000


async def own_notices(request: Request) -> Response:
    """The person's own notices, unread first; ``unread`` counts those of open hazards."""
    check_known(request.query_params, {*COMMON, "limit"})
    parts, limit = parts_of(request), min(read_limit(request.query_params), MOST)
    asked = list_notices(person_of(request).login, limit=limit)
    rows = await parts.reader.run(request, lambda ask: ask(asked))
    head = orjson.dumps({"now": parts.clock().isoformat()})[:-1]
    content = head + b"," + rows[0][0].encode()[1:]
    return Response(content, 200, {"Cache-Control": "no-store"}, "application/json")
