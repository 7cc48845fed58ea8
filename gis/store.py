"""Assets in and out of the tables: one at a time, or a whole frame by COPY.

Whoever opened the transaction said who writes (``db.write(actor=…, reason=…)``); triggers keep
versions, history and identities. Rows were validated before they come here.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import geopandas as gpd
import pandas as pd
import psycopg
import shapely
import uuid_utils
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection, Table, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import JSONB

from gis.attributes import Text
from gis.db.tables import current, history, stored_names
from gis.errors import ConflictError, NotFoundError
from gis.geometry import STORAGE_SRID
from gis.kinds import Record, get_kind

_NULL = "\\N-b0d1c7a4"
"""Spelling of NULL in our CSV: nothing a survey can contain unquoted."""


@dataclass(frozen=True, slots=True)
class LoadCounts:
    """What a load did with the rows it was given."""

    added: int
    changed: int
    unchanged: int


def make_ids(count: int) -> list[str]:
    """Time-ordered UUIDv7 identifiers."""
    return [str(uuid_utils.uuid7()) for _ in range(count)]


def add(connection: Connection, record: Record, geometry: BaseGeometry) -> UUID:
    """Write one new asset (geometry in storage CRS, past the gate); its id."""
    identifier = UUID(make_ids(1)[0])
    values: dict[str, Any] = record.model_dump(mode="json")  # Any: values of any column
    values |= {"id": identifier, "geometry": _as_ewkb(geometry)}
    try:
        connection.execute(insert(current[record.kind]).values(**values))
    except Exception as error:
        raise explain_conflict(error) from error
    return identifier


def change(
    connection: Connection,
    kind: str,
    identifier: UUID,
    changes: Mapping[str, Any],  # Any: values of any column, checked by the kind
    *,
    expected_version: int | None = None,
) -> int:
    """Change some attributes of one asset; the new version. A stale version is a ConflictError."""
    table = current[get_kind(kind).kind]
    values = dict(changes)
    if isinstance(values.get("geometry"), BaseGeometry):
        values["geometry"] = _as_ewkb(values["geometry"])
    statement = update(table).where(table.c.id == identifier).values(**values)
    if expected_version is not None:
        statement = statement.where(table.c.version == expected_version)
    version = connection.execute(statement.returning(table.c.version)).scalar()
    if version is not None:
        return int(version)
    found = connection.execute(select(table.c.version).where(table.c.id == identifier)).scalar()
    if found is None:
        raise NotFoundError(
            Text(zh="没有此记录:{id}", en="no such record: {id}").format(id=identifier)
        )
    raise ConflictError(
        Text(
            zh="记录已被他人修改:现为第 {found} 版,你基于第 {expected} 版",
            en="changed by someone else: it is at version {found}, you had {expected}",
        ).format(found=found, expected=expected_version),
        version=int(found),
    )


def load_rows(
    connection: Connection,
    kind: str,
    frame: gpd.GeoDataFrame,
    *,
    ids: Sequence[str] | None = None,
) -> LoadCounts:
    """Add or change the rows of a validated frame, matched by (source, source_code).

    ``frame`` holds attribute columns of the kind and its geometry (lon/lat, past the gate);
    ``source_code`` is set on every row. What is the same as in the database stays untouched, so
    loading a file twice changes nothing. Three set-based statements, whatever the size. ``ids``
    are those of new rows, where they had one before.
    """
    table = current[get_kind(kind).kind]
    names = [n for n in stored_names(get_kind(kind)) if n in frame.columns]
    staged = frame[names].copy(deep=False)
    staged.insert(0, "id", list(ids) if ids is not None else make_ids(len(frame)))
    copy_to_stage(connection, table, staged)
    pairs = ", ".join(f"k.{n}" for n in names)
    staged_pairs = ", ".join(f"s.{n}" for n in names)
    matched = f"FROM stage_{kind} s WHERE k.source = s.source AND k.source_code = s.source_code"
    try:
        changed = connection.execute(
            text(
                f"UPDATE {table} k SET {', '.join(f'{n} = s.{n}' for n in names)} {matched}"
                f" AND ({pairs}) IS DISTINCT FROM ({staged_pairs})"
            )
        ).rowcount
        added = connection.execute(
            text(
                f"INSERT INTO {table} (id, {', '.join(names)})"
                f" SELECT s.id, {staged_pairs} FROM stage_{kind} s WHERE NOT EXISTS"
                f" (SELECT 1 FROM {table} k WHERE k.source = s.source"
                " AND k.source_code = s.source_code)"
            )
        ).rowcount
    except Exception as error:
        raise explain_conflict(error) from error
    connection.execute(text(f"DROP TABLE stage_{kind}"))
    return LoadCounts(added=added, changed=changed, unchanged=len(frame) - added - changed)


def load_versions(connection: Connection, kind: str, frame: gpd.GeoDataFrame) -> int:
    """Write whole life histories of new assets at once; how many rows.

    ``frame`` holds one row per version: ``id``, ``valid_from`` (aware moments), the kind's
    attributes and geometry; rows of one id in the order of time. The last version of each id
    becomes the current row, the others go to history (needs the jobs role).
    """
    table, past = current[get_kind(kind).kind], history[kind]
    names = [n for n in stored_names(get_kind(kind)) if n in frame.columns]
    staged = frame[["id", *names]].copy(deep=False)
    staged["version"] = frame.groupby("id", sort=False).cumcount() + 1
    staged["valid"] = "[" + frame["valid_from"].map(lambda t: t.isoformat()) + ",)"
    copy_to_stage(connection, table, staged)
    columns = ", ".join(("id", *names, "version", "valid"))
    last = f"SELECT id, max(version) FROM stage_{kind} GROUP BY id"
    try:
        connection.execute(
            text(
                f"INSERT INTO {past} ({columns}, recorded_at, recorded_by, recorded_tx, reason)"
                f" SELECT {columns}, now(), current_setting('infratrack.actor'),"
                " pg_current_xact_id(), current_setting('infratrack.reason')"
                f" FROM stage_{kind} WHERE (id, version) NOT IN ({last})"
            )
        )
        connection.execute(
            text(
                f"INSERT INTO {table} ({columns}) SELECT {columns} FROM stage_{kind}"
                f" WHERE (id, version) IN ({last})"
            )
        )
    except Exception as error:
        raise explain_conflict(error) from error
    connection.execute(text(f"DROP TABLE stage_{kind}"))
    return len(frame)


def delete(connection: Connection, kind: str, identifiers: Sequence[UUID]) -> int:
    """Void records that were errors from the start; their history stays, marked deleted."""
    table = current[get_kind(kind).kind]
    return connection.execute(table.delete().where(table.c.id.in_(identifiers))).rowcount


def count_rows(connection: Connection, kinds: Iterable[str]) -> dict[str, int]:
    """How many current rows each kind has."""
    return {
        kind: int(connection.execute(select(func.count()).select_from(current[kind])).scalar_one())
        for kind in kinds
    }


def copy_to_stage(connection: Connection, table: Table, frame: pd.DataFrame) -> None:
    """COPY a frame (columns of ``table``) into the temporary table ``stage_<table>``."""
    names = ", ".join(frame.columns)
    stage = f"stage_{table.name}"
    connection.execute(
        text(f"CREATE TEMP TABLE {stage} ON COMMIT DROP AS SELECT {names} FROM {table} LIMIT 0")
    )
    raw = connection.connection.driver_connection
    if not isinstance(raw, psycopg.Connection):
        raise TypeError("COPY needs psycopg")
    # a column of nothing but NULL is NULL already
    spoken = frame[[n for n in frame.columns if frame[n].notna().any()]]
    columns = ", ".join(spoken.columns)
    copy_sql = f"COPY {stage} ({columns}) FROM STDIN (FORMAT csv, NULL '{_NULL}')"
    with raw.cursor() as cursor, cursor.copy(copy_sql) as copy:
        copy.write(_as_csv(spoken, table))
    connection.execute(text(f"ANALYZE {stage}"))


def _as_csv(frame: pd.DataFrame, table: Table) -> str:
    """The frame as COPY's CSV: geometries as hex EWKB, documents as JSON, NULL by its spelling."""
    plain = pd.DataFrame(frame.drop(columns=["geometry"], errors="ignore"))
    for name in plain.columns:
        if isinstance(table.c[name].type, JSONB):
            plain[name] = [json.dumps(v, ensure_ascii=False) for v in plain[name]]
        elif str(table.c[name].type) == "INTEGER":
            plain[name] = plain[name].astype("Int64")
    if "geometry" in frame:
        wkb = shapely.to_wkb(
            shapely.set_srid(frame["geometry"].array, STORAGE_SRID), hex=True, include_srid=True
        )
        plain["geometry"] = wkb
    plain = plain[list(frame.columns)]
    buffer = io.StringIO()
    plain.to_csv(buffer, index=False, header=False, na_rep=_NULL, quoting=csv.QUOTE_MINIMAL)
    return buffer.getvalue()


def _as_ewkb(geometry: BaseGeometry) -> str:
    return str(
        shapely.to_wkb(shapely.set_srid(geometry, STORAGE_SRID), hex=True, include_srid=True)
    )


_GUARDED = "IT004"
"""What guards of tables raise where no event led to a change."""


def explain_conflict(error: Exception) -> Exception:
    """A ConflictError for a unique violation or a guard's refusal; any other error as it is."""
    cause = getattr(error, "orig", None)
    if isinstance(cause, psycopg.Error) and cause.sqlstate == _GUARDED:
        return ConflictError(
            Text(
                zh="其中有记录的阶段由登记的进展推动,不能由此改动:请去掉阶段与各步日期、文号各列",
                en="the stage of a record in it follows from what was recorded about it: leave out"
                " the columns of stages, their dates and document numbers",
            )
        )
    if not isinstance(cause, psycopg.errors.UniqueViolation):
        return error
    constraint = cause.diag.constraint_name or ""
    what = (
        Text(zh="编号在同类设施中已存在", en="the code is taken by another record of this kind")
        if constraint.endswith("_code") and "source" not in constraint
        else Text(zh="来源与来源编号已存在", en="source and source code are taken")
    )
    return ConflictError(what, constraint=constraint)
