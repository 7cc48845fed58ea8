"""Which visits cover their site: where they were made, and what they answered."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from shapely import Point
from sqlalchemy import text

from gis import store
from gis.hazards.forms import read_form
from gis.hazards.site_visits import cover_sites, name_sites
from gis.hazards.visit_figures import SiteCoverage
from gis.kinds.gas_site import GasSite
from gis.kinds.hazard import HazardCategory
from tests.conftest import OneTransaction
from tests.gis.hazards.records import Phone
from tests.gis.hazards.test_log import NOON, take
from tests.gis.samples import sample_record

FORM = "gas@2026-11"
LON, LAT = 99.2, 24.9
NORTH_100_M = 100 / 110_800  # metres per degree of latitude at 25 degrees north: 110.8 km


def add_restaurant(db: OneTransaction, code: str, lat: float = LAT) -> UUID:
    with db.write(actor="test", reason="sites") as connection:
        record = sample_record(GasSite, code)
        changed = record.model_dump() | {"site_type": "restaurant", "township": "532999001"}
        return store.add(connection, GasSite.model_validate(changed), Point(LON, lat))


def answers(of_type: str = "restaurant") -> list[dict[str, str]]:
    """Every line of the checklist that its author meant for this type of site."""
    return [
        {"item": line["item"], "result": "pass"}
        for line in read_form(FORM)["checklist"]
        if not line["applies_to"] or of_type in line["applies_to"]
    ]


def visit(db: OneTransaction, site: UUID, **members: object) -> None:
    payload: dict[str, Any] = {
        "category": "gas",
        "result": "normal",
        "team": ["甲", "乙"],
        "checklist": answers(),
    }
    members["payload"] = payload | cast("dict[str, Any]", members.get("payload", {}))
    take(db, Phone().write("visited", NOON, visit_id=uuid4(), asset_id=site,
                           form=FORM, **members))  # fmt: skip


def gas(
    db: OneTransaction,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    township: str | None = None,
) -> SiteCoverage:
    with db.read() as connection:
        (one,) = cover_sites(
            connection, start=start, end=end, categories=[HazardCategory.GAS], township=township
        )
    return one


def fix(lat: float, accuracy_m: float | None = 6.0) -> dict[str, Any]:
    source = "gnss" if accuracy_m is not None else "tap"
    level = 0.95 if accuracy_m is not None else None
    return {"lon": LON, "lat": lat, "accuracy_m": accuracy_m, "level": level, "source": source}


@pytest.mark.parametrize(
    ("members", "covers"),
    [
        ({}, True),
        ({"fix": fix(LAT + NORTH_100_M)}, False),  # 100 m away
        ({"fix": fix(LAT + NORTH_100_M, 55.0)}, True),  # within twice its accuracy
        ({"fix": fix(LAT + NORTH_100_M), "asset_choice": "scan"}, True),  # its code was there
        ({"fix": None}, False),
        ({"fix": fix(LAT + NORTH_100_M, None)}, False),
        ({"payload": {"checklist": answers()[1:]}}, False),  # one line is open
        ({"payload": {"checklist": []}}, False),
        ({"payload": {"result": "no_entry", "checklist": []}}, False),
    ],
)
def test_a_visit_covers_its_site_when_place_and_checklist_prove_it(
    db: OneTransaction, members: dict[str, Any], covers: bool
) -> None:
    site = add_restaurant(db, "R-1")
    add_restaurant(db, "R-2", LAT + 0.1)
    visit(db, site, **members)
    seen = gas(db)
    assert (seen.sites, seen.covered) == (2, int(covers))
    got_in = members.get("payload", {}).get("result") != "no_entry"
    assert (seen.visits, seen.no_entry) == (int(got_in), int(not got_in))
    assert seen.unproven == int(got_in and not covers)
    assert (str(site) in seen.left) is not covers


def test_coverage_is_of_the_period_and_township_asked_for(db: OneTransaction) -> None:
    site = add_restaurant(db, "R-1")
    visit(db, site)
    day = timedelta(days=1)
    assert gas(db, start=NOON, end=NOON + day).covered == 1
    assert gas(db, start=NOON - day, end=NOON).covered == 0
    assert gas(db, township="532999001").covered == 1
    with db.read() as connection:
        assert cover_sites(
            connection, categories=[HazardCategory.GAS], township="532999002"
        ) == []  # fmt: skip
        assert name_sites(connection, [str(site), "no asset"]) == {str(site): "R-1"}
        assert connection.execute(text("SELECT count(*) FROM core.visit")).scalar() == 1
