"""The rules of the desilting ledger: conversions, limits, flags and the words they speak in.

A rule book is a data file with a version, ``data/desilting-<version>.toml``; a released file is
never edited and never removed: a job keeps the version its claim was converted by.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gis.attributes import Text
from gis.errors import NotFoundError, SetupError
from gis.network.survey_rules import Words

FOLDER = Path(__file__).parent / "data"
VERSION = "2026-11"
"""The rules new jobs are converted by and all jobs are judged by."""
Basis = Literal["m3", "wet_t", "dry_t"]
Activity = Literal["survey", "inspection", "desilting", "repair", "laying", "separation"]
FlagId = Literal["above_bound", "repeat", "beyond_pipe", "no_evidence", "no_volume", "silt_unknown"]


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Conversion(_Data):
    """From a unit of the basis to m³."""

    m3_per_unit: Annotated[float, Field(gt=0)]
    title: Words
    how: Words


class Limits(_Data):
    """Thresholds of the flags; units as the names say."""

    repeat_months: Annotated[int, Field(ge=1)]
    silt_months: Annotated[int, Field(ge=1)]
    length_tolerance_m: float
    length_tolerance_share: float


class Flag(_Data):
    """A reason to look at a job; ``text`` is filled with the facts of its calculation."""

    id: FlagId
    severity: Literal["check", "open"]
    title: Words
    text: Words


class Separation(_Data):
    """How a project of separation is known."""

    words: tuple[str, ...]


class DesiltingRules(_Data):
    """One version of the rules; ``mark`` says whether a person read their source."""

    version: str
    mark: Literal["verified", "unverified"]
    decimals: Annotated[int, Field(ge=0, le=3)]
    conversion: Mapping[Basis, Conversion]
    limits: Limits
    cycle_months: Mapping[Activity, Annotated[int, Field(ge=1)]]
    separation: Separation
    flag: tuple[Flag, ...]
    why: Mapping[str, Words]


@cache
def load_rules(version: str = VERSION) -> DesiltingRules:
    """One version; NotFoundError when there is none, SetupError when its file is damaged."""
    path = FOLDER / f"desilting-{version}.toml"
    if not version.replace("-", "").isalnum() or not path.is_file():
        raise NotFoundError(
            Text(zh="没有清淤规则 {version}", en="no desilting rules {version}").format(
                version=version[:32]
            )
        )
    try:
        return DesiltingRules.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        raise SetupError(
            Text(zh=f"清淤规则文件损坏:{path.name}", en=f"damaged desilting rules: {path.name}")
        ) from error
