"""What bytes are, by themselves and never by a name: the medium, and a picture's size in pixels.

Only the head of the file is read, by a few lines of our own: an image library comes near hostile
bytes in a child process only (:mod:`gis.evidence.examine`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from gis.attributes import Text
from gis.errors import InputError

MAX_PIXELS = 50_000_000
"""The biggest phone sensors make 48 to 50 million pixels; a decoder needs 3 bytes for each."""
HEAD_BYTES = 1 << 20
"""Enough for a JPEG whose camera notes fill several segments before the size is told."""


class Medium(StrEnum):
    """Media that are taken as evidence."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"
    HEIC = "image/heic"
    PDF = "application/pdf"

    @property
    def suffix(self) -> str:
        """The ending of a file that is handed out."""
        return _SUFFIXES[self]

    @property
    def has_picture(self) -> bool:
        """Whether smaller pictures can be made of it."""
        return self in (Medium.JPEG, Medium.PNG, Medium.WEBP)


_SUFFIXES = {
    Medium.JPEG: ".jpg",
    Medium.PNG: ".png",
    Medium.WEBP: ".webp",
    Medium.HEIC: ".heic",
    Medium.PDF: ".pdf",
}
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")


@dataclass(frozen=True, slots=True)
class Sniffed:
    """A medium, and width and height in pixels where the head tells them."""

    medium: Medium
    width: int | None = None
    height: int | None = None


def sniff(head: bytes, promised: str) -> Sniffed:
    """What the first bytes of a file are; InputError when not what was promised, or too large."""
    medium = sniff_medium(head)
    if medium is None or medium != promised:
        raise InputError(
            Text(
                zh="文件内容不是所声明的 {promised}",
                en="the bytes are not the {promised} they were said to be",
            ).format(promised=Medium(promised).value),
            rule="media-mismatch",
            found=medium.value if medium else None,
        )
    if not medium.has_picture:
        return Sniffed(medium)
    size = _MEASURES[medium](head)
    if size is None or min(size) < 1:
        raise InputError(
            Text(zh="图片文件头已损坏", en="the head of the picture is damaged"),
            rule="head-damaged",
        )
    if size[0] * size[1] > MAX_PIXELS:
        raise InputError(
            Text(
                zh="图片像素过多({width}×{height},上限 5000 万)",
                en="the picture has too many pixels ({width}×{height}, limit 50 million)",
            ).format(width=size[0], height=size[1]),
            rule="too-many-pixels",
            width=size[0],
            height=size[1],
        )
    return Sniffed(medium, *size)


def sniff_medium(head: bytes) -> Medium | None:
    """The medium by magic bytes; None for everything that is not taken.

    >>> sniff_medium(b"<svg xmlns=") is None
    True
    """
    if head.startswith(b"\xff\xd8\xff"):
        return Medium.JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return Medium.PNG
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Medium.WEBP
    if head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS:
        return Medium.HEIC
    return Medium.PDF if head.startswith(b"%PDF-") else None


def _measure_png(head: bytes) -> tuple[int, int] | None:
    if len(head) < 24 or head[12:16] != b"IHDR":
        return None
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")


def _measure_jpeg(head: bytes) -> tuple[int, int] | None:
    """Size from the frame header (ISO/IEC 10918-1 B.2.2): SOF0 to SOF15 but DHT, JPG and DAC."""
    for marker, segment in _segments(head):
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = segment[1:3], segment[3:5]
            return int.from_bytes(width, "big"), int.from_bytes(height, "big")
    return None


def _segments(head: bytes) -> Iterator[tuple[int, bytes]]:
    place = 2
    while place + 4 <= len(head) and head[place] == 0xFF:
        marker = head[place + 1]
        if marker == 0xFF:  # a fill byte
            place += 1
            continue
        if marker == 0x01 or 0xD0 <= marker <= 0xD7:  # markers that stand alone
            place += 2
            continue
        length = int.from_bytes(head[place + 2 : place + 4], "big")
        if length < 2:
            return
        yield marker, head[place + 4 : place + 2 + length]
        place += 2 + length


def _measure_webp(head: bytes) -> tuple[int, int] | None:
    """Size from the first chunk (RFC 9649 2.5 to 2.7)."""
    chunk = head[12:16]
    if chunk == b"VP8X" and len(head) >= 30:
        width, height = head[24:27], head[27:30]
        return int.from_bytes(width, "little") + 1, int.from_bytes(height, "little") + 1
    if chunk == b"VP8L" and len(head) >= 25 and head[20] == 0x2F:
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 " and len(head) >= 30 and head[23:26] == b"\x9d\x01\x2a":
        width, height = head[26:28], head[28:30]
        mask = 0x3FFF
        return int.from_bytes(width, "little") & mask, int.from_bytes(height, "little") & mask
    return None


_MEASURES = {
    Medium.JPEG: _measure_jpeg,
    Medium.PNG: _measure_png,
    Medium.WEBP: _measure_webp,
}
