"""Campaigns, visits and what was found on them come out as the generator planned them."""

import json
from collections import Counter
from datetime import timedelta

import pandas as pd
import pytest
from sqlalchemy import text

from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.demonstration.county import County, build_county
from gis.demonstration.plan import AS_OF
from gis.evidence.pairing import distance_m
from gis.hazards.cohort import Question
from gis.hazards.figures import compute_figures
from gis.hazards.questions import list_campaigns, read_day
from gis.hazards.rebuild import check
from gis.hazards.visit_figures import count_coverage, list_sites
from gis.queries import Statement
from tests.gis.demonstration.conftest import ask

GROUND_REACH_M = 1000.0
"""Farther apart than this nobody calls it one neighbourhood."""


def read_json(db: PooledDatabase, statement: Statement, pool: Pool = Pool.STAFF) -> object:
    with db.read(pool) as connection:
        rows = connection.exec_driver_sql(statement.sql, statement.parameters).all()
    return json.loads(rows[0][0])


def test_the_product_draws_the_targets_the_generator_drew(
    loaded: PooledDatabase, county: County
) -> None:
    campaigns = county.oracle["campaigns"]
    assert len(campaigns) == 3
    assert [c["is_open"] for c in campaigns.values()] == [False, False, True]
    for name, told in campaigns.items():
        found = ask(
            loaded,
            "SELECT t.category, count(*) FROM core.task t JOIN core.campaign c"
            " ON c.id = t.campaign_id WHERE c.name = :name GROUP BY 1",
            name=name,
        )
        assert found == told["targets"], name
    drawn = ask(
        loaded,
        "SELECT assigned_to, count(*) FROM core.task t JOIN core.campaign c"
        " ON c.id = t.campaign_id WHERE c.name LIKE '%抽检' GROUP BY 1",
    )
    # An assignment names the tasks the generator expected: nobody is left without.
    assert drawn == campaigns["2026年三季度燃气安全抽检"]["assigned"]
    assert sum(drawn.values()) == 32  # 15 % of the 210 that are open, rounded up


def test_campaigns_answer_with_the_coverage_of_the_plan(
    loaded: PooledDatabase, county: County
) -> None:
    rows = read_json(loaded, list_campaigns())
    assert isinstance(rows, list)
    assert {row["name"] for row in rows} == set(county.oracle["campaigns"])
    for row in rows:
        told = county.oracle["campaigns"][row["name"]]
        assert row["population"] == told["population"]
        assert row["is_open"] is told["is_open"]
        for category, coverage in row["coverage"].items():
            counted = {k: v for k, v in told["by_category"][category].items() if k != "no_entry"}
            assert coverage["visits"] == counted, (row["name"], category)


def test_targets_stand_as_their_visits_left_them(loaded: PooledDatabase, county: County) -> None:
    for name, told in county.oracle["campaigns"].items():
        found = ask(
            loaded,
            "SELECT t.state, count(*) FROM core.task t JOIN core.campaign c"
            " ON c.id = t.campaign_id WHERE c.name = :name GROUP BY 1",
            name=name,
        )
        assert found == told["states"], name


def test_the_inspectors_phone_starts_with_a_few_sites_of_one_neighbourhood(
    loaded: PooledDatabase, county: County
) -> None:
    day = read_json(loaded, read_day("demo.inspector", Pool.FIELD, since=None), Pool.FIELD)
    assert isinstance(day, dict)
    assert day["to_go"] == len(day["tasks"]) == county.oracle["to_go"]["demo.inspector"] == 8
    assert {task["campaign"] for task in day["tasks"]} == {"2026年冬季燃气安全专项检查"}
    assert Counter(task["state"] for task in day["tasks"]) == {"todo": 7, "no_entry": 1}
    places = {asset["id"]: (asset["lon"], asset["lat"]) for asset in day["assets"]}
    own = [places[task["asset_id"]] for task in day["tasks"]]
    reach = max(distance_m(*one, *other) for one in own for other in own)
    assert 0 < reach < GROUND_REACH_M


@pytest.mark.parametrize(("seed", "scale"), [(2, 1.0), (3, 1.0), (1, 0.3)])
def test_another_county_has_its_few_sites_too(seed: int, scale: float) -> None:
    oracle = build_county(seed, scale).oracle
    assert 5 <= oracle["to_go"]["demo.inspector"] <= 12
    assert len(oracle["recurrence"]["recurred"]) == 2


def test_outings_visits_and_sites_are_told_apart_as_planned(
    loaded: PooledDatabase, county: County
) -> None:
    with loaded.read(Pool.JOBS) as connection:
        visits = pd.read_sql(
            text("SELECT asset_id::text, category, result, at, team FROM core.visit"), connection
        )
        sites = list_sites(connection)
    counted = {
        str(c.category): {
            "outings": c.outings, "visits": c.visits, "units": c.units, "no_entry": c.no_entry
        }
        for c in count_coverage(sites, visits) if c.visits
    }  # fmt: skip
    assert counted == county.oracle["visits_by_category"]
    assert visits["result"].value_counts().to_dict() == county.oracle["visits_by_result"]
    assert len(visits) == county.oracle["visits"]
    for told in counted.values():
        assert told["outings"] < told["units"] <= told["visits"]
    assert counted["gas"]["units"] < counted["gas"]["visits"]  # some were visited twice
    assert set(visits["result"]) == {"normal", "hazards", "no_entry", "dry"}


def test_a_hazard_found_on_a_visit_belongs_to_it(loaded: PooledDatabase, county: County) -> None:
    found = ask(
        loaded,
        "SELECT 'linked', count(*) FROM core.hazard h WHERE h.visit_id IS NOT NULL"
        " UNION ALL SELECT 'right', count(*) FROM core.hazard h JOIN core.visit v"
        " ON v.id::text = h.visit_id AND v.result = 'hazards' AND v.asset_id::text = h.asset_id"
        " AND v.at < h.found_at AND h.found_at < v.at + interval '30 minutes'"
        " AND v.checklist @> jsonb_build_array(jsonb_build_object('item', h.item,"
        " 'result', 'fail'))",
    )
    assert found["linked"] == found["right"] == county.oracle["found_on_visits"] == 33


def test_what_came_back_is_what_the_generator_let_come_back(
    loaded: PooledDatabase, county: County
) -> None:
    with loaded.read(Pool.STAFF) as connection:
        (part,) = compute_figures(connection, Question(), now=AS_OF)
        earlier = AS_OF - timedelta(days=70)  # before the look-back of September
        (before,) = compute_figures(connection, Question(as_of=earlier), now=AS_OF)
    told = county.oracle["recurrence"]
    rates = [part.figures[f"recurrence_rate.{scope}"] for scope in ("major", "general")]
    assert sum(rate.numerator or 0 for rate in rates) == len(told["recurred"]) == 2
    assert sum(rate.denominator or 0 for rate in rates) == told["recurrable"]
    assert before.figures["recurrence_rate.general"].numerator == 0


def test_the_log_judged_anew_comes_to_the_same(loaded: PooledDatabase) -> None:
    with loaded.write(actor="test", reason="check", pool=Pool.JOBS) as connection:
        assert check(connection) == []
