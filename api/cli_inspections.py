"""The command that brings CCTV record tables in."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape

from api.cli_system import resolve
from api.cli_words import Session, both, find_actor, notes
from gis.attributes import Language
from gis.network.cctv_findings import RowVerdict, Weight
from gis.network.cctv_import import import_cctv
from gis.network.cctv_judge import Given

_SHOWN = 40
"""Rows with findings listed on the screen."""
_MARKS = {Weight.ERROR: "✗", Weight.WARNING: "!", Weight.NOTE: "·"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "import-cctv",
        help=both(
            "导入管道检测记录表(.xlsx .xls .csv),逐行给出结论并按 CJJ 181 评估",
            "Import a CCTV record table (.xlsx .xls .csv): a verdict on every row, graded by"
            " CJJ 181",
        ),
        epilog="python3 -m gis import-cctv records.xlsx --soil 一般土层 --dry-run",
    )(import_cctv_)


def import_cctv_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help=both("记录表", "The record table"))],
    method: Annotated[
        str, typer.Option(help=both("检测方法:cctv、sonar、qv", "Method: cctv, sonar, qv"))
    ] = "cctv",
    unit: Annotated[str | None, typer.Option(help=both("检测单位", "Who inspected"))] = None,
    importance: Annotated[
        str | None,
        typer.Option(
            help=both("地区重要性(表中未注明时)", "Importance, where the table is silent")
        ),
    ] = None,
    soil: Annotated[
        str | None,
        typer.Option(help=both("土质(表中未注明时)", "Soil, where the table is silent")),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=both("只校验,不写入", "Check only, write nothing"))
    ] = False,
) -> None:
    """Import a record table; what it says of each row goes to the screen."""
    session: Session = context.obj
    today = datetime.now(ZoneInfo(session.settings.timezone)).date()
    with session.open() as installation:
        report = import_cctv(
            installation.db,
            resolve(file),
            actor=find_actor(),
            today=today,
            given=Given(method, unit, importance, soil),
            dry_run=dry_run,
        )
    told = [verdict for verdict in report.verdicts if verdict.findings]
    for verdict in told[:_SHOWN]:
        _tell(verdict, session.language)
    if len(told) > _SHOWN:
        session.note("…另有 {n} 行", "… and {n} more rows", n=len(told) - _SHOWN)
    session.answer(report.summary().get(session.language))
    if report.runs and report.refused_runs == report.runs:
        raise typer.Exit(1)


def _tell(verdict: RowVerdict, language: Language) -> None:
    for finding in verdict.findings:
        words = f"{finding.address} {finding.text.get(language)}"
        shown = f"{words} [{finding.value}]" if finding.value else words
        notes.print(f"{_MARKS[finding.weight]} {escape(shown)}")
