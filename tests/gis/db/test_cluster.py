"""The embedded cluster on real PostgreSQL, in folders of its own."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from gis.attributes import Language
from gis.db.cluster import Cluster
from gis.db.cluster_process import find_postmasters, list_processes
from gis.errors import SetupError

SOURCE = Path(__file__).resolve().parents[3] / "gis"
AS_ROOT = os.geteuid() == 0
# another user cannot execute a Python below root's home
PYTHON = "/usr/bin/python3" if AS_ROOT else sys.executable


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder every user can pass through (pytest's own are closed to the server's account)."""
    made = Path(tempfile.mkdtemp(prefix="infratrack-test-", dir="/var/tmp"))
    made.chmod(0o711)
    yield made
    for place in made.rglob("postgres/data"):
        end_all(place)
    shutil.rmtree(made)


@pytest.fixture
def state(folder: Path) -> Path:
    return folder / "state"


@pytest.fixture
def sources(folder: Path) -> Path:
    """A copy of the cluster's modules that any user can import."""
    copy = folder / "sources"
    (copy / "gis/db").mkdir(parents=True)
    for file in [*SOURCE.glob("*.py"), *(SOURCE / "db").glob("cluster*.py")]:
        shutil.copy(file, copy / "gis" / file.relative_to(SOURCE))
    (copy / "gis/db/__init__.py").touch()
    for path in [copy, *copy.rglob("*")]:
        path.chmod(0o755)
    return copy


def end_all(data: Path) -> None:
    for pid in list_processes(data):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    while list_processes(data):
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    """Whether a process runs; one that nobody has reaped yet does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def connect(cluster: Cluster) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(
        host=str(cluster.socket_folder),
        user="postgres",
        dbname="postgres",
        autocommit=True,
    )


def ask(cluster: Cluster, question: str) -> object:
    with connect(cluster) as connection:
        row = connection.execute(question.encode()).fetchone()
        assert row is not None
        return row[0]


START = """
import json, sys
from pathlib import Path
from gis.db.cluster import Cluster
from gis.errors import SetupError
cluster = Cluster(Path(sys.argv[1]))
try:
    cluster.ensure()
    print(json.dumps({"place": str(cluster.folder), "data": cluster.status().state}), flush=True)
except SetupError as error:
    print(json.dumps({"zh": error.message.zh, "en": error.message.en}), flush=True)
    sys.exit(3)
sys.stdin.read()
if len(sys.argv) > 2:
    cluster.release()
"""


def start_python(
    sources: Path,
    state: Path,
    *,
    user: str | None = None,
    before: tuple[str, ...] = (),
    end: str = "",
) -> subprocess.Popen[str]:
    """Another app process: starts the cluster, reports, and lives until its input closes."""
    account = pwd.getpwnam(user) if user else None
    return subprocess.Popen(
        [*before, PYTHON, "-c", START, str(state), *([end] if end else [])],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(sources), "PYTHONUTF8": "1"},
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
    )


def read_report(process: subprocess.Popen[str]) -> dict[str, str]:
    assert process.stdout is not None
    report: dict[str, str] = json.loads(process.stdout.readline())
    return report


def finish(process: subprocess.Popen[str]) -> int:
    process.communicate()
    return process.returncode


def wait_until(condition: Callable[[], object], *, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.005)


def test_a_started_cluster_listens_on_a_private_socket_only(state: Path) -> None:
    with Cluster(state) as cluster:
        assert ask(cluster, "select current_setting('listen_addresses')") == ""
        assert ask(cluster, "select current_setting('data_checksums')") == "on"
        assert ask(cluster, "select current_setting('synchronous_commit')") == "on"
        assert ask(cluster, "select pg_encoding_to_char(encoding) from pg_database") == "UTF8"
        assert stat.S_IMODE(cluster.socket_folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(cluster.data.stat().st_mode) == 0o700
        assert ask(cluster, "select count(*) from pg_hba_file_rules where type <> 'local'") == 0
        assert ask(
            cluster,
            "select string_agg(distinct auth_method, ',') from pg_hba_file_rules",
        ) == ("peer")
    assert cluster.status().state == "stopped"


def test_a_cluster_that_is_up_answers_within_a_fifth_of_a_second(state: Path) -> None:
    with Cluster(state):
        began = time.monotonic()
        second = Cluster(state)
        second.ensure()
        assert time.monotonic() - began < 0.2
        second.release()


def test_the_url_names_the_role_the_database_and_the_socket(state: Path) -> None:
    cluster = Cluster(state)
    folder = str(state / "postgres/socket").replace("/", "%2F")
    assert cluster.url("infratrack_staff") == (
        f"postgresql+psycopg://infratrack_staff@/infratrack?host={folder}"
    )
    assert cluster.superuser_url("template1") == (
        f"postgresql+psycopg://postgres@/template1?host={folder}"
    )


def test_looking_at_a_cluster_that_is_not_there_makes_nothing(state: Path) -> None:
    assert Cluster(state).status().state == "absent"
    Cluster(state).stop()
    assert not state.exists()


def test_eight_starters_on_an_empty_folder_get_one_server(sources: Path, state: Path) -> None:
    starters = [start_python(sources, state) for _ in range(8)]
    reports = [read_report(starter) for starter in starters]
    assert [report.get("data") for report in reports] == ["running"] * 8, reports
    cluster = Cluster(state)
    assert len(find_postmasters(cluster.data)) == 1
    assert not list(cluster.folder.glob("init-*"))
    assert not list(state.glob(".postgres-*"))
    for starter in starters:
        finish(starter)
    cluster.stop()


def test_the_last_process_to_leave_stops_the_server(sources: Path, state: Path) -> None:
    first, second = (start_python(sources, state, end="release") for _ in range(2))
    assert read_report(first)["data"] == read_report(second)["data"] == "running"
    assert finish(first) == 0
    assert Cluster(state).status().state == "running"
    assert finish(second) == 0
    assert Cluster(state).status().state == "stopped"


def test_a_server_outlives_a_user_that_was_killed_until_the_next_leaves(
    sources: Path, state: Path
) -> None:
    killed = start_python(sources, state)
    read_report(killed)
    killed.kill()
    finish(killed)
    with Cluster(state) as cluster:
        assert cluster.status().state == "running"
    assert cluster.status().state == "stopped"


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.2, 0.4])
@pytest.mark.parametrize("also_initdb", [True, False])
def test_a_kill_during_initialisation_leaves_nothing_in_the_way(
    sources: Path, state: Path, delay: float, also_initdb: bool
) -> None:
    starter = start_python(sources, state)
    place = state / "postgres"
    wait_until(lambda: list(place.glob("init-*")))
    time.sleep(delay)
    family = psutil.Process(starter.pid).children(recursive=True) if also_initdb else []
    starter.kill()
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    finish(starter)
    with Cluster(state) as cluster:
        assert ask(cluster, "select count(*) from pg_database") == 3
        assert not list(place.glob("init-*"))


def test_a_process_number_taken_by_somebody_else_does_not_keep_the_server_down(
    state: Path,
) -> None:
    cluster = Cluster(state)
    cluster.ensure()
    account = cluster.data.stat().st_uid
    end_all(cluster.data)
    other = subprocess.Popen(["sleep", "60"], user=account if AS_ROOT else None)
    pid_file = cluster.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(other.pid), *lines[1:], ""]))
    cluster.ensure()
    assert cluster.status().state == "running"
    assert other.poll() is None
    other.kill()
    other.wait()
    cluster.stop()


def test_a_pid_file_cut_short_by_a_kill_does_not_keep_the_server_down(
    state: Path,
) -> None:
    cluster = Cluster(state)
    cluster.ensure()
    end_all(cluster.data)
    os.truncate(cluster.data / "postmaster.pid", 0)
    cluster.ensure()
    cluster.stop()


def test_a_backend_left_computing_by_a_dead_postmaster_is_ended(state: Path) -> None:
    cluster = Cluster(state)
    cluster.ensure()
    loop = connect(cluster)
    loop.pgconn.send_query(b"do $$ begin loop null; end loop; end $$")
    busy = loop.info.backend_pid
    time.sleep(0.3)
    [postmaster] = find_postmasters(cluster.data)
    os.kill(postmaster, signal.SIGKILL)
    time.sleep(0.3)
    assert is_running(busy), "the trial needs a backend that outlives its postmaster"
    began = time.monotonic()
    cluster.ensure()
    assert time.monotonic() - began < 8
    assert not is_running(busy)
    loop.close()
    cluster.stop()


def test_another_major_version_is_refused_with_the_way_out_and_untouched(
    state: Path,
) -> None:
    cluster = Cluster(state)
    cluster.ensure()
    cluster.stop()
    version = cluster.data / "PG_VERSION"
    own = version.read_text()
    version.write_text("13\n")
    before = {path: path.stat().st_mtime_ns for path in cluster.data.rglob("*")}
    with pytest.raises(SetupError) as refusal:
        cluster.ensure()
    for language, words in (
        (Language.EN, "dump and restore"),
        (Language.ZH, "先转储、后恢复"),
    ):
        assert words in refusal.value.text(language)
        assert "postgresql-13-postgis-3" in refusal.value.text(language)
    assert {path: path.stat().st_mtime_ns for path in cluster.data.rglob("*")} == before
    version.write_text(own)
    cluster.ensure()
    cluster.stop()


def test_a_folder_that_is_no_database_is_refused_and_untouched(state: Path) -> None:
    cluster = Cluster(state)
    cluster.ensure()
    cluster.stop()
    (cluster.data / "PG_VERSION").unlink()
    with pytest.raises(SetupError, match="is not a PostgreSQL data folder"):
        cluster.ensure()
    assert (cluster.data / "global/pg_control").exists()


def test_permissions_that_are_too_wide_are_explained_not_changed(state: Path) -> None:
    cluster = Cluster(state)
    cluster.ensure()
    cluster.stop()
    cluster.data.chmod(0o755)
    with pytest.raises(SetupError, match=r"chmod 700 .*postgres/data"):
        cluster.ensure()
    assert stat.S_IMODE(cluster.data.stat().st_mode) == 0o755


@pytest.mark.parametrize(
    "parts",
    [
        ("城建一张图", "西部县 数据's"),
        ("城建基础设施一张图" * 5,),
        ("a" * 100, "b" * 100),
    ],
    ids=["chinese", "chinese-long", "long"],
)
def test_chinese_and_long_paths_work(folder: Path, parts: tuple[str, ...]) -> None:
    state = folder.joinpath(*parts)
    with Cluster(state) as cluster:
        assert ask(cluster, "select current_setting('data_directory')") == str(
            state / "postgres/data"
        )
        own = cluster.socket_folder
        assert len(os.fsencode(own / ".s.PGSQL.5432")) <= 107
        assert stat.S_IMODE(own.stat().st_mode) == 0o700
        assert Cluster(state).url("infratrack_owner") == cluster.url("infratrack_owner")
    if not own.is_relative_to(folder):
        shutil.rmtree(own)


def test_a_runtime_folder_that_is_not_ours_is_refused(folder: Path) -> None:
    state = folder / ("a" * 100)
    with Cluster(state) as cluster:
        own = cluster.socket_folder
    assert not own.is_relative_to(folder)
    shutil.rmtree(own)
    own.symlink_to(folder)
    try:
        with pytest.raises(SetupError, match="should be a private folder"):
            Cluster(state).ensure()
    finally:
        own.unlink()


def test_what_the_server_said_is_in_the_error(state: Path) -> None:
    cluster = Cluster(state)
    cluster.ensure()
    cluster.stop()
    own_settings = cluster.data / "local.conf"
    own_settings.write_text("shared_buffers = 'as much as you like'\n")
    own_settings.chmod(0o644)
    with pytest.raises(SetupError) as refusal:
        cluster.ensure()
    for language in Language:
        assert "as much as you like" in refusal.value.text(language)
    own_settings.write_text("work_mem = '7MB'\n")
    with cluster:
        assert ask(cluster, "select current_setting('work_mem')") == "7MB"


def test_an_ordinary_user_runs_the_server_as_himself(sources: Path, folder: Path) -> None:
    user = "nobody" if AS_ROOT else pwd.getpwuid(os.geteuid()).pw_name
    state = folder / "ordinary"
    state.mkdir()
    if AS_ROOT:  # other accounts, namespaces and mounts take root's rights to try
        shutil.chown(state, user)
    app = start_python(sources, state, user=user if AS_ROOT else None)
    report = read_report(app)
    assert report["data"] == "running", report
    cluster = Cluster(state)
    assert cluster.folder.owner() == cluster.data.owner() == user
    assert ask(cluster, "select current_user") == "postgres"
    finish(app)
    cluster.stop()


if AS_ROOT:  # other accounts, namespaces and mounts take root's rights to try

    def test_root_runs_the_server_as_the_account_debian_made_for_it(
        state: Path,
    ) -> None:
        with Cluster(state) as cluster:
            [postmaster] = find_postmasters(cluster.data)
            assert psutil.Process(postmaster).username() == "postgres"
            assert cluster.folder.owner() == cluster.data.owner() == "postgres"

    def test_a_closed_project_folder_sends_the_cluster_to_the_system(
        folder: Path,
    ) -> None:
        closed = folder / "closed"
        closed.mkdir(mode=0o700)
        with Cluster(closed / "state") as cluster:
            assert cluster.folder.parent == Path("/var/lib/infratrack")
            assert Cluster(closed / "state").folder == cluster.folder
            assert ask(cluster, "select 1") == 1
        shutil.rmtree(cluster.folder)

    def test_the_cluster_of_another_user_is_refused_by_name(sources: Path, state: Path) -> None:
        with Cluster(state):
            app = start_python(sources, state, user="nobody")
            report = read_report(app)
            assert finish(app) == 3
        assert "belongs to user postgres" in report["en"]
        assert "属于用户 postgres" in report["zh"]

    def test_a_server_in_another_pid_namespace_is_not_joined_by_a_second_one(
        sources: Path, state: Path
    ) -> None:
        cluster = Cluster(state)
        cluster.ensure()
        # containers have a PID and an IPC namespace of their own; the lock must do without both
        space = ("unshare", "--pid", "--ipc", "--fork")
        sharing = start_python(sources, state, before=space)
        assert read_report(sharing)["data"] == "running"
        finish(sharing)
        socket = cluster.socket_folder / ".s.PGSQL.5432"
        socket.rename(socket.with_name("hidden"))
        rival = start_python(sources, state, before=space)
        report = read_report(rival)
        assert finish(rival) == 3
        assert "another container" in report["en"]
        assert "另一个容器" in report["zh"]
        socket.with_name("hidden").rename(socket)
        assert ask(cluster, "select 1") == 1
        assert len(find_postmasters(cluster.data)) == 1
        cluster.stop()

    def test_a_full_disk_is_named_and_leaves_nothing_behind(
        sources: Path, folder: Path, state: Path
    ) -> None:
        small = folder / "small"
        small.mkdir()
        space = ("unshare", "--mount", "--propagation", "unchanged")
        script = 'mount -t tmpfs -o size=30m,mode=711 tmpfs "$1" && shift && "$@"; code=$?; '
        script += f'ls "{small}/state/postgres"; umount "{small}"; exit $code'
        starter = start_python(
            sources, small / "state", before=(*space, "sh", "-c", script, "sh", str(small))
        )
        output = starter.communicate()[0].splitlines()
        report = json.loads(output[0])
        assert starter.returncode == 3
        assert "The disk is full" in report["en"]
        assert "磁盘已满" in report["zh"]
        assert not [name for name in output[1:] if name.startswith(("init-", "data"))]
