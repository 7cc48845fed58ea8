"""The page that enrols phones: what is in it, what its port refuses, and one real start."""

from __future__ import annotations

import base64
import hashlib
import plistlib
import re
import shutil
import signal
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from api.app import create_app
from api.enrol_server import HurriedProtocol, serve_enrolment
from api.hosts import read_host
from api.tls import OwnSource, Tls
from gis.db.cluster import Cluster
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.settings import Settings
from tests.api.conftest import run_server
from tests.api.test_cli import Shell, find_port, make_folder

BASE = "https://infratrack.test:8443"
PHONES = {
    "android": "Mozilla/5.0 (Linux; Android 14; V2309A) AppleWebKit/537.36 Chrome/126 Mobile",
    "ios": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Safari/604.1",
    "harmony": "Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 ArkWeb/4.1 Mobile",
    "windows": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126 Safari/537.36",
    "macos": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/17.5 Safari/605.1",
    "linux": "Mozilla/5.0 (X11; Linux x86_64) Chrome/126 Safari/537.36",
}
NAMES = {
    "android": "Android", "ios": "iPhone and iPad", "harmony": "HarmonyOS", "windows": "Windows",
    "macos": "macOS", "linux": "Linux",
}  # fmt: skip


@dataclass
class Port:
    """The open port and the authority behind it."""

    number: int
    client: httpx.Client
    authority: x509.Certificate

    def talk(self, said: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.number), timeout=15) as sock:
            sock.sendall(said)
            answer = b""
            while piece := sock.recv(65_536):
                answer += piece
            return answer


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = Settings(state_folder=tmp_path_factory.mktemp("state"))
    Tls(OwnSource(settings.state_folder / "tls", [], [read_host("infratrack.test")]))
    return settings


@pytest.fixture(scope="module")
def port(settings: Settings) -> Iterator[Port]:
    authority = x509.load_pem_x509_certificate(
        (settings.state_folder / "tls" / "ca.crt").read_bytes()
    )
    with serve_enrolment(settings, BASE, 0) as number:
        base = f"http://127.0.0.1:{number}"
        with httpx.Client(base_url=base, timeout=15) as client:
            yield Port(number, client, authority)


def words_of(page: str) -> str:
    return re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL))


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_says_what_to_do_on_every_system(port: Port, lang: str) -> None:
    page = port.client.get("/", params={"lang": lang}).text
    words = words_of(page)
    digits = port.authority.fingerprint(SHA256()).hex().upper()
    assert digits in re.sub(r"\s", "", words)
    assert page.count("<details") == len(NAMES)
    assert f'href="{BASE}/"' in page
    assert 'href="/ca.crt"' in page
    assert 'href="/ca.mobileconfig"' in page
    assert {"zh": "证书信任设置", "en": "Certificate Trust Settings"}[lang] in words
    assert {"zh": "找不到时", "en": "Menus differ"}[lang] in words
    assert ("鸿蒙" in words, "HarmonyOS 4" in words) == (lang == "zh", lang == "en")
    assert "`" not in words
    assert "$" not in words.replace("$HOME", "")


@pytest.mark.parametrize("system", PHONES)
def test_the_steps_of_the_device_that_asks_are_open(port: Port, system: str) -> None:
    page = port.client.get("/?lang=en", headers={"User-Agent": PHONES[system]}).text
    (opened,) = re.findall(r"<details open><summary>(.*?)</summary>", page)
    assert opened.startswith(NAMES[system])
    first = re.findall(r'<a class="button first" href="([^"]+)"', page)
    assert first == ["/ca.mobileconfig" if system == "ios" else "/ca.crt"]


def test_the_page_loads_nothing_and_its_policy_allows_only_its_own_style(port: Port) -> None:
    answer = port.client.get("/")
    policy = answer.headers["content-security-policy"]
    (style,) = re.findall(r"<style>(.*?)</style>", answer.text, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "script" not in answer.text
    assert " style=" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "strict-transport-security" not in answer.headers


def test_the_certificate_is_the_authoritys(port: Port) -> None:
    answer = port.client.get("/ca.crt")
    assert x509.load_pem_x509_certificate(answer.content) == port.authority
    assert answer.headers["content-type"] == "application/x-x509-ca-cert"
    assert "infratrack.crt" in answer.headers["content-disposition"]
    assert b"PRIVATE" not in answer.content


def test_the_profile_is_what_apple_defines(port: Port) -> None:
    answer = port.client.get("/ca.mobileconfig")
    assert answer.headers["content-type"] == "application/x-apple-aspen-config"
    profile = plistlib.loads(answer.content, fmt=plistlib.FMT_XML)
    assert (profile["PayloadType"], profile["PayloadVersion"]) == ("Configuration", 1)
    (payload,) = profile["PayloadContent"]
    assert (payload["PayloadType"], payload["PayloadVersion"]) == ("com.apple.security.root", 1)
    assert x509.load_der_x509_certificate(payload["PayloadContent"]) == port.authority
    identities = [part["PayloadUUID"] for part in (profile, payload)]
    assert len({*identities}) == 2
    assert all(re.fullmatch(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", i) for i in identities)
    assert plistlib.loads(port.client.get("/ca.mobileconfig").content) == profile


@pytest.mark.parametrize(
    "path",
    ["/ca.key", "/server.pem", "/tls/ca.crt", "/../ca.key", "/%2e%2e/ca.key", "//ca.crt", "/maps",
     "/health", "/ca.crt/", "/login", "/enrol-ca"],
)  # fmt: skip
def test_nothing_else_is_there(port: Port, path: str) -> None:
    answer = port.talk(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 404")


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", b"405"),
        (b"PUT /ca.crt HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", b"405"),
        (b"OPTIONS / HTTP/1.1\r\nHost: x\r\n\r\n", b"405"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", b"413"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"413"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 5_000 + b"\r\n\r\n", b"4"),
        (b"GET /?" + b"x" * 5_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"414"),
        (b"\x16\x03\x01\x00\xc8\x01\x00\r\n\r\n", b"400"),
    ],
)
def test_what_is_more_than_a_small_question_is_refused(
    port: Port, said: bytes, status: bytes
) -> None:
    answer = port.talk(said)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"connection: close" in answer.lower()


def test_a_question_that_stalls_is_hung_up_on(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HurriedProtocol, "headers_s", 0.5)
    with (
        serve_enrolment(settings, BASE, 0) as number,
        socket.create_connection(("127.0.0.1", number), timeout=8) as sock,
    ):
        sock.sendall(b"GET / HT")
        began = time.monotonic()
        assert sock.recv(100) == b""
        assert time.monotonic() - began < 3


@contextmanager
def ask_over_https(
    settings: Settings, urls: dict[Pool, str]
) -> Iterator[tuple[httpx.Client, x509.Certificate]]:
    folder = settings.state_folder / "tls"
    tls = Tls(OwnSource(folder, [read_host("127.0.0.1")], [read_host("infratrack.test")]))
    trust = ssl.create_default_context(cafile=folder / "ca.crt")
    with (
        run_server(create_app(urls, settings), tls) as base,
        httpx.Client(base_url=base, verify=trust) as client,
    ):
        authority = (folder / "ca.crt").read_bytes()
        yield client, x509.load_pem_x509_certificate(authority)


def test_the_same_page_and_files_are_there_over_https(
    settings: Settings, served_database: tuple[PooledDatabase, dict[Pool, str]]
) -> None:
    with ask_over_https(settings, served_database[1]) as (client, authority):
        page = client.get("/enrol-ca?lang=en")
        assert page.status_code == 200
        assert f'href="{client.base_url}/"' in page.text
        assert 'href="/enrol-ca/ca.crt"' in page.text
        assert "sha256-" in page.headers["content-security-policy"]
        assert x509.load_pem_x509_certificate(client.get("/enrol-ca/ca.crt").content) == authority
        profile = plistlib.loads(client.get("/enrol-ca/ca.mobileconfig").content)
        assert profile["PayloadType"] == "Configuration"
        for path in ("/enrol-ca/ca.key", "/enrol-ca/server.pem", "/enrol-ca/..%2fca.key"):
            assert client.get(path).status_code == 404


def test_without_an_authority_there_is_nothing_to_enrol(client: httpx.Client) -> None:
    answer = client.get("/enrol-ca?lang=en")
    assert answer.status_code == 404
    assert "certificate authority" in answer.json()["detail"]


@pytest.fixture
def shell() -> Iterator[Shell]:
    shell = Shell(make_folder())
    yield shell
    Cluster(shell.folder).stop()
    shutil.rmtree(shell.folder)


def test_serve_with_tls_prints_the_fingerprint_the_page_shows_and_answers_over_https(
    shell: Shell,
) -> None:
    main, enrol = find_port(), find_port()
    words = ["--tls", "--name", "infratrack.test", "--port", str(main), "--enrol-port", str(enrol)]
    process = shell.start("serve", *words)
    try:
        page = wait_for(f"http://127.0.0.1:{enrol}/?lang=en")
        certificate = Path(shell.folder / "tls" / "ca.crt")
        trust = ssl.create_default_context(cafile=certificate)
        answer = wait_for(f"https://127.0.0.1:{main}/conformance", trust)
        assert answer.status_code == 200
        with httpx.Client(verify=trust) as browser:
            named = browser.get(
                f"https://127.0.0.1:{main}/conformance",
                headers={"Host": f"infratrack.test:{main}"},
                extensions={"sni_hostname": "infratrack.test"},
            )
        assert named.status_code == 200
        found = shell.run("doctor", "--json", "--port", str(main), code=0)
        assert '"certificate-authority"' in found.stdout
    finally:
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    authority = x509.load_pem_x509_certificate(certificate.read_bytes())
    digits = authority.fingerprint(SHA256()).hex().upper()
    assert digits in re.sub(r"\s", "", err)
    assert digits in re.sub(r"\s", "", words_of(page.text))
    assert f"https://infratrack.test:{main}/maps/progress" in out
    assert f"http://infratrack.test:{enrol}/" in err
    assert f'href="https://infratrack.test:{main}/"' in page.text
    assert "Traceback" not in err
    assert datetime.now(UTC) < authority.not_valid_after_utc


def wait_for(address: str, trust: ssl.SSLContext | bool = True) -> httpx.Response:
    """The answer, once there is one: a new installation sets up its database first."""
    end = time.monotonic() + 240
    while True:
        try:
            return httpx.get(address, verify=trust, timeout=10)
        except httpx.TransportError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
