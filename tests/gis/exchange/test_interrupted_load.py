"""An import that is cut off anywhere has loaded nothing, says so, and can simply be repeated."""

import os
import random
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from gis.db.cluster import Cluster
from gis.db.cluster_process import list_processes
from gis.db.connect import open_installation
from gis.db.handle import PooledDatabase
from gis.db.roles import OWNER, Pool
from gis.errors import BusyError, StorageFullError
from gis.exchange.import_file import ImportReport, import_file
from gis.settings import Settings

ROWS = 2000


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    path = tmp_path / "survey.csv"
    rows = [f"J{i},storm,{99 + i / 1e5:.5f},25" for i in range(ROWS)]
    path.write_text("code,system,lon,lat\n" + "\n".join(rows) + "\n")
    return path


def load(db: PooledDatabase, survey: Path) -> ImportReport:
    return import_file(
        db,
        survey,
        "sewer_manhole",
        actor="test",
        crs="EPSG:4490",
        source="survey",
        refused_folder=survey.parent,
    )


def count_manholes(db: PooledDatabase) -> tuple[int, int]:
    with db.read(Pool.JOBS) as connection:
        row = connection.execute(
            text(
                "SELECT (SELECT count(id) FROM core.sewer_manhole),"
                " (SELECT count(id) FROM history.sewer_manhole)"
            )
        ).one()
    return int(row[0]), int(row[1])


INSERT_LAST = text(
    "INSERT INTO core.sewer_manhole (id, code, source, source_code, system, manhole_type,"
    " verification, service_state, geometry) SELECT gen_random_uuid(), :code, 'other', 'x',"
    " 'storm', 'inspection', 'unverified', 'in_use', :geometry"
)


@contextmanager
def stopped_in_the_middle(db: PooledDatabase, superuser_url: str) -> Iterator[Callable[[], int]]:
    """Make every load wait at its last row, for a row of that code another writer has not
    committed; gives a function that waits for the load to get there and tells its process.
    """
    watcher = create_engine(superuser_url, isolation_level="AUTOCOMMIT")

    def await_load() -> int:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            with watcher.connect() as connection:
                pid = connection.execute(
                    text(
                        "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                        " AND query LIKE 'INSERT INTO core.sewer_manhole%stage_sewer_manhole%'"
                    )
                ).scalar()
            if pid is not None:
                return int(pid)
            time.sleep(0.01)
        raise AssertionError("the load never reached its last row")

    other = db.engines[Pool.STAFF].connect()
    other.execute(text("SELECT set_config('infratrack.actor', 'other', true)"))
    other.execute(text("SELECT set_config('infratrack.reason', 'blocking', true)"))
    other.execute(INSERT_LAST, {"code": f"J{ROWS - 1}", "geometry": "SRID=4490;POINT(99 25)"})
    try:
        yield await_load
    finally:
        with suppress(Exception):
            other.rollback()
        with suppress(Exception):
            other.close()
        watcher.dispose()


def start_load(db: PooledDatabase, survey: Path) -> tuple[threading.Thread, list[BaseException]]:
    errors: list[BaseException] = []

    def run() -> None:
        try:
            load(db, survey)
        except BaseException as error:  # handed to the test
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, errors


def test_a_terminated_load_leaves_nothing_and_can_be_repeated(
    cluster: Cluster, fresh_database: PooledDatabase, survey: Path
) -> None:
    with stopped_in_the_middle(fresh_database, cluster.superuser_url()) as await_load:
        thread, errors = start_load(fresh_database, survey)
        pid = await_load()
        superuser = create_engine(cluster.superuser_url(), isolation_level="AUTOCOMMIT")
        with superuser.connect() as connection:
            connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        superuser.dispose()
        thread.join(30)
    assert [type(e) for e in errors] == [BusyError]
    assert count_manholes(fresh_database) == (0, 0)
    assert load(fresh_database, survey).added == ROWS
    assert count_manholes(fresh_database) == (ROWS, ROWS)


def test_a_load_that_waits_too_long_gives_way_to_the_other_writer(
    cluster: Cluster, fresh_database: PooledDatabase, survey: Path
) -> None:
    with (
        stopped_in_the_middle(fresh_database, cluster.superuser_url()),
        pytest.raises(BusyError),
    ):
        load(fresh_database, survey)
    assert count_manholes(fresh_database) == (0, 0)


@pytest.fixture
def own_cluster() -> Iterator[Settings]:
    """An installation of the test's own, whose server may be killed."""
    folder = Path(tempfile.mkdtemp(prefix="infratrack-import-kill-", dir="/var/tmp"))
    folder.chmod(0o711)
    settings = Settings(state_folder=folder / "state")
    open_installation(settings).close()
    yield settings
    Cluster(settings.state_folder).stop()
    shutil.rmtree(folder)


def kill_server(cluster: Cluster) -> None:
    for pid in list_processes(cluster.data):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def await_statement(superuser_url: str, beginning: str, loading: threading.Thread) -> None:
    """Wait until the load is at a statement that begins so."""
    watcher = create_engine(superuser_url, isolation_level="AUTOCOMMIT")
    asked = text(
        "SELECT 1 FROM pg_stat_activity WHERE usename = :role AND state = 'active'"
        " AND query LIKE :beginning"
    )
    with watcher.connect() as connection:
        while not connection.execute(
            asked, {"role": Pool.JOBS.role, "beginning": f"{beginning}%"}
        ).scalar():
            assert loading.is_alive(), f"the load ended before {beginning} was seen"
    watcher.dispose()


PHASES = ("COPY stage_", "ANALYZE stage_", "INSERT INTO core.", "COMMIT")
KILLS = 3
"""Of each phase, after a pause of random length."""


def test_a_server_killed_at_any_moment_of_a_load_has_all_of_it_or_nothing(
    own_cluster: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only at the commit may the outcome be either; the answer is the same error, and a repeat
    makes it whole."""
    chance = random.Random(20_240_601)
    outcomes: dict[str, list[bool]] = {}
    codes = 0
    for phase in PHASES * KILLS:
        codes += ROWS
        survey = tmp_path / f"survey-{codes}.csv"
        rows = [f"J{codes + i},storm,{99 + i / 1e5:.5f},25,{'井' * 300}" for i in range(ROWS)]
        survey.write_text("code,system,lon,lat,note\n" + "\n".join(rows) + "\n")
        first = open_installation(own_cluster, upgrade=False)
        assert first.cluster is not None
        before = count_manholes(first.db)
        thread, errors = start_load(first.db, survey)
        await_statement(first.cluster.superuser_url(), phase, thread)
        time.sleep(chance.choice((0.0, chance.random() * 0.03)))
        kill_server(first.cluster)
        thread.join(30)
        first.close()
        second = open_installation(own_cluster, upgrade=False)
        current, versions = count_manholes(second.db)
        whole = current - before[0] == ROWS
        outcomes.setdefault(phase, []).append(whole)
        assert current == versions
        assert whole or current == before[0]
        assert [type(e) for e in errors] in ([BusyError], [] if whole else [BusyError])
        assert load(second.db, survey).added == (0 if whole else ROWS)
        assert count_manholes(second.db) == (before[0] + ROWS, before[1] + ROWS)
        second.close()
    with capsys.disabled():
        print(f"\nkilled in the middle of a load, all of it there: {outcomes}")
    assert not any(any(outcomes[phase]) for phase in PHASES[:2])


def test_a_full_disk_stops_the_load_cleanly_and_reads_go_on(
    cluster: Cluster, fresh_database: PooledDatabase, survey: Path
) -> None:
    # PostgreSQL reports ENOSPC as SQLSTATE 53100; the same error is raised at the 1,000th row.
    name = fresh_database.engines[Pool.JOBS].url.database
    owner = create_engine(cluster.url(OWNER, str(name)), isolation_level="AUTOCOMMIT")
    with owner.connect() as connection:
        connection.exec_driver_sql(
            "CREATE FUNCTION core.fill_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " IF new.code = 'J999' THEN RAISE EXCEPTION 'could not extend file'"
            " USING ERRCODE = '53100'; END IF; RETURN new; END $$"
        )
        connection.exec_driver_sql(
            "CREATE TRIGGER fill_disk BEFORE INSERT ON core.sewer_manhole"
            " FOR EACH ROW EXECUTE FUNCTION core.fill_disk()"
        )
        connection.exec_driver_sql(
            f"GRANT EXECUTE ON FUNCTION core.fill_disk() TO {Pool.JOBS.role}"
        )
    with pytest.raises(StorageFullError) as caught:
        load(fresh_database, survey)
    assert caught.value.message.zh
    assert count_manholes(fresh_database) == (0, 0)
    with owner.connect() as connection:
        connection.exec_driver_sql("DROP TRIGGER fill_disk ON core.sewer_manhole")
    owner.dispose()
    assert load(fresh_database, survey).added == ROWS


def test_refused_rows_that_cannot_be_returned_stop_the_load(
    fresh_database: PooledDatabase, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("code,system,lon,lat\nA,storm,99,25\nB,steam,99,25\n")
    with pytest.raises(StorageFullError):
        import_file(
            fresh_database,
            path,
            "sewer_manhole",
            actor="test",
            crs="EPSG:4490",
            refused_folder=tmp_path / "no such folder",
        )
    assert count_manholes(fresh_database) == (0, 0)
