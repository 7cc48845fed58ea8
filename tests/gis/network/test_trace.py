"""What a trace reaches and says, told by hand from a drawing (tests/gis/network/drawn.py)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from shapely.geometry import shape
from sqlalchemy import Connection, text

from gis import store
from gis.attributes import Language
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.errors import GoneError, NotFoundError
from gis.kinds.sewer_pipe import PipeSystem
from gis.network.asking import asking
from gis.network.trace import Direction, trace
from tests.conftest import OneTransaction
from tests.gis.network.drawn import PLACES, draw
from tests.gis.network.test_topology import add_pipe, at, settle

Drawn = tuple[Connection, dict[str, Any]]


@pytest.fixture
def drawn(db: OneTransaction) -> Iterator[Drawn]:
    with db.write(actor="t", reason="t") as connection:
        yield connection, draw(connection)


def pipes(document: dict[str, Any]) -> set[str]:
    return {f["properties"]["code"] for f in features(document, "sewer_pipe")}


def features(document: dict[str, Any], *kinds: str | None) -> list[dict[str, Any]]:
    return [f for f in document["features"] if f["properties"]["kind"] in kinds]


def ask(
    drawn: Drawn,
    start: str,
    direction: str = "up",
    **more: Any,  # noqa: ANN401 - as trace takes them
) -> dict[str, Any]:
    return trace(asking(drawn[0]), start, Direction(direction), **more).as_document()


@pytest.mark.parametrize(
    ("start", "direction", "expected"),
    [
        ("A", "up", ""),
        ("C", "up", "1 2 3 5 6 7 8"),  # the loop B C D brings 3 and 7
        ("OUT", "up", "1 2 3 4 5 6 7 8"),
        ("A", "down", "1 2 3 4 5 7"),
        ("E", "down", "2 3 4 5 6 7"),
        ("2", "down", "2 3 4 5 7"),
        ("1", "up", "1"),
        ("E", "both", "2 3 4 5 6 7"),
        ("G", "down", "9"),  # as surveyed, against the drawing
        ("F", "down", ""),
    ],
)
def test_a_trace_reaches_every_pipe_and_no_other(
    drawn: Drawn, start: str, direction: str, expected: str
) -> None:
    assert pipes(ask(drawn, start, direction)) == set(expected.split())


def test_a_place_is_named_by_code_or_by_id(drawn: Drawn) -> None:
    by_id = ask(drawn, str(drawn[1]["C"]))
    assert by_id["from"] == {"id": str(drawn[1]["C"]), "kind": "sewer_manhole", "code": "C"}
    assert pipes(by_id) == pipes(ask(drawn, "C"))


def test_the_features_are_drawn_where_things_are(drawn: Drawn) -> None:
    document = ask(drawn, "A", "down")
    nodes = {
        f["properties"]["code"]: f for f in document["features"] if f["geometry"]["type"] == "Point"
    }
    assert set(nodes) == {"A", "B", "C", "D", "OUT"}
    for code, feature in nodes.items():
        assert feature["geometry"]["coordinates"] == pytest.approx(PLACES[code], abs=1e-7)
    assert all(shape(f["geometry"]).is_valid for f in document["features"])


def test_the_summary_says_how_much_where_to_and_what_was_crossed(drawn: Drawn) -> None:
    summary = ask(drawn, "A", "down")["summary"]
    assert (summary["pipes"], summary["nodes"]) == (6, 5)
    assert [o["code"] for o in summary["outfalls"]] == ["OUT"]
    assert summary["dead_ends"] == []
    straight = {(r["diameter_mm"], r["pipes"]): r["length_m"] for r in summary["by_system"]}
    # 2 and 3 are 30 m each, of DN400; 1 is 30 m of DN300, beside the bent 5.
    assert straight[400, 2] == pytest.approx(60, abs=0.1)
    assert summary["crossed"] == {
        "planned": 1, "under_construction": 0, "abandoned": 0, "suspended": 0,
        "direction": 1, "no_invert": 3, "dirty": 0,
    }  # fmt: skip
    assert ask(drawn, "G", "down")["summary"]["dead_ends"][0]["code"] == "F"


def test_every_crossed_pipe_says_why(drawn: Drawn) -> None:
    found = {
        f["properties"]["code"]: set(f["properties"]["crossed"])
        for f in features(ask(drawn, "OUT"), "sewer_pipe")
    }
    assert found["1"] == set()
    assert found["3"] == {"direction"}  # its inverts rise
    assert found["4"] == {"planned", "no_invert"}
    assert found["6"] == {"abandoned", "no_invert"}


def test_who_may_not_read_inverts_is_told_nothing_by_them(drawn: Drawn) -> None:
    document = ask(drawn, "OUT", pool=Pool.FIELD)
    crossed = {w for f in features(document, "sewer_pipe") for w in f["properties"]["crossed"]}
    assert crossed == {"planned", "abandoned"}
    assert "no_invert" not in document["summary"]["crossed"]


def test_one_system_only(drawn: Drawn) -> None:
    assert pipes(ask(drawn, "C", system=PipeSystem.STORM)) == {"8"}
    assert "8" not in pipes(ask(drawn, "C", system=PipeSystem.SANITARY))


def test_people_upstream_come_from_drainage_users(drawn: Drawn) -> None:
    assert "people" not in ask(drawn, "C")
    people = ask(drawn, "C", people=True)["people"]
    # U1 at A (120), U2 at E (30), U4 at B (unknown); U3 drains elsewhere.
    assert (people["users"], people["people"], people["users_without_people"]) == (3, 150, 1)


def test_a_removed_or_unknown_pipe_is_refused_in_both_languages(drawn: Drawn) -> None:
    with pytest.raises(GoneError) as gone:
        ask(drawn, "10")
    assert "as-of" in gone.value.text(Language.EN)
    assert "拆除" in gone.value.text(Language.ZH)
    with pytest.raises(NotFoundError):
        ask(drawn, "nowhere")
    with pytest.raises(NotFoundError):
        ask(drawn, "018f0000-0000-7000-8000-00000000dead")
    store.delete(drawn[0], "sewer_pipe", [drawn[1]["9"]])
    settle(drawn[0])
    with pytest.raises(GoneError):
        ask(drawn, str(drawn[1]["9"]))


def test_what_a_transaction_has_not_settled_is_said_to_be_dirty(drawn: Drawn) -> None:
    store.change(drawn[0], "sewer_pipe", drawn[1]["1"], {"down_node": "C"})
    summary = ask(drawn, "A", "down")["summary"]
    assert summary["crossed"]["dirty"] == 1


def test_a_virtual_node_is_drawn_at_its_pipes_end_and_can_be_asked_from(drawn: Drawn) -> None:
    add_pipe(drawn[0], "V1", at(0, 300), at(30, 300), down_node="W")
    add_pipe(drawn[0], "V2", at(30, 300), at(60, 300), up_node="W")
    settle(drawn[0])
    document = ask(drawn, "V1", "down")
    assert pipes(document) == {"V1", "V2"}
    virtual = features(document, None)
    assert len(virtual) == 3
    places = {tuple(f["geometry"]["coordinates"]) for f in virtual}
    wanted = {tuple(round(v, 7) for v in at(m, 300)) for m in (0, 30, 60)}
    assert {tuple(round(v, 7) for v in p) for p in places} == wanted
    assert pipes(ask(drawn, "W", "down")) == {"V2"}
    assert pipes(ask(drawn, virtual[0]["id"], "both")) <= {"V1", "V2"}


def test_a_past_day_is_traced_as_it_was(fresh_database: PooledDatabase) -> None:
    with fresh_database.write(actor="t", reason="t") as connection:
        ids = draw(connection)
    with fresh_database.read() as connection:
        then = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        now = {
            (start, way): trace(asking(connection), start, Direction(way)).as_document()
            for start in ("C", "A", "1", "G", str(ids["C"]))
            for way in ("up", "down", "both")
        }
    with fresh_database.write(actor="t", reason="t") as connection:
        store.change(connection, "sewer_pipe", ids["2"], {"service_state": "removed"})
        store.change(connection, "sewer_pipe", ids["5"], {"down_node": "E"})
        store.delete(connection, "sewer_manhole", [ids["B"]])
    with fresh_database.read() as connection:
        for (start, way), expected in now.items():
            past = trace(asking(connection), start, Direction(way), as_of=then).as_document()
            assert pipes(past) == pipes(expected), (start, way)
            assert past["summary"] == expected["summary"], (start, way)
            assert len(past["features"]) == len(expected["features"])
        assert pipes(trace(asking(connection), "A", Direction.DOWN).as_document()) != pipes(
            now["A", "down"]
        )
        with pytest.raises(NotFoundError):
            trace(asking(connection), "A", Direction.UP, as_of=datetime(2000, 1, 1, tzinfo=UTC))
