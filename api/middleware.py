"""What every request passes: hosts, sizes, patience, headers, counters. Plain ASGI."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import HTTP_TEXTS, problem
from api.language import choose_language
from api.routes.operation import REQUESTS, SECONDS

MAX_BODY = 1_048_576
MAX_TARGET = 8_192
IDLE_S = 10.0
TOTAL_S = 120.0
SECURITY_HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), microphone=(), geolocation=(self)",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
}


class _RefusedError(Exception):
    """A body that is too large or too slow."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Guard:
    """Limits before the application, headers and counters after it."""

    def __init__(self, app: ASGIApp, *, hosts: Sequence[str]) -> None:
        self.app = app
        self.hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        sent = _Sending(send)
        refused = self._refuse_head(scope)
        try:
            if refused is None:
                await self.app(scope, _Body(scope, receive), sent)
        except _RefusedError as error:
            refused = error.status
        if refused is not None and not sent.status:
            await self._answer(refused, scope, receive, sent)
        route = getattr(scope.get("endpoint"), "__name__", "none")
        REQUESTS.labels(route, str(sent.status)).inc()
        SECONDS.labels(route).observe((sent.first_byte or time.perf_counter()) - started)

    def _refuse_head(self, scope: Scope) -> int | None:
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        if _host_name(host) not in self.hosts:
            return 400
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_TARGET:
            return 414
        length = headers.get(b"content-length", b"0")
        if not length.isdigit():
            return 400
        return 413 if int(length) > MAX_BODY else None

    async def _answer(self, status: int, scope: Scope, receive: Receive, send: Send) -> None:
        language = choose_language(Request(scope))
        text = HTTP_TEXTS[status].get(language)
        headers = {"Connection": "close"}
        answer = problem(status, f"http-{status}", text, text, language=language, headers=headers)
        await answer(scope, receive, send)


def _host_name(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


class _Body:
    """The request's body, counted in chunks and timed."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._receive = receive
        self._left = MAX_BODY
        self._deadline = time.monotonic() + TOTAL_S
        self._whole = scope["method"] in ("GET", "HEAD", "OPTIONS")

    async def __call__(self) -> Message:
        if self._whole:
            return await self._receive()
        patience = min(IDLE_S, self._deadline - time.monotonic())
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, patience))
        except TimeoutError:
            raise _RefusedError(408) from None
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                raise _RefusedError(413)
            self._whole = not message.get("more_body", False)
        return message


class _Sending:
    """Adds the security headers; remembers status and the time of the first byte."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0
        self.first_byte: float | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.first_byte = time.perf_counter()
            names = {name.lower() for name, _ in message["headers"]}
            extra = [(n, v) for n, v in SECURITY_HEADERS.items() if n not in names]
            message = {**message, "headers": [*message["headers"], *extra]}
        await self._send(message)
