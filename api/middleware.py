"""What every request passes: hosts, sizes, patience, headers, counters. Plain ASGI."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.context import Parts
from api.errors import HTTP_TEXTS, problem
from api.language import choose_language

SECURITY_HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), microphone=(), geolocation=(self)",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
}

HSTS = (b"strict-transport-security", b"max-age=31536000")
"""With a given certificate only: what an own authority secures must stay open to plain HTTP."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much and how slowly a client may send: bytes, seconds, bytes per second."""

    body: int = 1_048_576
    target: int = 8_192
    head: int = 32_768
    idle_s: float = 10.0
    total_s: float = 120.0
    least_rate: float = 1_000.0


ROUTE_BODIES: dict[str, int] = {
    "/uploads": 4 * 1024**2,
    "/sync/import": 200 * 1024**2,
    "/inspections/import": 50 * 1024**2,
    "/desilting": 50 * 1024**2,
    "/surveys/batches": 64 * 1024**2,
}
"""Path prefix -> bytes a body may have there; everywhere else it is :class:`Limits`' 1 MiB."""


class Guard:
    """Limits before the application, headers and counters after it."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        parts: Parts,
        limits: Limits,
        bodies: Mapping[str, int],
    ) -> None:
        self.app = app
        self.parts = parts
        self.hosts = frozenset(parts.settings.allowed_hosts)
        self.metrics = parts.metrics
        self.language = parts.settings.language
        self.has_given_certificate = parts.settings.tls_certificate is not None
        self.limits = limits
        self.by_route = {
            prefix: replace(limits, body=max(limits.body, body)) for prefix, body in bodies.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        started = time.perf_counter()
        strict = self.has_given_certificate and scope["scheme"] == "https"
        sent = _Sending(send, (*SECURITY_HEADERS.items(), *([HSTS] if strict else [])))
        limits = self._find_limits(scope["path"])
        refused = self._refuse_head(scope, limits)
        try:
            if refused is None:
                await self.app(scope, _Body(scope, receive, limits), sent)
            else:
                await self._answer(refused, scope, receive, sent)
        finally:
            route = getattr(scope.get("endpoint"), "__name__", "none")
            self.metrics.requests.labels(route, str(sent.status)).inc()
            ended = sent.first_byte or time.perf_counter()
            self.metrics.seconds.labels(route).observe(ended - started)

    def _find_limits(self, path: str) -> Limits:
        """The limits of a path: those of the first prefix, in whole segments, that it has."""
        for prefix, limits in self.by_route.items():
            if path == prefix or path.startswith(f"{prefix}/"):
                return limits
        return self.limits

    def _refuse_head(self, scope: Scope, limits: Limits) -> int | None:
        headers = dict(scope["headers"])
        # uvicorn limits a head that is not whole yet, not one that comes in one piece.
        if sum(len(name) + len(value) for name, value in scope["headers"]) > limits.head:
            return 431
        if _host_name(headers.get(b"host", b"")) not in self.hosts:
            return 400
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > limits.target:
            return 414
        length = headers.get(b"content-length", b"0")
        if not length.isdigit():
            return 400
        return 413 if int(length) > limits.body else None

    async def _answer(self, status: int, scope: Scope, receive: Receive, send: Send) -> None:
        language = choose_language(Request(scope), otherwise=self.language)
        text = HTTP_TEXTS[status].get(language)
        headers = {"Connection": "close"}
        answer = problem(status, f"http-{status}", text, text, language=language, headers=headers)
        await answer(scope, receive, send)


_HOST = re.compile(rb"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")


def _host_name(host: bytes) -> str | None:
    """The name in a Host header without its port; None when it is no host at all."""
    found = _HOST.fullmatch(host)
    return found[1].decode().lower() if found else None


class _Body:
    """The request's body, counted in chunks and timed; HTTPException where it goes too far."""

    def __init__(self, scope: Scope, receive: Receive, limits: Limits) -> None:
        self._receive = receive
        self._limits = limits
        self._taken = 0
        self._began = time.monotonic()
        # Whoever reads on after a whole body waits for the client to leave: no hurry then.
        self._whole = scope["method"] in ("GET", "HEAD", "OPTIONS")

    async def __call__(self) -> Message:
        if self._whole:
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), self._patience())
        except TimeoutError:
            raise HTTPException(408, headers={"Connection": "close"}) from None
        if message["type"] == "http.request":
            self._taken += len(message.get("body", b""))
            if self._taken > self._limits.body:
                raise HTTPException(413, headers={"Connection": "close"})
            self._whole = not message.get("more_body", False)
        return message

    def _patience(self) -> float:
        """Seconds to wait for the next chunk: less for who has sent too little so far."""
        spent = time.monotonic() - self._began
        earned = self._limits.idle_s + self._taken / self._limits.least_rate
        return max(0.0, min(self._limits.idle_s, earned - spent, self._limits.total_s - spent))


class _Sending:
    """Adds the security headers; remembers status and the time of the first byte."""

    def __init__(self, send: Send, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self._send = send
        self._headers = headers
        self.status = 0
        self.first_byte: float | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.first_byte = time.perf_counter()
            names = {name.lower() for name, _ in message["headers"]}
            extra = [(n, v) for n, v in self._headers if n not in names]
            message = {**message, "headers": [*message["headers"], *extra]}
        await self._send(message)
