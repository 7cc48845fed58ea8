"""The log sealed in blocks: each block's hash covers its events and the block before.

The blocks cover the log's numbers without a gap between them. An event that is changed, removed or
slipped in afterwards no longer hashes to its block, and every
later block with it. The last hash of a day (the daily root) is printed in reports, so that a log
rewritten as a whole would not agree with paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, text

from gis.db.tables import CORE

_LOCK = 7_261_010
"""Held shared by whoever appends (``core.stamp_log``): the sealer sees no gap that fills later."""
_TEXT = (
    "jsonb_build_array(e.number, e.id, e.type, e.hazard_id, e.visit_id, e.campaign_id, e.task_id,"
    " e.asset_id, e.asset_choice, e.expected_version, extract(epoch FROM e.at),"
    " extract(epoch FROM e.device_at), e.skew_ms, e.actor, e.account_id, e.role, e.form,"
    " e.payload, e.evidence, e.device_id, e.device_seq, encode(e.prev_hash, 'hex'),"
    " encode(e.body_sha256, 'hex'), ST_AsBinary(e.geom_raw)::text, e.accuracy_m,"
    " e.accuracy_level, e.fix_source, extract(epoch FROM e.fix_at), e.township,"
    " ST_AsBinary(e.place)::text, e.settled, extract(epoch FROM e.recorded_at),"
    " e.recorded_by)::text"
)
_HASH = (
    "sha256(convert_to(encode(b.prev_hash, 'hex') || coalesce(string_agg("
    f"encode(sha256(convert_to({_TEXT}, 'UTF8')), 'hex'), '' ORDER BY e.number), ''), 'UTF8'))"
)
FIRST_HASH = bytes(32)
"""What the first block follows."""


@dataclass(frozen=True, slots=True)
class Block:
    """One sealed block of the log."""

    number: int
    first: int
    last: int
    events: int
    hash: str


def seal_events(connection: Connection) -> Block | None:
    """Seal what was appended since the last block; None when there is nothing new.

    Waits for running appends to end (``lock_timeout`` bounds that: then it is tried later).
    Needs the jobs role.
    """
    connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    row = connection.execute(
        text(
            f"WITH last AS (SELECT block, last_number, hash FROM {CORE}.seal"
            " ORDER BY block DESC LIMIT 1),"
            " b AS (SELECT coalesce((SELECT block FROM last), 0) + 1 AS block,"
            " coalesce((SELECT last_number FROM last), 0) AS after,"
            " coalesce((SELECT hash FROM last), :first) AS prev_hash)"
            f" INSERT INTO {CORE}.seal (block, first_number, last_number, events, prev_hash, hash)"
            f" SELECT b.block, b.after + 1, max(e.number), count(*), b.prev_hash, {_HASH}"
            f" FROM b JOIN {CORE}.event e ON e.number > b.after"
            " GROUP BY b.block, b.after, b.prev_hash"
            " RETURNING block, first_number, last_number, events, encode(hash, 'hex')"
        ),
        {"first": FIRST_HASH},
    ).first()
    return None if row is None else Block(*row)


def find_broken_seals(connection: Connection) -> list[int]:
    """Blocks that no longer hash to what was sealed, or do not follow the one before.

    A block answers for every number after the last of the block before, also for those no event
    had when it was sealed (a transaction that failed leaves its number unused): an event put there
    afterwards is in no other block.
    """
    rows = connection.execute(
        text(
            f"SELECT b.block FROM {CORE}.seal b"
            f" LEFT JOIN {CORE}.seal p ON p.block = b.block - 1"
            f" LEFT JOIN {CORE}.event e ON e.number <= b.last_number"
            " AND (e.number > p.last_number OR p.block IS NULL)"
            " GROUP BY b.block, b.prev_hash, b.hash, b.events, b.first_number, b.last_number,"
            " p.hash, p.last_number"
            f" HAVING b.hash <> {_HASH} OR b.events <> count(e.id)"
            " OR b.prev_hash <> coalesce(p.hash, :first)"
            " OR (b.block > 1 AND p.hash IS NULL) OR b.first_number <= coalesce(p.last_number, 0)"
            " OR b.last_number <= coalesce(p.last_number, 0)"
            " ORDER BY 1"
        ),
        {"first": FIRST_HASH},
    )
    return [int(block) for block in rows.scalars()]


def read_daily_root(connection: Connection, day: date, *, zone: str) -> str | None:
    """The hash of the last block sealed on a day of ``zone``; None when none was."""
    found = connection.execute(
        text(
            f"SELECT encode(hash, 'hex') FROM {CORE}.seal"
            " WHERE (sealed_at AT TIME ZONE :zone)::date = :day ORDER BY block DESC LIMIT 1"
        ),
        {"zone": zone, "day": day},
    ).scalar()
    return None if found is None else str(found)


def read_newest_root(connection: Connection, *, zone: str) -> tuple[date, str] | None:
    """(the last day of ``zone`` on which anything was sealed, its root); None before the first."""
    row = connection.execute(
        text(
            "SELECT (sealed_at AT TIME ZONE :zone)::date, encode(hash, 'hex')"
            f" FROM {CORE}.seal ORDER BY block DESC LIMIT 1"
        ),
        {"zone": zone},
    ).first()
    return None if row is None else (row[0], str(row[1]))
