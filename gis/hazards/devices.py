"""What every device has sent: how many of its numbers arrived, and which are missing.

Its records are chained, too: each names the hash of the one before. A device numbers its records
from 1 without gaps, so the highest number says how many there must be: the highest that arrived,
or the one the device announced when it last synchronised. What was recorded after that, nobody
here can know.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from gis.attributes import Text
from gis.db.tables import CORE
from gis.hazards.case import Reason
from gis.hazards.envelope import Envelope
from gis.hazards.outbox import Link

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


def read_chain(connection: Connection, device_id: UUID, people: Iterable[UUID]) -> list[Link]:
    """What was received of a device from those it was brought in for (accounts)."""
    rows = connection.execute(
        text(
            "SELECT device_seq, coalesce(prev_hash, ''::bytea), body_sha256, account_id"
            f" FROM {CORE}.event WHERE device_id = :id AND device_seq IS NOT NULL"
            " AND body_sha256 IS NOT NULL AND account_id = ANY(:people)"
        ),
        {"id": device_id, "people": list(people)},
    )
    return [Link(row[0], bytes(row[1]), bytes(row[2]), row[3]) for row in rows]


def find_double(connection: Connection, envelope: Envelope) -> Reason | None:
    """Why a record is refused whose number its device has given to another; None: it is free.

    The number is held until the transaction ends: of two at once, one is the first.
    """
    values = {"device": envelope.device.id, "seq": envelope.device.seq}
    connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 7264))"),
        {"name": f"{envelope.device.id} {envelope.device.seq}"},
    )
    first = connection.execute(
        text(
            f"SELECT id FROM {CORE}.event WHERE device_id = :device AND device_seq = :seq"
            " ORDER BY number LIMIT 1"
        ),
        values,
    ).scalar()
    if first is None:
        return None
    return Reason("doubled", _DOUBLED.format(seq=envelope.device.seq), {"first": str(first)})


_DOUBLED = Text(
    zh="该设备的第 {seq} 号已是另一条记录(设备数据可能被还原过):请重新登记",
    en="the device gave number {seq} to another record (it may have been restored from a copy):"
    " record it again",
)


@dataclass(frozen=True, slots=True)
class BrokenChain:
    """A device whose records do not follow each other: ``numbers`` of those whose ``prev_hash`` is
    not that of the record before, at most :data:`MOST_NAMED` of ``count``."""

    device_id: UUID
    people: tuple[str, ...]
    count: int
    numbers: tuple[int, ...]

    def as_document(self) -> dict[str, Any]:  # Any: JSON
        """As an API answers it."""
        return {
            "device_id": str(self.device_id),
            "people": list(self.people),
            "count": self.count,
            "numbers": list(self.numbers),
        }


# Whether a record follows the one before can be told once both are here, in whatever order they
# came; a double is refused for itself.
_BROKEN = (
    "WITH broken AS (SELECT e.device_id, e.device_seq, min(e.actor) AS actor"
    f" FROM {CORE}.event e LEFT JOIN {CORE}.event p ON p.device_id = e.device_id"
    " AND p.device_seq = e.device_seq - 1"
    " WHERE e.device_seq IS NOT NULL AND e.body_sha256 IS NOT NULL"
    " AND e.settled -> 'refused' ->> 'rule' IS DISTINCT FROM 'doubled'"
    " GROUP BY e.id, e.device_id, e.device_seq, e.prev_hash"
    " HAVING (e.device_seq = 1) <> (e.prev_hash IS NULL) OR bool_and(p.body_sha256 <> e.prev_hash))"
    " SELECT device_id, array_agg(DISTINCT actor ORDER BY actor) AS people, count(*) AS records,"
    " (array_agg(device_seq ORDER BY device_seq))[1:CAST(:most AS int)] AS numbers"
    " FROM broken GROUP BY 1 ORDER BY 1"
)


def find_broken_chains(connection: Connection) -> tuple[BrokenChain, ...]:
    """Devices with records that were applied though they do not follow the one before."""
    rows = connection.execute(text(_BROKEN), {"most": MOST_NAMED})
    return tuple(
        BrokenChain(row.device_id, tuple(row.people), row.records, tuple(row.numbers))
        for row in rows
    )


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
    broken: tuple[BrokenChain, ...] = ()

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
            "chain_broken": [chain.as_document() for chain in self.broken],
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
        broken=find_broken_chains(connection),
    )
