"""The assessment of one run as it is stored and shown: plain figures and keys of bands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gis.network.condition import Assessment, Floats, Index, Part, Run, assess, name_bands
from gis.network.condition_rules import Rules


@dataclass(frozen=True, slots=True)
class PartResult:
    """F or G with what it comes from; ``spread`` is the density in words, None without defects."""

    n_apart: int
    n_near: int
    mean: float
    worst: float
    parameter: float
    density: float | None
    grade: str
    spread: str | None


@dataclass(frozen=True, slots=True)
class IndexResult:
    """RI or MI; ``most`` and its class differ where something it rests on is not known."""

    value: float
    most: float
    name: str
    name_most: str


@dataclass(frozen=True, slots=True)
class Condition:
    """What the rules say of one run; ``not_known`` names what an index would need."""

    rules: str
    structural: PartResult
    functional: PartResult
    repair: IndexResult
    maintenance: IndexResult
    method: str
    not_known: tuple[str, ...]
    left_out: int
    """Observations without a score: unknown codes or grades, and what is recorded only."""

    def as_document(self) -> dict[str, Any]:  # Any: JSON
        """As JSON."""
        return asdict(self)


def grade_runs(runs: Sequence[Run], rules: Rules) -> list[Condition]:
    """The condition of each run, in order.

    >>> from gis.network.condition import Seen
    >>> from gis.network.condition_rules import load_rules
    >>> crack = Run(30.0, 800.0, "centre", "ordinary", (Seen(3.0, "PL", 2),))
    >>> condition = grade_runs([crack], load_rules("cjj181-2012"))[0]
    >>> condition.structural.parameter, condition.repair.value, condition.structural.grade
    (2.0, 1.4, 'Ⅱ')
    """
    made = assess(runs, rules)
    spreads = [name_bands(p.density, rules.density) for p in (made.structural, made.functional)]
    counts = np.array([len(r.seen) for r in runs], dtype=np.int64)
    owner = np.repeat(np.arange(len(runs)), counts)
    left_out = np.bincount(owner[np.isnan(made.scores)], minlength=len(runs))
    return [
        Condition(
            rules=rules.version,
            structural=_part(made.structural, spreads[0], at),
            functional=_part(made.functional, spreads[1], at),
            repair=_index(made.repair, at),
            maintenance=_index(made.maintenance, at),
            method=str(made.method[at]),
            not_known=_not_known(made, at, run),
            left_out=int(left_out[at]),
        )
        for at, run in enumerate(runs)
    ]


def _part(part: Part, spread: np.ndarray[Any, np.dtype[np.str_]], at: int) -> PartResult:
    has_defects = bool(part.n_apart[at] + part.n_near[at])
    return PartResult(
        n_apart=int(part.n_apart[at]),
        n_near=int(part.n_near[at]),
        mean=float(part.mean[at]),
        worst=float(part.worst[at]),
        parameter=float(part.parameter[at]),
        density=_plain(part.density, at),
        grade=str(part.grade[at]),
        spread=str(spread[at]) or None if has_defects else None,
    )


def _plain(values: Floats, at: int) -> float | None:
    value = float(values[at])
    return None if np.isnan(value) else value


def _index(index: Index, at: int) -> IndexResult:
    return IndexResult(
        value=float(index.least[at]),
        most=float(index.most[at]),
        name=str(index.class_least[at]),
        name_most=str(index.class_most[at]),
    )


def _not_known(made: Assessment, at: int, run: Run) -> tuple[str, ...]:
    levels = made.levels
    missing = {
        "length_m": run.length_m is None,
        "diameter_mm": bool(np.isnan(levels.diameter[at])),
        "importance": bool(np.isnan(levels.importance[at])),
        "soil": bool(np.isnan(levels.soil[at])),
    }
    return tuple(name for name, is_missing in missing.items() if is_missing)
