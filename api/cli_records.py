"""Commands about records: import, export, map, kinds."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from api.cli_system import install_assets, resolve
from api.cli_words import Session, both, find_actor, notes, out, show_progress
from gis.attributes import Attribute, Language, Text, Vocabulary
from gis.db.roles import Pool
from gis.errors import ParameterError
from gis.exchange.import_file import ImportReport
from gis.geometry import BBox
from gis.kinds import KINDS, Record, declared, get_kind, sensitivity_of

_EXAMPLE = "python3 -m gis "
_SHOWN = 20
"""Refusals and findings listed on the screen; the file has them all."""
Output = Annotated[Path, typer.Option("-o", "--output", help=both("输出文件", "File to write"))]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", help=both("哪一天(或时刻)的状态", "State at a date or moment")),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    for name, function, zh, en, example in (
        ("import", import_, "导入 GeoPackage、GeoJSON、Shapefile 或 CSV",
         "Import a GeoPackage, GeoJSON, Shapefile or CSV file",
         "import pipes.shp --kind sewer_pipe --map diameter_mm=DIA --set system=storm --dry-run"),
        ("export", export, "导出一类设施(.gpkg .geojson .csv)",
         "Export one kind (.gpkg .geojson .csv)",
         "export sewer_pipe -o pipes.gpkg --as-of 2025-06-30"),
        ("map", map_, "生成可离线打开的单文件地图", "Write a map as one file that opens offline",
         "map progress -o progress.html"),
        ("kinds", kinds, "列出设施类型及其属性", "List the kinds and their attributes",
         "kinds sewer_pipe"),
    ):  # fmt: skip
        app.command(name, help=both(zh, en), epilog=_EXAMPLE + example)(function)


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help=both("文件", "The file"))],
    kind: Annotated[str, typer.Option(help=both("设施类型,见 kinds", "Kind, see kinds"))],
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="FIELD=COLUMN",
            help=both("字段取自哪一列", "Take a field from a column"),
        ),
    ] = None,
    constants: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="FIELD=VALUE", help=both("每行都用此值", "Give every row this value")
        ),
    ] = None,
    crs: Annotated[
        str | None, typer.Option(help=both("坐标系,如 EPSG:4542", "CRS, e.g. EPSG:4542"))
    ] = None,
    layer: Annotated[
        str | None, typer.Option(help=both("文件中的图层", "Layer of the file"))
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(help=both("资料来源(默认文件名)", "Name of the source (the file's name)")),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=both("只校验,不写入", "Check only, write nothing"))
    ] = False,
) -> None:
    """Import a file of one kind; refused rows come back as a file."""
    from gis.exchange.import_file import import_file

    session = _session(context)
    mapping, fixed = _read_pairs("--map", columns), _read_pairs("--set", constants)
    with session.open() as installation, show_progress(session.language) as report:
        done = import_file(
            installation.db,
            resolve(file),
            kind,
            mapping=mapping,
            fixed=fixed,
            crs=crs,
            layer=layer,
            source=source,
            dry_run=dry_run,
            actor=find_actor(),
            progress=lambda step, at, total: report(step, at / max(total, 1)),
        )
    _show_verdicts(session, done)
    session.answer(done.summary().get(session.language))
    if done.read and not done.accepted:
        raise typer.Exit(1)


def _read_pairs(option: str, texts: list[str] | None) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts or []:
        name, sign, value = text.partition("=")
        if not sign or not name.strip():
            raise ParameterError(
                Text(
                    zh="{option} 应写作 字段=值,而不是 {text}",
                    en="{option} takes field=value, not {text}",
                ).format(option=option, text=repr(text[:80]))
            )
        pairs[name.strip()] = value.strip()
    return pairs


def _show_verdicts(session: Session, done: ImportReport) -> None:
    words = ", ".join(f"{name} ← {column}" for name, column in done.mapping.items())
    session.note("对应关系:{words}", "mapping: {words}", words=words)
    if done.unmapped:
        unused = ", ".join(done.unmapped)
        session.note("未使用的列:{unused}", "columns not used: {unused}", unused=unused)
    for finding in done.findings[:_SHOWN]:
        notes.print(f"· {escape(finding.text.get(session.language))}")
    for refusal in done.refusals[:_SHOWN]:
        reason = refusal.reason.get(session.language)
        notes.print(f"✗ {refusal.row}: {escape(refusal.field)}: {escape(reason)}")
    if done.refused_file is not None:
        session.note(
            "退回的记录与原因(可改正后再次导入):{file}",
            "refused rows and why (correct and import it again): {file}",
            file=done.refused_file,
        )


def export(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help=both("设施类型,见 kinds", "Kind, see kinds"))],
    output: Output,
    bbox: Annotated[
        str | None,
        typer.Option(metavar="W,S,E,N", help=both("经纬度范围", "Box in degrees")),
    ] = None,
    as_of: AsOf = None,
) -> None:
    """Export a kind as the reader's role sees it."""
    from gis.exchange.export_file import export_file

    session = _session(context)
    box = BBox.parse(bbox) if bbox else None
    moment = _read_moment(session, as_of)
    with session.open() as installation:
        export_file(
            installation.db,
            kind,
            resolve(output),
            pool=Pool(session.settings.reader),
            bbox=box,
            as_of=moment,
            language=session.language,
        )
    session.answer(str(resolve(output)))


def _read_moment(session: Session, text: str | None) -> datetime | None:
    from api.ogc.parameters import read_moment

    return read_moment("--as-of", text, ZoneInfo(session.settings.timezone)) if text else None


def map_(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="progress|hazards", help=both("哪张图", "Which"))],
    output: Output,
    lang: Annotated[
        Language | None, typer.Option(help=both("地图的语言", "Language of the map"))
    ] = None,
    as_of: AsOf = None,
) -> None:
    """Write a portable map."""
    from layers.portable import hazards_map, progress_map, save_map

    session = _session(context)
    makers = {"progress": progress_map, "hazards": hazards_map}
    if name not in makers:
        raise ParameterError(
            Text(
                zh="没有名为 {name} 的地图;有 {known}", en="no map {name}; there are {known}"
            ).format(name=name[:40], known=", ".join(makers))
        )
    moment = _read_moment(session, as_of)
    install_assets(session)
    with session.open() as installation:
        made = makers[name](
            installation.db,
            settings=session.settings,
            language=lang or session.language,
            pool=Pool(session.settings.reader),
            as_of=moment,
        )
        save_map(made, resolve(output))
    session.answer(str(resolve(output)))


def kinds(
    context: typer.Context,
    kind: Annotated[str | None, typer.Argument(help=both("一个类型", "One kind"))] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help=both("以 JSON 输出", "Write JSON"))
    ] = False,
) -> None:
    """List the kinds, or the attributes of one."""
    session = _session(context)
    chosen = [get_kind(kind)] if kind else list(KINDS.values())
    if as_json:
        document = {k.kind: describe_kind(k) for k in chosen}
        session.answer(json.dumps(document, ensure_ascii=False, indent=1))
    else:
        _show_attributes(session, chosen[0]) if kind else _show_kinds(session, chosen)


def describe_kind(kind: type[Record]) -> dict[str, Any]:  # Any: JSON
    """A kind's declaration as JSON: words, geometry, sensitivity and every attribute."""
    attributes = {
        name: {
            **mark.text.as_dict(),
            "unit": mark.unit.symbol if mark.unit else None,
            "sensitivity": sensitivity_of(kind, name).value,
            "source": mark.source,
            "verified": mark.verified,
            "words": {w.value: w.text.as_dict() for w in find_words(kind, name)},
        }
        for name, mark in declared(kind).items()
    }
    return {
        "label": kind.label.as_dict(),
        "geometry": list(kind.geometry_type.allowed),
        "sensitivity": kind.sensitivity.value,
        "attributes": attributes,
    }


def find_words(kind: type[Record], name: str) -> list[Vocabulary]:
    """The words an attribute may hold; none when it is no vocabulary."""
    annotation = kind.model_fields[name].annotation
    for arm in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(arm, type) and issubclass(arm, Vocabulary):
            return list(arm)
    return []


def _show_kinds(session: Session, chosen: list[type[Record]]) -> None:
    table = _make_table(
        session,
        Text(zh="类型", en="Kind"),
        Text(zh="名称", en="Name"),
        Text(zh="几何", en="Geometry"),
        Text(zh="密级", en="Class"),
        Text(zh="属性数", en="Attributes"),
    )
    for kind in chosen:
        table.add_row(
            kind.kind,
            kind.label.get(session.language),
            "/".join(kind.geometry_type.allowed),
            kind.sensitivity.value,
            str(len(declared(kind))),
        )
    out.print(table)


def _show_attributes(session: Session, kind: type[Record]) -> None:
    """One row per attribute; where definitions come from stands below, by number."""
    table = _make_table(
        session,
        Text(zh="属性", en="Attribute"),
        Text(zh="名称", en="Name"),
        Text(zh="单位", en="Unit"),
        Text(zh="密级", en="Class"),
        Text(zh="出处", en="From"),
        Text(zh="取值", en="Words"),
    )
    sources: dict[str, int] = {}
    for name, mark in declared(kind).items():
        words = [f"{w.value} {w.text.get(session.language)}" for w in find_words(kind, name)]
        table.add_row(
            name,
            mark.text.get(session.language),
            mark.unit.symbol if mark.unit else "",
            sensitivity_of(kind, name).value,
            str(sources.setdefault(_name_source(session, mark), len(sources) + 1)),
            ", ".join(words),
        )
    out.print(table)
    for source, number in sources.items():
        session.answer(f"{number}  {source}")


def _name_source(session: Session, mark: Attribute) -> str:
    if mark.verified:
        return mark.source or ""
    doubt = Text(zh="未核实", en="unverified").get(session.language)
    return f"[{doubt}] {mark.source or ''}"


def _make_table(session: Session, *titles: Text) -> Table:
    table = Table(show_edge=False, pad_edge=False, box=SIMPLE_HEAD)
    for title in titles:
        table.add_column(title.get(session.language), overflow="fold")
    return table


def _session(context: typer.Context) -> Session:
    session = context.obj
    if not isinstance(session, Session):
        raise TypeError("commands run in a session")
    return session
