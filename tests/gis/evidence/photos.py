"""Photos made for tests: as a phone makes them, and as an enemy would."""

from __future__ import annotations

import hashlib
import io
import random
import struct
import zlib

from PIL import Image, ImageDraw

TAKEN = "2026:11:24 10:00:00"
GPS = ((25.0, 6.0, 36.0), (99.0, 12.0, 0.0))
"""Degrees, minutes, seconds north and east: 25.11, 99.2 in decimal degrees."""


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def paint(seed: int, size: tuple[int, int] = (1200, 900)) -> Image.Image:
    """A scene that looks like no other: broad shapes, so that its hash is its own."""
    chance = random.Random(seed)
    picture = Image.new("RGB", size, tuple(chance.randrange(256) for _ in range(3)))
    draw = ImageDraw.Draw(picture)
    for _ in range(40):
        x, y = chance.randrange(size[0]), chance.randrange(size[1])
        box = (x, y, x + chance.randrange(50, 500), y + chance.randrange(50, 500))
        draw.ellipse(box, fill=tuple(chance.randrange(256) for _ in range(3)))
    return picture


def write(picture: Image.Image, form: str = "JPEG", **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def make_jpeg(seed: int = 1, size: tuple[int, int] = (1200, 900), *, gps: bool = True) -> bytes:
    """A photo with the camera's clock and position in it."""
    picture = paint(seed, size)
    exif = Image.Exif()
    exif[0x010F] = "CANARY-MAKER"
    exif.get_ifd(0x8769)[0x9003] = TAKEN
    if gps:
        exif.get_ifd(0x8825).update({1: "N", 2: GPS[0], 3: "E", 4: GPS[1]})
    return write(picture, quality=85, exif=exif)


# what an enemy sends


def chunk(kind: bytes, body: bytes) -> bytes:
    """A PNG chunk with its length and checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bomb_png(side: int) -> bytes:
    """A true PNG of side x side black pixels in a few kilobytes: 13,000 took 821 MB to open."""
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    row = b"\x00" * (1 + (side + 7) // 8)
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(row * 100) for _ in range(side // 100))
    rows += packer.compress(row * (side % 100)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def resize_jpeg_head(photo: bytes, width: int, height: int) -> bytes:
    """A JPEG whose frame header claims another size."""
    place = photo.index(b"\xff\xc0")
    return photo[: place + 5] + struct.pack(">HH", height, width) + photo[place + 9 :]


def exif_bomb(photo: bytes, entries: int = 60_000) -> bytes:
    """A JPEG whose camera notes claim tens of thousands of entries, each as large as it can be."""
    count = min(entries, 5_400)  # 12 bytes each: what a segment of 64 kB holds
    entry = struct.pack("<HHII", 0x9003, 2, 0x7FFFFFFF, 8)
    notes = b"Exif\x00\x00II*\x00\x08\x00\x00\x00" + struct.pack("<H", count & 0xFFFF)
    notes += entry * count
    segment = b"\xff\xe1" + struct.pack(">H", len(notes) + 2) + notes
    return photo[:2] + segment * 12 + photo[2:]


def looping_exif(photo: bytes) -> bytes:
    """A JPEG whose directory of notes points to itself, as EXIF, GPS and next one."""
    entries = [struct.pack("<HHII", tag, 4, 1, 8) for tag in (0x8769, 0x8825, 0xA005)]
    notes = b"Exif\x00\x00II*\x00\x08\x00\x00\x00" + struct.pack("<H", 3)
    notes += b"".join(entries) + struct.pack("<I", 8)
    segment = b"\xff\xe1" + struct.pack(">H", len(notes) + 2) + notes
    return photo[:2] + segment + photo[2:]


def text_bomb_png() -> bytes:
    """A small PNG whose compressed text unpacks to 100 MB."""
    photo = write(paint(3, (64, 64)), "PNG")
    text = chunk(b"zTXt", b"Comment\x00\x00" + zlib.compress(b"a" * 100_000_000, 9))
    return photo[:33] + text + photo[33:]
