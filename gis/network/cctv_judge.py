"""Runs of a CCTV record table judged cell by cell: what is accepted, kept in doubt, refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from gis.network.cctv_findings import BookFinding, RowVerdict, Verdict, find, judge_row
from gis.network.cctv_labels import HEAD
from gis.network.cctv_layout import Place, RawRow, RawRun
from gis.network.cctv_values import (
    DIRECTIONS,
    METHODS,
    read_clock,
    read_date,
    read_diameter,
    read_grade,
    read_number,
    read_word,
    read_words,
    split_code,
)
from gis.network.condition_result import grade_runs
from gis.network.condition_rules import Rules, find_level
from gis.network.inspections import Inspection, Observation

_SLACK = 1.02
"""Of the pipe's length: a counter on a cable is not more exact."""
_DIFFERS = 0.01
_CODE_CHARACTERS = 64
_NOWHERE = Place(None, "")


@dataclass(frozen=True, slots=True)
class JudgedRun:
    """A run, None where it is refused, and the verdicts on its head and each of its rows."""

    inspection: Inspection | None
    verdicts: tuple[RowVerdict, ...]


@dataclass(frozen=True, slots=True)
class Given:
    """What holds for every run of the file that does not say otherwise itself."""

    method: str = "cctv"
    unit: str | None = None
    importance: str | None = None
    soil: str | None = None


def judge_run(raw: RawRun, rules: Rules, given: Given, *, today: date) -> JudgedRun:
    """Judge one run; one whose head is refused keeps nothing, and its rows go with it."""
    findings: list[BookFinding] = []
    inspection = _read_head(raw, rules, given, findings, today)
    if inspection is None:
        rows = tuple(RowVerdict(r.sheet, r.number, Verdict.REFUSED) for r in raw.rows)
        return JudgedRun(None, (judge_row(raw.sheet, raw.number, findings), *rows))
    seen, verdicts = _read_rows(raw, inspection, rules)
    inspection = replace(inspection, observations=seen)
    findings += _compare_indices(raw, inspection, rules)
    return JudgedRun(inspection, (judge_row(raw.sheet, raw.number, findings), *verdicts))


def _read_head(
    raw: RawRun, rules: Rules, given: Given, findings: list[BookFinding], today: date
) -> Inspection | None:
    head = raw.head
    start, end = (read_words(head.get(n, _NOWHERE).value) for n in ("from_code", "to_code"))
    day = read_date(head.get("inspected_on", _NOWHERE).value)
    refusal = _refuse(raw, start, end, day, today)
    if refusal is not None or start is None or end is None or day is None:
        findings += [refusal] if refusal else []
        return None
    inspection = Inspection(
        from_code=start,
        to_code=end,
        inspected_on=day,
        method=_word(raw, "method", METHODS, findings) or given.method,
        direction=_word(raw, "direction", DIRECTIONS, findings),
        unit=_text(head, "unit") or given.unit,
        operator=_text(head, "operator"),
        video=_text(head, "video"),
        place=_text(head, "place"),
        pipe_length_m=_number(raw, "pipe_length_m", findings),
        inspected_length_m=_number(raw, "inspected_length_m", findings),
        diameter_mm=_diameter(raw, findings),
        material=_text(head, "material"),
        importance=_level(raw, "importance", rules, given.importance, findings),
        soil=_level(raw, "soil", rules, given.soil, findings),
        claimed_ri=_number(raw, "claimed_ri", findings),
        claimed_mi=_number(raw, "claimed_mi", findings),
        raw={HEAD[name][0]: str(place.value) for name, place in head.items()},
    )
    findings += _doubt_head(raw, inspection)
    return inspection


def _refuse(
    raw: RawRun, start: str | None, end: str | None, day: date | None, today: date
) -> BookFinding | None:
    first = next(iter(raw.head.values()), _NOWHERE).address or f"{raw.sheet}!A{raw.number}"
    dated = raw.head.get("inspected_on", Place(None, first))
    if start is None or end is None:
        return find("run-unnamed", first)
    if max(len(start), len(end)) > _CODE_CHARACTERS:
        return find("code-too-long", raw.head["from_code"].address, start)
    if start == end:
        return find("run-to-itself", raw.head["to_code"].address, end)
    if day is None:
        return find("run-undated", dated.address, dated.value)
    return find("run-in-the-future", dated.address, dated.value) if day > today else None


def _text(head: Mapping[str, Place], name: str) -> str | None:
    return read_words(head.get(name, _NOWHERE).value)


def _unreadable(raw: RawRun, name: str) -> BookFinding:
    place = raw.head[name]
    return find("head-unreadable", place.address, place.value, field=HEAD[name][0])


def _word(
    raw: RawRun, name: str, words: Mapping[str, tuple[str, ...]], findings: list[BookFinding]
) -> str | None:
    if name not in raw.head:
        return None
    found = read_word(raw.head[name].value, words)
    if found is None:
        findings.append(_unreadable(raw, name))
    return found


def _number(raw: RawRun, name: str, findings: list[BookFinding]) -> float | None:
    if name not in raw.head:
        return None
    found = read_number(raw.head[name].value)
    if found is None:
        findings.append(_unreadable(raw, name))
    return found


def _diameter(raw: RawRun, findings: list[BookFinding]) -> float | None:
    if "diameter_mm" not in raw.head:
        return None
    found = read_diameter(raw.head["diameter_mm"].value)
    if found is None:
        findings.append(_unreadable(raw, "diameter_mm"))
    return found


def _level(
    raw: RawRun, name: str, rules: Rules, given: str | None, findings: list[BookFinding]
) -> str | None:
    """The key of the level of K or T that the head names, else what the file was given."""
    if name not in raw.head:
        return given
    levels = rules.importance if name == "importance" else rules.soil
    found = find_level(levels, read_words(raw.head[name].value)) or find_level(
        levels, str(raw.head[name].value)
    )
    if found is None:
        findings.append(_unreadable(raw, name))
        return given
    return found.key


def _doubt_head(raw: RawRun, inspection: Inspection) -> list[BookFinding]:
    findings = []
    if "direction" not in raw.head:
        findings.append(find("direction-unknown", raw.head["from_code"].address))
    pipe, seen = inspection.pipe_length_m, inspection.inspected_length_m
    if pipe is not None and seen is not None and seen > pipe * _SLACK:
        place = raw.head["inspected_length_m"]
        findings.append(find("longer-than-pipe", place.address, place.value))
    return findings


def _read_rows(
    raw: RawRun, inspection: Inspection, rules: Rules
) -> tuple[tuple[Observation, ...], list[RowVerdict]]:
    """Observations in order, defects that go on joined; and a verdict for each row."""
    joined = _Joined(rules)
    for row in raw.rows:
        joined.take(row, inspection)
    return joined.settle()


class _Joined:
    """Rows of a run as they come, with the defects that have begun and not ended."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.seen: list[Observation] = []
        self.rows: list[tuple[RawRow, list[BookFinding]]] = []
        self.open: dict[str, tuple[int, int]] = {}
        """Marker number -> (observation, row) where it began."""
        self.known: set[tuple[object, ...]] = set()

    def take(self, row: RawRow, inspection: Inspection) -> None:
        findings: list[BookFinding] = []
        self.rows.append((row, findings))
        marker = self.rules.marker
        place = row.cells.get("chainage", _NOWHERE)
        chainage = read_number(place.value)
        code_place = row.cells.get("code", _NOWHERE)
        code, mark, number = split_code(code_place.value, marker.begin, marker.end)
        first = next(iter(row.cells.values())).address
        if chainage is None:
            findings.append(find("row-without-chainage", place.address or first, place.value))
            return
        if mark == marker.end and self._is_begun(number, code):
            self._end(number, chainage, row, inspection, findings)
            return
        if code is None and mark is None:
            findings.append(find("row-without-code", code_place.address or first))
            return
        if code is None:
            self._mark_beside(mark, number, chainage, code_place, findings)
            return
        if mark == marker.end:
            findings.append(find("never-began", code_place.address, code_place.value))
        seen = _observe(row, chainage, code)
        findings += _doubt_row(row, seen, inspection, self.rules)
        identity = (seen.chainage_m, seen.code, seen.grade, seen.clock)
        if identity in self.known:
            findings.append(find("row-twice", code_place.address, code_place.value))
        self.known.add(identity)
        self.seen.append(seen)
        if mark == marker.begin:
            self._begin(number, len(self.seen) - 1)

    def _is_begun(self, number: str, code: str | None) -> bool:
        """Whether a defect of that number, and of that code where one is given, has begun."""
        begun = self.open.get(number)
        return begun is not None and code in (None, self.seen[begun[0]].code)

    def _begin(self, number: str, at: int) -> None:
        """A number that begins again leaves what it stood for before without an end."""
        if number in self.open:
            self._tell_endless(self.open[number][1])
        self.open[number] = (at, len(self.rows) - 1)

    def _mark_beside(
        self,
        mark: str | None,
        number: str,
        chainage: float,
        place: Place,
        findings: list[BookFinding],
    ) -> None:
        """A marker in a row of its own belongs to the first defect at its chainage without one."""
        taken = {at for at, _ in self.open.values()}
        here = [
            at
            for at, seen in enumerate(self.seen)
            if abs(seen.chainage_m - chainage) < _DIFFERS and at not in taken
        ]
        if mark == self.rules.marker.begin and here:
            self._begin(number, here[0])
            return
        is_end = mark == self.rules.marker.end
        findings.append(find("never-began" if is_end else "row-without-code", place.address, mark))

    def _end(
        self,
        number: str,
        chainage: float,
        row: RawRow,
        inspection: Inspection,
        findings: list[BookFinding],
    ) -> None:
        at, _ = self.open.pop(number)
        begun = self.seen[at]
        ends = sorted((begun.chainage_m, chainage))
        grade = read_grade(row.cells.get("grade", _NOWHERE).value)
        worst = max((g for g in (begun.grade, grade) if g is not None), default=None)
        self.seen[at] = replace(begun, chainage_m=ends[0], end_m=ends[1], grade=worst)
        findings += _doubt_place(row, chainage, inspection)

    def _tell_endless(self, at: int) -> None:
        row, findings = self.rows[at]
        findings.append(find("never-ends", row.cells["code"].address, row.cells["code"].value))

    def settle(self) -> tuple[tuple[Observation, ...], list[RowVerdict]]:
        for _, at in self.open.values():
            self._tell_endless(at)
        verdicts = [judge_row(row.sheet, row.number, found) for row, found in self.rows]
        return tuple(self.seen), verdicts


def _observe(row: RawRow, chainage: float, code: str) -> Observation:
    cells = row.cells
    end = read_number(cells.get("end", _NOWHERE).value)
    ends = sorted((chainage, end)) if end is not None else [chainage]
    return Observation(
        chainage_m=ends[0],
        end_m=ends[1] if len(ends) > 1 and ends[1] > ends[0] else None,
        code=code,
        grade=read_grade(cells.get("grade", _NOWHERE).value),
        clock=read_clock(cells.get("clock", _NOWHERE).value)[0],
        description=read_words(cells.get("description", _NOWHERE).value),
        photo=read_words(cells.get("photo", _NOWHERE).value),
        raw={name: str(place.value) for name, place in cells.items()},
    )


def _doubt_row(
    row: RawRow, seen: Observation, inspection: Inspection, rules: Rules
) -> list[BookFinding]:
    findings = _doubt_code(row, seen, rules)
    return findings + _doubt_place(row, max(seen.chainage_m, seen.end_m or 0.0), inspection)


def _doubt_place(row: RawRow, furthest_m: float, inspection: Inspection) -> list[BookFinding]:
    """Where a row lies beyond the pipe, or at no position of a clock."""
    findings = []
    pipe = inspection.pipe_length_m
    if pipe is not None and furthest_m > pipe * _SLACK:
        place = row.cells["chainage"]
        findings.append(find("beyond-pipe", place.address, place.value))
    clock = row.cells.get("clock")
    if clock is not None and not read_clock(clock.value)[1]:
        findings.append(find("clock-unreadable", clock.address, clock.value))
    return findings


def _doubt_code(row: RawRow, seen: Observation, rules: Rules) -> list[BookFinding]:
    place = row.cells["code"]
    defect = rules.defects.get(seen.code)
    if defect is None:
        is_remark = seen.code in rules.remarks
        return [] if is_remark else [find("code-unknown", place.address, place.value)]
    if not defect.computed:
        return [find("recorded-only", place.address, place.value)]
    grade = row.cells.get("grade", Place(None, place.address))
    if seen.grade is None:
        return [find("grade-missing", grade.address, grade.value)]
    degree = rules.degree(seen.code, seen.grade)
    if degree is None or degree.score is None:
        return [find("grade-unknown", grade.address, grade.value)]
    score = row.cells.get("score")
    if score is not None and read_number(score.value) != degree.score:
        return [find("score-differs", score.address, score.value, expected=f"{degree.score:g}")]
    return []


def _compare_indices(raw: RawRun, inspection: Inspection, rules: Rules) -> list[BookFinding]:
    """Where the delivered RI or MI lies outside what the rules give."""
    condition = grade_runs([inspection.as_run()], rules)[0]
    findings = []
    for name, claimed, index in (
        ("RI", inspection.claimed_ri, condition.repair),
        ("MI", inspection.claimed_mi, condition.maintenance),
    ):
        if claimed is None or index.value - _DIFFERS <= claimed <= index.most + _DIFFERS:
            continue
        is_open = index.most > index.value
        expected = f"{index.value:g}" + (f"–{index.most:g}" if is_open else "")
        place = raw.head[f"claimed_{name.lower()}"]
        findings.append(
            find("index-differs", place.address, place.value, name=name, expected=expected)
        )
    return findings
