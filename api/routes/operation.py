"""Health and metrics."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from api import VERSION
from api.answers import answer_json
from api.context import parts_of
from api.errors import problem
from api.language import choose_language
from api.metrics import TEXT_TYPE
from api.ogc.parameters import COMMON, check_known
from gis import queries
from gis.attributes import Text
from gis.db.setup import newest_revision

_BEHIND = Text(
    zh="数据库结构为 {found},程序需要 {wanted}:请运行 python3 -m gis migrate",
    en="the database is at {found}, this program needs {wanted}: run python3 -m gis migrate",
)


async def health(request: Request) -> Response:
    """Whether the database answers, and has the schema this program was written for."""
    check_known(request.query_params, COMMON)
    language = choose_language(request)
    rows = await parts_of(request).reader.run(request, lambda ask: ask(queries.schema_revision()))
    found, wanted = rows[0][0], newest_revision()
    if found != wanted:
        text = _BEHIND.format(found=found, wanted=wanted).get(language)
        return problem(503, "schema", text, text, language=language)
    return answer_json(request, {"status": "ok", "schema": found, "version": VERSION})


async def metrics(request: Request) -> Response:
    """Prometheus text."""
    check_known(request.query_params, COMMON)
    parts = parts_of(request)
    parts.metrics.cached_bytes.set(parts.tiles.size)
    headers = {"Content-Type": TEXT_TYPE, "Cache-Control": "no-store"}
    return Response(parts.metrics.write(), 200, headers)
