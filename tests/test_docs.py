"""The documentation names everything there is: commands, settings, endpoints, in both languages."""

import re
from pathlib import Path

import geopandas as gpd
import pytest
from shapely import LineString

from api import app as application
from api.cli import build_commands, run
from gis.attributes import Language
from gis.settings import PROJECT_FOLDER, Settings

READMES = ("README.md", "README.zh.md")


def read(name: str) -> str:
    return (Path(PROJECT_FOLDER) / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", READMES)
def test_every_setting_is_in_the_readme_and_no_other(name: str) -> None:
    settings = {f"GIS_{field.upper()}" for field in Settings.model_fields}
    assert set(re.findall(r"`(GIS_[A-Z_]+)`", read(name))) == settings


@pytest.mark.parametrize("name", READMES)
def test_every_command_is_in_the_readme_and_no_other(name: str) -> None:
    commands = set(build_commands(Language.EN).commands)
    documented = set(re.findall(r"\| `python3 -m gis (\w+)` \|", read(name)))
    assert documented == commands


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


def test_the_import_shown_in_the_readme_works_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = next(row for row in read("README.md").splitlines() if "--dry-run" in row)
    arguments = line.split()[3:]
    pipes = gpd.GeoDataFrame(
        {"编号": ["P1"], "管径": ["300 mm"]},
        geometry=[LineString([(99, 25), (99.001, 25)])],
        crs=4490,
    )
    pipes.to_file(tmp_path / arguments[1], driver="GPKG")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIS_STATE_FOLDER", str(tmp_path / "state"))
    tmp_path.chmod(0o755)
    assert run(arguments) == 0


@pytest.mark.parametrize("name", READMES)
def test_every_endpoint_is_in_the_readme_and_no_other(name: str) -> None:
    paths = {path for path, _ in application.ROUTES}
    assert set(re.findall(r"\| `(/[^`]*)` \|", read(name))) == paths


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
    for lock in Path(PROJECT_FOLDER).rglob("*requirements.lock"):
        if ".venv" not in lock.parts:
            assert "://" not in lock.read_text(encoding="utf-8"), lock
    assert "://" not in read("layers/assets.lock.json")
