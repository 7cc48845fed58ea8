"""Labels to stick on assets, as a page to print."""

from __future__ import annotations

from uuid import UUID

import orjson
from anyio.to_thread import run_sync
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from api import labels
from api.context import absolute, parts_of
from api.language import choose_language
from api.ogc.parameters import COMMON, check_known, refuse_parameter
from gis.attributes import Language
from gis.db.tables import CORE
from gis.exchange.labels import LABELS, MAX_LABELS, LabelFilter, labels_of
from gis.queries import Statement

_ASKED = ("kind", "campaign", "township", "prefix", "after")
_LONGEST = 64
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_TOWNSHIPS = Statement(
    "SELECT coalesce(json_object_agg(code, name ORDER BY code), '{}')::text"
    f" FROM {CORE}.admin_unit WHERE level = 'township'",
    {},
)


async def sheet(request: Request) -> Response:
    """Labels of a kind's assets: a campaign's targets, a township's, those a code begins with."""
    query, parts = request.query_params, parts_of(request)
    check_known(query, {*COMMON, *_ASKED})
    kind, asked = parts.kind(query.get("kind", "")), read_filter(query)
    rows = await parts.reader.run(request, lambda ask: ask(labels_of(kind, asked)))
    townships = await parts.reader.run(request, lambda ask: ask(_TOWNSHIPS))
    found, language = LABELS.validate_json(rows[0][0]), choose_language(request)
    has_more = len(found) > MAX_LABELS
    found = found[:MAX_LABELS]
    page = labels.Sheet(
        kind=kind.label,
        labels=found,
        address=absolute(request, "/field"),
        switch=_address(query, lang=_other(language)),
        next=_address(query, after=found[-1].code) if has_more else None,
        townships=orjson.loads(townships[0][0]),
        asked=asked,
        kind_name=kind.kind,
        is_local=request.url.hostname in _LOOPBACK,
    )
    content = await run_sync(labels.write_page, page, language)
    headers = {
        "Content-Security-Policy": labels.page_policy(),
        "Cache-Control": "no-store",
        "Content-Language": language.value,
    }
    return Response(content, 200, headers, "text/html")


def read_filter(query: QueryParams) -> LabelFilter:
    """What is asked for; what is empty asks for nothing. ParameterError names what is wrong."""
    words = {name: value for name in _ASKED if (value := query.get(name, "").strip())}
    for name in ("township", "prefix", "after"):
        if len(words.get(name, "")) > _LONGEST:
            raise refuse_parameter(name, "过长", "is too long")
    try:
        campaign = UUID(words["campaign"]) if "campaign" in words else None
    except ValueError:
        raise refuse_parameter("campaign", "不是有效的编号", "is no identifier") from None
    return LabelFilter(campaign, words.get("township"), words.get("prefix"), words.get("after"))


def _other(language: Language) -> str:
    return (Language.ZH if language is Language.EN else Language.EN).value


def _address(query: QueryParams, **changed: str) -> str:
    return "?" + str(QueryParams({**query, **changed}))
