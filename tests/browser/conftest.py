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
from tests.browser.arrived import check_readable
from tests.browser.field_office import Office, build_office
from tests.browser.field_server import build_server
from tests.browser.live_server import serve
from tests.browser.phone import QUIET, NewPhone, Phone


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


@pytest.fixture(scope="session")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the browser libraries, as the app finds it in its state folder."""
    folder = tmp_path_factory.mktemp("state") / "assets"
    install_assets(folder, progress=lambda _: None)
    return folder


@pytest.fixture(scope="session")
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
def office() -> Office:
    return build_office()


@pytest.fixture
def base(office: Office, vendor: Path) -> Iterator[str]:
    with serve(build_server(office, vendor)) as address:
        # The name browsers trust without HTTPS, as a phone trusts the office's certificate.
        yield address.replace("127.0.0.1", "localhost")


@pytest.fixture
def new_phone(base: str, office: Office, tmp_path: Path) -> Iterator[NewPhone]:
    phones: list[Phone] = []
    with sync_playwright() as playwright:

        def make(**options: object) -> Phone:
            folder = tmp_path / f"phone-{len(phones)}"
            options = {"base": base, **options}
            phones.append(Phone(playwright, folder=folder, **options))  # type: ignore[arg-type]
            return phones[-1]

        yield make
        for phone in phones:
            phone.close()
            assert phone.complaints == []
    check_readable(office)


@pytest.fixture
def phone(new_phone: NewPhone) -> Phone:
    one = new_phone()
    one.open()
    one.log_in()
    return one
