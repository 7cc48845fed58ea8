"""Rows and digest of every table of ours: proof that a restored database is the one backed up.

A table's mark is ``"<rows> <digest>"``. The digest is the sum of a hash of every row's text, so
it needs no order; generated columns are left out, for another PROJ version may round otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text

from gis.attributes import Text
from gis.db.grants import SCHEMAS
from gis.db.tables import CORE, HISTORY
from gis.kinds import KINDS

VERSIONS = f"{CORE}.collection_version"
SESSION = (
    "SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO'; SET LOCAL extra_float_digits = 1"
)
"""Settings a row's text depends on."""
LISTED = (
    "SELECT n.nspname || '.' || c.relname AS name,"
    " string_agg('t.' || quote_ident(a.attname), ', ' ORDER BY a.attnum) AS columns"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
    " AND a.attgenerated = ''"
    f" WHERE c.relkind = 'r' AND n.nspname IN {SCHEMAS}"
    " AND c.relname <> 'change_mark' GROUP BY 1"
)
"""Every table that lasts, with the columns that are stored as they were written."""
_HASH = "('x' || substr(md5(ROW({columns})::text), 1, 15))::bit(60)::bigint"
_MARK = f"SELECT count(*) || ' ' || coalesce(sum({_HASH}), 0) FROM {{name}} t"


def mark_tables(connection: Connection) -> dict[str, str]:
    """``"<rows> <digest>"`` of every table, as the connection's transaction sees them."""
    connection.exec_driver_sql(SESSION)
    listed = connection.execute(text(LISTED)).all()
    return {
        name: str(connection.exec_driver_sql(_MARK.format(name=name, columns=columns)).scalar_one())
        for name, columns in sorted(listed)
    }


def check_statement(expected_json: str) -> str:
    """SQL that fails (SQLSTATE IT010) unless every table bears exactly the mark it is given.

    ``expected_json`` is quoted here; it runs inside the transaction of a restore.
    """
    literal = expected_json.replace("'", "''")
    mark = _MARK.format(name="%s", columns="%s").replace("'", "''")
    return (
        f"{SESSION};\n"
        "DO $check$ DECLARE t record; found text; names text[] := '{}';\n"
        f" expected jsonb := '{literal}';\n"
        f"BEGIN FOR t IN {LISTED} LOOP\n"
        f"  EXECUTE format('{mark}', t.columns, t.name) INTO found;\n"
        "  IF found IS DISTINCT FROM expected ->> t.name THEN RAISE EXCEPTION USING\n"
        "   ERRCODE = 'IT010', MESSAGE = format('%s differs from the backup', t.name); END IF;\n"
        "  names := names || t.name;\n"
        " END LOOP;\n"
        " IF NOT names @> ARRAY(SELECT jsonb_object_keys(expected)) THEN RAISE EXCEPTION USING\n"
        "  ERRCODE = 'IT010', MESSAGE = 'a table of the backup is missing'; END IF;\n"
        "END $check$;\n"
    )


@dataclass(frozen=True, slots=True)
class Gap:
    """A break in a kind's history: how many assets it concerns."""

    kind: str
    rule: Text
    count: int


_GAPS = {
    Text(zh="现状行在历史中没有对应版本", en="a current row without its version in history"): (
        "SELECT count(*) FROM {core}.{kind} c LEFT JOIN {history}.{kind} h USING (id, version)"
        " WHERE h.id IS NULL OR h.deleted"
    ),
    Text(zh="版本号不连续", en="versions that do not count 1, 2, 3 …"): (
        "SELECT count(*) FROM (SELECT 1 FROM {history}.{kind} GROUP BY id"
        " HAVING min(version) <> 1 OR max(version) <> count(*)) g"
    ),
}


def find_gaps(connection: Connection) -> list[Gap]:
    """Breaks between the current tables and their history; none in a sound database."""
    gaps = []
    for kind in KINDS:
        for rule, statement in _GAPS.items():
            asked = statement.format(core=CORE, history=HISTORY, kind=kind)
            count = int(connection.exec_driver_sql(asked).scalar_one())
            if count:
                gaps.append(Gap(kind, rule, count))
    return gaps


def is_empty(connection: Connection) -> bool:
    """Whether the database holds no asset, event, county or account yet."""
    return all(
        connection.exec_driver_sql(f"SELECT NOT EXISTS (SELECT 1 FROM {CORE}.{table})").scalar_one()
        for table in ("asset", "event", "county", "account")
    )
