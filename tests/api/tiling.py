"""Web Mercator tiles by the formula of the projection, and a reader of their bytes."""

from __future__ import annotations

import math
from typing import Any

import httpx
import mapbox_vector_tile


def tile_at(zoom: int, lon: float, lat: float) -> tuple[int, int]:
    """(row, column) of the tile holding a place (degrees)."""
    count = 2**zoom
    column = int((lon + 180) / 360 * count)
    angle = math.asinh(math.tan(math.radians(lat)))
    return int((1 - angle / math.pi) / 2 * count), column


def tiles_over(zoom: int, west: float, south: float, east: float, north: float) -> list[str]:
    """``z/row/column`` of every tile over a box (degrees)."""
    top, left = tile_at(zoom, west, north)
    bottom, right = tile_at(zoom, east, south)
    rows, columns = range(top, bottom + 1), range(left, right + 1)
    return [f"{zoom}/{row}/{column}" for row in rows for column in columns]


def read_layer(answer: httpx.Response, kind: str) -> list[dict[str, Any]]:
    """Properties of a layer's features; none when the tile or the layer is empty."""
    if answer.status_code == 204:
        return []
    assert answer.status_code == 200, answer.text
    layer = mapbox_vector_tile.decode(answer.content).get(kind)
    return [feature["properties"] for feature in layer["features"]] if layer else []
