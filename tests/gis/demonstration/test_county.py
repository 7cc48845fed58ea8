"""What the generator says it built is what the database finds."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import shapely
from sqlalchemy import text

from gis.db.cluster import Cluster
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.demonstration.county import County, build_county, load_county
from gis.demonstration.plan import AS_OF
from gis.errors import ConflictError
from gis.hazards.record import find_drift
from tests.conftest import CloneDatabase, connect_pools

GRID_SCALE = 2e-5
"""A Gauss-Krüger plane is longer than the ellipsoid by y²/2R²: 1.2e-5 at 31 km of its middle."""


def fingerprint(county: County) -> str:
    digest = hashlib.sha256()
    for kind, frame in county.frames.items():
        digest.update(kind.encode() + frame.to_csv().encode())
    digest.update(repr(county.events).encode())
    return digest.hexdigest()


@pytest.fixture(scope="module")
def county() -> County:
    return build_county(1, 1)


@pytest.fixture(scope="module")
def loaded(
    cluster: Cluster, clone_database: CloneDatabase, county: County
) -> Iterator[PooledDatabase]:
    database = connect_pools(cluster, clone_database())
    load_county(database, county, actor="test", progress=lambda *_: None)
    yield database
    database.close()


def ask(db: PooledDatabase, sql: str, **values: object) -> dict[str, float]:
    with db.read(Pool.JOBS) as connection:
        return {str(k): float(v) for k, v in connection.execute(text(sql), values).all()}


def test_the_same_seed_gives_the_same_county_in_another_process(county: County) -> None:
    code = (
        "from tests.gis.demonstration.test_county import fingerprint, build_county;"
        "print(fingerprint(build_county(1, 1)))"
    )
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert other == fingerprint(county)
    assert fingerprint(build_county(2, 1)) != other


def test_the_database_finds_every_figure_the_generator_knows(
    loaded: PooledDatabase, county: County
) -> None:
    oracle = county.oracle
    for by in ("system", "progress"):
        found = ask(loaded, f"SELECT {by}, sum(length_m) FROM core.sewer_pipe GROUP BY 1")
        assert found == pytest.approx(oracle[f"pipe_m_by_{by}"], rel=GRID_SCALE)
    roads = ask(loaded, "SELECT road_class, sum(length_m) FROM core.road GROUP BY 1")
    assert roads == pytest.approx(oracle["road_m_by_class"], rel=GRID_SCALE)
    completed = ask(
        loaded,
        "SELECT extract(year FROM lower(valid))::int, sum(length_m) FROM history.sewer_pipe"
        " WHERE progress = 'completed' GROUP BY 1",
    )
    assert completed == pytest.approx(oracle["pipe_m_completed_by_year"], rel=GRID_SCALE)
    sums = ask(
        loaded,
        "SELECT 'park_m2', sum(area_m2) FROM core.pocket_park"
        " UNION ALL SELECT 'people', sum(people) FROM core.population"
        " UNION ALL SELECT 'projects_total_yuan', sum(total_investment_yuan) FROM core.project",
    )
    assert sums["park_m2"] == pytest.approx(oracle["park_m2"], rel=2 * GRID_SCALE)
    assert sums["people"] == oracle["people"]
    assert sums["projects_total_yuan"] == oracle["projects_total_yuan"]
    stages = ask(loaded, "SELECT stage, count(*) FROM core.traditional_village GROUP BY 1")
    assert stages == oracle["villages_by_stage"]
    treatments = ask(loaded, "SELECT treatment, count(*) FROM core.flood_point GROUP BY 1")
    assert treatments == oracle["flood_points_by_treatment"]
    plots = ask(loaded, "SELECT stage, count(*) FROM core.land_plot GROUP BY 1")
    assert plots == oracle["land_plots_by_stage"]
    plot_sums = ask(
        loaded,
        "SELECT 'land_plot_m2', sum(area_m2) FROM core.land_plot"
        " UNION ALL SELECT 'cultivated_m2', sum(cultivated_m2) FROM core.land_plot",
    )
    assert plot_sums["land_plot_m2"] == pytest.approx(oracle["land_plot_m2"], rel=2 * GRID_SCALE)
    assert plot_sums["cultivated_m2"] == pytest.approx(oracle["cultivated_m2"])


def test_counts_and_versions_are_those_of_the_generator(
    loaded: PooledDatabase, county: County
) -> None:
    for kind, count in county.oracle["counts"].items():
        found = ask(loaded, f"SELECT 'n', count(*) FROM core.{kind}")
        assert found["n"] == count, kind
        versions = ask(loaded, f"SELECT 'n', count(*) FROM history.{kind}")
        assert versions["n"] == county.oracle["versions"][kind], kind


def test_hazards_are_in_every_state_and_their_rows_follow_from_their_events(
    loaded: PooledDatabase, county: County
) -> None:
    states = ask(loaded, "SELECT state, count(*) FROM core.hazard GROUP BY 1")
    assert states == county.oracle["hazards_by_state"]
    assert len(states) == 12
    overdue = ask(
        loaded,
        "SELECT 'n', count(*) FROM core.hazard WHERE is_open AND due_at < :now",
        now=AS_OF,
    )
    assert overdue["n"] == county.oracle["hazards_overdue"] > 0
    with loaded.read(Pool.JOBS) as connection:
        assert find_drift(connection) == []


def test_units_partition_their_parents_exactly(county: County) -> None:
    frame = county.frames["admin_unit"].to_crs(4542)
    whole = frame[frame["level"] == "county"].geometry.iloc[0]
    for level, parent in (("township", "county"), ("village", "township")):
        parts = frame[frame["level"] == level]
        assert parts.area.sum() == pytest.approx(whole.area, rel=1e-9), (level, parent)
        tree = shapely.STRtree(parts.geometry.to_numpy())
        left, right = tree.query(parts.geometry.to_numpy(), predicate="overlaps")
        shared = shapely.area(
            shapely.intersection(parts.geometry.to_numpy()[left], parts.geometry.to_numpy()[right])
        )
        assert shared.sum() < 1.0  # square metres of 2,269 km²: rounding of the coordinates


def test_sewers_fall_except_where_the_oracle_lists_a_fault(county: County) -> None:
    pipes = county.frames["sewer_pipe"].drop_duplicates("id", keep="last").set_index("code")
    uphill = pipes.index[pipes["down_invert_m"] > pipes["up_invert_m"]]
    assert set(uphill) == set(county.oracle["faults"]["adverse_slope"])
    missing = pipes.index[pipes["up_invert_m"].isna()]
    assert set(missing) == set(county.oracle["faults"]["missing_invert"])
    loose = pipes.index[pipes["down_node"].isna()]
    assert set(loose) == set(county.oracle["faults"]["loose_end"])
    manholes = county.frames["sewer_manhole"].drop_duplicates("id", keep="last")
    cover = manholes["ground_m"] - manholes["bottom_m"]
    assert cover.between(1.0, 6.0).all()


def test_roads_meet_at_their_ends_only(county: County) -> None:
    lines = county.frames["road"].drop_duplicates("id", keep="last").geometry.to_numpy()
    left, _ = shapely.STRtree(lines).query(lines, predicate="crosses")
    met = shapely.STRtree(lines).query(lines, predicate="touches")[0]
    assert len(left) <= 2  # coordinates rounded to a millimetre may part a line from its junction
    assert len(set(met)) > 0.9 * len(lines)


def test_progress_as_of_a_date_is_what_was_true_then(
    loaded: PooledDatabase, county: County
) -> None:
    frame = county.frames["pocket_park"]
    moment = datetime(2025, 6, 30, tzinfo=UTC)
    then = frame[frame["valid_from"] <= moment].drop_duplicates("id", keep="last")
    expected = then["progress"].value_counts().to_dict()
    found = ask(
        loaded,
        "SELECT h.progress, count(*) FROM history.pocket_park h WHERE h.valid @> :at"
        " AND NOT EXISTS (SELECT 1 FROM history.pocket_park l WHERE l.id = h.id"
        " AND l.version > h.version AND l.valid @> :at) GROUP BY 1",
        at=moment,
    )
    assert found == expected


def test_loading_the_county_twice_changes_nothing_and_another_one_is_refused(
    loaded: PooledDatabase, county: County
) -> None:
    before = ask(loaded, "SELECT kind, version FROM core.collection_version")
    load_county(loaded, county, actor="test", progress=lambda *_: None)
    assert ask(loaded, "SELECT kind, version FROM core.collection_version") == before
    with pytest.raises(ConflictError):
        load_county(loaded, build_county(2, 1), actor="test", progress=lambda *_: None)


def test_scale_grows_the_county_to_a_hundred_thousand_pipes() -> None:
    large = build_county(1, 33)
    assert large.oracle["counts"]["sewer_pipe"] >= 100_000
    manholes = large.frames["sewer_manhole"].drop_duplicates("id", keep="last")
    assert (manholes["ground_m"] - manholes["bottom_m"]).between(1.0, 8.5).all()
