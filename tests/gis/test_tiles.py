"""Grids of counts on the edges of tiles: nothing is lost there, nothing counted twice."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import geopandas as gpd
import mapbox_vector_tile
import pytest
from shapely import Point
from sqlalchemy import Connection, text

from gis import store
from gis.db.roles import Pool
from gis.geometry import STORAGE_SRID, TILE_LATITUDE_LIMIT
from gis.kinds import KINDS
from gis.tiles import tile_box, tile_statement
from tests.api.tiling import tile_at
from tests.conftest import OneTransaction

SITE = KINDS["gas_site"]
# 99.140625 and -90 are multiples of 360 / 2**9, 0 is an edge at every zoom from 1 on, and
# 40.97989806962013 is the upper edge of row 6 of zoom 4: degrees(atan(sinh(pi / 4))).
PLACES = [
    *product((99.140625, 99.140625 - 1e-12, -90.0, 0.0), (40.97989806962013, 0.0, 24.4, -1e-12)),
    *product((-180.0, 180.0), (-TILE_LATITUDE_LIMIT, TILE_LATITUDE_LIMIT)),
]


def fill(connection: Connection, places: list[tuple[float, float]]) -> None:
    rows = [
        SITE.model_validate(
            {"code": f"S{i}", "source": "test", "source_code": f"S{i}", "site_type": "market"}
        ).model_dump(mode="json")
        for i in range(len(places))
    ]
    frame = gpd.GeoDataFrame(rows, geometry=[Point(*p) for p in places], crs=STORAGE_SRID)
    assert store.load_rows(connection, "gas_site", frame).added == len(places)


def count_at(
    connection: Connection, zoom: int, row: int, column: int, as_of: datetime | None = None
) -> int:
    asked = tile_statement([SITE], Pool.JOBS, zoom=zoom, row=row, column=column, as_of=as_of)
    content = connection.exec_driver_sql(asked.sql, asked.parameters).scalar_one()
    layer: dict[str, Any] = mapbox_vector_tile.decode(bytes(content)).get("gas_site", {})
    return sum(cell["properties"]["count"] for cell in layer.get("features", []))


@pytest.mark.parametrize("zoom", range(SITE.zoom.features_from))
def test_what_lies_on_an_edge_is_counted_in_exactly_one_tile(db: OneTransaction, zoom: int) -> None:
    across = 2**zoom
    near = set()
    for lon, lat in PLACES:
        row, column = tile_at(zoom, lon, lat)
        near |= set(product(range(row - 1, row + 2), range(column - 1, column + 2)))
    inside = [(r, c) for r, c in near if 0 <= r < across and 0 <= c < across]
    with db.write(actor="test", reason="edges") as connection:
        fill(connection, PLACES)
        later = datetime.now(UTC) + timedelta(seconds=1)
        now = Counter({at: count_at(connection, zoom, *at) for at in inside})
        past = Counter({at: count_at(connection, zoom, *at, as_of=later) for at in inside})
    assert now.total() == len(PLACES)
    assert past == now


def test_a_grid_is_read_from_the_index_of_middles_alone(db: OneTransaction) -> None:
    row, column = tile_at(11, 99.2, 25.0)
    asked = tile_statement([SITE], Pool.JOBS, zoom=11, row=row, column=column)
    with db.write(actor="test", reason="plan") as connection:
        fill(connection, [(99 + i / 5000, 24 + i / 5000) for i in range(5000)])
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = connection.exec_driver_sql(f"EXPLAIN {asked.sql}", asked.parameters).scalars()
        assert "Index Only Scan using ix_gas_site_middle" in "\n".join(plan)


def test_tiles_of_a_zoom_share_their_edges_to_the_last_bit() -> None:
    for zoom in (0, 1, 5, 14, 22):
        across = 2**zoom
        for at in {0, across // 3, across // 2, across - 2} & set(range(across - 1)):
            west, south, east, north = tile_box(zoom, at, at)
            assert west < east
            assert south < north
            assert tile_box(zoom, at, at + 1)[0] == east
            assert tile_box(zoom, at + 1, at)[3] == south


def test_the_box_of_a_tile_is_that_of_postgis(db: OneTransaction) -> None:
    with db.read() as connection:
        box = connection.exec_driver_sql(
            "SELECT ST_XMin(b), ST_YMin(b), ST_XMax(b), ST_YMax(b)"
            f" FROM ST_Transform(ST_TileEnvelope(13, 6352, 3510), {STORAGE_SRID}) b"
        ).one()
    assert tile_box(13, 3510, 6352) == pytest.approx(tuple(box), abs=1e-9)
