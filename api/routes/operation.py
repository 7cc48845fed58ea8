"""Health and metrics."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram
from prometheus_client import generate_latest
from starlette.requests import Request
from starlette.responses import Response

from api.context import parts_of
from api.ogc.features import answer_json
from api.ogc.parameters import COMMON, check_known
from gis import queries

REGISTRY = CollectorRegistry()
REQUESTS = Counter(
    "infratrack_requests_total", "Requests answered", ("route", "status"), registry=REGISTRY
)
SECONDS = Histogram(
    "infratrack_request_seconds", "Time to the first byte", ("route",), registry=REGISTRY
)


async def health(request: Request) -> Response:
    """Whether the database answers, and which schema it has."""
    check_known(request.query_params, COMMON)
    rows = await parts_of(request).reader.run(request, lambda ask: ask(queries.schema_revision()))
    return answer_json(request, {"status": "ok", "schema": rows[0][0], "version": "0.1.0"})


async def metrics(request: Request) -> Response:
    """Prometheus text."""
    check_known(request.query_params, COMMON)
    headers = {"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"}
    return Response(generate_latest(REGISTRY), 200, headers)
