"""A look at everything an installation needs, and how to mend what is wrong."""

from __future__ import annotations

import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from gis.attributes import Text
from gis.db.connect import Installation, open_installation
from gis.db.roles import Pool
from gis.db.setup import EXTENSIONS, alembic_config, readable_columns
from gis.db.tables import CORE
from gis.errors import InfratrackError
from gis.kinds import KINDS
from gis.settings import Settings


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: ``state`` is ok, warning or wrong."""

    name: str
    title: Text
    state: str
    detail: str
    fix: Text | None = None

    def as_dict(self) -> dict[str, object]:
        """For ``doctor --json``."""
        return {
            "name": self.name,
            "title": self.title.as_dict(),
            "state": self.state,
            "detail": self.detail,
            "fix": self.fix.as_dict() if self.fix else None,
        }


def examine(settings: Settings) -> list[Finding]:
    """Look at everything; one finding per thing, the fatal ones first."""
    findings = [*_examine_machine(settings)]
    try:
        installation = open_installation(settings, upgrade=False)
    except InfratrackError as error:
        findings.append(
            Finding(
                "database",
                Text(zh="数据库", en="Database"),
                "wrong",
                str(error),
                Text(zh="运行 python3 -m gis migrate", en="run python3 -m gis migrate"),
            )
        )
        return findings
    try:
        findings.extend(_examine_database(installation))
    finally:
        installation.close()
    return findings


def _examine_machine(settings: Settings) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", Text(zh="Python", en="Python"), "ok", version)
    folder = settings.state_folder
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 2**30
    yield Finding(
        "disk",
        Text(zh="磁盘空间", en="Disk space"),
        "ok" if free > 5 else "warning" if free > 1 else "wrong",
        f"{free:.1f} GiB",
        None if free > 5 else Text(zh="清理磁盘或移动 GIS_STATE_FOLDER",
                                   en="free some space or move GIS_STATE_FOLDER"),
    )  # fmt: skip
    yield _examine_port(settings.port)
    yield _examine_assets(settings)
    yield _examine_backups(settings)
    now = datetime.now(ZoneInfo(settings.timezone))
    yield Finding("clock", Text(zh="业务时钟", en="Business clock"), "ok", now.isoformat())
    for tool, use in (("chromium", Text(zh="浏览器测试", en="browser tests")),
                      ("ogrinfo", Text(zh="客户端测试", en="client tests"))):  # fmt: skip
        found = shutil.which(tool)
        yield Finding(tool, use, "ok" if found else "warning", found or "-",
                      None if found else Text(zh="仅测试需要:python3 -m gis test 会安装",
                                              en="for tests only: python3 -m gis test installs it"))  # fmt: skip


def _examine_port(port: int) -> Finding:
    with socket.socket() as probe:
        busy = probe.connect_ex(("127.0.0.1", port)) == 0
    return Finding(
        "port",
        Text(zh="端口", en="Port"),
        "ok",
        f"127.0.0.1:{port} " + ("in use / 已占用" if busy else "free / 空闲"),
    )


def _examine_assets(settings: Settings) -> Finding:
    from layers.assets import assets_installed

    whole = assets_installed(settings.state_folder / "assets")
    return Finding(
        "assets",
        Text(zh="浏览器组件", en="Browser libraries"),
        "ok" if whole else "warning",
        "ok" if whole else "missing / 缺失",
        None
        if whole
        else Text(zh="运行 python3 -m gis serve 会安装", en="python3 -m gis serve installs them"),
    )


def _examine_backups(settings: Settings) -> Finding:
    archives = sorted(
        (settings.state_folder / "backups").glob("*.tar"), key=lambda p: p.stat().st_mtime
    )
    title = Text(zh="备份", en="Backups")
    fix = Text(zh="运行 python3 -m gis backup", en="run python3 -m gis backup")
    if not archives:
        return Finding("backups", title, "warning", "none / 无", fix)
    age = datetime.now(UTC) - datetime.fromtimestamp(archives[-1].stat().st_mtime, UTC)
    late = age > timedelta(days=2)
    return Finding(
        "backups", title, "warning" if late else "ok", f"{archives[-1].name} ({age.days} d)",
        fix if late else None,
    )  # fmt: skip


def _examine_database(installation: Installation) -> Iterator[Finding]:
    engine = create_engine(installation.owner_url)
    checks: tuple[tuple[str, Text, Callable[[], str | None], Text], ...] = (
        ("extensions", Text(zh="扩展", en="Extensions"), lambda: _missing_extensions(engine_value),
         Text(zh="管理员执行 python3 -m gis migrate --print-sql 的输出",
              en="have a DBA run what python3 -m gis migrate --print-sql prints")),
        ("migrations", Text(zh="数据库结构", en="Schema"), lambda: _pending(engine_value),
         Text(zh="运行 python3 -m gis migrate", en="run python3 -m gis migrate")),
        ("grants", Text(zh="权限", en="Grants"), lambda: _wrong_grants(engine_value),
         Text(zh="运行 python3 -m gis migrate 重新授权",
              en="run python3 -m gis migrate: it grants anew")),
    )  # fmt: skip
    engine_value = _Probe(engine.url.render_as_string(hide_password=False))
    yield Finding("postgis", Text(zh="PostGIS", en="PostGIS"), "ok", engine_value.versions())
    for name, title, find, fix in checks:
        wrong = find()
        yield Finding(
            name, title, "wrong" if wrong else "ok", wrong or "ok", fix if wrong else None
        )
    engine.dispose()


class _Probe:
    """Questions to the catalogue as owner."""

    def __init__(self, url: str) -> None:
        self.engine = create_engine(url)

    def column(self, sql: str) -> list[str]:
        with self.engine.connect() as connection:
            return [str(v) for v in connection.execute(text(sql)).scalars()]

    def versions(self) -> str:
        found = self.column(
            "SELECT current_setting('server_version') UNION ALL SELECT extversion"
            " FROM pg_extension WHERE extname = 'postgis'"
        )
        return " / ".join(found)


def _missing_extensions(probe: _Probe) -> str | None:
    found = probe.column("SELECT extname FROM pg_extension")
    return ", ".join(e for e in EXTENSIONS if e not in found) or None


def _pending(probe: _Probe) -> str | None:
    with probe.engine.connect() as connection:
        head = ScriptDirectory.from_config(alembic_config(connection)).get_current_head()
    exists = probe.column("SELECT to_regclass('core.alembic_version')::text")
    at = (
        probe.column(f"SELECT version_num FROM {CORE}.alembic_version")
        if exists[0] != "None"
        else []
    )
    return None if at == [head] else f"{at or '-'} → {head}"


def _wrong_grants(probe: _Probe) -> str | None:
    """Columns a role may read that the code does not declare, or the other way round."""
    rows = probe.column(
        "SELECT grantee || ' ' || table_name || '.' || column_name"
        " FROM information_schema.column_privileges WHERE table_schema = 'core'"
        " AND privilege_type = 'SELECT' AND grantee LIKE 'infratrack\\_%'"
        " AND grantee <> 'infratrack_owner'"
    )
    found = {r for r in rows if r.split()[1].split(".")[0] in KINDS}
    meant = {
        f"{pool.role} {name}.{column}"
        for pool in Pool
        for name, kind in KINDS.items()
        if pool.clearance.covers(kind.sensitivity)
        for column in readable_columns(name, pool)
    }
    parted = sorted(found ^ meant)
    return ", ".join(parted[:5]) or None
