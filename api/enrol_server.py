"""The enrolment page on a port of its own: plain HTTP, few connections, small heads, no bodies."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from api.authority import read_certificate, tls_folder
from api.enrol_ca import EnrolApp, Enrolment
from api.serve import PatientProtocol, claim_port
from gis.attributes import Text
from gis.errors import SetupError
from gis.settings import Settings

HEADERS_S = 5.0
_CONNECTIONS = 64
_HEAD = 4_096


class HurriedProtocol(PatientProtocol):
    """A head here is short: it is waited for half as long."""

    headers_s = HEADERS_S


@contextmanager
def serve_enrolment(settings: Settings, base: str, port: int) -> Iterator[int]:
    """The page for the authority of ``settings`` on ``port``, in a thread; gives the port.

    ``base`` is the HTTPS address that follows. SetupError when there is no authority.
    """
    certificate = read_certificate(tls_folder(settings))
    if certificate is None:
        raise SetupError(Text(zh="还没有证书机构", en="there is no certificate authority yet"))
    app = EnrolApp(Enrolment(certificate, f"{base}/"), settings.language)
    server = uvicorn.Server(_configure(app))
    # Public, and meant for who cannot speak HTTPS with us yet.
    with claim_port(port, settings.host, is_safe=True) as listener:
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="enrolment", daemon=True
        )
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        try:
            yield int(listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()


def _configure(app: EnrolApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=HurriedProtocol,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=2,
        timeout_graceful_shutdown=1,
        h11_max_incomplete_event_size=_HEAD,
    )
