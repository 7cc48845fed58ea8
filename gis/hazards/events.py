"""What can happen to a hazard: the event types, their payloads, the event itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from gis.attributes import Text, Vocabulary
from gis.errors import RowError
from gis.kinds.base import Name, Record, Words
from gis.kinds.hazard import Hazard, HazardCategory, HazardOrigin, Severity


class EventType(Vocabulary):
    """What happened. Being overdue is no event: it happens to the clock, not to the hazard."""

    FOUND = ("found", "发现", "Found")
    IMPORTED = ("imported", "导入", "Imported")
    FIXED_ON_SPOT = ("fixed_on_spot", "现场整改", "Fixed on the spot")
    REGISTERED = ("registered", "登记", "Registered")
    NOTIFIED = ("notified", "下达通知", "Notified")
    RECTIFYING = ("rectifying", "开始整改", "Rectification began")
    SUBMITTED = ("submitted", "报请复查", "Submitted for re-inspection")
    RETURNED = ("returned", "复查退回", "Returned")
    EXTENDED = ("extended", "准予延期", "Extended")
    DEFERRED = ("deferred", "暂缓整改", "Deferred")
    TRANSFERRED = ("transferred", "移送", "Transferred")
    DISMISSED = ("dismissed", "认定不属隐患", "Dismissed")
    DUPLICATE = ("duplicate", "并案", "Merged as duplicate")
    CONTROLLED = ("controlled", "临时管控", "Under interim control")
    PASSED = ("passed", "复查合格", "Passed re-inspection")
    CLOSED = ("closed", "销号", "Closed")
    COMMENTED = ("commented", "补充", "Added to")
    PLAN_FILED = ("plan_filed", "报送整改方案", "Plan filed")
    ESCALATED = ("escalated", "督办升级", "Escalated")
    EVIDENCE_LOST = ("evidence_lost", "声明证据遗失", "Evidence declared lost")


class Role(Vocabulary):
    """In which capacity somebody acted."""

    INSPECTOR = ("inspector", "检查人员", "Inspector")
    OFFICER = ("officer", "经办人", "Case officer")
    REINSPECTOR = ("reinspector", "复查人员", "Re-inspector")
    LEADER = ("leader", "分管领导", "Leader in charge")
    DUTY_HOLDER = ("duty_holder", "整改责任单位", "Duty holder")
    SYSTEM = ("system", "系统", "System")


class Payload(BaseModel):
    """Common to all payloads: nothing unknown, nothing PostgreSQL cannot store."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, str_strip_whitespace=True
    )

    note: Words = None

    @field_validator("*", mode="before")
    @classmethod
    def refuse_unstorable_text(cls, value: object) -> object:
        """NUL and half surrogates are refused as everywhere else."""
        return Record.refuse_unstorable_text(value)


Reason = Annotated[str, Field(min_length=1, max_length=2000)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
Latitude = Annotated[float, Field(ge=-85, le=85)]


class Found(Payload):
    """What an inspector saw, and where (lon/lat, degrees).

    What a phone leaves out the server settles when it takes the event in (see
    :mod:`gis.hazards.settle`): the code, the severity of the checklist's item, the place.
    ``scanned_code``: a label that was none of the day's assets. ``order_reason``: why the unit was
    given longer than the rule allows; ``signed_by``: who signed the order for it,
    ``refused_reason``: why nobody did.
    """

    code: Annotated[str | None, Field(min_length=1, max_length=64)] = None
    category: HazardCategory
    item: Annotated[str | None, Field(max_length=64)] = None
    severity: Severity | None = None
    origin: HazardOrigin = HazardOrigin.DEPARTMENT
    description: Words = None
    lon: Longitude | None = None
    lat: Latitude | None = None
    asset_id: UUID | None = None
    visit_id: UUID | None = None
    name: Name = None
    township: Annotated[str | None, Field(max_length=12)] = None
    duty_holder: Name = None
    use_suspended: bool = False
    supervision_listed: bool = False
    scanned_code: Name = None
    order_due_on: date | None = None
    order_reason: Words = None
    signed_by: Name = None
    refused_reason: Words = None


class Imported(Payload):
    """A foreign register's statement: the record in the state that register gives it.

    The record's fields may stand beside ``lon`` and ``lat`` instead of under ``record``.
    """

    lon: Longitude
    lat: Latitude
    record: Hazard

    @model_validator(mode="before")
    @classmethod
    def gather_record(cls, values: object) -> object:
        """Put fields that stand flat under ``record``."""
        if not isinstance(values, Mapping) or "record" in values:
            return values
        own = {"lon", "lat"}
        facts = {name: value for name, value in values.items() if name not in own}
        return {**{n: values[n] for n in own & values.keys()}, "record": facts}


class Registered(Payload):
    """Registration may correct the severity the finder gave, and says whose case it is."""

    section: Name = None
    assigned_to: Name = None
    severity: Severity | None = None
    supervision_listed: bool | None = None
    use_suspended: bool | None = None


class Notified(Payload):
    """The notice; without a date of its own the severity's limit counts from the notice."""

    refused_reason: Words = None
    due_at: AwareDatetime | None = None
    duty_holder: Name = None
    document: Name = None
    use_suspended: bool | None = None


class Rectifying(Payload):
    """Work began; the notice may have named nobody."""

    duty_holder: Name = None


class Submitted(Payload):
    """``fixed_at``: when the work was done, where that is not when it was reported."""

    fixed_at: AwareDatetime | None = None


class Extended(Payload):
    """A later due date, granted once; the original stays on record.

    ``requested_by``: who asked for it on the duty holder's side; ``interim_control``: what keeps
    people safe until then. Either may be a file instead.
    """

    due_at: AwareDatetime
    reason: Reason
    requested_by: Name = None
    interim_control: Words = None


class Deferred(Payload):
    """Rectification waits until a review, ninety days ahead at most."""

    review_on: date
    reason: Reason


class Transferred(Payload):
    """The matter of another body, which took it over."""

    to: Annotated[str, Field(min_length=1, max_length=200)]
    document: Name = None


class Dismissed(Payload):
    """Looked at and found to be no hazard."""

    reason: Reason


class Duplicate(Payload):
    """``survivor``: code or id of the hazard that goes on."""

    survivor: Annotated[str, Field(min_length=1, max_length=64)]


class Returned(Payload):
    """The re-inspection failed, and why."""

    reason: Words = None


class FixedOnSpot(Payload):
    """Mended before the inspectors left: ``team``, by name; ``refused_reason``: why the unit did
    not sign."""

    refused_reason: Words = None
    team: Annotated[tuple[Annotated[str, Field(max_length=80)], ...], Field(max_length=20)] = ()


class Passed(Payload):
    """The re-inspection found it right; ``sampled``: seen again on the spot, not on paper."""

    sampled: bool = False


class Commented(Payload):
    """Something more about the hazard; ``note`` or evidence says what."""

    item: Annotated[str | None, Field(max_length=64)] = None


class PlanFiled(Payload):
    """The plan of a major hazard; filed again it is the next version of it.

    Every field may be left out here, so that the refusal can name all that are missing
    (:func:`gis.hazards.profiles.find_missing_plan_fields`). ``deadline``: when the work will be
    done, by the plan.
    """

    leader: Name = None
    measures: Words = None
    money: Name = None
    person: Name = None
    deadline: date | None = None
    contingency: Words = None


Login = Annotated[str, Field(min_length=1, max_length=200)]


class Escalated(Payload):
    """A stage of the escalation was reached: by which due date, and who was told.

    ``to``: logins of those the stage is for; ``copies``: of those below them.
    """

    stage: Annotated[str, Field(min_length=1, max_length=40)]
    recipient: Annotated[str, Field(min_length=1, max_length=40)]
    since: AwareDatetime
    due_at: AwareDatetime
    section: Name = None
    to: Annotated[tuple[Login, ...], Field(max_length=200)] = ()
    copies: Annotated[tuple[Login, ...], Field(max_length=500)] = ()


class EvidenceLost(Payload):
    """Files (SHA-256) that a comment promised and that will never arrive, and why."""

    files: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")], ...],
        Field(min_length=1, max_length=60),
    ]
    reason: Reason


class Plain(Payload):
    """Says nothing more than that it happened."""


PAYLOADS: Mapping[EventType, type[Payload]] = {
    EventType.FOUND: Found,
    EventType.IMPORTED: Imported,
    EventType.FIXED_ON_SPOT: FixedOnSpot,
    EventType.REGISTERED: Registered,
    EventType.NOTIFIED: Notified,
    EventType.RECTIFYING: Rectifying,
    EventType.SUBMITTED: Submitted,
    EventType.RETURNED: Returned,
    EventType.EXTENDED: Extended,
    EventType.DEFERRED: Deferred,
    EventType.TRANSFERRED: Transferred,
    EventType.DISMISSED: Dismissed,
    EventType.DUPLICATE: Duplicate,
    EventType.CONTROLLED: Plain,
    EventType.PASSED: Passed,
    EventType.CLOSED: Plain,
    EventType.COMMENTED: Commented,
    EventType.PLAN_FILED: PlanFiled,
    EventType.ESCALATED: Escalated,
    EventType.EVIDENCE_LOST: EvidenceLost,
}


class HazardEvent(BaseModel):
    """One immutable fact about one hazard; ``seq`` counts from 1 within the hazard."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: UUID
    hazard_id: UUID
    seq: Annotated[int, Field(ge=1)]
    type: EventType
    at: AwareDatetime
    actor: Annotated[str, Field(min_length=1, max_length=200)]
    role: Role | None = None
    payload: Payload

    @model_validator(mode="before")
    @classmethod
    def read_payload(cls, values: object) -> object:
        """Read the payload by the event's type."""
        if isinstance(values, Mapping) and not isinstance(values.get("payload"), Payload):
            model = PAYLOADS.get(EventType(values["type"])) if "type" in values else None
            if model is not None:
                payload = values.get("payload")
                return {**values, "payload": model.model_validate(payload or {})}
        return values

    @field_validator("actor", mode="before")
    @classmethod
    def refuse_unstorable_text(cls, value: object) -> object:
        """An actor is text like any other."""
        return Record.refuse_unstorable_text(value)

    @model_validator(mode="after")
    def require_matching_payload(self) -> HazardEvent:
        """A payload of another type than the event's is refused."""
        if type(self.payload) is not PAYLOADS[self.type]:
            raise ValueError(f"payload of {self.type} is {type(self.payload).__name__}")
        return self

    def stored_payload(self) -> dict[str, Any]:  # Any: JSON
        """The payload as it is kept: plain JSON without empty values."""
        return self.payload.model_dump(mode="json", exclude_none=True)


def read_event(values: Mapping[str, Any]) -> HazardEvent:  # Any: checked here
    """A checked event from plain values; RowError says which field is wrong."""
    try:
        return HazardEvent.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "event"
        what = first["msg"]
    except ValueError as error:
        where, what = "type", str(error)
    message = Text(
        zh="隐患事件 {id} 的 {where} 有误:{what}", en="hazard event {id}: {where}: {what}"
    )
    raise RowError(
        message.format(id=values.get("id"), where=where, what=what), field=where
    ) from None
