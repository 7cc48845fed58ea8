"""Ends find their nodes at each commit, and what is kept is what a rebuild gives."""

from __future__ import annotations

from uuid import UUID

import numpy as np
import pytest
from shapely import LineString, Point
from sqlalchemy import Connection, create_engine, text

from gis import store
from gis.db.cluster import Cluster
from gis.db.handle import PooledDatabase
from gis.db.roles import OWNER, Pool
from gis.errors import InputError
from gis.kinds import KINDS
from gis.network.topology import check_topology, rebuild_topology
from tests.conftest import OneTransaction

LON, LAT = 99.2, 25.0
EAST_M = 100_950.0
"""Metres of a degree of longitude at 25 degrees north (the ellipsoid's)."""


def at(metres: float, north: float = 0.0) -> tuple[float, float]:
    """A place so many metres east and north of the origin."""
    return LON + metres / EAST_M, LAT + north / 110_780.0


def add_pipe(
    connection: Connection, code: str, *places: tuple[float, float], **values: object
) -> UUID:
    record = KINDS["sewer_pipe"].model_validate({"code": code, "system": "sanitary"} | values)
    return store.add(connection, record, LineString(places))


def add_manhole(connection: Connection, code: str, place: tuple[float, float]) -> UUID:
    record = KINDS["sewer_manhole"].model_validate({"code": code, "system": "sanitary"})
    return store.add(connection, record, Point(place))


def settle(connection: Connection) -> None:
    """Do what a commit does."""
    connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    connection.execute(text("SET CONSTRAINTS ALL DEFERRED"))


def edge(connection: Connection, pipe: UUID) -> dict[str, object]:
    settle(connection)
    row = connection.execute(
        text("SELECT * FROM core.network_edge WHERE pipe_id = :id"), {"id": pipe}
    )
    return dict(row.mappings().one())


def test_an_end_finds_the_node_whose_code_the_pipe_names(db: OneTransaction) -> None:
    with db.write(actor="t", reason="t") as connection:
        pipe = add_pipe(connection, "P", at(0), at(30), up_node="A", down_node="B")
        first = edge(connection, pipe)
        node = add_manhole(connection, "B", at(31))
        second = edge(connection, pipe)
        assert (first["start_how"], first["end_how"]) == ("named", "named")
        assert (second["end_how"], second["end_id"]) == ("code", node)
        assert second["start_id"] == first["start_id"] != first["end_id"]
        store.change(connection, "sewer_manhole", node, {"code": "C"})
        assert edge(connection, pipe)["end_id"] == first["end_id"]
        assert check_topology(connection).is_sound


def test_two_pipes_that_name_a_node_nobody_surveyed_meet_there(db: OneTransaction) -> None:
    with db.write(actor="t", reason="t") as connection:
        one = add_pipe(connection, "1", at(0), at(30), down_node="J")
        two = add_pipe(connection, "2", at(33), at(60), up_node="J")
        assert edge(connection, one)["end_id"] == edge(connection, two)["start_id"]


def test_ends_without_a_name_meet_within_the_tolerance_and_not_beyond(db: OneTransaction) -> None:
    with db.write(actor="t", reason="t") as connection:
        one = add_pipe(connection, "1", at(0), at(30))
        two = add_pipe(connection, "2", at(30.08), at(60))
        three = add_pipe(connection, "3", at(60.12), at(90))
        first, second = edge(connection, one), edge(connection, two)
        assert first["end_id"] == second["start_id"]
        assert first["end_how"] == second["start_how"] == "place"
        assert second["start_gap_m"] == pytest.approx(0.08, abs=0.001)
        assert second["end_id"] != edge(connection, three)["start_id"]
        assert check_topology(connection).is_sound


def test_an_end_without_a_name_takes_a_manhole_before_another_end(db: OneTransaction) -> None:
    with db.write(actor="t", reason="t") as connection:
        one = add_pipe(connection, "1", at(0), at(30))
        two = add_pipe(connection, "2", at(30.15), at(60))
        assert edge(connection, one)["end_id"] != edge(connection, two)["start_id"]
        node = add_manhole(connection, "M", at(30.07))
        first, second = edge(connection, one), edge(connection, two)
        assert first["end_id"] == second["start_id"] == node
        assert first["end_how"] == "near"
        assert first["end_gap_m"] == pytest.approx(0.07, abs=0.001)
        store.delete(connection, "sewer_manhole", [node])
        assert edge(connection, one)["end_how"] == "place"
        assert check_topology(connection).is_sound


def test_an_end_without_a_name_takes_the_node_of_the_end_it_touches(db: OneTransaction) -> None:
    with db.write(actor="t", reason="t") as connection:
        loose = add_pipe(connection, "1", at(0), at(30))
        node = add_manhole(connection, "M", at(31))  # the pipes end at its wall, a metre off
        named = add_pipe(connection, "2", at(30), at(60), up_node="M")
        assert edge(connection, loose)["end_how"] == "touch"
        assert edge(connection, loose)["end_id"] == node
        store.change(connection, "sewer_pipe", named, {"service_state": "removed"})
        assert edge(connection, loose)["end_how"] == "place"
        assert check_topology(connection).is_sound


def test_the_place_of_a_virtual_node_is_that_of_its_ends(db: OneTransaction) -> None:
    """A third pipe passes over the place; it has nothing to do with it."""
    with db.write(actor="t", reason="t") as connection:
        one = add_pipe(connection, "1", at(0), at(30))
        before = edge(connection, one)
        add_pipe(connection, "over", at(30, -20), at(30, 20))
        add_pipe(connection, "2", at(30), at(60))
        assert edge(connection, one)["end_id"] == before["end_id"]


def test_the_surveyed_flow_turns_an_edge_and_inverts_do_not(db: OneTransaction) -> None:
    with db.write(actor="t", reason="t") as connection:
        pipe = add_pipe(
            connection, "P", at(0), at(30), up_node="A", down_node="B",
            up_invert_m=100.0, down_invert_m=101.0,
        )  # fmt: skip
        drawn = edge(connection, pipe)
        assert (drawn["source_id"], drawn["target_id"]) == (drawn["start_id"], drawn["end_id"])
        store.change(connection, "sewer_pipe", pipe, {"surveyed_flow": "backward"})
        turned = edge(connection, pipe)
        assert (turned["source_id"], turned["target_id"]) == (drawn["end_id"], drawn["start_id"])


def test_a_pipe_to_itself_and_a_hundred_thousand_at_one_manhole_settle(
    fresh_database: PooledDatabase,
) -> None:
    with fresh_database.write(actor="t", reason="t", pool=Pool.JOBS) as connection:
        connection.execute(
            text(
                "INSERT INTO core.sewer_pipe (id, code, source, missing, verification,"
                " service_state, system, up_node, down_node, geometry)"
                " SELECT gen_random_uuid(), 'P' || n, 't', '{}', 'unverified', 'in_use', 'storm',"
                " CASE WHEN n = 0 THEN 'HUB' WHEN n % 2 = 0 THEN 'N' || n END, CASE WHEN n % 2 = 0"
                " THEN 'HUB' END, ST_GeomFromText('LINESTRING(' || 99.2 + n * 1e-6 || ' 25.1,"
                " 99.2 25)', 4490) FROM generate_series(0, 99999) n"
            )
        )
    with fresh_database.read() as connection:
        self_loop = connection.exec_driver_sql(
            "SELECT count(*) FROM core.network_edge WHERE source_id = target_id"
        ).scalar_one()
        (most,) = connection.exec_driver_sql(
            "SELECT max(n) FROM (SELECT count(*) AS n FROM core.network_edge GROUP BY target_id) c"
        ).one()
        assert (self_loop, most) == (1, 100_000)
        assert check_topology(connection).is_sound


def test_what_is_kept_after_many_changes_is_what_a_rebuild_gives(
    fresh_database: PooledDatabase, cluster: Cluster
) -> None:
    """Random pipes and nodes on a coarse grid with jitter about the tolerance; 30 commits."""
    chance = np.random.default_rng(4)
    pipes: list[UUID] = []
    nodes: list[UUID] = []
    hows: set[object] = set()

    def place() -> tuple[float, float]:
        jitter = chance.choice([0.0, 0.03, 0.06, 0.11])
        return at(float(chance.integers(0, 6)) + jitter, float(chance.integers(0, 3)))

    def name() -> str | None:
        return None if chance.random() < 0.6 else f"N{chance.integers(0, 12)}"

    for turn in range(30):
        with fresh_database.write(actor="t", reason="t") as connection:
            for step in range(8):
                code = f"{turn}-{step}"
                act = chance.integers(0, 7)
                if act <= 2 or len(pipes) < 10:
                    a, b = place(), place()
                    if a != b:
                        pipes.append(
                            add_pipe(connection, code, a, b, up_node=name(), down_node=name())
                        )
                elif act == 3:
                    free = f"N{chance.integers(0, 12)}"
                    taken = connection.execute(
                        text("SELECT 1 FROM core.sewer_manhole WHERE code = :c"), {"c": free}
                    ).scalar()
                    if not taken:
                        nodes.append(add_manhole(connection, free, place()))
                elif act == 4:
                    gone = pipes.pop(int(chance.integers(0, len(pipes))))
                    store.delete(connection, "sewer_pipe", [gone])
                elif act == 5 and nodes:
                    gone = nodes.pop(int(chance.integers(0, len(nodes))))
                    store.delete(connection, "sewer_manhole", [gone])
                else:
                    moved = pipes[int(chance.integers(0, len(pipes)))]
                    line = LineString([at(float(chance.integers(0, 6)), 0.5), place()])
                    store.change(connection, "sewer_pipe", moved, {"geometry": line})
        with fresh_database.read() as connection:
            check = check_topology(connection)
            assert check.is_sound, (turn, check)
            kept = edges(connection)
            hows |= {word for row in kept for word in row[3:]}
    assert hows == {"code", "named", "near", "touch", "place"}
    with fresh_database.read() as connection:
        name_ = connection.exec_driver_sql("SELECT current_database()").scalar_one()
    owner = create_engine(cluster.url(OWNER, name_))
    with owner.begin() as connection:
        rebuild_topology(connection)
    with owner.begin() as connection:
        assert edges(connection) == kept
        rebuild_topology(connection, tolerance_m=0.02)
        with pytest.raises(InputError):
            rebuild_topology(connection, tolerance_m=50)
    owner.dispose()
    with fresh_database.read() as connection:
        assert edges(connection) != kept
        assert check_topology(connection).is_sound


def edges(connection: Connection) -> set[tuple[object, ...]]:
    return {
        tuple(row)
        for row in connection.exec_driver_sql(
            "SELECT pipe_id, start_id, end_id, start_how, end_how FROM core.network_edge"
        )
    }


def test_what_changes_no_end_settles_nothing(fresh_database: PooledDatabase) -> None:
    """A row that is settled anew is written anew: its transaction (xmin) tells."""
    with fresh_database.write(actor="t", reason="t") as connection:
        manhole = add_manhole(connection, "M", at(0))
        pipe = add_pipe(connection, "P", at(0), at(30), up_node="M")
    settled = written(fresh_database)
    for table, values in (
        ("sewer_pipe", "note = 'x', diameter_mm = 400"),
        ("sewer_manhole", "cover_state = 'missing'"),
    ):
        with fresh_database.write(actor="t", reason="note") as connection:
            connection.execute(text(f"UPDATE core.{table} SET {values}"))
        assert written(fresh_database) == settled
    with fresh_database.write(actor="t", reason="t") as connection:
        store.change(connection, "sewer_manhole", manhole, {"code": "M2"})
    assert written(fresh_database) != settled
    settled = written(fresh_database)
    with fresh_database.write(actor="t", reason="t") as connection:
        store.change(connection, "sewer_pipe", pipe, {"up_node": "M2"})
    assert written(fresh_database) != settled


def written(database: PooledDatabase) -> list[tuple[object, ...]]:
    """Which transaction wrote each edge; nothing may wait to be settled after a commit."""
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM core.network_dirty").scalar() == 0
        rows = connection.exec_driver_sql("SELECT pipe_id, xmin::text FROM core.network_edge")
        return sorted(tuple(row) for row in rows)
