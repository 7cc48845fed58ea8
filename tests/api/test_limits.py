"""What a client may send: a writing route that exists only here proves it until real ones come."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api.body import MAX_DEPTH, measure_depth, read_json
from api.errors import STATUS
from api.middleware import Limits
from gis import errors
from tests.api.conftest import Serve, Served

LIMITS = Limits(idle_s=0.6, total_s=2.0, least_rate=20_000)
MIB = 1_048_576


async def take(request: Request) -> Response:
    """Says what kind of thing it was sent."""
    return JSONResponse({"took": type(await read_json(request)).__name__})


async def take_raw(request: Request) -> Response:
    """A route that reads a body of any kind."""
    return JSONResponse({"took": len(await request.body())})


async def fail(_request: Request) -> Response:
    """A route with a fault."""
    raise RuntimeError("a secret of the inside")


@pytest.fixture(scope="module")
def writing(serve_as: Serve) -> Served:
    routes = [
        Route("/tests-only/json", take, methods=["POST"]),
        Route("/tests-only/raw", take_raw, methods=["POST"]),
        Route("/tests-only/fault", fail),
    ]
    return serve_as(routes=routes, limits=LIMITS)


def post(served: Served, content: bytes | Iterator[bytes], **headers: str) -> httpx.Response:
    sent = {"content-type": "application/json", **headers}
    return served.client.post("/tests-only/json", content=content, headers=sent)


def talk(served: Served, *parts: bytes, pause: float = 0.0) -> bytes:
    """Send raw bytes; everything that is answered until the server hangs up."""
    with socket.create_connection(("127.0.0.1", urlsplit(served.base).port)) as asking:
        asking.settimeout(10)
        try:
            for part in parts:
                asking.sendall(part)
                time.sleep(pause)
        except OSError:  # hung up on: what it said before is what we came for
            pass
        answer = b""
        try:
            while chunk := asking.recv(65536):
                answer += chunk
        except ConnectionResetError:
            pass
        return answer


def test_a_good_document_is_taken(writing: Served) -> None:
    assert post(writing, b'{"a": [1, 2.5, "\xe4\xba\x95"]}').json() == {"took": "dict"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"NaN",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": "\\u0000"}',
        b'{"\\u0000": 1}',
        b'["x\\ud800"]',
        b'["\\udc00x"]',
        b'{"a": "\xff\xfe"}',
        b'{"a": "\x00"}',
        b"'a'",
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b"[" * 400_000,
        b'{"a":' * 100_000,
        b"]" * 1000,
        b"\xef\xbb\xbf{}",
    ],
    ids=lambda content: repr(content[:14]),
)
def test_what_is_no_json_we_can_store_is_a_400(writing: Served, content: bytes) -> None:
    answer = post(writing, content)
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_32_levels_pass_and_brackets_in_text_do_not_count(writing: Served) -> None:
    assert post(writing, b"[" * MAX_DEPTH + b"]" * MAX_DEPTH).status_code == 200
    assert post(writing, json.dumps(["[{" * 100, 'a\\"[[[' * 40]).encode()).status_code == 200


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


@given(JSON)
def test_depth_is_that_of_the_parsed_document(document: object) -> None:
    def depth(value: object) -> int:
        if isinstance(value, dict):
            return 1 + max(map(depth, value.values()), default=0)
        if isinstance(value, list):
            return 1 + max(map(depth, value), default=0)
        return 0

    assert measure_depth(json.dumps(document).encode()) == depth(document)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=st.binary(max_size=300) | JSON.map(lambda d: json.dumps(d).encode()))
def test_no_body_whatever_is_a_server_error(writing: Served, content: bytes) -> None:
    assert post(writing, content).status_code in (200, 400)


def test_a_body_over_1_mib_is_a_413_by_its_announced_length(writing: Served) -> None:
    answer = talk(
        writing,
        b"POST /tests-only/raw HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048577\r\n\r\n",
    )
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"application/problem+json" in answer


def test_a_body_over_1_mib_is_a_413_when_it_comes_in_chunks(writing: Served) -> None:
    chunks = (b"x" * 65_536 for _ in range(17))
    answer = writing.client.post("/tests-only/raw", content=chunks)
    assert answer.status_code == 413
    exact = (b"x" * 65_536 for _ in range(16))
    assert writing.client.post("/tests-only/raw", content=exact).json() == {"took": MIB}


@pytest.mark.parametrize("length", [b"-1", b"1e3", b"ten", b"5, 6", b"0x10"])
def test_a_length_that_is_no_number_is_a_400(writing: Served, length: bytes) -> None:
    head = b"POST /tests-only/raw HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + length
    assert talk(writing, head + b"\r\n\r\n").startswith(b"HTTP/1.1 400")


def test_a_body_that_stops_is_a_408(writing: Served) -> None:
    head = b"POST /tests-only/raw HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
    began = time.perf_counter()
    assert talk(writing, head + b"abc").startswith(b"HTTP/1.1 408")
    assert time.perf_counter() - began < 3


def test_a_body_that_trickles_is_a_408(writing: Served) -> None:
    """A byte every 0.1 s is never idle for 0.6 s, and yet too slow."""
    head = b"POST /tests-only/raw HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
    began = time.perf_counter()
    answer = talk(writing, head, *([b"a"] * 30), pause=0.1)
    assert answer.startswith(b"HTTP/1.1 408")
    assert time.perf_counter() - began < 6


@pytest.mark.parametrize(
    "host",
    [
        b"elsewhere.example",
        b"127.0.0.1.elsewhere.example",
        b"localhost@elsewhere.example",
        b"localhost/x",
        b"localhost:80/x",
        b"localhost:x",
        b"",
        b"elsewhere.example:8000",
    ],
)
def test_a_host_that_is_not_ours_is_a_400(served: Served, host: bytes) -> None:
    answer = talk(served, b"GET / HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"elsewhere" not in answer.split(b"\r\n\r\n", 1)[1]


@pytest.mark.parametrize("host", [b"localhost", b"127.0.0.1:8000", b"[::1]:8000", b"LOCALHOST"])
def test_our_own_hosts_are_answered(served: Served, host: bytes) -> None:
    request = b"GET /conformance HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n"
    assert talk(served, request).startswith(b"HTTP/1.1 200")


def test_a_long_address_and_a_long_head_are_refused(served: Served) -> None:
    answer = served.client.get("/search", params={"q": "x" * 9_000})
    assert answer.status_code == 414
    assert answer.headers["content-type"] == "application/problem+json"
    head = (
        b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Long: "
        + b"x" * 100_000
        + b"\r\n\r\n"
    )
    assert talk(served, head).startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE"])
@pytest.mark.parametrize("path", ["/collections/road/items", "/", "/maps/progress", "/health"])
def test_a_method_nobody_serves_is_a_405_with_what_is(
    client: httpx.Client, method: str, path: str
) -> None:
    answer = client.request(method, path)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
    assert answer.json()["status"] == 405


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/collections/road/items/", "/../etc/passwd", "/%2e%2e/x", "/井"],
)
def test_an_unknown_path_is_a_404_problem(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_wrong_media_type_is_a_415(writing: Served) -> None:
    answer = writing.client.post("/tests-only/json", content=b"{}")
    assert answer.status_code == 415
    assert post(writing, b"{}", **{"content-type": "application/geo+json"}).status_code == 200


def test_a_fault_of_ours_is_a_500_that_tells_nothing(writing: Served) -> None:
    answer = writing.client.get("/tests-only/fault?lang=en")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
    assert "RuntimeError" not in answer.text


@pytest.mark.parametrize(
    "path", ["/", "/collections/road/items?limit=1", "/nothing", "/maps/progress", "/metrics"]
)
def test_every_answer_carries_the_security_headers(client: httpx.Client, path: str) -> None:
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "server" not in headers


def test_every_error_of_ours_has_its_status() -> None:
    leaves = [errors.InfratrackError]
    for error in leaves:
        leaves.extend(error.__subclasses__())
    ours = {error for error in leaves[1:] if error.__module__ == "gis.errors"}
    assert ours == set(STATUS)
