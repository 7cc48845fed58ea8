"""Notices of escalations: whom each was told to, what lies unread with whom.

A notice follows from an event ``escalated`` in the log, its acknowledgement from a record
``acknowledged`` of the person: the table can be written anew from the log at any time.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from gis.db.tables import CORE
from gis.queries import Statement

# The id follows from event and person, so that writing it again writes the same row.
_WRITE = (
    f"INSERT INTO {CORE}.notice (id, event_id, hazard_id, login, is_copy)"
    " SELECT md5(e.id::text || ' ' || p.login)::uuid, e.id, e.hazard_id, p.login, p.is_copy"
    f" FROM {CORE}.event e JOIN {CORE}.event_outcome o ON o.event_id = e.id"
    " CROSS JOIN LATERAL (SELECT login, bool_and(is_copy) AS is_copy FROM"
    " (SELECT jsonb_array_elements_text(e.payload -> 'to') AS login, false AS is_copy"
    " UNION ALL SELECT jsonb_array_elements_text(e.payload -> 'copies'), true) t"
    " GROUP BY login) p"
    " WHERE e.type = 'escalated' AND o.outcome = 'applied'"
    " AND (CAST(:event AS uuid) IS NULL OR e.id = :event)"
    " ON CONFLICT DO NOTHING"
)


def write_notices(connection: Connection, event_id: UUID | None = None) -> int:
    """Write the notices of one escalation (or of all); how many were new."""
    return connection.execute(text(_WRITE), {"event": event_id}).rowcount


def acknowledge(
    connection: Connection, notice_id: UUID, login: str, *, at: datetime, before_number: int
) -> bool:
    """Note that a person has seen a notice of his; False where there is none.

    ``before_number``: of the record that says so; what was escalated later cannot be meant. The
    first acknowledgement stands.
    """
    done = connection.execute(
        text(
            f"UPDATE {CORE}.notice n SET acknowledged_at = coalesce(n.acknowledged_at, :at)"
            f" FROM {CORE}.event e WHERE e.id = n.event_id AND e.number < :number"
            " AND n.id = :id AND n.login = :login"
        ),
        {"at": at, "number": before_number, "id": notice_id, "login": login},
    )
    return done.rowcount > 0


_UNREAD = "n.acknowledged_at IS NULL AND h.is_open"


def list_notices(login: str, *, limit: int) -> Statement:
    """A person's notices as one JSON document: how many are unread, and the rows.

    Unread: not acknowledged, and the hazard is still open. Those come first, then the newest.
    """
    return Statement(
        f"WITH own AS (SELECT n.id, n.is_copy, n.acknowledged_at, {_UNREAD} AS is_unread,"
        " e.at, e.payload ->> 'stage' AS stage, e.payload ->> 'recipient' AS recipient,"
        " e.payload ->> 'since' AS since, e.payload ->> 'due_at' AS by_due_at,"
        " json_build_object('id', h.id, 'code', h.code, 'state', h.state, 'severity', h.severity,"
        " 'category', h.category, 'item', h.item, 'description', h.description,"
        " 'township', h.township, 'duty_holder', h.duty_holder, 'section', h.section,"
        " 'assigned_to', h.assigned_to, 'due_at', h.due_at, 'original_due_at', h.original_due_at,"
        " 'is_open', h.is_open) AS hazard"
        f" FROM {CORE}.notice n JOIN {CORE}.event e ON e.id = n.event_id"
        f" JOIN {CORE}.hazard h ON h.id = n.hazard_id WHERE n.login = %(login)s),"
        " page AS (SELECT * FROM own ORDER BY is_unread DESC, at DESC, id LIMIT %(limit)s)"
        " SELECT json_build_object('unread', (SELECT count(*) FROM own WHERE is_unread),"
        " 'count', (SELECT count(*) FROM own),"
        " 'notices', coalesce((SELECT json_agg(row_to_json(p) ORDER BY p.is_unread DESC,"
        " p.at DESC, p.id) FROM page p), '[]'))::text",
        {"login": login, "limit": limit},
    )
