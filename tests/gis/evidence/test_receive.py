"""What is taken in is kept byte for byte, once, and only if it is what was promised."""

from __future__ import annotations

import os
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError

from gis.db.cluster import Cluster
from gis.db.handle import set_context
from gis.db.roles import OWNER, Pool
from gis.errors import (
    BusyError,
    GoneError,
    InFlightError,
    InputError,
    NotFoundError,
    StorageFullError,
)
from gis.evidence import receive
from gis.evidence.files import EvidenceFiles
from gis.evidence.receive import Blob, Promise, Receiver
from gis.evidence.sweep import find_damaged, find_unclaimed, queue_missing, sweep_uploads
from tests.gis.evidence.conftest import Room
from tests.gis.evidence.photos import make_jpeg, sha256

PHOTO = make_jpeg(7, (640, 480))
NAME = sha256(PHOTO)


def promise(content: bytes = PHOTO, **changes: object) -> Promise:
    return replace(Promise(sha256(content), len(content), "image/jpeg"), **changes)


def test_a_stored_photo_is_a_read_only_file_named_by_its_hash(room: Room) -> None:
    assert room.take(PHOTO) == NAME
    path = room.files.folder / NAME[:2] / NAME
    assert path.read_bytes() == PHOTO
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert list(room.files.uploads.iterdir()) == []
    rows = room.ask("SELECT sha256, bytes, media, width, height, account FROM core.blob")
    assert rows == [(NAME, len(PHOTO), "image/jpeg", 640, 480, room.sender.account)]
    assert [b.sha256 for b in room.stored] == [NAME]
    assert room.ask("SELECT task_name, args FROM jobs.procrastinate_jobs") == [
        ("make_derivatives", {"sha256": NAME})
    ]


def test_a_photo_that_is_stored_is_complete_at_once_and_not_noted_again(room: Room) -> None:
    room.take(PHOTO)
    before = room.files.path(NAME).stat()
    standing = room.receiver.begin(promise(), room.sender)
    assert standing.is_complete
    with room.receiver.hold(standing.id, room.sender) as held:
        assert held.standing.offset == len(PHOTO)
    after = room.files.path(NAME).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert len(room.stored) == 1


def test_a_blob_whose_file_is_lost_is_uploaded_again_and_healed(room: Room) -> None:
    room.take(PHOTO)
    room.files.path(NAME).unlink()
    with room.db.read(Pool.STAFF) as connection:
        assert [d.text.en for d in find_damaged(connection, room.files)] == ["the file is missing"]
    room.take(PHOTO)
    with room.db.read(Pool.STAFF) as connection:
        assert find_damaged(connection, room.files) == []
    assert len(room.stored) == 1


def test_damaged_bytes_under_a_name_are_put_aside_not_overwritten(room: Room) -> None:
    room.take(PHOTO)
    path = room.files.path(NAME)
    path.chmod(0o600)
    path.write_bytes(b"\x00" + PHOTO[1:])
    with room.db.read(Pool.STAFF) as connection:
        assert find_damaged(connection, room.files, thorough=0) == []  # the size is right
        damaged = find_damaged(connection, room.files)
    assert [d.text.en for d in damaged] == ["the file's bytes do not match its hash"]
    path.write_bytes(PHOTO[:100])  # now begin() sees it too
    room.take(PHOTO)
    assert path.read_bytes() == PHOTO
    aside = [p for p in path.parent.iterdir() if ".damaged-" in p.name]
    assert [p.read_bytes() for p in aside] == [PHOTO[:100]]


def test_twenty_uploads_of_one_hash_at_once_make_one_blob(room: Room) -> None:
    receiver = room.receiver

    def send(_number: int) -> str:
        for _ in range(100):
            try:
                return room.take(PHOTO)
            except BusyError:  # twenty threads, four connections
                time.sleep(0.05)
        raise AssertionError

    with ThreadPoolExecutor(20) as crowd:
        assert set(crowd.map(send, range(20))) == {NAME}
    assert receiver is not room.receiver
    assert room.ask("SELECT count(*) FROM core.blob") == [(1,)]
    assert room.files.path(NAME).read_bytes() == PHOTO
    assert len(room.stored) == 1
    assert list(room.files.uploads.iterdir()) == []


def test_bytes_that_are_not_the_promised_ones_are_discarded_and_may_come_again(room: Room) -> None:
    lie = promise(sha256=sha256(b"something else"))
    standing = room.receiver.begin(lie, room.sender)
    with room.receiver.hold(standing.id, room.sender) as held:
        held.append(PHOTO)
        with pytest.raises(InputError, match="SHA-256") as refused:
            held.settle()
    assert refused.value.facts["rule"] == "hash-mismatch"
    with pytest.raises(NotFoundError), room.receiver.hold(standing.id, room.sender):
        pass
    assert list(room.files.uploads.iterdir()) == []
    assert room.ask("SELECT count(*) FROM core.blob") == [(0,)]
    assert room.take(PHOTO) == NAME


@pytest.mark.parametrize(
    "wrong",
    [
        {"sha256": "abc"},
        {"sha256": "A" * 64},
        {"sha256": "../" * 21 + "a"},
        {"size": 0},
        {"size": -1},
        {"size": receive.MAX_BYTES + 1},
        {"media": "image/svg+xml"},
        {"media": "text/html"},
        {"media": ""},
    ],
    ids=str,
)
def test_a_promise_that_cannot_be_kept_is_refused(room: Room, wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        room.receiver.begin(promise(**wrong), room.sender)
    assert room.ask("SELECT count(*) FROM core.upload") == [(0,)]


def test_an_upload_goes_on_where_it_broke_off_in_another_process(room: Room) -> None:
    standing = room.receiver.begin(promise(), room.sender)
    with room.receiver.hold(standing.id, room.sender) as held:
        held.append(PHOTO[:1000])
    other = Receiver(room.db, EvidenceFiles(room.files.folder.parent), on_stored=room.note)
    with other.hold(standing.id, room.sender) as held:
        assert held.standing.offset == 1000
        held.append(PHOTO[1000:])
        held.settle()
    assert room.files.path(NAME).read_bytes() == PHOTO


def test_an_upload_is_held_by_one_and_belongs_to_its_sender(room: Room) -> None:
    standing = room.receiver.begin(promise(), room.sender)
    first = room.receiver.hold(standing.id, room.sender)
    with first, pytest.raises(InFlightError), room.receiver.hold(standing.id, room.sender):
        pass
    stranger = replace(room.sender, account=uuid4())
    with pytest.raises(NotFoundError), room.receiver.hold(standing.id, stranger):
        pass


def test_more_than_promised_is_refused(room: Room) -> None:
    standing = room.receiver.begin(promise(), room.sender)
    with room.receiver.hold(standing.id, room.sender) as held:
        held.append(PHOTO[:-1])
        with pytest.raises(InputError, match="promised"):
            held.append(b"xy")
        assert held.standing.offset == len(PHOTO) - 1


def finish(receiver: Receiver, upload: UUID, room: Room) -> None:
    with receiver.hold(upload, room.sender) as held:
        held.append(PHOTO)
        held.settle()


@pytest.mark.parametrize("moment", ["before the name", "before the row", "before the end"])
def test_a_whole_upload_whose_recording_was_cut_off_is_recorded_by_the_next_request(
    room: Room, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    standing = room.receiver.begin(promise(), room.sender)
    with pytest.MonkeyPatch.context() as patch:
        if moment == "before the name":
            patch.setattr(EvidenceFiles, "keep", die)
        elif moment == "before the row":
            patch.setattr(room, "note", die)
        else:
            patch.setattr(EvidenceFiles, "drop_upload", die)
        with pytest.raises(Killed):
            finish(room.receiver, standing.id, room)
    room.stored.clear()
    with room.receiver.hold(standing.id, room.sender) as held:
        assert held.standing.is_complete
    assert room.files.path(NAME).read_bytes() == PHOTO
    assert room.ask("SELECT sha256 FROM core.blob") == [(NAME,)]
    assert len(room.stored) == (0 if moment == "before the end" else 1)
    again = room.receiver.begin(promise(), room.sender)
    assert again.is_complete


def test_what_on_stored_refuses_is_not_recorded(room: Room) -> None:
    def refuse(_connection: Connection, _blob: Blob) -> None:
        raise BusyError(receive._mismatch().message)

    receiver = Receiver(room.db, room.files, on_stored=refuse)
    standing = receiver.begin(promise(), room.sender)
    with pytest.raises(BusyError):
        finish(receiver, standing.id, room)
    assert room.ask("SELECT count(*) FROM core.blob") == [(0,)]
    assert room.ask("SELECT count(*) FROM jobs.procrastinate_jobs") == [(0,)]


def age(room: Room, cluster: Cluster, change: str) -> None:
    owner = create_engine(cluster.url(OWNER, str(room.db.engines[Pool.JOBS].url.database)))
    with owner.begin() as connection:
        connection.execute(text(f"UPDATE core.upload SET {change}"))
    owner.dispose()


def test_an_expired_upload_is_gone_and_then_swept_with_its_file(
    room: Room, cluster: Cluster
) -> None:
    kept = room.take(make_jpeg(8, (64, 64)))
    standing = room.receiver.begin(promise(), room.sender)
    with room.receiver.hold(standing.id, room.sender) as held:
        held.append(b"abc")
    age(room, cluster, "expires_at = now() - interval '1 hour'")
    with pytest.raises(GoneError), room.receiver.hold(standing.id, room.sender):
        pass
    sweep_uploads(room.db, room.files)
    assert room.files.partial(standing.id).exists()  # still told 410
    age(room, cluster, "expires_at = now() - interval '2 days'")
    partial = room.files.partial(standing.id)
    sweep_uploads(room.db, room.files)
    assert partial.exists()  # young: its sender may be writing
    make_old(partial)
    sweep_uploads(room.db, room.files)
    assert not partial.exists()
    assert room.files.path(kept).exists()
    with pytest.raises(NotFoundError), room.receiver.hold(standing.id, room.sender):
        pass


def make_old(path: Path) -> None:
    past = time.time() - timedelta(days=3).total_seconds()
    os.utime(path, (past, past))


def test_a_sweep_takes_nothing_that_is_stored_whether_a_row_knows_it_or_not(room: Room) -> None:
    stray = make_jpeg(9, (64, 64))
    path = room.files.path(sha256(stray))
    path.parent.mkdir(parents=True)
    path.write_bytes(stray)
    make_old(path)
    make_old(room.files.path(room.take(PHOTO)))
    running = room.receiver.begin(promise(stray), room.sender)
    with room.receiver.hold(running.id, room.sender) as held:
        held.append(stray[:10])
    make_old(room.files.partial(running.id))
    assert sweep_uploads(room.db, room.files) == 0
    assert path.read_bytes() == stray
    assert room.files.path(NAME).read_bytes() == PHOTO
    assert room.files.partial(running.id).exists()
    with room.db.read(Pool.STAFF) as connection:
        assert find_unclaimed(connection, room.files) == [sha256(stray)]
        assert find_damaged(connection, room.files) == []


def test_pictures_nobody_made_are_queued_again(room: Room) -> None:
    room.take(PHOTO)
    with room.db.write(actor="x", reason="lost queue", pool=Pool.JOBS) as connection:
        connection.execute(text("DELETE FROM jobs.procrastinate_jobs"))
    assert queue_missing(room.db) == 1
    assert room.ask("SELECT args FROM jobs.procrastinate_jobs") == [({"sha256": NAME},)]


def test_one_account_cannot_begin_without_end(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receive, "MAX_OPEN", 3)
    for _ in range(3):
        room.receiver.begin(promise(), room.sender)
    with pytest.raises(BusyError):
        room.receiver.begin(promise(), room.sender)
    room.receiver.begin(promise(), replace(room.sender, account=uuid4()))


def test_uploads_leave_the_reserve_of_the_disk_untouched(room: Room, tmp_path: Path) -> None:
    all_of_it = EvidenceFiles(tmp_path / "state", reserve=1 << 60)
    with pytest.raises(StorageFullError):
        Receiver(room.db, all_of_it).begin(promise(), room.sender)


def test_a_blob_is_never_changed_nor_deleted_even_by_its_owner(
    room: Room, cluster: Cluster
) -> None:
    room.take(PHOTO)
    owner = create_engine(cluster.url(OWNER, str(room.db.engines[Pool.JOBS].url.database)))
    for statement in (
        "UPDATE core.blob SET bytes = 1",
        "UPDATE core.blob SET stored_at = now()",
        "DELETE FROM core.blob",
        "TRUNCATE core.blob CASCADE",
    ):
        with owner.connect() as connection:
            set_context(connection, actor="owner", reason="tamper")
            with pytest.raises(DBAPIError) as refused:
                connection.execute(text(statement))
            assert getattr(refused.value.orig, "sqlstate", "") == "IT003", statement
    owner.dispose()


def test_the_public_reads_and_writes_no_evidence(room: Room) -> None:
    room.take(PHOTO)
    for table in ("blob", "upload", "derivative", "job_report"):
        for statement in (f"SELECT 1 FROM core.{table}", f"DELETE FROM core.{table}"):
            with (
                pytest.raises(DBAPIError, match="permission denied"),
                room.db.write(actor="x", reason="x", pool=Pool.PUBLIC) as connection,
            ):
                connection.execute(text(statement))
