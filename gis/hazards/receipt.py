"""What the server answers to a record: what a phone needs to let go of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from gis.db.tables import CORE
from gis.hazards.case import Outcome


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the server did with a record: what a phone needs to let go of it."""

    id: UUID
    sha256: str
    is_new: bool
    outcome: Outcome
    number: int
    recorded_at: datetime
    hazard_id: UUID | None = None
    hazard_version: int | None = None
    reason: dict[str, Any] = field(default_factory=dict)  # Any: JSON
    missing_evidence: tuple[str, ...] = ()
    received_of_device: tuple[int, int] = (0, 0)

    def as_json(self) -> dict[str, Any]:  # Any: JSON
        """As it is answered."""
        count, highest = self.received_of_device
        return {
            "id": str(self.id),
            "sha256": self.sha256,
            "outcome": self.outcome.value,
            "hazard_id": str(self.hazard_id) if self.hazard_id else None,
            "hazard_version": self.hazard_version,
            "reason": self.reason or None,
            "number": self.number,
            "recorded_at": self.recorded_at.isoformat(),
            "missing_evidence": list(self.missing_evidence),
            "received_of_device": {"count": count, "highest": highest},
        }


def make_receipt(connection: Connection, event_id: UUID, *, is_new: bool) -> Receipt:
    """The receipt of an event on record, as things stand now."""
    row = (
        connection.execute(
            text(
                "SELECT e.number, e.recorded_at, encode(e.body_sha256, 'hex') AS sha256,"
                " o.outcome, o.hazard_id, o.reason,"
                f" (SELECT max(hazard_seq) FROM {CORE}.event_outcome v"
                " WHERE v.hazard_id = o.hazard_id) AS version,"
                " (SELECT coalesce(array_agg(n ->> 'sha256'), '{}') FROM"
                " jsonb_array_elements(e.evidence) n WHERE NOT EXISTS"
                f" (SELECT 1 FROM {CORE}.event s WHERE s.type = 'evidence_stored'"
                " AND s.payload ->> 'sha256' = n ->> 'sha256')) AS missing,"
                " d.received, d.highest"
                f" FROM {CORE}.event e JOIN {CORE}.event_outcome o ON o.event_id = e.id"
                f" LEFT JOIN {CORE}.device_count d ON d.device_id = e.device_id"
                " WHERE e.id = :id"
            ),
            {"id": event_id},
        )
        .mappings()
        .one()
    )
    return Receipt(
        id=event_id,
        sha256=row["sha256"] or "",
        is_new=is_new,
        outcome=Outcome(row["outcome"]),
        number=row["number"],
        recorded_at=row["recorded_at"],
        hazard_id=row["hazard_id"],
        hazard_version=row["version"],
        reason=row["reason"],
        missing_evidence=tuple(dict.fromkeys(row["missing"])),
        received_of_device=(row["received"] or 0, row["highest"] or 0),
    )
