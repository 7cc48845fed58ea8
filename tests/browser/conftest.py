"""The fixtures of phones; those of Chromium are in ``tests.browser.pages``, for all tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.browser.arrived import check_readable
from tests.browser.field_office import Office, build_office
from tests.browser.field_server import build_server
from tests.browser.live_server import serve
from tests.browser.pages import QUIET, Opened, OpenFile, OpenPage
from tests.browser.phone import NewPhone, Phone

__all__ = ["QUIET", "OpenFile", "OpenPage", "Opened"]


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
