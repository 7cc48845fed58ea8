"""The transitions of a hazard: one table that drives judge, phone buttons, guard and documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gis.hazards.events import EventType, Role
from gis.kinds.hazard import HazardState

FINAL_STATES = frozenset(
    {
        HazardState.CLOSED,
        HazardState.TRANSFERRED,
        HazardState.DISMISSED,
        HazardState.DUPLICATE,
    }
)
OPEN_STATES = frozenset(HazardState) - FINAL_STATES
_RUNNING = frozenset({HazardState.NOTIFIED, HazardState.RECTIFYING, HazardState.RETURNED})
_DEFERRABLE = _RUNNING | {HazardState.REGISTERED, HazardState.DEFERRED}
_FRESH = frozenset({HazardState.FOUND})
_TRIAGE = _FRESH | {HazardState.REGISTERED}


@dataclass(frozen=True, slots=True)
class Transition:
    """From which states, to which (None: stays), by whom, with which evidence.

    ``begins``: the event can be a hazard's first. ``evidence`` names what the file must hold;
    its presence is checked by :mod:`gis.hazards.requirements`. ``major_only``: a step of major
    hazards; the judge says so of others. ``major_roles``: who does it where a hazard is major,
    when that is not everybody in ``roles``.
    """

    from_states: frozenset[HazardState]
    to: HazardState | None
    roles: frozenset[Role]
    evidence: tuple[str, ...] = ()
    begins: bool = False
    major_only: bool = False
    major_roles: frozenset[Role] = frozenset()

    def roles_of(self, *, is_major: bool) -> frozenset[Role]:
        """Who may do it to a hazard that is major, or is not."""
        return self.major_roles if is_major and self.major_roles else self.roles


def _roles(*roles: Role) -> frozenset[Role]:
    return frozenset(roles)


_OFFICE = _roles(Role.OFFICER, Role.LEADER)
_ANYBODY = frozenset(Role)
TRANSITIONS: Mapping[EventType, Transition] = {
    EventType.FOUND: Transition(
        frozenset(),
        HazardState.FOUND,
        # The office logs what it is told: a hotline's call, a company's own report.
        _roles(Role.INSPECTOR, Role.OFFICER, Role.LEADER),
        ("wide_photo", "close_photo", "position"),
        begins=True,
    ),
    # The register it came from says the state; a file we closed is never reopened by an import.
    EventType.IMPORTED: Transition(OPEN_STATES, None, _roles(Role.SYSTEM), begins=True),
    EventType.FIXED_ON_SPOT: Transition(
        _FRESH,
        HazardState.FIXED_ON_SPOT,
        _roles(Role.INSPECTOR),
        ("after_photo", "unit_signature"),
    ),
    # A spot repair that fails its review goes the ordinary way.
    EventType.REGISTERED: Transition(
        _FRESH | {HazardState.FIXED_ON_SPOT}, HazardState.REGISTERED, _OFFICE
    ),
    EventType.DISMISSED: Transition(_FRESH, HazardState.DISMISSED, _OFFICE, ("reason",)),
    EventType.DUPLICATE: Transition(_TRIAGE, HazardState.DUPLICATE, _OFFICE, ("survivor",)),
    EventType.TRANSFERRED: Transition(
        _TRIAGE, HazardState.TRANSFERRED, _OFFICE, ("receiving_body", "receipt")
    ),
    EventType.NOTIFIED: Transition(
        frozenset({HazardState.REGISTERED, HazardState.DEFERRED}),
        HazardState.NOTIFIED,
        _OFFICE,
        ("notice", "signature_or_refusal"),
        major_roles=_roles(Role.LEADER),
    ),
    EventType.RECTIFYING: Transition(
        frozenset({HazardState.NOTIFIED, HazardState.RETURNED, HazardState.DEFERRED}),
        HazardState.RECTIFYING,
        _roles(Role.DUTY_HOLDER, Role.OFFICER),
        ("interim_control_photo",),
    ),
    EventType.SUBMITTED: Transition(
        frozenset({HazardState.RECTIFYING}),
        HazardState.SUBMITTED,
        _roles(Role.DUTY_HOLDER, Role.OFFICER),
        ("after_photo",),
    ),
    EventType.RETURNED: Transition(
        frozenset({HazardState.SUBMITTED}),
        HazardState.RETURNED,
        _roles(Role.REINSPECTOR),
        ("failed_item_photo",),
    ),
    EventType.EXTENDED: Transition(
        _RUNNING, None, _roles(Role.LEADER), ("request", "interim_control")
    ),
    EventType.DEFERRED: Transition(
        _DEFERRABLE, HazardState.DEFERRED, _roles(Role.LEADER), ("reason",)
    ),
    EventType.CONTROLLED: Transition(
        OPEN_STATES,
        None,
        _roles(Role.INSPECTOR, Role.OFFICER, Role.DUTY_HOLDER),
        ("interim_control_photo",),
    ),
    EventType.PASSED: Transition(
        frozenset({HazardState.SUBMITTED, HazardState.FIXED_ON_SPOT}),
        None,
        _roles(Role.REINSPECTOR),
        ("reinspection_photo", "position"),
    ),
    EventType.CLOSED: Transition(
        frozenset({HazardState.SUBMITTED, HazardState.FIXED_ON_SPOT}),
        HazardState.CLOSED,
        _OFFICE,
        ("passed", "bytes"),
    ),
    EventType.COMMENTED: Transition(frozenset(HazardState), None, _ANYBODY),
    # Asked for by the notice, so not before it; amended as long as somebody is at work.
    EventType.PLAN_FILED: Transition(
        _RUNNING | {HazardState.DEFERRED},
        None,
        _roles(Role.DUTY_HOLDER, Role.OFFICER),
        major_only=True,
    ),
    EventType.ESCALATED: Transition(OPEN_STATES, None, _roles(Role.SYSTEM)),
    # A phone with a comment's photo on it is gone: that must not keep a case open for ever.
    EventType.EVIDENCE_LOST: Transition(OPEN_STATES, None, _roles(Role.OFFICER), ("reason",)),
}
ALWAYS_APPENDED = frozenset(
    {
        EventType.COMMENTED,
        EventType.CONTROLLED,
        EventType.IMPORTED,
        EventType.ESCALATED,
        EventType.EVIDENCE_LOST,
    }
)
"""Observations: they need no version to be based on and are never refused for being late."""
