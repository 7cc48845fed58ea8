"""A small county whose every figure is known by construction: no generator, no chance."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import geopandas as gpd
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box
from sqlalchemy import text

from gis import store
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.geometry import STORAGE_SRID
from gis.kinds import KINDS

LON, LAT = 99.2, 25.0
PIPES = 2500
MANHOLES = 60
ROADS = 12
PARKS = 9
SITES = 25
HAZARDS = 16
COUNTS = {
    "sewer_pipe": PIPES,
    "sewer_manhole": MANHOLES,
    "road": ROADS,
    "pocket_park": PARKS,
    "gas_site": SITES,
    "hazard": HAZARDS,
    "admin_unit": 2,
}
"""Rows per kind; every other kind is empty."""
LIFE_ID = "018f0000-0000-7000-8000-000000000001"
LIFE = (
    (datetime(2023, 3, 1, tzinfo=UTC), "planned"),
    (datetime(2024, 3, 1, tzinfo=UTC), "under_construction"),
    (datetime(2025, 3, 1, tzinfo=UTC), "completed"),
)
"""The one road with a past: since when it was what."""
HOSTILE = """<img src=x onerror=alert(1)> '; DROP TABLE core.road; -- ${x} </script> 井盖"""
PROGRESS = ("planned", "designed", "under_construction", "completed", "accepted")


def frame(kind: str, rows: list[dict[str, Any]], shapes: list[Any]) -> gpd.GeoDataFrame:
    """Rows validated by their kind, ready for the store."""
    model = KINDS[kind]
    valid = [
        model.model_validate({"source": "test", "source_code": row["code"], **row}).model_dump(
            mode="json"
        )
        for row in rows
    ]
    return gpd.GeoDataFrame(valid, geometry=shapes, crs=STORAGE_SRID)


def make_frames() -> dict[str, gpd.GeoDataFrame]:
    """The county's rows by kind."""
    return {
        "admin_unit": _make_units(),
        "sewer_pipe": _make_pipes(),
        "sewer_manhole": frame(
            "sewer_manhole",
            [{"code": f"J{i:03d}", "system": "storm"} for i in range(MANHOLES)],
            [Point(LON + i * 0.0005, LAT - 0.001) for i in range(MANHOLES)],
        ),
        "road": _make_roads(),
        "pocket_park": frame(
            "pocket_park",
            [{"code": f"GY{i}", "name": f"翠湖{i}号口袋公园"} for i in range(PARKS)],
            [
                MultiPolygon([box(x, LAT + 0.05, x + 0.001, LAT + 0.051)])
                for x in (LON + i * 0.002 for i in range(PARKS))
            ],
        ),
        "gas_site": frame("gas_site", _site_rows(), [_site_point(i) for i in range(SITES)]),
    }


def _make_units() -> gpd.GeoDataFrame:
    rows = [
        {"code": "539921101", "name": "云溪镇", "level": "township"},
        {"code": "539921", "name": "虚构县", "level": "county"},
    ]
    west = Polygon([(LON - 0.2, LAT - 0.2), (LON, LAT - 0.2), (LON, LAT + 0.2), (LON - 0.2, LAT)])
    shapes = [MultiPolygon([west]), MultiPolygon([box(LON - 0.2, LAT - 0.2, LON + 0.2, LAT + 0.2)])]
    return frame("admin_unit", rows, shapes)


def _make_pipes() -> gpd.GeoDataFrame:
    """Fifty streets of fifty pipes, each 0.0008 degrees of longitude long."""
    rows = [
        {
            "code": f"WS-{i:05d}",
            "name": HOSTILE if i == 7 else None,
            "note": HOSTILE if i == 7 else None,
            "system": ("storm", "sanitary")[i % 2],
            "diameter_mm": (300, 400, 500, 600)[i % 4],
            "progress": PROGRESS[i % 5],
            "responsible": "张三",
        }
        for i in range(PIPES)
    ]
    shapes = [
        LineString([(x, y), (x + 0.0008, y)])
        for x, y in ((LON + (i % 50) * 0.001, LAT + (i // 50) * 0.001) for i in range(PIPES))
    ]
    return frame("sewer_pipe", rows, shapes)


def _make_roads() -> gpd.GeoDataFrame:
    rows = [
        {
            "code": f"R{i:02d}",
            "name": f"春城{i}路",
            "road_class": "arterial",
            "progress": "accepted",
        }
        for i in range(ROADS - 1)
    ]
    lines = [
        LineString([(LON, LAT + i * 0.005), (LON + 0.05, LAT + i * 0.005)])
        for i in range(ROADS - 1)
    ]
    return frame("road", rows, lines)


def _site_rows() -> list[dict[str, Any]]:
    return [
        {"code": f"RQ{i:02d}", "name": f"老街餐馆{i}", "site_type": "restaurant"}
        for i in range(SITES)
    ]


def _site_point(i: int) -> Point:
    return Point(LON + 0.0002 + i * 0.0015, LAT + 0.0004)


def _make_life() -> gpd.GeoDataFrame:
    rows = [
        {"code": "R99", "name": "新街", "road_class": "arterial", "progress": p} for _, p in LIFE
    ]
    line = LineString([(LON - 0.1, LAT), (LON - 0.05, LAT)])
    life = frame("road", rows, [line] * len(rows))
    life["id"] = LIFE_ID
    life["valid_from"] = [since for since, _ in LIFE]
    return life


def _make_hazards() -> gpd.GeoDataFrame:
    """Half of them open, due on consecutive days of June 2026."""
    rows = [
        {
            "code": f"YH-{i:03d}",
            "state": "rectifying" if i % 2 else "closed",
            "severity": ("major", "general_a", "general_b", "minor")[i % 4],
            "category": "gas",
            "is_open": bool(i % 2),
            "found_at": datetime(2026, 5, 1, tzinfo=UTC),
            "due_at": datetime(2026, 6, 1 + i, 16, tzinfo=UTC),
        }
        for i in range(HAZARDS)
    ]
    return frame("hazard", rows, [Point(LON + i * 0.001, LAT + 0.02) for i in range(HAZARDS)])


def fill_county(db: PooledDatabase) -> None:
    """Load everything, as the jobs role, in one transaction."""
    with db.write(actor="test", reason="county", pool=Pool.JOBS) as connection:
        for kind, rows in make_frames().items():
            store.load_rows(connection, kind, rows)
        store.load_versions(connection, "road", _make_life())
        store.load_rows(connection, "hazard", _make_hazards())
        connection.execute(
            text(
                "INSERT INTO core.county (code, name_zh, name_en, extent) VALUES"
                " ('539921', '虚构县', 'Fiction County',"
                " ST_MakeEnvelope(99.0, 24.8, 99.4, 25.2, 4490))"
            )
        )
