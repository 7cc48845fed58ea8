"""A small county whose every text attribute, in every kind, tries to become markup or code."""

from __future__ import annotations

from datetime import datetime
from typing import Any, get_origin

import geopandas as gpd
from annotated_types import MaxLen
from shapely import LineString, MultiPolygon, Point, box
from sqlalchemy import Connection, text

from gis import store
from gis.attributes import Vocabulary
from gis.geometry import GeometryType
from gis.kinds import KINDS, Record
from gis.kinds.vocabularies import vocabulary_of

HOSTILE = (
    "<img src=x onerror=window.hit=1>",
    "${window.hit=1}",
    "</script><script>window.hit=1</script>",
    "]]>{{ 7*7 }}{% raw %}",
    "`\"'\\u003c\\",
)
LON, LAT = 99.1, 25.0
_NEEDED: dict[str, object] = {
    "year": 2025,
    "plot_year": 2025,
    "people": 12.5,
    "found_at": "2026-01-05T01:00:00Z",
}


def make_row(kind: type[Record], number: int) -> dict[str, Any]:
    """A valid record; every plain text of it is hostile, no two codes alike."""
    row: dict[str, Any] = {}
    for name, info in kind.model_fields.items():
        words = vocabulary_of(kind, name)
        limits = [mark.max_length for mark in info.metadata if isinstance(mark, MaxLen)]
        if get_origin(info.annotation) is dict:
            continue
        if words is not None:
            row[name] = pick_word(words, number)
        elif name in _NEEDED and info.is_required():
            row[name] = _NEEDED[name]
        elif limits:
            row[name] = HOSTILE[number % len(HOSTILE)][: limits[0]]
    code = f"{kind.kind}-{number}{HOSTILE[number % len(HOSTILE)]}"[:64]
    row |= {"code": code, "source": f"<b>{kind.kind}</b>", "source_code": str(number)}
    row["missing"] = {"note": HOSTILE[0]}
    return kind.model_validate(row).model_dump(mode="json")


def pick_word(words: type[Vocabulary], number: int) -> str:
    """Each word of a vocabulary in its turn."""
    every = list(words)
    return str(every[number % len(every)])


def place(kind: type[Record], number: int) -> Point | LineString | MultiPolygon:
    """Somewhere in the county, of the kind's geometry."""
    x, y = LON + 0.001 * (number % 20), LAT + 0.001 * (number // 20)
    if kind.geometry_type is GeometryType.LINE:
        return LineString([(x, y), (x + 0.0006, y + 0.0003), (x + 0.0009, y)])
    if kind.geometry_type is GeometryType.AREA:
        return MultiPolygon([box(x, y, x + 0.0008, y + 0.0006)])
    return Point(x, y)


def load_county(connection: Connection, *, each: int, name: str = "云<b>溪</b>县") -> None:
    """``each`` rows of every kind, and the county itself."""
    for kind in KINDS.values():
        rows = [make_row(kind, number) for number in range(each)]
        shapes = [place(kind, number) for number in range(each)]
        frame = gpd.GeoDataFrame(rows, geometry=shapes, crs=4490)
        store.load_rows(connection, kind.kind, frame)
    connection.execute(
        text(
            "INSERT INTO core.county (code, name_zh, name_en, extent) VALUES ('c', :name,"
            " 'Yunxi', ST_MakeEnvelope(99.0, 24.95, 99.2, 25.1, 4490))"
        ),
        {"name": name},
    )


def load_hazards(connection: Connection, dues: dict[str, datetime | None]) -> None:
    """Open hazards by code with their due dates, side by side."""
    rows = [
        {
            "code": code,
            "source": "t",
            "source_code": code,
            "state": "rectifying",
            "severity": "major",
            "category": "gas",
            "found_at": "2026-01-05T01:00:00Z",
            "due_at": due,
        }
        for code, due in dues.items()
    ]
    shapes = [Point(LON + 0.002 * i, LAT) for i in range(len(rows))]
    store.load_rows(
        connection,
        "hazard",
        gpd.GeoDataFrame(
            [KINDS["hazard"].model_validate(row).model_dump(mode="json") for row in rows],
            geometry=shapes,
            crs=4490,
        ),
    )
