"""What may happen to a hazard, and what it becomes: one table, one pure function.

States, events and default periods follow the county practice summarised in ``domain`` notes
(general knowledge, not verified against a standard). Overdue is computed, never a state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

from gis.attributes import Text, Vocabulary
from gis.errors import InputError, TransitionError
from gis.kinds.hazard import Hazard, HazardState


class EventType(Vocabulary):
    """事件类型."""

    FOUND = ("found", "发现", "Found")
    IMPORTED = ("imported", "导入", "Imported")
    FIXED_ON_SPOT = ("fixed_on_spot", "现场整改", "Fixed on the spot")
    REGISTERED = ("registered", "登记", "Registered")
    NOTIFIED = ("notified", "下达通知", "Notified")
    RECTIFYING = ("rectifying", "开始整改", "Rectification begun")
    SUBMITTED = ("submitted", "提请复查", "Submitted for re-inspection")
    RETURNED = ("returned", "复查不合格", "Returned")
    EXTENDED = ("extended", "延期", "Extended")
    DEFERRED = ("deferred", "暂缓", "Deferred")
    TRANSFERRED = ("transferred", "移送", "Transferred")
    DISMISSED = ("dismissed", "不属隐患", "Dismissed")
    DUPLICATE = ("duplicate", "并入", "Merged into another")
    CLOSED = ("closed", "销号", "Closed")


S, E = HazardState, EventType
OPEN_STATES = frozenset(
    {S.FOUND, S.REGISTERED, S.NOTIFIED, S.RECTIFYING, S.SUBMITTED, S.RETURNED, S.FIXED_ON_SPOT,
     S.DEFERRED}
)  # fmt: skip
"""States in which something is still to be done (fixed on the spot waits for its review)."""

TRANSITIONS: Mapping[tuple[HazardState, EventType], HazardState] = MappingProxyType(
    {
        (S.FOUND, E.FIXED_ON_SPOT): S.FIXED_ON_SPOT,
        (S.FOUND, E.REGISTERED): S.REGISTERED,
        (S.FOUND, E.DISMISSED): S.DISMISSED,
        (S.FOUND, E.DUPLICATE): S.DUPLICATE,
        (S.FOUND, E.TRANSFERRED): S.TRANSFERRED,
        (S.FIXED_ON_SPOT, E.CLOSED): S.CLOSED,
        (S.FIXED_ON_SPOT, E.REGISTERED): S.REGISTERED,
        (S.REGISTERED, E.NOTIFIED): S.NOTIFIED,
        (S.REGISTERED, E.TRANSFERRED): S.TRANSFERRED,
        (S.REGISTERED, E.DUPLICATE): S.DUPLICATE,
        (S.NOTIFIED, E.RECTIFYING): S.RECTIFYING,
        (S.RECTIFYING, E.SUBMITTED): S.SUBMITTED,
        (S.SUBMITTED, E.RETURNED): S.RETURNED,
        (S.SUBMITTED, E.CLOSED): S.CLOSED,
        (S.RETURNED, E.RECTIFYING): S.RECTIFYING,
        (S.DEFERRED, E.RECTIFYING): S.RECTIFYING,
        **{(s, E.DEFERRED): S.DEFERRED for s in (S.REGISTERED, S.NOTIFIED, S.RECTIFYING, S.RETURNED)},
        **{(s, E.EXTENDED): s for s in (S.NOTIFIED, S.RECTIFYING, S.RETURNED)},
    }
)  # fmt: skip
"""The whole workflow; what is not here is refused."""

MAX_DEFERRAL = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class HazardEvent:
    """Something that happened to a hazard, at a moment, said by someone; never changed."""

    id: UUID
    hazard_id: UUID
    seq: int
    type: EventType
    at: datetime
    actor: str
    payload: Mapping[str, Any]  # Any: checked per type by apply()
    role: str | None = None

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise InputError(Text(zh="事件时间缺少时区", en="an event's moment has no zone"))


def allowed_events(state: HazardState) -> list[EventType]:
    """Events the state allows, in the order of the vocabulary."""
    return [event for event in EventType if (state, event) in TRANSITIONS]


def apply(hazard: Hazard | None, event: HazardEvent) -> Hazard:
    """The hazard after an event; TransitionError when its state does not allow it."""
    if hazard is None:
        return _begin(event)
    if event.type in (E.FOUND, E.IMPORTED) or (hazard.state, event.type) not in TRANSITIONS:
        raise _refuse(hazard.state, event.type)
    changes: dict[str, Any] = {"state": TRANSITIONS[hazard.state, event.type]}  # Any: columns
    changes |= _consequences(hazard, event)
    changes["is_open"] = changes["state"] in OPEN_STATES
    return hazard.model_copy(update=changes)


def _begin(event: HazardEvent) -> Hazard:
    if event.type not in (E.FOUND, E.IMPORTED):
        raise TransitionError(
            Text(zh="隐患须先被发现或导入", en="a hazard begins by being found or imported")
        )
    facts = {k: v for k, v in event.payload.items() if k not in ("lon", "lat")}
    state = S(facts.pop("state", S.FOUND))
    if event.type is E.FOUND and state is not S.FOUND:
        raise _refuse(state, event.type)
    given = {"found_at": event.at, "source": "hazard", "source_code": str(event.hazard_id)}
    return Hazard.model_validate(
        {**given, **facts, "state": state, "is_open": state in OPEN_STATES}
    )


def _refuse(state: HazardState, event: EventType) -> TransitionError:
    allowed = allowed_events(state)
    return TransitionError(
        Text(
            zh=f"「{state.text.zh}」状态不能「{event.text.zh}」;可以:"
            + ("、".join(a.text.zh for a in allowed) or "无"),
            en=f"a hazard in state {state.text.en} cannot be: {event.text.en}; allowed: "
            + (", ".join(a.text.en for a in allowed) or "nothing"),
        ),
        state=state.value,
        event=event.value,
        allowed=[a.value for a in allowed],
    )


def _need(event: HazardEvent, name: str) -> Any:  # Any: a JSON value
    value = event.payload.get(name)
    if value in (None, ""):
        raise InputError(
            Text(
                zh=f"事件「{event.type.text.zh}」缺少 {name}",
                en=f"the event {event.type.text.en} lacks {name}",
            ),
            field=name,
        )
    return value


def _moment(event: HazardEvent, name: str) -> datetime:
    value = _need(event, name)
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    if moment.tzinfo is None:
        raise InputError(Text(zh=f"{name} 缺少时区", en=f"{name} has no zone"), field=name)
    return moment


def _consequences(hazard: Hazard, event: HazardEvent) -> dict[str, Any]:  # Any: columns
    """What an event changes beside the state."""
    match event.type:
        case E.NOTIFIED:
            due = _moment(event, "due_at")
            holder = event.payload.get("duty_holder", hazard.duty_holder)
            return {"due_at": due, "original_due_at": due, "duty_holder": holder}
        case E.EXTENDED:
            return _extend(hazard, event)
        case E.DEFERRED:
            return {"review_on": _review_day(event)}
        case E.FIXED_ON_SPOT:
            return {"fixed_at": event.at}
        case E.SUBMITTED:
            return {"fixed_at": event.at}
        case E.RETURNED:
            return {"returns": hazard.returns + 1, "fixed_at": None}
        case E.DUPLICATE:
            return {"survivor": str(_need(event, "survivor"))}
        case E.CLOSED:
            return {"closed_at": event.at, "use_suspended": False}
        case E.DISMISSED:
            _need(event, "reason")
        case E.TRANSFERRED:
            _need(event, "to")
    return {}


def _extend(hazard: Hazard, event: HazardEvent) -> dict[str, Any]:  # Any: columns
    _need(event, "reason")
    due = _moment(event, "due_at")
    if hazard.extensions >= 1:
        raise TransitionError(Text(zh="只能延期一次", en="a deadline is extended once only"))
    if hazard.due_at is None or due <= hazard.due_at:
        raise InputError(
            Text(zh="新期限须晚于原期限", en="the new deadline must be after the present one")
        )
    return {"due_at": due, "extensions": hazard.extensions + 1}


def _review_day(event: HazardEvent) -> date:
    value = _need(event, "review_on")
    day = value if isinstance(value, date) else date.fromisoformat(str(value))
    if not timedelta(0) < day - event.at.date() <= MAX_DEFERRAL:
        raise InputError(
            Text(zh="暂缓复核日期须在 90 天之内", en="a deferral is reviewed within 90 days"),
            field="review_on",
        )
    return day
