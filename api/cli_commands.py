"""The commands. Each opens what it needs, calls one function, says what came of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from api.cli import (
    LANGUAGE,
    Port,
    app,
    console,
    describe,
    open_here,
    os_user,
    resolve,
    say,
    steps,
)
from gis.attributes import Language, Text
from gis.errors import InputError
from gis.settings import Settings

Output = Annotated[Path, typer.Option("-o", "--output", help=say("输出文件", "File to write"))]
KindName = Annotated[str, typer.Option("--kind", help=say("设施类型", "Kind, see `kinds`"))]


def _settings(port: int | None = None) -> Settings:
    settings = Settings()
    return settings if port is None else settings.model_copy(update={"port": port})


@app.command(
    help=describe(
        "安装一切,载入演示县并启动网页",
        "Set up everything, load the demonstration county, serve",
        "demo",
    )
)
def demo(
    port: Port = None,
    seed: Annotated[int, typer.Option(help=say("随机种子", "Seed of the county"))] = 1,
    scale: Annotated[
        float, typer.Option(help=say("规模倍数", "Size, 1 to 40"), min=0.2, max=60)
    ] = 1,
    serve_it: Annotated[
        bool, typer.Option("--serve/--no-serve", help=say("启动网页", "Serve"))
    ] = True,
) -> None:
    """Set up, load the county, serve."""
    from api.serve import claim_port
    from gis.demonstration.county import build_county, load_county, write_oracle

    settings = _settings(port)
    listener = claim_port(settings.port) if serve_it else None
    _install_assets(settings)
    with open_here(settings) as installation:
        with steps() as step:
            step(Text(zh="生成演示县", en="Building the county"), 0.05)
            county = build_county(seed, scale)
            counts = load_county(installation.db, county, actor=os_user(), progress=step)
        oracle = settings.state_folder / "demonstration-oracle.json"
        oracle.parent.mkdir(parents=True, exist_ok=True)
        write_oracle(county, oracle)
        console.print(
            say(
                "演示县已就绪:{count} 条记录;已知数字见 {oracle}",
                "The county is ready: {count} records; its known figures are in {oracle}",
                count=sum(counts.values()),
                oracle=oracle,
            )
        )
        if listener is not None:
            _serve(settings, installation, listener)


def _install_assets(settings: Settings) -> None:
    from layers.assets import assets_installed, install_assets

    folder = settings.state_folder / "assets"
    if assets_installed(folder):
        return
    with steps() as step:
        install_assets(folder, progress=lambda words: step(words, 0.5))


def _serve(settings: Settings, installation: object, listener: object) -> None:
    import socket

    from api.nightly import Nightly
    from api.serve import serve as run_server
    from gis.db.connect import Installation

    if not isinstance(installation, Installation) or not isinstance(listener, socket.socket):
        raise TypeError("an open installation and a listening socket")
    console.print(
        say(
            "打开 http://127.0.0.1:{port}/maps/progress (进度)或 /maps/hazards(隐患);Ctrl+C 停止",
            "Open http://127.0.0.1:{port}/maps/progress (progress) or /maps/hazards; Ctrl+C stops",
            port=settings.port,
        )
    )
    nightly = Nightly(settings, installation)
    nightly.start()
    try:
        run_server(settings, installation, listener)
    finally:
        nightly.stop()


@app.command(
    help=describe("启动网页与接口(仅本机)", "Serve the maps and the API on this machine", "serve")
)
def serve(port: Port = None) -> None:
    """Serve."""
    from api.serve import claim_port

    settings = _settings(port)
    listener = claim_port(settings.port)
    _install_assets(settings)
    with open_here(settings) as installation:
        _serve(settings, installation, listener)


@app.command(
    help=describe(
        "升级数据库结构与权限", "Bring the schema and the grants up to date", "migrate --print-sql"
    )
)
def migrate(
    print_sql: Annotated[
        bool,
        typer.Option(
            "--print-sql", help=say("打印管理员需执行的语句", "Print what a DBA must run first")
        ),
    ] = False,
) -> None:
    """Migrate, or print the superuser's part."""
    from gis.db.functions import function_grants
    from gis.db.setup import database_statements, role_statements

    if print_sql:
        for statement in (*role_statements(), *database_statements(), *function_grants()):
            print(f"{statement};")  # noqa: T201 - the answer itself, for a pipe
        return
    with open_here(_settings()):
        console.print(say("数据库已是最新", "The database is up to date"))


@app.command(
    "import",
    help=describe(
        "导入 GeoPackage、GeoJSON、Shapefile 或 CSV",
        "Import a GeoPackage, GeoJSON, Shapefile or CSV",
        "import pipes.gpkg --kind sewer_pipe --map up_node=FROM --set system=sanitary",
    ),
)
def import_(
    file: Annotated[Path, typer.Argument(help=say("文件", "The file"))],
    kind: KindName,
    map_: Annotated[list[str] | None, typer.Option("--map", help="field=column")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="field=value")] = None,
    crs: Annotated[str | None, typer.Option(help=say("坐标系", "CRS, e.g. EPSG:4549"))] = None,
    layer: Annotated[str | None, typer.Option(help=say("图层名", "Layer of the file"))] = None,
    source: Annotated[str | None, typer.Option(help=say("资料来源", "Name of the source"))] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=say("只校验", "Check only"))] = False,
) -> None:
    """Import a file."""
    from gis.exchange.import_file import import_file

    with open_here(_settings()) as installation, steps() as step:
        report = import_file(
            installation.db,
            resolve(file),
            kind,
            mapping=_pairs(map_),
            fixed=_pairs(set_),
            crs=crs,
            layer=layer,
            source=source,
            dry_run=dry_run,
            actor=os_user(),
            progress=lambda words, done, total: step(words, done / max(total, 1)),
        )
    for finding in report.findings[:20]:
        console.print(f"· {finding.text.get(LANGUAGE)}", markup=False)
    if report.refused_file is not None:
        console.print(
            say("退回的记录与原因:{file}", "Refused rows and why: {file}", file=report.refused_file)
        )
    print(report.summary().get(LANGUAGE))  # noqa: T201 - the answer itself, for a pipe


def _pairs(texts: list[str] | None) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for pair in texts or []:
        name, sign, value = pair.partition("=")
        if not sign:
            raise InputError(
                Text(zh="应写作 字段=列:{pair}", en="write field=column, not {pair}").format(
                    pair=pair
                )
            )
        pairs[name.strip()] = value.strip()
    return pairs


@app.command(
    help=describe(
        "导出一类设施", "Export one kind", "export sewer_pipe -o pipes.gpkg --as-of 2025-06-30"
    )
)
def export(
    kind: Annotated[str, typer.Argument(help=say("设施类型", "Kind, see `kinds`"))],
    output: Output,
    bbox: Annotated[str | None, typer.Option(help="west,south,east,north")] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help=say("日期", "Date or moment"))
    ] = None,
) -> None:
    """Export a kind as the reader's role sees it."""
    from api.ogc.parameters import read_moment
    from gis.db.roles import Pool
    from gis.exchange.export_file import export_file
    from gis.geometry import BBox

    settings = _settings()
    with open_here(settings) as installation:
        count = export_file(
            installation.db,
            kind,
            resolve(output),
            pool=Pool(settings.reader),
            bbox=BBox.parse(bbox) if bbox else None,
            as_of=read_moment("as-of", as_of) if as_of else None,
            language=LANGUAGE,
        )
    console.print(
        say("已导出 {count} 条到 {file}", "Exported {count} to {file}", count=count, file=output)
    )


@app.command(
    "map",
    help=describe(
        "生成可离线打开的单文件地图",
        "Write a portable map: one file, no network",
        "map progress -o map.html",
    ),
)
def map_(
    name: Annotated[str, typer.Argument(help="progress | hazards")],
    output: Output,
    lang: Annotated[Language, typer.Option(help="zh | en")] = LANGUAGE,
) -> None:
    """Write a portable map."""
    from gis.db.roles import Pool
    from layers.portable import portable_map, save_map

    settings = _settings()
    _install_assets(settings)
    with open_here(settings) as installation:
        made = portable_map(
            installation.db, name, settings=settings, language=lang, pool=Pool(settings.reader)
        )
        save_map(made, resolve(output))
    console.print(say("已生成 {file}", "Wrote {file}", file=output))


@app.command(
    help=describe("列出设施类型及其属性", "List the kinds and their attributes", "kinds sewer_pipe")
)
def kinds(
    kind: Annotated[str | None, typer.Argument(help=say("设施类型", "One kind"))] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON")] = False,
) -> None:
    """List kinds, or the attributes of one."""
    from gis.kinds import KINDS, declared, get_kind, sensitivity_of

    chosen = [get_kind(kind)] if kind else list(KINDS.values())
    if as_json:
        document = {
            k.kind: {
                name: {
                    **mark.text.as_dict(),
                    "unit": mark.unit.symbol if mark.unit else None,
                    "sensitivity": sensitivity_of(k, name).value,
                    "source": mark.source,
                    "verified": mark.verified,
                }
                for name, mark in declared(k).items()
            }
            for k in chosen
        }
        print(json.dumps(document, ensure_ascii=False, indent=1))  # noqa: T201 - for a pipe
        return
    table = Table()
    if kind is None:
        for title in (
            say("键", "Key"),
            say("名称", "Name"),
            say("几何", "Geometry"),
            say("密级", "Class"),
        ):
            table.add_column(title)
        for k in chosen:
            table.add_row(k.kind, k.label.get(LANGUAGE), k.geometry_type.value, k.sensitivity.value)
    else:
        for title in (
            "",
            say("名称", "Name"),
            say("单位", "Unit"),
            say("密级", "Class"),
            say("出处", "Source"),
        ):
            table.add_column(title)
        for name, mark in declared(chosen[0]).items():
            unverified = "" if mark.verified else say("(未核实)", " (unverified)")
            table.add_row(
                name,
                mark.text.get(LANGUAGE),
                mark.unit.symbol if mark.unit else "",
                sensitivity_of(chosen[0], name).value,
                f"{mark.source}{unverified}",
            )
    console.print(table)


@app.command(
    help=describe(
        "备份数据库与证据文件", "Back up the database and the evidence", "backup -o county.tar"
    )
)
def backup(
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help=say("归档", "Archive"))
    ] = None,
) -> None:
    """Write one archive."""
    from gis.backup import back_up

    settings = _settings()
    name = f"backup-{datetime.now(UTC):%Y%m%d-%H%M%S}.tar"
    target = resolve(output) if output else settings.state_folder / "backups" / name
    with open_here(settings) as installation, steps() as step:
        back_up(installation, settings.state_folder, target, progress=step)
    console.print(say("已备份到 {file}", "Backed up to {file}", file=target))


@app.command(help=describe("从归档恢复", "Restore an archive", "restore county.tar --replace"))
def restore(
    archive: Annotated[Path, typer.Argument(help=say("归档", "The archive"))],
    replace: Annotated[
        bool, typer.Option("--replace", help=say("替换现有数据", "Replace what is there"))
    ] = False,
) -> None:
    """Restore an archive into the embedded cluster."""
    from gis.backup import restore as bring_back

    settings = _settings()
    with open_here(settings) as installation:
        if installation.cluster is None:
            raise InputError(
                Text(
                    zh="服务器模式请由管理员用 pg_restore 恢复归档中的 database.dump",
                    en="on a server, have the DBA restore the archive's database.dump by pg_restore",
                )
            )
        installation.db.close()
        with steps() as step:
            counts = bring_back(
                installation.cluster,
                settings.state_folder,
                resolve(archive),
                replace=replace,
                progress=step,
            )
    console.print(say("已恢复 {count} 行", "Restored {count} rows", count=sum(counts.values())))


@app.command(
    help=describe(
        "体检:逐项检查并说明如何修复", "Check everything, and say how to fix it", "doctor"
    )
)
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="JSON")] = False, port: Port = None
) -> None:
    """Examine the installation."""
    from api.doctor import examine

    findings = examine(_settings(port))
    if as_json:
        print(json.dumps([f.as_dict() for f in findings], ensure_ascii=False))  # noqa: T201
    else:
        for finding in findings:
            mark = {"ok": "[green]✓[/]", "warning": "[yellow]![/]"}.get(finding.state, "[red]✗[/]")
            console.print(f"{mark} {finding.title.get(LANGUAGE)}: ", end="")
            console.print(finding.detail, markup=False)
            if finding.fix is not None:
                console.print(f"    → {finding.fix.get(LANGUAGE)}", markup=False)
    if any(f.state == "wrong" for f in findings):
        raise typer.Exit(1)


@app.command(help=describe("运行全部检查", "Run the whole check", "test"))
def test(
    fast: Annotated[
        bool, typer.Option("--fast", help=say("略去慢的", "Leave out the slow ones"))
    ] = False,
) -> None:
    """Format, lint, types, contracts, audit, tests."""
    from api.check import run_checks

    raise typer.Exit(run_checks(fast=fast))
