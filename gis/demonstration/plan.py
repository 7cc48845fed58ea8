"""The plan of the county on its own plane: river, towns as street grids, terrain, identities.

All coordinates are metres east and north of the county's middle, in the Gauss-Krüger plane of
its zone; :func:`to_storage` brings them to lon/lat. The county is invented: its place in western
Yunnan has no meaning and its names exist nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Transformer

from gis.geometry import STORAGE_SRID, Geometries, gauss_kruger_srid

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CENTRE = (99.12, 24.71)
"""Longitude, latitude of the county's middle."""
COUNTY_CODE = "539921"
COUNTY_NAME = ("云屏县", "Yunping County (fictional)")
AS_OF = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
"""The demonstration's today."""
SURVEYED = datetime(2023, 12, 1, 1, 0, tzinfo=UTC)
"""When the first survey was entered: the beginning of valid time."""
HALF_WIDTH_M, HALF_HEIGHT_M = 30_000.0, 24_000.0
RIVER_LEVEL_M = 1480.0


@dataclass(frozen=True, slots=True)
class Town:
    """A town as a street grid: node (i, j) lies ``i`` steps along and ``j`` steps across.

    Node (0, 0) is the lowest: its sewers flow down the cross streets to ``i = 0`` and along it.
    """

    number: int
    name: str
    x: float
    y: float
    angle: float
    columns: int
    rows: int
    step: float
    combined: bool
    nodes: Floats
    """Shape (columns, rows, 2), metres."""

    @property
    def place(self) -> str:
        """Two digits that stand for the town in codes."""
        return f"{self.number:02d}"

    @property
    def township(self) -> str:
        """Code of the township the town lies in (the old quarter lies in the seat's)."""
        return f"{COUNTY_CODE}{100 + self.number - (1 if self.combined else 0):03d}"


TOWN_NAMES = (
    "云屏镇",
    "老城片区",
    "石鼓岭镇",
    "柳溪镇",
    "松坪乡",
    "白崖乡",
    "响水镇",
    "茶马铺乡",
    "禾木坝乡",
    "雁栖镇",
)
# Metres from the middle; the seat in the valley, the others up and down the river.
_TOWN_PLACES = (
    (0, 0),
    (-2600, -700),
    (-17500, 9500),
    (14500, 8200),
    (20500, -12500),
    (-21500, -13500),
    (2500, 15500),
    (-6500, -16500),
    (9500, -16800),
    (-23500, 1500),
)


def river_y(x: Floats | float) -> Floats:
    """Northing of the river at an easting: it winds through the county from west to east."""
    x = np.asarray(x, dtype=float)
    y: Floats = -1900 + 900 * np.sin(x / 5200) + 320 * np.sin(x / 1700 + 1)
    return y


def ground_m(x: Floats, y: Floats) -> Floats:
    """Height of the ground: a valley floor that rises from the river into hills."""
    away = np.abs(y - river_y(x))
    hills = 140 * (1 + np.sin(x / 3100) * np.cos(y / 2700)) * np.clip(away / 9000, 0, 1)
    fall = -0.0011 * x
    level: Floats = RIVER_LEVEL_M + fall + 6 + 0.016 * away + hills
    return level


def spread_of(scale: float) -> float:
    """How much wider the county is than at scale 1: its towns grow, so their distances do."""
    return float(max(1.0, np.sqrt(scale) / 2.2))


def make_towns(rng: np.random.Generator, scale: float) -> list[Town]:
    """The seat, its old quarter and eight townships; ``scale`` multiplies their nodes."""
    grow = np.sqrt(scale)
    towns = []
    for number, (name, at) in enumerate(zip(TOWN_NAMES, _TOWN_PLACES, strict=True)):
        x, y = at[0] * spread_of(scale), at[1] * spread_of(scale)
        columns, rows = ((16, 12), (7, 6))[number] if number < 2 else (5, 5)
        columns, rows = max(3, round(columns * grow)), max(3, round(rows * grow))
        step = 168.0 if number != 1 else 118.0
        angle = rng.uniform(-0.25, 0.25)
        place = (float(x) - (700 * (grow - 1) if number == 1 else 0), float(y))
        nodes = _lay_grid(rng, place, angle, columns, rows, step)
        towns.append(Town(number, name, *place, angle, columns, rows, step, number == 1, nodes))
    return towns


def _lay_grid(
    rng: np.random.Generator,
    place: tuple[float, float],
    angle: float,
    columns: int,
    rows: int,
    step: float,
) -> Floats:
    """Street corners of a town, a little irregular, turned by ``angle``."""
    along, across = np.meshgrid(
        np.cumsum(rng.uniform(0.82, 1.18, columns)) * step,
        np.cumsum(rng.uniform(0.82, 1.18, rows)) * step,
        indexing="ij",
    )
    grid = np.stack([along - along[0, 0], across - across[0, 0]], axis=-1)
    grid += rng.uniform(-0.05, 0.05, grid.shape) * step
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    laid: Floats = np.round(grid @ turn + np.array(place), 2)
    return laid


def make_identities(rng: np.random.Generator, count: int) -> list[str]:
    """UUIDv7-shaped identifiers from the seed; their time part is the first survey's."""
    stamp = f"{int(SURVEYED.timestamp() * 1000):012x}"
    raw = rng.bytes(10 * count).hex()
    return [
        f"{stamp[:8]}-{stamp[8:]}-7{r[0:3]}-{'89ab'[int(r[3], 16) % 4]}{r[4:7]}-{r[7:19]}"
        for r in (raw[i * 20 : i * 20 + 20] for i in range(count))
    ]


def to_storage(geometries: Geometries) -> Geometries:
    """County plane -> lon/lat (EPSG:4490), rounded to 1e-8 degrees (a millimetre)."""
    srid = gauss_kruger_srid(CENTRE[0])
    there = Transformer.from_crs(STORAGE_SRID, srid, always_xy=True)
    back = Transformer.from_crs(srid, STORAGE_SRID, always_xy=True)
    x0, y0 = there.transform(*CENTRE)

    def move(xy: Floats) -> Floats:
        lon, lat = back.transform(xy[:, 0] + x0, xy[:, 1] + y0)
        return np.round(np.column_stack([lon, lat]), 8)

    moved: Geometries = shapely.transform(geometries, move)
    return moved
