"""Browser libraries: pinned, checked, installed whole or not at all."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gis.attributes import Language, Text
from gis.errors import SetupError
from layers import assets

SCRIPT = b"export const answer = 42;\n"


def make_package(path: Path, content: bytes = SCRIPT) -> str:
    """An npm tarball with one file we keep and one that must never land anywhere."""
    with tarfile.open(path, "w:gz") as archive:
        for name, body in {
            "package/dist/thing.js": content,
            "../../escaped.js": b"no",
        }.items():
            member = tarfile.TarInfo(name)
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return "sha512-" + base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder with one brought package, pinned by a lock of its own."""
    folder = tmp_path / "state"
    (folder / "packages").mkdir(parents=True)
    integrity = make_package(folder / "packages" / "thing-1.0.0.tgz")
    files = {"thing.js": {"source": "package/dist/thing.js", "sha256": _sha256(SCRIPT)}}
    entry = {
        "version": "1.0.0",
        "licence": "MIT",
        "integrity": integrity,
        "files": files,
    }
    lock = tmp_path / "lock.json"
    lock.write_text(json.dumps({"packages": {"thing": entry}}), encoding="utf-8")
    monkeypatch.setattr(assets, "LOCK_FILE", lock)
    assets.read_lock.cache_clear()
    yield folder
    assets.read_lock.cache_clear()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def ignore(_words: Text) -> None:
    """No one listens to the progress here."""


def test_a_brought_package_is_installed_without_asking_the_network(state: Path) -> None:
    assert not assets.assets_installed(state)
    assets.install_assets(state, progress=ignore)
    assert assets.assets_installed(state)
    assert (state / "vendor/thing/1.0.0/thing.js").read_bytes() == SCRIPT
    assert assets.asset_path(state, "thing", "thing.js").read_bytes() == SCRIPT
    assert assets.asset_url("thing", "thing.js") == "/static/vendor/thing/1.0.0/thing.js"


def test_names_inside_an_archive_never_decide_where_a_file_lands(state: Path) -> None:
    assets.install_assets(state, progress=ignore)
    assert not list(state.parent.rglob("escaped.js"))
    assert [p.name for p in (state / "vendor").iterdir() if p.name != ".lock"] == ["thing"]


def test_a_changed_package_is_refused_in_both_languages_and_nothing_lands(
    state: Path,
) -> None:
    make_package(state / "packages" / "thing-1.0.0.tgz", b"alert('not what was pinned')\n")
    with pytest.raises(SetupError) as refusal:
        assets.install_assets(state, progress=ignore)
    assert "校验" in refusal.value.text(Language.ZH)
    assert "pinned" in refusal.value.text(Language.EN)
    assert not (state / "vendor" / "thing").exists()


def test_a_file_changed_after_set_up_is_noticed_and_repaired(state: Path) -> None:
    assets.install_assets(state, progress=ignore)
    installed = state / "vendor/thing/1.0.0/thing.js"
    installed.write_bytes(b"changed")
    assert not assets.assets_installed(state)
    assets.install_assets(state, progress=ignore)
    assert installed.read_bytes() == SCRIPT


def test_a_missing_library_is_named_with_the_way_to_get_it(state: Path) -> None:
    with pytest.raises(SetupError) as refusal:
        assets.asset_path(state, "thing", "thing.js")
    assert "python3 -m gis" in refusal.value.text(Language.EN)


def test_two_set_ups_at_once_both_succeed(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from layers.assets import *\n"
        "install_assets(Path(sys.argv[1]), progress=lambda words: None)\n"
        "sys.exit(not assets_installed(Path(sys.argv[1])))\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    root = Path(assets.__file__).parent.parent
    started = [subprocess.Popen(command, cwd=root) for _ in range(2)]
    assert [process.wait(timeout=240) for process in started] == [0, 0]
    kept = tmp_path / "vendor" / "leaflet" / "1.9.4"
    assert b"Leaflet 1.9.4" in (kept / "leaflet.js").read_bytes()[:200]
    assert not list((tmp_path / "vendor").glob(".fetch-*"))


def test_every_installed_library_carries_its_licence_and_asks_no_other_host() -> None:
    lock = assets.read_lock()
    assert "leaflet" in lock
    for package in lock.values():
        assert {"LICENSE", "README.md"} & set(package.files), package.spec
    assert "://" not in assets.LOCK_FILE.read_text(encoding="utf-8")


def test_an_unreachable_registry_is_explained_in_both_languages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with pytest.raises(SetupError) as refusal:
        assets.install_assets(tmp_path, progress=ignore)
    assert "npm" in refusal.value.text(Language.ZH)
    assert "npm" in refusal.value.text(Language.EN)
    assert not assets.assets_installed(tmp_path)
