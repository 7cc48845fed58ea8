"""One archive of the database and the evidence files, and the way back.

An archive is a tar of ``manifest.json`` (versions, row counts, SHA-256 of every member),
``database.dump`` (pg_dump's custom format, one consistent snapshot) and ``evidence/…``.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, create_engine, make_url, text

from gis.attributes import Text
from gis.db.cluster import Cluster
from gis.db.connect import DATABASE, Installation
from gis.db.roles import OWNER
from gis.db.setup import create_database, prepare_database, table_grants
from gis.db.tables import CORE, HISTORY
from gis.errors import ConflictError, SetupError, SourceError

MANIFEST = "manifest.json"
DUMP = "database.dump"
EVIDENCE = "evidence"
Progress = Callable[[Text, float], None]
_COUNT = text(
    "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n"
    " ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname IN (:core, :history)"
    " AND c.relname NOT IN ('change_mark') ORDER BY 1"
)


def count_tables(engine: Engine) -> dict[str, int]:
    """Rows of every table of ours, by qualified name."""
    with engine.connect() as connection:
        names = connection.execute(_COUNT, {"core": CORE, "history": HISTORY}).scalars().all()
        return {
            name: int(connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one())
            for name in names
        }


def back_up(
    installation: Installation, state_folder: Path, target: Path, *, progress: Progress
) -> Path:
    """Write an archive to ``target``, whole or not at all; its path.

    The counts in the manifest and the dump come from one exported snapshot, so a writer at work
    does not part them.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(installation.owner_url)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".backup-") as scratch:
        dump = Path(scratch) / DUMP
        with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            snapshot = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
            names = connection.execute(_COUNT, {"core": CORE, "history": HISTORY}).scalars().all()
            counts = {
                name: int(connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one())
                for name in names
            }
            revision = connection.execute(
                text(f"SELECT version_num FROM {CORE}.alembic_version")
            ).scalar_one()
            progress(Text(zh="导出数据库", en="Dumping the database"), 0.1)
            _run_tool(
                installation,
                "pg_dump",
                "--format=custom",
                "--compress=6",
                f"--snapshot={snapshot}",
                f"--schema={CORE}",
                f"--schema={HISTORY}",
                "--no-privileges",
                f"--exclude-table-data={CORE}.change_mark",
                f"--file={dump}",
                url=installation.owner_url,
            )
        progress(Text(zh="写入归档", en="Writing the archive"), 0.7)
        made = Path(scratch) / "archive.tar"
        _write_archive(made, dump, state_folder / EVIDENCE, counts, str(revision))
        with made.open("rb+") as file:
            os.fsync(file.fileno())
        made.replace(target)
    engine.dispose()
    progress(Text(zh="备份完成", en="Backup done"), 1.0)
    return target


def _write_archive(
    made: Path, dump: Path, evidence: Path, counts: dict[str, int], revision: str
) -> None:
    files = {DUMP: dump}
    if evidence.is_dir():
        for path in sorted(p for p in evidence.rglob("*") if p.is_file()):
            files[f"{EVIDENCE}/{path.relative_to(evidence)}"] = path
    manifest = {
        "made_at": datetime.now(UTC).isoformat(),
        "schema": revision,
        "counts": counts,
        "sha256": {name: hash_file(path) for name, path in files.items()},
    }
    manifest_file = dump.with_name(MANIFEST)
    manifest_file.write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    with tarfile.open(made, "w") as archive:
        archive.add(manifest_file, MANIFEST)
        for name, path in files.items():
            archive.add(path, name)


def hash_file(path: Path) -> str:
    """SHA-256 of a file, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _find_tool(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    tool = str(found[-1]) if found else shutil.which(name)
    if tool is None:
        raise SetupError(
            Text(
                zh="缺少 {name}:请安装 postgresql-client",
                en="{name} is missing: install postgresql-client",
            ).format(name=name)
        )
    return tool


def _run_tool(installation: Installation, tool: str, *arguments: str, url: str) -> None:
    """Run a PostgreSQL tool on ``url``; its last words are the error's."""
    del installation
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    done = subprocess.run(  # noqa: S603 - a fixed program, no shell
        [_find_tool(tool), *arguments, f"--dbname={plain}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SourceError(
            Text(zh="{tool} 失败:{reason}", en="{tool} failed: {reason}").format(
                tool=tool, reason=done.stderr.strip()[-400:]
            )
        )


def read_archive(archive: Path, folder: Path) -> dict[str, int]:
    """Unpack an archive into ``folder`` after checking every hash; the counts it promises."""
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        wrong = [
            name
            for name, digest in manifest["sha256"].items()
            if hash_file(folder / name) != digest
        ]
    except (OSError, tarfile.TarError, ValueError, KeyError) as error:
        raise SourceError(
            Text(zh="不是完好的备份:{name}", en="not a whole backup: {name}").format(
                name=archive.name
            )
        ) from error
    if wrong:
        raise SourceError(
            Text(zh="备份已损坏:{names}", en="the backup is damaged: {names}").format(
                names=", ".join(wrong[:5])
            )
        )
    counts: dict[str, int] = manifest["counts"]
    return counts


def restore(
    cluster: Cluster, state_folder: Path, archive: Path, *, replace: bool, progress: Progress
) -> dict[str, int]:
    """Bring an archive back into the embedded cluster; rows per table, verified.

    The archive is restored into a database of its own and verified there; only then does it take
    the place of the present one, which is kept under a dated name. A database that holds records
    is not replaced unless ``replace``.
    """
    with tempfile.TemporaryDirectory(prefix="restore-") as scratch:
        folder = Path(scratch)
        progress(Text(zh="校验备份", en="Checking the backup"), 0.05)
        promised = read_archive(archive, folder)
        if not replace:
            _require_empty(cluster)
        fresh = f"{DATABASE}_restored_{datetime.now(UTC):%Y%m%d%H%M%S}"
        _restore_into(cluster, folder / DUMP, fresh, progress)
        owner = create_engine(cluster.url(OWNER, fresh))
        found = count_tables(owner)
        owner.dispose()
        if found != promised:
            parted = {n for n in promised | found if promised.get(n) != found.get(n)}
            raise SourceError(
                Text(zh="恢复后行数不符:{names}", en="row counts differ: {names}").format(
                    names=", ".join(sorted(parted))
                )
            )
        progress(Text(zh="切换数据库", en="Switching over"), 0.9)
        _switch(cluster, fresh)
        if (folder / EVIDENCE).is_dir():
            shutil.copytree(folder / EVIDENCE, state_folder / EVIDENCE, dirs_exist_ok=True)
    progress(Text(zh="恢复完成", en="Restored"), 1.0)
    return found


def _require_empty(cluster: Cluster) -> None:
    create_database(cluster.superuser_url(), DATABASE)
    engine = create_engine(cluster.superuser_url(DATABASE))
    with engine.connect() as connection:
        known = connection.execute(text("SELECT to_regclass('core.asset')")).scalar()
        rows = (
            connection.exec_driver_sql(
                "SELECT count(*) FROM (SELECT 1 FROM core.asset LIMIT 1) a"
            ).scalar()
            if known
            else 0
        )
    engine.dispose()
    if rows:
        raise ConflictError(
            Text(
                zh="数据库中已有数据:加 --replace 以替换(原库会改名保留)",
                en="the database holds records: add --replace to replace it (it is kept, renamed)",
            )
        )


def _restore_into(cluster: Cluster, dump: Path, name: str, progress: Progress) -> None:
    create_database(cluster.superuser_url(), name)
    superuser = create_engine(cluster.superuser_url(name))
    with superuser.begin() as connection:
        prepare_database(connection)
        for schema in (CORE, HISTORY):
            connection.exec_driver_sql(f"DROP SCHEMA {schema}")
    progress(Text(zh="恢复数据", en="Restoring the records"), 0.2)
    plain = make_url(cluster.superuser_url(name)).set(drivername="postgresql")
    done = subprocess.run(  # noqa: S603 - a fixed program, no shell
        [
            _find_tool("pg_restore"),
            "--exit-on-error",
            "--no-privileges",
            f"--dbname={plain.render_as_string(hide_password=False)}",
            str(dump),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SourceError(
            Text(zh="恢复失败:{reason}", en="the restore failed: {reason}").format(
                reason=done.stderr.strip()[-400:]
            )
        )
    superuser.dispose()
    owner = create_engine(cluster.url(OWNER, name))
    with owner.begin() as connection:
        for statement in table_grants():
            connection.exec_driver_sql(statement)
    owner.dispose()


def _switch(cluster: Cluster, fresh: str) -> None:
    """Give the restored database the name; the old one keeps its data under a dated name."""
    engine = create_engine(cluster.superuser_url(), isolation_level="AUTOCOMMIT")
    kept = fresh.replace("restored", "before")
    with engine.connect() as connection:
        for name in (DATABASE, fresh):
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
                ),
                {"name": name},
            )
        known = connection.execute(
            text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": DATABASE}
        ).scalar()
        if known:
            connection.exec_driver_sql(f'ALTER DATABASE "{DATABASE}" RENAME TO "{kept}"')
        connection.exec_driver_sql(f'ALTER DATABASE "{fresh}" RENAME TO "{DATABASE}"')
    engine.dispose()


def prune_backups(folder: Path, keep: int) -> list[Path]:
    """Remove the oldest nightly archives beyond ``keep``; those removed."""
    nightly = sorted(folder.glob("nightly-*.tar"))
    gone = nightly[: max(0, len(nightly) - keep)]
    for path in gone:
        path.unlink()
    return gone
