"""Where systems meet wrongly: the place, what it affects, and records that are kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import Connection, text

from gis import store
from gis.errors import ConflictError, NotFoundError
from gis.network.asking import asking
from gis.network.misconnections import (
    MisconnectionRecord,
    ReformState,
    add_record,
    list_misconnections,
    read_misconnection,
)
from tests.conftest import OneTransaction
from tests.gis.network.drawn import draw
from tests.gis.network.test_topology import add_manhole, add_pipe, at, settle

Drawn = tuple[Connection, dict[str, UUID]]


@pytest.fixture
def drawn(db: OneTransaction) -> Iterator[Drawn]:
    with db.write(actor="sampler", reason="t") as connection:
        yield connection, draw(connection)


def test_the_cause_is_found_and_not_what_lies_below_it(drawn: Drawn) -> None:
    """X drains storm water into the sanitary node C; 3 and 4 below it are no findings."""
    listed = list_misconnections(asking(drawn[0]))
    assert listed["by_systems"] == {"storm-sanitary": 1}
    (found,) = listed["features"]
    about = found["properties"]
    assert (about["node_code"], about["pipes_in"], about["pipes_out"]) == ("C", ["8"], ["3"])
    assert (about["upstream_pipes"], about["sources"], about["outfalls"]) == (1, 1, ["OUT"])
    assert about["upstream_m"] == pytest.approx(30, abs=0.2)
    assert found["geometry"]["coordinates"] == pytest.approx(at(60), abs=1e-7)
    assert about["state"] == "found"


@pytest.mark.parametrize(
    ("above", "below", "count"),
    [
        ("sanitary", "storm", 1), ("storm", "sanitary", 1), ("combined", "storm", 1),
        ("combined", "sanitary", 1), ("storm", "combined", 0), ("sanitary", "combined", 0),
        ("storm", "storm", 0),
    ],
)  # fmt: skip
def test_which_system_may_run_into_which(
    db: OneTransaction, above: str, below: str, count: int
) -> None:
    with db.write(actor="t", reason="t") as connection:
        add_pipe(connection, "1", at(0), at(30), down_node="N", system=above)
        add_pipe(connection, "2", at(30), at(60), up_node="N", system=below)
        settle(connection)
        assert list_misconnections(asking(connection))["count"] == count


def test_where_nothing_leads_on_the_manholes_own_system_counts(db: OneTransaction) -> None:
    with db.write(actor="t", reason="t") as connection:
        add_manhole(connection, "N", at(30))  # sanitary
        add_pipe(connection, "1", at(0), at(30), down_node="N", system="storm")
        settle(connection)
        assert list_misconnections(asking(connection))["by_systems"] == {"storm-sanitary": 1}


def test_records_are_kept_when_the_misconnection_is_gone(drawn: Drawn) -> None:
    connection, ids = drawn
    ask = asking(connection)
    identifier = UUID(list_misconnections(ask)["features"][0]["id"])
    sampled = MisconnectionRecord(
        nh3_n_mg_per_l=18.5, conductivity_us_per_cm=890, has_flow=True, weather="dry",
        sampled_by="张三", sampled_on=date(2026, 5, 6),
    )  # fmt: skip
    first = add_record(connection, ask, identifier, sampled)
    again = sampled.model_copy(update={"id": first})
    assert add_record(connection, ask, identifier, again) == first
    add_record(connection, ask, identifier, MisconnectionRecord(state=ReformState.REFORMED))
    about = list_misconnections(ask)["features"][0]["properties"]
    assert (about["state"], about["records"]) == ("reformed", 2)
    store.change(connection, "sewer_pipe", ids["8"], {"service_state": "removed"})
    settle(connection)
    assert list_misconnections(ask)["count"] == 0
    kept = read_misconnection(ask, identifier)
    assert kept["present"] is False
    assert {r["recorded_by"] for r in kept["records"]} == {"sampler"}
    assert any(r.get("nh3_n_mg_per_l") == 18.5 for r in kept["records"])
    add_record(connection, ask, identifier, MisconnectionRecord(state=ReformState.VERIFIED))
    savepoint = connection.begin_nested()
    with pytest.raises(Exception, match=r"permission denied|append-only"):
        connection.execute(text("UPDATE core.misconnection_record SET record = '{}'"))
    savepoint.rollback()


def test_what_was_never_a_misconnection_takes_no_record(drawn: Drawn) -> None:
    ask, unknown = asking(drawn[0]), UUID(int=7)
    with pytest.raises(NotFoundError):
        add_record(drawn[0], ask, unknown, MisconnectionRecord(note="x"))
    with pytest.raises(NotFoundError):
        read_misconnection(ask, unknown)


def test_an_id_that_is_taken_by_another_record_is_a_conflict(drawn: Drawn) -> None:
    connection, _ = drawn
    ask, own = asking(connection), UUID(int=99)
    identifier = UUID(list_misconnections(ask)["features"][0]["id"])
    given = MisconnectionRecord(id=own, note="first", nh3_n_mg_per_l=18)
    add_record(connection, ask, identifier, given)
    assert add_record(connection, ask, identifier, given) == own
    with pytest.raises(ConflictError):
        add_record(connection, ask, identifier, given.model_copy(update={"note": "second"}))
    add_pipe(connection, "90", at(0, 900), at(30, 900), down_node="N90", system="storm")
    add_pipe(connection, "91", at(30, 900), at(60, 900), up_node="N90", system="sanitary")
    settle(connection)
    other = next(f for f in list_misconnections(ask)["features"] if f["id"] != str(identifier))
    with pytest.raises(ConflictError):
        add_record(connection, ask, UUID(other["id"]), given)
