"""Serve the application on 127.0.0.1 until interrupted."""

from __future__ import annotations

import errno
import socket

import uvicorn

from api.app import create_app
from gis.attributes import Text
from gis.db.connect import Installation
from gis.errors import SetupError
from gis.settings import Settings

HOST = "127.0.0.1"
"""Until accounts exist nothing but this machine may ask."""


def claim_port(port: int) -> socket.socket:
    """A listening socket on the loopback address, or SetupError when the port is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(256)
    except OSError as error:
        listener.close()
        if error.errno != errno.EADDRINUSE:
            raise
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


def serve(settings: Settings, installation: Installation, listener: socket.socket) -> None:
    """Answer requests on ``listener`` until SIGINT or SIGTERM.

    ``h11`` keeps the case of header names (QGIS compares ``Location`` by case).
    """
    app = create_app(installation.urls, settings)
    config = uvicorn.Config(
        app,
        http="h11",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=20,
        timeout_graceful_shutdown=5,
        h11_max_incomplete_event_size=32_768,
        limit_concurrency=400,
    )
    uvicorn.Server(config).run(sockets=[listener])
