"""Commands about models of the sewers for EPA SWMM: export-swmm, import-swmm."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape

from api.cli_records import AsOf, Output
from api.cli_system import resolve
from api.cli_words import Session, both, find_actor, notes
from gis.attributes import Text
from gis.db.roles import Pool
from gis.errors import ParameterError
from gis.kinds.sewer_pipe import PipeSystem

E = TypeVar("E", bound=Enum)
_EXAMPLE = "python3 -m gis "
_SHOWN = 40
"""Findings and refusals listed on the screen."""
System = Annotated[
    str | None,
    typer.Option(help=both("类别:storm、sanitary、combined", "storm, sanitary or combined")),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    for name, function, zh, en, example in (
        ("export-swmm", export_swmm_, "把排水管网或追溯所得的一部分写成 EPA SWMM 模型(.inp)",
         "Write the sewers, or a traced part of them, as a model for EPA SWMM (.inp)",
         "export-swmm -o model.inp --from WS-0001 --direction up"),
        ("import-swmm", import_swmm_, "导入 EPA SWMM 模型(.inp)的节点与管道",
         "Import nodes and conduits of an EPA SWMM model (.inp)",
         "import-swmm model.inp --crs EPSG:4542 --system storm --dry-run"),
    ):  # fmt: skip
        app.command(name, help=both(zh, en), epilog=_EXAMPLE + example)(function)


def export_swmm_(
    context: typer.Context,
    output: Output,
    start: Annotated[
        str | None,
        typer.Option(
            "--from", help=both("起点(编号或标识);默认全县", "Node or pipe; all the county if none")
        ),
    ] = None,
    direction: Annotated[
        str, typer.Option(help=both("方向:up、down、both", "Which way: up, down, both"))
    ] = "up",
    system: System = None,
    as_of: AsOf = None,
    planned: Annotated[
        bool,
        typer.Option("--planned", help=both("包括未建成的管道", "Also pipes not built yet")),
    ] = False,
) -> None:
    """Write a model, the names in it, and what was assumed of which object."""
    from api.ogc.parameters import read_moment
    from gis.network.asking import asking
    from gis.network.swmm_export import export_swmm
    from gis.network.trace import Direction

    session = _session(context)
    way = _read_word("--direction", direction, Direction)
    chosen = _read_word("--system", system, PipeSystem) if system else None
    zone = ZoneInfo(session.settings.timezone)
    moment = read_moment("--as-of", as_of, zone) if as_of else None
    target, pool = resolve(output), Pool(session.settings.reader)
    with session.open() as installation, installation.db.read(pool) as connection:
        model = export_swmm(
            asking(connection), start, way, pool=pool, system=chosen, as_of=moment, planned=planned
        )
    target.write_text(model.as_inp(), encoding="utf-8", newline="\n")
    names, assumed = target.with_suffix(".names.csv"), target.with_suffix(".assumed.csv")
    names.write_text(model.mapping_csv(), encoding="utf-8", newline="")
    assumed.write_text(model.assumptions_csv(session.language), encoding="utf-8", newline="")
    session.note("以下为假定(数值未核实):", "assumed, with figures nobody verified:")
    for assumption in model.assumptions:
        notes.print(f"· {escape(assumption.text.get(session.language))}")
    session.answer("\n".join(map(str, (target, names, assumed))))


def import_swmm_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help=both("模型文件 .inp", "The .inp file"))],
    crs: Annotated[
        str | None,
        typer.Option(help=both("坐标的坐标系,如 EPSG:4542", "CRS of its coordinates")),
    ] = None,
    system: System = None,
    source: Annotated[
        str | None,
        typer.Option(help=both("资料来源(默认文件名)", "Name of the source (the file's name)")),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=both("只校验,不写入", "Check only, write nothing"))
    ] = False,
) -> None:
    """Import a model; what it says of its lines goes to the screen."""
    from gis.network.swmm_import import import_swmm

    session = _session(context)
    chosen = _read_word("--system", system, PipeSystem) if system else None
    with session.open() as installation:
        done = import_swmm(
            installation.db, resolve(file), actor=find_actor(), crs=crs, system=chosen,
            source=source, dry_run=dry_run,
        )  # fmt: skip
    for finding in done.findings[:_SHOWN]:
        rows = ", ".join(map(str, finding.rows))
        notes.print(f"· {escape(finding.text.get(session.language))} ({rows}…)")
    for refusal in done.refusals[:_SHOWN]:
        reason = refusal.reason.get(session.language)
        notes.print(f"✗ {refusal.row}: {escape(refusal.value)}: {escape(reason)}")
    for kind, counts in done.loaded.items():
        session.note(
            "{kind}:新增 {added},更改 {changed},未变 {unchanged}",
            "{kind}: added {added}, changed {changed}, unchanged {unchanged}",
            kind=kind, added=counts.added, changed=counts.changed, unchanged=counts.unchanged,
        )  # fmt: skip
    session.answer(done.summary().get(session.language))
    if done.refusals and not any(c.added + c.changed + c.unchanged for c in done.loaded.values()):
        raise typer.Exit(1)


def _session(context: typer.Context) -> Session:
    session = context.obj
    if not isinstance(session, Session):
        raise TypeError("commands run in a session")
    return session


def _read_word(option: str, text: str, words: type[E]) -> E:
    try:
        return words(text)
    except ValueError:
        known = ", ".join(str(word.value) for word in words)
        raise ParameterError(
            Text(zh="{option} 需为 {known} 之一", en="{option} takes one of {known}").format(
                option=option, known=known
            )
        ) from None
