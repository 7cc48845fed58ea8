"""PACP ratings of a run, from what CJJ 181 codes: beside its grades, never in their place.

Pipe rating = Σ grade x occurrences, index = rating / occurrences, quick rating = the worst grade
and its occurrences, then the next. Structural, operation and maintenance (O&M), and both together.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gis.attributes import Text
from gis.network.condition import Seen
from gis.network.condition_explain import Term
from gis.network.condition_rules import Fact
from gis.network.pacp_rules import PacpGrade, PacpRules

_NAMES = {
    "structural": Text(zh="结构性", en="structural"),
    "om": Text(zh="运行养护", en="O&M"),
    "overall": Text(zh="总体", en="overall"),
}


@dataclass(frozen=True, slots=True)
class Rating:
    """One of the three ratings; ``counts`` of occurrences by grade, 1 to 5."""

    counts: tuple[int, int, int, int, int]
    quick: str

    @property
    def occurrences(self) -> int:
        """How many defects count, one that goes on more than once."""
        return sum(self.counts)

    @property
    def rating(self) -> int:
        """Σ grade x occurrences."""
        return sum(grade * count for grade, count in enumerate(self.counts, 1))

    @property
    def index(self) -> float | None:
        """The average grade; None without a defect."""
        return round(self.rating / self.occurrences, 2) if self.occurrences else None

    def as_document(self) -> dict[str, Any]:  # Any: JSON
        """As JSON."""
        return {
            "rating": self.rating,
            "occurrences": self.occurrences,
            "index": self.index,
            "quick": self.quick,
            "counts": {str(grade): count for grade, count in enumerate(self.counts, 1)},
        }


@dataclass(frozen=True, slots=True)
class _Counted:
    """An observation with its grade in PACP and how often it counts."""

    seen: Seen
    grade: PacpGrade
    times: int


def rate(seen: Sequence[Seen], rules: PacpRules) -> dict[str, Rating]:
    """The ratings ``structural``, ``om`` and ``overall`` of a run.

    What has no grade in PACP (unknown codes, no grade, what PACP does not record) is left out.
    """
    counted = _count_all(seen, rules)
    parts = {part: _sum_up(counted, part) for part in ("structural", "om")}
    parts["overall"] = Counter(parts["structural"]) + Counter(parts["om"])
    return {part: _rate(counts, rules) for part, counts in parts.items()}


def _count_all(seen: Sequence[Seen], rules: PacpRules) -> list[_Counted]:
    found = []
    for one in seen:
        grade = rules.grades.get((one.code, one.grade or 0))
        if grade is not None and grade.grade is not None:
            found.append(_Counted(one, grade, count_times(one, rules)))
    return found


def count_times(seen: Seen, rules: PacpRules) -> int:
    """How often an observation counts: one that goes on once for each step it begins."""
    if seen.end_m is None:
        return 1
    extent = round(abs(seen.end_m - seen.chainage_m), 4)  # 4.6 - 1.6 is 3, whatever binary makes
    return max(1, math.ceil(round(extent / rules.continuous.step_m, 4)))


def _sum_up(counted: Sequence[_Counted], part: str) -> Counter[int]:
    counts: Counter[int] = Counter()
    for one in counted:
        if one.grade.part == part:
            counts[one.grade.grade or 0] += one.times
    return counts


def _rate(counts: Mapping[int, int], rules: PacpRules) -> Rating:
    one, two, three, four, five = (counts.get(grade, 0) for grade in range(1, 6))
    return Rating((one, two, three, four, five), write_quick(counts, rules))


def write_quick(counts: Mapping[int, int], rules: PacpRules) -> str:
    """The quick rating of occurrences by grade: ``5241`` is two of grade 5, then one of grade 4."""
    worst = [grade for grade in range(5, 0, -1) if counts.get(grade)][:2]
    words = [f"{grade}{rules.letters.write(counts[grade])}" for grade in worst]
    return "".join(words).ljust(4, "0")


def explain_pacp(seen: Sequence[Seen], rules: PacpRules) -> list[Term]:
    """Every number of the ratings in the order they are computed, with what it rests on."""
    counted = _count_all(seen, rules)
    made = rate(seen, rules)
    terms = [_explain_one(one, rules) for one in counted]
    for part, rating in made.items():
        mine: tuple[Fact, ...] = (rules.mapping, *_continued(counted, part, rules))
        terms += _explain_rating(part, rating, rules, mine if counted else ())
    return [*terms, *_explain_rest(seen, rules)]


def _continued(counted: Sequence[_Counted], part: str, rules: PacpRules) -> tuple[Fact, ...]:
    goes_on = any(c.times > 1 and part in (c.grade.part, "overall") for c in counted)
    return (rules.continuous,) if goes_on else ()


def _explain_one(one: _Counted, rules: PacpRules) -> Term:
    seen, grade = one.seen, one.grade
    what = f"{seen.chainage_m:g} m {seen.code}{seen.grade} → {grade.code}"
    zh, en = f"{what} {grade.zh},{grade.grade} 级", f"{what} {grade.en}, grade {grade.grade}"
    facts: tuple[Fact, ...] = (rules.mapping, grade)
    if seen.end_m is not None:
        extent, step = abs(seen.end_m - seen.chainage_m), rules.continuous.step_m
        zh += f";连续 {extent:g} m,每 {step:g} m 计一次,共 {one.times} 次"
        en += f"; goes on for {extent:g} m, counts once each {step:g} m: {one.times} times"
        facts = (*facts, rules.continuous)
    return Term(grade.part or "om", "grade", grade.grade, Text(zh=zh, en=en), facts)


def _explain_rating(
    part: str, rating: Rating, rules: PacpRules, mapped: tuple[Fact, ...]
) -> Iterator[Term]:
    name = _NAMES[part]
    terms = [f"{g} × {c}" for g, c in enumerate(rating.counts, 1) if c]
    total = " + ".join(terms) or "0"
    yield Term(
        part, "rating", rating.rating,
        Text(zh=f"{name.zh}:Σ 级别 × 次数 = {total}", en=f"{name.en}: Σ grade × count = {total}"),
        (rules.rating, *mapped),
    )  # fmt: skip
    over = f"{rating.rating} / {rating.occurrences}"
    yield Term(
        part, "index", rating.index,
        Text(zh=f"{name.zh}:总分 / 次数 = {over}", en=f"{name.en}: rating / count = {over}"),
        (rules.index, *mapped),
    )  # fmt: skip
    lettered = (rules.letters,) if max(rating.counts) > rules.letters.digits else ()
    yield Term(
        part, "quick", rating.quick,
        Text(
            zh=f"{name.zh}:最严重级别与次数,次严重级别与次数",
            en=f"{name.en}: the worst grade and its count, the next and its count",
        ),
        (rules.quick, *lettered, *mapped),
    )  # fmt: skip


def _explain_rest(seen: Sequence[Seen], rules: PacpRules) -> Iterator[Term]:
    """What was seen and has no grade in PACP."""
    for one in seen:
        grade = rules.grades.get((one.code, one.grade or 0))
        if grade is not None and grade.grade is not None:
            continue
        what = f"{one.chainage_m:g} m {one.code}{one.grade or ''}"
        text = Text(zh=f"{what}:不计入", en=f"{what}: not counted")
        if grade is not None:
            text = Text(zh=f"{what}:{grade.zh}", en=f"{what}: {grade.en}")
        yield Term("overall", "-", None, text, (rules.mapping, *((grade,) if grade else ())))


def describe_pacp(seen: Sequence[Seen], rules: PacpRules) -> dict[str, Any]:  # Any: JSON
    """The ratings with their rule version and every term, as the API answers."""
    return {
        "rules": {
            "version": rules.version,
            "standard": rules.standard,
            "original_read": rules.original_read,
        },
        **{part: rating.as_document() for part, rating in rate(seen, rules).items()},
        "explain": [term.as_document() for term in explain_pacp(seen, rules)],
    }
