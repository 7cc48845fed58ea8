"""What is loaded is there, once, with its history."""

from datetime import UTC, datetime

import geopandas as gpd
import pytest
from shapely import LineString
from sqlalchemy import text

from gis import store
from gis.errors import ConflictError
from gis.kinds.sewer_pipe import SewerPipe
from tests.conftest import OneTransaction


def pipes(*codes: str, **changes: object) -> gpd.GeoDataFrame:
    rows = [
        SewerPipe.model_validate(
            {"code": c, "source": "test", "source_code": c, "system": "storm", **changes}
        ).model_dump(mode="json")
        for c in codes
    ]
    lines = [LineString([(99, 25 + i / 1000), (99.01, 25 + i / 1000)]) for i in range(len(codes))]
    return gpd.GeoDataFrame(rows, geometry=lines, crs=4490)


def test_loading_the_same_rows_twice_changes_nothing(db: OneTransaction) -> None:
    with db.write(actor="test", reason="first") as connection:
        assert store.load_rows(connection, "sewer_pipe", pipes("A", "B")).added == 2
    with db.write(actor="test", reason="again") as connection:
        counts = store.load_rows(connection, "sewer_pipe", pipes("A", "B"))
        assert (counts.added, counts.changed, counts.unchanged) == (0, 0, 2)
        rows = connection.execute(text("SELECT count(*) FROM history.sewer_pipe")).scalar()
    assert rows == 2


def test_text_that_looks_like_sql_or_csv_or_null_stays_text(db: OneTransaction) -> None:
    words = ["'; DROP TABLE core.road; --", 'a"b,c\nd', "\\N", "${x}", "NULL", "井盖"]
    frame = pipes(*"ABCDEF")
    frame["note"] = words
    with db.write(actor="test", reason="hostile") as connection:
        store.load_rows(connection, "sewer_pipe", frame)
        stored = connection.execute(
            text("SELECT note FROM core.sewer_pipe ORDER BY code")
        ).scalars()
        assert list(stored) == words


def test_a_code_taken_by_another_source_is_a_conflict(db: OneTransaction) -> None:
    other = pipes("A")
    other["source"] = "another survey"
    with db.write(actor="test", reason="first") as connection:
        store.load_rows(connection, "sewer_pipe", pipes("A"))
    with (
        pytest.raises(ConflictError),
        db.write(actor="test", reason="second") as connection,
    ):
        store.load_rows(connection, "sewer_pipe", other)


def test_versions_of_a_life_are_kept_and_the_last_is_current(db: OneTransaction) -> None:
    frame = pipes("A", "B", "C")
    frame["id"] = ["018f0000-0000-7000-8000-000000000001"] * 3
    frame["code"] = frame["source_code"] = "A"
    frame["geometry"] = frame["geometry"].iloc[0]
    frame["progress"] = ["planned", "under_construction", "completed"]
    frame["valid_from"] = [datetime(year, 3, 1, tzinfo=UTC) for year in (2023, 2024, 2025)]
    with db.write(actor="test", reason="life") as connection:
        assert store.load_versions(connection, "sewer_pipe", frame) == 3
        now = connection.execute(text("SELECT progress, version FROM core.sewer_pipe")).one()
        past = connection.execute(
            text(
                "SELECT progress FROM history.sewer_pipe WHERE valid @> timestamptz '2024-06-01'"
                " ORDER BY version DESC LIMIT 1"
            )
        ).scalar()
    assert (now.progress, now.version, past) == ("completed", 3, "under_construction")
