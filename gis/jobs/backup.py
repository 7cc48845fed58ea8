"""Back up the database and the evidence files into one archive."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, create_engine, text

from gis.attributes import Text
from gis.db.connect import Installation
from gis.db.grants import SCHEMAS
from gis.db.tables import CORE
from gis.jobs.archive import (
    DUMP,
    EVIDENCE,
    Manifest,
    find_evidence,
    replace_whole,
    write_archive,
)
from gis.jobs.programs import run_program
from gis.jobs.tables import mark_tables
from gis.settings import Settings

Progress = Callable[[Text, float], None]
"""Told what is being done and which share of it is done."""

_COUNTING = Text(zh="清点各表", en="counting the tables")
_DUMPING = Text(zh="导出数据库", en="dumping the database")
_WRITING = Text(zh="写入归档", en="writing the archive")
_DONE = Text(zh="备份完成", en="backed up")
_ABOUT = text(
    "SELECT current_setting('server_version_num')::int / 10000 AS major,"
    " current_setting('server_version') AS postgresql,"
    " (SELECT extversion FROM pg_extension WHERE extname = 'postgis') AS postgis,"
    f" (SELECT version_num FROM {CORE}.alembic_version) AS revision"
)


def backup_folder(settings: Settings) -> Path:
    """Where backups are kept unless another place is named."""
    return settings.state_folder / "backups"


def name_backup(moment: datetime) -> str:
    """The file name of a backup made by hand.

    >>> name_backup(datetime(2026, 11, 20, 2, 0, 5, tzinfo=UTC))
    'infratrack-20261120T020005Z.tar'
    """
    return f"infratrack-{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}.tar"


def make_backup(
    installation: Installation,
    settings: Settings,
    target: Path,
    *,
    progress: Progress = lambda _step, _share: None,
) -> Manifest:
    """Write one archive to ``target``, whole or not at all; what it holds.

    The marks in the manifest and the dump see one exported snapshot, so a writer at work does not
    part them; evidence files are only ever added, and are read after the snapshot. Raises
    SetupError (a program is missing or failed) and StorageFullError.
    """
    engine = create_engine(installation.owner_url)
    try:
        with replace_whole(target) as partial, tempfile.TemporaryDirectory(
            prefix=".dump-", dir=partial.parent
        ) as scratch:  # fmt: skip
            dump = Path(scratch) / DUMP
            frozen = engine.connect().execution_options(isolation_level="REPEATABLE READ")
            with frozen as connection:
                about = _dump(installation, connection, dump, progress)
            progress(_WRITING, 0.7)
            files = {DUMP: dump, **find_evidence(settings.state_folder / EVIDENCE)}
            manifest = write_archive(partial, files, about)
    finally:
        engine.dispose()
    progress(_DONE, 1.0)
    return manifest


def _dump(
    installation: Installation, connection: Connection, dump: Path, progress: Progress
) -> dict[str, object]:
    snapshot = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
    made_at = datetime.now(UTC).isoformat()
    about = connection.execute(_ABOUT).one()
    progress(_COUNTING, 0.05)
    tables = mark_tables(connection)
    progress(_DUMPING, 0.2)
    run_program(
        installation,
        "pg_dump",
        "--format=custom",
        f"--snapshot={snapshot}",
        *(f"--schema={schema}" for schema in SCHEMAS),
        "--no-owner",
        "--no-privileges",
        f"--exclude-table-data={CORE}.change_mark",
        f"--file={dump}",
        major=about.major,
    )
    return {
        "made_at": made_at,
        "revision": about.revision,
        "postgresql": about.postgresql,
        "postgis": about.postgis,
        "tables": tables,
    }
