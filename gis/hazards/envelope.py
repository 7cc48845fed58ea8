"""What a phone sends: one event, as the exact bytes it was written in.

The bytes are what is hashed (``body_sha256``), so that a repetition is told from another record
whatever way it comes: ``PUT``, a batch, or a file the office imports.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from gis.attributes import Text, Vocabulary
from gis.errors import InputError
from gis.hazards.events import Latitude, Longitude, Role

MAX_BYTES = 131_072
"""A record without its photos is a few kilobytes; a signature travels as evidence, not inside."""
MAX_EVIDENCE = 60

Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class EvidenceKind(Vocabulary):
    """What a piece of evidence shows."""

    BEFORE_WIDE = ("before_wide", "整改前全景", "Before, wide")
    BEFORE_CLOSE = ("before_close", "整改前近景", "Before, close")
    AFTER = ("after", "整改后", "After")
    INTERIM = ("interim", "临时管控", "Interim control")
    REINSPECTION = ("reinspection", "复查", "Re-inspection")
    SIGNATURE = ("signature", "签字", "Signature")
    REFUSAL = ("refusal", "拒签记录", "Refusal on record")
    NOTICE = ("notice", "整改通知书", "Notice")
    DOCUMENT = ("document", "文件", "Document")
    RECEIPT = ("receipt", "移送回执", "Receipt of the transfer")
    REQUEST = ("request", "延期申请", "Request for an extension")
    MEASURES = ("measures", "管控措施", "Interim measures")
    WATERMARKED = ("watermarked", "水印副本", "Watermarked copy")
    OTHER = ("other", "其他", "Other")


class AssetChoice(Vocabulary):
    """How the asset of a record was chosen."""

    SCAN = ("scan", "扫码", "Scanned")
    TAP = ("tap", "点选", "Tapped on the map")
    NEAREST = ("nearest", "就近", "The nearest")
    LIST = ("list", "列表", "From the list")
    NONE = ("none", "附近无设施", "None nearby")


class FixSource(Vocabulary):
    """Where a position came from; only ``gnss`` has an accuracy of its own."""

    GNSS = ("gnss", "卫星定位", "Positioning")
    TAP = ("tap", "地图点选", "Tapped on the map")
    QR = ("qr", "扫码", "The code that was scanned")
    ASSET = ("asset", "设施位置", "The asset's place")
    NONE = ("none", "无", "None")


class _Part(BaseModel):
    """Unknown members are kept out of the columns but stay in the hashed bytes: a newer phone
    may say more than this program knows."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class EvidenceNote(_Part):
    """One promised file: its hash now, its bytes later (lon/lat where the photo was taken).

    ``of``: the original it is a copy of. ``recompressed``: the camera's own file exceeded the limit
    and was written anew; ``original_sha256`` and ``original_bytes`` say what it was.
    """

    sha256: Hash
    kind: EvidenceKind = EvidenceKind.OTHER
    media: Annotated[str, Field(max_length=80)] = "application/octet-stream"
    bytes: Annotated[int, Field(ge=0, le=2**31)] = 0
    taken_at: AwareDatetime | None = None
    lon: Longitude | None = None
    lat: Latitude | None = None
    accuracy_m: Annotated[float | None, Field(ge=0, le=1e6)] = None
    of: Hash | None = None
    recompressed: bool | None = None
    original_sha256: Hash | None = None
    original_bytes: Annotated[int | None, Field(ge=0, le=2**40)] = None


class DeviceNote(_Part):
    """Which phone wrote it, as its which-th record, and what its clock showed."""

    id: UUID
    seq: Annotated[int, Field(ge=1, le=2**53)]
    at: AwareDatetime


class Fix(_Part):
    """A position (lon/lat, degrees) with its accuracy in metres at a confidence level."""

    lon: Longitude
    lat: Latitude
    accuracy_m: Annotated[float | None, Field(ge=0, le=1e7)] = None
    level: Annotated[float | None, Field(ge=0, le=1)] = None
    source: FixSource = FixSource.GNSS
    at: AwareDatetime | None = None


class Envelope(_Part):
    """One record of a phone. ``payload`` is judged by ``type`` later, never at the door."""

    id: UUID
    type: Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z_]+$")]
    account: UUID
    role: Role | None = None
    hazard_id: UUID | None = None
    visit_id: UUID | None = None
    campaign_id: UUID | None = None
    task_id: UUID | None = None
    asset_id: UUID | None = None
    asset_choice: AssetChoice | None = None
    expected_version: Annotated[int | None, Field(ge=0, le=2**53)] = None
    form: Annotated[str | None, Field(max_length=80)] = None
    payload: dict[str, Any] = Field(default_factory=dict)  # Any: judged by type
    evidence: Annotated[tuple[EvidenceNote, ...], Field(max_length=MAX_EVIDENCE)] = ()
    device: DeviceNote
    prev_hash: Hash | None = None
    fix: Fix | None = None


def hash_body(body: bytes) -> bytes:
    """SHA-256 of a record's exact bytes."""
    return hashlib.sha256(body).digest()


def read_envelope(body: bytes) -> Envelope:
    """The record in ``body``, or InputError naming the member that is wrong."""
    if len(body) > MAX_BYTES:
        raise InputError(
            Text(zh="记录过大(上限 {limit} 字节)", en="the record exceeds {limit} bytes").format(
                limit=MAX_BYTES
            ),
            limit=MAX_BYTES,
        )
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InputError(
            Text(zh="不是有效的 JSON(UTF-8)", en="not valid JSON (UTF-8)"), position=error.pos
        ) from None
    if b"\\u0000" in body and _holds_nul(document):
        raise InputError(Text(zh="文本含 NUL 字符", en="a text holds a NUL character"))
    try:
        return Envelope.model_validate(document)
    except ValidationError as error:
        where = ".".join(map(str, error.errors(include_url=False)[0]["loc"])) or "record"
        raise InputError(
            Text(zh="记录的 {where} 有误", en="the record's {where} is wrong").format(
                where=where[:80]
            ),
            member=where[:80],
        ) from None


def _holds_nul(part: object) -> bool:
    if isinstance(part, str):
        return "\x00" in part
    if isinstance(part, dict):
        return any(_holds_nul(x) for pair in part.items() for x in pair)
    return isinstance(part, list) and any(map(_holds_nul, part))


MAX_SKEW_S = 300.0
"""A clock further off than this is flagged (research: five minutes)."""


def correct_moment(
    device_at: datetime, *, client_now: datetime | None, now: datetime
) -> tuple[datetime, int | None]:
    """(when it happened by the server's clock, skew of the device in milliseconds).

    ``client_now`` is what the device's clock showed when it sent the record, ``now`` the server's
    then; their difference corrects what the same clock wrote down. Nothing lies in the future:
    without ``client_now`` an impossible moment becomes ``now``.

    >>> from datetime import UTC, timedelta
    >>> noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    >>> slow = noon - timedelta(hours=1)  # a clock an hour behind
    >>> correct_moment(slow - timedelta(minutes=5), client_now=slow, now=noon)[0].isoformat()
    '2026-03-02T11:55:00+00:00'
    """
    skew = timedelta() if client_now is None else client_now - now
    try:
        happened = min((device_at - skew).astimezone(UTC), now)
    except OverflowError:  # a clock at either end of time
        happened = now
    return happened, None if client_now is None else round(skew.total_seconds() * 1000)
