"""Every number of a condition, term by term: what it is, its inputs, its clause and its mark."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from gis.attributes import Text
from gis.network.condition import Assessment, Index, Part, Run, assess
from gis.network.condition_rules import CATEGORIES, Band, Category, Fact, Level, Rules, find_level

_SYMBOLS = {
    "structural": ("S", "S_max", "F", "S_M", "RI", "α"),
    "functional": ("Y", "Y_max", "G", "Y_M", "MI", "β"),
}
_INPUTS = ("P", "α", "β", "K", "E", "T")
"""What figures are computed from, and what does not itself rest on another term."""
_ENDS = ("S_M", "Y_M")
"""What no other figure rests on."""


@dataclass(frozen=True, slots=True)
class Term:
    """One step of a computation; ``value`` is None where something it needs is not known."""

    part: str
    symbol: str
    value: float | str | None
    text: Text
    rests_on: tuple[Fact, ...]

    def as_document(self) -> dict[str, Any]:  # Any: JSON
        """As JSON; ``unverified`` where any rule it rests on was written from memory."""
        return {
            "part": self.part,
            "symbol": self.symbol,
            "value": self.value,
            "text": self.text.as_dict(),
            "rules": [fact.mark for fact in self.rests_on],
            "unverified": any(fact.source is None for fact in self.rests_on),
        }


def explain(run: Run, rules: Rules) -> list[Term]:
    """The terms of one run's condition in the order they are computed."""
    made = assess([run], rules)
    terms: list[Term] = []
    for category in CATEGORIES:
        part = made.structural if category == "structural" else made.functional
        index = made.repair if category == "structural" else made.maintenance
        terms += _explain_defects(run, part, rules, category)
        terms += _explain_part(run, part, rules, category)
        terms += _explain_index(run, made, part, index, rules, category)
    return _carry_marks(terms) + _explain_rest(run, made, rules)


def _carry_marks(terms: Sequence[Term]) -> list[Term]:
    """A figure rests also on the unverified rules of what it is computed from."""
    carried: dict[str, list[Fact]] = {category: [] for category in CATEGORIES}
    made = []
    for term in terms:
        doubtful = carried[term.part]
        own = [f for f in term.rests_on if f.source is None and f not in doubtful]
        more = [] if term.symbol in _INPUTS else [f for f in doubtful if f not in term.rests_on]
        if term.symbol not in _ENDS:
            doubtful += own
        made.append(replace(term, rests_on=(*term.rests_on, *more)))
    return made


def _explain_defects(run: Run, part: Part, rules: Rules, category: Category) -> Iterator[Term]:
    clusters = part.clusters
    edges = [*clusters.first.tolist(), len(clusters.rows)]
    for at, (first, end) in enumerate(pairwise(edges)):
        members = [run.seen[i] for i in clusters.rows[first:end].tolist()]
        facts: list[Fact] = []
        for seen in members:
            defect, degree = rules.defects[seen.code], rules.degree(seen.code, seen.grade)
            facts.append(defect)
            if degree is not None:
                facts.append(degree.model_copy(update={"clause": defect.clause}))
        scores = [rules.scores[seen.code, seen.grade or 0] for seen in members]
        named = [
            (f"{s.chainage_m:g} m {s.code}{s.grade} {rules.defects[s.code].zh}",
             f"{s.chainage_m:g} m {s.code}{s.grade} {rules.defects[s.code].en}")
            for s in members
        ]  # fmt: skip
        total = " + ".join(f"{score:g}" for score in scores)
        yield Term(
            category,
            "P",
            float(clusters.score[at]),
            _name_cluster(named, total, float(clusters.total[at]), rules),
            (*facts, *((rules.merge,) if len(members) > 1 else ())),
        )
        if clusters.near[at]:
            yield _explain_near(float(clusters.distance_m[at]), rules, category)


def _name_cluster(named: Sequence[tuple[str, str]], total: str, value: float, rules: Rules) -> Text:
    zh, en = "、".join(n[0] for n in named), ", ".join(n[1] for n in named)
    if len(named) == 1:
        return Text(zh=f"{zh},分值 {total}", en=f"{en}, score {total}")
    capped = value > rules.merge.cap
    cap = f"{rules.merge.cap:g}"
    return Text(
        zh=f"{zh}:间距不大于 {rules.spacing.near_m:g} m,合并计分 {total} = {value:g}"
        + (f",最高 {cap}" if capped else ""),
        en=f"{en}: at most {rules.spacing.near_m:g} m apart, one defect of {total} = {value:g}"
        + (f", at most {cap}" if capped else ""),
    )


def _explain_near(distance: float, rules: Rules, category: Category) -> Term:
    coefficient = rules.coefficient(category)
    spacing = rules.spacing
    return Term(
        category,
        _SYMBOLS[category][5],
        coefficient.value,
        Text(
            zh="与相邻缺陷净距 {d:g} m(大于 {a:g} m、不大于 {b:g} m),分值乘以 {c:g}",
            en="{d:g} m from its nearest neighbour (over {a:g} m, at most {b:g} m): times {c:g}",
        ).format(d=distance, a=spacing.near_m, b=spacing.apart_m, c=coefficient.value),
        (spacing, coefficient, spacing.neighbour),
    )


def _explain_part(run: Run, part: Part, rules: Rules, category: Category) -> Iterator[Term]:
    mean, worst, parameter, density, _, alpha = _SYMBOLS[category]
    n1, n2 = int(part.n_apart[0]), int(part.n_near[0])
    spacing, coefficient = rules.spacing, rules.coefficient(category)
    bands = rules.structural_grade if category == "structural" else rules.functional_grade
    yield Term(
        category,
        mean,
        float(part.mean[0]),
        Text(
            zh="{s} = (ΣP₁ + {a} ΣP₂) / n,n = {n1} + {n2}",
            en="{s} = (ΣP1 + {a} ΣP2) / n, n = {n1} + {n2}",
        ).format(s=mean, a=alpha, n1=n1, n2=n2),
        (spacing, coefficient) if n2 else (spacing,),
    )
    yield Term(
        category,
        worst,
        float(part.worst[0]),
        Text(zh="最严重缺陷的分值", en="the score of the worst defect"),
        (spacing,),
    )
    yield Term(
        category,
        parameter,
        float(part.parameter[0]),
        Text(zh="{f} = max({w}, {s})", en="{f} = max({w}, {s})").format(
            f=parameter, w=worst, s=mean
        ),
        (spacing,),
    )
    yield _explain_band(category, f"{parameter}:", str(part.grade[0]), bands)
    yield Term(
        category,
        density,
        _plain(part.density[0]),
        Text(
            zh="{d} = (ΣP₁L₁ + {a} ΣP₂L₂) / ({s}·L),L = {length};短于 {least:g} m 的缺陷按"
            " {least:g} m 计",
            en="{d} = (ΣP1 L1 + {a} ΣP2 L2) / ({s} L), L = {length}; a defect shorter than"
            " {least:g} m counts {least:g} m",
        ).format(
            d=density, a=alpha, s=mean, length=_metres(run.length_m), least=rules.length.least_m
        ),
        (spacing, rules.length),
    )


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _metres(value: float | None) -> str:
    return "?" if value is None else f"{value:g} m"


def _explain_band(category: Category, symbol: str, key: str, bands: Sequence[Band]) -> Term:
    band = next(b for b in bands if b.key == key)
    return Term(category, symbol.rstrip(":") + " →", key, band.text, (band,))


def _explain_index(
    run: Run, made: Assessment, part: Part, index: Index, rules: Rules, category: Category
) -> Iterator[Term]:
    is_structural = category == "structural"
    weights = rules.weights.repair if is_structural else rules.weights.maintenance
    parameter = float(part.parameter[0])
    gate = rules.gate.structural if is_structural else rules.gate.functional
    diameter_gate = rules.gate.diameter if is_structural else rules.gate.functional_diameter
    known = made.levels.importance[0]
    yield _explain_level(category, "K", run.importance, known, rules.importance,
                         parameter < gate, rules.gate.importance, gate)  # fmt: skip
    yield _explain_diameter(category, run, made, rules, parameter < gate, diameter_gate, gate)
    if is_structural:
        yield _explain_level(category, "T", run.soil, made.levels.soil[0], rules.soil,
                             parameter == 0, None, 0.0)  # fmt: skip
    symbol, name = _SYMBOLS[category][4], _SYMBOLS[category][2]
    soil = f" + {weights.soil:g} T" if is_structural else ""
    words = (
        f"{symbol} = {weights.parameter:g} {name} + {weights.importance:g} K"
        f" + {weights.diameter:g} E{soil}"
    )
    least, most = float(index.least[0]), float(index.most[0])
    text = Text(zh=words, en=words)
    if most > least:
        text = Text(
            zh=f"{words};资料不全,最大可能为 {most:g}",
            en=f"{words}; not all is known: it may be up to {most:g}",
        )
    yield Term(category, symbol, least, text, (weights,))
    bands = rules.repair_class if is_structural else rules.maintenance_class
    yield _explain_band(category, symbol, str(index.class_least[0]), bands)


def _explain_level(
    category: Category,
    symbol: str,
    word: str | None,
    value: float,
    levels: Sequence[Level],
    is_gated: bool,
    gate: Fact | None,
    limit: float,
) -> Term:
    name = _SYMBOLS[category][2]
    if is_gated:
        words = f"{name} < {limit:g}" if limit else f"{name} = 0"
        text = Text(zh=f"{words},取 0", en=f"{words}: 0")
        return Term(category, symbol, 0.0, text, (gate,) if gate else (levels[0],))
    if math.isnan(value):
        text = Text(zh="未知,暂按 0 计", en="not known, taken as 0 for now")
        return Term(category, symbol, None, text, ())
    level = find_level(levels, word) or levels[0]
    return Term(category, symbol, float(value), level.text, (level,))


def _explain_diameter(
    category: Category,
    run: Run,
    made: Assessment,
    rules: Rules,
    is_gated: bool,
    gate: Fact,
    limit: float,
) -> Term:
    value = float(made.levels.diameter[0])
    if is_gated:
        low = f"{_SYMBOLS[category][2]} < {limit:g}"
        return Term(category, "E", 0.0, Text(zh=f"{low},取 0", en=f"{low}: 0"), (gate,))
    if run.diameter_mm is None or math.isnan(value):
        return Term(category, "E", None, Text(zh="管径未知", en="diameter not known"), ())
    level = next((d for d in reversed(rules.diameter) if d.value == value), rules.diameter[0])
    size = f"D = {run.diameter_mm:g} mm"
    words = level.text if value else Text(zh="D<600mm", en="D < 600 mm")
    text = Text(zh=f"{size},{words.zh}", en=f"{size}, {words.en}")
    return Term(category, "E", value, text, (level,))


def _explain_rest(run: Run, made: Assessment, rules: Rules) -> list[Term]:
    """How to repair, and what was seen but has no score."""
    words = {
        "none": Text(zh="不修复", en="no repair"),
        "local": Text(zh="局部修复", en="local repair"),
        "whole": Text(zh="整体修复", en="repair over the whole length"),
        "undecided": Text(zh="管长未知,无法判定", en="cannot be decided without a length"),
    }
    key = str(made.method[0])
    terms = [Term("structural", "method", key, words[key], (rules.method,))]
    for seen, score in zip(run.seen, made.scores.tolist(), strict=True):
        if math.isnan(score):
            category = rules.defects[seen.code].category if seen.code in rules.defects else None
            what = f"{seen.chainage_m:g} m {seen.code}{seen.grade or ''}"
            text = Text(zh=f"{what}:只记录,不参与计算", en=f"{what}: recorded, not computed")
            facts = (rules.defects[seen.code],) if category else ()
            terms.append(Term(category or "structural", "-", None, text, facts))
    return terms
