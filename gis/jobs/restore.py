"""Bring a backup back: checked before, during and after, and whole or not at all."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, text

from gis.attributes import Text
from gis.db.connect import Installation
from gis.db.grants import SCHEMAS
from gis.db.setup import alembic_config, migrate, prepare_database
from gis.db.tables import CORE
from gis.errors import ConflictError, SourceError
from gis.jobs.archive import DUMP, EVIDENCE, Manifest, replace_whole, unpack_archive
from gis.jobs.backup import Progress, backup_folder, make_backup, name_backup
from gis.jobs.programs import run_program
from gis.jobs.tables import VERSIONS, Gap, check_statement, find_gaps, is_empty
from gis.settings import Settings

_CHECKING = Text(zh="校验备份", en="checking the archive")
_SAVING = Text(zh="先备份现有数据", en="backing up what is there first")
_RESTORING = Text(zh="恢复并逐表核对", en="restoring, and comparing every table")
_MIGRATING = Text(zh="升级结构与权限", en="bringing schema and grants up to date")
_DONE = Text(zh="恢复完成", en="restored")

_BEFORE = f"DROP SCHEMA IF EXISTS {', '.join(SCHEMAS)} CASCADE;\n"
# Versions are ETags and cache keys. What readers keep from the time after the backup was made may
# bear the numbers this database would count to next, so the count goes on from the clock's.
_AFTER = (
    f"UPDATE {VERSIONS} SET version = greatest(version + 1, extract(epoch FROM now())::bigint);\n"
    f"SELECT pg_notify('infratrack_change', string_agg(kind, ',')) FROM {VERSIONS};\n"
)
# Who was logged in when the backup was made is not now; and the trail says where it was cut.
_PEOPLE_AFTER = """
DO $people$ BEGIN
  IF to_regclass('{core}.audit_event') IS NOT NULL THEN
    UPDATE {core}.token SET revoked_at = now() WHERE kind = 'session' AND revoked_at IS NULL;
    DELETE FROM {core}.enrolment;
    INSERT INTO {core}.audit_event (login, action, outcome, detail)
    VALUES (current_user, 'restore', 'done', jsonb_build_object('made_at', '{made_at}'));
  END IF;
END $people$;
"""


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What a restore did; ``saved`` is the backup of what was there before, if anything was."""

    manifest: Manifest
    evidence: int
    gaps: list[Gap]
    saved: Path | None


def restore_backup(
    installation: Installation,
    settings: Settings,
    archive: Path,
    *,
    replace: bool = False,
    progress: Progress = lambda _step, _share: None,
) -> RestoreReport:
    """Bring the archive back into the installation's database and evidence folder.

    Old tables go and restored ones come in one transaction, which commits only if every table is
    exactly the one backed up; readers wait or see the old state. Then the schema is migrated to
    this program's version and all grants are given anew. A database that holds anything is
    refused (ConflictError) unless ``replace``, which first backs it up. Raises SourceError for an
    archive that is not whole or is of a newer version: nothing was changed then.
    """
    owner = create_engine(installation.owner_url)
    staging = settings.state_folder
    staging.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix=".restore-", dir=staging) as scratch:
            progress(_CHECKING, 0.05)
            manifest = unpack_archive(archive, Path(scratch))
            major, empty = _look_at_target(owner, manifest, archive)
            saved = None
            if not empty:
                _require_consent(replace=replace)
                progress(_SAVING, 0.2)
                saved = _save_present(installation, settings)
            evidence = _restore_evidence(Path(scratch), staging, manifest)
            progress(_RESTORING, 0.4)
            _restore_tables(installation, Path(scratch), manifest, major)
        progress(_MIGRATING, 0.9)
        _bring_up_to_date(installation, owner)
        with owner.connect() as connection:
            gaps = find_gaps(connection)
    finally:
        owner.dispose()
    progress(_DONE, 1.0)
    return RestoreReport(manifest=manifest, evidence=evidence, gaps=gaps, saved=saved)


def _look_at_target(owner: Engine, manifest: Manifest, archive: Path) -> tuple[int, bool]:
    """The server's major version, and whether the database is empty."""
    with owner.connect() as connection:
        _refuse_newer(connection, manifest, archive)
        version = text("SELECT current_setting('server_version_num')::int / 10000")
        major = int(connection.execute(version).scalar_one())
        present = connection.execute(text(f"SELECT to_regclass('{CORE}.asset')")).scalar()
        return major, present is None or is_empty(connection)


def _refuse_newer(connection: Connection, manifest: Manifest, archive: Path) -> None:
    try:
        ScriptDirectory.from_config(alembic_config(connection)).get_revision(manifest.revision)
    except CommandError as error:
        raise SourceError(
            Text(
                zh="备份 {name} 来自较新的程序(数据库结构 {revision}):请先升级程序",
                en="{name} was made by a newer program (schema {revision}): update this one first",
            ).format(name=archive.name, revision=manifest.revision[:40])
        ) from error


def _require_consent(*, replace: bool) -> None:
    if not replace:
        raise ConflictError(
            Text(
                zh="数据库中已有数据,未作任何改动。加 --replace 可替换(会先自动备份现有数据)",
                en="the database holds records and was left as it is. --replace replaces them"
                " (what is there is backed up first)",
            )
        )


def _save_present(installation: Installation, settings: Settings) -> Path:
    target = backup_folder(settings) / f"before-restore-{name_backup(datetime.now(UTC))}"
    make_backup(installation, settings, target)
    return target


def _restore_evidence(source: Path, target: Path, manifest: Manifest) -> int:
    """Copy evidence files that are not there, or not whole; how many the archive holds.

    Nothing is deleted: a file that only this machine has is evidence, too, and one whose bytes
    are not those of the archive is put aside under another name.
    """
    names = [name for name in manifest.sha256 if name.startswith(f"{EVIDENCE}/")]
    for name in names:
        goal = target / name
        if goal.exists():
            with goal.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found == manifest.sha256[name]:
                continue
            goal.rename(goal.with_name(f".{goal.name}.damaged-{time.time_ns()}"))
        with replace_whole(goal) as partial:
            shutil.copyfile(source / name, partial)
        goal.chmod(0o444)
    return len(names)


def _restore_tables(
    installation: Installation, folder: Path, manifest: Manifest, major: int
) -> None:
    script, before, after = (folder / name for name in ("dump.sql", "before.sql", "after.sql"))
    dump = folder / DUMP
    arguments = ("--no-owner", "--no-privileges", f"--file={script}", str(dump))
    run_program(installation, "pg_restore", *arguments, major=major, connect=False)
    before.write_text(_BEFORE, encoding="utf-8")
    expected = json.dumps(manifest.tables)
    people = _PEOPLE_AFTER.format(core=CORE, made_at=manifest.moment.isoformat())
    after.write_text(check_statement(expected) + _AFTER + people, encoding="utf-8")
    files = [f"--file={path}" for path in (before, script, after)]
    whole = ("--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1")
    run_program(installation, "psql", *whole, "--output=/dev/null", *files, major=major)


def _bring_up_to_date(installation: Installation, owner: Engine) -> None:
    if installation.cluster is not None:
        name = owner.url.database or ""
        superuser = create_engine(installation.cluster.superuser_url(name))
        with superuser.begin() as connection:
            prepare_database(connection)
        superuser.dispose()
    migrate(owner)
