"""A survey book from the file to the register: filed, judged, marked, loaded."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import Row, text

from gis.attributes import Language, Text
from gis.db.handle import Database
from gis.db.roles import Pool
from gis.db.survey_tables import survey_batch, survey_file, survey_import
from gis.errors import InfratrackError, NotFoundError
from gis.jobs.worker import Task, Work
from gis.network import survey_store as store
from gis.network.survey_book import as_features, write_book
from gis.network.survey_check import Judgement, judge_book
from gis.network.survey_load import Loadable, load_rows, prepare_rows, refuse_taken_codes
from gis.network.survey_read import Book, read_book
from gis.network.survey_store import Filing
from gis.store import LoadCounts

Progress = Callable[[Text, float], None]
TASK = "judge_survey"
_STEPS = (
    (Text(zh="读取表格", en="reading the tables"), 0.1),
    (Text(zh="逐项检查", en="asking the rules"), 0.3),
    (Text(zh="生成批注表", en="marking the book"), 0.6),
    (Text(zh="写入数据库", en="loading"), 0.85),
    (Text(zh="完成", en="done"), 1.0),
)


@dataclass(slots=True)
class SurveyReport:
    """What became of a book: the judgement, and what was loaded (nothing in a dry run)."""

    judged: Judgement
    accepted_m: float
    held: int
    batch: UUID | None = None
    loaded: dict[str, LoadCounts] = field(default_factory=dict)

    def summary(self) -> Text:
        """One line of counts."""
        by_severity = count_severities(self.judged)
        nodes, pipes = self.judged.nodes.grid.count, self.judged.pipes.grid.count
        facts = {
            "nodes": nodes, "pipes": pipes, **by_severity,
            "surveyed": self.judged.surveyed_m / 1000, "accepted": self.accepted_m / 1000,
        }  # fmt: skip
        return Text(
            zh="点 {nodes},管段 {pipes};错误 {error},警告 {warning},提示 {notice};"
            "测量 {surveyed:.3f} km,合格 {accepted:.3f} km",
            en="{nodes} points, {pipes} pipes; {error} errors, {warning} warnings,"
            " {notice} notices; surveyed {surveyed:.3f} km, accepted {accepted:.3f} km",
        ).format(**facts)


def count_severities(judged: Judgement) -> dict[str, int]:
    """How many findings of each severity, listed or not."""
    totals = {"error": 0, "warning": 0, "notice": 0}
    for rule, count in judged.found.count().items():
        totals[judged.rules.rule(rule).severity.value] += count
    return totals


def check_survey(
    db: Database, paths: Sequence[Path], *, crs: str | None = None, claimed_m: float | None = None,
    today: date, progress: Progress | None = None,
) -> SurveyReport:  # fmt: skip
    """Judge a book and write nothing: a dry run."""
    tell = progress or (lambda *_: None)
    tell(*_STEPS[0])
    book = read_book(paths)
    with db.read(Pool.JOBS) as connection:
        county = store.read_county(connection)
    tell(*_STEPS[1])
    judged = judge_book(book, county=county, crs=crs, claimed_m=claimed_m, today=today)
    rows = prepare_rows(judged, "dry run", "dry run", frozenset())
    judged.list_again()
    return SurveyReport(judged, rows.accepted_m, rows.held)


def import_survey(
    db: Database, filing: Filing, *, actor: str, today: date,
    progress: Progress | None = None,
) -> SurveyReport:  # fmt: skip
    """File a book and judge it at once. Raises what :func:`judge_import` raises."""
    with db.write(actor=actor, reason=f"survey {filing.file}"[:200], pool=Pool.JOBS) as connection:
        _, identifier = store.file_book(connection, filing, actor=actor)
    return judge_import(db, identifier, actor=actor, today=today, progress=progress)


def pack_files(paths: Sequence[Path]) -> bytes:
    """The file itself, or several in one archive, as they are kept."""
    if len(paths) == 1:
        return paths[0].read_bytes()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, path in enumerate(paths):
            archive.writestr(f"{number}/{path.name}", path.read_bytes())
    return packed.getvalue()


def judge_import(
    db: Database,
    identifier: UUID,
    *,
    actor: str,
    today: date,
    progress: Progress | None = None,
) -> SurveyReport:
    """Judge a filed book, load what has no open error, keep findings and the marked book.

    ``today`` is that of the business clock: what is dated later is told.

    All of it is written in one transaction. Raises NotFoundError, SourceError, ConflictError,
    StorageFullError; whatever ends it is kept beside the book as its problem.
    """
    tell = progress or (lambda *_: None)
    with db.read(Pool.JOBS) as connection:
        filed = connection.execute(_FILED, {"id": identifier}).one_or_none()
    if filed is None:
        raise NotFoundError(Text(zh="没有此表", en="there is no such book"))
    try:
        return _judge(db, identifier, filed, (actor, today), tell)
    except Exception as error:
        problem = error.message if isinstance(error, InfratrackError) else _INTERNAL
        with db.write(actor=actor, reason="survey refused", pool=Pool.JOBS) as connection:
            store.note_problem(connection, identifier, problem)
        raise


_INTERNAL = Text(
    zh="内部错误,未能检查完毕;已记录", en="internal error, not judged to the end; it was logged"
)
_FILED = text(
    f"SELECT i.file, f.content, b.id AS batch, b.name, b.claimed_m, b.crs FROM {survey_import} i"
    f" JOIN {survey_file} f ON f.import_id = i.id AND f.role = 'original'"
    f" JOIN {survey_batch} b ON b.id = i.batch_id WHERE i.id = :id"
)


def _judge(
    db: Database, identifier: UUID, filed: Row[Any], by: tuple[str, date], tell: Progress
) -> SurveyReport:  # Any: columns
    actor, today = by
    tell(*_STEPS[0])
    with tempfile.TemporaryDirectory(prefix="infratrack-survey-") as folder:
        path = Path(folder) / (Path(filed.file).name or "book")
        path.write_bytes(bytes(filed.content))
        book = read_book([path])
        tell(*_STEPS[1])
        judged, rows, decisions = _judge_rows(db, book, filed, today)
        tell(*_STEPS[2])
        marked = Path(folder) / "marked.xlsx"
        words = {k: (d, r) for k, (d, _, r) in decisions.items()}
        write_book(marked, book, judged.findings, judged.rules, judged.found.count(),
                   decisions=words)  # fmt: skip
        content = marked.read_bytes()
    tell(*_STEPS[3])
    report = SurveyReport(judged, rows.accepted_m, rows.held, batch=filed.batch)
    with db.write(actor=actor, reason=f"survey {filed.name}"[:200], pool=Pool.JOBS) as connection:
        report.loaded = load_rows(connection, rows)
        store.write_findings(connection, identifier, judged.findings)
        store.conclude(connection, identifier, marked=content, values=_values(report, rows))
    tell(*_STEPS[4])
    return report


def _judge_rows(
    db: Database,
    book: Book,
    filed: Row[Any],  # Any: columns
    today: date,
) -> tuple[Judgement, Loadable, dict[str, tuple[str, str, str]]]:
    """The judgement, what may be loaded, the decisions so far.

    The server ends transactions that idle for 15 s, and a big book is judged for longer: no
    transaction is open meanwhile.
    """
    with db.read(Pool.JOBS) as connection:
        county = store.read_county(connection)
        decisions = store.read_decisions(connection, filed.batch)
    judged = judge_book(book, county=county, crs=filed.crs, claimed_m=filed.claimed_m, today=today)
    waived = store.find_waived(judged.findings, decisions)
    rows = prepare_rows(judged, f"survey:{filed.name}", filed.name, waived)
    with db.read(Pool.JOBS) as connection:
        refuse_taken_codes(connection, judged, rows)
    judged.list_again()
    return judged, rows, decisions


def _values(report: SurveyReport, rows: Loadable) -> dict[str, Any]:  # Any: columns
    judged = report.judged
    reading = judged.reading
    return {
        "rules": judged.rules.version,
        "counts": judged.found.count(),
        "surveyed_m": judged.surveyed_m,
        "accepted_m": rows.accepted_m,
        "judged_at": datetime.now(UTC),
        "problem": None,
        "result": {
            "nodes": judged.nodes.grid.count,
            "pipes": judged.pipes.grid.count,
            "held": rows.held,
            "srid": reading.srid if reading else None,
            "severities": count_severities(judged),
            "loaded": {
                kind: {"added": c.added, "changed": c.changed, "unchanged": c.unchanged}
                for kind, c in report.loaded.items()
            },
        },
    }


def write_outputs(
    report: SurveyReport, *, marked: Path | None = None, geojson: Path | None = None,
    language: Language = Language.ZH,
) -> None:  # fmt: skip
    """The marked book and the findings as GeoJSON, where they are asked for."""
    judged = report.judged
    if marked is not None:
        counts = judged.found.count()
        write_book(marked, judged.book, judged.findings, judged.rules, counts, language=language)
    if geojson is not None:
        geojson.write_bytes(orjson.dumps(as_features(judged.findings)))


def _run(work: Work, *, import_id: str, actor: str) -> Mapping[str, object]:
    today = datetime.now(ZoneInfo(work.settings.timezone)).date()
    report = judge_import(
        work.db, UUID(import_id), actor=actor, today=today,
        progress=lambda _, share: work.report(share),
    )  # fmt: skip
    return {"batch": str(report.batch), "summary": report.summary().as_dict()}


TASKS = (Task(TASK, _run),)
