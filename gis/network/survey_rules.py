"""The rules of survey books: what each is called, how grave it is, where it comes from.

A rule book is a data file with a version, ``data/survey-rules-<version>.toml``; a released file is
never edited and never removed, so a finding of an old import can always be explained. Nothing is
read at import.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gis.attributes import Text, Vocabulary
from gis.errors import NotFoundError, SetupError

FOLDER = Path(__file__).parent / "data"
VERSION = "2026-11"
"""The rules new imports are judged by."""


class Severity(Vocabulary):
    """How grave a finding is."""

    ERROR = ("error", "错误", "Error")
    WARNING = ("warning", "警告", "Warning")
    NOTICE = ("notice", "提示", "Notice")


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(_Data):
    """Words in both languages, as a data file writes them."""

    zh: Annotated[str, Field(min_length=1, max_length=200)]
    en: Annotated[str, Field(min_length=1, max_length=200)]

    @property
    def text(self) -> Text:
        """As the rest of the house writes them."""
        return Text(zh=self.zh, en=self.en)


class Clause(_Data):
    """The standard or custom rules come from; ``verified`` only when read in the original."""

    title: Words
    mark: Literal["verified", "unverified"]


class Rule(_Data):
    """One rule. ``text`` is filled with the facts of a finding; ``title`` holds no figures.

    A row with an unwaived error is not loaded; one whose error is not ``waivable`` never is.
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z_]{2,40}$")]
    severity: Severity
    group: Literal["book", "place", "node", "pipe", "level", "length", "network"]
    title: Words
    text: Words
    clause: str
    waivable: bool = True


class SizeLimits(_Data):
    """What holds for pipes up to a size."""

    size_mm: float
    slope_least_per_mille: float
    slope_most_per_mille: float
    length_most_m: float


class Limits(_Data):
    """Thresholds of the rules; units as the names say."""

    level_tolerance_m: float
    level_gross_m: float
    ground_low_m: float
    ground_high_m: float
    ground_step_m: float
    depth_most_m: float
    size_low_mm: float
    size_high_mm: float
    year_low: int
    cover_least_m: float
    same_place_m: float
    end_far_m: float
    far_away_km: float
    length_tolerance_m: float
    length_tolerance_share: float
    length_gross_m: float
    length_gross_share: float
    length_short_m: float
    reversed_slight_mm: float
    reversed_gross_mm: float
    reversed_gross_per_mille: float
    drop_m: float
    many_pipes: int
    claimed_share: float
    usual_sizes_mm: tuple[float, ...]
    by_size: tuple[SizeLimits, ...]


class RuleBook(_Data):
    """One version of the rules."""

    version: str
    clauses: Mapping[str, Clause]
    limits: Limits
    rules: tuple[Rule, ...]

    @model_validator(mode="after")
    def require_order(self) -> RuleBook:
        """Every rule is there once, rests on a clause of this book, and sizes rise."""
        ids = [rule.id for rule in self.rules]
        sizes = [step.size_mm for step in self.limits.by_size]
        if len(set(ids)) != len(ids) or sizes != sorted(set(sizes)):
            raise ValueError("a rule occurs twice, or sizes do not rise")
        if strange := {rule.clause for rule in self.rules} - set(self.clauses):
            raise ValueError(f"no such clause: {sorted(strange)}")
        return self

    def rule(self, identifier: str) -> Rule:
        """One rule by its id; KeyError for none."""
        return _by_id(self.version)[identifier]

    def is_unverified(self, rule: Rule) -> bool:
        """Whether the provision behind a rule was not read in the original."""
        return self.clauses[rule.clause].mark == "unverified"


@cache
def load_rules(version: str = VERSION) -> RuleBook:
    """One version; NotFoundError when there is none, SetupError when its file is damaged."""
    path = FOLDER / f"survey-rules-{version}.toml"
    if not version.replace("-", "").isalnum() or not path.is_file():
        raise NotFoundError(
            Text(zh="没有检查规则 {version}", en="no survey rules {version}").format(
                version=version[:32]
            )
        )
    try:
        found: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))  # Any: TOML
        return RuleBook.model_validate(found)
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise SetupError(
            Text(
                zh="检查规则 {name} 已损坏:{reason}", en="the rules {name} are damaged: {reason}"
            ).format(name=path.name, reason=str(error)[:300])
        ) from error


@cache
def _by_id(version: str) -> dict[str, Rule]:
    return {rule.id: rule for rule in load_rules(version).rules}
