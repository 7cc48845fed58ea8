"""A look at everything an installation needs, and how to mend what is wrong.

Nothing is changed: a database that was never set up is reported, not made.
"""

from __future__ import annotations

import shutil
import socket
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from api.doctor_calendars import examine_calendars
from api.doctor_tls import examine_tls
from api.findings import Finding, State
from gis.attributes import Text
from gis.db.cluster import Cluster
from gis.db.connect import DATABASE
from gis.db.functions import compare_function_grants
from gis.db.grants import compare_table_grants
from gis.db.roles import OWNER, Pool
from gis.db.setup import EXTENSIONS, newest_revision
from gis.db.tables import CORE
from gis.errors import InfratrackError
from gis.evidence.files import EvidenceFiles
from gis.evidence.sweep import find_damaged
from gis.jobs.archive import read_manifest
from gis.jobs.backup import backup_folder
from gis.jobs.housekeeping import find_stuck
from gis.jobs.tables import find_gaps
from gis.settings import Settings
from layers.assets import assets_installed

_GIB = 2**30
_LOW, _FULL = 5 * _GIB, 1 * _GIB
"""Below the first a county's backup may not fit; below the second PostgreSQL soon stops."""
_OLDEST_BACKUP = timedelta(days=2)
_CLOCK_DRIFT = timedelta(seconds=5)
_OLDEST_POSTGRESQL, _OLDEST_POSTGIS = 15, (3, 3)
_LISTED = 5
_READ_THROUGH = 200
"""Photos whose bytes are compared with their hash, chosen at random: 60 MB, less than a second."""
_RESTORE_FILES = Text(
    zh="从备份恢复(恢复只补缺失的文件,不覆盖)",
    en="restore a backup (it brings the files that are missing and overwrites none)",
)
_MIGRATE = Text(zh="运行 python3 -m gis migrate", en="run python3 -m gis migrate")
_PRINT_SQL = Text(
    zh="请数据库管理员执行 python3 -m gis migrate --print-sql 的输出(内置数据库:运行"
    " python3 -m gis migrate)",
    en="have a DBA run what python3 -m gis migrate --print-sql prints (embedded database:"
    " run python3 -m gis migrate)",
)


def examine(settings: Settings) -> list[Finding]:
    """Look at everything: the machine, then the database."""
    return [*_examine_machine(settings), *_examine_database(settings)]


def _plain(words: object) -> Text:
    """What needs no translation: a number, a path, a version."""
    return Text(zh=str(words) or "-", en=str(words) or "-")


# the machine


def _examine_machine(settings: Settings) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", Text(zh="Python", en="Python"), State.OK, _plain(version))
    yield _examine_disk(settings.state_folder)
    yield _examine_port(settings.port)
    yield _examine_zone(settings.timezone)
    yield _examine_assets(settings)
    yield _examine_backups(settings)
    yield examine_calendars(settings)
    yield from examine_tls(settings, datetime.now(UTC))
    yield _examine_program("chromium", Text(zh="Chromium(仅测试用)", en="Chromium (tests only)"))
    yield _examine_program("ogrinfo", Text(zh="GDAL 工具(仅测试用)", en="GDAL tools (tests only)"))


def _examine_disk(folder: Path) -> Finding:
    existing = next(path for path in (folder, *folder.resolve().parents) if path.exists())
    free = shutil.disk_usage(existing).free
    state = State.OK if free > _LOW else State.NOTICE if free > _FULL else State.WRONG
    fix = Text(
        zh="清理磁盘,或把 GIS_STATE_FOLDER 移到更大的盘",
        en="free some space, or move GIS_STATE_FOLDER to a bigger disk",
    )
    found = Text(zh="{folder} 剩余 {free:.1f} GiB", en="{free:.1f} GiB free in {folder}")
    return Finding(
        "disk",
        Text(zh="磁盘空间", en="Disk space"),
        state,
        found.format(folder=existing, free=free / _GIB),
        None if state is State.OK else fix,
    )


def _examine_port(port: int) -> Finding:
    with socket.socket() as probe:
        probe.settimeout(2)
        taken = probe.connect_ex(("127.0.0.1", port)) == 0
    free = Text(zh="127.0.0.1:{port} 空闲", en="127.0.0.1:{port} is free")
    used = Text(
        zh="127.0.0.1:{port} 已被占用(可能是正在运行的本程序)",
        en="127.0.0.1:{port} is in use (this program may be running)",
    )
    return Finding(
        "port",
        Text(zh="端口", en="Port"),
        State.NOTICE if taken else State.OK,
        (used if taken else free).format(port=port),
        Text(zh="需要时用 --port 或 GIS_PORT 换端口", en="--port or GIS_PORT choose another")
        if taken
        else None,
    )


def _examine_zone(name: str) -> Finding:
    title = Text(zh="业务时钟", en="Business clock")
    try:
        now = datetime.now(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError):
        fix = Text(zh="更正 GIS_TIMEZONE,如 Asia/Shanghai", en="correct GIS_TIMEZONE")
        return Finding("timezone", title, State.WRONG, _plain(name), fix)
    return Finding("timezone", title, State.OK, _plain(f"{now:%Y-%m-%d %H:%M} {name}"))


def _examine_assets(settings: Settings) -> Finding:
    title = Text(zh="浏览器组件", en="Browser libraries")
    if assets_installed(settings.state_folder / "assets"):
        return Finding("assets", title, State.OK, Text(zh="齐全", en="all there, as pinned"))
    missing = Text(zh="缺失或被改动", en="missing or changed")
    fix = Text(zh="运行 python3 -m gis serve 会取得", en="python3 -m gis serve fetches them")
    return Finding("assets", title, State.NOTICE, missing, fix)


def _examine_backups(settings: Settings) -> Finding:
    title = Text(zh="备份", en="Backups")
    fix = Text(zh="运行 python3 -m gis backup", en="run python3 -m gis backup")
    archives = sorted(backup_folder(settings).glob("*.tar"), key=lambda p: p.stat().st_mtime)
    if not archives:
        return Finding("backups", title, State.NOTICE, Text(zh="还没有", en="none yet"), fix)
    newest = archives[-1]
    try:
        age = datetime.now(UTC) - read_manifest(newest).moment
    except InfratrackError as error:
        return Finding("backups", title, State.WRONG, error.message, fix)
    late = age > _OLDEST_BACKUP
    found = Text(zh="{name},{days} 天前", en="{name}, {days} days old")
    return Finding(
        "backups",
        title,
        State.NOTICE if late else State.OK,
        found.format(name=newest.name, days=age.days),
        fix if late else None,
    )


def _examine_program(name: str, title: Text) -> Finding:
    path = shutil.which(name)
    fix = Text(zh="python3 -m gis test 会安装", en="python3 -m gis test installs it")
    if path:
        return Finding(name, title, State.OK, _plain(path))
    return Finding(name, title, State.NOTICE, Text(zh="未安装", en="not installed"), fix)


# the database


def _examine_database(settings: Settings) -> Iterator[Finding]:
    title = Text(zh="数据库", en="Database")
    server = settings.database_url
    cluster = Cluster(settings.state_folder) if server is None else None
    start = Text(
        zh="运行 python3 -m gis demo(演示县)或 python3 -m gis migrate(空库)",
        en="run python3 -m gis demo (demonstration county) or python3 -m gis migrate (empty)",
    )
    try:
        if cluster is not None and cluster.status().state == "absent":
            none_yet = Text(zh="尚未建立", en="not set up yet")
            yield Finding("database", title, State.NOTICE, none_yet, start)
            return
        if cluster is not None:
            cluster.ensure()
        url = cluster.url(OWNER, DATABASE) if cluster is not None else server or ""
        engine = create_engine(url)
        with engine.connect() as connection:
            yield from _examine_connected(connection)
            yield from _examine_evidence(connection, settings)
        engine.dispose()
        yield from _examine_roles(settings, cluster)
    except InfratrackError as error:
        yield Finding("database", title, State.WRONG, error.message, start)
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", error)).splitlines() or [""]
        yield Finding("database", title, State.WRONG, _plain(reason[0][:300]), _PRINT_SQL)
    finally:
        if cluster is not None:
            cluster.release()


def _examine_connected(connection: Connection) -> Iterator[Finding]:
    yield _examine_versions(connection)
    yield _examine_clock(connection)
    known = connection.execute(text("SELECT extname FROM pg_extension")).scalars().all()
    lacking = [extension for extension in EXTENSIONS if extension not in known]
    yield _list("extensions", Text(zh="扩展", en="Extensions"), lacking, _PRINT_SQL)
    functions = [str(d) for d in compare_function_grants(connection)]
    title = Text(zh="函数权限", en="Function rights")
    yield _list("function-grants", title, functions, _PRINT_SQL)
    exists = connection.execute(text(f"SELECT to_regclass('{CORE}.alembic_version')")).scalar()
    title = Text(zh="数据库结构", en="Schema")
    if exists is None:
        none_yet = Text(zh="尚未建立", en="not there yet")
        yield Finding("schema", title, State.WRONG, none_yet, _MIGRATE)
        return
    at = connection.execute(text(f"SELECT version_num FROM {CORE}.alembic_version")).scalar()
    wanted = newest_revision()
    behind = [] if at == wanted else [f"{at} → {wanted}"]
    yield _list("schema", title, behind, _MIGRATE)
    beyond, missing = compare_table_grants(connection)
    rights = [f"+ {right}" for right in beyond] + [f"- {right}" for right in missing]
    yield _list("table-grants", Text(zh="表权限", en="Table rights"), rights, _MIGRATE)
    if not behind:
        gaps = [f"{gap.kind}: {gap.rule.en} ({gap.count})" for gap in find_gaps(connection)]
        fix = Text(
            zh="数据库被绕过本程序改动过:请从备份恢复",
            en="something changed the database behind this program: restore a backup",
        )
        yield _list("history", Text(zh="历史连续", en="History"), gaps, fix)
        yield _examine_people(connection)


def _examine_people(connection: Connection) -> Finding:
    """Whether anybody can log in, and somebody can let the others in."""
    active, officers = connection.execute(
        text(
            "SELECT count(*), count(*) FILTER (WHERE 'system_officer' = ANY (roles))"
            f" FROM {CORE}.account WHERE disabled_at IS NULL"
        )
    ).one()
    found = Text(
        zh="{active} 个有效账号,其中系统管理员 {officers} 个",
        en="{active} active accounts, {officers} of them system officers",
    )
    fix = Text(
        zh="运行 python3 -m gis people add <登录名> --role system_officer",
        en="run python3 -m gis people add LOGIN --role system_officer",
    )
    return Finding(
        "people",
        Text(zh="账号", en="Accounts"),
        State.OK if officers else State.NOTICE,
        found.format(active=active, officers=officers),
        None if officers else fix,
    )


def _examine_evidence(connection: Connection, settings: Settings) -> Iterator[Finding]:
    """Every stored photo is there; and nothing is stuck in the queue."""
    exists = connection.execute(text(f"SELECT to_regclass('{CORE}.job_report')")).scalar()
    if exists is None:  # an older schema: said already
        return
    files = EvidenceFiles(settings.state_folder)
    damaged = find_damaged(connection, files, thorough=_READ_THROUGH)
    wrong = [f"{damage.sha256[:16]}: {damage.text.en}" for damage in damaged]
    yield _list("evidence", Text(zh="证据文件", en="Evidence files"), wrong, _RESTORE_FILES)
    stuck = find_stuck(connection)
    fix = Text(
        zh="运行 python3 -m gis serve 以执行;反复失败的见其日志",
        en="python3 -m gis serve works on them; what fails again and again is in its log",
    )
    found = _list("jobs", Text(zh="后台任务", en="Jobs"), stuck, fix)
    yield replace(found, state=State.NOTICE) if stuck else found


def _examine_versions(connection: Connection) -> Finding:
    server, postgis = connection.execute(
        text(
            "SELECT current_setting('server_version'),"
            " (SELECT extversion FROM pg_extension WHERE extname = 'postgis')"
        )
    ).one()
    major = int(str(server).split(".")[0])
    new_enough = major >= _OLDEST_POSTGRESQL and (
        postgis is None or tuple(map(int, str(postgis).split(".")[:2])) >= _OLDEST_POSTGIS
    )
    return Finding(
        "versions",
        Text(zh="PostgreSQL / PostGIS 版本", en="PostgreSQL / PostGIS"),
        State.OK if new_enough else State.WRONG,
        _plain(f"{server} / {postgis or '-'}"),
        None
        if new_enough
        else Text(
            zh="需要 PostgreSQL 15、PostGIS 3.3 或更高版本",
            en="PostgreSQL 15 and PostGIS 3.3 or newer are needed",
        ),
    )


def _examine_clock(connection: Connection) -> Finding:
    theirs = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    drift = abs(datetime.now(UTC) - theirs)
    wrong = drift > _CLOCK_DRIFT
    return Finding(
        "clock",
        Text(zh="两处时钟之差", en="Clocks apart"),
        State.WRONG if wrong else State.OK,
        _plain(f"{drift.total_seconds():.1f} s"),
        Text(zh="校准本机与数据库服务器的时钟(NTP)", en="set both machines' clocks (NTP)")
        if wrong
        else None,
    )


def _examine_roles(settings: Settings, cluster: Cluster | None) -> Iterator[Finding]:
    """Every login role can connect, and is neither superuser nor owner."""
    powerful = []
    for pool in Pool:
        url = cluster.url(pool.role, DATABASE) if cluster else _server_url(settings, pool)
        if not url:
            powerful.append(f"GIS_DATABASE_URL_{pool.value.upper()}")
            continue
        if _is_powerful(create_engine(url)):
            powerful.append(pool.role)
    fix = Text(
        zh="各登录角色须存在,且不是超级用户或所有者:执行 migrate --print-sql 的输出并设置各网址",
        en="every login role must be set and be neither superuser nor owner: run what"
        " migrate --print-sql prints and set the URLs",
    )
    yield _list("roles", Text(zh="登录角色", en="Login roles"), powerful, fix)


def _server_url(settings: Settings, pool: Pool) -> str:
    url = getattr(settings, f"database_url_{pool.value}")
    return url or ""


def _is_powerful(engine: Engine) -> bool:
    try:
        with engine.connect() as connection:
            question = text(
                "SELECT rolsuper OR rolbypassrls OR EXISTS (SELECT 1 FROM pg_class c JOIN"
                " pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = :core"
                " AND c.relowner = r.oid) FROM pg_roles r WHERE rolname = current_user"
            )
            return bool(connection.execute(question, {"core": CORE}).scalar_one())
    finally:
        engine.dispose()


def _list(name: str, title: Text, wrong: Sequence[str], fix: Text) -> Finding:
    """A finding that is in order when the list is empty."""
    if not wrong:
        return Finding(name, title, State.OK, Text(zh="正常", en="in order"))
    more = f" … ({len(wrong)})" if len(wrong) > _LISTED else ""
    return Finding(name, title, State.WRONG, _plain("; ".join(wrong[:_LISTED]) + more), fix)
