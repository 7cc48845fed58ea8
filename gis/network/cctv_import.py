"""A CCTV record table into the database: read, judged cell by cell, recorded, matched, graded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from gis.attributes import Text
from gis.db.handle import Database
from gis.db.roles import Pool
from gis.errors import SourceError
from gis.exchange.read_book import Book, read_book
from gis.network.cctv_findings import RowVerdict, Verdict, find, judge_row
from gis.network.cctv_judge import Given, JudgedRun, judge_run
from gis.network.cctv_layout import RawRun, find_runs
from gis.network.condition_rules import RULES_IN_FORCE, Rules, find_level, load_rules
from gis.network.inspections import (
    Inspection,
    Recorded,
    grade_inspections,
    match_inspections,
    record_inspections,
)


@dataclass(frozen=True, slots=True)
class CctvReport:
    """What an import found and did. ``rows`` counts verdicts; ``left_out`` are hidden sheets."""

    file: str
    dry_run: bool
    rules: str
    runs: int
    refused_runs: int
    observations: int
    recorded: Recorded
    matched: int
    graded: int
    verdicts: tuple[RowVerdict, ...]
    left_out: tuple[str, ...]

    @property
    def rows(self) -> dict[str, int]:
        """How many rows of the table were accepted, kept in doubt, refused."""
        counted = Counter(verdict.verdict for verdict in self.verdicts)
        return {verdict.value: counted[verdict] for verdict in Verdict}

    def summary(self) -> Text:
        """One line of counts."""
        rows, done = self.rows, self.recorded
        return Text(
            zh=f"管段 {self.runs}(退回 {self.refused_runs}),缺陷 {self.observations};"
            f"行:接受 {rows['accepted']},存疑 {rows['doubtful']},退回 {rows['refused']};"
            f"新增 {done.added},更正 {done.superseded},未变 {done.unchanged};"
            f"匹配管段 {self.matched},评估 {self.graded}",
            en=f"runs {self.runs} (refused {self.refused_runs}), observations"
            f" {self.observations}; rows: accepted {rows['accepted']}, doubtful"
            f" {rows['doubtful']}, refused {rows['refused']}; added {done.added}, corrected"
            f" {done.superseded}, unchanged {done.unchanged}; matched {self.matched}, graded"
            f" {self.graded}",
        )

    def as_document(self) -> dict[str, Any]:  # Any: JSON
        """As JSON: counts, and every row that is not simply accepted with its findings."""
        told = [v for v in self.verdicts if v.findings or v.verdict is not Verdict.ACCEPTED]
        return {
            "file": self.file,
            "dry_run": self.dry_run,
            "rules": self.rules,
            "runs": self.runs,
            "refused_runs": self.refused_runs,
            "observations": self.observations,
            "rows": self.rows,
            "added": self.recorded.added,
            "corrected": self.recorded.superseded,
            "unchanged": self.recorded.unchanged,
            "matched": self.matched,
            "graded": self.graded,
            "hidden_sheets": list(self.left_out),
            "summary": self.summary().as_dict(),
            "verdicts": [
                {
                    "sheet": v.sheet,
                    "row": v.row,
                    "verdict": v.verdict.value,
                    "findings": [f.as_document() for f in v.findings],
                }
                for v in told
            ],
        }


def import_cctv(
    db: Database,
    path: Path,
    *,
    actor: str,
    today: date,
    name: str | None = None,
    given: Given | None = None,
    dry_run: bool = False,
    pool: Pool = Pool.JOBS,
) -> CctvReport:
    """Import a record table (.xlsx, .xls, .csv); everything in one transaction.

    ``today`` is that of the business clock; ``given`` holds for runs that do not say otherwise;
    ``name`` is the file's, where it was sent under another. A dry run does all of it and rolls
    back. SourceError for a file that cannot be read or holds no run; then nothing was written.
    """
    rules, settled = load_rules(RULES_IN_FORCE), _settle(given or Given())
    name = name or path.name
    book = read_book(path)
    judged = _judge_all(_find_runs(book, name), rules, settled, today)
    inspections = [j.inspection for j in judged if j.inspection is not None]
    done = _Done()
    try:
        with db.write(actor=actor, reason=f"import {name}"[:200], pool=pool) as connection:
            done.record(connection, inspections, name, dry_run=dry_run)
    except _RolledBackError:
        pass
    return _report(name, dry_run, rules, judged, done, book)


class _RolledBackError(Exception):
    """Ends a dry run's transaction."""


class _Done:
    """What the transaction did; kept also when it was rolled back on purpose."""

    recorded = Recorded(0, 0, 0, ())
    matched = graded = 0

    def record(
        self, connection: Connection, runs: list[Inspection], name: str, *, dry_run: bool
    ) -> None:
        self.recorded = record_inspections(connection, runs, source=name)
        matched = match_inspections(connection)
        self.matched = len(matched)
        self.graded = grade_inspections(connection, [*{*self.recorded.ids, *matched}])
        if dry_run:
            raise _RolledBackError


def _settle(given: Given) -> Given:
    """Words for importance and soil as the keys of their levels; an unknown one is refused."""
    rules = load_rules(RULES_IN_FORCE)
    keys: dict[str, str | None] = {}
    for name, levels in (("importance", rules.importance), ("soil", rules.soil)):
        word = getattr(given, name)
        level = find_level(levels, word)
        if word is not None and level is None:
            known = ", ".join(v.key for v in levels)
            raise SourceError(
                Text(zh="{name} 需为 {known} 之一", en="{name} takes one of {known}").format(
                    name=name, known=known
                )
            )
        keys[name] = level.key if level else None
    return Given(given.method, given.unit, keys["importance"], keys["soil"])


def _find_runs(book: Book, name: str) -> list[RawRun]:
    runs = [run for sheet in book.sheets for run in find_runs(sheet)]
    if not any("from_code" in run.head for run in runs):
        raise SourceError(
            Text(
                zh="“{name}”中没有检测记录:需要“起始井号”“终止井号”“检测日期”和缺陷行",
                en="“{name}” holds no record: it needs 起始井号, 终止井号, 检测日期 and rows",
            ).format(name=name[:100])
        )
    return runs


def _judge_all(runs: list[RawRun], rules: Rules, given: Given, today: date) -> list[JudgedRun]:
    """Every run judged; of a run given twice the earlier one is told so."""
    judged = [judge_run(raw, rules, given, today=today) for raw in runs]
    last = {j.inspection.run_key: at for at, j in enumerate(judged) if j.inspection}
    told = []
    for at, (raw, one) in enumerate(zip(runs, judged, strict=True)):
        if one.inspection is not None and last[one.inspection.run_key] != at:
            head, *rest = one.verdicts
            twice = find("run-twice", raw.head["from_code"].address, one.inspection.from_code)
            again = judge_row(head.sheet, head.row, [*head.findings, twice])
            told.append(JudgedRun(one.inspection, (again, *rest)))
        else:
            told.append(one)
    return told


def _report(
    name: str, dry_run: bool, rules: Rules, judged: list[JudgedRun], done: _Done, book: Book
) -> CctvReport:
    kept = [j.inspection for j in judged if j.inspection is not None]
    return CctvReport(
        file=name,
        dry_run=dry_run,
        rules=rules.version,
        runs=len(judged),
        refused_runs=len(judged) - len(kept),
        observations=sum(len(inspection.observations) for inspection in kept),
        recorded=done.recorded,
        matched=done.matched,
        graded=done.graded,
        verdicts=tuple(v for j in judged for v in j.verdicts),
        left_out=tuple(book.left_out),
    )
