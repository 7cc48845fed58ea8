"""An outbox a phone exported to a file: taken in by the office as the phone would have sent it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from gis.attributes import Text
from gis.errors import SourceError

FORMAT = "infratrack-outbox/1"
_WRONG = Text(
    zh="不是本系统导出的外业记录文件", en="this is no outbox exported by the phone app of ours"
)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One photo of an exported outbox."""

    sha256: str
    media: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Outbox:
    """What the file holds: records as their exact bytes, and photos as they were written there."""

    events: tuple[bytes, ...]
    blobs: tuple[dict[str, str], ...]


def read_stored_file(blob: Mapping[str, str]) -> StoredFile:
    """One photo, decoded; SourceError where it is damaged."""
    try:
        content = base64.b64decode(blob["base64"], validate=True)
    except (KeyError, TypeError, ValueError):
        raise SourceError(
            Text(zh="文件中有损坏的照片", en="a photo in the file is damaged"),
            sha256=str(blob.get("sha256"))[:64],
        ) from None
    return StoredFile(str(blob.get("sha256")), str(blob.get("media")), content)


def read_outbox(content: bytes | memoryview) -> Outbox:
    """The outbox in ``content``, or SourceError."""
    try:
        document = orjson.loads(content)
        events = tuple(str(body).encode() for body in document["events"])
        blobs = tuple(dict(blob) for blob in document.get("blobs", ()))
        known = document["format"] == FORMAT
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
        raise SourceError(_WRONG) from None
    if not known:
        raise SourceError(_WRONG)
    return Outbox(events, blobs)
