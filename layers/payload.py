"""What a portable map carries: rows of the kinds, packed for a page that unpacks them.

Coordinates are whole millionths of a degree (at most 6 cm off), each the difference to the one
before; attributes are columns without those that are empty. Both compress well.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from gis.attributes import Text
from gis.db.handle import Database
from gis.db.roles import Pool, visible_attributes, visible_kinds
from gis.db.tables import MEASURES
from gis.errors import ParameterError
from gis.geometry import BBox
from gis.kinds import KINDS, Record
from gis.queries import Filter, Statement, count_features, county_extent, features_page
from layers.map_config import LayerCounts

MAX_FEATURES = 50_000
"""Above this an office PC without a graphics card takes longer than four seconds to draw."""
STEPS_PER_DEGREE = 1_000_000
_GEOMETRY_KINDS = {"Point": 1, "LineString": 2, "MultiPolygon": 3}

Document = dict[str, Any]  # Any: JSON


@dataclass(frozen=True, slots=True)
class County:
    """Whose map it is, and its box (west, south, east, north in degrees)."""

    name: Text
    box: list[float]


@dataclass(frozen=True, slots=True)
class Contents:
    """Features per kind as GeoJSON, and the county where one is recorded."""

    features: Mapping[str, list[Document]]
    county: County | None

    def count_values(self, kind: type[Record]) -> LayerCounts:
        """The figures of the kind's legend, as the server counts them."""
        rows = self.features[kind.kind]
        keys = Counter(_counted_as(kind, row["properties"]) for row in rows)
        return LayerCounts.gather((*key, count) for key, count in keys.items())

    def find_box(self) -> list[float] | None:
        """The county's box, else that of the features."""
        if self.county:
            return self.county.box
        places = [p for rows in self.features.values() for row in rows for p in _places(row)]
        if not places:
            return None
        lons, lats = zip(*places, strict=True)
        return [min(lons), min(lats), max(lons), max(lats)]


def _counted_as(kind: type[Record], properties: Document) -> tuple[str | None, bool, int | None]:
    """Value, whether it is open, and when it falls due (epoch seconds)."""
    value = properties.get(kind.style.color_by) if kind.style.color_by else None
    is_open = properties.get("is_open") is not False
    due_at = properties.get("due_at") if is_open else None
    return value, is_open, int(datetime.fromisoformat(due_at).timestamp()) if due_at else None


def carried_pool(pool: Pool) -> Pool:
    """As whom a file may speak: it leaves the house, so restricted attributes stay out of it."""
    return Pool.PUBLIC if pool is Pool.PUBLIC else Pool.FIELD


def read_contents(
    db: Database,
    kinds: Sequence[str],
    *,
    pool: Pool,
    as_of: datetime | None = None,
    bbox: BBox | None = None,
) -> Contents:
    """Rows of the kinds the pool may see, restricted attributes left out.

    Raises ParameterError when they are more than MAX_FEATURES.
    """
    carried = carried_pool(pool)
    allowed = {kind.kind for kind in visible_kinds(carried)}
    shown = [KINDS[name] for name in kinds if name in allowed]
    asked = Filter(as_of=as_of, bbox=bbox)
    with db.read(pool) as connection:
        counts = {k.kind: int(_ask(connection, count_features(k, asked))[0][0]) for k in shown}
        _require_few(sum(counts.values()))
        pages = {
            kind.kind: _ask(
                connection, features_page(kind, carried, asked, limit=MAX_FEATURES, after=None)
            )[0][0]
            for kind in shown
        }
        counties = _ask(connection, county_extent())
    features = {name: json.loads(f"[{page}]") for name, page in pages.items()}
    county = None
    if counties:
        *box, zh, en = counties[0]
        county = County(Text(zh=zh, en=en), [float(side) for side in box])
    return Contents(features, county)


def _ask(connection: Connection, statement: Statement) -> list[tuple[Any, ...]]:  # Any: columns
    cursor = connection.connection.cursor()
    try:
        cursor.execute(statement.sql, statement.parameters)
        return list(cursor.fetchall())
    finally:
        cursor.close()


def _require_few(count: int) -> None:
    if count > MAX_FEATURES:
        raise ParameterError(
            Text(
                zh="单文件地图最多 {limit} 个要素,现有 {count} 个:请用网页地图,或限定范围(bbox)",
                en="a portable map holds up to {limit} features, these are {count}:"
                " use the live map, or a smaller area (bbox)",
            ).format(limit=MAX_FEATURES, count=count),
            count=count,
            limit=MAX_FEATURES,
        )


def pack(contents: Contents, config: Document, *, pool: Pool) -> str:
    """Config and rows as base64 of gzip of JSON; the same input gives the same text."""
    document = {
        "config": config,
        "kinds": {
            name: _pack_kind(KINDS[name], rows, carried_pool(pool))
            for name, rows in contents.features.items()
            if rows
        },
    }
    plain = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # No time in the header: two renders of one map are the same bytes.
    return base64.b64encode(gzip.compress(plain.encode(), 9, mtime=0)).decode()


def _pack_kind(kind: type[Record], rows: Sequence[Document], pool: Pool) -> Document:
    measure = MEASURES.get(kind.geometry_type)
    names = [*visible_attributes(kind, pool), *([measure] if measure else [])]
    columns = {name: [_keep(row["properties"].get(name)) for row in rows] for name in names}
    return {
        "ids": [row["id"] for row in rows],
        "columns": {n: c for n, c in columns.items() if any(v is not None for v in c)},
        "shapes": [_pack_shape(row["geometry"]) for row in rows],
    }


def _keep(value: object) -> object:
    """The value as carried: millimetres are enough; what is empty goes (False and 0 are values)."""
    if isinstance(value, float):
        return round(value, 3)
    return None if value in ({}, "") else value


def _pack_shape(geometry: Document) -> list[Any]:  # Any: a number and lists of numbers
    return [_GEOMETRY_KINDS[geometry["type"]], *map(_pack_part, _parts(geometry))]


def _parts(geometry: Document) -> list[list[list[float]]]:
    """Lists of places: a point, a line, or the rings of all polygons."""
    coordinates = geometry["coordinates"]
    if geometry["type"] == "Point":
        return [[coordinates]]
    if geometry["type"] == "LineString":
        return [coordinates]
    return [ring for polygon in coordinates for ring in polygon]


def _places(row: Document) -> list[list[float]]:
    return [place for part in _parts(row["geometry"]) for place in part]


def _pack_part(places: Sequence[Sequence[float]]) -> list[int]:
    packed: list[int] = []
    last_x = last_y = 0
    for lon, lat, *_ in places:
        x, y = round(lon * STEPS_PER_DEGREE), round(lat * STEPS_PER_DEGREE)
        packed += (x - last_x, y - last_y)
        last_x, last_y = x, y
    return packed
