"""JSON bodies: their depth is counted before any parser sees them, their text can be stored."""

from __future__ import annotations

import re

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request

from gis.attributes import Text
from gis.errors import InputError

MAX_DEPTH = 32
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")


async def read_json(request: Request) -> object:
    """The request's JSON document, or InputError (400), or HTTPException (408, 413, 415).

    NaN, infinity and half surrogate pairs are not JSON; NUL is, but PostgreSQL cannot store it.
    """
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json" and not media.endswith("+json"):
        raise HTTPException(415)
    content = await request.body()
    if measure_depth(content) > MAX_DEPTH:
        raise InputError(
            Text(zh="JSON 嵌套过深(上限 {limit} 层)", en="JSON nested deeper than {limit}").format(
                limit=MAX_DEPTH
            ),
            limit=MAX_DEPTH,
        )
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise InputError(
            Text(zh="不是有效的 JSON(UTF-8)", en="not valid JSON (UTF-8)"), position=error.pos
        ) from None
    if _holds_nul(document):
        raise InputError(Text(zh="文本含 NUL 字符", en="a text holds a NUL character"))
    return document


def measure_depth(content: bytes) -> int:
    """How deep brackets nest in a JSON text, without parsing it.

    >>> measure_depth(b'{"a": [1, "[[["]}')
    2
    """
    depth = deepest = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", content)):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _holds_nul(document: object) -> bool:
    if isinstance(document, str):
        return "\x00" in document
    if isinstance(document, list):
        return any(map(_holds_nul, document))
    if isinstance(document, dict):
        return any(map(_holds_nul, (*document.keys(), *document.values())))
    return False
