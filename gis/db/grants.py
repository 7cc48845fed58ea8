"""Table and column rights of every pool, from the kinds' sensitivity: as data, SQL and a check."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, Table, text

from gis.db.event_tables import event
from gis.db.evidence_tables import JOBS
from gis.db.flood_tables import DUTY, SEEN_OUTSIDE
from gis.db.network_tables import misconnection_record
from gis.db.people_tables import audit_event
from gis.db.roles import SYSTEM_VISIBLE, Pool, visible_attributes, visible_kinds
from gis.db.survey_tables import survey_finding
from gis.db.tables import CORE, HISTORY, MEASURES, current, history, stored_names
from gis.kinds import KINDS, Record

SCHEMAS = (CORE, HISTORY, JOBS)
"""Every schema of ours."""
_AUTHORS = ("recorded_by", "recorded_tx", "reason")
_DATA_POOLS = tuple(pool for pool in Pool if pool.clearance is not None)
_INSPECTIONS = ("pipe_inspection", "pipe_observation", "pipe_grade")
_READERS = {
    "collection_version": _DATA_POOLS,
    "long_write": _DATA_POOLS,
    "county": _DATA_POOLS,
    "alembic_version": tuple(Pool),
    "project_asset": (Pool.STAFF, Pool.JOBS),
    "asset": (Pool.FIELD, Pool.STAFF, Pool.JOBS),
    **dict.fromkeys(
        (
            *("event", "event_outcome", "visit", "campaign", "task", "notice", "device_count"),
            *("seal", "hazard_transition", "device_announcement", *SEEN_OUTSIDE),
            *_INSPECTIONS,
            *("network_edge", "network_dirty", "network_setting", "misconnection_record"),
        ),
        (Pool.FIELD, Pool.STAFF, Pool.JOBS),
    ),
    **dict.fromkeys(DUTY, (Pool.STAFF, Pool.JOBS)),
    "blob": (Pool.FIELD, Pool.STAFF, Pool.JOBS),
    "upload": (Pool.FIELD, Pool.STAFF, Pool.JOBS),
    "derivative": (Pool.FIELD, Pool.STAFF, Pool.JOBS),
    "job_report": (Pool.STAFF, Pool.JOBS),
    **dict.fromkeys(
        ("survey_batch", "survey_import", "survey_deliverable", "survey_decision"),
        (Pool.FIELD, Pool.STAFF, Pool.JOBS),
    ),
    "survey_finding": (Pool.STAFF, Pool.JOBS),
    "survey_file": (Pool.STAFF, Pool.JOBS),
}
_WRITERS = {
    "project_asset": (Pool.STAFF, Pool.JOBS),
    "county": (Pool.JOBS,),
    "device_count": (Pool.JOBS,),
    "derivative": (Pool.JOBS,),
    "job_report": (Pool.JOBS,),
}
_RECORDERS = (Pool.FIELD, Pool.STAFF, Pool.JOBS)
"""Pools that append to the log and write what it leads to; a guard asks for the event behind it."""
_ANNOUNCED = ("device_id", "highest", "login", "announced_at")
_PROJECTIONS = ("event_outcome", "visit", "campaign", "task", "notice", "call_out", "call_out_step")
_OFFICE_PROJECTIONS = (*DUTY, "flood_level", "plot_step")
"""What only the office's records write."""
_GATE_RIGHTS = {
    "account": ("SELECT", "INSERT", "UPDATE"),
    "password": ("SELECT", "INSERT", "UPDATE"),
    "second_factor": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "recovery_code": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "device": ("SELECT", "INSERT", "UPDATE"),
    "token": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "enrolment": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "login_attempt": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "audit_event": ("SELECT",),
}
"""Nobody deletes an account: what it did keeps its name. It is disabled."""
_SERVERS_WORD = ("number", "at")
_PERSON = ("id", "login", "name", "roles", "townships", "section", "disabled_at")
"""What staff may read of a person, to hand out work and to show who did it."""
_INSERTS = {
    "blob": ("sha256", "bytes", "media", "width", "height", "account"),
    "upload": ("id", "sha256", "bytes", "media", "account", "event_id", "expires_at"),
}
"""Evidence is sent by whoever works in the field or the office; the server's clock dates it."""
_EXAMINED = ("examined_at", "damage", "exif_at", "exif_lon", "exif_lat", "dhash")
_SETTLED_LATER = ("pipe_id", "as_drawn", "superseded_by")
"""What of an inspection is learnt after it was delivered."""
_SURVEYS = (
    *("survey_batch", "survey_import", "survey_file", "survey_finding"),
    *("survey_decision", "survey_deliverable"),
)
_SURVEYS_JUDGED = {
    "survey_batch": ("UPDATE",),
    "survey_import": ("UPDATE",),
    "survey_file": ("UPDATE", "DELETE"),
    "survey_finding": ("UPDATE", "DELETE"),
}
"""What the worker writes anew when it judges a book again; the rest is only ever added."""
_LEVELS = ("value", "zh", "en")
"""What of a finding may tell how deep a sewer lies."""
_QUEUE = {
    "procrastinate_jobs": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "procrastinate_events": ("SELECT", "INSERT", "DELETE"),
    "procrastinate_workers": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    "procrastinate_periodic_defers": ("SELECT", "INSERT", "UPDATE", "DELETE"),
}
"""What the worker does in its queue; everyone else goes through ``jobs.enqueue``."""
_QUEUE_STATE = ("id", "task_name", "status", "attempts", "scheduled_at")


@dataclass(frozen=True, slots=True, order=True)
class Privilege:
    """One right of one role; ``column`` is empty for the whole table."""

    role: str
    schema: str
    table: str
    privilege: str
    column: str = ""

    def __str__(self) -> str:
        what = f"{self.schema}.{self.table}" + (f".{self.column}" if self.column else "")
        return f"{self.role}: {self.privilege} {what}"


def readable_columns(name: str, pool: Pool) -> list[str]:
    """Columns of a kind's table the pool may SELECT: visible attributes, measures, versions."""
    kind = KINDS[name]
    columns = [*visible_attributes(kind, pool), *SYSTEM_VISIBLE]
    if measure := MEASURES.get(kind.geometry_type):
        columns.append(measure)
    if pool in (Pool.STAFF, Pool.JOBS):
        columns += _AUTHORS
    return [c.name for c in current[name].columns if c.name in columns]


def declared_privileges() -> Iterator[Privilege]:
    """Every right the pools have on our tables; what is not here they do not have."""
    for pool in Pool:
        for kind in visible_kinds(pool):
            yield from _kind_privileges(kind, pool)
    for table, readers in _READERS.items():
        for pool in readers:
            yield Privilege(pool.role, CORE, table, "SELECT")
    for table, writers in _WRITERS.items():
        for pool in writers:
            for privilege in ("INSERT", "UPDATE", "DELETE"):
                yield Privilege(pool.role, CORE, table, privilege)
    for pool in _RECORDERS:
        yield from _recording_privileges(pool)
    yield Privilege(Pool.JOBS.role, CORE, "seal", "INSERT")
    for pool in _RECORDERS:
        for column in misconnection_record.columns:
            if not column.name.startswith("recorded_"):  # the server's word
                yield Privilege(pool.role, CORE, "misconnection_record", "INSERT", column.name)
    yield from _gate_privileges()
    yield from _evidence_privileges()
    yield from _inspection_privileges()
    yield from _survey_privileges()
    yield from _queue_privileges()


def _recording_privileges(pool: Pool) -> Iterator[Privilege]:
    for column in event.columns:
        if column.name not in ("number", "recorded_at"):  # the server's order and clock
            yield Privilege(pool.role, CORE, "event", "INSERT", column.name)
    written = _PROJECTIONS if pool is Pool.FIELD else _PROJECTIONS + _OFFICE_PROJECTIONS
    for table in written:
        yield Privilege(pool.role, CORE, table, "INSERT")
        yield Privilege(pool.role, CORE, table, "UPDATE")
    for name in _ANNOUNCED:
        yield Privilege(pool.role, CORE, "device_announcement", "INSERT", name)
        if name != "device_id":
            yield Privilege(pool.role, CORE, "device_announcement", "UPDATE", name)
    if pool is Pool.JOBS:  # writes projections anew
        for table in written:
            yield Privilege(pool.role, CORE, table, "DELETE")


def _gate_privileges() -> Iterator[Privilege]:
    for table, rights in _GATE_RIGHTS.items():
        for right in rights:
            yield Privilege(Pool.GATE.role, CORE, table, right)
    for pool in (Pool.STAFF, Pool.JOBS):
        for name in _PERSON:
            yield Privilege(pool.role, CORE, "account", "SELECT", name)
    for column in audit_event.columns:
        if column.name not in _SERVERS_WORD:
            yield Privilege(Pool.GATE.role, CORE, "audit_event", "INSERT", column.name)


def _evidence_privileges() -> Iterator[Privilege]:
    for pool in (Pool.FIELD, Pool.STAFF, Pool.JOBS):
        for table, columns in _INSERTS.items():
            for column in columns:
                yield Privilege(pool.role, CORE, table, "INSERT", column)
        yield Privilege(pool.role, CORE, "upload", "UPDATE", "completed_at")
        yield Privilege(pool.role, CORE, "upload", "DELETE")
    for column in _EXAMINED:
        yield Privilege(Pool.JOBS.role, CORE, "blob", "UPDATE", column)


def _inspection_privileges() -> Iterator[Privilege]:
    for pool in (Pool.STAFF, Pool.JOBS):
        for table in _INSPECTIONS:
            yield Privilege(pool.role, CORE, table, "INSERT")
        for column in _SETTLED_LATER:
            yield Privilege(pool.role, CORE, "pipe_inspection", "UPDATE", column)


def _survey_privileges() -> Iterator[Privilege]:
    for pool in (Pool.STAFF, Pool.JOBS):
        for table in _SURVEYS:
            yield Privilege(pool.role, CORE, table, "INSERT")
    for table, rights in _SURVEYS_JUDGED.items():
        for right in rights:
            yield Privilege(Pool.JOBS.role, CORE, table, right)
    for column in survey_finding.columns:
        if column.name not in _LEVELS:
            yield Privilege(Pool.FIELD.role, CORE, "survey_finding", "SELECT", column.name)


def _queue_privileges() -> Iterator[Privilege]:
    for table, privileges in _QUEUE.items():
        for privilege in privileges:
            yield Privilege(Pool.JOBS.role, JOBS, table, privilege)
        if table != "procrastinate_workers":  # an identity column needs no right of its own
            yield Privilege(Pool.JOBS.role, JOBS, f"{table}_id_seq", "USAGE")
    for column in _QUEUE_STATE:
        yield Privilege(Pool.STAFF.role, JOBS, "procrastinate_jobs", "SELECT", column)


def _kind_privileges(kind: type[Record], pool: Pool) -> Iterator[Privilege]:
    readable = readable_columns(kind.kind, pool)
    for column in readable:
        yield Privilege(pool.role, CORE, kind.kind, "SELECT", column)
    for column in (*readable, "deleted"):
        yield Privilege(pool.role, HISTORY, kind.kind, "SELECT", column)
    stored = stored_names(kind)
    recorders = _RECORDERS if kind.written_by_events else (Pool.STAFF, Pool.JOBS)
    if pool in recorders:
        # Nobody writes what triggers stamp, nor moves a record to another identity.
        for column in ("id", *stored):
            yield Privilege(pool.role, CORE, kind.kind, "INSERT", column)
        for column in stored:
            yield Privilege(pool.role, CORE, kind.kind, "UPDATE", column)
    if pool is Pool.JOBS or (pool is Pool.STAFF and not kind.written_by_events):
        yield Privilege(pool.role, CORE, kind.kind, "DELETE")
    if pool is Pool.JOBS:  # loads whole life histories
        for column in ("version", "valid"):
            yield Privilege(pool.role, CORE, kind.kind, "INSERT", column)
        for column in _insertable(history[kind.kind]):
            yield Privilege(pool.role, HISTORY, kind.kind, "INSERT", column)


def _insertable(table: Table) -> list[str]:
    return [c.name for c in table.columns if c.computed is None and c.name != "deleted"]


def table_grants() -> Iterator[str]:
    """Statements (owner) that leave the pools exactly the declared rights; idempotent."""
    pools = ", ".join(pool.role for pool in Pool)
    for schema in SCHEMAS:
        yield f"REVOKE ALL ON SCHEMA {schema} FROM PUBLIC, {pools}"
        yield f"GRANT USAGE ON SCHEMA {schema} TO {pools}"
        yield f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM PUBLIC, {pools}"
        yield f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM PUBLIC, {pools}"
        yield f"REVOKE ALL ON ALL ROUTINES IN SCHEMA {schema} FROM PUBLIC, {pools}"
    columns: dict[Privilege, list[str]] = defaultdict(list)
    for right in declared_privileges():
        whole = Privilege(right.role, right.schema, right.table, right.privilege)
        columns[whole] += [right.column] if right.column else []
    for right, names in columns.items():
        listed = f" ({', '.join(names)})" if names else ""
        yield f"GRANT {right.privilege}{listed} ON {right.schema}.{right.table} TO {right.role}"
    workers, senders = Pool.JOBS.role, f"{Pool.FIELD.role}, {Pool.STAFF.role}"
    yield f"GRANT EXECUTE ON ALL ROUTINES IN SCHEMA {JOBS} TO {workers}"
    yield f"GRANT EXECUTE ON FUNCTION {JOBS}.enqueue(text, jsonb, text) TO {senders}"


_GRANTED = text(
    """
    SELECT coalesce(r.rolname, 'PUBLIC') AS role, n.nspname AS schema, c.relname AS table,
           a.privilege_type AS privilege, a.column
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      CROSS JOIN LATERAL (
        SELECT x.grantee, x.privilege_type, '' AS column FROM aclexplode(c.relacl) x
        UNION ALL
        SELECT x.grantee, x.privilege_type, t.attname FROM pg_attribute t,
               aclexplode(t.attacl) x WHERE t.attrelid = c.oid AND NOT t.attisdropped) a
      LEFT JOIN pg_roles r ON r.oid = a.grantee
     WHERE n.nspname = ANY(:schemas) AND a.grantee <> c.relowner
    """
)


def compare_table_grants(connection: Connection) -> tuple[list[Privilege], list[Privilege]]:
    """(rights the catalogue has beyond the declared ones, declared rights it lacks), sorted."""
    rows = connection.execute(_GRANTED, {"schemas": list(SCHEMAS)})
    granted = {Privilege(r.role, r.schema, r.table, r.privilege, r.column) for r in rows}
    declared = set(declared_privileges())
    return sorted(granted - declared), sorted(declared - granted)
