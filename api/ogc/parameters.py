"""Query parameters of items, tiles and search: known ones only, typed by the kind."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import types
import typing
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from uuid import UUID

from starlette.datastructures import QueryParams

from gis.attributes import Text
from gis.db.roles import Pool, visible_attributes
from gis.errors import CursorError, ParameterError
from gis.geometry import CRS84_URI, BBox
from gis.kinds import Record
from gis.queries import Filter, Interval

DEFAULT_LIMIT = 1000
MAX_LIMIT = 10_000
COMMON = ("lang", "f")
ITEM_PARAMETERS = ("bbox", "bbox-crs", "crs", "datetime", "limit", "cursor", "as-of", "known-at")


def refuse_parameter(name: str, zh: str, en: str) -> ParameterError:
    """A ParameterError that names the parameter, never its value."""
    return ParameterError(
        Text(zh=f"参数 {name}:{zh}", en=f"parameter {name}: {en}"), parameter=name
    )


def check_known(query: QueryParams, known: typing.Collection[str]) -> None:
    """Part 1 wants 400 for a parameter that is not in the API definition, or given twice."""
    for name in query:
        shown = re.sub(r"[^\w-]", "?", name[:40])
        if name not in known:
            raise refuse_parameter(shown, "未知参数", "unknown parameter")
        if len(query.getlist(name)) > 1:
            raise refuse_parameter(shown, "重复出现", "given more than once")


def read_limit(query: QueryParams) -> int:
    """The page size: clamped to the maximum, as Part 1 permits, refused below 1."""
    text = query.get("limit")
    if text is None:
        return DEFAULT_LIMIT
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < 1:
        raise refuse_parameter("limit", "需为正整数", "takes a whole number from 1")
    return min(int(text), MAX_LIMIT)


def read_moment(name: str, text: str) -> datetime:
    """An RFC 3339 moment, or a date (its end, UTC, for as-of questions of whole days)."""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            day = date.fromisoformat(text)
            return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(
                days=1, microseconds=-1
            )
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        moment = datetime.min
    if moment.tzinfo is None:
        raise refuse_parameter(
            name,
            "需为日期或带时区的时刻,如 2025-06-30 或 2025-06-30T08:00:00Z",
            "takes a date or a moment with zone, e.g. 2025-06-30 or 2025-06-30T08:00:00Z",
        )
    return moment


def read_interval(text: str) -> Interval:
    """``datetime`` of Part 1: an instant, or two ends of which one may be open."""
    ends = text.split("/")
    if len(ends) > 2 or all(end in ("", "..") for end in ends):
        raise refuse_parameter("datetime", "格式有误", "takes an instant or start/end")
    moments = [None if end in ("", "..") else end for end in ends]
    if len(moments) == 1:
        return Interval(_start("datetime", moments[0]), read_moment("datetime", moments[0] or ""))
    start = _start("datetime", moments[0]) if moments[0] else None
    end = read_moment("datetime", moments[1]) if moments[1] else None
    if start and end and start > end:
        raise refuse_parameter("datetime", "起止颠倒", "its start is after its end")
    return Interval(start, end)


def _start(name: str, text: str | None) -> datetime:
    moment = read_moment(name, text or "")
    if text and len(text) == 10:
        return moment - timedelta(days=1, microseconds=-1)
    return moment


def read_filter(query: QueryParams, kind: type[Record], pool: Pool) -> Filter:
    """The filter of an items request; every parameter is known and typed, or it is a 400."""
    visible = visible_attributes(kind, pool)
    check_known(query, {*ITEM_PARAMETERS, *COMMON, *visible})
    for name in ("crs", "bbox-crs"):
        if query.get(name, CRS84_URI) != CRS84_URI:
            raise refuse_parameter(name, f"只支持 {CRS84_URI}", f"only {CRS84_URI} is supported")
    if query.get("f", "json") not in ("json", "geojson"):
        raise refuse_parameter("f", "只支持 json", "only json is supported")
    return Filter(
        bbox=BBox.parse(query["bbox"]) if "bbox" in query else None,
        valid=read_interval(query["datetime"]) if "datetime" in query else None,
        equal={n: read_value(kind, n, query[n]) for n in visible if n in query},
        as_of=read_moment("as-of", query["as-of"]) if "as-of" in query else None,
        known_at=read_moment("known-at", query["known-at"]) if "known-at" in query else None,
    )


def read_value(kind: type[Record], name: str, text: str) -> object:
    """A property's value in its own type."""
    plain = kind.model_fields[name].annotation
    if typing.get_origin(plain) in (typing.Union, types.UnionType):
        plain = next(a for a in typing.get_args(plain) if a is not type(None))
    try:
        if not isinstance(plain, type) or len(text) > 200 or "\x00" in text:
            raise ValueError
        if issubclass(plain, Enum):
            return plain(text).value
        if issubclass(plain, bool):
            return {"true": True, "false": False}[text]
        if issubclass(plain, datetime):
            return read_moment(name, text)
        if issubclass(plain, date):
            return date.fromisoformat(text)
        if issubclass(plain, int):
            return _bounded(int(text))
        return plain(text)
    except (ValueError, KeyError):
        raise refuse_parameter(name, "值的类型不符", "the value is not of its type") from None


def _bounded(number: int) -> int:
    if abs(number) >= 2**31:
        raise ValueError
    return number


def _checksum(scope: str, identifier: UUID) -> bytes:
    return hashlib.sha256(scope.encode() + identifier.bytes).digest()[:8]


def make_cursor(scope: str, identifier: UUID) -> str:
    """An opaque place in a listing; bound to the collection and the filters by a checksum.

    The checksum guards against accidents and mixed-up queries. It needs no secret: a forged
    cursor can only name an id to start after, which a filter could ask for as well.
    """
    return base64.urlsafe_b64encode(identifier.bytes + _checksum(scope, identifier)).decode()


def read_cursor(text: str | None, scope: str) -> UUID | None:
    """The id to start after; anything but a cursor made for this very query is refused."""
    if text is None:
        return None
    try:
        raw = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error, UnicodeEncodeError):
        raw = b""
    identifier = UUID(bytes=raw[:16]) if len(raw) == 24 else None
    if identifier is None or raw[16:] != _checksum(scope, identifier):
        raise CursorError(
            Text(
                zh="翻页标记已损坏或不属于此查询:请从第一页重新开始",
                en="the cursor is damaged or belongs to another query: start from the first page",
            )
        )
    return identifier
