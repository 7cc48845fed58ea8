"""``python3 -m gis`` on a small project of its own: a real environment, a package made here."""

from __future__ import annotations

import ast
import base64
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

import gis.__main__ as bootstrap

SOURCE = Path(bootstrap.__file__).resolve().parent
BASE_PYTHON = str(Path(sys.base_prefix, "bin/python3"))
CLI = """
import json, os, sys, tiny_package
print(json.dumps({"arguments": sys.argv[1:], "prefix": sys.prefix, "folder": os.getcwd(),
                  "version": tiny_package.VERSION}))
"""


def make_wheel(folder: Path, version: str) -> str:
    """A wheel of one module; returns its line in a lock."""
    name = f"tiny_package-{version}"
    files = {
        "tiny_package.py": f"VERSION = '{version}'\n",
        f"{name}.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny-package\n"
        f"Version: {version}\n",
        f"{name}.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
        record += f"{path},sha256={digest.decode()},{len(text)}\n"
    files[f"{name}.dist-info/RECORD"] = record + f"{name}.dist-info/RECORD,,\n"
    wheel = folder / f"{name}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    digest_hex = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"tiny-package=={version} --hash=sha256:{digest_hex}\n"


def write_lock(project: Path, line: str) -> None:
    # the project's path holds a space
    text = f"--no-index\n--find-links '{project}/wheels'\n{line}"
    for lock in (project / "requirements.lock", project / "tests/requirements.lock"):
        lock.write_text(text)


def make_project(project: Path) -> Path:
    for folder in ("gis", "api", "tests", "wheels"):
        (project / folder).mkdir(parents=True)
    for name in ("__init__.py", "__main__.py"):
        shutil.copy(SOURCE / name, project / "gis" / name)
    (project / "api/__init__.py").touch()
    (project / "api/cli.py").write_text(CLI)
    write_lock(project, make_wheel(project / "wheels", "1.0"))
    return project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "县 project")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = make_project(tmp_path_factory.mktemp("prepared"))
    assert run(project, "kinds").returncode == 0
    return project


def environment(project: Path, **more: str) -> dict[str, str]:
    keep = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**keep, "PYTHONPATH": str(project), "LANG": "C.UTF-8", **more}


def run(
    project: Path, *arguments: str, cwd: Path | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BASE_PYTHON, "-m", "gis", *arguments],
        env=environment(project, **more),
        cwd=cwd or project,
        capture_output=True,
        text=True,
        check=False,
    )


def start(project: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [BASE_PYTHON, "-m", "gis", *arguments],
        env=environment(project),
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_bootstrap_imports_the_standard_library_only() -> None:
    tree = ast.parse((SOURCE / "__main__.py").read_text())
    names = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert "subprocess" in names
    assert names <= sys.stdlib_module_names


@pytest.mark.parametrize("arguments", [(), ("--help",), ("import", "--help")])
def test_help_is_there_before_the_environment_is(project: Path, arguments: tuple[str, ...]) -> None:
    answer = run(project, *arguments)
    assert answer.returncode == 0
    for command in (
        *("demo", "test", "serve", "migrate", "import", "export", "map", "kinds"),
        *("backup", "restore", "doctor"),
    ):
        assert f"\n  {command} " in answer.stdout
    assert "检查环境" in answer.stdout
    assert not (project / ".venv").exists()


def test_a_command_runs_in_the_environment_with_its_words_and_its_folder(
    prepared: Path, tmp_path: Path
) -> None:
    answer = run(prepared, "kinds", "--lang", "道路 '1'", cwd=tmp_path)
    assert json.loads(answer.stdout) == {
        "arguments": ["kinds", "--lang", "道路 '1'"],
        "prefix": str(prepared / ".venv"),
        "folder": str(tmp_path),
        "version": "1.0",
    }
    assert answer.stderr == ""


def test_a_warm_start_costs_less_than_three_tenths_of_a_second(prepared: Path) -> None:
    times = []
    for _ in range(5):
        began = time.monotonic()
        assert run(prepared, "kinds").returncode == 0
        times.append(time.monotonic() - began)
    assert min(times) < 0.3


def test_a_folder_named_api_where_the_user_stands_is_not_run(
    prepared: Path, tmp_path: Path
) -> None:
    (tmp_path / "api").mkdir()
    (tmp_path / "api/__init__.py").write_text("raise SystemExit('not ours')")
    assert run(prepared, "kinds", cwd=tmp_path).returncode == 0


def test_a_changed_lock_is_installed_and_a_wrong_hash_is_not(project: Path) -> None:
    assert run(project, "kinds").returncode == 0
    line = make_wheel(project / "wheels", "2.0")
    write_lock(project, line.split("sha256:")[0] + "sha256:" + "0" * 64 + "\n")
    refused = run(project, "kinds")
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert "Python 包安装失败" in refused.stderr
    assert "packages were not installed" in refused.stderr
    write_lock(project, line)
    assert json.loads(run(project, "kinds").stdout)["version"] == "2.0"


def test_two_at_once_make_one_environment(project: Path) -> None:
    both = [start(project, "kinds") for _ in range(2)]
    answers = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], answers
    makers = ["Making the Python environment" in said for _, said in answers]
    assert sorted(makers) == [False, True]


@pytest.mark.parametrize("seconds", [0.3, 1.5, 3.0])
def test_a_killed_preparation_is_begun_anew(project: Path, seconds: float) -> None:
    killed = start(project, "kinds")
    building = project / ".venv/infratrack.building"
    while not building.exists():
        time.sleep(0.005)
    time.sleep(seconds)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    answer = run(project, "kinds")
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["version"] == "1.0"
    assert not building.exists()


def test_an_environment_of_another_making_is_added_to_not_emptied(project: Path) -> None:
    subprocess.run([BASE_PYTHON, "-m", "venv", project / ".venv"], check=True)
    (project / ".venv/notes.txt").write_text("mine")
    assert json.loads(run(project, "kinds").stdout)["version"] == "1.0"
    assert (project / ".venv/notes.txt").read_text() == "mine"


def test_missing_packages_are_named_with_the_line_for_an_administrator(
    prepared: Path, tmp_path: Path
) -> None:
    answer = run(prepared, "test", PATH=str(tmp_path))  # nothing can be found there, apt neither
    assert answer.returncode == 2
    line = "sudo apt-get install --no-install-recommends chromium gdal-bin git"
    assert line in answer.stderr
    assert "请让管理员执行" in answer.stderr
    assert "Ask an administrator" in answer.stderr


def test_an_old_python_is_refused_in_both_languages(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "OLDEST_PYTHON", (3, 99))
    assert bootstrap.main(["demo"]) == 2
    said = capsys.readouterr().err
    assert "需要 Python" in said
    assert "or later is needed" in said
