"""What the generator says it built is what the database finds."""

import hashlib
import json
import subprocess
import sys
from datetime import UTC, datetime

import pandas as pd
import pytest
import shapely
from sqlalchemy import text

from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.demonstration.county import County, build_county, load_county
from gis.demonstration.plan import AS_OF
from gis.errors import ConflictError
from gis.hazards.flood_board import read_duty
from gis.hazards.rebuild import check
from gis.hazards.record import find_drift
from gis.network.asking import asking
from gis.network.misconnections import list_misconnections
from gis.network.topology import check_topology
from tests.gis.demonstration.conftest import ask

GRID_SCALE = 2e-5
"""A Gauss-Krüger plane is longer than the ellipsoid by y²/2R²: 1.2e-5 at 31 km of its middle."""


def fingerprint(county: County) -> str:
    digest = hashlib.sha256()
    for kind, frame in county.frames.items():
        digest.update(kind.encode() + frame.to_csv().encode())
    digest.update(repr(county.events).encode() + repr(county.records).encode())
    digest.update(repr(county.season.records).encode() + repr(county.desilting).encode())
    digest.update(county.links.to_csv().encode() + "".join(county.evidence).encode())
    return digest.hexdigest()


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


def test_the_season_of_flood_duty_is_what_its_records_say(
    loaded: PooledDatabase, county: County
) -> None:
    told = county.oracle["flood_season"]
    asked = read_duty(AS_OF)
    with loaded.read(Pool.STAFF) as connection:
        board = json.loads(connection.exec_driver_sql(asked.sql, asked.parameters).scalar_one())
    calls = board["call_outs"]
    assert len(board["shifts"]) == told["duty_shifts"]
    assert len(board["gaps"]) == told["duty_gaps_ahead"]
    assert len(board["levels"]) == told["flood_levels"]
    assert board["level"]["response"] == told["flood_response"]
    assert len(calls) == told["call_outs"]
    assert sum(one["is_open"] for one in calls) == told["call_outs_open"]
    assert sum(bool(one["cancelled_at"]) for one in calls) == told["call_outs_cancelled"]
    late = [c for c in calls if c["arrived_at"] and c["arrived_at"] > c["arrival_due_at"]]
    assert len(late) == told["call_outs_late"]
    assert board["deepest"][0]["depth_m"] == told["deepest_water_m"]
    (incident,) = board["incidents"]
    assert [r["serial"] for r in incident["reports"]] == told["incident_serials"]
    stocks = ask(
        loaded,
        "SELECT 'flood_teams', count(*) FROM core.flood_team"
        " UNION ALL SELECT 'flood_supplies', count(*) FROM core.flood_supply",
    )
    assert stocks == {name: told[name] for name in stocks}
    moved = ask(
        loaded,
        "SELECT f.code, count(*) FROM core.plot_step p JOIN core.land_plot f ON f.id = p.asset_id"
        " GROUP BY 1",
    )
    assert sorted(moved) == sorted(told["land_plots_moved"])
    assert sorted(moved.values()) == [2, 3, 5]


def test_everything_in_the_county_follows_from_its_log(loaded: PooledDatabase) -> None:
    with loaded.write(actor="check", reason="check", pool=Pool.JOBS) as connection:
        assert check(connection) == []


def test_money_is_what_the_generator_gave_by_stage_source_and_step(
    loaded: PooledDatabase, county: County
) -> None:
    found = ask(
        loaded,
        "SELECT p.stage || '/' || source.key || '/' || step.key, sum(step.value::float8)"
        " FROM core.project p, jsonb_each(p.money) source, jsonb_each_text(source.value) step"
        " GROUP BY 1",
    )
    told = {
        f"{stage}/{source}/{step}": yuan
        for stage, sources in county.oracle["money_yuan_by_stage_source_step"].items()
        for source, steps in sources.items()
        for step, yuan in steps.items()
    }
    assert found == told
    assert len({name.split("/")[0] for name in told}) == 6
    bases = ask(
        loaded,
        "SELECT b.basis, sum(b.yuan) FROM core.project p, LATERAL (VALUES"
        " ('by_progress', completed_by_progress_yuan), ('by_payment', completed_by_payment_yuan),"
        " ('in_statistics', completed_in_statistics_yuan)) b (basis, yuan) GROUP BY 1",
    )
    assert bases == county.oracle["projects_completed_yuan"]
    paid = sum(yuan for name, yuan in told.items() if name.endswith("/paid"))
    assert paid == bases["by_payment"]
    stages = ask(loaded, "SELECT stage, count(*) FROM core.project GROUP BY 1")
    assert stages == county.oracle["projects_by_stage"]
    assert sum(stages.values()) > 20


def test_works_of_projects_are_linked_as_the_generator_planned_them(
    loaded: PooledDatabase, county: County
) -> None:
    found = ask(
        loaded,
        "SELECT work || '/' || progress, count(*) FROM core.project_asset GROUP BY 1",
    )
    assert found == {
        f"{work}/{progress}": count
        for work, counts in county.oracle["project_assets_by_work"].items()
        for progress, count in counts.items()
    }
    assert sum(found.values()) == county.oracle["project_assets"]
    for progress in ("planned", "under_construction", "completed", "accepted"):
        assert found[f"new/{progress}"] > 0


STANDS = " UNION ALL ".join(
    f"SELECT id, progress, progress_percent, project_code FROM core.{kind}"
    for kind in (
        "sewer_pipe", "sewer_manhole", "road", "pocket_park",
        "sewage_facility", "traditional_village",
    )
)  # fmt: skip


@pytest.mark.parametrize(
    ("never", "where"),
    [
        (
            "a new asset is elsewhere than its works",
            "l.work = 'new' AND (s.progress, s.progress_percent, s.project_code)"
            " IS DISTINCT FROM (l.progress, l.progress_percent, p.code)",
        ),
        (
            "works go on before the project has started",
            "p.stage IN ('approved', 'tender') AND l.progress <> 'planned'",
        ),
        (
            "works are done while the project has only just started",
            "p.stage = 'started' AND l.progress IN ('completed', 'accepted')",
        ),
        (
            "works are not begun when the main works are complete",
            "p.stage = 'main_works' AND l.progress NOT IN ('under_construction', 'completed')",
        ),
        (
            "works are done before, or after, their project",
            "p.stage IN ('completed', 'accepted') AND l.progress <> p.stage",
        ),
        (
            "works on what exists change its progress",
            "l.work = 'works' AND coalesce(s.progress, 'accepted') <> 'accepted'",
        ),
    ],
)
def test_works_never_contradict_their_project(
    loaded: PooledDatabase, never: str, where: str
) -> None:
    found = ask(
        loaded,
        f"SELECT 'n', count(*) FROM core.project_asset l JOIN core.project p ON p.id = l.project_id"
        f" JOIN ({STANDS}) s ON s.id = l.asset_id WHERE {where}",
    )
    assert found["n"] == 0, never


def test_every_new_asset_belongs_to_one_project_(loaded: PooledDatabase) -> None:
    found = ask(
        loaded,
        f"SELECT 'new', count(*) FROM ({STANDS}) s WHERE s.project_code IS NOT NULL"
        " UNION ALL SELECT 'linked', count(*) FROM core.project_asset WHERE work = 'new'"
        " UNION ALL SELECT 'assets', count(DISTINCT asset_id) FROM core.project_asset"
        " UNION ALL SELECT 'links', count(*) FROM core.project_asset"
        " UNION ALL SELECT 'unfinished alone', count(*)"
        f" FROM ({STANDS}) s WHERE progress <> 'accepted' AND project_code IS NULL",
    )
    assert found["new"] == found["linked"] > 1000
    assert found["assets"] == found["links"]
    assert found["unfinished alone"] == 0


def test_a_project_lies_at_its_works(county: County) -> None:
    last = {kind: f.drop_duplicates("id", keep="last") for kind, f in county.frames.items()}
    plane = {
        kind: f.set_index("id").geometry.to_crs(4542)
        for kind, f in last.items()
        if kind != "admin_unit"
    }
    assets = pd.concat([f for kind, f in plane.items() if kind != "project"])
    for project, links in county.links.groupby("project_id"):
        place = plane["project"][str(project)]
        assert assets[links["asset_id"]].distance(place).min() < 50, project


def test_a_project_is_as_far_as_its_works_on_average_at_every_version(county: County) -> None:
    projects = county.frames["project"]
    last = projects.drop_duplicates("id", keep="last").set_index("id")
    mean = county.links.groupby("project_id")["progress_percent"].mean().round(1)
    assert mean.to_dict() == last["progress_percent"].to_dict()
    for _, life in projects.groupby("id"):
        assert life["progress_percent"].is_monotonic_increasing
        assert life["valid_from"].is_monotonic_increasing
        assert life["valid_from"].is_unique
    assert projects["valid_from"].max() <= AS_OF
    assert (AS_OF - projects["valid_from"].min()).days > 2.5 * 365


def test_new_pipes_carry_the_year_they_were_completed_in(county: County) -> None:
    pipes = county.frames["sewer_pipe"].drop_duplicates("id", keep="last")
    new = pipes[pipes["project_code"].notna()]
    done = new["progress"].isin(["completed", "accepted"])
    assert new.loc[~done, "built_year"].isna().all()
    assert (new.loc[done, "built_year"] == new.loc[done, "completed_on"].str[:4].astype(int)).all()
    assert (pipes.loc[pipes["project_code"].isna(), "built_year"] < 2022).all()


def test_the_countys_names_are_clean_and_its_seed_lies_beside_them(
    loaded: PooledDatabase,
) -> None:
    with loaded.read(Pool.STAFF) as connection:
        rows = connection.execute(
            text("SELECT name_zh, name_en, demonstration FROM core.county")
        ).all()
    assert [tuple(r) for r in rows] == [
        ("云屏县", "Yunping County (fictional)", {"seed": 1, "scale": 1})
    ]


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


def test_the_planted_misconnections_are_those_the_network_finds(
    loaded: PooledDatabase, county: County
) -> None:
    with loaded.read(Pool.JOBS) as connection:
        assert check_topology(connection).is_sound
        listed = [f["properties"] for f in list_misconnections(asking(connection))["features"]]
    found = {code: one for one in listed for code in one["pipes_in"]}
    told = {row["pipe"]: row for row in county.oracle["misconnections"]}
    assert found.keys() == told.keys()
    for code, one in found.items():
        assert (one["from_system"], one["to_system"]) == (told[code]["from"], told[code]["to"])
        # The oracle follows codes; the network also joins a loose end to the manhole it lies at,
        # so above a pipe that was moved there may be more.
        length = told[code]["upstream_m"]
        if told[code]["planted"]:
            assert one["upstream_m"] == pytest.approx(length, rel=2 * GRID_SCALE, abs=0.01)
        else:
            assert one["upstream_m"] >= length * (1 - 2 * GRID_SCALE) - 0.01
