"""HTTPS in a real browser, on a name that is not this machine's: what work offline needs."""

from __future__ import annotations

import base64
import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright
from playwright.sync_api import Error as BrowserError
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from api.app import create_app
from api.enrol_server import serve_enrolment
from api.hosts import read_host
from api.tls import OwnSource, Tls
from gis.db.cluster import Cluster
from gis.db.roles import Pool
from gis.settings import Settings
from tests.api.conftest import run_server
from tests.browser.conftest import QUIET
from tests.conftest import CloneDatabase

NAME, STRANGER = "infratrack.test", "elsewhere.test"
POLICY = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'"
WORKER = """
addEventListener("install", () => skipWaiting());
addEventListener("activate", event => event.waitUntil(clients.claim()));
addEventListener("fetch", event => {
  if (new URL(event.request.url).pathname === "/tests-only/offline")
    event.respondWith(new Response("from the worker"));
});
"""
REGISTER = """async () => {
  if (!("serviceWorker" in navigator)) return "no service worker";
  await navigator.serviceWorker.register("/tests-only/worker.js", {scope: "/tests-only/"});
  if (!navigator.serviceWorker.controller)
    await new Promise(done => navigator.serviceWorker.addEventListener("controllerchange", done));
  return (await fetch("/tests-only/offline")).text();
}"""


async def show_page(_request: Request) -> Response:
    """A page with nothing in it."""
    return HTMLResponse(
        "<!doctype html><title>x</title>", headers={"Content-Security-Policy": POLICY}
    )


async def show_worker(_request: Request) -> Response:
    """Its service worker."""
    return Response(WORKER, media_type="text/javascript")


@dataclass
class Site:
    """One application over HTTPS, over plain HTTP, and its enrolment port."""

    https: int
    http: int
    enrol: int
    folder: Path


@pytest.fixture(scope="module")
def site(cluster: Cluster, clone_database: CloneDatabase, vendor: Path) -> Iterator[Site]:
    database = clone_database()
    urls = {pool: cluster.url(pool.role, database) for pool in Pool}
    state = vendor.parent
    settings = Settings(state_folder=state, allowed_hosts=(NAME, STRANGER))
    tls = Tls(OwnSource(state / "tls", [], [read_host(NAME)]))
    routes = [
        Route("/tests-only/page", show_page),
        Route("/tests-only/worker.js", show_worker),
    ]
    with ExitStack() as stack:
        bases = [
            stack.enter_context(run_server(create_app(urls, settings, extra_routes=routes), way))
            for way in (tls, None)
        ]
        https, http = (urlsplit(base).port or 0 for base in bases)
        enrol = stack.enter_context(serve_enrolment(settings, f"https://{NAME}:{https}", 0))
        yield Site(https, http, enrol, state / "tls")


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def phone(
    playwright: Playwright, site: Site, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    """A browser that was enrolled: by the list of the system where its tool is there."""
    home = tmp_path_factory.mktemp("home")
    if shutil.which("certutil"):
        enrol_system(home, site.folder / "ca.crt")
        trust = []
    else:
        trust = [f"--ignore-certificate-errors-spki-list={hash_key(site.folder / 'server.pem')}"]
    with launch(playwright, home, *trust) as browser:
        yield browser


@contextmanager
def launch(playwright: Playwright, home: Path, *flags: str) -> Iterator[Browser]:
    path = shutil.which("chromium")
    assert path, "chromium is not installed: apt-get install chromium"
    mapped = f"--host-resolver-rules=MAP {NAME} 127.0.0.1, MAP {STRANGER} 127.0.0.1"
    browser = playwright.chromium.launch(
        executable_path=path, args=[*QUIET, mapped, *flags], env={"HOME": str(home)}
    )
    try:
        yield browser
    finally:
        browser.close()


def enrol_system(home: Path, authority: Path) -> None:
    """What the page tells Linux to do."""
    store = home / ".pki" / "nssdb"
    store.mkdir(parents=True)
    tool = ["certutil", "-d", f"sql:{store}"]
    subprocess.run([*tool, "-N", "--empty-password"], check=True)
    subprocess.run([*tool, "-A", "-t", "C,,", "-n", "infratrack", "-i", str(authority)], check=True)


def hash_key(path: Path) -> str:
    """The server's public key as Chromium names it."""
    key = x509.load_pem_x509_certificate(path.read_bytes()).public_key()
    digest = Hash(SHA256())
    digest.update(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    return base64.b64encode(digest.finalize()).decode()


@pytest.fixture
def page(phone: Browser) -> Iterator[Page]:
    context: BrowserContext = phone.new_context()
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


def test_over_https_the_page_is_a_secure_context_and_gets_its_service_worker(
    page: Page, site: Site
) -> None:
    page.goto(f"https://{NAME}:{site.https}/tests-only/page")
    assert page.evaluate("isSecureContext") is True
    assert page.evaluate("location.hostname") == NAME
    assert page.evaluate(REGISTER) == "from the worker"
    assert page.evaluate("typeof navigator.storage.persist") == "function"
    assert page.evaluate("typeof crypto.subtle.digest") == "function"


def test_over_https_the_phone_app_itself_opens_without_a_signal(page: Page, site: Site) -> None:
    page.goto(f"https://{NAME}:{site.https}/field")
    opened = page.locator("body:not(:has(#opening))", has_text=re.compile(r"\S"))
    opened.wait_for()
    page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    first = opened.inner_text().strip().splitlines()[0]
    page.context.set_offline(True)
    page.reload()
    opened.filter(has_text=first).wait_for()


def test_over_plain_http_the_phone_app_keeps_nothing_and_says_why(page: Page, site: Site) -> None:
    page.goto(f"http://{NAME}:{site.http}/field?lang=en")
    page.get_by_text("HTTPS").first.wait_for()
    assert page.evaluate("'serviceWorker' in navigator") is False


def test_over_plain_http_on_that_name_it_is_not_and_gets_none(page: Page, site: Site) -> None:
    page.goto(f"http://{NAME}:{site.http}/tests-only/page")
    assert page.evaluate("isSecureContext") is False
    assert page.evaluate(REGISTER) == "no service worker"
    assert page.evaluate("typeof crypto.subtle") == "undefined"


def test_a_browser_that_was_not_enrolled_does_not_open_the_page(
    playwright: Playwright, site: Site, tmp_path: Path
) -> None:
    with launch(playwright, tmp_path) as stranger:
        page = stranger.new_page()
        with pytest.raises(BrowserError, match="ERR_CERT_AUTHORITY_INVALID"):
            page.goto(f"https://{NAME}:{site.https}/tests-only/page")


def test_who_types_http_for_the_https_port_reads_where_to_go(page: Page, site: Site) -> None:
    page.goto(f"http://{NAME}:{site.https}/")
    assert f"https://{NAME}:{site.https}/" in page.locator("body").inner_text()


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("way", ["http", "https"])
def test_the_enrolment_page_works_without_scripts_and_without_a_complaint(
    phone: Browser, site: Site, lang: str, width: int, way: str
) -> None:
    mobile = width < 760
    context = phone.new_context(
        viewport={"width": width, "height": 900},
        is_mobile=mobile,
        has_touch=mobile,
        java_script_enabled=False,
    )
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    base = (
        f"http://{NAME}:{site.enrol}/" if way == "http" else f"https://{NAME}:{site.https}/enrol-ca"
    )
    page.goto(f"{base}?lang={lang}")
    assert (said, asked) == ([], [f"{base}?lang={lang}"])
    assert page.locator("html").get_attribute("lang") == {"zh": "zh-CN", "en": "en"}[lang]
    assert page.locator(".button").first.evaluate("e => getComputedStyle(e).color") == (
        "rgb(255, 255, 255)"
    )
    assert page.locator("html").evaluate("e => e.scrollWidth") == width
    tall = [
        box["height"] for b in page.locator(".button, summary").all() if (box := b.bounding_box())
    ]
    assert len(tall) == 8
    assert min(tall) >= 48
    page.locator("summary").nth(1).click()
    assert page.locator("details").nth(1).locator("li").first.is_visible()
    with page.expect_download() as download:
        page.locator(".button.first").click()
    assert download.value.suggested_filename == "infratrack.crt"
    given = x509.load_pem_x509_certificate(Path(download.value.path()).read_bytes())
    assert given == x509.load_pem_x509_certificate((site.folder / "ca.crt").read_bytes())
    context.close()


def test_python_and_the_browser_agree_on_whom_to_trust(site: Site) -> None:
    """The certificate the browser took is one OpenSSL takes with the same authority."""
    trust = ssl.create_default_context(cafile=site.folder / "ca.crt")
    trust.verify_flags |= ssl.VERIFY_X509_STRICT
    assert ssl.get_server_certificate(
        ("127.0.0.1", site.https), ca_certs=str(site.folder / "ca.crt")
    )
