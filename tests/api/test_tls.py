"""HTTPS on real sockets: who is let in, who is hung up on, and a renewal under way."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from cryptography import x509

from api.app import create_app
from api.cli import run
from api.hosts import read_host
from api.serve import PatientProtocol, claim_port
from api.tls import Door, OwnSource, Renewal, Tls, choose_source
from gis.db.cluster import Cluster
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.errors import SetupError
from gis.settings import Settings
from tests.api.certificates import PublicAuthority
from tests.api.conftest import run_server
from tests.api.crowd import WORD, gather
from tests.api.test_cli import find_port
from tests.conftest import CloneDatabase

NAME = "infratrack.test"
PATIENCE_S = 1.5
"""What the impatient server of these tests allows, in place of ten seconds."""
HELLO = bytes.fromhex("16030100c8010000c40303")
"""The first bytes of a ClientHello of 200 bytes that never goes on."""


class Clock:
    """A time that a test moves."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class Secure:
    """A server behind TLS and how to reach it."""

    def __init__(self, base: str, tls: Tls, trust: ssl.SSLContext) -> None:
        self.port = urlsplit(base).port or 0
        self.tls = tls
        self.trust = trust

    @contextmanager
    def connect(
        self, name: str = NAME, trust: ssl.SSLContext | None = None
    ) -> Iterator[ssl.SSLSocket]:
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=20) as raw,
            (trust or self.trust).wrap_socket(raw, server_hostname=name) as secured,
        ):
            yield secured

    def plain(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def get(self, path: str, client: httpx.Client | None = None) -> httpx.Response:
        """As a browser that has ``NAME`` in its address bar."""
        asked = {"headers": {"Host": NAME}, "extensions": {"sni_hostname": NAME}}
        address = f"https://127.0.0.1:{self.port}{path}"
        if client is not None:
            return client.get(address, **asked)  # type: ignore[arg-type]  # httpx's own types
        with httpx.Client(verify=self.trust, timeout=20) as once:
            return once.get(address, **asked)  # type: ignore[arg-type]


Open = Callable[..., Secure]


@pytest.fixture(scope="module")
def open_secure(
    served_database: tuple[PooledDatabase, dict[Pool, str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Open]:
    """Starts servers over the small county; impatient ones."""
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Door, "begin_s", PATIENCE_S)
        patch.setattr(Door, "handshake_s", PATIENCE_S)
        patch.setattr(PatientProtocol, "headers_s", PATIENCE_S)

        def start(settings: Settings, tls: Tls, trust: ssl.SSLContext) -> Secure:
            allowed = Settings(
                **settings.model_dump(exclude={"allowed_hosts"}), allowed_hosts=(NAME, "127.0.0.1")
            )
            app = create_app(served_database[1], allowed)
            return Secure(stack.enter_context(run_server(app, tls)), tls, trust)

        yield start


def open_own(open_secure: Open, state: Path, clock: Clock) -> Secure:
    """A server with a certificate of our own authority for ``NAME``."""
    tls = Tls(OwnSource(state / "tls", [], [read_host(NAME)]), clock)
    trust = ssl.create_default_context(cafile=state / "tls" / "ca.crt")
    return open_secure(Settings(state_folder=state), tls, trust)


@pytest.fixture(scope="module")
def secure(open_secure: Open, tmp_path_factory: pytest.TempPathFactory) -> Secure:
    return open_own(open_secure, tmp_path_factory.mktemp("state"), Clock())


def serial(sock: ssl.SSLSocket) -> int:
    shown = sock.getpeercert(binary_form=True)
    assert shown is not None
    return x509.load_der_x509_certificate(shown).serial_number


def ended_after(sock: socket.socket, *, limit: float = 8) -> tuple[bytes, float]:
    """What the server still says, and the seconds until it hangs up."""
    began = time.monotonic()
    sock.settimeout(limit)
    said = b""
    try:
        while piece := sock.recv(4096):
            said += piece
    except ConnectionResetError:
        pass
    return said, time.monotonic() - began


def test_who_trusts_the_authority_is_answered_over_https(secure: Secure) -> None:
    answer = secure.get("/")
    assert answer.status_code == 200
    links = [link["href"] for link in answer.json()["links"]]
    assert links
    assert all(link.startswith(f"https://{NAME}") for link in links)


def test_a_name_the_certificate_is_not_for_is_refused_by_the_client(secure: Secure) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"), secure.connect("gis.test"):
        pass


def test_who_does_not_trust_the_authority_refuses(secure: Secure) -> None:
    nobody = ssl.create_default_context()
    with pytest.raises(ssl.SSLCertVerificationError), secure.connect(trust=nobody):
        pass


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_modern_versions_are_spoken_with_forward_secrecy(
    secure: Secure, version: ssl.TLSVersion
) -> None:
    client = ssl.create_default_context(cadata=pem(secure))
    client.minimum_version = client.maximum_version = version
    with secure.connect(trust=client) as sock:
        cipher = sock.cipher()
        assert cipher is not None
        assert cipher[0].startswith(("ECDHE-", "TLS_"))
        assert "GCM" in cipher[0] or "CHACHA20" in cipher[0]
        assert sock.compression() is None


@pytest.mark.parametrize("ciphers", ["AES128-SHA@SECLEVEL=0", "ECDHE-ECDSA-AES256-SHA384"])
def test_old_versions_and_ciphers_are_refused(secure: Secure, ciphers: str) -> None:
    client = ssl.create_default_context(cadata=pem(secure))
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    client.set_ciphers(ciphers)
    # asyncio hangs up without the alert that says why.
    with pytest.raises((ssl.SSLError, ConnectionError)), secure.connect(trust=client):
        pass
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.load_verify_locations(cadata=pem(secure))
    old.set_ciphers("ALL@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1 is deprecated"):
        old.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)), secure.connect(trust=old):
        pass


def pem(secure: Secure) -> str:
    return ssl.DER_cert_to_PEM_cert(secure.trust.get_ca_certs(binary_form=True)[0])


def ask(sock: ssl.SSLSocket) -> int:
    """The status of an answer that was read to its end; the connection stays."""
    sock.sendall(f"GET /conformance HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
    answer = HTTPResponse(sock)
    answer.begin()
    answer.read()
    return answer.status


def test_a_renewal_is_shown_to_who_comes_next_and_breaks_off_nobody(
    open_secure: Open, tmp_path: Path
) -> None:
    clock = Clock()
    secure = open_own(open_secure, tmp_path, clock)
    # The renewed one begins in the future of this client, whose clock stays.
    later = ssl.create_default_context(cadata=pem(secure))
    later.check_hostname, later.verify_mode = False, ssl.CERT_NONE
    old = secure.tls.shown.certificate.serial_number
    with secure.connect() as before:
        assert ask(before) == 200
        clock.ahead = timedelta(days=370)
        renewal = Renewal(secure.tls, timedelta(seconds=0.05))
        renewal.start()
        try:
            wait_until(lambda: secure.tls.shown.certificate.serial_number != old)
        finally:
            renewal.stop()
        with secure.connect(trust=later) as after:
            assert serial(after) == secure.tls.shown.certificate.serial_number
            assert ask(after) == 200
        assert serial(before) == old
        assert ask(before) == 200


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("said", [b"", HELLO[:1], HELLO], ids=["nothing", "a byte", "a part"])
def test_a_handshake_that_stalls_is_hung_up_on(secure: Secure, said: bytes) -> None:
    with secure.plain() as sock:
        sock.sendall(said)
        _, seconds = ended_after(sock)
    assert PATIENCE_S - 0.2 < seconds < 2 * PATIENCE_S + 1


def test_a_handshake_that_trickles_is_hung_up_on(secure: Secure) -> None:
    with secure.plain() as sock:
        began = time.monotonic()
        with pytest.raises(OSError, match=r".*"):  # noqa: PT012 - each send may be the one
            for byte in HELLO + b"x" * 200:
                sock.sendall(bytes([byte]))
                time.sleep(0.05)
        assert time.monotonic() - began < 2 * PATIENCE_S + 1


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost: "])
def test_a_head_that_stalls_inside_tls_is_hung_up_on(secure: Secure, said: bytes) -> None:
    with secure.connect() as sock:
        sock.sendall(said)
        answer, seconds = ended_after(sock)
    assert answer == b""
    assert seconds < PATIENCE_S + 1.5


def test_fifty_stalled_handshakes_do_not_stop_others(secure: Secure) -> None:
    with ExitStack() as stack:
        for _ in range(50):
            stack.enter_context(secure.plain()).sendall(HELLO)
        for _ in range(5):
            began = time.monotonic()
            assert secure.get("/conformance").status_code == 200
            assert time.monotonic() - began < 1


def test_a_client_of_plain_http_is_told_where_to_go(secure: Secure) -> None:
    with secure.plain() as sock:
        sock.sendall(b"GET /login?password=x HTTP/1.1\r\nHost: evil.example\r\n\r\n")
        answer, seconds = ended_after(sock)
    assert seconds < 1
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"Connection: close" in head
    assert body.decode().count(f"https://{NAME}:{secure.port}/") == 2
    assert b"evil" not in answer


@pytest.mark.parametrize("said", [b"\x00" * 50, b"SSH-2.0-x\r\n", HELLO[:5] + b"\xff" * 300])
def test_what_is_no_handshake_is_ended_and_the_server_goes_on(secure: Secure, said: bytes) -> None:
    with secure.plain() as sock:
        sock.sendall(said)
        _, seconds = ended_after(sock)
    assert seconds < 1
    assert secure.get("/conformance").status_code == 200


def test_only_a_given_certificate_tells_browsers_to_insist_on_https(
    secure: Secure, open_secure: Open, tmp_path: Path
) -> None:
    assert "strict-transport-security" not in secure.get("/").headers
    public = PublicAuthority(tmp_path)
    chain, key = public.give([NAME])
    settings = Settings(state_folder=tmp_path, tls_certificate=chain, tls_key=key)
    tls = Tls(choose_source(settings, [], datetime.now(UTC)))
    given = open_secure(settings, tls, public.trust())
    assert given.get("/").headers["strict-transport-security"] == "max-age=31536000"
    assert given.get("/nothing").headers["strict-transport-security"] == "max-age=31536000"
    assert given.get("/enrol-ca").status_code == 404


def test_a_login_over_https_is_a_cookie_that_only_https_gets(
    cluster: Cluster, clone_database: CloneDatabase, tmp_path: Path
) -> None:
    name = clone_database()
    urls = {pool: cluster.url(pool.role, name) for pool in Pool}
    tls = Tls(OwnSource(tmp_path / "tls", [], [read_host("127.0.0.1")]))
    trust = ssl.create_default_context(cafile=tmp_path / "tls" / "ca.crt")
    with (
        gather(urls, tmp_path) as crowd,
        run_server(
            create_app(urls, Settings(state_folder=tmp_path), clock=crowd.clock), tls
        ) as base,
        httpx.Client(base_url=base, verify=trust) as browser,
    ):
        form = {"login": "viewer", "password": WORD}
        answer = browser.post("/login", data=form, headers={"Origin": base})
        assert answer.status_code == 303
        cookie = answer.headers["set-cookie"].lower()
        assert cookie.startswith("__host-")
        assert {"secure", "httponly", "path=/"} <= {*cookie.split("; ")}
        assert browser.get("/me").json()["person"]["login"] == "viewer"


@pytest.mark.parametrize("extra", [[], ["--tls"]])
def test_the_enrolment_port_goes_with_an_authority_of_our_own_only(
    extra: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GIS_STATE_FOLDER", str(tmp_path / "state"))
    monkeypatch.setenv("GIS_LANGUAGE", "en")
    if extra:
        chain, key = PublicAuthority(tmp_path).give([NAME])
        monkeypatch.setenv("GIS_TLS_CERTIFICATE", str(chain))
        monkeypatch.setenv("GIS_TLS_KEY", str(key))
    assert run(["serve", "--port", str(find_port()), "--enrol-port", "1", *extra]) == 2
    assert "--enrol-port goes with" in capsys.readouterr().err


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "gis.example.cn"])
def test_without_encryption_no_other_machine_is_listened_to(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SetupError, match="serve --tls"):
        claim_port(0, host)
    monkeypatch.setenv("GIS_STATE_FOLDER", str(tmp_path / "state"))
    monkeypatch.setenv("GIS_HOST", host)
    for command in ("serve", "demo"):
        monkeypatch.setenv("GIS_LANGUAGE", "zh")
        assert run([command, "--port", "1"]) == 2
        assert "serve --tls" in capsys.readouterr().err
    assert not (tmp_path / "state").exists()
