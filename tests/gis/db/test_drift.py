"""The migrated database is the one the code declares, down to every expression and trigger."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
from alembic import command
from sqlalchemy import Connection, Engine, create_engine, text

from gis.db.cluster import Cluster
from gis.db.flood_tables import DUTY, SEEN_OUTSIDE
from gis.db.roles import OWNER
from gis.db.setup import alembic_config, create_database, prepare_database
from gis.db.tables import metadata
from gis.kinds import KINDS
from gis.network.profile_questions import NODE_KINDS
from tests.conftest import CloneDatabase

CATALOGUE = {
    "columns": """
        SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
               a.attnotnull, a.attgenerated, pg_get_expr(d.adbin, d.adrelid)
          FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
          JOIN pg_namespace n ON n.oid = c.relnamespace
          LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
         WHERE n.nspname IN ('core', 'history') AND c.relkind = 'r' AND a.attnum > 0
           AND NOT a.attisdropped AND c.relname <> 'alembic_version'""",
    "constraints": """
        SELECT n.nspname, c.relname, o.conname, o.contype, pg_get_constraintdef(o.oid),
               o.condeferrable, o.condeferred, o.convalidated
          FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname IN ('core', 'history') AND c.relname <> 'alembic_version'
           AND o.contype <> 't'""",
    "indexes": """
        SELECT schemaname, tablename, indexname, indexdef FROM pg_indexes
         WHERE schemaname IN ('core', 'history') AND tablename <> 'alembic_version'""",
    "persistence": """
        SELECT n.nspname, c.relname, c.relpersistence FROM pg_class c
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname IN ('core', 'history') AND c.relkind IN ('r', 'S', 'v', 'm')
           AND c.relname <> 'alembic_version'""",
}


@pytest.fixture(scope="module")
def migrated(cluster: Cluster, clone_database: CloneDatabase) -> Iterator[Engine]:
    engine = create_engine(cluster.url(OWNER, clone_database()))
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def created(cluster: Cluster) -> Iterator[Engine]:
    """A database made straight from the declared tables, without any migration."""
    name = f"created_{uuid4().hex[:12]}"
    create_database(cluster.superuser_url(), name)
    superuser = create_engine(cluster.superuser_url(name))
    with superuser.begin() as connection:
        prepare_database(connection)
    superuser.dispose()
    engine = create_engine(cluster.url(OWNER, name))
    metadata.drop_all(engine)
    metadata.create_all(engine)
    yield engine
    engine.dispose()
    drop = create_engine(cluster.superuser_url(), isolation_level="AUTOCOMMIT")
    with drop.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    drop.dispose()


def describe(connection: Connection, question: str) -> set[tuple[object, ...]]:
    # The server prints an expression with the schema where the search path would hide another.
    connection.execute(text("SET search_path = core, public"))
    return {tuple(row) for row in connection.exec_driver_sql(question.replace("%", "%%"))}


@pytest.mark.parametrize("part", CATALOGUE)
def test_a_migrated_database_is_the_declared_one(
    part: str, migrated: Engine, created: Engine
) -> None:
    with migrated.connect() as is_, created.connect() as should_be:
        found = describe(is_, CATALOGUE[part])
        declared = describe(should_be, CATALOGUE[part])
    assert len(declared) >= 2 * len(KINDS)
    assert sorted(map(str, found - declared)) == []
    assert sorted(map(str, declared - found)) == []


def test_alembic_sees_nothing_left_to_generate(migrated: Engine) -> None:
    with migrated.connect() as connection:
        command.check(alembic_config(connection))  # raises when a migration would not be empty


def test_every_kind_keeps_its_history_identity_and_version(migrated: Engine) -> None:
    with migrated.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT n.nspname, c.relname, t.tgname, t.tgenabled, p.proname FROM pg_trigger t"
            " JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
            " JOIN pg_proc p ON p.oid = t.tgfoid WHERE NOT t.tgisinternal"
        ).all()
        kinds = connection.exec_driver_sql("SELECT kind FROM core.collection_version").scalars()
        assert set(kinds) == set(KINDS)
    found: dict[tuple[str, str], set[str]] = {}
    for schema, table, trigger, enabled, _ in rows:
        assert enabled == "O"
        found.setdefault((schema, table), set()).add(trigger)
    for kind in KINDS:
        guards = {
            "hazard": {"guard_hazard"},
            "land_plot": {"guard_plot"},
            "sewer_pipe": {"match_inspections_insert", "match_inspections_update"},
        }.get(kind, set())
        if kind == "sewer_pipe" or kind in NODE_KINDS:
            guards |= {"network_insert", "network_update", "network_delete"}
        assert found["core", kind] == guards | {
            "stamp_version", "require_actor", "refuse_truncate", "history_insert",
            "history_update", "history_delete", "mark_change",
        }  # fmt: skip
        assert found["history", kind] == {
            "check_assertion", "refuse_change", "refuse_truncate", "mark_change",
        }  # fmt: skip
    assert found["core", "event"] == {
        "stamp_log", "refuse_change", "refuse_truncate", "mark_change", "note_event",
        "count_device",
    }  # fmt: skip
    assert found["core", "event_outcome"] == {"stamp_outcome", "mark_change"}
    for table in (*DUTY, *SEEN_OUTSIDE):
        assert found["core", table] == {"guard_record", "require_actor", "mark_change"}
    assert found["core", "seal"] == {"refuse_change", "refuse_truncate"}
    assert found["core", "pipe_inspection"] == {"require_actor"}
    for table in ("pipe_observation", "pipe_grade", "desilting_job", "desilting_reply"):
        assert found["core", table] == {"require_actor", "refuse_change", "refuse_truncate"}
    assert found["core", "change_mark"] == {"bump_versions"}
    assert found["core", "misconnection_record"] == {
        "stamp_record", "refuse_change", "refuse_truncate", "mark_change",
    }  # fmt: skip
    assert found["core", "audit_event"] == {"refuse_change", "refuse_truncate"}
    for table in (
        "project_asset",
        "county",
        "visit",
        "campaign",
        "task",
        "account",
        "password",
        "second_factor",
        "recovery_code",
        "device_announcement",
    ):
        assert "require_actor" in found["core", table]


def test_functions_that_run_as_the_owner_have_a_search_path_nobody_else_can_fill(
    migrated: Engine,
) -> None:
    with migrated.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT proname, prosecdef, proconfig::text FROM pg_proc"
            " WHERE pronamespace = 'core'::regnamespace"
        ).all()
    assert {name for name, definer, _ in rows if definer} == {
        "keep_history", "mark_change", "bump_versions", "stamp_log",
        "note_event", "count_device", "mark_network", "settle_network",
    }  # fmt: skip
    for name, definer, settings in rows:
        assert "search_path" in (settings or ""), name
        if definer:
            assert re.search(r"pg_temp[\"}]", settings), f"{name}: pg_temp is not last"


def test_the_measures_are_generated_from_the_ellipsoid(migrated: Engine) -> None:
    with migrated.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT a.attname, pg_get_expr(d.adbin, d.adrelid) FROM pg_attribute a"
            " JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
            " WHERE a.attgenerated = 's'"
        ).all()
    expressions = {name: expression.replace("public.", "") for name, expression in rows}
    assert set(expressions) == {
        "geometry_3857", "length_m", "area_m2", "middle_lon", "middle_lat",
        "source_id", "target_id",
    }  # fmt: skip
    assert expressions["length_m"].startswith("st_length((geometry)::geography")
    assert expressions["area_m2"].startswith("st_area((geometry)::geography")
    assert expressions["geometry_3857"] == "st_transform(geometry, 3857)"
