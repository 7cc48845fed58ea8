"""What people ask of survey batches: one statement each, answered as JSON.

``levels``: whether the reader may see what tells how deep sewers lie (values and texts of
findings); others get the rule, the place and the code.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from gis.attributes import Text
from gis.db.survey_tables import (
    survey_batch,
    survey_decision,
    survey_deliverable,
    survey_file,
    survey_import,
)
from gis.db.tables import CORE
from gis.errors import NotFoundError

FINDING = f"{CORE}.survey_finding"
MOST = 500
_LAST = (
    f"SELECT id FROM {survey_import} WHERE batch_id = b.id AND counts IS NOT NULL"
    " ORDER BY number DESC LIMIT 1"
)
_DELIVERABLES = (
    "coalesce((SELECT json_object_agg(d.item, json_build_object('state', d.state, 'note', d.note,"
    " 'at', d.noted_at, 'by', d.noted_by)) FROM (SELECT DISTINCT ON (item) *"
    f" FROM {survey_deliverable} WHERE batch_id = b.id ORDER BY item, noted_at DESC, id DESC) d),"
    " '{}'::json)"
)
_BATCH = (
    "'id', b.id, 'name', b.name, 'unit', b.unit, 'claimed_m', b.claimed_m,"
    " 'created_at', b.created_at, 'created_by', b.created_by"
)
_IMPORT = (
    "json_build_object('id', i.id, 'number', i.number, 'file', i.file, 'at', i.imported_at,"
    " 'by', i.imported_by, 'judged_at', i.judged_at, 'rules', i.rules, 'counts', i.counts,"
    " 'result', i.result, 'problem', i.problem, 'surveyed_m', i.surveyed_m,"
    " 'accepted_m', i.accepted_m)"
)
_LIST = text(
    f"SELECT coalesce(json_agg(json_build_object({_BATCH}, 'deliverables', {_DELIVERABLES},"
    f" 'last', (SELECT {_IMPORT} FROM {survey_import} i WHERE i.batch_id = b.id"
    " ORDER BY i.number DESC LIMIT 1)) ORDER BY b.created_at DESC, b.id), '[]'::json)::text"
    f" FROM {survey_batch} b"
)
_ONE = text(
    f"SELECT json_build_object({_BATCH}, 'crs', b.crs, 'deliverables', {_DELIVERABLES},"
    f" 'imports', (SELECT coalesce(json_agg({_IMPORT} ORDER BY i.number DESC), '[]'::json)"
    f" FROM {survey_import} i WHERE i.batch_id = b.id),"
    f" 'sheets', (SELECT coalesce(json_agg(DISTINCT f.sheet), '[]'::json) FROM {FINDING} f"
    f" WHERE f.import_id = ({_LAST})),"
    " 'difference', (SELECT json_build_object("
    " 'new', count(*) FILTER (WHERE o.key IS NULL), 'gone', count(*) FILTER (WHERE n.key IS NULL),"
    " 'same', count(*) FILTER (WHERE o.key IS NOT NULL AND n.key IS NOT NULL))"
    f" FROM (SELECT key FROM {FINDING} WHERE import_id = :last) n"
    f" FULL JOIN (SELECT key FROM {FINDING} WHERE import_id = :before) o USING (key))"
    f")::text FROM {survey_batch} b WHERE b.id = :id"
)
_JUDGED = text(
    f"SELECT id FROM {survey_import} WHERE batch_id = :id AND counts IS NOT NULL"
    " ORDER BY number DESC LIMIT 2"
)
_DECIDED = (
    "LEFT JOIN LATERAL (SELECT decision, reason, decided_by, decided_at, value AS of_value"
    f" FROM {survey_decision} s WHERE s.batch_id = :batch AND s.key = f.key"
    " ORDER BY decided_at DESC, id DESC LIMIT 1) d ON true"
)


def list_batches(connection: Connection) -> str:
    """Every batch with its last book, newest first; JSON."""
    return str(connection.execute(_LIST).scalar_one())


def last_judged(connection: Connection, batch: UUID) -> tuple[UUID | None, UUID | None]:
    """The last book that was judged, and the one before it."""
    found = list(connection.execute(_JUDGED, {"id": batch}).scalars())
    return (found[0] if found else None, found[1] if len(found) > 1 else None)


def describe_batch(connection: Connection, batch: UUID) -> str:
    """One batch with its books, deliverables and what the last book changed; JSON."""
    last, before = last_judged(connection, batch)
    found = connection.execute(_ONE, {"id": batch, "last": last, "before": before}).scalar()
    if found is None:
        raise NotFoundError(Text(zh="没有此批次", en="there is no such batch"))
    return str(found)


def list_findings(
    connection: Connection, batch: UUID, filters: dict[str, str], *, levels: bool,
    after: int = 0, limit: int = MOST,
) -> str:  # fmt: skip
    """Findings of the last judged book in the order of the book; JSON.

    ``filters``: rule, severity, sheet, state (open, accept, waive), change (new, same, gone).
    """
    last, before = last_judged(connection, batch)
    gone = filters.get("change") == "gone"
    where, values = _conditions(filters)
    values |= {
        "batch": batch, "this": before if gone else last, "other": last if gone else before,
        "after": after, "limit": limit + 1,
    }  # fmt: skip
    shown = (
        "f.value, f.zh, f.en"
        if levels
        else "NULL::text AS value, NULL::text AS zh, NULL::text AS en"
    )
    statement = (
        f"SELECT coalesce(json_agg(q ORDER BY q.number), '[]'::json)::text FROM (SELECT f.key,"
        f" f.number, f.rule, f.severity, f.sheet, f.row, f.cell, f.field, f.code, {shown},"
        " f.geometry IS NOT NULL AS has_place, f.geometry, d.decision, d.reason, d.decided_by,"
        f" d.decided_at{', d.of_value = f.value AS holds' if levels else ''}"
        f" FROM {FINDING} f {_DECIDED} WHERE f.import_id = :this AND f.number > :after{where}"
        " ORDER BY f.number LIMIT :limit) q"
    )
    return str(connection.execute(text(statement), values).scalar_one())


def _conditions(filters: dict[str, str]) -> tuple[str, dict[str, Any]]:  # Any: bound values
    where = ""
    values: dict[str, Any] = {}  # Any: as above
    for name in ("rule", "severity", "sheet"):
        if name in filters:
            where += f" AND f.{name} = :{name}"
            values[name] = filters[name]
    state = filters.get("state")
    if state == "open":
        where += " AND coalesce(d.decision, 'reopen') = 'reopen'"
    elif state is not None:
        where += " AND d.decision = :state"
        values["state"] = state
    change = filters.get("change")
    if change is not None:
        known = f"EXISTS (SELECT 1 FROM {FINDING} o WHERE o.import_id = :other AND o.key = f.key)"
        where += f" AND {'' if change == 'same' else 'NOT '}{known}"
    return where, values


def read_features(connection: Connection, batch: UUID, *, levels: bool) -> str:
    """The placed findings of the last judged book as GeoJSON."""
    last, _ = last_judged(connection, batch)
    words = ", 'value', f.value, 'zh', f.zh, 'en', f.en" if levels else ""
    statement = (
        "SELECT json_build_object('type', 'FeatureCollection', 'features', coalesce(json_agg("
        "json_build_object('type', 'Feature', 'id', f.key, 'geometry', f.geometry, 'properties',"
        " json_build_object('rule', f.rule, 'severity', f.severity, 'sheet', f.sheet, 'row', f.row,"
        f" 'cell', f.cell, 'code', f.code{words})) ORDER BY f.number), '[]'::json))::text"
        f" FROM {FINDING} f WHERE f.import_id = :this AND f.geometry IS NOT NULL"
    )
    return str(connection.execute(text(statement), {"this": last}).scalar_one())


def read_marked(connection: Connection, batch: UUID) -> tuple[str, bytes]:
    """The marked workbook of the last judged book: (batch's name, content)."""
    last, _ = last_judged(connection, batch)
    row = connection.execute(
        text(
            f"SELECT b.name, f.content FROM {survey_file} f JOIN {survey_import} i"
            f" ON i.id = f.import_id JOIN {survey_batch} b ON b.id = i.batch_id"
            " WHERE f.import_id = :id AND f.role = 'marked'"
        ),
        {"id": last},
    ).one_or_none()
    if row is None:
        raise NotFoundError(Text(zh="尚无批注表", en="there is no marked book yet"))
    return str(row.name), bytes(row.content)
