"""Values of a query, and a file sent as the body, read alike by every route that takes them."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from uuid import UUID

from anyio.to_thread import run_sync
from starlette.datastructures import QueryParams
from starlette.requests import Request

from api.ogc.parameters import refuse_parameter


def read_day(query: QueryParams, name: str) -> date | None:
    """A day; None where it is not asked for."""
    if name not in query:
        return None
    try:
        return date.fromisoformat(query[name])
    except ValueError:
        raise refuse_parameter(name, "需为日期,如 2026-06-30", "takes a date") from None


def read_days(query: QueryParams) -> tuple[date | None, date | None]:
    """The days ``from`` and ``to``, in order."""
    first, last = read_day(query, "from"), read_day(query, "to")
    check_order(first, last)
    return first, last


def check_order(first: date | None, last: date | None) -> None:
    """Refuse a period that ends before it begins."""
    if first is not None and last is not None and last < first:
        raise refuse_parameter("to", "早于 from", "is before from")


def read_choice(query: QueryParams, name: str, known: Sequence[str]) -> str | None:
    """One of the known words; None where it is not asked for."""
    word = query.get(name)
    if word is not None and word not in known:
        words = ", ".join(known)
        raise refuse_parameter(name, f"需为 {words} 之一", f"takes one of {words}")
    return word


def read_text(query: QueryParams, name: str) -> str | None:
    """Words that can be stored; None where it is not asked for."""
    word = query.get(name)
    if word is not None and (len(word) > 200 or "\x00" in word):
        raise refuse_parameter(name, "过长或无法存储", "is too long, or cannot be stored")
    return word


def read_pipe(query: QueryParams) -> UUID | None:
    """The id of a pipe; None where it is not asked for."""
    try:
        return UUID(query["pipe"]) if "pipe" in query else None
    except ValueError:
        raise refuse_parameter("pipe", "需为管段标识", "takes a pipe's id") from None


@asynccontextmanager
async def receive_file(request: Request) -> AsyncIterator[Path]:
    """The body as a file, written as it comes; it is gone when the block ends."""
    with tempfile.TemporaryDirectory(prefix="infratrack-body-") as folder:
        path = Path(folder) / "book"
        with path.open("wb") as file:
            async for piece in request.stream():
                await run_sync(file.write, piece)
        yield path
