"""The words of a judgement: an entry of the log, the case it belongs to, the verdict on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from shapely import Point

from gis.attributes import Text
from gis.hazards.envelope import EvidenceNote
from gis.hazards.events import EventType, EvidenceLost, HazardEvent, Role
from gis.kinds.hazard import Hazard, HazardState


class Outcome(StrEnum):
    """The server's judgement of an event."""

    APPLIED = "applied"
    WAITING = "waiting"
    REFUSED = "refused"


RULES = 2
"""The version of the rules a record is judged by; it stands in its ``settled``, so that what was
applied under fewer rules (1, or none named) stays applied when the log is judged anew."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An event of the log as it is judged. ``place`` is lon/lat, as settled at reception.

    ``trusted``: no person sent it from outside (an import, the generator): it stands as it is,
    without the rules on evidence and second persons.
    """

    id: UUID
    number: int
    type: str
    hazard_id: UUID
    at: datetime
    actor: str
    role: Role | None = None
    visit_id: UUID | None = None
    asset_id: UUID | None = None
    expected_version: int | None = None
    payload: dict[str, Any] = field(default_factory=dict)  # Any: judged here
    evidence: tuple[EvidenceNote, ...] = ()
    place: Point | None = None
    township: str | None = None
    form: str | None = None
    settled: dict[str, Any] = field(default_factory=dict)  # Any: JSON
    trusted: bool = False

    @property
    def rules(self) -> int:
        """The version of the rules it came in under."""
        return int(self.settled.get("rules", 1))


@dataclass(frozen=True, slots=True)
class Other:
    """Another hazard, as one speaks of it when it is merged."""

    id: UUID
    state: HazardState


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an event waits or was refused: the rule's stable word, and words for a person."""

    rule: str
    text: Text
    facts: dict[str, Any] = field(default_factory=dict)  # Any: JSON

    def as_json(self) -> dict[str, Any]:  # Any: JSON
        """As it is kept and shown."""
        return {"rule": self.rule, "zh": self.text.zh, "en": self.text.en, **self.facts}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of an entry. ``event`` and ``hazard`` are set where it is applied."""

    outcome: Outcome
    reason: Reason | None = None
    event: HazardEvent | None = None
    hazard: Hazard | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """All that is on record of one hazard when an event is judged.

    ``stored``: hashes of evidence whose bytes the server has. ``others``: the hazards (by code or
    id) that it may be a duplicate of.
    """

    hazard: Hazard | None = None
    applied: tuple[tuple[Entry, HazardEvent], ...] = ()
    stored: frozenset[str] = frozenset()
    others: Mapping[str, Other] = field(default_factory=dict)

    @property
    def version(self) -> int:
        """How many events were applied: what a client names as ``expected_version``."""
        return len(self.applied)

    def evidence(self) -> Iterator[EvidenceNote]:
        """Every piece promised by what was applied."""
        for entry, _ in self.applied:
            yield from entry.evidence

    def owed(self) -> set[str]:
        """Hashes of what was promised: without what only comments did and is declared lost."""
        comments, others, lost = set[str](), set[str](), set[str]()
        for entry, event in self.applied:
            own = comments if event.type is EventType.COMMENTED else others
            own |= {note.sha256 for note in entry.evidence}
            if isinstance(event.payload, EvidenceLost):
                lost |= set(event.payload.files)
        return (comments - lost) | others

    def after(self, entry: Entry, verdict: Verdict) -> Case:
        """The case with an applied entry in it."""
        if verdict.event is None:
            return self
        return replace(self, hazard=verdict.hazard, applied=(*self.applied, (entry, verdict.event)))
