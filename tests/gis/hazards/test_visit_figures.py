"""次, 家次 and 家 of a week written down by hand, and the county's sites as denominator."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

from gis import store
from gis.errors import ParameterError
from gis.hazards.visit_figures import count_coverage, list_sites
from gis.kinds import KINDS
from gis.kinds.hazard import HazardCategory
from tests.conftest import OneTransaction
from tests.gis.samples import sample_geometry, sample_record

MONDAY = datetime(2026, 11, 16, 2, 0, tzinfo=UTC)
SITES = pd.DataFrame(
    {
        "id": ["g1", "g2", "g3", "g4", "f1", "f2"],
        "category": ["gas"] * 4 + ["flood"] * 2,
    }
)
TEAM = ["甲", "乙"]


def visit(
    site: str | None, day: int, result: str = "normal", team: object = TEAM, hour: int = 2
) -> dict[str, Any]:  # Any: a row
    return {
        "asset_id": site,
        "category": "flood" if site and site.startswith("f") else "gas",
        "result": result,
        "at": datetime(2026, 11, 16 + day, hour, 0, tzinfo=UTC),
        "team": team,
    }


WEEK = pd.DataFrame(
    [
        visit("g1", 0),
        visit("g2", 0, "hazards", ["乙", "甲"]),  # the same two people
        visit("g3", 0, "no_entry"),
        visit("g1", 2, "normal"),  # the same site again
        visit("g2", 2, "normal", ["丙", "丁"]),  # another team that day
        visit(None, 2, "normal"),  # a place that is no site of ours
        visit("g9", 3, "normal"),  # closed down since
        visit("f1", 1, "dry", "巡查组"),
    ]
)


def test_outings_visits_and_sites_are_three_figures() -> None:
    gas, flood = sorted(count_coverage(SITES, WEEK), key=lambda c: c.category.order)
    assert (gas.outings, gas.visits, gas.units, gas.no_entry) == (4, 6, 3, 1)
    assert (gas.covered, gas.sites, gas.rate) == (2, 4, 0.5)
    assert gas.left == ("g3", "g4")
    assert gas.no_entry_share == pytest.approx(1 / 7)
    assert gas.unproven == 0
    assert gas.interval == pytest.approx((0.1500, 0.8500), abs=5e-4)  # Wilson, 2 of 4
    assert (flood.outings, flood.visits, flood.units, flood.covered) == (1, 1, 1, 1)
    assert flood.category is HazardCategory.FLOOD


def test_a_visit_that_is_not_valid_covers_nothing() -> None:
    strict = WEEK.assign(is_valid=[False] + [True] * 7)
    (gas, _) = count_coverage(SITES[SITES["id"] != "f2"], strict)
    assert gas.covered == 2  # the second visit to g1 counts
    none = count_coverage(SITES, WEEK.assign(is_valid=False))
    assert [c.covered for c in none] == [0, 0]
    assert none[0].visits == 6


def test_the_day_of_an_outing_is_that_of_the_business_clock() -> None:
    # 15:30 UTC is 23:30 in Shanghai, 16:30 UTC half past midnight of the next day.
    late = pd.DataFrame([visit("g1", 0, hour=15), visit("g2", 0, hour=16)])
    (gas, *_) = count_coverage(SITES, late)
    assert gas.outings == 2


def test_without_any_visit_every_site_is_left() -> None:
    gas, flood = count_coverage(SITES, WEEK.iloc[:0])
    assert (gas.visits, gas.covered, gas.rate, len(gas.left)) == (0, 0, 0.0, 4)
    assert gas.no_entry_share is None
    assert flood.as_document()["denominator"] == 2
    assert count_coverage(SITES.iloc[:0], WEEK.iloc[:0]) == []
    with pytest.raises(ParameterError, match="team"):
        count_coverage(SITES, WEEK.drop(columns="team"))


def test_the_frames_given_are_not_changed() -> None:
    before = WEEK.copy(deep=True), SITES.copy(deep=True)
    count_coverage(SITES, WEEK)
    pd.testing.assert_frame_equal(WEEK, before[0])
    pd.testing.assert_frame_equal(SITES, before[1])


def test_sites_to_visit_are_those_in_service(db: OneTransaction) -> None:
    with db.write(actor="test", reason="sites") as connection:
        for kind, code, changes in (
            ("gas_site", "G-1", {}),
            ("gas_site", "G-2", {"operating_state": "closed"}),
            ("flood_point", "F-1", {}),
            ("flood_point", "F-2", {"treatment": "eliminated"}),
            ("land_plot", "P-1", {}),
            ("land_plot", "P-2", {"stage": "closed"}),
            ("sewer_manhole", "M-1", {"service_state": "abandoned"}),
            ("sewer_manhole", "M-2", {}),
            ("road", "R-1", {}),
        ):
            record = sample_record(KINDS[kind], code)
            changed = type(record).model_validate(record.model_dump() | changes)
            store.add(connection, changed, sample_geometry(KINDS[kind]))
        sites = list_sites(connection)
        assert sites["category"].value_counts().to_dict() == {
            "gas": 1, "flood": 1, "land": 1, "sewer": 1, "road": 1,
        }  # fmt: skip
        assert len(list_sites(connection, [HazardCategory.GAS])) == 1
        assert list_sites(connection, [HazardCategory.OTHER]).empty
