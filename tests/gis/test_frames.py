"""A notebook reads what is stored: typed columns, as of any day, what its reader may see."""

from datetime import UTC, datetime

import geopandas as gpd
import pytest
from shapely import LineString

import gis
from gis import store
from gis.attributes import Sensitivity
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.errors import ForbiddenError, NotFoundError, ParameterError
from gis.kinds import KINDS, sensitivity_of
from gis.kinds.sewer_pipe import SewerPipe
from tests.conftest import OneTransaction

# A degree of the equator is 111,319.49 m on the CGCS2000 ellipsoid (pi/180 x 6,378,137 m).
EQUATOR_DEGREE_M = 111_319.4908


def load(db: OneTransaction) -> None:
    rows = [
        SewerPipe.model_validate(
            {
                "code": code,
                "source": "test",
                "source_code": code,
                "system": system,
                "material": material,
                "built_year": year,
                "surveyed_on": day,
                "up_invert_m": invert,
            }
        ).model_dump(mode="json")
        for code, system, material, year, day, invert in (
            ("A", "storm", "clay", 1998, "2024-03-05", 12.5),
            ("B", "sanitary", None, None, None, None),
        )
    ]
    lines = [LineString([(99, 0), (100, 0)]), LineString([(101, 0), (101.5, 0)])]
    with db.write(actor="test", reason="frames") as connection:
        store.load_rows(connection, "sewer_pipe", gpd.GeoDataFrame(rows, geometry=lines, crs=4490))


def test_columns_come_back_typed_and_measured(db: OneTransaction) -> None:
    load(db)
    frame = gis.read("sewer_pipe", db=db).sort_values("code")
    assert frame.crs.to_epsg() == 4490
    assert list(frame["system"].cat.categories) == ["storm", "sanitary", "combined"]
    assert frame["system"].cat.ordered
    assert str(frame["built_year"].dtype) == "Int64"
    assert frame["surveyed_on"].iloc[0].year == 2024
    assert frame["up_invert_m"].isna().tolist() == [False, True]
    assert frame["material"].isna().tolist() == [False, True]
    assert frame["length_m"].tolist() == pytest.approx(
        [EQUATOR_DEGREE_M, EQUATOR_DEGREE_M / 2], abs=0.01
    )


def test_a_box_and_chosen_attributes_narrow_the_answer(db: OneTransaction) -> None:
    load(db)
    frame = gis.read("sewer_pipe", db=db, bbox=(98, -1, 99.5, 1), attributes=["code"])
    assert frame["code"].tolist() == ["A"]
    assert list(frame.columns) == ["code", "version", "recorded_at", "valid_from", "geometry"]


def test_the_past_is_read_as_it_was_true(db: OneTransaction) -> None:
    frame = gpd.GeoDataFrame(
        [
            SewerPipe.model_validate(
                {"code": "A", "source": "t", "source_code": "A", "system": "storm", "progress": p}
            ).model_dump(mode="json")
            for p in ("planned", "completed")
        ],
        geometry=[LineString([(99, 25), (99.1, 25)])] * 2,
        crs=4490,
    )
    frame["id"] = "018f0000-0000-7000-8000-000000000001"
    frame["valid_from"] = [datetime(year, 3, 1, tzinfo=UTC) for year in (2023, 2025)]
    with db.write(actor="test", reason="life") as connection:
        store.load_versions(connection, "sewer_pipe", frame)
    read = {
        year: gis.read("sewer_pipe", db=db, as_of=datetime(year, 6, 1, tzinfo=UTC))
        for year in (2022, 2024, 2025)
    }
    assert read[2022].empty
    assert read[2024]["progress"].tolist() == ["planned"]
    assert read[2025]["progress"].tolist() == ["completed"]
    assert gis.read("sewer_pipe", db=db, known_at=datetime(2024, 1, 1, tzinfo=UTC)).empty


def test_an_empty_kind_is_an_empty_frame_with_its_columns(db: OneTransaction) -> None:
    for kind in KINDS:
        frame = gis.read(kind, db=db, pool=Pool.JOBS)
        assert frame.empty
        assert {"code", "geometry"} <= set(frame.columns)


def test_unknown_names_and_naive_moments_are_refused(db: OneTransaction) -> None:
    with pytest.raises(NotFoundError):
        gis.read("nothing", db=db)
    with pytest.raises(ParameterError):
        gis.read("road", db=db, attributes=["nothing"])
    with pytest.raises(ParameterError):
        gis.read("road", db=db, as_of=datetime(2024, 1, 1))
    with pytest.raises(ParameterError):
        gis.read("road", db=db, bbox=(1, 2, 3))


def test_each_reader_gets_the_columns_it_may_see(fresh_database: PooledDatabase) -> None:
    for pool in Pool:
        for name, kind in KINDS.items():
            if not pool.sees(kind.sensitivity):
                with pytest.raises(ForbiddenError):
                    gis.read(name, db=fresh_database, pool=pool)
                continue
            shown = set(gis.read(name, db=fresh_database, pool=pool).columns)
            hidden = {n for n in kind.model_fields if not pool.sees(sensitivity_of(kind, n))}
            assert not shown & hidden
    assert sensitivity_of(SewerPipe, "up_invert_m") is Sensitivity.RESTRICTED
