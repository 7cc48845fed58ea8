"""Records that are no step of a hazard: visits, campaigns, flood duty, plots, stored evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, model_validator

from gis.attributes import Vocabulary
from gis.hazards.envelope import Hash
from gis.hazards.events import Payload
from gis.hazards.flood_duty import FLOOD_PAYLOADS
from gis.hazards.plots import PLOT_PAYLOADS
from gis.hazards.record_types import RecordType as RecordType  # noqa: PLC0414 - asked for here
from gis.kinds.base import Name, Words
from gis.kinds.hazard import HazardCategory


class VisitResult(Vocabulary):
    """How a visit ended; all four count, only the last two found nothing to check."""

    NORMAL = ("normal", "正常", "Normal")
    HAZARDS = ("hazards", "发现隐患", "Hazards found")
    NO_ENTRY = ("no_entry", "未能入户", "No entry")
    DRY = ("dry", "无积水", "Dry")


class Answer(Payload):
    """One line of a checklist."""

    item: Annotated[str, Field(min_length=1, max_length=64)]
    result: Literal["pass", "fail", "na"]


class FloodReading(Payload):
    """What a flood round saw: depth in metres, level of response, what was done."""

    depth_m: Annotated[float | None, Field(ge=0, le=20)] = None
    level: Name = None
    action: Words = None
    called_out_at: AwareDatetime | None = None
    arrived_at: AwareDatetime | None = None
    water_gone_at: AwareDatetime | None = None


Person = Annotated[str, Field(min_length=1, max_length=80)]


class Visited(Payload):
    """One team's visit of one asset, also when nothing was found or nobody let it in.

    ``scanned_code``: a label that was none of the day's assets. ``signed_by``: who signed for the
    unit; ``refused_reason``: why nobody did, where it was asked.
    """

    category: HazardCategory
    result: VisitResult
    team: Annotated[tuple[Person, ...], Field(max_length=20)] = ()
    joint: Annotated[tuple[Person, ...], Field(max_length=20)] = ()
    accompanied_by: Name = None
    checklist: Annotated[tuple[Answer, ...], Field(max_length=300)] = ()
    flood: FloodReading | None = None
    scanned_code: Name = None
    signed_by: Name = None
    refused_reason: Words = None


class TargetRule(Payload):
    """How the targets of one category are chosen: all of a kind, or a drawn share of it."""

    category: HazardCategory
    kind: Annotated[str, Field(min_length=1, max_length=40)]
    mode: Literal["all", "sample"] = "all"
    rate: Annotated[float | None, Field(gt=0, le=1)] = None
    seed: Annotated[int | None, Field(ge=0, le=2**31)] = None
    township: Annotated[str | None, Field(max_length=12)] = None

    @model_validator(mode="after")
    def require_rate_of_sample(self) -> TargetRule:
        """抽检 says its rate; 全覆盖 has none."""
        if (self.mode == "sample") != (self.rate is not None):
            raise ValueError("a sample has a rate, full coverage has none")
        return self


class CampaignOpened(Payload):
    """A campaign: what it is called, by which document, whom it looks at, until when."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    document: Name = None
    rules: Annotated[tuple[TargetRule, ...], Field(min_length=1, max_length=20)]
    starts_on: date
    due_on: date

    @model_validator(mode="after")
    def require_order_of_days(self) -> CampaignOpened:
        """It does not end before it begins."""
        if self.due_on < self.starts_on:
            raise ValueError("the campaign ends before it begins")
        return self


class Drawn(Payload):
    """The targets of one rule, and how many there were to choose from."""

    category: HazardCategory
    population: Annotated[int, Field(ge=0)]
    assets: tuple[UUID, ...]


class TargetsDrawn(Payload):
    """What the rules chose on the day."""

    strata: tuple[Drawn, ...]


class TargetsAssigned(Payload):
    """Who visits which targets (a login, with his name; None takes them back)."""

    tasks: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=20_000)]
    to: Annotated[str | None, Field(max_length=80)] = None
    name: Annotated[str | None, Field(max_length=100)] = None


class CampaignClosed(Payload):
    """It is over; what was not visited stays visible as such."""


class EvidenceStored(Payload):
    """The bytes of a promised file have arrived and hash right."""

    sha256: Hash
    bytes: Annotated[int, Field(ge=0)]
    media: Annotated[str, Field(max_length=80)]


class Acknowledged(Payload):
    """Somebody has taken note of a notice of his (``notice``: its id)."""

    notice: UUID


RECORDS: Mapping[RecordType, type[Payload]] = {
    RecordType.VISITED: Visited,
    RecordType.CAMPAIGN_OPENED: CampaignOpened,
    RecordType.TARGETS_DRAWN: TargetsDrawn,
    RecordType.TARGETS_ASSIGNED: TargetsAssigned,
    RecordType.CAMPAIGN_CLOSED: CampaignClosed,
    RecordType.EVIDENCE_STORED: EvidenceStored,
    RecordType.ACKNOWLEDGED: Acknowledged,
    **FLOOD_PAYLOADS,
    **PLOT_PAYLOADS,
}


@dataclass(frozen=True, slots=True)
class Record:
    """An event of the log that is no step of a hazard."""

    id: UUID
    number: int
    type: str
    at: datetime
    actor: str
    payload: Mapping[str, Any]  # Any: judged by type
    visit_id: UUID | None = None
    campaign_id: UUID | None = None
    task_id: UUID | None = None
    asset_id: UUID | None = None
    township: str | None = None
    form: str | None = None
    settled: Mapping[str, Any] = field(default_factory=dict)  # Any: JSON

    @property
    def rules(self) -> int:
        """The version of the rules it came in under (:data:`gis.hazards.case.RULES`)."""
        return int(self.settled.get("rules", 1))


def as_record(row: Mapping[str, Any]) -> Record:  # Any: columns of any type
    """A row of the log as a record."""
    return Record(**{f.name: row[f.name] for f in fields(Record) if f.name in row})
