"""What every device has sent: how many of its numbers arrived, and which are missing.

A device numbers its records from 1 without gaps, so the highest number says how many there must
be: the highest that arrived, or the one the device announced when it last synchronised. What was
recorded after that, nobody here can know.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from gis.db.tables import CORE

MOST_NUMBER = 2**53
MOST_NAMED = 20
"""Ranges of missing numbers that are named per device; the rest is in their count."""
_COUNTED = (
    "SELECT device_id, count(DISTINCT device_seq) AS received, max(device_seq) AS highest"
    f" FROM {CORE}.event WHERE device_id IS NOT NULL AND device_seq IS NOT NULL GROUP BY 1"
)


def find_miscounted(connection: Connection) -> list[str]:
    """Devices whose count is not what the log says: must be none."""
    rows = connection.execute(
        text(
            f"SELECT coalesce(c.device_id, l.device_id)::text FROM {CORE}.device_count c"
            f" FULL JOIN ({_COUNTED}) l ON l.device_id = c.device_id"
            " WHERE (c.received, c.highest) IS DISTINCT FROM (l.received, l.highest) ORDER BY 1"
        )
    )
    return list(rows.scalars())


def recount_devices(connection: Connection) -> None:
    """Write the counts anew from the log (jobs role)."""
    connection.execute(text(f"DELETE FROM {CORE}.device_count"))
    connection.execute(
        text(f"INSERT INTO {CORE}.device_count (device_id, received, highest) {_COUNTED}")
    )


def read_chain(connection: Connection, device_id: UUID) -> list[tuple[int, bytes]]:
    """What was received of a device: each record's number there and the hash of its bytes."""
    rows = connection.execute(
        text(
            f"SELECT device_seq, body_sha256 FROM {CORE}.event WHERE device_id = :id"
            " AND device_seq IS NOT NULL AND body_sha256 IS NOT NULL"
        ),
        {"id": device_id},
    )
    return [(row[0], bytes(row[1])) for row in rows]


def announce_highest(
    connection: Connection, device_id: UUID, highest: int, *, login: str, now: datetime
) -> None:
    """Note the highest number a device says it has given a record, sent or not."""
    connection.execute(
        text(
            f"INSERT INTO {CORE}.device_announcement AS a"
            " (device_id, highest, login, announced_at) VALUES (:device, :highest, :login, :now)"
            " ON CONFLICT (device_id) DO UPDATE SET highest = excluded.highest,"
            " login = excluded.login, announced_at = excluded.announced_at"
            " WHERE excluded.highest > a.highest"
        ),
        {"device": device_id, "highest": highest, "login": login, "now": now},
    )


@dataclass(frozen=True, slots=True)
class Sent:
    """What one device has sent. ``people``: logins whose records it carried; ``missing``: ranges
    (first, last) of numbers that did not arrive, at most :data:`MOST_NAMED`; ``highest``: that
    arrived or was announced."""

    device_id: UUID
    people: tuple[str, ...]
    received: int
    highest: int
    missing: tuple[tuple[int, int], ...]
    last_at: datetime

    def as_document(self) -> dict[str, Any]:  # Any: JSON
        """As an API answers it."""
        return {
            "device_id": str(self.device_id),
            "people": list(self.people),
            "received": self.received,
            "highest": self.highest,
            "missing": [list(gap) for gap in self.missing],
            "last_at": self.last_at.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Completeness:
    """How much of what devices numbered has arrived: over all, by person, and where it lacks.

    ``people``: (login, received, highest) over the devices whose records the person wrote. A
    device two people share counts for both: a number that is missing has no name on it.
    """

    received: int
    highest: int
    devices: int
    people: tuple[tuple[str, int, int], ...]
    gaps: tuple[Sent, ...]

    def as_document(self) -> dict[str, Any]:  # Any: JSON
        """As an API answers it; ``share`` is None before anything was sent."""
        return {
            "received": self.received,
            "highest": self.highest,
            "share": self.received / self.highest if self.highest else None,
            "devices": self.devices,
            "people": [
                {"login": login, "received": received, "highest": highest}
                for login, received, highest in self.people
            ],
            "gaps": [sent.as_document() for sent in self.gaps],
        }


_TOLD = (
    "SELECT coalesce(c.device_id, a.device_id) AS device_id, coalesce(c.received, 0) AS received,"
    " greatest(c.highest, a.highest) AS highest, a.login, a.announced_at"
    f" FROM {CORE}.device_count c FULL JOIN {CORE}.device_announcement a"
    " ON a.device_id = c.device_id"
)
# Only devices with a gap are looked at number by number. Numbers are at most 2^53. The number after
# the highest closes the last gap.
_GAPS = (
    f"WITH lacking AS (SELECT * FROM ({_TOLD}) t WHERE received < highest),"
    " seen AS (SELECT DISTINCT e.device_id, e.device_seq FROM lacking l"
    f" JOIN {CORE}.event e ON e.device_id = l.device_id AND e.device_seq IS NOT NULL"
    " UNION ALL SELECT device_id, highest + 1 FROM lacking),"
    " ordered AS (SELECT device_id, device_seq,"
    " lag(device_seq, 1, 0::bigint) OVER (PARTITION BY device_id ORDER BY device_seq) AS before"
    " FROM seen),"
    " gap AS (SELECT device_id, before + 1 AS first, device_seq - 1 AS last,"
    " row_number() OVER (PARTITION BY device_id ORDER BY device_seq) AS line FROM ordered"
    " WHERE device_seq > before + 1)"
    " SELECT l.device_id, l.received, l.highest,"
    " (SELECT array_agg(ARRAY[g.first, g.last] ORDER BY g.first) FROM gap g"
    " WHERE g.device_id = l.device_id AND g.line <= :most) AS missing,"
    f" coalesce((SELECT array_agg(DISTINCT e.actor ORDER BY e.actor) FROM {CORE}.event e"
    " WHERE e.device_id = l.device_id), ARRAY[l.login]) AS people,"
    f" greatest((SELECT max(e.recorded_at) FROM {CORE}.event e WHERE e.device_id = l.device_id),"
    " l.announced_at) AS last_at"
    " FROM lacking l ORDER BY l.highest - l.received DESC, l.device_id"
)
_PEOPLE = (
    "SELECT p.actor, sum(c.received)::bigint, sum(c.highest)::bigint FROM"
    f" (SELECT DISTINCT actor, device_id FROM {CORE}.event WHERE device_id IS NOT NULL UNION"
    f" SELECT login, device_id FROM {CORE}.device_announcement WHERE highest > 0) p"
    f" JOIN ({_TOLD}) c ON c.device_id = p.device_id GROUP BY 1 ORDER BY 1"
)


def read_completeness(connection: Connection) -> Completeness:
    """How complete the records of all devices are, as things stand."""
    totals = connection.execute(
        text(
            "SELECT coalesce(sum(received), 0)::bigint, coalesce(sum(highest), 0)::bigint,"
            f" count(*) FROM ({_TOLD}) t WHERE highest > 0"
        )
    ).one()
    people = connection.execute(text(_PEOPLE)).all()
    rows = connection.execute(text(_GAPS), {"most": MOST_NAMED}).all()
    return Completeness(
        received=totals[0],
        highest=totals[1],
        devices=totals[2],
        people=tuple((row[0], row[1], row[2]) for row in people),
        gaps=tuple(
            Sent(
                device_id=row.device_id,
                people=tuple(row.people),
                received=row.received,
                highest=row.highest,
                missing=tuple((first, last) for first, last in row.missing),
                last_at=row.last_at,
            )
            for row in rows
        ),
    )
