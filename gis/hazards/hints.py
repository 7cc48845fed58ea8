"""Who may not take the next step, said before anybody tries: the second-person rules as hints.

The log decides when the record comes (:mod:`gis.hazards.judge`); this says the same beforehand,
from the same rules.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from gis.attributes import Text
from gis.hazards.events import EventType, Role
from gis.hazards.presets import (
    Preset,
    find_reinspector_breach,
    find_second_person_breach,
)
from gis.kinds.hazard import HazardState, Severity

_NOT_PASSED = Text(zh="销号前须复查合格", en="it must pass a re-inspection before it is closed")


def find_hints(
    hazard: Mapping[str, Any],  # Any: columns of a hazard
    *,
    login: str,
    roles: Collection[Role],
    preset: Preset,
) -> dict[str, Text]:
    """By event: why this person may not record it at the hazard as it stands.

    ``hazard`` has state, severity, found_by, fixed_by and reinspected_by. Only steps that somebody
    other must take are named; what nobody with these roles may do is none of the buttons.
    """
    state, severity = HazardState(hazard["state"]), Severity(hazard["severity"])
    if state not in (HazardState.SUBMITTED, HazardState.FIXED_ON_SPOT):
        return {}
    actors = {
        "found": hazard.get("found_by"),
        "fixed": hazard.get("fixed_by"),
        "reinspected": hazard.get("reinspected_by"),
    }
    role = Role.LEADER if Role.LEADER in roles else Role.OFFICER if Role.OFFICER in roles else None
    found = {
        EventType.PASSED: find_reinspector_breach(preset, severity, actors, login),
        EventType.CLOSED: find_second_person_breach(preset, severity, actors, login, role),
    }
    if state is HazardState.SUBMITTED and actors["reinspected"] is None:
        found[EventType.CLOSED] = _NOT_PASSED
    return {event.value: text for event, text in found.items() if text is not None}
