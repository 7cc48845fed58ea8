"""The rules of a condition standard (CJJ 181-2012), as data with a version.

``data/<version>.toml``; a released file is never edited and never removed, so what a stored grade
was computed by can always be read. Each fact names its clause and either the public text it was
read in (``source``) or that it was written from memory (``verified = false``). Nothing is read at
import.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gis.attributes import Text
from gis.errors import NotFoundError, SetupError

FOLDER = Path(__file__).parent / "data"
RULES_IN_FORCE = "cjj181-2012"
Category = Literal["structural", "functional"]
CATEGORIES: tuple[Category, Category] = ("structural", "functional")


class Data(BaseModel):
    """A part of a data file: nothing more than is declared, and never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Words(Data):
    """Words in both languages, as a data file writes them."""

    zh: Annotated[str, Field(min_length=1)]
    en: Annotated[str, Field(min_length=1)]

    @property
    def text(self) -> Text:
        """As the rest of the house writes them."""
        return Text(zh=self.zh, en=self.en)


class Fact(Data):
    """A rule with its mark: read in ``source``, or from memory and to be confirmed."""

    clause: str = ""
    source: str | None = None
    verified: Literal[False] | None = None

    @model_validator(mode="after")
    def require_a_mark(self) -> Fact:
        """Exactly one of a source and ``verified = false``."""
        if (self.source is None) == (self.verified is None):
            raise ValueError(f"{type(self).__name__} {self.clause}: a source, or unverified")
        return self

    @property
    def mark(self) -> dict[str, object]:
        """Clause, source and whether it is unverified, as an explanation shows them."""
        return {"clause": self.clause, "source": self.source, "unverified": self.source is None}


class Coefficient(Fact):
    """α or β: what a near defect's score is multiplied by."""

    value: Annotated[float, Field(ge=1, le=2)]


class Spacing(Fact):
    """How far from the next defect one stands alone, or near; metres."""

    apart_m: float
    near_m: float
    alpha: Coefficient
    beta: Coefficient
    neighbour: Fact


class Merge(Fact):
    """Defects nearer than ``near_m`` are one, with the sum of their scores up to ``cap``."""

    cap: float


class Least(Fact):
    """The shortest length a defect counts with; metres."""

    least_m: float


class Gate(Data):
    """Below these parameters, importance and diameter count nothing."""

    structural: float
    functional: float
    importance: Fact
    diameter: Fact
    functional_diameter: Fact


class Weights(Fact):
    """Weights of an index."""

    parameter: float
    importance: float
    diameter: float
    soil: float


class IndexWeights(Data):
    """Weights of RI and of MI."""

    repair: Weights
    maintenance: Weights


class Level(Fact, Words):
    """A word of a table with its value: importance (K) or soil (T)."""

    key: str
    value: float
    aliases: tuple[str, ...] = ()


class DiameterLevel(Fact, Words):
    """E for diameters above ``over_mm`` (or from it on, where ``included``)."""

    over_mm: float
    included: bool
    value: float


class Band(Fact, Words):
    """A grade or class: what a figure up to ``most``, or ``below``, is called; the last is open."""

    key: str
    most: float = math.inf
    below: float | None = None


class Method(Fact):
    """How to repair, of a regional guide."""

    none_ri: float
    plan_ri: float
    none_f: float
    local_density: float


class Marker(Fact):
    """Codes that begin and end a defect that goes on."""

    begin: str
    end: str


class Degree(Fact, Words):
    """A grade of a defect: its score, its criterion, and of deposits the share of the diameter."""

    grade: Annotated[int, Field(ge=1, le=4)]
    score: Annotated[float | None, Field(gt=0, le=10)] = None
    share_percent: tuple[float, float] | None = None


class DefectType(Fact, Words):
    """A defect of the standard; ``computed`` is False for what is recorded only."""

    code: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    category: Category
    computed: bool = True
    grade: tuple[Degree, ...]

    @model_validator(mode="after")
    def require_scores(self) -> DefectType:
        """Grades count from 1; every one has a score where the defect is computed."""
        if [d.grade for d in self.grade] != list(range(1, len(self.grade) + 1)):
            raise ValueError(f"{self.code}: grades do not count from 1")
        if any((d.score is None) == self.computed for d in self.grade):
            raise ValueError(f"{self.code}: scores")
        return self


class Remark(Fact, Words):
    """A code of the record that is no defect."""

    code: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class Rules(Data):
    """One version of the rules."""

    version: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{2,40}$")]
    standard: str
    title: Words
    original_read: bool
    clauses: Any  # Any: a remark for readers of the file
    spacing: Spacing
    merge: Merge
    length: Least
    gate: Gate
    weights: IndexWeights
    importance: tuple[Level, ...]
    diameter: tuple[DiameterLevel, ...]
    soil: tuple[Level, ...]
    structural_grade: tuple[Band, ...]
    functional_grade: tuple[Band, ...]
    density: tuple[Band, ...]
    repair_class: tuple[Band, ...]
    maintenance_class: tuple[Band, ...]
    method: Method
    marker: Marker
    defect: tuple[DefectType, ...]
    remark: tuple[Remark, ...]

    @cached_property
    def defects(self) -> dict[str, DefectType]:
        """The defects by code."""
        return {d.code: d for d in self.defect}

    @cached_property
    def remarks(self) -> dict[str, Remark]:
        """What else a record may name, by code."""
        return {r.code: r for r in self.remark}

    @cached_property
    def scores(self) -> dict[tuple[str, int], float]:
        """The score of each code and grade that is computed."""
        return {
            (d.code, g.grade): g.score
            for d in self.defect
            for g in d.grade
            if d.computed and g.score is not None
        }

    def degree(self, code: str, grade: int | None) -> Degree | None:
        """The grade of a defect; None for what the standard does not know."""
        found = self.defects.get(code)
        if found is None or grade is None or not 1 <= grade <= len(found.grade):
            return None
        return found.grade[grade - 1]

    def coefficient(self, category: Category) -> Coefficient:
        """α for structural defects, β for functional ones."""
        return self.spacing.alpha if category == "structural" else self.spacing.beta


def find_level(levels: Sequence[Level], word: str | None) -> Level | None:
    """The level of that key, label or alias; None where nothing is said or nothing fits."""
    asked = (word or "").strip().casefold()
    for level in levels:
        if asked and asked in (level.key, *(w.casefold() for w in (level.zh, level.en))):
            return level
        if asked in (alias.casefold() for alias in level.aliases):
            return level
    return None


@cache
def load_rules(version: str = RULES_IN_FORCE) -> Rules:
    """The rules of a version; NotFoundError for one there is not."""
    known = sorted(path.stem for path in FOLDER.glob("cjj*.toml"))
    if version not in known:
        raise NotFoundError(
            Text(
                zh="没有名为 {name} 的评估规则;可用:{known}",
                en="no condition rules {name}; there are: {known}",
            ).format(name=version[:40], known=", ".join(known))
        )
    try:
        with (FOLDER / f"{version}.toml").open("rb") as file:
            rules = Rules.model_validate(tomllib.load(file))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise SetupError(
            Text(zh="评估规则文件 {name} 有误", en="the rule file {name} is wrong").format(
                name=version
            )
        ) from error
    if rules.version != version:
        raise SetupError(
            Text(zh="评估规则 {name} 的版本号不符", en="{name} names another version").format(
                name=version
            )
        )
    return rules
