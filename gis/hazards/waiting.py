"""What has waited in the log for more than a day: which record, what for, and who can bring it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from gis.db.roles import Pool
from gis.db.tables import CORE

AFTER = timedelta(hours=24)
MOST = 200
"""Records that are listed, the oldest first."""
_FILES = (
    "SELECT w.id, n ->> 'sha256' AS sha256, min(n ->> 'kind') AS kind, min(p.actor) AS promised_by,"
    " bool_and(p.type = 'commented') AS can_be_lost"
    f" FROM waiting w JOIN {CORE}.event_outcome o ON o.hazard_id = w.hazard_id"
    f" AND o.outcome <> 'refused' JOIN {CORE}.event p ON p.id = o.event_id"
    " CROSS JOIN LATERAL jsonb_array_elements(p.evidence) n"
    " WHERE w.reason ->> 'rule' = 'bytes'"
    f" AND NOT EXISTS (SELECT 1 FROM {CORE}.event s WHERE s.type = 'evidence_stored'"
    " AND s.payload ->> 'sha256' = n ->> 'sha256')"
    f" AND NOT EXISTS (SELECT 1 FROM {CORE}.event_outcome lo JOIN {CORE}.event l"
    " ON l.id = lo.event_id WHERE lo.hazard_id = w.hazard_id AND lo.outcome = 'applied'"
    " AND l.type = 'evidence_lost' AND l.payload -> 'files' ? (n ->> 'sha256'))"
    " GROUP BY 1, 2"
)
_WAITING = text(
    "WITH waiting AS (SELECT e.id, o.hazard_id, e.type, e.actor, e.recorded_at, o.reason"
    f" FROM {CORE}.event_outcome o JOIN {CORE}.event e ON e.id = o.event_id"
    " WHERE o.outcome = 'waiting' AND e.recorded_at < :before"
    " ORDER BY e.recorded_at, e.number LIMIT :most),"
    f" files AS ({_FILES})"
    " SELECT w.id::text, w.hazard_id::text, h.code, w.type, w.actor, w.recorded_at, w.reason,"
    " (SELECT coalesce(json_agg(json_build_object('sha256', f.sha256, 'kind', f.kind,"
    " 'promised_by', f.promised_by, 'can_be_lost', f.can_be_lost) ORDER BY f.sha256), '[]')"
    " FROM files f WHERE f.id = w.id) AS files"
    f" FROM waiting w LEFT JOIN {CORE}.hazard h ON h.id = w.hazard_id"
    " ORDER BY w.recorded_at, w.id"
)


def list_waiting(
    connection: Connection, *, now: datetime, pool: Pool
) -> list[dict[str, Any]]:  # Any: JSON
    """Records that wait at ``now`` since more than :data:`AFTER`; ``code`` is None before the
    hazard is here. ``files``: what a closing waits for, by whom it was promised, and whether only
    comments promised it, so that it may be declared lost. Nothing for a pool that reads no log.
    """
    if pool not in (Pool.FIELD, Pool.STAFF, Pool.JOBS):
        return []
    rows = connection.execute(_WAITING, {"before": now - AFTER, "most": MOST}).mappings()
    return [
        dict(row) | {"recorded_at": row["recorded_at"].isoformat(), "reason": _words(row["reason"])}
        for row in rows
    ]


def _words(reason: dict[str, Any]) -> dict[str, Any]:  # Any: JSON
    return {name: reason.get(name) for name in ("rule", "zh", "en")}
