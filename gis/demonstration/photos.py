"""Photographs and signatures that nobody took: drawn from the seed, a few kilobytes each.

A scene is a wall, a pavement or planks of many shades, so that no two scenes resemble each other,
with the thing in front that is wrong or repaired. The photo after a repair shows the same place
from its other side. Every picture says in words that it is synthetic. The same seed gives the
same bytes under one version of Pillow and its JPEG library.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gis.demonstration.plan import Floats

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

WIDTH, HEIGHT = 400, 300
QUALITY = 62
_GRID = {"gas": (12, 9), "flood": (9, 8), "village_fire": (18, 3)}
"""How many pieces the ground of a scene has across and down: tiles, paving stones, planks."""
_TINT = {"gas": (1.0, 0.97, 0.9), "flood": (0.9, 0.93, 0.97), "village_fire": (1.0, 0.82, 0.62)}
Colour = tuple[int, int, int]
_WRONG, _RIGHT = (196, 60, 44), (46, 132, 78)


@dataclass(frozen=True, slots=True)
class Scene:
    """What is photographed: the category, and the shades of its ground between 0 and 1."""

    category: str
    shades: Floats


def imagine_scene(rng: np.random.Generator, category: str) -> Scene:
    """A place nobody has seen."""
    across, down = _GRID[category]
    return Scene(category, rng.uniform(0.3, 0.95, (down, across)))


def photograph(
    scene: Scene, words: str, *, repaired: bool = False, quality: int = QUALITY
) -> bytes:
    """The scene as a JPEG with ``words`` (ASCII) below; ``repaired`` from its other side."""
    from PIL import Image, ImageDraw

    down, across = scene.shades.shape
    shades = scene.shades[:, ::-1] if repaired else scene.shades
    ground = (shades[:, :, None] * np.array(_TINT[scene.category]) * 255).astype(np.uint8)
    picture = Image.fromarray(ground, "RGB").resize((WIDTH, HEIGHT), Image.Resampling.NEAREST)
    draw = ImageDraw.Draw(picture)
    for n in range(1, across):
        draw.line([(n * WIDTH // across, 0), (n * WIDTH // across, HEIGHT)], (120, 116, 110))
    for n in range(1, down):
        draw.line([(0, n * HEIGHT // down), (WIDTH, n * HEIGHT // down)], (120, 116, 110))
    _THINGS[scene.category](draw, 250 if repaired else 110, _RIGHT if repaired else _WRONG)
    draw.rectangle([0, HEIGHT - 22, WIDTH, HEIGHT], (24, 28, 34))
    draw.text((6, HEIGHT - 17), f"SYNTHETIC  {words}", (240, 240, 240))
    return _as_jpeg(picture, quality)


def _as_jpeg(picture: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality, optimize=True)
    return buffer.getvalue()


def _draw_cylinder(draw: ImageDraw.ImageDraw, x: int, colour: Colour) -> None:
    """A gas cylinder and the hose to a stove; the hose is what is wrong, or new."""
    draw.rounded_rectangle([x - 34, 110, x + 34, 270], 22, (90, 108, 122))
    draw.rectangle([x - 12, 92, x + 12, 112], (70, 78, 84))
    draw.arc([x - 4, 40, x + 96, 146], 180, 360, colour, 9)
    draw.line([(x + 92, 92), (x + 98, 120)], colour, 9)
    draw.rectangle([x + 78, 118, x + 130, 148], (58, 60, 64))


def _draw_grate(draw: ImageDraw.ImageDraw, x: int, colour: Colour) -> None:
    """A storm inlet in the kerb, under leaves or swept."""
    draw.rectangle([x - 80, 150, x + 80, 236], (52, 54, 58))
    for n in range(7):
        draw.rectangle([x - 72 + 22 * n, 158, x - 62 + 22 * n, 228], (14, 16, 18))
    if colour == _WRONG:
        for n in range(22):
            at, below = x - 78 + (n * 37) % 150, 148 + (n * 23) % 78
            draw.ellipse([at, below, at + 22, below + 14], (112, 88 + 3 * n, 44))
    draw.rectangle([x - 84, 236, x + 84, 244], colour)


def _draw_extinguisher(draw: ImageDraw.ImageDraw, x: int, colour: Colour) -> None:
    """The box of a fire extinguisher: empty, or filled."""
    draw.rectangle([x - 52, 76, x + 52, 262], (230, 226, 214))
    draw.rectangle([x - 44, 84, x + 44, 254], (66, 52, 44))
    if colour == _RIGHT:
        draw.rounded_rectangle([x - 24, 126, x + 24, 248], 14, (204, 40, 34))
        draw.rectangle([x - 8, 108, x + 8, 128], (30, 30, 30))
    draw.rectangle([x - 52, 66, x + 52, 76], colour)


_THINGS: Mapping[str, Callable[[ImageDraw.ImageDraw, int, Colour], None]] = {
    "gas": _draw_cylinder,
    "flood": _draw_grate,
    "village_fire": _draw_extinguisher,
}


def sign(rng: np.random.Generator) -> bytes:
    """A scribble on white as a PNG: the signature of nobody."""
    from PIL import Image, ImageDraw

    x = np.linspace(30, 270, 60)
    wave = rng.uniform(8, 26, 3)[:, None] * np.sin(x[None, :] / rng.uniform(6, 26, 3)[:, None])
    y = 60 + wave.sum(axis=0) * np.linspace(1, 0.3, 60)
    picture = Image.new("L", (300, 120), 255)
    ImageDraw.Draw(picture).line(list(zip(x.tolist(), y.tolist(), strict=True)), 20, 3)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
