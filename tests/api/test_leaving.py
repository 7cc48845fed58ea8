"""A client that leaves takes its query with it; one that never finishes asking is let go."""

from __future__ import annotations

import socket
import statistics
import time
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import text
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.context import parts_of
from api.reading import Ask
from api.serve import PatientProtocol
from gis.db.roles import Pool
from gis.queries import Statement
from tests.api.conftest import Serve, Served

# A query that keeps a backend busy for minutes without a function our roles may not call.
SLOW = Statement(
    "SELECT count(*) /* slow */ FROM generate_series(1, 100000) a, generate_series(1, 100000) b"
    " WHERE a + b < 0",
    {},
)


async def answer_slowly(request: Request) -> Response:
    """A reading route as any other, whose query takes long."""

    def work(ask: Ask) -> str:
        return str(ask(SLOW)[0][0])

    return Response(await parts_of(request).reader.run(request, work))


@pytest.fixture(scope="module")
def slow(serve_as: Serve) -> Served:
    return serve_as(routes=[Route("/tests-only/slow", answer_slowly)])


def count_busy(served: Served) -> int:
    # As the role that asks: another sees that a backend is busy, but not with what.
    with served.db.read(Pool.STAFF) as connection:
        found: int = connection.execute(
            text(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE state = 'active' AND query LIKE '%/* slow */%' AND pid <> pg_backend_pid()"
            )
        ).scalar_one()
        return found


def wait_for(served: Served, busy: int, *, seconds: float) -> float:
    """Seconds until so many backends are busy."""
    began = time.perf_counter()
    while count_busy(served) != busy:
        assert time.perf_counter() - began < seconds, f"not {busy} busy after {seconds} s"
        time.sleep(0.02)
    return time.perf_counter() - began


def ask_and_wait(served: Served, path: str) -> socket.socket:
    port = urlsplit(served.base).port
    asking = socket.create_connection(("127.0.0.1", port))
    asking.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    return asking


def test_a_query_ends_within_a_second_of_its_client_leaving(slow: Served) -> None:
    for _ in range(3):
        asking = ask_and_wait(slow, "/tests-only/slow")
        wait_for(slow, 1, seconds=5)
        asking.close()
        assert wait_for(slow, 0, seconds=1) < 1
    assert slow.client.get("/collections/road/items?limit=1").status_code == 200


def test_clients_that_leave_free_the_whole_pool(slow: Served) -> None:
    """Eight ask, four have a connection and four wait for one; all leave; the pool serves on."""
    asking = [ask_and_wait(slow, "/tests-only/slow") for _ in range(8)]
    wait_for(slow, 4, seconds=5)
    for one in asking:
        one.close()
    wait_for(slow, 0, seconds=2)
    began = time.perf_counter()
    assert slow.client.get("/collections/road/items?limit=1").status_code == 200
    assert time.perf_counter() - began < 1


def test_a_full_pool_answers_503_and_says_when_to_come_back(slow: Served) -> None:
    asking = [ask_and_wait(slow, "/tests-only/slow") for _ in range(4)]
    try:
        wait_for(slow, 4, seconds=5)
        assert slow.client.get("/conformance").status_code == 200
        answer = slow.client.get("/collections/road/items")
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "2"
        assert answer.json()["type"] == "urn:infratrack:problem:busy"
    finally:
        for one in asking:
            one.close()
    wait_for(slow, 0, seconds=2)


def test_a_query_over_its_time_is_a_503(slow: Served) -> None:
    """The role's statement_timeout ends it: 10 s for staff."""
    answer = slow.client.get("/tests-only/slow", timeout=20)
    assert answer.status_code == 503
    assert answer.elapsed.total_seconds() < 12


def test_stalled_heads_are_hung_up_on_and_cost_others_nothing(
    serve_as: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PatientProtocol, "headers_s", 2.0)
    served = serve_as()
    port = urlsplit(served.base).port
    stalled = []
    for _ in range(300):
        one = socket.create_connection(("127.0.0.1", port))
        one.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        stalled.append(one)
    times = []
    for _ in range(60):
        began = time.perf_counter()
        assert served.client.get("/conformance").status_code == 200
        times.append(time.perf_counter() - began)
    assert statistics.quantiles(times, n=100)[98] < 0.1
    stalled[0].settimeout(6)
    for one in stalled:
        one.settimeout(6)
        assert one.recv(100) == b""
        one.close()


def test_a_connection_kept_alive_may_not_stall_its_next_head_either(
    serve_as: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PatientProtocol, "headers_s", 1.0)
    served = serve_as()
    head = b"GET /conformance HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    with socket.create_connection(("127.0.0.1", urlsplit(served.base).port)) as asking:
        asking.settimeout(5)
        for _ in range(2):
            asking.sendall(head + b"\r\n")
            answer = b""
            while not answer.endswith(b"]}"):
                chunk = asking.recv(65536)
                assert chunk, "hung up on"
                answer += chunk
            assert answer.startswith(b"HTTP/1.1 200")
            time.sleep(1.5)  # idle between requests is allowed, as long as keep-alive says
        asking.sendall(head)
        assert asking.recv(65536) == b""


def test_a_client_without_a_database_gets_a_503_and_no_secrets(served: Served) -> None:
    from api.app import create_app
    from gis.settings import Settings
    from tests.api.conftest import run_server

    nowhere = dict.fromkeys(Pool, "postgresql+psycopg://x:secret@/nowhere?host=/nonexistent")
    app = create_app(nowhere, Settings(state_folder=served.app.parts.settings.state_folder))
    with run_server(app) as base, httpx.Client(base_url=base, timeout=20) as client:
        for path in ("/health", "/collections/road/items"):
            answer = client.get(path)
            assert answer.status_code == 503, path
            assert "secret" not in answer.text
            assert "nonexistent" not in answer.text
        assert client.get("/conformance").status_code == 200
