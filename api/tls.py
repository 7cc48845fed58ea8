"""HTTPS: the certificate the server shows, its renewal, and the door that speaks TLS.

The certificate is given (``GIS_TLS_CERTIFICATE``, ``GIS_TLS_KEY``) or issued by the installation's
own authority. Each connection asks for the context of the moment, so a new certificate is shown
to who comes next and breaks off nobody.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import threading
from asyncio import sslproto
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from api.authority import find_issued, hold_folder, issue, open_authority, tls_folder, write_private
from api.given import check_given
from api.hosts import Host, list_covered, list_machine_hosts, read_host, write_host
from gis.attributes import Text
from gis.errors import InfratrackError, SetupError
from gis.settings import Settings

HANDSHAKE_S = 10
"""Seconds a client may take to begin, and again to finish, the handshake."""
_GOODBYE_S = 3.0
_HANDSHAKE_RECORD = 0x16
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2: forward secret and authenticated only; TLS 1.3 has no others."""
RENEWAL_INTERVAL = timedelta(hours=1)
_log = logging.getLogger(__name__)


def read_now() -> datetime:
    """The time certificates are judged by."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate as shown to clients: its file, its key's, until when, and for whom."""

    chain: Path
    key: Path | None
    certificate: x509.Certificate

    @property
    def expires_at(self) -> datetime:
        """The moment it is over."""
        return self.certificate.not_valid_after_utc

    def build_context(self) -> ssl.SSLContext:
        """A context that shows it: TLS 1.2 or newer. SetupError when OpenSSL refuses it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(_CIPHERS)
        context.set_alpn_protocols(["http/1.1"])
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
        try:
            context.load_cert_chain(self.chain, self.key, password="")
        except (ssl.SSLError, OSError) as error:
            raise SetupError(
                Text(
                    zh="OpenSSL 不接受证书 {file}:{reason}",
                    en="OpenSSL refuses the certificate {file}: {reason}",
                ).format(file=self.chain, reason=getattr(error, "reason", None) or error.strerror)
            ) from error
        return context


class Source(Protocol):
    """Where the certificate comes from."""

    hosts: tuple[Host, ...]

    def take(self, now: datetime) -> Shown:
        """The certificate to show at ``now``, made or read anew where that is due."""


class OwnSource:
    """Issued by the installation's own authority."""

    def __init__(self, folder: Path, hosts: Sequence[Host], asked: Sequence[Host]) -> None:
        """``asked``: those of ``hosts`` a person named, which must not be left out."""
        self._folder = folder
        self._asked = tuple(asked)
        self.hosts = tuple(dict.fromkeys([*asked, *hosts]))

    def take(self, now: datetime) -> Shown:
        """The certificate at hand, or a new one when it is soon over or for other names."""
        path = self._folder / "server.pem"
        with hold_folder(self._folder):
            authority = open_authority(self._folder, self.hosts, now)
            for host in self._asked:
                if not authority.may_vouch_for(host):
                    raise _beyond(host, self._folder)
            # An address the machine got later, or a container's name of the day: others remain.
            self.hosts = tuple(filter(authority.may_vouch_for, self.hosts))
            if not find_issued(path, authority, self.hosts, now):
                write_private(path, issue(authority, self.hosts, now))
            certificate = x509.load_pem_x509_certificate(path.read_bytes())
        return Shown(path, None, certificate)


def _beyond(host: Host, folder: Path) -> SetupError:
    return SetupError(
        Text(
            zh="本机证书机构只能为私有名称、私有地址和生成时给出的名称签发证书,不含 {host}:"
            "改用 .local、.lan 名称;或移走 {folder},再启动即生成新的,并重新登记各手机",
            en="the certificate authority vouches for private names and addresses and for those it"
            " was made for, not for {host}: use a name under .local or .lan; or move {folder} away,"
            " start again, and enrol the phones anew",
        ).format(host=write_host(host), folder=folder)
    )


class GivenSource:
    """Given by the administrator, and replaced by whoever renews it."""

    def __init__(self, chain: Path, key: Path, asked: Sequence[Host], now: datetime) -> None:
        self._chain, self._key = chain, key
        self._asked = tuple(asked)
        covered = list_covered(check_given(chain, key, self._asked, now))
        named = [h for h in covered if not (isinstance(h, str) and h.startswith("*"))]
        self.hosts = tuple(dict.fromkeys([*asked, *named]))
        if not self.hosts:
            raise SetupError(
                Text(
                    zh="证书只含通配名 {names}:用 --name 给出本机的域名",
                    en="the certificate is for {names}: say with --name which of them this is",
                ).format(names=", ".join(map(str, covered)) or "-")
            )

    def take(self, now: datetime) -> Shown:
        """The certificate as the files have it now."""
        certificate = check_given(self._chain, self._key, self._asked, now)
        return Shown(self._chain, self._key, certificate)


def choose_source(settings: Settings, names: Sequence[str], now: datetime) -> Source:
    """The given certificate where the settings name one, else one of our own authority."""
    asked = [read_host(name) for name in names]
    chain, key = settings.tls_certificate, settings.tls_key
    if chain is not None and key is not None:
        return GivenSource(chain, key, asked, now)
    if chain is not None or key is not None:
        raise SetupError(
            Text(
                zh="证书与私钥要一起给出:--certificate 与 --key(GIS_TLS_CERTIFICATE、GIS_TLS_KEY)",
                en="certificate and key go together: --certificate and --key"
                " (GIS_TLS_CERTIFICATE, GIS_TLS_KEY)",
            )
        )
    allowed = [read_host(name) for name in settings.allowed_hosts]
    return OwnSource(tls_folder(settings), [*list_machine_hosts(settings.host), *allowed], asked)


class Tls:
    """The certificate of the moment and its context."""

    def __init__(self, source: Source, clock: Callable[[], datetime] = read_now) -> None:
        self._clock = clock
        self._source = source
        self.shown = source.take(clock())
        self.context = self.shown.build_context()

    @property
    def hosts(self) -> tuple[Host, ...]:
        """What the server is reached by, the best first."""
        return self._source.hosts

    def renew(self) -> bool:
        """Take the certificate anew; whether it is another one now. SetupError leaves the old."""
        shown = self._source.take(self._clock())
        if _mark(shown) == _mark(self.shown):
            return False
        self.context = shown.build_context()
        self.shown = shown
        return True


def _mark(shown: Shown) -> bytes:
    return shown.certificate.fingerprint(hashes.SHA256())


class Renewal:
    """A thread that renews the certificate while the server runs."""

    def __init__(self, tls: Tls, interval: timedelta = RENEWAL_INTERVAL) -> None:
        self._tls = tls
        self._interval = interval
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="certificate-renewal", daemon=True)

    def start(self) -> None:
        """Begin waiting."""
        self._thread.start()

    def stop(self) -> None:
        """Stop waiting."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._interval.total_seconds()):
            try:
                self._tls.renew()
            except (InfratrackError, OSError):
                _log.exception("the certificate was not renewed; the one shown stays")


class Door(asyncio.Protocol):
    """The first to hear a client: gives it to TLS, or tells who speaks plain HTTP where to go.

    asyncio waits a minute for a handshake, and ends a connection in plain HTTP without a word.
    """

    tls: Tls
    inner: type[asyncio.Protocol]
    begin_s = handshake_s = HANDSHAKE_S

    def __init__(self, _loop: asyncio.AbstractEventLoop | None = None, **facts: Any) -> None:  # noqa: ANN401 - uvicorn's own, handed through
        self._facts = facts
        self._loop = _loop or asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the clock."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what asyncio gives a server
        self._transport = transport
        self._timer = self._loop.call_later(self.begin_s, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Forget the clock."""
        self._stop_clock()

    def data_received(self, data: bytes) -> None:
        """The first bytes say what the client speaks."""
        self._stop_clock()
        if data[0] == _HANDSHAKE_RECORD:
            self._begin_tls(data)
            return
        self._transport.write(_refuse_plain(self.tls.hosts[0], self._transport))
        self._transport.close()

    def _stop_clock(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _begin_tls(self, first: bytes) -> None:
        # start_tls() loses bytes that were read already; this is what it is made of.
        protocol = sslproto.SSLProtocol(
            self._loop,
            self.inner(**self._facts, _loop=self._loop),  # type: ignore[call-arg]  # as uvicorn calls it
            self.tls.context,
            None,  # type: ignore[arg-type]  # asyncio's own servers have no one waiting either
            server_side=True,
            ssl_handshake_timeout=self.handshake_s,
            ssl_shutdown_timeout=_GOODBYE_S,
        )
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        while first and not self._transport.is_closing():
            room = protocol.get_buffer(len(first))
            taken = min(len(room), len(first))
            room[:taken] = first[:taken]
            protocol.buffer_updated(taken)
            first = first[taken:]


def _refuse_plain(host: Host, transport: asyncio.Transport) -> bytes:
    port = transport.get_extra_info("sockname")[1]
    words = Text(
        zh="此端口只用 HTTPS:{address}", en="This port speaks HTTPS only: {address}"
    ).format(address=f"https://{write_host(host)}:{port}/")
    body = f"{words.zh}\n{words.en}\n".encode()
    head = (
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def make_door(tls: Tls, inner: type[asyncio.Protocol]) -> type[Door]:
    """A class for uvicorn to make its protocols of: ``inner`` behind a :class:`Door`."""
    return type("TlsDoor", (Door,), {"tls": tls, "inner": inner})
