"""What was known at a moment is what could be seen then: a long import shows from its end on."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import geopandas as gpd
from shapely import LineString
from sqlalchemy import text

import gis
from gis import store
from gis.db.handle import PooledDatabase
from gis.kinds.sewer_pipe import SewerPipe


def pipe(code: str, progress: str) -> gpd.GeoDataFrame:
    row = SewerPipe.model_validate(
        {"code": code, "source": "t", "source_code": code, "system": "storm", "progress": progress}
    ).model_dump(mode="json")
    return gpd.GeoDataFrame([row], geometry=[LineString([(99, 25), (99.1, 25)])], crs=4490)


def load(db: PooledDatabase, *frames: gpd.GeoDataFrame, seconds: float = 0) -> datetime:
    """Load, keeping the transaction open for a while; a moment in the middle of that."""
    with db.write(actor="test", reason="load") as connection:
        for frame in frames:
            store.load_rows(connection, "sewer_pipe", frame)
        time.sleep(seconds / 2)
        middle = datetime.now(UTC)
        time.sleep(seconds / 2)
    return middle


def known(db: PooledDatabase, at: datetime) -> dict[str, str]:
    frame = gis.read("sewer_pipe", db=db, known_at=at)
    return dict(zip(frame["code"], frame["progress"].astype(str), strict=True))


def test_a_long_transaction_is_known_from_its_end_and_a_short_one_at_once(
    fresh_database: PooledDatabase,
) -> None:
    load(fresh_database, pipe("A", "planned"))
    before = datetime.now(UTC)
    middle = load(fresh_database, pipe("A", "completed"), pipe("B", "planned"), seconds=0.6)
    after = datetime.now(UTC)
    assert known(fresh_database, before) == {"A": "planned"}
    # Whoever looked then saw what was there: the import was not committed.
    assert known(fresh_database, middle) == {"A": "planned"}
    assert known(fresh_database, after) == {"A": "completed", "B": "planned"}
    with fresh_database.read() as connection:
        (spent,) = connection.execute(
            text("SELECT ended_at - began_at FROM core.long_write WHERE began_at > :before"),
            {"before": before},
        ).scalars()
    assert 0.6 < spent.total_seconds() < 30
