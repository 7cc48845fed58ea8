"""What an attribute can say about itself: words, unit, sensitivity, source, aliases."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Self


class Language(StrEnum):
    """The languages every human word exists in."""

    ZH = "zh"
    EN = "en"


@dataclass(frozen=True, slots=True)
class Text:
    """A human word in both languages; a missing one is a TypeError at import.

    >>> Text(zh="管径", en="Diameter").get(Language.EN)
    'Diameter'
    """

    zh: str
    en: str

    def __post_init__(self) -> None:
        if not self.zh or not self.en:
            raise TypeError(f"a Text needs both languages: {self!r}")

    def get(self, language: Language) -> str:
        """The word in one language."""
        return self.zh if language is Language.ZH else self.en

    def format(self, **facts: object) -> Text:
        """Both languages with their ``{facts}`` filled in."""
        return Text(zh=self.zh.format(**facts), en=self.en.format(**facts))

    def as_dict(self) -> dict[str, str]:
        """``{"zh": …, "en": …}``, as documents carry it."""
        return {"zh": self.zh, "en": self.en}


class Sensitivity(StrEnum):
    """Who may see a kind or an attribute (公开/内部/受控); ordered by :attr:`rank`."""

    PUBLIC = "public"
    INTERNAL = "internal"
    RESTRICTED = "restricted"

    @property
    def rank(self) -> int:
        """0 for public, rising."""
        return list(Sensitivity).index(self)

    def covers(self, other: Sensitivity) -> bool:
        """Whether a reader cleared for ``self`` may see something marked ``other``."""
        return other.rank <= self.rank


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of measure; ``suffix`` ends the name of every attribute measured in it."""

    symbol: str
    suffix: str
    zh: str
    en: str


MM = Unit("mm", "_mm", "毫米", "millimetres")
M = Unit("m", "_m", "米", "metres")
KM = Unit("km", "_km", "公里", "kilometres")
M2 = Unit("m²", "_m2", "平方米", "square metres")
M3 = Unit("m³", "_m3", "立方米", "cubic metres")
M3_PER_DAY = Unit("m³/d", "_m3_per_day", "立方米/日", "cubic metres per day")
PER_MILLE = Unit("‰", "_per_mille", "千分比", "per mille")
PERCENT = Unit("%", "_percent", "百分比", "percent")
YUAN = Unit("元", "_yuan", "元", "yuan")


@dataclass(frozen=True, slots=True)
class DisplayUnit:
    """A unit figures are shown in; what is stored stays in ``unit``.

    >>> round(MU.shown(10_000.0), 2)
    15.0
    """

    symbol: Text
    unit: Unit
    size: float
    """How many of ``unit`` make one."""

    def shown(self, value: float) -> float:
        """A stored value in this unit."""
        return value / self.size


MU = DisplayUnit(Text(zh="亩", en="mu"), M2, 10_000 / 15)
"""Fifteen to the hectare, exactly."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """The part of a field's declaration that Pydantic does not know.

    ``source`` names where the definition comes from; ``verified`` is True only when a person has
    read that source in the original. ``aliases`` are column names seen in survey files.
    """

    text: Text
    unit: Unit | None = None
    sensitivity: Sensitivity | None = None
    source: str | None = None
    verified: bool = False
    aliases: tuple[str, ...] = ()
    detail: bool = False
    """Shown in a popup and an export, but not carried by tiles below the detail zoom."""


class Vocabulary(str, Enum):  # noqa: UP042 - StrEnum cannot carry words beside the value
    """A closed list of words: the stored value, both labels, and an order (that of declaration).

    Members are written ``NAME = ("value", "中文", "English", ("alias", …))``.
    """

    text: Text
    aliases: tuple[str, ...]

    # The defaults are only for the look-up ``Member("value")``; a member without both words is
    # refused by Text when its class is made.
    def __new__(cls, value: str, zh: str = "", en: str = "", aliases: tuple[str, ...] = ()) -> Self:
        """A member with its words beside its value."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.text = Text(zh=zh, en=en)
        member.aliases = aliases
        return member

    def __str__(self) -> str:
        return str(self.value)

    @property
    def order(self) -> int:
        """Place in the declaration, from 0."""
        return list(type(self)).index(self)
