"""The command line, run as a person runs it: own process, own state folder, real database."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from typer.core import TyperArgument, TyperOption

from api.check import judge_audit
from api.cli import build_commands
from gis.attributes import Language
from gis.db.cluster import Cluster
from gis.kinds import KINDS, declared

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 120
COMMANDS = {
    "demo",
    "test",
    "serve",
    "migrate",
    "import",
    "import-cctv",
    "import-survey",
    "network",
    "export",
    "export-swmm",
    "import-swmm",
    "map",
    "kinds",
    "people",
    "log",
    "backup",
    "restore",
    "doctor",
}


@dataclass(frozen=True)
class Shell:
    """A person at a shell: runs commands on one state folder, in one language."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        plain = {k: v for k, v in os.environ.items() if not k.startswith("GIS_")}
        ours = {"GIS_LANGUAGE": "en", "GIS_STATE_FOLDER": str(self.folder), "COLUMNS": "200"}
        return {**plain, "PYTHONPATH": str(ROOT), **ours, **self.settings}

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "api.cli", *words],
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        process = self.start(*words)
        out, err = process.communicate(timeout=DEADLINE_S)
        assert process.returncode == code, f"{words}: {process.returncode}\n{out}\n{err}"
        assert "Traceback" not in err
        return subprocess.CompletedProcess(words, process.returncode, out, err)


def make_folder() -> Path:
    """A folder the server's account can reach, unlike pytest's private ones."""
    made = Path(tempfile.mkdtemp(prefix="infratrack-cli-", dir="/var/tmp"))
    made.chmod(0o755)
    return made


@pytest.fixture
def bare() -> Iterator[Shell]:
    """A shell on an empty state folder."""
    shell = Shell(make_folder())
    yield shell
    Cluster(shell.folder).stop()
    shutil.rmtree(shell.folder)


@pytest.fixture(scope="module")
def county() -> Iterator[Shell]:
    """A shell on an installation that holds a small demonstration county."""
    shell = Shell(make_folder())
    said = shell.run("demo", "--no-serve", "--scale", "0.2")
    assert "records" in said.stderr
    yield shell
    Cluster(shell.folder).stop()
    shutil.rmtree(shell.folder)


def find_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def fetch(address: str, *, seconds: float = 60) -> bytes:
    """The answer to a request, which may take a while to be listened to."""
    end = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                body: bytes = answer.read()
                return body
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


# helps


@pytest.mark.parametrize("language", list(Language))
def test_every_command_and_option_explains_itself_in_one_language(language: Language) -> None:
    group = build_commands(language)
    assert set(group.commands) == COMMANDS
    for name, command in group.commands.items():
        assert command.help
        assert f"python3 -m gis {name}" in (command.epilog or "")
        words = [command.help]
        for parameter in command.params:
            assert isinstance(parameter, TyperOption | TyperArgument)
            assert parameter.help, f"{name} {parameter.name}"
            words.append(parameter.help)
        assert not any("\x1e" in text for text in words)
        is_chinese = [any("一" <= letter <= "鿿" for letter in text) for text in words]
        assert all(is_chinese) if language is Language.ZH else not any(is_chinese), name


def test_the_help_follows_the_setting_else_the_locale(bare: Shell) -> None:
    chinese = Shell(bare.folder, {"GIS_LANGUAGE": "", "LC_ALL": "zh_CN.UTF-8"})
    del chinese.settings["GIS_LANGUAGE"]
    environment = chinese.environment()
    del environment["GIS_LANGUAGE"]
    argv = [sys.executable, "-P", "-m", "api.cli", "backup", "--help"]
    done = subprocess.run(
        argv, env=environment, capture_output=True, text=True, check=True, cwd=bare.folder
    )
    assert "备份数据库与证据文件" in done.stdout
    assert "Back up database" in bare.run("backup", "--help").stdout


# refusals


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("frobnicate",), "frobnicate"),
        (("import",), "file"),
        (("serve", "--port", "seventy"), "--port"),
        (("serve", "--port", "70000"), "--port"),
        (("kinds", "--xml"), "--xml"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_two(
    bare: Shell, words: tuple[str, ...], said: str
) -> None:
    for language in ("zh", "en"):
        done = Shell(bare.folder, {"GIS_LANGUAGE": language}).run(*words, code=2)
        assert done.stdout == ""
        assert len(done.stderr.strip().splitlines()) == 1
        assert said in done.stderr
    assert not (bare.folder / "postgres").exists()


def test_a_wrong_setting_is_named_and_its_value_is_not_repeated(bare: Shell) -> None:
    done = Shell(bare.folder, {"GIS_POOL_SIZE": "hunter2"}).run("kinds", code=2)
    assert "GIS_POOL_SIZE" in done.stderr
    assert "hunter2" not in done.stderr


def test_an_unknown_kind_names_the_known_in_both_languages(bare: Shell) -> None:
    assert "there are: hazard" in bare.run("kinds", "pipe", code=1).stderr
    chinese = Shell(bare.folder, {"GIS_LANGUAGE": "zh"})
    assert "没有名为 pipe" in chinese.run("kinds", "pipe", code=1).stderr


def test_a_server_without_its_roles_urls_is_a_set_up_problem(bare: Shell) -> None:
    shell = Shell(bare.folder, {"GIS_DATABASE_URL": "postgresql://owner:s3cret@127.0.0.1:1/x"})
    done = shell.run("migrate", code=2)
    assert "GIS_DATABASE_URL_STAFF" in done.stderr
    assert "s3cret" not in done.stderr


# kinds


def test_kinds_as_json_holds_every_declared_attribute(bare: Shell) -> None:
    document = json.loads(bare.run("kinds", "--json").stdout)
    assert {name: set(kind["attributes"]) for name, kind in document.items()} == {
        name: set(declared(kind)) for name, kind in KINDS.items()
    }
    system = document["sewer_pipe"]["attributes"]["system"]
    assert set(system["words"]) == {"storm", "sanitary", "combined"}


def test_a_kinds_table_marks_sources_nobody_has_read_as_unverified(bare: Shell) -> None:
    shown = bare.run("kinds", "sewer_pipe").stdout
    assert "diameter_mm" in shown
    assert "[unverified]" in shown


# the demonstration county and files


def test_the_demonstration_county_is_loaded_once_and_its_figures_lie_beside(county: Shell) -> None:
    oracle = json.loads((county.folder / "demonstration.json").read_text(encoding="utf-8"))
    again = county.run("demo", "--no-serve")
    assert "there already" in again.stderr
    county.run("export", "road", "-o", "roads.geojson")
    roads = json.loads((county.folder / "roads.geojson").read_text(encoding="utf-8"))
    assert len(roads["features"]) > 0
    assert oracle["counts"]


def test_another_county_is_not_loaded_over_the_one_that_is_there(county: Shell) -> None:
    done = county.run("demo", "--no-serve", "--seed", "2", "--scale", "0.2", code=1)
    assert "another county" in done.stderr


def test_a_file_is_checked_then_imported_then_known(county: Shell) -> None:
    rows = [
        "编号,名称,类型,lon,lat",
        "T-1,米线店,restaurant,99.2,24.9",
        "T-2,坏点,restaurant,999,24.9",
    ]
    (county.folder / "sites.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    words: tuple[str, ...] = ("import", "sites.csv", "--kind", "gas_site", "--crs", "EPSG:4490")
    words += ("--map", "site_type=类型", "--set", "note=试导入")
    expected = "read 2, accepted 1, refused 1, added {}, changed 0, unchanged {}\n"
    assert county.run(*words, "--dry-run").stdout == expected.format(1, 0)
    assert county.run(*words).stdout == expected.format(1, 0)
    assert county.run(*words).stdout == expected.format(0, 1)
    refused = (county.folder / "sites.refused.csv").read_text(encoding="utf-8-sig")
    assert "T-2" in refused


def test_a_mapping_without_its_sign_is_refused_before_anything_is_opened(bare: Shell) -> None:
    (bare.folder / "x.csv").write_text("a\n1\n")
    bare.run("import", "x.csv", "--kind", "road", "--map", "code", code=1)
    assert not (bare.folder / "postgres").exists()


def test_maps_are_written_in_the_language_asked_for(county: Shell) -> None:
    county.run("map", "progress", "-o", "zh.html", "--lang", "zh")
    county.run("map", "hazards", "-o", "en.html", "--lang", "en")
    assert '<html lang="zh' in (county.folder / "zh.html").read_text(encoding="utf-8")
    assert '<html lang="en' in (county.folder / "en.html").read_text(encoding="utf-8")
    assert "progress, hazards" in county.run("map", "roads", "-o", "x.html", code=1).stderr


# serving


def test_serve_answers_and_ends_cleanly_on_either_signal(county: Shell) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        port = find_port()
        process = county.start("serve", "--port", str(port))
        try:
            health = json.loads(fetch(f"http://127.0.0.1:{port}/health"))
        finally:
            process.send_signal(number)
            out, err = process.communicate(timeout=DEADLINE_S)
        assert health["status"] == "ok"
        assert process.returncode == 0, err
        assert f"http://127.0.0.1:{port}/maps/progress" in out
        assert "Traceback" not in err
        assert Cluster(county.folder).status().state == "stopped"


def test_a_second_demo_points_to_the_first_and_serve_says_the_port_is_taken(
    county: Shell,
) -> None:
    port = str(find_port())
    first = county.start("demo", "--port", port)
    try:
        fetch(f"http://127.0.0.1:{port}/health")
        second = county.run("demo", "--port", port)
        assert f"http://127.0.0.1:{port}/maps/progress" in second.stdout
        assert f"port {port} is in use" in county.run("serve", "--port", port, code=2).stderr
    finally:
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=DEADLINE_S)
    assert first.returncode == 0


def test_a_port_taken_by_another_program_is_a_clear_error_for_demo(county: Shell) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        assert f"port {port} is in use" in county.run("demo", "--port", port, code=2).stderr


def test_two_demos_at_once_load_one_county(bare: Shell) -> None:
    first = bare.start("demo", "--no-serve", "--scale", "0.2")
    second = bare.start("demo", "--no-serve", "--scale", "0.2")
    for process in (first, second):
        _, err = process.communicate(timeout=DEADLINE_S)
        assert process.returncode == 0, err
    bare.run("export", "admin_unit", "-o", "units.geojson")
    units = json.loads((bare.folder / "units.geojson").read_text(encoding="utf-8"))["features"]
    codes = [unit["properties"]["code"] for unit in units]
    assert len(codes) == len(set(codes)) > 0


# looking after it


def test_a_backup_made_by_command_is_restored_by_command_on_another_machine(
    county: Shell, bare: Shell
) -> None:
    archive = county.run("backup", "-o", "county.tar").stdout.strip()
    assert archive == str(county.folder / "county.tar")
    said = bare.run("restore", archive)
    assert "compared and equal" in said.stdout
    refused = bare.run("restore", archive, code=1)
    assert "--replace" in refused.stderr
    county.run("export", "sewer_pipe", "-o", "pipes.csv")
    bare.run("export", "sewer_pipe", "-o", "pipes.csv")
    here, there = (shell.folder / "pipes.csv" for shell in (county, bare))
    assert here.read_bytes() == there.read_bytes()


def test_a_file_that_cannot_be_written_is_named_and_nothing_is_left(county: Shell) -> None:
    (county.folder / "taken").write_text("a file, not a folder")
    done = county.run("backup", "-o", "taken/county.tar", code=1)
    assert "taken" in done.stderr
    full = county.run("backup", "-o", "/dev/full/county.tar", code=1)
    assert "/dev/full" in full.stderr


def test_a_command_broken_off_ends_its_share_of_the_database(bare: Shell) -> None:
    process = bare.start("demo", "--no-serve", "--scale", "2")
    assert process.stderr is not None
    for line in process.stderr:
        if "building the county" in line:
            break
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert Cluster(bare.folder).status().state == "stopped"
    bare.run("export", "road", "-o", "roads.geojson")
    assert json.loads((bare.folder / "roads.geojson").read_text())["features"] == []


def test_doctor_finds_a_sound_installation_sound(county: Shell) -> None:
    county.run("backup")
    findings = {f["name"]: f for f in json.loads(county.run("doctor", "--json").stdout)}
    assert not [f for f in findings.values() if f["state"] == "wrong"]
    for name in (
        "schema",
        "table-grants",
        "function-grants",
        "roles",
        "history",
        "backups",
        "evidence",
        "jobs",
    ):
        assert findings[name]["state"] == "ok", findings[name]


def test_doctor_names_evidence_whose_file_is_gone_and_a_job_whose_worker_is(county: Shell) -> None:
    with Cluster(county.folder) as cluster:
        superuser = create_engine(cluster.superuser_url("infratrack"))
        with superuser.begin() as connection:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            for statement in (
                "INSERT INTO core.blob (sha256, bytes, media) VALUES (repeat('a', 64), 8, 'x')",
                "INSERT INTO jobs.procrastinate_jobs (queue_name, task_name, status)"
                " VALUES ('default', 'make_derivatives', 'doing')",
            ):
                connection.execute(text(statement))
        said = county.run("doctor", "--json", code=1).stdout
        with superuser.begin() as connection:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            connection.execute(text("TRUNCATE core.blob, jobs.procrastinate_jobs CASCADE"))
        superuser.dispose()
    findings = {f["name"]: f for f in json.loads(said)}
    assert findings["evidence"]["state"] == "wrong"
    assert findings["evidence"]["found"]["en"] == "aaaaaaaaaaaaaaaa: the file is missing"
    assert findings["jobs"]["state"] == "notice"
    assert "make_derivatives" in findings["jobs"]["found"]["en"]
    assert "doing" in findings["jobs"]["found"]["en"]


def test_doctor_names_a_changed_right_and_migrate_mends_it(county: Shell) -> None:
    with Cluster(county.folder) as cluster:
        superuser = create_engine(cluster.superuser_url("infratrack"))
        with superuser.begin() as connection:
            connection.execute(text("GRANT SELECT ON core.sewer_pipe TO infratrack_public"))
        superuser.dispose()
        done = county.run("doctor", code=1)
        assert "infratrack_public: SELECT core.sewer_pipe" in done.stderr
        assert "run python3 -m gis migrate" in done.stderr
        county.run("migrate")
        county.run("doctor")


def test_doctor_changes_nothing_where_nothing_was_set_up(bare: Shell) -> None:
    findings = {f["name"]: f for f in json.loads(bare.run("doctor", "--json").stdout)}
    assert findings["database"]["state"] == "notice"
    assert not (bare.folder / "postgres").exists()


def test_doctor_finds_a_backup_that_cannot_be_read(bare: Shell) -> None:
    (bare.folder / "backups").mkdir()
    (bare.folder / "backups" / "nightly-20261120.tar").write_bytes(b"cut off")
    done = bare.run("doctor", code=1)
    assert "nightly-20261120.tar" in done.stderr


# a server instead of the embedded cluster


def test_what_a_dba_is_given_makes_a_server_this_program_runs_on(bare: Shell) -> None:
    script = bare.folder / "superuser.sql"
    script.write_text(bare.run("migrate", "--print-sql").stdout, encoding="utf-8")
    with Cluster(bare.folder) as cluster:
        host = make_url(cluster.superuser_url()).query["host"]
        psql = sorted(Path("/usr/lib/postgresql").glob("*/bin/psql"))[-1]
        argv = [str(psql), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(script)]
        for _twice in range(2):
            subprocess.run([*argv, f"host={host} user=postgres dbname=postgres"], check=True)
        urls = {
            f"GIS_DATABASE_URL_{pool}": cluster.url(f"infratrack_{pool.lower()}")
            for pool in ("PUBLIC", "FIELD", "STAFF", "JOBS", "GATE")
        }
        server = Shell(bare.folder, {"GIS_DATABASE_URL": cluster.url("infratrack_owner"), **urls})
        server.run("migrate")
        findings = json.loads(server.run("doctor", "--json").stdout)
        assert not [f for f in findings if f["state"] == "wrong"]
        archive = server.run("backup").stdout.strip()
        assert "compared and equal" in server.run("restore", archive).stdout


# the audit's verdict


@pytest.mark.parametrize(
    ("report", "passed", "said"),
    [
        ('{"dependencies": [{"name": "a", "version": "1", "vulns": []}]}', True, "1 packages"),
        (
            '{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "CVE-1"}]}]}',
            False,
            "a 1: CVE-1",
        ),
        ('{"dependencies": [{"name": "a", "skip_reason": "not found"}]}', True, "NOT CHECKED"),
        ("", True, "NOT CHECKED"),
    ],
    ids=["clean", "vulnerable", "unknown packages", "unreachable"],
)
def test_an_audit_that_could_not_be_made_says_so(report: str, passed: bool, said: str) -> None:
    verdict, remark = judge_audit(report, "ConnectionError: no route")
    assert verdict is passed
    assert said in remark.en
