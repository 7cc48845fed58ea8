"""An outbox a phone exported to a file: taken in by the office as the phone would have sent it."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

import orjson

from gis.attributes import Text
from gis.errors import SourceError
from gis.hazards.envelope import hash_body

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
    """What the file holds: whose phone's it is (None: it names none), records as their exact
    bytes, and photos as they were written there."""

    device_id: UUID | None
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
        device_id = _read_id(document.get("device_id"))
        known = document["format"] == FORMAT
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
        raise SourceError(_WRONG) from None
    if not known:
        raise SourceError(_WRONG)
    return Outbox(device_id, events, blobs)


def _read_id(words: object) -> UUID | None:
    try:
        return UUID(str(words))
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Link:
    """A record in the chain of its device: its number there, the hash of the one before (empty:
    none), its own, and who wrote it."""

    seq: int
    previous: bytes
    digest: bytes
    account: UUID | None


def follow_chain(
    events: Iterable[bytes], device_id: UUID, received: Iterable[Link], *, by: UUID
) -> set[bytes]:
    """Hashes of the records whose chain leads back to what was received of the device.

    A device's first record follows nothing, and there is one: none is, once its own was received.
    Every other names the hash of the one before it, which is here or was received. Only who has
    the bytes of that one can name it; so who hands the file in (``by``) vouches for nobody else's
    record with one of his own.
    """
    known = {(link.seq, link.digest): link.account for link in received}
    begun = any(seq == 1 for seq, _ in known)
    for link in sorted(_read_links(events, device_id), key=lambda link: link.seq):
        before = (link.seq - 1, link.previous)
        is_first = not begun and link.seq == 1 and not link.previous
        if is_first or (before in known and (known[before] != by or link.account == by)):
            known[link.seq, link.digest] = link.account
    return {digest for _, digest in known}


def _read_links(events: Iterable[bytes], device_id: UUID) -> Iterator[Link]:
    """Each record's place in the chain, where it says so.

    Also of those that are refused for something else: the next one is chained to them.
    """
    for body in events:
        try:
            document = orjson.loads(body)
            device, account = document["device"], UUID(document["account"])
            if UUID(device["id"]) == device_id:
                previous = bytes.fromhex(document.get("prev_hash") or "")
                yield Link(int(device["seq"]), previous, hash_body(body), account)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            continue
