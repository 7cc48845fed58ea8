"""Installations over databases of the test's own, with records that have a past."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from shapely import LineString, Point
from sqlalchemy import create_engine, make_url, text

from gis import store
from gis.db.cluster import Cluster
from gis.db.connect import Installation
from gis.db.roles import OWNER, Pool
from gis.kinds.sewer_manhole import SewerManhole
from gis.kinds.sewer_pipe import SewerPipe
from gis.settings import Settings
from tests.conftest import CloneDatabase, connect_pools

OpenInstallation = Callable[[], Installation]


@pytest.fixture
def open_clone(cluster: Cluster, clone_database: CloneDatabase) -> Iterator[OpenInstallation]:
    """Open an installation over a new, empty clone; as often as a test needs one."""
    opened: list[Installation] = []

    def open_one() -> Installation:
        name = clone_database()
        db = connect_pools(cluster, name)
        installation = Installation(
            db=db,
            urls={pool: cluster.url(pool.role, name) for pool in Pool},
            owner_url=cluster.url(OWNER, name),
            cluster=cluster,
            close=db.close,
        )
        opened.append(installation)
        return installation

    yield open_one
    for installation in opened:
        installation.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_folder=tmp_path / "state")


def fill(installation: Installation) -> None:
    """Two pipes with a past, one deleted manhole, a hazard event: what a backup must keep."""
    pipe = SewerPipe
    with installation.db.write(
        actor="王工", reason="测量", valid_from=datetime(2024, 3, 1, tzinfo=UTC)
    ) as connection:
        made = [
            store.add(
                connection,
                pipe(code=code, source="survey", source_code=code, system="storm", name="文昌路"),
                LineString([(99.2, 24.9), (99.2 + number / 7, 24.91)]),
            )
            for number, code in enumerate(("YS-1", "YS-2"), start=1)
        ]
    for name in ("文昌路东段", "文昌路西段; it's"):
        with installation.db.write(actor="李工", reason="改名") as connection:
            store.change(connection, "sewer_pipe", made[0], {"name": name})
    manhole = SewerManhole
    with installation.db.write(actor="王工", reason="录入") as connection:
        gone = store.add(
            connection,
            manhole(code="J-1", source="survey", source_code="J-1", system="storm"),
            Point(99.2, 24.9),
        )
    with installation.db.write(actor="王工", reason="重复") as connection:
        connection.execute(text("DELETE FROM core.sewer_manhole WHERE id = :id"), {"id": gone})
    payload = {"code": "YH-1", "描述": "井盖破损 \\ 'x'"}
    with installation.db.write(actor="王工", reason="巡查", pool=Pool.JOBS) as connection:
        connection.execute(
            text(
                "INSERT INTO core.event (id, hazard_id, type, at, actor, payload, recorded_by)"
                " VALUES (gen_random_uuid(), :id, 'found', now(), 'w', :p, 'w')"
            ),
            {"id": made[0], "p": json.dumps(payload, ensure_ascii=False)},
        )


def read_everything(installation: Installation) -> dict[str, list[str]]:
    """Every row of every lasting table as JSON text, sorted: the test's own reading."""
    assert installation.cluster is not None
    name = make_url(installation.owner_url).database or ""
    engine = create_engine(installation.cluster.superuser_url(name))
    with engine.connect() as connection:
        names = connection.execute(
            text(
                "SELECT schemaname || '.' || tablename FROM pg_tables"
                " WHERE schemaname IN ('core', 'history', 'jobs') AND tablename <> 'change_mark'"
            )
        ).scalars()
        found = {
            name: sorted(
                connection.exec_driver_sql(f"SELECT to_jsonb(t)::text FROM {name} t").scalars()
            )
            for name in names
        }
    engine.dispose()
    return found
