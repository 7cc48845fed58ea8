"""What a SWMM model takes where the register is silent: figures and words, as data with a version.

``data/swmm-<version>.toml``; a released file is never edited. Nothing in it was read in a printed
standard, and every model says so.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field, ValidationError

from gis.attributes import Text
from gis.errors import SetupError
from gis.network.condition_rules import FOLDER, Data
from gis.network.survey_rules import Words

VERSION = "2026-11"
Positive = Annotated[float, Field(gt=0)]


class Figures(Data):
    """Figures; units as the names say."""

    slope_per_mille: Annotated[float, Field(ge=0)]
    depth_m: Positive
    cover_m: Positive
    least_length_m: Positive
    stub_length_m: Positive
    discharge_l_per_day: Positive
    base_inflow_l_per_s: Positive
    nominal_inflow_l_per_s: Positive


class _AssumptionWords(Data):
    id: str
    text: Words


class SwmmRules(Data):
    """One version; ``mark`` says whether a person read the sources."""

    version: str
    mark: Literal["verified", "unverified"]
    roughness: Mapping[str, Positive]
    """Manning's n by the word of the material."""
    size_mm: Mapping[str, Positive]
    figures: Figures
    assumption: tuple[_AssumptionWords, ...]

    def words(self, identifier: str) -> Text:
        """The words of an assumption, to be filled with its facts."""
        return next(a.text.text for a in self.assumption if a.id == identifier)

    def order(self, identifier: str) -> int:
        """Its place in the list."""
        return [a.id for a in self.assumption].index(identifier)


@cache
def load_rules(version: str = VERSION) -> SwmmRules:
    """One version; SetupError when its file is damaged."""
    path = FOLDER / f"swmm-{version}.toml"
    try:
        return SwmmRules.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (OSError, ValidationError, tomllib.TOMLDecodeError) as error:
        raise SetupError(
            Text(zh=f"SWMM 规则文件损坏:{path.name}", en=f"damaged SWMM rules: {path.name}")
        ) from error


@dataclass(frozen=True, slots=True)
class Assumption:
    """Something assumed, and of which objects (ids, in the order of their table)."""

    rule: str
    text: Text
    ids: tuple[str, ...]


class Assumptions:
    """What was assumed while a model was made, in the order of the rules."""

    def __init__(self, rules: SwmmRules) -> None:
        self.rules = rules
        self._made: list[Assumption] = []

    def add(
        self, rule: str, table: pd.DataFrame, where: npt.NDArray[np.bool_], **facts: object
    ) -> None:
        """Note an assumption of the rows ``where`` of a table with ids; of none nothing is said."""
        if where.any():
            text = self.rules.words(rule).format(count=int(where.sum()), **facts)
            self._made.append(Assumption(rule, text, tuple(table.loc[where, "id"])))

    def listed(self) -> tuple[Assumption, ...]:
        """All of them, in the order of the rules."""
        return tuple(sorted(self._made, key=lambda a: self.rules.order(a.rule)))
