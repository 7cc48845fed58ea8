"""Photos made for tests: as a phone makes them, and as an enemy would."""

from __future__ import annotations

import hashlib
import io
import random

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
