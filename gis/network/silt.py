"""The latest known silt of each pipe, from deposits (CJ) the inspections saw.

The standard grades deposits by their share of the diameter: grade 1 is 20 to 30 %. A run that saw
none bounds the silt from above: less than 20 % is not graded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import numpy as np

from gis.db.tables import CORE
from gis.network.asking import Ask
from gis.network.condition_rules import RULES_IN_FORCE, Rules, load_rules
from gis.network.inspection_questions import ALONG, LATEST_RUN, join_pipe
from gis.queries import Parameters, Statement

DEPOSIT = "CJ"


@dataclass(frozen=True, slots=True)
class SiltReach:
    """Deposits between two places of a pipe as it is drawn (metres); shares of the diameter."""

    from_m: float
    to_m: float
    least_share: float
    most_share: float


@dataclass(frozen=True, slots=True)
class SiltSection:
    """A pipe's silt as its latest inspection saw it.

    ``least_share`` and ``most_share`` are the thickness of the worst deposit as shares of the
    diameter (0 to 1); of a run without deposits 0 and the least share that is graded.
    """

    pipe: UUID
    inspection: UUID
    inspected_on: date
    method: str
    inspected_length_m: float | None
    diameter_mm: float | None
    least_share: float
    most_share: float
    reaches: tuple[SiltReach, ...]

    @property
    def most_area_m2(self) -> float | None:
        """The flow section the worst deposit can fill at most, m²; None without a diameter."""
        if self.diameter_mm is None:
            return None
        return round(segment_area_m2(self.diameter_mm, self.most_share), 6)


def segment_area_m2(diameter_mm: float, share: float) -> float:
    """Area of a circle's bottom filled to a share of its diameter, m².

    A = D²/4 (θ/2 - sin(θ)/2) with θ = 2 arccos(1 - 2 share). DN600 at 30 % holds 0.071 m³ a metre:

    >>> round(segment_area_m2(600, 0.3), 3)
    0.071
    """
    angle = 2 * np.arccos(1 - 2 * min(max(share, 0.0), 1.0))
    return float((diameter_mm / 1000) ** 2 / 8 * (angle - np.sin(angle)))


def silt_question(
    pipes: Sequence[UUID] | None = None,
    *,
    on: date | None = None,
    as_of: datetime | None = None,
) -> Statement:
    """Rows of the latest run of each pipe (all, or these) up to a day, with its deposits.

    ``as_of`` measures along the pipe of a moment, and takes its diameter.
    """
    parameters: Parameters = {
        "pipes": None if pipes is None else list(pipes), "on": on, "code": DEPOSIT,
    }  # fmt: skip
    return Statement(
        f"WITH r AS MATERIALIZED ({LATEST_RUN}) SELECT json_build_object('pipe', r.pipe_id,"
        " 'inspection', r.id, 'inspected_on', r.inspected_on, 'method', r.method,"
        " 'inspected_length_m', r.inspected_length_m,"
        " 'diameter_mm', coalesce(p.diameter_mm, r.diameter_mm),"
        f" 'deposits', coalesce((SELECT json_agg(json_build_array({ALONG.format('o.chainage_m')},"
        f" {ALONG.format('coalesce(o.end_m, o.chainage_m)')}, o.grade) ORDER BY o.number)"
        f" FROM {CORE}.pipe_observation o WHERE o.inspection_id = r.id AND o.code = %(code)s"
        f" AND o.grade IS NOT NULL), '[]')) FROM r {join_pipe(as_of, parameters)}",
        parameters,
    )


def read_silt(
    ask: Ask,
    pipes: Sequence[UUID] | None = None,
    *,
    on: date | None = None,
    as_of: datetime | None = None,
) -> list[SiltSection]:
    """The latest silt section of each inspected pipe (all, or these) as known on a day."""
    rules = load_rules(RULES_IN_FORCE)
    return [_section(row[0], rules) for row in ask(silt_question(pipes, on=on, as_of=as_of))]


def _section(row: dict[str, Any], rules: Rules) -> SiltSection:  # Any: JSON
    reaches = tuple(
        SiltReach(min(first, last), max(first, last), *share)
        for first, last, grade in row["deposits"]
        if (share := silt_share(grade, rules)) is not None
    )
    ungraded = silt_share(1, rules)
    clean = 0.0 if ungraded is None else ungraded[0]
    return SiltSection(
        pipe=UUID(row["pipe"]),
        inspection=UUID(row["inspection"]),
        inspected_on=date.fromisoformat(row["inspected_on"]),
        method=row["method"],
        inspected_length_m=row["inspected_length_m"],
        diameter_mm=row["diameter_mm"],
        least_share=max((r.least_share for r in reaches), default=0.0),
        most_share=max((r.most_share for r in reaches), default=clean),
        reaches=reaches,
    )


def silt_share(grade: int | None, rules: Rules) -> tuple[float, float] | None:
    """The share of the diameter a grade of deposits stands for: (least, most)."""
    degree = rules.degree(DEPOSIT, grade)
    if degree is None or degree.share_percent is None:
        return None
    low, high = degree.share_percent
    return low / 100, high / 100


def silt_for_profile(section: SiltSection) -> list[dict[str, Any]]:  # Any: JSON
    """The deposits of a pipe as a profile places them, thickness in metres; none without a
    diameter, since a share of nothing known is no thickness."""
    if section.diameter_mm is None:
        return []
    height_m = section.diameter_mm / 1000
    return [
        {
            "pipe_id": section.pipe,
            "from_m": reach.from_m,
            "to_m": reach.to_m,
            "least_m": round(height_m * reach.least_share, 3),
            "most_m": round(height_m * reach.most_share, 3),
        }
        for reach in section.reaches
    ]
