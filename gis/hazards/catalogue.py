"""The hazard catalogue: what inspectors look for, and what follows from it.

Severity follows from the item and is never typed. A catalogue is a data file with a version,
``data/catalogue-<version>.toml``; a released file is never edited and never removed, so an item
an old record names can always be read. An item's ``mark`` speaks of the provision it rests on
(verified: read in the original); its severity and its limits are settings of the bureau.
Nothing is read at import.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gis.attributes import Text, Vocabulary
from gis.errors import NotFoundError, SetupError
from gis.hazards.deadlines import (
    BUSINESS_CLOCK,
    RECTIFICATION_LIMITS,
    DayUnit,
    Deadline,
    Hours,
    Limit,
    WorkCalendar,
    count_deadline,
)
from gis.kinds.hazard import HazardCategory, Severity

FOLDER = Path(__file__).parent / "data"
MAJOR_CONTROL_HOURS = 2.0
"""A major hazard is under control within two hours; the bureau's setting."""
RAIN_HOURS = 24.0
"""Without a rain warning ahead, what blocks water is cleared within a day."""


class Mark(Vocabulary):
    """Whether the provision behind an item was read in the original."""

    VERIFIED = ("verified", "已核对原文", "Read in the original")
    UNVERIFIED = ("unverified", "未核对原文", "Not verified")


class RuleName(Vocabulary):
    """How long a hazard may stand."""

    ON_THE_SPOT = ("on_the_spot", "立即整改", "On the spot")
    HOURS = ("hours", "按小时", "Within hours")
    DAYS = ("days", "按天", "Within days")
    RAIN = ("rain", "下次降雨预警前", "Before the next rain warning")
    NOTICE = ("notice", "按通知书期限", "By the date of the notice")


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Words(_Data):
    """Words in both languages, as a data file writes them."""

    zh: Annotated[str, Field(min_length=1, max_length=200)]
    en: Annotated[str, Field(min_length=1, max_length=200)]

    @property
    def text(self) -> Text:
        """As the rest of the house writes them."""
        return Text(zh=self.zh, en=self.en)


class DeadlineRule(_Data):
    """A deadline rule; hours for ``hours`` and ``rain``, days and their unit for ``days``."""

    rule: RuleName
    hours: Annotated[float | None, Field(gt=0, le=24 * 90)] = None
    days: Annotated[int | None, Field(ge=1, le=365)] = None
    unit: DayUnit = DayUnit.CALENDAR

    @model_validator(mode="after")
    def require_its_number(self) -> DeadlineRule:
        """A rule has the number it counts, and no other."""
        needs = {RuleName.HOURS: (True, False), RuleName.DAYS: (False, True)}
        hours, days = needs.get(self.rule, (self.rule is RuleName.RAIN, False))
        if (self.hours is not None, self.days is not None) != (hours, days):
            raise ValueError(f"{self.rule}: hours or days do not fit the rule")
        return self

    @property
    def text(self) -> Text:
        """The rule in words."""
        match self.rule:
            case RuleName.HOURS:
                words = Text(zh="{n:g} 小时内", en="within {n:g} hours").format(n=self.hours)
            case RuleName.RAIN:
                words = Text(
                    zh="下次降雨预警前,无预警则 {n:g} 小时内",
                    en="before the next rain warning, else within {n:g} hours",
                ).format(n=self.hours)
            case RuleName.DAYS:
                working = self.unit is DayUnit.WORKING
                words = Text(
                    zh="{n} 个工作日内" if working else "{n} 日内",
                    en="within {n} working days" if working else "within {n} days",
                ).format(n=self.days)
            case _:
                words = self.rule.text
        return words


def limit_rule(severity: Severity) -> DeadlineRule:
    """The bureau's limit for a severity, as a rule."""
    limit = RECTIFICATION_LIMITS[severity]
    return DeadlineRule(rule=RuleName.DAYS, days=limit.days, unit=limit.unit)


class Source(_Data):
    """A law, standard or custom items rest on."""

    title: Words
    mark: Mark


class Item(_Data):
    """One thing to look for; ``key`` is ``<category>.<word>``.

    ``control_hours``: by when it must be made safe, before it is repaired. ``applies_to``:
    site types it concerns, empty for all of its category.
    """

    key: Annotated[str, Field(pattern=r"^[a-z_]+\.[a-z_]+$", max_length=64)]
    zh: Annotated[str, Field(min_length=1, max_length=200)]
    en: Annotated[str, Field(min_length=1, max_length=200)]
    severity: Severity
    deadline: DeadlineRule | None = None
    control_hours: Annotated[float | None, Field(gt=0, le=72)] = None
    source: str
    article: Annotated[str | None, Field(max_length=40)] = None
    applies_to: tuple[str, ...] = ()

    @property
    def category(self) -> HazardCategory:
        """The category its key begins with."""
        return HazardCategory(self.key.partition(".")[0])

    @property
    def text(self) -> Text:
        """What is wrong, in words."""
        return Text(zh=self.zh, en=self.en)

    @property
    def rule(self) -> DeadlineRule:
        """Its own deadline rule, or the bureau's limit for its severity."""
        if self.deadline is not None:
            return self.deadline
        return limit_rule(self.severity)

    @property
    def control_limit(self) -> Hours | None:
        """How soon it must be made safe; None where nothing but the repair is asked."""
        if self.control_hours is None and self.severity is not Severity.MAJOR:
            return None
        return Hours(self.control_hours or MAJOR_CONTROL_HOURS)


class FormDeclaration(_Data):
    """What the checklist of a category asks beside its items."""

    title: Words
    visit_results: tuple[Literal["normal", "hazards", "no_entry", "dry"], ...]
    photos: Annotated[int, Field(ge=0, le=10)]
    signature: bool


class Catalogue(_Data):
    """One version of the catalogue."""

    version: Annotated[str, Field(pattern=r"^\d{4}-\d{2}$")]
    sources: Mapping[str, Source]
    forms: Mapping[HazardCategory, FormDeclaration]
    items: tuple[Item, ...]

    @model_validator(mode="after")
    def require_known_references(self) -> Catalogue:
        """Keys are unique; sources and forms an item needs are there."""
        keys = [item.key for item in self.items]
        if len(keys) != len(set(keys)):
            raise ValueError(f"twice: {sorted({k for k in keys if keys.count(k) > 1})}")
        for item in self.items:
            if item.source not in self.sources:
                raise ValueError(f"{item.key}: no source {item.source}")
            if item.category not in self.forms:
                raise ValueError(f"{item.key}: no form {item.category}")
        return self

    def items_of(self, category: HazardCategory) -> list[Item]:
        """The items of a category, in the order of the file."""
        return [item for item in self.items if item.category is category]

    def mark_of(self, item: Item) -> Mark:
        """Whether the provision an item rests on was read in the original."""
        return self.sources[item.source].mark


def list_versions(folder: Path = FOLDER) -> list[str]:
    """The versions there are, oldest first."""
    return sorted(path.stem.removeprefix("catalogue-") for path in folder.glob("catalogue-*.toml"))


@cache
def read_catalogue(version: str | None = None, folder: Path = FOLDER) -> Catalogue:
    """A version of the catalogue, the newest when none is named.

    Raises NotFoundError for a version there is not, SetupError for a file that is wrong.
    """
    known = list_versions(folder)
    if not known or (version is not None and version not in known):
        message = Text(zh="没有隐患目录版本 {v}", en="no hazard catalogue of version {v}")
        raise NotFoundError(message.format(v=(version or "-")[:20]), known=known)
    path = folder / f"catalogue-{version or known[-1]}.toml"
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))  # Any: checked here
        catalogue = Catalogue.model_validate(content)
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        message = Text(zh="隐患目录 {file} 有误:{why}", en="the catalogue {file} is wrong: {why}")
        raise SetupError(message.format(file=path.name, why=error)) from error
    if catalogue.version != path.stem.removeprefix("catalogue-"):
        message = Text(zh="隐患目录 {file} 的版本不符", en="{file} states another version")
        raise SetupError(message.format(file=path.name))
    return catalogue


def find_item(key: str, *, version: str | None = None, folder: Path = FOLDER) -> Item:
    """The item of a key in a version, or in the newest that has it; else NotFoundError.

    A judgement names the version its record was made with: it must come out the same when the
    catalogue has changed. A version there is not is passed over (a newer phone knows more).
    """
    versions = list_versions(folder)
    wanted = [version] if version in versions else list(reversed(versions))
    for known in wanted:
        for item in read_catalogue(known, folder).items:
            if item.key == key:
                return item
    raise NotFoundError(
        Text(zh="隐患目录中没有 {key}", en="the catalogue has no item {key}").format(key=key[:64])
    )


def severity_of(key: str, *, version: str | None = None) -> Severity:
    """The severity that follows from an item, or NotFoundError."""
    return find_item(key, version=version).severity


def item_deadline(
    item: Item,
    start: datetime,
    calendar: WorkCalendar,
    *,
    notice_due: datetime | None = None,
    next_rain_warning: datetime | None = None,
) -> Deadline | None:
    """When an item found or notified at ``start`` (aware) must be repaired.

    A date named on the notice always decides. None: the rule waits for such a date.
    """
    if notice_due is not None:
        return Deadline(notice_due)
    rule = item.rule
    match rule.rule:
        case RuleName.NOTICE:
            return None
        case RuleName.ON_THE_SPOT:
            return Deadline(start.astimezone(BUSINESS_CLOCK))
        case RuleName.RAIN if next_rain_warning is not None and next_rain_warning > start:
            return Deadline(next_rain_warning.astimezone(BUSINESS_CLOCK))
        case RuleName.DAYS:
            return count_deadline(start, Limit(rule.days or 0, rule.unit), calendar)
        case _:
            return Deadline(start.astimezone(BUSINESS_CLOCK) + timedelta(hours=rule.hours or 0))
