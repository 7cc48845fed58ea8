"""Serve the application until interrupted, on the loopback address unless told otherwise."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Mapping

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from api.app import create_app
from api.middleware import Guard
from api.tls import Tls, make_door
from gis.attributes import Text
from gis.db.connect import Installation
from gis.db.roles import Pool
from gis.errors import SetupError
from gis.settings import Settings, is_loopback

HOST = "127.0.0.1"
HEADERS_S = 10.0
"""Seconds a client may take over the head of a request."""


def check_unencrypted(host: str) -> None:
    """SetupError unless ``host`` is this machine's alone: passwords would travel in the clear."""
    if not is_loopback(host):
        raise SetupError(
            Text(
                zh="不加密时只能在本机地址上监听,否则口令与令牌会明文传输:用 serve --tls,"
                "或让本机上的 HTTPS 代理转发到 127.0.0.1(GIS_HOST 为 {host})",
                en="without encryption only this machine is served, for passwords and tokens would"
                " travel in the clear: use serve --tls, or have an HTTPS proxy on this machine"
                " forward to 127.0.0.1 (GIS_HOST is {host})",
            ).format(host=host)
        )


def claim_port(port: int, host: str = HOST, *, is_safe: bool = False) -> socket.socket:
    """A listening socket, or SetupError when the port is taken or the address is not ours.

    ``is_safe``: nothing secret will pass in the clear. Without, no other machine is listened to.
    """
    if not is_safe:
        check_unencrypted(host)
    # With the protocol named asyncio sets TCP_NODELAY; without, each answer waits 40 ms for an ACK.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host.strip("[]"), port))
        listener.listen(512)
    except OSError as error:
        listener.close()
        if error.errno != errno.EADDRINUSE:
            raise SetupError(
                Text(
                    zh="无法在 GIS_HOST 的地址 {host} 上监听:{reason}",
                    en="cannot listen on {host} (GIS_HOST): {reason}",
                ).format(host=host, reason=error.strerror or error)
            ) from error
        raise SetupError(
            Text(
                zh="端口 {port} 已被占用:城建一张图可能已在运行(http://127.0.0.1:{port}),"
                "或用 --port 换一个端口",
                en="port {port} is in use: Infratrack may be running already"
                " (http://127.0.0.1:{port}), or choose another with --port",
            ).format(port=port),
            port=port,
        ) from None
    return listener


class PatientProtocol(H11Protocol):
    """uvicorn's protocol, which hangs up on who does not finish the head of a request.

    uvicorn waits for it without end (measured: 900 of 900 stalled connections alive after 75 s).
    """

    headers_s = HEADERS_S
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn declares it
        """Start the clock: the first request is due."""
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """A part of a request: the clock runs while its head is not whole."""
        super().data_received(data)
        if self._awaits_head():
            self._expect_head()
        else:
            self._stop_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the clock."""
        self._stop_clock()
        super().connection_lost(exc)

    def _stop_clock(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _expect_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self.headers_s, self._hang_up)

    def _hang_up(self) -> None:
        self._head_timer = None
        if self._awaits_head() and not self.transport.is_closing():
            self.transport.close()

    def _awaits_head(self) -> bool:
        answered = self.cycle is None or self.cycle.response_complete
        return answered and self.conn.their_state is h11.IDLE


class Server(uvicorn.Server):
    """uvicorn's server; live pages are let go first, for they would hold up the end."""

    def __init__(self, config: uvicorn.Config, guard: Guard) -> None:
        super().__init__(config)
        self._guard = guard

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let the streams end, then the requests."""
        self._guard.parts.listener.release()
        await super().shutdown(sockets)


def make_server(app: Guard, tls: Tls | None = None) -> Server:
    """A server for ``app``; ``run(sockets=[…])`` serves until it is told to stop."""
    config = uvicorn.Config(
        app,
        http=make_door(tls, PatientProtocol) if tls else PatientProtocol,
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=20,
        timeout_graceful_shutdown=5,
        h11_max_incomplete_event_size=32_768,
    )
    return Server(config, app)


def serve(
    settings: Settings,
    installation: Installation,
    listener: socket.socket,
    tls: Tls | None = None,
) -> None:
    """Answer requests on ``listener`` until SIGINT or SIGTERM.

    ``h11`` keeps the case of header names (QGIS compares ``Location`` by case).
    """
    urls: Mapping[Pool, str] = installation.urls
    cluster = installation.cluster
    app = create_app(urls, settings, require_room=cluster.require_room if cluster else None)
    make_server(app, tls).run(sockets=[listener])
