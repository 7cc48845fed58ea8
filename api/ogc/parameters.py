"""Query parameters of items, tiles and search: known ones only, typed by the kind."""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
import re
import types
import typing
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from uuid import UUID
from zoneinfo import ZoneInfo

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
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DAY = timedelta(days=1) - timedelta(microseconds=1)
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


def read_moment(name: str, text: str, zone: ZoneInfo) -> datetime:
    """An RFC 3339 moment, or a date: then the last moment of that day by the business clock."""
    moment = None
    try:
        if _DATE.fullmatch(text):
            moment = datetime.combine(date.fromisoformat(text), time.max, zone)
        else:
            # A "+" that was not escaped in the address arrives as a space.
            moment = datetime.fromisoformat(text.replace(" ", "+"))
        moment = moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        moment = None
    if moment is None:
        raise refuse_parameter(
            name,
            "需为日期或带时区的时刻,如 2025-06-30 或 2025-06-30T08:00:00Z",
            "takes a date or a moment with zone, e.g. 2025-06-30 or 2025-06-30T08:00:00Z",
        )
    return moment


def read_interval(text: str, zone: ZoneInfo) -> Interval:
    """``datetime`` of Part 1: an instant, or two ends of which one may be open."""
    ends = [None if end in ("", "..") else end for end in text.split("/")]
    if len(ends) > 2 or not any(ends):
        raise refuse_parameter("datetime", "格式有误", "takes an instant or start/end")
    first, last = ends[0], ends[-1]
    start = _read_start("datetime", first, zone) if first else None
    end = read_moment("datetime", last, zone) if last else None
    if start and end and start > end:
        raise refuse_parameter("datetime", "起止颠倒", "its start is after its end")
    return Interval(start, end)


def _read_start(name: str, text: str, zone: ZoneInfo) -> datetime:
    moment = read_moment(name, text, zone)
    return moment - _DAY if _DATE.fullmatch(text) else moment


def read_filter(query: QueryParams, kind: type[Record], pool: Pool, zone: ZoneInfo) -> Filter:
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
        valid=read_interval(query["datetime"], zone) if "datetime" in query else None,
        equal={n: read_value(kind, n, query[n], zone) for n in visible if n in query},
        as_of=read_optional_moment(query, "as-of", zone),
        known_at=read_optional_moment(query, "known-at", zone),
    )


def read_optional_moment(query: QueryParams, name: str, zone: ZoneInfo) -> datetime | None:
    """A moment that need not be asked for."""
    return read_moment(name, query[name], zone) if name in query else None


def read_value(kind: type[Record], name: str, text: str, zone: ZoneInfo) -> object:
    """A property's value in its own type."""
    plain = kind.model_fields[name].annotation
    if typing.get_origin(plain) in (typing.Union, types.UnionType):
        plain = next(a for a in typing.get_args(plain) if a is not type(None))
    try:
        return _convert(name, plain, text, zone)
    except (ValueError, KeyError):
        raise refuse_parameter(name, "值的类型不符", "the value is not of its type") from None


def _convert(name: str, plain: object, text: str, zone: ZoneInfo) -> object:
    if not isinstance(plain, type) or len(text) > 200 or "\x00" in text:
        raise ValueError
    if issubclass(plain, Enum):
        return str(plain(text).value)
    readers: tuple[tuple[type, Callable[[str], object]], ...] = (
        (bool, {"true": True, "false": False}.__getitem__),
        (datetime, lambda moment: read_moment(name, moment, zone)),
        (date, date.fromisoformat),
        (int, _bounded),
        (float, _finite),
        (str, str),
    )
    return next(read(text) for type_, read in readers if issubclass(plain, type_))


def _bounded(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,10}", text) or abs(int(text)) >= 2**31:
        raise ValueError
    return int(text)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
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
