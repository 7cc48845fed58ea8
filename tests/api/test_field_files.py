"""The phone app's own routes: complete, strict, and only for the build they belong to."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import httpx
import pytest

from api.app import create_app
from api.field import shell
from api.middleware import Guard
from gis.db.roles import Pool
from gis.settings import Settings
from layers.assets import install_assets


class Client:
    """Asks an application that is not served, one request at a time."""

    def __init__(self, app: Guard) -> None:
        self.app = app

    def get(self, path: str) -> httpx.Response:
        """The answer to a GET."""
        return asyncio.run(self._get(path))

    async def _get(self, path: str) -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get(path)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Client:
    """The application before its database is there: these routes ask it nothing."""
    folder = tmp_path_factory.mktemp("state")
    install_assets(folder / "assets", progress=lambda _: None)
    urls = dict.fromkeys(Pool, "postgresql+psycopg://nobody@127.0.0.1:9/none")
    return Client(create_app(urls, Settings(state_folder=folder)))


def test_the_page_may_use_the_camera_and_nothing_may_run_that_is_not_a_file_of_ours(
    client: Client,
) -> None:
    answer = client.get("/field")
    assert answer.status_code == 200
    assert answer.headers["permissions-policy"] == (
        "camera=(self), geolocation=(self), microphone=()"
    )
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    assert not re.search(r"<script(?![^>]*src=)|style=|onload=", answer.text)
    assert client.get("/field/app/x/y").headers["permissions-policy"].startswith("camera=()")


def test_the_worker_keeps_exactly_the_files_the_server_serves(client: Client) -> None:
    worker = client.get("/field/sw.js")
    assert worker.headers["service-worker-allowed"] == "/field"
    assert worker.headers["cache-control"] == "no-cache"
    found = re.search(r"const FILES = (\[.*\]);", worker.text)
    assert found
    for path in json.loads(found[1]):
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert "immutable" in answer.headers["cache-control"]
    page = client.get("/field").text
    for path in re.findall(r'(?:src|href)="(/field/app/[^"]+)"', page):
        assert path in found[1], path
    imported = {
        name
        for path in Path(shell.FOLDER).glob("*.js")
        for name in re.findall(r'from "\./([\w.-]+)"', path.read_text(encoding="utf-8"))
    }
    assert imported <= set(shell.list_files())


def test_files_of_another_build_and_files_that_are_none_are_not_there(client: Client) -> None:
    build = shell.field_build()
    for path in (f"{build}/shell.py", f"{build}/..%2fshell.py", "000000000000/app.js"):
        assert client.get(f"/field/app/{path}").status_code == 404, path


@pytest.mark.parametrize(("language", "name"), [("zh", "城建外业"), ("en", "Infratrack field")])
def test_the_manifest_makes_it_an_app_with_icons_of_the_sizes_it_says(
    client: Client, language: str, name: str
) -> None:
    manifest = client.get(f"/field/manifest.webmanifest?lang={language}").json()
    assert (manifest["name"], manifest["display"], manifest["scope"]) == (
        name,
        "standalone",
        "/field",
    )
    for icon in manifest["icons"]:
        content = client.get(icon["src"]).content
        assert content[:8] == b"\x89PNG\r\n\x1a\n"
        size = int.from_bytes(content[16:20], "big")
        assert icon["sizes"] == f"{size}x{size}"


def test_every_word_of_the_app_is_there_in_both_languages_and_every_one_used_exists() -> None:
    declared = []
    for name in (
        *("words.js", "call_out_words.js", "elsewhere_words.js", "lock_words.js"),
        *("order_words.js", "outbox_words.js"),
    ):
        words = (shell.FOLDER / name).read_text(encoding="utf-8")
        found = re.findall(r'^  (\w+): \["([^"\n]+)", "([^"\n]+)"\],$', words, re.MULTILINE)
        table = words[words.index("WORDS = {") : words.index("\n};")]
        lines = [line for line in table.splitlines()[1:] if not re.match(r"\s*(//|\.\.\.)", line)]
        assert len(found) == len(lines), name
        declared += found
    assert len(declared) == len({name for name, _, _ in declared})
    for name, zh, en in declared:
        slots = [set(re.findall(r"\{\w+\}", text)) for text in (zh, en)]
        assert slots[0] == slots[1], name
    used = {
        name
        for path in shell.FOLDER.glob("*.js")
        for name in re.findall(r'\bsay\("(\w+)"', path.read_text(encoding="utf-8"))
    }
    assert used <= {name for name, _, _ in declared}


def test_a_module_of_the_app_is_short_and_no_text_ever_becomes_markup() -> None:
    for path in shell.FOLDER.glob("*.js"):
        script = path.read_text(encoding="utf-8")
        assert script.count("\n") <= 300, path.name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", script)
