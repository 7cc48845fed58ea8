"""Codes and words of survey points to words of our vocabularies: data with a version."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from gis.network.survey_rules import FOLDER, VERSION

SYSTEM_LETTERS = {"YS": "storm", "WS": "sanitary", "HS": "combined"}
"""Classes of drainage as codes begin with them (CJJ 61: PS class 2)."""
SYSTEM_WORDS = {
    "雨水管线": "storm", "雨水管道": "storm", "雨水系统": "storm", "雨": "storm",
    "污水管线": "sanitary", "污水管道": "sanitary", "污水系统": "sanitary", "污": "sanitary",
    "合流管线": "combined", "合流管道": "combined", "雨污合流管": "combined",
    "雨污合流": "combined", "合流": "combined", "雨水": "storm", "污水": "sanitary",
}  # fmt: skip
PRESSURE_WORDS = {"是": "pressure", "否": "gravity", "压力": "pressure", "重力": "gravity"}
FLOW_WORDS = {
    "正": "forward", "正向": "forward", "顺": "forward", "0": "forward", "+": "forward",
    "->": "forward", "→": "forward", "反": "backward", "反向": "backward", "逆": "backward",
    "1": "backward", "-1": "backward", "<-": "backward", "←": "backward",
}  # fmt: skip
SIPHON = "倒虹"


@dataclass(frozen=True, slots=True)
class Codes:
    """One version of the tables of codes."""

    elements: Mapping[str, str]
    systems: Mapping[str, str]
    types: Mapping[str, str]
    """Word -> manhole type."""
    ways: Mapping[str, int]
    exits: frozenset[str]


@cache
def load_codes(version: str = VERSION) -> Codes:
    """The tables of codes of a version."""
    path = FOLDER / f"survey-codes-{version}.toml"
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    return Codes(
        elements=found["elements"],
        systems={str(k): v for k, v in found["systems"].items()},
        types={word: kind for kind, words in found["types"].items() for word in words},
        ways=found["ways"],
        exits=frozenset(found["exits"]["words"]),
    )
