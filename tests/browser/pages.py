"""Chromium for the browser tests: every host but ours is refused, every complaint is kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from layers.assets import install_assets

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Opened:
    """A page, and what went wrong in it."""

    page: Page
    base: str
    foreign: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def settle(self) -> None:
        """Wait until the map is there and every tile of the view was answered."""
        self.page.wait_for_selector(
            "body[data-ready=true][data-settled=true]", state="attached", timeout=20_000
        )
        self.page.wait_for_timeout(150)


OpenPage = Callable[..., Opened]
OpenFile = Callable[..., Page]


@pytest.fixture(scope="session")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the browser libraries, as the app finds it in its state folder."""
    folder = tmp_path_factory.mktemp("state") / "assets"
    install_assets(folder, progress=lambda _: None)
    return folder


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The Chromium of the system."""
    path = shutil.which("chromium")
    assert path, "chromium is not installed: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[OpenPage]:
    """Opens ``base + path`` and watches it; at the end nothing may have asked another host."""
    opened: list[Opened] = []

    def open_one(base: str, path: str, *, width: int = 1440, height: int = 900) -> Opened:
        phone = width < 760
        context = chromium.new_context(
            viewport={"width": width, "height": height}, is_mobile=phone, has_touch=phone
        )
        context.set_default_timeout(10_000)
        one = Opened(context.new_page(), base)
        opened.append(one)
        _watch(one)
        one.page.goto(base + path)
        return one

    yield open_one
    for one in opened:
        one.page.context.close()
        assert one.foreign == []


def _watch(one: Opened) -> None:
    host = urlsplit(one.base).netloc

    def judge(route: object, request: object) -> None:
        url = urlsplit(request.url)  # type: ignore[attr-defined]  # playwright's own types
        if url.netloc == host or url.scheme in ("data", "blob"):
            route.continue_()  # type: ignore[attr-defined]
        else:
            one.foreign.append(request.url)  # type: ignore[attr-defined]
            route.abort()  # type: ignore[attr-defined]

    page = one.page
    page.route("**/*", judge)
    page.on("pageerror", lambda error: one.complaints.append(str(error)))
    page.on(
        "console",
        lambda said: (
            one.complaints.append(said.text) if said.type in ("error", "warning") else None
        ),
    )
    page.on(
        "response",
        lambda answer: one.refused.append(answer.url) if answer.status >= 400 else None,
    )


@pytest.fixture
def open_file(chromium: Browser) -> Iterator[OpenFile]:
    """Opens a file offline; at the end it asked for nothing and complained of nothing."""
    asked: list[str] = []
    complaints: list[str] = []
    contexts = []

    def open_one(path: Path, *, width: int = 1440, height: int = 900) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            is_mobile=width < 760,
            has_touch=width < 760,
            offline=True,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text))
        page.goto(path.as_uri())
        page.wait_for_selector("body[data-ready=true]", state="attached")
        asked.remove(path.as_uri())
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert asked == []
    assert complaints == []
