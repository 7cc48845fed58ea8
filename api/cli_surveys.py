"""Commands about surveys: import-survey."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape

from api.cli_system import resolve
from api.cli_words import Session, both, find_actor, notes, show_progress
from gis.attributes import Text
from gis.db.handle import Database
from gis.errors import NotFoundError
from gis.network.survey_import import SurveyReport

_SHOWN = 20
"""Findings listed on the screen; the marked book has them all."""


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    words = both(
        "导入管网探测点表、线表:检查、批注、入库",
        "Import a sewer survey's tables: check them, mark them, load what is sound",
    )
    example = "python3 -m gis import-survey book.xlsx --report marked.xlsx --dry-run"
    app.command("import-survey", help=words, epilog=example)(import_survey)


def import_survey(
    context: typer.Context,
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="BOOK...", help=both("工作簿,或点表、线表", "The workbook, or its tables")
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option(help=both("批次名称(默认文件名)", "Name of the batch (the file's name)")),
    ] = None,
    unit: Annotated[str, typer.Option(help=both("探测单位", "Who surveyed"))] = "",
    claimed_km: Annotated[
        float | None,
        typer.Option(
            "--claimed-km", min=0, max=100_000, help=both("申报长度,公里", "Length claimed, km")
        ),
    ] = None,
    crs: Annotated[
        str | None,
        typer.Option(help=both("坐标系(默认由县域推断)", "CRS (else from the county's extent)")),
    ] = None,
    corrects: Annotated[
        bool,
        typer.Option("--corrects", help=both("该批次的改正表", "A corrected book of that batch")),
    ] = False,
    report: Annotated[
        Path | None, typer.Option(help=both("批注后的 .xlsx", "The marked .xlsx to write"))
    ] = None,
    geojson: Annotated[
        Path | None, typer.Option(help=both("问题点 .geojson", "Findings as .geojson"))
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=both("只检查,不写入", "Check only, write nothing"))
    ] = False,
) -> None:
    """Judge a survey book; load the rows without an error."""
    from gis.network import survey_import as surveys
    from gis.network.survey_store import Filing

    session = context.obj
    if not isinstance(session, Session):
        raise TypeError("commands run in a session")
    paths = [resolve(file) for file in files]
    today = datetime.now(ZoneInfo(session.settings.timezone)).date()
    claimed_m = None if claimed_km is None else claimed_km * 1000
    with session.open() as installation, show_progress(session.language) as progress:
        if dry_run:
            done = surveys.check_survey(
                installation.db, paths, crs=crs, claimed_m=claimed_m, today=today,
                progress=progress,
            )  # fmt: skip
        else:
            batch_name = name or paths[0].stem
            batch = _find_corrected(installation.db, batch_name) if corrects else None
            filing = Filing(
                file=paths[0].name if len(paths) == 1 else f"{paths[0].stem}.zip",
                content=surveys.pack_files(paths), name=batch_name, unit=unit,
                claimed_m=claimed_m, crs=crs, batch=batch,
            )  # fmt: skip
            done = surveys.import_survey(
                installation.db, filing, actor=find_actor(), today=today, progress=progress
            )
            if batch is not None:
                _show_difference(session, installation.db, batch)
    surveys.write_outputs(
        done,
        marked=resolve(report) if report else None,
        geojson=resolve(geojson) if geojson else None,
        language=session.language,
    )
    _show(session, done)
    session.answer(done.summary().get(session.language))


def _find_corrected(db: Database, name: str) -> UUID:
    from gis.network.survey_store import find_batch

    with db.read() as connection:
        batch = find_batch(connection, name)
    if batch is None:
        raise NotFoundError(
            Text(
                zh="没有名为“{name}”的批次可以更正:请用 --name 写出原批次的名称",
                en='no batch is named "{name}": give the name of the one to correct with --name',
            ),
            name=name,
        )
    return batch


def _show_difference(session: Session, db: Database, batch: UUID) -> None:
    """What a corrected book changed."""
    from gis.network.survey_questions import describe_batch

    with db.read() as connection:
        difference = json.loads(describe_batch(connection, batch))["difference"]
    session.note(
        "与上次相比:新增 {new},消除 {gone},仍在 {same}",
        "since the last book: {new} new, {gone} gone, {same} the same",
        **difference,
    )


def _show(session: Session, done: SurveyReport) -> None:
    """The rules that spoke, gravest first, then the first findings."""
    rules, counts = done.judged.rules, done.judged.found.count()
    order = sorted(counts, key=lambda r: (rules.rule(r).severity.order, -counts[r]))
    for identifier in order:
        rule = rules.rule(identifier)
        severity, title = rule.severity.text, rule.title.text
        notes.print(
            f"{counts[identifier]:>7}  {severity.get(session.language)}"
            f"  {escape(title.get(session.language))}  ({identifier})"
        )
    for finding in done.judged.findings[:_SHOWN]:
        where = f"{finding.sheet}!{finding.cell}" if finding.cell else finding.sheet
        words = finding.text.get(session.language)
        notes.print(f"· {escape(where)} {escape(words)}", markup=True)
    for kind, loaded in done.loaded.items():
        session.note(
            "{kind}:新增 {added},更改 {changed},未变 {unchanged}",
            "{kind}: added {added}, changed {changed}, unchanged {unchanged}",
            kind=kind, added=loaded.added, changed=loaded.changed, unchanged=loaded.unchanged,
        )  # fmt: skip
    if done.held:
        session.note(
            "{count} 段管因检查井有错误而暂不入库",
            "{count} pipes are held back because a manhole of theirs has an error",
            count=done.held,
        )
