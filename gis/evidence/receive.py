"""Uploads: begun, continued at the byte where they broke off, and kept when they are whole.

The truth about an upload is its file: how many bytes are there is how far it is, also after the
server was killed. Everything here may be done again at any point without harm.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import uuid_utils
from sqlalchemy import Connection, Row, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from gis.attributes import Text
from gis.db.evidence_tables import blob, upload
from gis.db.handle import Database
from gis.db.roles import Pool
from gis.errors import BusyError, GoneError, InputError, NotFoundError
from gis.evidence.files import SHA256, EvidenceFiles, hash_file, name_full_disk
from gis.evidence.sniff import HEAD_BYTES, Medium, Sniffed, sniff
from gis.jobs.queue import enqueue

MAX_BYTES = 12 * 1024**2
KEPT = timedelta(days=7)
"""How long an unfinished upload may be resumed: a week in the hills without a signal."""
MAX_OPEN = 500
"""Unfinished uploads of one account: ten days of work of the busiest inspector."""
_REASON = "evidence upload"


@dataclass(frozen=True, slots=True)
class Promise:
    """What a client says it will send."""

    sha256: str
    size: int
    media: str
    event_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends: the account (None before accounts exist), a login for the record, a pool."""

    account: UUID | None
    login: str
    pool: Pool


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes that have just been stored."""

    sha256: str
    bytes: int
    media: str
    account: UUID | None
    actor: str
    event_id: UUID | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How an upload stands: ``offset`` of ``size`` bytes are there."""

    id: UUID
    offset: int
    size: int
    expires_at: datetime

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to send."""
        return self.offset == self.size


OnStored = Callable[[Connection, Blob], None]


def note_nothing(_connection: Connection, _blob: Blob) -> None:
    """The default of ``on_stored``."""


class Receiver:
    """Takes uploads in; ``on_stored`` runs in the transaction that records the blob."""

    def __init__(
        self, database: Database, files: EvidenceFiles, *, on_stored: OnStored = note_nothing
    ) -> None:
        self._database = database
        self._files = files
        self._on_stored = on_stored

    def begin(self, promise: Promise, sender: Sender) -> Standing:
        """Begin an upload; complete at once when the bytes are stored already.

        Raises InputError (not a hash, a medium or a size we take), BusyError (too many open) and
        StorageFullError.
        """
        _check(promise)
        self._files.require_room(promise.size)
        identifier = UUID(str(uuid_utils.uuid7()))
        expires = datetime.now(UTC) + KEPT
        with self._write(sender) as connection:
            _require_few_open(connection, sender)
            connection.execute(
                insert(upload).values(
                    id=identifier, sha256=promise.sha256, bytes=promise.size,
                    media=promise.media, account=sender.account, event_id=promise.event_id,
                    expires_at=expires,
                )
            )  # fmt: skip
            stored = select(blob.c.bytes).where(blob.c.sha256 == promise.sha256)
            known = connection.execute(stored).scalar()
            if known not in (None, promise.size):
                raise _mismatch()
            there = known is not None and self._files.has(promise.sha256, promise.size)
            if there:
                _mark_complete(connection, identifier)
        return Standing(identifier, promise.size if there else 0, promise.size, expires)

    @contextmanager
    def hold(self, identifier: UUID, sender: Sender) -> Iterator[Held]:
        """An upload of the sender's, held by nobody else meanwhile.

        Raises NotFoundError, GoneError (expired) and InFlightError (held).
        """
        with self._database.read(sender.pool, account=sender.account) as connection:
            row = _read_upload(connection, identifier, sender)
        if row.completed_at is not None:
            yield Held(self, row, sender, None)
            return
        if row.expires_at <= datetime.now(UTC):
            raise GoneError(
                Text(zh="此上传已过期,请重新开始", en="this upload has expired: begin it again")
            )
        with self._files.open_upload(identifier) as handle:
            held = Held(self, row, sender, handle)
            held.settle()  # whole, but the server ended before it was recorded
            yield held

    def drop(self, held: Held) -> None:
        """Forget an upload; what is stored stays."""
        with self._write(held.sender) as connection:
            connection.execute(delete(upload).where(upload.c.id == held.id))
        self._files.drop_upload(held.id)

    def complete(self, held: Held, handle: int) -> None:
        """Verify, keep and record a whole upload; InputError (and nothing left) if it is not right.

        The order matters: bytes on the disk, then the name, then the row. Killed between two of
        them, the next request does the rest.
        """
        try:
            seen = _verify(held, handle)
        except InputError:
            self.drop(held)
            raise
        self._files.keep(handle, self._files.partial(held.id), held.row.sha256)
        with self._write(held.sender) as connection:
            if _record(connection, held, seen):
                self._on_stored(connection, held.as_blob())
                if seen.medium.has_picture:
                    enqueue(connection, "make_derivatives", {"sha256": held.row.sha256})
        self._files.drop_upload(held.id)

    def _write(self, sender: Sender) -> AbstractContextManager[Connection]:
        return self._database.write(
            actor=sender.login, reason=_REASON, pool=sender.pool, account=sender.account
        )


class Held:
    """An upload while one request has it to itself."""

    def __init__(
        self, receiver: Receiver, row: Row[Any], sender: Sender, handle: int | None
    ) -> None:
        self._receiver = receiver
        self._handle = handle
        self.row = row
        self.sender = sender
        self.id: UUID = row.id

    @property
    def standing(self) -> Standing:
        """How far it is: what the file says."""
        size: int = self.row.bytes
        offset = size if self._handle is None else os.fstat(self._handle).st_size
        return Standing(self.id, offset, size, self.row.expires_at)

    def append(self, chunk: bytes) -> None:
        """Write on at the end; InputError beyond the promised size, StorageFullError."""
        standing = self.standing
        if self._handle is None or standing.offset + len(chunk) > standing.size:
            raise InputError(
                Text(zh="发送的内容超过声明的大小", en="more was sent than was promised"),
                rule="beyond-size",
            )
        with name_full_disk():
            place = standing.offset
            while chunk:  # a nearly full disk takes a part
                written = os.pwrite(self._handle, chunk, place)
                place, chunk = place + written, chunk[written:]

    def cut(self, offset: int) -> None:
        """Go back to ``offset``: what was sent after it proved wrong."""
        if self._handle is not None:
            os.ftruncate(self._handle, offset)

    def settle(self) -> None:
        """Complete the upload if it is whole, once."""
        if self._handle is not None and self.standing.is_complete:
            handle, self._handle = self._handle, None
            self._receiver.complete(self, handle)

    def drop(self) -> None:
        """Forget the upload."""
        self._receiver.drop(self)

    def as_blob(self) -> Blob:
        """What it is once it is stored."""
        row = self.row
        actor = self.sender.login
        return Blob(row.sha256, row.bytes, row.media, row.account, actor, row.event_id)


def _check(promise: Promise) -> None:
    if not SHA256.fullmatch(promise.sha256):
        raise InputError(
            Text(zh="sha256 应为 64 位小写十六进制", en="sha256 must be 64 lower-case hex digits"),
            rule="hash-form",
        )
    if promise.media not in [*Medium]:
        raise InputError(
            Text(zh="不接收此类文件;可用:{known}", en="not taken as evidence; taken are: {known}")
            .format(known=", ".join(Medium)),
            rule="media",
        )  # fmt: skip
    if not 0 < promise.size <= MAX_BYTES:
        raise InputError(
            Text(
                zh="文件大小应在 1 至 {limit} 字节之间", en="a file has 1 to {limit} bytes"
            ).format(limit=MAX_BYTES),
            rule="size",
            limit=MAX_BYTES,
        )


def _require_few_open(connection: Connection, sender: Sender) -> None:
    mine = upload.c.account.is_not_distinct_from(sender.account)
    unfinished = upload.c.completed_at.is_(None) & (upload.c.expires_at > func.now())
    count = connection.execute(select(func.count()).where(mine & unfinished)).scalar_one()
    if count >= MAX_OPEN:
        raise BusyError(
            Text(
                zh="未完成的上传过多({limit} 个),请先完成它们",
                en="too many unfinished uploads ({limit}): finish those first",
            ).format(limit=MAX_OPEN)
        )


def _read_upload(connection: Connection, identifier: UUID, sender: Sender) -> Row[Any]:
    row = connection.execute(select(upload).where(upload.c.id == identifier)).one_or_none()
    if row is None or row.account != sender.account:
        raise NotFoundError(Text(zh="没有此上传,请重新开始", en="no such upload: begin it again"))
    return row


def _verify(held: Held, handle: int) -> Sniffed:
    if hash_file(handle) != held.row.sha256:
        raise _mismatch()
    return sniff(os.pread(handle, HEAD_BYTES, 0), held.row.media)


def _mismatch() -> InputError:
    return InputError(
        Text(
            zh="内容与声明的 SHA-256 不符,请重新上传",
            en="the bytes do not have the SHA-256 that was promised: upload them again",
        ),
        rule="hash-mismatch",
    )


def _record(connection: Connection, held: Held, seen: Sniffed) -> bool:
    """Record the blob and the end of its upload; whether it is new."""
    row = upsert(blob).values(
        sha256=held.row.sha256, bytes=held.row.bytes, media=held.row.media,
        width=seen.width, height=seen.height, account=held.row.account,
    )  # fmt: skip
    made = connection.execute(row.on_conflict_do_nothing().returning(blob.c.sha256)).scalar()
    _mark_complete(connection, held.id)
    return made is not None


def _mark_complete(connection: Connection, identifier: UUID) -> None:
    ended = update(upload).where(upload.c.id == identifier).values(completed_at=func.now())
    connection.execute(ended)
