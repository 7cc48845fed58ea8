"""The one function that applies an event to a hazard, by the table of transitions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from gis.attributes import Text
from gis.errors import TransitionError
from gis.hazards import deadlines
from gis.hazards.events import (
    Deferred,
    Duplicate,
    EventType,
    Extended,
    Found,
    HazardEvent,
    Imported,
    Notified,
    Payload,
    PlanFiled,
    Rectifying,
    Registered,
    Role,
    Submitted,
)
from gis.hazards.profiles import find_missing_plan_fields
from gis.hazards.transitions import OPEN_STATES, TRANSITIONS
from gis.kinds.hazard import Hazard, HazardState

P = TypeVar("P", bound=Payload)


def is_open(state: HazardState) -> bool:
    """Whether somebody still has something to do."""
    return state in OPEN_STATES


def allowed_events(state: HazardState | None) -> list[EventType]:
    """Events the table allows in a state (None: before the first), in the words' order."""
    return [
        event
        for event in EventType
        if (TRANSITIONS[event].begins if state is None else state in TRANSITIONS[event].from_states)
    ]


def apply(hazard: Hazard | None, event: HazardEvent) -> Hazard:
    """The hazard as ``event`` leaves it; pure, and the only place a state changes.

    Raises TransitionError for an event the state, the role or a rule of the table refuses.
    """
    _require_allowed(hazard, event)
    changes = _EFFECTS.get(event.type, _no_effect)(hazard, event)
    target = TRANSITIONS[event.type].to
    if target is not None:
        changes["state"] = target
    if hazard is None:
        state = HazardState(changes["state"])
        return Hazard.model_validate({**changes, "is_open": is_open(state)})
    state = HazardState(changes.get("state", hazard.state))
    return hazard.model_copy(update={**changes, "is_open": is_open(state)})


def fold(events: list[HazardEvent], *, hazard: Hazard | None = None) -> Hazard:
    """The hazard after all ``events`` in their order, starting from ``hazard``."""
    for event in events:
        hazard = apply(hazard, event)
    if hazard is None:
        raise ValueError("no events, no hazard")
    return hazard


def _require_allowed(hazard: Hazard | None, event: HazardEvent) -> None:
    state = hazard.state if hazard else None
    transition = TRANSITIONS[event.type]
    allowed = allowed_events(state)
    if event.type not in allowed:
        raise TransitionError(
            _NOT_ALLOWED.format(
                code=hazard.code if hazard else event.hazard_id,
                state_zh=state.text.zh if state else "尚无记录",
                state_en=state.text.en if state else "not on record yet",
                event_zh=event.type.text.zh,
                event_en=event.type.text.en,
                allowed_zh="、".join(e.text.zh for e in _by_people(allowed)) or "无",
                allowed_en=", ".join(e.text.en for e in _by_people(allowed)) or "none",
            ),
            event_id=str(event.id),
            state=str(state) if state else None,
            event=str(event.type),
            allowed=[str(e) for e in allowed],
        )
    if event.role is not None and event.role not in transition.roles:
        roles = sorted(transition.roles, key=lambda role: role.order)
        raise TransitionError(
            _WRONG_ROLE.format(
                event_zh=event.type.text.zh,
                event_en=event.type.text.en,
                role_zh=event.role.text.zh,
                role_en=event.role.text.en,
                roles_zh="、".join(r.text.zh for r in roles),
                roles_en=", ".join(r.text.en for r in roles),
            ),
            event_id=str(event.id),
            allowed=[str(r) for r in roles],
        )


def _by_people(events: Iterable[EventType]) -> list[EventType]:
    """What somebody can do; the rest is the system's, and no advice to anybody."""
    return [e for e in events if TRANSITIONS[e].roles != {Role.SYSTEM}]


_NOT_ALLOWED = Text(
    zh="隐患 {code} 处于“{state_zh}”,不能{event_zh};现可:{allowed_zh}",
    en='hazard {code} is "{state_en}": "{event_en}" is not allowed; allowed: {allowed_en}',
)
_WRONG_ROLE = Text(
    zh="{event_zh}须由{roles_zh}办理,{role_zh}不可",
    en='"{event_en}" is for {roles_en}, not for {role_en}',
)


def _refuse(event: HazardEvent, message: Text, rule: str) -> TransitionError:
    return TransitionError(message, event_id=str(event.id), event=str(event.type), rule=rule)


# Any below: values of any attribute of a hazard, typed by the payload they come from.
Changes = dict[str, Any]
Effect = Callable[[Hazard | None, HazardEvent], Changes]


def _no_effect(_hazard: Hazard | None, _event: HazardEvent) -> Changes:
    return {}


def _given(payload: Payload, *names: str) -> Changes:
    """The named values of a payload that were given."""
    return {n: v for n in names if (v := getattr(payload, n)) is not None}


_OF_THE_RECORD = {"scanned_code", "order_reason", "signed_by", "refused_reason"}
"""What stays in the record of a discovery and is no attribute of the hazard."""


def _find(_hazard: Hazard | None, event: HazardEvent) -> Changes:
    found = _payload(event, Found)
    values = found.model_dump(exclude=_OF_THE_RECORD | {"lon", "lat"}, exclude_none=True)
    for name in ("asset_id", "visit_id"):
        if name in values:
            values[name] = str(values[name])
    return {**values, "found_at": event.at, "found_by": event.actor}


def _import(_hazard: Hazard | None, event: HazardEvent) -> Changes:
    record = _payload(event, Imported).record
    return {name: getattr(record, name) for name in Hazard.model_fields}


def _register(_hazard: Hazard | None, event: HazardEvent) -> Changes:
    registered = _payload(event, Registered)
    # A review that failed takes back the repair its finder reported.
    return {
        "fixed_at": None,
        **_given(
            registered,
            "severity",
            "supervision_listed",
            "use_suspended",
            "section",
            "assigned_to",
        ),
    }


def _notify(hazard: Hazard | None, event: HazardEvent) -> Changes:
    hazard, notice = _existing(hazard), _payload(event, Notified)
    limit = deadlines.RECTIFICATION_LIMITS[hazard.severity]
    due = notice.due_at or deadlines.due_at(event.at, limit)
    if due < event.at:
        raise _refuse(
            event,
            Text(zh="整改期限早于通知时间", en="the due date is before the notice"),
            "due-after-notice",
        )
    return {
        "due_at": due,
        "original_due_at": hazard.original_due_at or due,
        "notified_at": event.at,
        "review_on": None,
        "plan_filed_at": None,  # a new notice has a new date: the plan is filed anew
        **_given(notice, "duty_holder", "use_suspended"),
    }


def _rectify(hazard: Hazard | None, event: HazardEvent) -> Changes:
    hazard, changes = _existing(hazard), _given(_payload(event, Rectifying), "duty_holder")
    # The day of the review was no deadline: without a new notice its own date runs again.
    if hazard.state is HazardState.DEFERRED and hazard.original_due_at is not None:
        changes["due_at"] = hazard.original_due_at
    return {"review_on": None, **changes}


def _submit(_hazard: Hazard | None, event: HazardEvent) -> Changes:
    return {
        "fixed_at": _payload(event, Submitted).fixed_at or event.at,
        "fixed_by": event.actor,
        "submitted_at": event.at,
        **_NOT_REINSPECTED,
    }


_NOT_REINSPECTED: Changes = {"reinspected_by": None, "reinspected_at": None}


def _fix_on_spot(_hazard: Hazard | None, event: HazardEvent) -> Changes:
    return {"fixed_at": event.at, "fixed_by": event.actor, **_NOT_REINSPECTED}


def _control(hazard: Hazard | None, event: HazardEvent) -> Changes:
    return {"controlled_at": _existing(hazard).controlled_at or event.at}


def _pass(_hazard: Hazard | None, event: HazardEvent) -> Changes:
    return {"reinspected_by": event.actor, "reinspected_at": event.at}


def _return(hazard: Hazard | None, _event: HazardEvent) -> Changes:
    returns = _existing(hazard).returns + 1
    return {"returns": returns, "fixed_at": None, **_NOT_REINSPECTED}


def _extend(hazard: Hazard | None, event: HazardEvent) -> Changes:
    hazard, extended = _existing(hazard), _payload(event, Extended)
    if hazard.extensions:
        raise _refuse(
            event,
            Text(zh="只能延期一次", en="a hazard is extended only once"),
            "extended-once",
        )
    if hazard.due_at is None or extended.due_at <= hazard.due_at:
        raise _refuse(
            event,
            Text(zh="延期后的期限须晚于现期限", en="the new due date must be later than the old"),
            "extended-later",
        )
    return {
        "due_at": extended.due_at,
        "original_due_at": hazard.original_due_at or hazard.due_at,
        "extensions": 1,
    }


def _defer(_hazard: Hazard | None, event: HazardEvent) -> Changes:
    deferred = _payload(event, Deferred)
    today = deadlines.business_day(event.at)
    latest = today + timedelta(days=deadlines.MAX_DEFERRAL_DAYS)
    if not today < deferred.review_on <= latest:
        raise _refuse(
            event,
            Text(
                zh="暂缓复核日期须在 {first} 之后、{latest} 及以前",
                en="the review must be after {first} and by {latest}",
            ).format(first=today, latest=latest),
            "deferral-review",
        )
    # While deferred, the clock that runs is the review's; the original due date stays on record.
    return {
        "review_on": deferred.review_on,
        "due_at": deadlines.end_of_day(deferred.review_on),
    }


def _merge(_hazard: Hazard | None, event: HazardEvent) -> Changes:
    return {"survivor": _payload(event, Duplicate).survivor}


def _close(_hazard: Hazard | None, event: HazardEvent) -> Changes:
    return {"closed_at": event.at, "use_suspended": False}


def _file_plan(hazard: Hazard | None, event: HazardEvent) -> Changes:
    hazard, plan = _existing(hazard), _payload(event, PlanFiled)
    if missing := find_missing_plan_fields(plan.model_dump()):
        raise TransitionError(
            Text(zh="整改方案缺少:{zh}", en="the plan leaves out: {en}").format(
                zh="、".join(words.zh for words in missing.values()),
                en=", ".join(words.en for words in missing.values()),
            ),
            event_id=str(event.id),
            event=str(event.type),
            rule="plan-fields",
            missing=list(missing),
        )
    return {
        "plan_filed_at": hazard.plan_filed_at or event.at,
        "plan_version": hazard.plan_version + 1,
    }


_EFFECTS: Mapping[EventType, Effect] = {
    EventType.FOUND: _find,
    EventType.IMPORTED: _import,
    EventType.REGISTERED: _register,
    EventType.NOTIFIED: _notify,
    EventType.RECTIFYING: _rectify,
    EventType.SUBMITTED: _submit,
    EventType.FIXED_ON_SPOT: _fix_on_spot,
    EventType.RETURNED: _return,
    EventType.EXTENDED: _extend,
    EventType.DEFERRED: _defer,
    EventType.DUPLICATE: _merge,
    EventType.CONTROLLED: _control,
    EventType.PASSED: _pass,
    EventType.CLOSED: _close,
    EventType.PLAN_FILED: _file_plan,
}


def _payload(event: HazardEvent, model: type[P]) -> P:
    if not isinstance(event.payload, model):
        raise TypeError(f"{event.type} carries {type(event.payload).__name__}")
    return event.payload


def _existing(hazard: Hazard | None) -> Hazard:
    if hazard is None:
        raise TypeError("the table lets this event only follow another")
    return hazard
