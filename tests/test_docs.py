"""The documentation names everything there is: commands, settings, endpoints, in both languages."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import pytest
from shapely import LineString
from typer.core import TyperOption

from api.cli import build_commands, run
from api.endpoints import ROUTES
from gis.attributes import Language
from gis.db.cluster import Cluster
from gis.db.roles import OWNER, Pool
from gis.settings import PROJECT_FOLDER, Settings
from layers.assets import read_lock

READMES = ("README.md", "README.zh.md")


def read(name: str) -> str:
    return (Path(PROJECT_FOLDER) / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", READMES)
def test_every_setting_is_in_the_readme_and_no_other(name: str) -> None:
    settings = {f"GIS_{field.upper()}" for field in Settings.model_fields}
    assert set(re.findall(r"`(GIS_[A-Z_]+)`", read(name))) == settings


@pytest.mark.parametrize("name", READMES)
def test_every_command_is_in_the_readme_and_no_other(name: str) -> None:
    commands = build_commands(Language.EN).commands
    documented = re.findall(r"^\| `python3 -m gis ([\w-]+)` \|", read(name), flags=re.MULTILINE)
    assert sorted(documented) == sorted(commands)


@pytest.mark.parametrize("language", [*Language])
def test_every_command_has_help_with_an_example(
    language: Language, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIS_LANGUAGE", language.value)
    for command in build_commands(language).commands:
        assert run([command, "--help"]) == 0
        shown = capsys.readouterr().out
        assert f"python3 -m gis {command}" in shown, command
        assert {"zh": "示例", "en": "Example"}[language.value] in shown, command


@pytest.mark.parametrize("name", READMES)
def test_every_option_of_a_command_is_in_its_line_of_the_readme_and_no_other(name: str) -> None:
    lines = dict(re.findall(r"\| `python3 -m gis ([\w-]+)` \| (.*) \|", read(name)))
    for command, line in lines.items():
        parameters = build_commands(Language.EN).commands[command].params
        options = [p for p in parameters if isinstance(p, TyperOption)]
        named = set(re.findall(r"`(?:[^`]*\s)?(-[-a-z]+)", line))
        assert not named - {word for p in options for word in (*p.opts, *p.secondary_opts)}, command
        for option in options:
            assert named & {*option.opts, *option.secondary_opts}, f"{command} {option.name}"


def find_blocks(name: str, language: str) -> list[str]:
    """Fenced blocks of a README in a language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", read(name), flags=re.DOTALL)


def list_shown_commands(name: str) -> list[list[str]]:
    """Every command line a README shows in a block, split, in order, without its remark."""
    lines = "".join(find_blocks(name, "sh")).splitlines()
    return [shlex.split(line, comments=True) for line in lines if line.strip()]


def test_both_readmes_show_the_same_commands_and_code() -> None:
    assert list_shown_commands(READMES[0]) == list_shown_commands(READMES[1])
    assert find_blocks(READMES[0], "ini") == find_blocks(READMES[1], "ini")
    code = [
        [re.sub(r"\s*#.*", "", block) for block in find_blocks(name, "python")] for name in READMES
    ]
    assert code[0] == code[1] != []


@pytest.fixture
def newcomer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the survey file the README speaks of, and nothing else yet."""
    folder = Path(tempfile.mkdtemp(prefix="infratrack-docs-", dir="/var/tmp"))
    folder.chmod(0o755)
    pipes = gpd.GeoDataFrame(
        {"编号": ["P1"], "管径": ["300 mm"]},
        geometry=[LineString([(99, 25), (99.001, 25)])],
        crs=4490,
    )
    pipes.to_file(folder / "pipes.gpkg", driver="GPKG")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("GIS_STATE_FOLDER", str(folder / "state"))
    monkeypatch.setenv("GIS_LANGUAGE", "en")
    monkeypatch.setenv("PYTHONPATH", str(PROJECT_FOLDER))
    yield folder
    Cluster(folder / "state").stop()
    shutil.rmtree(folder)


def test_the_commands_and_the_code_the_readme_shows_run_as_written(newcomer: Path) -> None:
    shown = [words[3:] for words in list_shown_commands(READMES[0]) if words[2:3] == ["gis"]]
    assert {"demo", "test", "import", "export", "backup", "restore", "doctor"} == {
        words[0] for words in shown
    }
    for words in shown:
        # The first two take minutes: test_cli runs the one, and this is part of the other.
        asked = [words[0], "--help"] if words[0] in ("demo", "test") else words
        done = run_python("-P", "-m", "api.cli", *asked)
        assert done.returncode == 0, f"{asked}\n{done.stdout}\n{done.stderr}"
    rows = (newcomer / "pipes-2025.csv").read_text(encoding="utf-8-sig").splitlines()
    assert len(rows) == 1  # imported today: not there in 2025
    for block in find_blocks(READMES[0], "python"):
        done = run_python("-c", block.replace("2025, 6, 30", "2099, 1, 1"))
        assert done.returncode == 0, done.stderr
        # 0.001° along the parallel of 25°N: a cos(B) / sqrt(1 - e² sin²(B)) × 0.001° = 100.95 m.
        assert re.search(r"sanitary +0\.1009", done.stdout), done.stdout


def run_python(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, check=False, timeout=300
    )


def test_the_continuous_check_is_the_command_of_the_readme() -> None:
    command = list_shown_commands(READMES[0])[1]
    assert command == ["python3", "-m", "gis", "test"]
    assert read(".ci/run").splitlines()[-1] == f"exec {' '.join(command)}"


@pytest.mark.parametrize("name", READMES)
def test_every_endpoint_is_in_the_readme_and_no_other(name: str) -> None:
    paths = {row.path for row in ROUTES}
    documented = re.findall(r"^\| `(/[^`]*)` \|", read(name), flags=re.MULTILINE)
    assert sorted(documented) == sorted(paths)


@pytest.mark.parametrize("name", READMES)
def test_the_readme_links_the_other_language_and_has_its_picture(name: str) -> None:
    other = READMES[1 - READMES.index(name)]
    assert f"({other})" in read(name)
    for picture in re.findall(r"!\[[^]]*\]\(([^)]+)\)", read(name)):
        assert (Path(PROJECT_FOLDER) / picture).stat().st_size > 10_000


def test_every_kind_is_in_the_changelog() -> None:
    from gis.kinds import KINDS

    changelog = read("CHANGELOG.md")
    assert [kind for kind in KINDS if f"`{kind}`" not in changelog] == []


def test_no_lock_names_a_host() -> None:
    for lock in Path(PROJECT_FOLDER).rglob("*.lock"):
        if ".venv" not in lock.parts:
            assert "://" not in lock.read_text(encoding="utf-8"), lock
    assert "://" not in read("layers/assets.lock.json")


@pytest.mark.parametrize("name", READMES)
def test_every_role_is_in_the_readme_and_no_other(name: str) -> None:
    roles = {OWNER, *(pool.role for pool in Pool)}
    documented = re.findall(r"^\| `(infratrack_\w+)` \|", read(name), flags=re.MULTILINE)
    assert sorted(documented) == sorted(roles)


@pytest.mark.parametrize("name", READMES)
def test_the_packages_to_bring_without_internet_are_the_pinned_ones(name: str) -> None:
    specs = " ".join(package.spec for package in read_lock().values())
    assert f"npm pack {specs}" in read(name)


@pytest.mark.parametrize("name", READMES)
def test_every_link_to_a_file_of_ours_leads_somewhere(name: str) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", read(name)):
        assert (PROJECT_FOLDER / target).exists(), target


def test_the_root_holds_nothing_but_what_the_design_names() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=PROJECT_FOLDER, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert {path.split("/")[0] for path in listed} <= {
        ".ci",
        ".gitignore",
        "CHANGELOG.md",
        "DECISIONS.md",
        "LICENSE",
        "README.md",
        "README.zh.md",
        "api",
        "gis",
        "layers",
        "notebooks",
        "pyproject.toml",
        "requirements.lock",
        "tests",
    }
