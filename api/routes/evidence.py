"""Evidence handed out: the sealed original as a download, safe pictures on the screen; and jobs."""

from __future__ import annotations

from typing import Any

from anyio.to_thread import run_sync
from sqlalchemy import Row, select
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from api.answers import answer_json
from api.context import Parts, application_of, parts_of
from api.errors import problem
from api.freshness import matches
from api.identity import person_of
from api.language import choose_language
from api.ogc.parameters import COMMON, check_known
from api.recording import recording_pool
from gis.attributes import Text
from gis.db.evidence_tables import blob
from gis.db.roles import Pool
from gis.errors import NotFoundError, ParameterError
from gis.evidence.examine_picture import SIZES
from gis.evidence.files import SHA256
from gis.evidence.sniff import Medium
from gis.hazards.questions import hazard_of_evidence
from gis.jobs.queue import Job, cancel_job, read_job
from gis.people.person import Credential

_CACHED = "private, max-age=31536000, immutable"
"""The address is the hash of the bytes: they cannot change. Never in a cache others share."""
_SEALED = {
    "Cache-Control": _CACHED,
    "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}
_UNKNOWN = Text(zh="没有此证据", en="there is no such evidence")
_LOST = Text(
    zh="证据文件缺失:请从备份恢复", en="the file of this evidence is missing: restore a backup"
)
_MAKING = Text(zh="图片正在生成,请稍后再取", en="the picture is being made: ask again shortly")


def _may_see(request: Request, sha256: str) -> bool:
    """Who holds a link sees what belongs to its hazard; the others are known by their action."""
    person = person_of(request)
    if person.credential is not Credential.LINK:
        return True
    statement = hazard_of_evidence(sha256)
    with application_of(request).database.read(Pool.FIELD) as connection:
        rows = connection.exec_driver_sql(statement.sql, statement.parameters).all()
    return any(row[0] == person.hazard_id for row in rows)


async def evidence(request: Request) -> Response:
    """The bytes as they came, or ``?size=thumb|screen``: a picture without the camera's notes."""
    check_known(request.query_params, (*COMMON, "size"))
    sha256, size = request.path_params["sha256"], request.query_params.get("size")
    if size is not None and size not in SIZES:
        raise ParameterError(
            Text(zh="size 只能是 thumb 或 screen", en="size is thumb or screen"), parameter="size"
        )
    # Who may not see it learns as little as who misspelt it.
    if not SHA256.fullmatch(sha256) or not await run_sync(_may_see, request, sha256):
        raise NotFoundError(_UNKNOWN)
    parts = parts_of(request)
    row = await run_sync(_read_blob, parts, recording_pool(person_of(request)), sha256)
    etag = f'"{sha256}-{size}"' if size else f'"{sha256}"'
    held = request.headers.get("if-none-match")
    if held is not None and matches(held, etag):
        return Response(status_code=304, headers={"ETag": etag, **_SEALED})
    headers = {"ETag": etag, **_SEALED}
    return await (_hand_out(parts, row, headers) if size is None else _show(request, row, headers))


async def _hand_out(parts: Parts, row: Row[Any], headers: dict[str, str]) -> Response:
    """The original: only ever as a download, whatever a browser would make of its bytes."""
    if not await run_sync(parts.files.has, row.sha256, row.bytes):
        raise NotFoundError(_LOST)
    name = f"{row.sha256[:16]}{Medium(row.media).suffix}"
    path = parts.files.path(row.sha256)
    return FileResponse(path, headers=headers, media_type=row.media, filename=name)


async def _show(request: Request, row: Row[Any], headers: dict[str, str]) -> Response:
    """A picture made of it; made now if a job has not yet, unless another is in the making."""
    parts = parts_of(request)
    if row.damage is not None:
        raise NotFoundError(Text(**row.damage))
    path = parts.files.derivative(row.sha256, request.query_params["size"])
    ready = await run_sync(path.exists) or await run_sync(parts.deriver.try_derive, row.sha256)
    if not ready:
        language = choose_language(request)
        words, wait = _MAKING.get(language), {"Retry-After": "2"}
        return problem(202, "being-made", words, words, language=language, headers=wait)
    return FileResponse(path, headers=headers, media_type="image/jpeg")


def _read_blob(parts: Parts, pool: Pool, sha256: str) -> Row[Any]:
    with parts.database.read(pool) as connection:
        row = connection.execute(select(blob).where(blob.c.sha256 == sha256)).one_or_none()
    if row is None:
        raise NotFoundError(_UNKNOWN)
    return row


async def job(request: Request) -> Response:
    """How far a job is and how it ended; DELETE cancels it."""
    check_known(request.query_params, COMMON)
    word = request.path_params["id"]
    if not (word.isascii() and word.isdigit() and len(word) <= 18):
        raise NotFoundError(Text(zh="没有此任务", en="there is no such job"))
    act = _cancel if request.method == "DELETE" else _read
    found = await run_sync(act, parts_of(request), int(word), person_of(request).login)
    return answer_json(request, found.as_dict())


def _read(parts: Parts, number: int, _login: str) -> Job:
    with parts.database.read(Pool.STAFF) as connection:
        return read_job(connection, number)


def _cancel(parts: Parts, number: int, login: str) -> Job:
    with parts.database.write(actor=login, reason="cancel a job", pool=Pool.JOBS) as connection:
        cancel_job(connection, number)
        return read_job(connection, number)
