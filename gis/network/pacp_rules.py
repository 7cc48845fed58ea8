"""PACP as data with a version: which grade of PACP a graded defect of CJJ 181 stands for.

``data/pacp-<version>.toml``, kept as the rules of CJJ 181 are (:mod:`gis.network.condition_rules`).
"""

from __future__ import annotations

import tomllib
from functools import cache, cached_property
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from gis.attributes import Text
from gis.errors import NotFoundError, SetupError
from gis.network.condition_rules import FOLDER, Data, Fact, Words

PACP_IN_FORCE = "pacp-2026-11"
PacpPart = Literal["structural", "om"]


class Letters(Fact):
    """How a quick rating writes counts that are no digit."""

    digits: Annotated[int, Field(ge=1, le=9)]
    step: Annotated[int, Field(ge=1)]

    def write(self, count: int) -> str:
        """One character for a count; the last letter stands for all that is above it."""
        if count <= self.digits:
            return str(count)
        return chr(ord("A") + min((count - self.digits - 1) // self.step, 25))


class Continuous(Fact):
    """How a defect that goes on is counted; metres."""

    step_m: Annotated[float, Field(gt=0)]


class PacpGrade(Fact, Words):
    """What a grade of CJJ 181 is in PACP; without a grade where PACP does not record it."""

    cjj: Annotated[int, Field(ge=1, le=4)]
    part: PacpPart | None = None
    code: Annotated[str | None, Field(pattern=r"^[A-Z]{1,6}$")] = None
    grade: Annotated[int | None, Field(ge=1, le=5)] = None

    @model_validator(mode="after")
    def require_all_or_none(self) -> PacpGrade:
        """A part, a code and a grade, or none of them."""
        if len({value is None for value in (self.part, self.code, self.grade)}) != 1:
            raise ValueError(f"{self.zh}: part, code and grade go together")
        return self


class PacpDefect(Data):
    """A defect of CJJ 181 with its grades in PACP."""

    cjj: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    grade: tuple[PacpGrade, ...]


class PacpRules(Data):
    """One version of the rules."""

    version: Annotated[str, Field(pattern=r"^pacp-[a-z0-9.-]{1,30}$")]
    standard: str
    title: Words
    original_read: bool
    rating: Fact
    index: Fact
    quick: Fact
    letters: Letters
    continuous: Continuous
    mapping: Fact
    defect: tuple[PacpDefect, ...]

    @cached_property
    def grades(self) -> dict[tuple[str, int], PacpGrade]:
        """What each code and grade of CJJ 181 is in PACP."""
        return {(d.cjj, g.cjj): g for d in self.defect for g in d.grade}


@cache
def load_pacp(version: str = PACP_IN_FORCE) -> PacpRules:
    """The rules of a version; NotFoundError for one there is not."""
    known = sorted(path.stem for path in FOLDER.glob("pacp-*.toml"))
    if version not in known:
        raise NotFoundError(
            Text(
                zh="没有名为 {name} 的 PACP 规则;可用:{known}",
                en="no PACP rules {name}; there are: {known}",
            ).format(name=version[:40], known=", ".join(known))
        )
    try:
        text = (FOLDER / f"{version}.toml").read_text("utf-8")
        return PacpRules.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise SetupError(
            Text(zh="PACP 规则文件 {name} 有误", en="the PACP rule file {name} is wrong").format(
                name=version
            )
        ) from error
