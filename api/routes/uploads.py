"""Resumable uploads: tus 1.0.0 with creation (with upload), termination, checksum and expiration.

A photo is sent after its record, in pieces of at most 4 MiB
(``api.middleware.ROUTE_BODIES``). Bytes go to the disk as they come:
what was received before a connection, or the server, died need not be sent again.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from email.utils import format_datetime
from uuid import UUID

from anyio.to_thread import run_sync
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from api.context import parts_of
from api.errors import answer_error, answer_http, problem
from api.identity import person_of
from api.language import choose_language
from api.recording import recording_pool
from gis.attributes import Text
from gis.errors import (
    ConflictError,
    InfratrackError,
    InputError,
    NotFoundError,
)
from gis.evidence.receive import MAX_BYTES, Held, Promise, Sender, Standing

VERSION = "1.0.0"
UPLOADS_METHODS = ("OPTIONS", "POST")
UPLOAD_METHODS = ("OPTIONS", "HEAD", "PATCH", "DELETE", "POST")
"""POST stands for another method where a proxy lets no PATCH through (X-HTTP-Method-Override)."""
_MEDIA = "application/offset+octet-stream"
_FLUSH_BYTES = 256 * 1024
_MOST_DIGITS = 15
_FEATURES = {
    "Tus-Version": VERSION,
    "Tus-Extension": "creation,creation-with-upload,termination,checksum,expiration",
    "Tus-Max-Size": str(MAX_BYTES),
    "Tus-Checksum-Algorithm": "sha256",
}
_MISSING_VERSION = Text(zh="需要请求头 Tus-Resumable: 1.0.0", en="Tus-Resumable: 1.0.0 is needed")
_MISMATCH = Text(
    zh="本段内容与其校验和不符,请重发本段",
    en="this piece does not have its checksum: send it again",
)


async def uploads(request: Request) -> Response:
    """What this server can do (OPTIONS), or the beginning of an upload (POST)."""
    if request.method == "OPTIONS":
        return _describe(UPLOADS_METHODS)
    return await _answer(request, _begin)


async def upload(request: Request) -> Response:
    """One upload: how far it is (HEAD), its next bytes (PATCH), its end (DELETE)."""
    method = request.method
    if method == "OPTIONS":
        return _describe(UPLOAD_METHODS)
    if method == "POST":
        method = request.headers.get("x-http-method-override", "").upper()
    act = {"HEAD": _tell, "PATCH": _continue, "DELETE": _end}.get(method)
    if act is None:
        raise HTTPException(405, headers={"Allow": ", ".join(UPLOAD_METHODS)})
    return await _answer(request, act)


def sender_of(request: Request) -> Sender:
    """Who sends: an account, or the hazard whose link is shown."""
    person = person_of(request)
    account = person.account_id or person.hazard_id
    return Sender(account=account, login=person.login, pool=recording_pool(person))


def _describe(methods: tuple[str, ...]) -> Response:
    headers = {"Allow": ", ".join(methods), "Tus-Resumable": VERSION, **_FEATURES}
    return Response(status_code=204, headers=headers)


async def _answer(request: Request, act: Callable[[Request], Awaitable[Response]]) -> Response:
    """The answer in the protocol's version; that of an error as well."""
    try:
        if request.headers.get("tus-resumable") == VERSION:
            answer = await act(request)
        else:
            answer = _refuse(request, 412, "tus-version", _MISSING_VERSION)
            answer.headers["Tus-Version"] = VERSION
    except HTTPException as error:
        answer = answer_http(request, error)
    except (InfratrackError, SQLAlchemyError) as error:
        answer = answer_error(request, error)
    except ClientDisconnect:
        answer = Response(status_code=499)  # nobody reads it
    answer.headers["Tus-Resumable"] = VERSION
    answer.headers["Cache-Control"] = "no-store"
    return answer


async def _begin(request: Request) -> Response:
    sender, promise = sender_of(request), _read_promise(request)
    standing = await run_sync(parts_of(request).receiver.begin, promise, sender)
    if request.headers.get("content-type") == _MEDIA:
        standing = await _take_first(request, standing, sender)
    headers = {"Location": f"/uploads/{standing.id}", **_place(standing)}
    return Response(status_code=201, headers=headers)


async def _take_first(request: Request, standing: Standing, sender: Sender) -> Standing:
    """Bytes that came with the beginning; read to their end also when nobody needs them."""
    async with _hold(request, standing.id, sender) as held:
        if standing.is_complete:
            async for _chunk in request.stream():
                continue
        else:
            await _take(request, held)
        return held.standing


async def _tell(request: Request) -> Response:
    async with _hold(request, _read_id(request), sender_of(request)) as held:
        standing, row = held.standing, held.row
    promised = {"sha256": row.sha256, "media": row.media, "event": row.event_id}
    metadata = (
        f"{key} {base64.b64encode(str(value).encode()).decode()}"
        for key, value in promised.items()
        if value is not None
    )
    headers = {"Upload-Length": str(standing.size), "Upload-Metadata": ",".join(metadata)}
    return Response(status_code=200, headers={**headers, **_place(standing)})


async def _continue(request: Request) -> Response:
    if request.headers.get("content-type") != _MEDIA:
        raise HTTPException(415)
    offset = _read_number(request, "upload-offset")
    async with _hold(request, _read_id(request), sender_of(request)) as held:
        if offset != held.standing.offset:
            raise ConflictError(
                Text(zh="续传位置不符", en="that is not where this upload stands"),
                offset=held.standing.offset,
            )
        if not await _take(request, held):
            return _refuse(request, 460, "checksum-mismatch", _MISMATCH)
        return Response(status_code=204, headers=_place(held.standing))


async def _end(request: Request) -> Response:
    async with _hold(request, _read_id(request), sender_of(request)) as held:
        await run_sync(held.drop)
    return Response(status_code=204)


async def _take(request: Request, held: Held) -> bool:
    """Write the body on as it comes; whether it has the checksum it was sent with, if any.

    What came before a client fell silent or left is kept, unverified: the whole file's hash is
    compared in the end.
    """
    wanted = _read_checksum(request)
    began = held.standing.offset
    digest = hashlib.sha256()
    pending = bytearray()
    try:
        async for chunk in request.stream():
            digest.update(chunk)
            pending += chunk
            if len(pending) >= _FLUSH_BYTES:
                whole, pending = bytes(pending), bytearray()
                await run_sync(held.append, whole)
    finally:
        if pending:
            await run_sync(held.append, bytes(pending))
    if wanted is not None and digest.digest() != wanted:
        held.cut(began)
        return False
    await run_sync(held.settle)
    return True


@asynccontextmanager
async def _hold(request: Request, identifier: UUID, sender: Sender) -> AsyncIterator[Held]:
    """An upload while this request has it to itself."""
    holding: AbstractContextManager[Held] = parts_of(request).receiver.hold(identifier, sender)
    held = await run_sync(holding.__enter__)
    try:
        yield held
    finally:
        holding.__exit__(None, None, None)


def _place(standing: Standing) -> dict[str, str]:
    expires = format_datetime(standing.expires_at, usegmt=True)
    return {"Upload-Offset": str(standing.offset), "Upload-Expires": expires}


def _refuse(request: Request, status: int, kind: str, text: Text) -> Response:
    language = choose_language(request)
    words = text.get(language)
    return problem(status, kind, words, words, language=language)


def _read_id(request: Request) -> UUID:
    try:
        return UUID(request.path_params["id"])
    except ValueError:
        raise NotFoundError(Text(zh="没有此上传", en="no such upload")) from None


def _read_number(request: Request, name: str) -> int:
    word = request.headers.get(name, "")
    if not (word.isascii() and word.isdigit() and len(word) <= _MOST_DIGITS):
        raise InputError(
            Text(zh="请求头 {name} 应为整数", en="the header {name} must be a whole number").format(
                name=name
            )
        )
    return int(word)


def _read_promise(request: Request) -> Promise:
    size = _read_number(request, "upload-length")
    if size > MAX_BYTES:
        raise HTTPException(413)
    known = _read_metadata(request.headers.get("upload-metadata", ""))
    try:
        event = UUID(known["event"]) if known.get("event") else None
        return Promise(known["sha256"], size, known["media"], event)
    except (KeyError, ValueError):
        raise InputError(
            Text(
                zh="Upload-Metadata 须含 sha256 与 media;event 如有须为 UUID",
                en="Upload-Metadata needs sha256 and media; event, if given, is a UUID",
            )
        ) from None


def _read_metadata(header: str) -> dict[str, str]:
    """The pairs of ``Upload-Metadata``; a name the client gave its file is of no use to us."""
    found = {}
    for pair in header.split(","):
        key, _, value = pair.strip().partition(" ")
        try:
            found[key] = base64.b64decode(value, validate=True).decode("utf-8")
        except (binascii.Error, ValueError):
            raise InputError(
                Text(zh="Upload-Metadata 格式有误", en="Upload-Metadata is malformed")
            ) from None
    return found


def _read_checksum(request: Request) -> bytes | None:
    header = request.headers.get("upload-checksum")
    if header is None:
        return None
    algorithm, _, value = header.strip().partition(" ")
    try:
        wanted = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        wanted = b""
    if algorithm != "sha256" or len(wanted) != hashlib.sha256().digest_size:
        raise InputError(
            Text(
                zh="Upload-Checksum 应为 sha256 加 Base64", en="Upload-Checksum: sha256 and Base64"
            )
        )
    return wanted
