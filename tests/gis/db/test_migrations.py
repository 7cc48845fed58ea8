"""Migrations go up and down and up again, and a new kind is one file, a name and a command."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from alembic import command
from sqlalchemy import Engine, create_engine

import gis
from gis import store
from gis.db.cluster import Cluster
from gis.db.functions import compare_function_grants
from gis.db.grants import compare_table_grants
from gis.db.roles import OWNER, Pool
from gis.db.setup import alembic_config, create_database, migrate, newest_revision, prepare_database
from gis.errors import SetupError
from gis.kinds import KINDS
from tests.conftest import CloneDatabase, connect_pools
from tests.gis.db.test_drift import CATALOGUE, describe
from tests.gis.samples import sample_geometry, sample_record

EVERYTHING = """
    SELECT n.nspname, c.relname, c.relkind FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ('core', 'history', 'jobs')
       AND c.relname NOT LIKE 'alembic_version%'
    UNION ALL
    SELECT 'core', proname, 'f' FROM pg_proc WHERE pronamespace = 'core'::regnamespace
    UNION ALL
    SELECT 'jobs', proname, 'f' FROM pg_proc WHERE pronamespace = 'jobs'::regnamespace
    UNION ALL
    SELECT 'jobs', typname, 't' FROM pg_type WHERE typnamespace = 'jobs'::regnamespace
"""


@pytest.fixture
def empty(cluster: Cluster) -> Iterator[str]:
    """The name of a database that is prepared and not migrated."""
    name = f"empty_{uuid4().hex[:12]}"
    create_database(cluster.superuser_url(), name)
    superuser = create_engine(cluster.superuser_url(name))
    with superuser.begin() as connection:
        prepare_database(connection)
    superuser.dispose()
    yield name
    drop = create_engine(cluster.superuser_url(), isolation_level="AUTOCOMMIT")
    with drop.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    drop.dispose()


def downgrade(owner: Engine) -> None:
    with owner.begin() as connection:
        command.downgrade(alembic_config(connection), "base")


def picture(owner: Engine) -> dict[str, set[tuple[object, ...]]]:
    with owner.connect() as connection:
        return {part: describe(connection, question) for part, question in CATALOGUE.items()}


def test_up_down_and_up_again_leaves_the_same_database(empty: str, cluster: Cluster) -> None:
    owner = create_engine(cluster.url(OWNER, empty))
    migrate(owner)
    first = picture(owner)
    downgrade(owner)
    with owner.connect() as connection:
        assert connection.exec_driver_sql(EVERYTHING.replace("%", "%%")).all() == []
    migrate(owner)
    assert picture(owner) == first
    with owner.connect() as connection:
        assert compare_table_grants(connection) == ([], [])
        assert compare_function_grants(connection) == []
    owner.dispose()


def test_a_populated_database_goes_down_and_up_and_works(
    cluster: Cluster, clone_database: CloneDatabase
) -> None:
    name = clone_database()
    owner = create_engine(cluster.url(OWNER, name))
    for _ in range(2):
        database = connect_pools(cluster, name)
        with database.write(actor="tester", reason="fill", pool=Pool.JOBS) as connection:
            for kind in KINDS.values():
                store.add(connection, sample_record(kind, full=True), sample_geometry(kind))
        with database.read(Pool.STAFF) as connection:
            assert set(store.count_rows(connection, KINDS).values()) == {1}
        database.close()
        downgrade(owner)
        migrate(owner)
    owner.dispose()


def test_a_demonstration_countys_name_loses_its_tail_and_gets_it_back(
    cluster: Cluster, clone_database: CloneDatabase
) -> None:
    name = clone_database()
    owner = create_engine(cluster.url(OWNER, name))
    with owner.begin() as connection:
        command.downgrade(alembic_config(connection), "0005")
    old = "SELECT name_en, is_demonstration FROM core.county ORDER BY code"
    with owner.begin() as connection:
        connection.exec_driver_sql("SELECT set_config('infratrack.actor', 'tester', true)")
        connection.exec_driver_sql(
            "INSERT INTO core.county (code, name_zh, name_en, extent, is_demonstration)"
            " SELECT code, name_zh, name_en, ST_MakeEnvelope(99, 24, 100, 25, 4490), made_up"
            " FROM (VALUES ('1', '甲县', 'Jia County (fictional) #7/0.25', true),"
            " ('2', '乙县', 'Yi County #3/1', false)) v (code, name_zh, name_en, made_up)"
        )
        before = connection.exec_driver_sql(old).all()
    migrate(owner)
    with owner.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT name_en, demonstration FROM core.county ORDER BY code"
        ).all()
    assert [tuple(row) for row in rows] == [
        ("Jia County (fictional)", {"seed": 7, "scale": 0.25}),
        ("Yi County #3/1", None),
    ]
    with owner.begin() as connection:
        command.downgrade(alembic_config(connection), "0005")
        assert connection.exec_driver_sql(old).all() == before
    owner.dispose()


def test_migrating_twice_changes_nothing_and_the_newest_revision_is_recorded(
    cluster: Cluster, clone_database: CloneDatabase
) -> None:
    owner = create_engine(cluster.url(OWNER, clone_database()))
    before = picture(owner)
    migrate(owner)
    assert picture(owner) == before
    with owner.connect() as connection:
        found = connection.exec_driver_sql("SELECT version_num FROM core.alembic_version").scalar()
    assert found == newest_revision()
    owner.dispose()


def test_a_database_of_a_newer_program_is_refused_with_both_schemas_named_and_left_alone(
    empty: str, cluster: Cluster
) -> None:
    owner = create_engine(cluster.url(OWNER, empty))
    migrate(owner)
    with owner.begin() as connection:
        connection.exec_driver_sql("UPDATE core.alembic_version SET version_num = '9999'")
    with pytest.raises(SetupError) as refused:
        migrate(owner)
    assert "9999" in refused.value.message.en
    assert newest_revision() in refused.value.message.zh
    with owner.connect() as connection:
        found = connection.exec_driver_sql("SELECT version_num FROM core.alembic_version").scalar()
    assert found == "9999"
    owner.dispose()


def test_a_database_that_was_not_prepared_is_refused_with_the_command_to_run(
    cluster: Cluster,
) -> None:
    name = f"bare_{uuid4().hex[:12]}"
    superuser = create_engine(cluster.superuser_url(), isolation_level="AUTOCOMMIT")
    with superuser.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} OWNER {OWNER}")
    owner = create_engine(cluster.url(OWNER, name))
    with pytest.raises(SetupError, match="--print-sql"):
        migrate(owner)
    owner.dispose()
    with superuser.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    superuser.dispose()


BENCH = '''"""长椅: public benches."""

from typing import Annotated, ClassVar

from pydantic import Field

from gis.attributes import M, Text, Vocabulary
from gis.geometry import GeometryType
from gis.kinds.base import Asset, Style, attribute


class BenchMaterial(Vocabulary):
    """材质."""

    WOOD = ("wood", "木", "Wood")
    STONE = ("stone", "石", "Stone")


class Bench(Asset):
    """A bench."""

    kind: ClassVar[str] = "bench"
    label: ClassVar[Text] = Text(zh="长椅", en="Bench")
    group: ClassVar[Text] = Text(zh="园林绿化", en="Parks and greening")
    geometry_type: ClassVar[GeometryType] = GeometryType.POINT
    style: ClassVar[Style] = Style(color="#795548")

    material: Annotated[BenchMaterial, attribute("材质", "Material")]
    seat_m: Annotated[float | None, Field(ge=0, le=50), attribute("座长", "Seat", unit=M)] = None
'''

ADD_AND_READ = """
import sys
from alembic import command
from sqlalchemy import create_engine, text
from shapely import Point
from gis import store
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.db.setup import alembic_config, migrate
from gis.db.grants import compare_table_grants
from gis.kinds import KINDS
from gis.queries import Filter, features_page
from gis.tiles import tile_statement

owner_url, *pool_urls = sys.argv[1:]
owner = create_engine(owner_url)
with owner.begin() as connection:
    command.revision(alembic_config(connection), "add benches", autogenerate=True, rev_id="9999")
migrate(owner)
with owner.connect() as connection:
    command.check(alembic_config(connection))
    assert compare_table_grants(connection) == ([], [])
bench = KINDS["bench"]
db = PooledDatabase(dict(zip(Pool, pool_urls)))
with db.write(actor="tester", reason="new kind") as connection:
    record = bench(code="B-1", material="wood", seat_m=1.5)
    identifier = store.add(connection, record, Point(99.1, 25.1))
with db.write(actor="tester", reason="repaired") as connection:
    store.change(connection, "bench", identifier, {"material": "stone"})
with db.read(Pool.FIELD) as connection:
    page = features_page(bench, Pool.FIELD, Filter(), limit=10, after=None)
    assert '"material":"stone"' in connection.exec_driver_sql(page.sql, page.parameters).one()[0]
    tile = tile_statement([bench], Pool.FIELD, zoom=14, row=7012, column=12702)
    connection.exec_driver_sql(tile.sql, tile.parameters).scalar()
    lives = connection.execute(text("SELECT material, version FROM history.bench ORDER BY version"))
    print([tuple(row) for row in lives])
    print(connection.execute(text(
        "SELECT version FROM core.collection_version WHERE kind = 'bench'")).scalar())
with owner.begin() as connection:
    command.downgrade(alembic_config(connection), "-1")
    print(connection.execute(text("SELECT to_regclass('core.bench')")).scalar())
db.close()
"""


def test_a_new_kind_costs_one_file_its_name_and_a_generated_migration(
    tmp_path: Path, cluster: Cluster, clone_database: CloneDatabase
) -> None:
    package = tmp_path / "gis"
    source = Path(gis.__file__).parent
    shutil.copytree(source, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "kinds" / "bench.py").write_text(BENCH, encoding="utf-8")
    register = package / "kinds" / "__init__.py"
    words = register.read_text(encoding="utf-8")
    words = words.replace(
        "from gis.kinds.base import",
        "from gis.kinds.bench import Bench\nfrom gis.kinds.base import",
    ).replace("    | Population\n", "    | Population\n    | Bench\n")
    register.write_text(words, encoding="utf-8")
    name = clone_database()
    urls = [cluster.url(OWNER, name), *(cluster.url(pool.role, name) for pool in Pool)]
    done = subprocess.run(
        [sys.executable, "-c", ADD_AND_READ, *urls],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    answers = done.stdout.strip().splitlines()[-3:]
    assert answers == ["[('wood', 1), ('stone', 2)]", "3", "None"]
    revisions = sorted(p.name for p in (package / "db/migrations/versions").glob("*.py"))
    assert len(revisions) == 1 + len(list((source / "db/migrations/versions").glob("*.py")))
    generated = (package / "db/migrations/versions" / revisions[-1]).read_text(encoding="utf-8")
    assert "SELECT core.attach_kind('bench')" in generated
    assert "sewer_pipe" not in generated  # it touches no other kind
