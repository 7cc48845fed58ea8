"""Answers under an ETag: validated on each use, compressed where the client accepts it."""

from __future__ import annotations

import gzip

import orjson
from starlette.requests import Request
from starlette.responses import Response

from api.freshness import make_etag, matches
from api.language import choose_language

_WORTH_PACKING = 1000
PLAIN_HEADERS = {
    "Cache-Control": "private, no-cache",
    "Vary": "Accept-Encoding, Accept-Language, Authorization, Cookie",
}


def accepts_gzip(request: Request) -> bool:
    """Whether the client reads gzip."""
    return "gzip" in request.headers.get("accept-encoding", "")


def pack(request: Request, content: bytes) -> tuple[bytes, bool]:
    """Content as it will be sent, and whether it was compressed (level 1: 4 ms for 400 kB)."""
    if len(content) < _WORTH_PACKING or not accepts_gzip(request):
        return content, False
    return gzip.compress(content, 1), True


def mark_packed(etag: str) -> str:
    """The ETag of the compressed representation."""
    return f'{etag[:-1]}-gzip"'


def has_current(request: Request, etag: str) -> bool:
    """Whether the client holds this state, compressed or not."""
    header = request.headers.get("if-none-match")
    return header is not None and (matches(header, etag) or matches(header, mark_packed(etag)))


def answer_unchanged(etag: str) -> Response:
    """304: what the client holds is true."""
    return Response(status_code=304, headers={"ETag": etag, **PLAIN_HEADERS})


def answer_json(
    request: Request, body: object, *, media: str = "application/json", status: int = 200
) -> Response:
    """A small JSON document under the ETag of its own bytes."""
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    etag = make_etag(content, media)
    if status == 200 and has_current(request, etag):
        return answer_unchanged(etag)
    packed = pack(request, content)
    return answer_packed(request, packed, etag=etag, media=media, status=status)


def answer_packed(
    request: Request,
    packed: tuple[bytes, bool],
    *,
    etag: str,
    media: str,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Response:
    """What :func:`pack` made, under its ETag."""
    content, compressed = packed
    out = {
        **PLAIN_HEADERS,
        "ETag": mark_packed(etag) if compressed else etag,
        "Content-Language": choose_language(request).value,
        **(headers or {}),
    }
    if compressed:
        out["Content-Encoding"] = "gzip"
    return Response(content, status, out, media)
