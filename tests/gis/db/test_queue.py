"""The queue's schema is the one procrastinate 3.10 brings, and its functions cannot be hijacked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from uuid import uuid4

import procrastinate
import pytest
from sqlalchemy import Engine, create_engine

from gis.db import setup
from gis.db.cluster import Cluster
from gis.db.roles import OWNER
from gis.db.setup import create_database
from tests.conftest import CloneDatabase
from tests.gis.db.test_drift import CATALOGUE

FUNCTIONS = """
    SELECT p.proname, pg_get_function_identity_arguments(p.oid), p.prosrc, p.prosecdef
      FROM pg_proc p WHERE p.pronamespace = 'jobs'::regnamespace AND p.proname <> 'enqueue'"""
TRIGGERS = """
    SELECT c.relname, t.tgname, pg_get_triggerdef(t.oid), t.tgenabled FROM pg_trigger t
      JOIN pg_class c ON c.oid = t.tgrelid
     WHERE c.relnamespace = 'jobs'::regnamespace AND NOT t.tgisinternal"""
TYPES = """
    SELECT t.typname, e.enumlabel, e.enumsortorder FROM pg_type t
      LEFT JOIN pg_enum e ON e.enumtypid = t.oid WHERE t.typnamespace = 'jobs'::regnamespace"""
PARTS = {
    **{
        part: re.sub(r"\('core', 'history'\)", "('jobs')", question)
        for part, question in CATALOGUE.items()
    },
    "functions": FUNCTIONS,
    "triggers": TRIGGERS,
    "types": TYPES,
}


@pytest.fixture(scope="module")
def packaged(cluster: Cluster) -> Iterator[Engine]:
    """A database with the schema of the installed package, and nothing else."""
    name = f"queue_{uuid4().hex[:12]}"
    create_database(cluster.superuser_url(), name)
    engine = create_engine(cluster.url(OWNER, name))
    schema = resources.files(procrastinate).joinpath("sql/schema.sql").read_text(encoding="utf-8")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA jobs")
        connection.exec_driver_sql("SET LOCAL search_path = jobs")
        connection.connection.driver_connection.execute(schema)  # type: ignore[union-attr]  # psycopg's
    yield engine
    engine.dispose()
    drop = create_engine(cluster.superuser_url(), isolation_level="AUTOCOMMIT")
    with drop.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    drop.dispose()


def describe(engine: Engine, question: str) -> set[str]:
    with engine.connect() as connection:
        connection.exec_driver_sql("SET search_path = jobs")
        return {str(tuple(row)) for row in connection.exec_driver_sql(question.replace("%", "%%"))}


@pytest.mark.parametrize("part", PARTS)
def test_the_migrated_queue_is_the_one_of_the_installed_package(
    part: str, packaged: Engine, cluster: Cluster, clone_database: CloneDatabase
) -> None:
    """Fails when a newer procrastinate brings another schema: then a migration must, too."""
    engine = create_engine(cluster.url(OWNER, clone_database()))
    found, wanted = describe(engine, PARTS[part]), describe(packaged, PARTS[part])
    engine.dispose()
    assert len(wanted) >= 4
    assert found == wanted


def test_the_frozen_schema_is_the_packages_to_the_byte() -> None:
    frozen = Path(setup.__file__).parent / "migrations/versions/0005_procrastinate_3_10.sql"
    assert (
        frozen.read_bytes()
        == resources.files(procrastinate).joinpath("sql/schema.sql").read_bytes()
    )


def test_every_function_of_the_queue_has_its_search_path_set(
    cluster: Cluster, clone_database: CloneDatabase
) -> None:
    engine = create_engine(cluster.url(OWNER, clone_database()))
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT proname, prosecdef, proconfig::text FROM pg_proc"
            " WHERE pronamespace = 'jobs'::regnamespace"
        ).all()
    engine.dispose()
    assert {name for name, definer, _ in rows if definer} == {"enqueue"}
    assert len(rows) > 15
    for name, _, settings in rows:
        assert settings == '{"search_path=jobs, pg_temp"}', name
