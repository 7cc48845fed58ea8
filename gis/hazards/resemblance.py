"""Photos of a hazard that are nearly those of another: for people to look at, nothing is refused.

Two pictures whose fingerprints (dHash, 64 bits) differ in a few bits show nearly the same. One
scene seen twice is often right; the same photo under two hazards, or as its own repair, is to be
verified.
"""

from __future__ import annotations

from uuid import UUID

from gis.db.tables import CORE
from gis.evidence.derive import ALIKE_BITS
from gis.queries import Statement

_LEAST_CONTRAST = 6
"""Set bits of a fingerprint that tells anything: a flat picture (night, a wall) has almost none,
or almost all, and would resemble every other flat one."""
MOST = 50
_PICTURES = "('before_wide', 'before_close', 'after', 'interim', 'reinspection', 'other')"
"""What is compared: a copy resembles its original, and signatures resemble each other."""
_REPAIRED = "('after', 'reinspection')"


def list_alike(hazard_id: UUID) -> Statement:
    """One JSON array: each photo of the hazard that is nearly another, nearest first.

    Within one hazard only an after-photo that is nearly one from before counts. The same file
    under two hazards has the distance 0.
    """
    distance = "bit_count((b.dhash # m.dhash)::bit(64))"
    return Statement(
        "WITH mine AS (SELECT DISTINCT ON (n ->> 'sha256') n ->> 'sha256' AS sha256,"
        " n ->> 'kind' AS kind, b.dhash"
        f" FROM {CORE}.event e CROSS JOIN LATERAL jsonb_array_elements(e.evidence) n"
        f" LEFT JOIN {CORE}.blob b ON b.sha256 = n ->> 'sha256'"
        f" WHERE e.hazard_id = %(id)s AND n ->> 'kind' IN {_PICTURES}),"
        " near AS (SELECT m.sha256, m.kind, m.sha256 AS other, 0 AS distance FROM mine m"
        f" UNION ALL SELECT m.sha256, m.kind, b.sha256, {distance} FROM mine m"
        f" JOIN {CORE}.blob b ON b.sha256 <> m.sha256 AND {distance} <= %(most)s"
        f" WHERE bit_count(m.dhash::bit(64)) BETWEEN {_LEAST_CONTRAST} AND {64 - _LEAST_CONTRAST}),"
        " used AS (SELECT DISTINCT ON (a.sha256, a.other, e.hazard_id) a.*, e.hazard_id, h.code,"
        " n ->> 'kind' AS other_kind, e.at AS other_at FROM near a"
        f" JOIN {CORE}.event e ON e.evidence @>"
        " jsonb_build_array(jsonb_build_object('sha256', a.other))"
        " CROSS JOIN LATERAL jsonb_array_elements(e.evidence) n"
        f" JOIN {CORE}.hazard h ON h.id = e.hazard_id"
        f" WHERE n ->> 'sha256' = a.other AND n ->> 'kind' IN {_PICTURES}"
        f" AND (e.hazard_id <> %(id)s OR (a.kind IN {_REPAIRED}"
        f" AND n ->> 'kind' NOT IN {_REPAIRED} AND n ->> 'kind' <> 'other'))"
        " ORDER BY a.sha256, a.other, e.hazard_id, e.number)"
        " SELECT coalesce(json_agg(json_build_object('sha256', u.sha256, 'kind', u.kind,"
        " 'other', u.other, 'other_kind', u.other_kind, 'other_at', u.other_at,"
        " 'distance', u.distance, 'hazard_id', u.hazard_id, 'code', u.code)"
        " ORDER BY u.distance, u.other_at, u.other), '[]')::text"
        f" FROM (SELECT * FROM used ORDER BY distance, other_at, other LIMIT {MOST}) u",
        {"id": hazard_id, "most": ALIKE_BITS},
    )
