"""Backup and restore: one consistent archive, whole or not at all, and the way back proved."""

from __future__ import annotations

import io
import json
import tarfile
import threading
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ProgrammingError

from gis import store
from gis.attributes import Language
from gis.db.roles import Pool
from gis.errors import ConflictError, SetupError, SourceError
from gis.jobs.archive import DUMP, MANIFEST, read_manifest
from gis.jobs.backup import backup_folder, make_backup
from gis.jobs.queue import enqueue
from gis.jobs.restore import restore_backup
from gis.jobs.tables import find_gaps, mark_tables
from gis.people.accounts import NewAccount, create_account, read_roles
from gis.people.devices import enrol_device
from gis.people.login import check_credentials, open_session
from gis.people.person import Person, PersonRole
from gis.people.tokens import find_person
from gis.settings import Settings
from tests.gis.jobs.conftest import OpenInstallation, fill, read_everything

VERSIONS = "core.collection_version"
TRAIL = "core.audit_event"


def test_a_drill_backup_then_wipe_then_restore_brings_back_every_row_of_every_table(
    open_clone: OpenInstallation, settings: Settings, tmp_path: Path
) -> None:
    first, second = open_clone(), open_clone()
    fill(first)
    with first.db.write(actor="王工", reason="照片", pool=Pool.FIELD) as connection:
        connection.execute(
            text("INSERT INTO core.blob (sha256, bytes, media) VALUES (:h, 8, 'image/jpeg')"),
            {"h": "a" * 64},
        )
        enqueue(connection, "make_derivatives", {"sha256": "a" * 64})
    photo = settings.state_folder / "evidence" / "ab" / "井盖.jpg"
    photo.parent.mkdir(parents=True)
    photo.write_bytes(b"\xff\xd8 photo")
    on_its_way = settings.state_folder / "evidence" / ".uploads" / "half"
    on_its_way.parent.mkdir()
    on_its_way.write_bytes(b"\xff\xd8")
    before = read_everything(first)
    manifest = make_backup(first, settings, tmp_path / "county.tar")
    elsewhere = Settings(state_folder=tmp_path / "another machine")
    report = restore_backup(second, elsewhere, tmp_path / "county.tar")
    after = read_everything(second)
    versions = before.pop(VERSIONS), after.pop(VERSIONS)
    trail = before.pop(TRAIL), after.pop(TRAIL)
    assert after == before
    assert set(trail[0]) < set(trail[1])
    (cut,) = {*trail[1]} - {*trail[0]}
    assert json.loads(cut)["action"] == "restore"
    assert json.loads(cut)["detail"]["made_at"] == manifest.made_at
    assert len(before["history.sewer_pipe"]) == 4
    assert len(before["core.blob"]) == len(before["jobs.procrastinate_jobs"]) == 1
    assert [json.loads(v)["kind"] for v in versions[0]] == [
        json.loads(v)["kind"] for v in versions[1]
    ]
    assert report.gaps == []
    assert report.saved is None
    assert report.manifest == manifest
    assert report.evidence == 1
    restored = elsewhere.state_folder / "evidence" / "ab" / "井盖.jpg"
    assert restored.read_bytes() == b"\xff\xd8 photo"
    with second.db.write(actor="王工", reason="照片", pool=Pool.FIELD) as connection:
        number = enqueue(connection, "make_derivatives", {"sha256": "b" * 64})
    assert number == json.loads(before["jobs.procrastinate_jobs"][0])["id"] + 1


def test_evidence_that_is_damaged_is_put_aside_and_brought_back(
    open_clone: OpenInstallation, settings: Settings, tmp_path: Path
) -> None:
    first = open_clone()
    folder = settings.state_folder / "evidence" / "ab"
    folder.mkdir(parents=True)
    whole, torn = folder / "whole", folder / "torn"
    for path in (whole, torn):
        path.write_bytes(b"\xff\xd8 photo")
    make_backup(first, settings, tmp_path / "county.tar")
    torn.write_bytes(b"\xff")
    before = whole.stat()
    restore_backup(first, settings, tmp_path / "county.tar", replace=True)
    assert torn.read_bytes() == b"\xff\xd8 photo"
    aside = [path for path in folder.iterdir() if "damaged" in path.name]
    assert [path.read_bytes() for path in aside] == [b"\xff"]
    assert (whole.stat().st_ino, whole.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_backup_holds_the_database_and_the_evidence_and_never_a_key_for_https(
    open_clone: OpenInstallation, settings: Settings, tmp_path: Path
) -> None:
    for name in ("tls/ca.key", "tls/ca.crt", "tls/server.pem", "evidence/ab/photo.jpg"):
        path = settings.state_folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    make_backup(open_clone(), settings, tmp_path / "county.tar")
    with tarfile.open(tmp_path / "county.tar") as archive:
        assert {*archive.getnames()} == {DUMP, MANIFEST, "evidence/ab/photo.jpg"}


def test_a_restored_database_is_written_and_read_with_the_declared_rights_and_no_others(
    open_clone: OpenInstallation, settings: Settings, tmp_path: Path
) -> None:
    first, second = open_clone(), open_clone()
    fill(first)
    make_backup(first, settings, tmp_path / "county.tar")
    restore_backup(second, settings, tmp_path / "county.tar")
    with second.db.read(Pool.STAFF) as connection:
        identifier = connection.execute(
            text("SELECT id FROM core.sewer_pipe WHERE code = 'YS-1'")
        ).scalar_one()
    with second.db.write(actor="赵工", reason="更正") as connection:
        assert store.change(connection, "sewer_pipe", identifier, {"name": "新名"}) == 4
    with pytest.raises(ProgrammingError, match="permission denied"), second.db.read(
        Pool.PUBLIC
    ) as connection:  # fmt: skip
        connection.execute(text("SELECT payload FROM core.event"))
    owner = create_engine(second.owner_url)
    with owner.connect() as connection:
        assert find_gaps(connection) == []
    owner.dispose()


def test_accounts_come_back_and_who_was_logged_in_then_is_not_now(
    open_clone: OpenInstallation, settings: Settings, tmp_path: Path
) -> None:
    first, second = open_clone(), open_clone()
    now, phone = datetime.now(UTC), uuid4()
    operator = Person(login="os:tester", name="", pool=Pool.GATE)
    new = NewAccount(
        login="zhang.san",
        name="张三",
        roles=read_roles(["inspector"]),
        password="correct horse 9",
        is_one_time=False,
    )
    with first.db.write(actor="os:tester", reason="x", pool=Pool.GATE) as connection:
        create_account(connection, new, by=operator, now=now)
    person = check_credentials(first.db, "zhang.san", "correct horse 9", address=None, now=now)
    with first.db.write(actor="zhang.san", reason="x", pool=Pool.GATE) as connection:
        session = open_session(connection, person, now=now).secret
        device = enrol_device(connection, person, phone, "手机", now=now).secret
    make_backup(first, settings, tmp_path / "county.tar")
    restore_backup(second, settings, tmp_path / "county.tar")
    with second.db.write(actor="x", reason="x", pool=Pool.GATE) as connection:
        assert find_person(connection, session, now=now) is None
        known = find_person(connection, device, now=now)
    assert known is not None
    assert known.login == "zhang.san"
    again = check_credentials(second.db, "zhang.san", "correct horse 9", address=None, now=now)
    assert again.roles == {PersonRole.INSPECTOR}
    for pool in set(Pool) - {Pool.GATE}:
        with pytest.raises(ProgrammingError, match="permission denied"), second.db.read(
            pool
        ) as connection:  # fmt: skip
            connection.execute(text("SELECT hash FROM core.password"))
    with pytest.raises(ConflictError):  # an account alone makes a database one that is in use
        restore_backup(second, settings, tmp_path / "county.tar")


def test_collection_versions_after_a_restore_are_none_that_a_reader_may_have_kept(
    open_clone: OpenInstallation, settings: Settings, tmp_path: Path
) -> None:
    installation = open_clone()
    fill(installation)
    make_backup(installation, settings, tmp_path / "county.tar")
    seen = {json.loads(v)["version"] for v in read_everything(installation)[VERSIONS]}
    restore_backup(installation, settings, tmp_path / "county.tar", replace=True)
    now = {json.loads(v)["version"] for v in read_everything(installation)[VERSIONS]}
    assert min(now) > max(seen) + 1_000_000


def test_a_database_that_holds_records_is_refused_and_left_as_it_is(
    open_clone: OpenInstallation, settings: Settings, tmp_path: Path
) -> None:
    installation = open_clone()
    fill(installation)
    make_backup(installation, settings, tmp_path / "county.tar")
    before = read_everything(installation)
    with pytest.raises(ConflictError) as refused:
        restore_backup(installation, settings, tmp_path / "county.tar")
    assert "--replace" in refused.value.text(Language.ZH)
    assert read_everything(installation) == before


def test_replacing_backs_up_first_what_is_there(
    open_clone: OpenInstallation, settings: Settings, tmp_path: Path
) -> None:
    empty, full, third = open_clone(), open_clone(), open_clone()
    fill(full)
    make_backup(empty, settings, tmp_path / "empty.tar")
    report = restore_backup(full, settings, tmp_path / "empty.tar", replace=True)
    assert read_everything(full)["core.sewer_pipe"] == []
    assert report.saved is not None
    assert report.saved.parent == backup_folder(settings)
    restore_backup(third, settings, report.saved)
    assert len(read_everything(third)["core.sewer_pipe"]) == 2


def rewrite(archive: Path, change: dict[str, bytes]) -> None:
    """Put other bytes into an archive, keeping its shape."""
    with tarfile.open(archive) as tar:
        members = [(m, file.read()) for m in tar if (file := tar.extractfile(m)) is not None]
    with tarfile.open(archive, "w") as tar:
        for member, content in members:
            body = change.get(member.name, content)
            member.size = len(body)
            tar.addfile(member, io.BytesIO(body))


def test_one_flipped_byte_in_the_dump_is_found_before_anything_changes(
    open_clone: OpenInstallation, settings: Settings, tmp_path: Path
) -> None:
    first, second = open_clone(), open_clone()
    fill(first)
    archive = tmp_path / "county.tar"
    make_backup(first, settings, archive)
    with tarfile.open(archive) as tar:
        file = tar.extractfile(DUMP)
        assert file is not None
        dump = bytearray(file.read())
    dump[len(dump) // 2] ^= 1
    rewrite(archive, {DUMP: bytes(dump)})
    before = read_everything(second)
    with pytest.raises(SourceError, match=DUMP):
        restore_backup(second, settings, archive)
    assert read_everything(second) == before


def test_a_backup_cut_off_at_any_place_is_refused(
    open_clone: OpenInstallation, settings: Settings, tmp_path: Path
) -> None:
    installation = open_clone()
    archive = tmp_path / "county.tar"
    make_backup(installation, settings, archive)
    whole = archive.read_bytes()
    for share in (0.0, 0.01, 0.5, 0.9):
        archive.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(SourceError):
            read_manifest(archive)


def test_a_manifest_that_promises_another_row_count_rolls_the_whole_restore_back(
    open_clone: OpenInstallation, settings: Settings, tmp_path: Path
) -> None:
    first, second = open_clone(), open_clone()
    fill(first)
    archive = tmp_path / "county.tar"
    make_backup(first, settings, archive)
    with tarfile.open(archive) as tar:
        file = tar.extractfile(MANIFEST)
        assert file is not None
        manifest = json.load(file)
    rows, digest = manifest["tables"]["core.sewer_pipe"].split()
    manifest["tables"]["core.sewer_pipe"] = f"{int(rows) + 1} {digest}"
    rewrite(archive, {MANIFEST: json.dumps(manifest).encode()})
    before = read_everything(second)
    with pytest.raises(SetupError, match=r"core\.sewer_pipe differs"):
        restore_backup(second, settings, archive)
    assert read_everything(second) == before


def test_a_backup_of_a_newer_program_is_refused_with_what_to_do(
    open_clone: OpenInstallation, settings: Settings, tmp_path: Path
) -> None:
    installation = open_clone()
    archive = tmp_path / "county.tar"
    make_backup(installation, settings, archive)
    with tarfile.open(archive) as tar:
        file = tar.extractfile(MANIFEST)
        assert file is not None
        manifest = json.load(file) | {"revision": "9999"}
    rewrite(archive, {MANIFEST: json.dumps(manifest).encode()})
    with pytest.raises(SourceError, match="newer program"):
        restore_backup(installation, settings, archive)


def test_a_name_that_climbs_out_of_the_folder_is_refused(
    open_clone: OpenInstallation, settings: Settings, tmp_path: Path
) -> None:
    installation = open_clone()
    archive = tmp_path / "county.tar"
    make_backup(installation, settings, archive)
    with tarfile.open(archive) as tar:
        file = tar.extractfile(MANIFEST)
        assert file is not None
        manifest = json.load(file)
    manifest["sha256"]["../../outside"] = "00"
    rewrite(archive, {MANIFEST: json.dumps(manifest).encode()})
    with pytest.raises(SourceError):
        restore_backup(installation, settings, archive)
    assert not (settings.state_folder.parent / "outside").exists()


def test_a_backup_is_readable_by_its_owner_only_and_leaves_nothing_beside_it(
    open_clone: OpenInstallation, settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    make_backup(open_clone(), settings, folder / "county.tar")
    assert [path.name for path in folder.iterdir()] == ["county.tar"]
    assert (folder / "county.tar").stat().st_mode & 0o777 == 0o600


def test_marks_and_dump_agree_while_others_write(
    open_clone: OpenInstallation, settings: Settings, tmp_path: Path
) -> None:
    first, second = open_clone(), open_clone()
    fill(first)
    with first.db.read() as connection:
        identifier = connection.execute(text("SELECT min(id::text) FROM core.sewer_pipe")).scalar()
    stop = threading.Event()
    written = [0]

    def write() -> None:
        while not stop.is_set():
            with first.db.write(actor="w", reason="r") as connection:
                name = f"n{written[0]}"
                store.change(connection, "sewer_pipe", identifier, {"name": name})  # type: ignore[arg-type]  # text is cast
            written[0] += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        make_backup(first, settings, tmp_path / "county.tar")
    finally:
        stop.set()
        writer.join()
    assert written[0] > 1
    restore_backup(second, settings, tmp_path / "county.tar")


def test_a_changed_value_changes_the_mark_of_its_table_and_of_no_other_data_table(
    open_clone: OpenInstallation,
) -> None:
    installation = open_clone()
    fill(installation)
    owner = create_engine(installation.owner_url)
    with owner.connect() as connection, connection.begin() as transaction:
        before = mark_tables(connection)
        connection.execute(text("UPDATE core.asset SET code = 'YS-3' WHERE code = 'YS-2'"))
        after = mark_tables(connection)
        transaction.rollback()
    owner.dispose()
    assert {name for name in before if before[name] != after[name]} == {"core.asset"}
    assert before["core.sewer_pipe"].startswith("2 ")
