"""Commands that set up, run and look after an installation."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from sqlalchemy import create_engine, select, text

from api.cli_people import make_demonstration_accounts
from api.cli_words import Session, both, find_actor, notes, show_progress
from gis.attributes import Text
from gis.db.connect import Installation
from gis.db.tables import county
from gis.errors import SetupError
from gis.settings import Settings

_EXAMPLE = "python3 -m gis "
_LOADING_LOCK = 7_261_004
"""Advisory lock held while the demonstration county is loaded."""
Port = Annotated[int | None, typer.Option(min=1, max=65535, help=both("端口", "Port to listen on"))]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    for name, function, zh, en, example in (
        ("demo", demo, "一条命令:准备环境、载入演示县、打开地图",
         "Set up everything, load the demonstration county, serve it", "demo --port 8080"),
        ("test", check, "运行全部检查", "Run the whole check", "test"),
        ("migrate", migrate, "升级数据库结构与权限",
         "Bring the database's schema and grants up to date",
         "migrate --print-sql"),
        ("backup", backup, "备份数据库与证据文件",
         "Back up database and evidence files into one archive",
         "backup -o /media/usb/county.tar"),
        ("restore", restore, "从备份恢复,并逐表核对",
         "Restore a backup, and compare every table with it",
         "restore /media/usb/county.tar --replace"),
        ("doctor", doctor, "逐项检查安装,并说明如何修复",
         "Check the installation, and say how to mend it",
         "doctor --json"),
    ):  # fmt: skip
        app.command(name, help=both(zh, en), epilog=_EXAMPLE + example)(function)


def demo(
    context: typer.Context,
    port: Port = None,
    seed: Annotated[
        int | None, typer.Option(min=1, help=both("随机种子(默认 1)", "Seed of the county (1)"))
    ] = None,
    scale: Annotated[
        float | None,
        typer.Option(
            min=0.2,
            max=60,
            help=both("规模(默认 1;33 约十万根管段)", "Size (1; 33: 100,000 pipes)"),
        ),
    ] = None,
    serving: Annotated[
        bool, typer.Option("--serve/--no-serve", help=both("载入后启动服务", "Serve it, then"))
    ] = True,
) -> None:
    """Set up, load the county, serve."""
    from api.cli_serve import serve_installation
    from api.serve import check_unencrypted

    session = _ask_no_code(open_session(context, port))
    if serving:
        check_unencrypted(session.settings.host)
    with ExitStack() as open_things:
        listener = None
        if serving:
            try:
                listener = _claim_port(session.settings)
            except SetupError:
                # A second demo, or one started again: there it is, and nothing is to be done.
                if not _is_ours(session.settings.host, session.settings.port):
                    raise
                address = f"http://127.0.0.1:{session.settings.port}/maps/progress"
                session.note(
                    "本程序已在运行,或正在准备:", "It is running already, or getting ready:"
                )
                session.answer(address)
                return
            open_things.enter_context(listener)
        install_assets(session)
        installation = open_things.enter_context(session.open())
        load_demonstration(session, installation, seed=seed, scale=scale)
        if listener is not None:
            serve_installation(session, installation, listener)


def _ask_no_code(session: Session) -> Session:
    """Whoever tries eight accounts on one machine needs no authenticator, unless it is asked for.

    Once the installation is started by ``serve``, its officers set one up at their first login.
    """
    if "second_factor" in session.settings.model_fields_set:
        return session
    settings = session.settings.model_copy(update={"second_factor": "off"})
    return replace(session, settings=settings)


def load_demonstration(
    session: Session, installation: Installation, *, seed: int | None, scale: float | None
) -> None:
    """Load the county unless it is there already; a seed or scale not given asks for any."""
    with _hold_loading(installation):
        if _is_loaded(installation, seed=seed, scale=scale):
            session.note("演示县已在库中", "The demonstration county is there already")
        else:
            _load_county(session, installation, seed=seed or 1, scale=scale or 1.0)
        make_demonstration_accounts(session, installation)


@contextmanager
def _hold_loading(installation: Installation) -> Iterator[None]:
    """Two commands started at once load one county: the second waits, and finds it there."""
    engine = create_engine(installation.owner_url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOADING_LOCK})
            yield
    finally:
        engine.dispose()


def _is_loaded(installation: Installation, *, seed: int | None, scale: float | None) -> bool:
    with installation.db.read() as connection:
        found = connection.execute(select(county.c.demonstration)).scalars().all()
    if seed is None and scale is None:
        return any(made_from is not None for made_from in found)
    return {"seed": seed or 1, "scale": scale or 1.0} in found


def _load_county(session: Session, installation: Installation, *, seed: int, scale: float) -> None:
    from gis.demonstration.county import build_county, load_county, write_oracle
    from gis.evidence.files import EvidenceFiles

    with show_progress(session.language) as report:
        report(Text(zh="生成演示县", en="building the county"), 0.0)
        made = build_county(seed, scale)
        files = EvidenceFiles(session.settings.state_folder)
        counts = load_county(
            installation.db, made, actor=find_actor(), progress=report, files=files
        )
    oracle = session.settings.state_folder / "demonstration.json"
    oracle.parent.mkdir(parents=True, exist_ok=True)
    write_oracle(made, oracle)
    session.note(
        "演示县已就绪:{count} 条记录;生成器已知的数字见 {oracle}",
        "The county is ready: {count} records; the figures its generator knows are in {oracle}",
        count=sum(counts.values()),
        oracle=oracle,
    )


def install_assets(session: Session) -> None:
    """Bring the browser libraries, once."""
    from layers.assets import assets_installed
    from layers.assets import install_assets as fetch

    folder = session.settings.state_folder / "assets"
    if not assets_installed(folder):
        with show_progress(session.language) as report:
            fetch(folder, progress=lambda step: report(step, 0.5))


def _claim_port(settings: Settings) -> socket.socket:
    from api.serve import claim_port

    return claim_port(settings.port, settings.host)


def _is_ours(host: str, port: int) -> bool:
    """Whether it is this program that listens on the port, also while it is still setting up."""
    if ":" in host:  # IPv6 is not looked for
        return False
    address = socket.inet_aton(socket.gethostbyname(host))
    listening = f"{address[::-1].hex().upper()}:{port:04X}"
    inodes = {
        line.split()[9]
        for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
        if line.split()[1] == listening and line.split()[3] == "0A"
    }
    wanted = {f"socket:[{inode}]" for inode in inodes}
    return any(_holds(process, wanted) for process in Path("/proc").glob("[0-9]*"))


def _holds(process: Path, sockets: set[str]) -> bool:
    """Whether a process is a command of ours and has one of the sockets open."""
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
        if b"api.cli" not in words:
            return False
        return any(str(link.readlink()) in sockets for link in (process / "fd").iterdir())
    except OSError:  # it ended, or is another user's
        return False


def migrate(
    context: typer.Context,
    print_sql: Annotated[
        bool,
        typer.Option(
            "--print-sql",
            help=both(
                "只打印数据库管理员(超级用户)需执行的语句",
                "Only print what a DBA must run as superuser",
            ),
        ),
    ] = False,
) -> None:
    """Migrate, or print the superuser's part."""
    session = open_session(context)
    if print_sql:
        session.answer("\n".join(superuser_script()))
        return
    from gis.db.setup import newest_revision

    with session.open():
        session.note(
            "数据库已是最新(结构 {revision})",
            "The database is up to date (schema {revision})",
            revision=newest_revision(),
        )


def superuser_script() -> list[str]:
    """What psql runs as superuser on a server, once and after every update of the program."""
    from gis.db.connect import DATABASE
    from gis.db.functions import function_grants
    from gis.db.roles import OWNER
    from gis.db.setup import database_statements, role_statements

    lines = ["-- psql -X -v ON_ERROR_STOP=1 -f <this file> postgres"]
    lines += [f"{statement};" for statement in role_statements()]
    lines += [
        f"SELECT 'CREATE DATABASE {DATABASE} OWNER {OWNER}' WHERE NOT EXISTS"
        f" (SELECT 1 FROM pg_database WHERE datname = '{DATABASE}') \\gexec",
        f"\\connect {DATABASE}",
    ]
    lines += [f"{statement};" for statement in (*database_statements(), *function_grants())]
    return lines


def backup(
    context: typer.Context,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help=both("归档文件", "The archive to write")),
    ] = None,
) -> None:
    """Write one archive."""
    from gis.jobs.backup import backup_folder, make_backup, name_backup

    session = open_session(context)
    made = name_backup(datetime.now(UTC))
    target = resolve(output) if output else backup_folder(session.settings) / made
    with session.open() as installation, show_progress(session.language) as report:
        manifest = make_backup(installation, session.settings, target, progress=report)
    session.note(
        "已备份 {rows} 行、{files} 个证据文件。请另存一份到别的机器上",
        "Backed up {rows} rows and {files} evidence files. Keep a copy on another machine",
        rows=manifest.rows,
        files=len(manifest.sha256) - 1,
    )
    session.answer(str(target))


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help=both("备份归档", "The archive"))],
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help=both(
                "替换现有数据(会先自动备份)", "Replace what is there (it is backed up first)"
            ),
        ),
    ] = False,
) -> None:
    """Restore an archive; a database that holds records is left alone without --replace."""
    from gis.jobs.restore import restore_backup

    session = open_session(context)
    with session.open() as installation, show_progress(session.language) as report:
        done = restore_backup(
            installation, session.settings, resolve(file), replace=replace, progress=report
        )
    for gap in done.gaps:
        session.note(
            "注意:备份中 {kind} 有 {count} 处历史不连续:{rule}",
            "note: {kind} in the backup has {count} breaks in its history: {rule}",
            kind=gap.kind,
            count=gap.count,
            rule=gap.rule.get(session.language),
        )
    if done.saved is not None:
        session.note("原有数据已备份到 {path}", "What was there is in {path}", path=done.saved)
    session.answer(
        Text(
            zh="已恢复 {made} 的备份:{rows} 行,{tables} 张表逐表核对一致,证据文件 {files} 个",
            en="Restored the backup of {made}: {rows} rows, {tables} tables compared and equal,"
            " {files} evidence files",
        )
        .format(
            made=done.manifest.made_at,
            rows=done.manifest.rows,
            tables=len(done.manifest.tables),
            files=done.evidence,
        )
        .get(session.language)
    )


def doctor(
    context: typer.Context,
    port: Port = None,
    as_json: Annotated[
        bool, typer.Option("--json", help=both("以 JSON 输出", "Write JSON"))
    ] = False,
) -> None:
    """Look at everything; exit 1 when something is wrong."""
    from api.doctor import examine
    from api.findings import State

    session = open_session(context, port)
    findings = examine(session.settings)
    if as_json:
        document = [finding.as_dict() for finding in findings]
        session.answer(json.dumps(document, ensure_ascii=False, indent=1))
    else:
        marks = {State.OK: "[green]✓[/]", State.NOTICE: "[yellow]![/]", State.WRONG: "[red]✗[/]"}
        for finding in findings:
            title, found = (t.get(session.language) for t in (finding.title, finding.found))
            notes.print(f"{marks[finding.state]} {escape(title)}: {escape(found)}")
            if finding.fix is not None:
                notes.print(f"    → {escape(finding.fix.get(session.language))}")
    if any(finding.state is State.WRONG for finding in findings):
        raise typer.Exit(1)


def check(
    context: typer.Context,
    fast: Annotated[
        bool,
        typer.Option(
            "--fast",
            help=both("略去浏览器、真实数据与基准", "Leave out browser, real data and fuzz"),
        ),
    ] = False,
    coverage: Annotated[
        bool,
        typer.Option(
            "--coverage",
            help=both("另测行覆盖率(较慢)", "also measure which lines are run (slower)"),
        ),
    ] = False,
) -> None:
    """Format, lint, types, contracts, known vulnerabilities, tests."""
    from api.check import run_checks

    raise typer.Exit(run_checks(open_session(context), fast=fast, coverage=coverage))


def open_session(context: typer.Context, port: int | None = None) -> Session:
    """The session of the command, with the port the command line names."""
    session = context.obj
    if not isinstance(session, Session):
        raise TypeError("commands run in a session")
    if port is None:
        return session
    return Session(session.settings.model_copy(update={"port": port}), session.language)


def resolve(path: Path) -> Path:
    """A path as typed, made absolute."""
    return path.expanduser().resolve()
