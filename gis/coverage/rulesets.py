"""Service-radius rule sets: which facilities count, how far, of what base, against which target.

``data/<version>.toml``; a released file is never edited, so a stored rate can be computed again.
Every fact says where it is known from: ``read`` in a named public text, ``second-hand``, or
``memory``; the last two are shown as unverified. A bureau's own rule set is read by
:func:`read_ruleset` and named ``own-…``. Nothing is read at import.
"""

from __future__ import annotations

import math
import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, ValidationError, model_validator

from gis.attributes import Text
from gis.coverage.admit import Bools, Floats, Ints
from gis.coverage.refusals import refuse
from gis.errors import NotFoundError
from gis.network.condition_rules import Data, Words

FOLDER = Path(__file__).parent / "data"


class Known(Data):
    """A fact with its clause and how it is known."""

    clause: Annotated[str, Field(min_length=1)]
    mark: Literal["read", "second-hand", "memory"]
    source: str | None = None

    @model_validator(mode="after")
    def require_a_source(self) -> Known:
        """What was read names the text it was read in."""
        if self.mark == "read" and not self.source:
            raise ValueError(f"{self.clause}: read, but no source")
        return self

    @property
    def is_unverified(self) -> bool:
        """Whether nobody of the project has read it at its source."""
        return self.mark != "read"


class FacilityClass(Known, Words):
    """Facilities of ``min_area_m2`` <= area < ``max_area_m2`` serve ``radius_m``.

    ``only_in`` limits the class to a setting (historic quarters); ``minutes`` is the limit of
    travel of a rule stated in time.
    """

    key: Annotated[str, Field(pattern=r"^[a-z0-9_-]+$")]
    min_area_m2: Annotated[float, Field(ge=0)] = 0.0
    max_area_m2: float = math.inf
    radius_m: Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)]
    minutes: Annotated[float | None, Field(gt=0, le=600)] = None
    only_in: str | None = None

    def overlaps(self, other: FacilityClass) -> bool:
        """Whether one facility could belong to both."""
        apart = self.only_in and other.only_in and self.only_in != other.only_in
        return not apart and (
            max(self.min_area_m2, other.min_area_m2) < min(self.max_area_m2, other.max_area_m2)
        )


class Target(Known, Words):
    """A level to reach: a share in percent and how it is compared."""

    key: Annotated[str, Field(pattern=r"^[a-z0-9_-]+$")]
    percent: Annotated[float, Field(ge=0, le=100)]
    comparison: Literal[">", ">="]


class Base(Known):
    """What is divided by what: the denominator, within which area."""

    denominator: Literal["residential_land", "people"]
    within: Literal["built_up_area", "admin_unit", "planning_area"]
    measured_from: Literal["boundary", "entrance"]
    distance: Literal["euclid", "network"]


class Parts(Known):
    """Parts of one facility nearer than ``gap_m`` are one; their areas are summed."""

    gap_m: Annotated[float, Field(ge=0)]


class Speed(Known):
    """A speed of travel of the rule; metres per second."""

    m_per_s: Annotated[float, Field(gt=0, le=40)]


class RuleSet(Data):
    """One version of a rule."""

    version: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{2,40}$")]
    standard: str
    title: Words
    superseded: bool = False
    base: Base
    parts: Parts
    walking: Speed | None = None
    facility_class: Annotated[tuple[FacilityClass, ...], Field(min_length=1)]
    target: tuple[Target, ...] = ()

    @model_validator(mode="after")
    def require_order(self) -> RuleSet:
        """Keys differ, a class is not empty, and no size belongs to two classes."""
        for keys in ([c.key for c in self.facility_class], [t.key for t in self.target]):
            if len(set(keys)) != len(keys):
                raise ValueError(f"{self.version}: a key occurs twice")
        for at, one in enumerate(self.facility_class):
            if not one.min_area_m2 < one.max_area_m2:
                raise refuse("classes", first=one.key, second=one.key)
            for other in self.facility_class[at + 1 :]:
                if one.overlaps(other):
                    raise refuse("classes", first=one.key, second=other.key)
        return self

    @property
    def is_unverified(self) -> bool:
        """Whether any fact of it is."""
        facts = (self.base, self.parts, self.walking, *self.facility_class, *self.target)
        return any(fact is not None and fact.is_unverified for fact in facts)

    @property
    def largest_radius_m(self) -> float:
        """How far beyond the border facilities still count; metres."""
        return max(c.radius_m for c in self.facility_class)

    def find_target(self, key: str | None) -> Target | None:
        """The target of that key (NotFoundError), or the first; None where the rule has none."""
        for target in self.target:
            if key in (None, target.key):
                return target
        if key is None:
            return None
        raise NotFoundError(
            Text(
                zh="规则集 {version} 没有目标 {key}",
                en="the rule set {version} has no target {key}",
            ).format(version=self.version, key=key[:40])
        )

    def classify(self, area_m2: Floats, setting: object = None) -> Ints:
        """The class of each facility by its area in m²; -1 where it does not qualify.

        ``setting`` is an array of words (``historic_quarter``) or None. A class begins at its
        smallest area: 5,000 m² exactly is of the class "from 5,000".

        >>> load_ruleset("tijian-2021").classify(np.array([1999.0, 2000, 5000])).tolist()
        [-1, 1, 0]
        """
        found = np.full(len(area_m2), -1, dtype=np.int64)
        for at, rule in enumerate(self.facility_class):
            fits: Bools = (area_m2 >= rule.min_area_m2) & (area_m2 < rule.max_area_m2)
            if rule.only_in is not None:
                fits = fits & (np.asarray(setting, dtype=object) == rule.only_in)
            found[fits] = at
        return found

    def radii(self, classes: Ints) -> Floats:
        """The radius of each class number in metres; NaN for -1."""
        table = np.array([*(c.radius_m for c in self.facility_class), np.nan])
        return table[classes]

    def minutes(self, classes: Ints) -> Floats:
        """The limit of travel of each class number; NaN where the rule is one of metres."""
        table = np.array([*(c.minutes or np.nan for c in self.facility_class), np.nan])
        return table[classes]


def known_rulesets() -> tuple[str, ...]:
    """The versions that are shipped."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


@cache
def load_ruleset(version: str) -> RuleSet:
    """A shipped rule set; NotFoundError for one there is not."""
    if version not in known_rulesets():
        raise NotFoundError(
            Text(
                zh="没有名为 {name} 的覆盖规则集;可用:{known}",
                en="no coverage rule set {name}; there are: {known}",
            ).format(name=version[:40], known=", ".join(known_rulesets()))
        )
    return parse_ruleset((FOLDER / f"{version}.toml").read_text(encoding="utf-8"))


def read_ruleset(path: Path) -> RuleSet:
    """A bureau's own rule set from its file; its version must begin with ``own-``."""
    rules = parse_ruleset(path.read_text(encoding="utf-8"))
    if not rules.version.startswith("own-"):
        raise refuse("ruleset", reason=f"version {rules.version}: own-…")
    return rules


def parse_ruleset(text: str) -> RuleSet:
    """A rule set from the text of its file; InputError where it is wrong."""
    try:
        return RuleSet.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise refuse("ruleset", reason=str(error)[:300]) from error
