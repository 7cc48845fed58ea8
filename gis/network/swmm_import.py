"""An .inp into the register: nodes and pipes in one transaction, refused ones with their line.

Records are known by the id of an export of ours, else by source and name: the same file again
changes nothing. Of a known record only what a model carries is changed, and only where it differs
by more than the digits of the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import psycopg
import shapely
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from gis import store
from gis.attributes import Text
from gis.db.handle import Database
from gis.db.roles import Pool
from gis.db.tables import CORE, current
from gis.exchange.import_file import explain_failure
from gis.exchange.refusals import Finding, Refusal
from gis.exchange.shapes import choose_crs
from gis.geometry import STORAGE_SRID
from gis.kinds.sewer_pipe import PipeSystem
from gis.network.swmm_read import read_inp
from gis.network.swmm_records import Records, list_bare_ids, make_records
from gis.network.swmm_tables import read_tables
from gis.store import LoadCounts

_NEAR_DEGREES = 3e-8
"""3 mm: coordinates are written to 0.1 mm, and go through a plane and back."""
_NEAR = {"_m": 2e-4, "_mm": 0.2}
"""Digits of the file, by the unit of the column."""
Mask = npt.NDArray[np.bool_]


@dataclass(slots=True)
class SwmmImport:
    """What an import did; rows of findings and refusals are lines of the file."""

    file: str
    source: str
    crs: str
    dry_run: bool
    counts: dict[str, int]
    """Rows of every section of the file."""
    loaded: dict[str, LoadCounts] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def summary(self) -> Text:
        """One line of counts."""
        counts = self.loaded.values()
        facts = {
            "added": sum(c.added for c in counts),
            "changed": sum(c.changed for c in counts),
            "unchanged": sum(c.unchanged for c in counts),
            "refused": len(self.refusals),
        }
        return Text(
            zh="新增 {added},更改 {changed},未变 {unchanged},退回 {refused}",
            en="added {added}, changed {changed}, unchanged {unchanged}, refused {refused}",
        ).format(**facts)


class _RolledBackError(Exception):
    """Ends a dry run's transaction."""


def import_swmm(
    db: Database,
    path: Path,
    *,
    actor: str,
    crs: str | None = None,
    system: PipeSystem | None = None,
    source: str | None = None,
    dry_run: bool = False,
) -> SwmmImport:
    """Read, judge and load a file.

    ``crs`` of its coordinates is needed but for exports of ours; ``system`` where the file does
    not know one. Raises SourceError (the file, its CRS), InputError (a line), ConflictError,
    BusyError, StorageFullError (the load): in all of them nothing was written.
    """
    file = read_inp(path)
    declared = file.header.get("crs") if file.header else None
    chosen = choose_crs(declared if isinstance(declared, str) else None, crs)
    tables = read_tables(file)
    named = source or path.name
    done = SwmmImport(path.name, named, chosen.to_string()[:200], dry_run, file.counts)
    done.findings = tables.findings
    # A big file is judged for longer than the server lets a transaction idle.
    with db.read(Pool.JOBS) as connection:
        known = _read_kinds(connection, list_bare_ids(tables))
    kinds = make_records(tables, chosen, source=named, system=system, kinds_by_id=known)
    _note_bare(kinds, done)
    done.refusals = [refusal for records in kinds for refusal in records.refusals]
    try:
        with db.write(
            actor=actor, reason=f"import {path.name}"[:200], pool=Pool.JOBS
        ) as connection:
            connection.execute(text("SET LOCAL enable_bitmapscan = off"))  # as import_file does
            for records in kinds:
                done.loaded[records.kind] = _load(connection, records, done)
            if dry_run:
                raise _RolledBackError  # noqa: TRY301 - the only way out that rolls back
    except _RolledBackError:
        pass
    except DBAPIError as error:
        raise explain_failure(error.orig, error) from error
    except psycopg.Error as error:  # COPY speaks to the driver directly
        raise explain_failure(error, error) from error
    return done


def _read_kinds(connection: Connection, ids: list[str]) -> dict[str, str]:
    """What the register knows of ids: their kinds."""
    rows = connection.execute(
        text(f"SELECT id::text, kind FROM {CORE}.asset WHERE id = ANY(CAST(:ids AS uuid[]))"),
        {"ids": ids},
    )
    return {row[0]: row[1] for row in rows}


def _note_bare(kinds: list[Records], done: SwmmImport) -> None:
    lines = [n for r in kinds for n, bare in zip(r.lines, r.is_bare, strict=True) if bare]
    if lines:
        told = Text(
            zh="{count} 个对象只剩标识,原说明已被其他软件去掉:登记中空缺的值不补",
            en="of {count} objects only the id is left, other software dropped their description:"
            " what the register lacks is not filled",
        ).format(count=len(lines))
        found = Finding("description_lost", "", "", len(lines), tuple(lines[:5]), told)
        done.findings.append(found)


_SAME = Text(zh="与文件中另一行是同一条记录", en="another line of the file is the same record")


def _load(connection: Connection, records: Records, done: SwmmImport) -> LoadCounts:
    """Add what is new; of what is known change what differs."""
    records = _refuse_repeats(records, done)
    stored = _read_stored(connection, records)
    at = _match(records, stored)
    again = pd.Series(at).duplicated().to_numpy() & (at >= 0)
    records, at = _refuse(records, again, done, _SAME), at[~again]
    known = at >= 0
    added = _add(connection, records.keep(~known), done)
    old, values, differs = _settle(records.keep(known), stored.iloc[at[known]])
    if differs.any():
        _change(connection, records.kind, old[differs], values[differs])
    changed = int(differs.sum())
    return LoadCounts(added=added, changed=changed, unchanged=int(known.sum()) - changed)


def _refuse_repeats(records: Records, done: SwmmImport) -> Records:
    """The first record of a code, and of an id, wins."""
    codes, ids = pd.Series(records.columns["code"]), pd.Series(records.ids, dtype=object)
    again = codes.duplicated() | (ids.duplicated() & ids.notna())
    return _refuse(
        records, again.to_numpy(dtype=bool), done,
        Text(zh="编号或标识在文件中重复", en="the code or id is twice in the file"),
    )  # fmt: skip


def _refuse(records: Records, where: Mask, done: SwmmImport, reason: Text) -> Records:
    for i in np.flatnonzero(where).tolist():
        value = str(records.columns["code"][i])
        done.refusals.append(
            Refusal(row=records.lines[i], field="code", value=value, reason=reason)
        )
    return records.keep(~where)


def _read_stored(connection: Connection, records: Records) -> pd.DataFrame:
    """Records of the register that may be one of these."""
    columns = ["id", "source", "source_code", *records.model, "wkb"]
    rows = connection.execute(
        text(
            f"SELECT id::text, source, source_code, {''.join(f'{n}, ' for n in records.model)}"
            f" ST_AsBinary(geometry) FROM {current[records.kind]}"
            " WHERE id = ANY(CAST(:ids AS uuid[]))"
            " OR (source = ANY(:sources) AND source_code = ANY(:codes))"
        ),
        {
            "ids": [i for i in records.ids if i is not None],
            "sources": list(set(records.columns["source"].tolist())),
            "codes": records.columns["source_code"].tolist(),
        },
    ).all()
    return pd.DataFrame([tuple(row) for row in rows], columns=columns, dtype=object)


def _match(records: Records, stored: pd.DataFrame) -> npt.NDArray[np.intp]:
    """For each record the row it has in the register: by id, else by source and its code there."""
    by_id = pd.Index(stored["id"]).get_indexer(pd.Index(records.ids, dtype=object))
    keys = pd.Series(list(zip(stored["source"], stored["source_code"], strict=True)), dtype=object)
    wanted = pd.Series(
        list(zip(records.columns["source"], records.columns["source_code"], strict=True)),
        dtype=object,
    )
    rows = pd.Series(np.arange(len(keys)), index=pd.Index(keys, tupleize_cols=False))
    by_key = wanted.map(rows[~rows.index.duplicated()]).fillna(-1).to_numpy(dtype=np.intp)
    return np.where(by_id >= 0, by_id, by_key)


def _settle(records: Records, stored: pd.DataFrame) -> tuple[pd.DataFrame, gpd.GeoDataFrame, Mask]:
    """The register's rows, the file's values in them, and where these say something else.

    What the file does not say, or says the same to its digits, stays as it is stored.
    """
    stored = stored.reset_index(drop=True)
    differs = np.zeros(len(stored), dtype=bool)
    made: dict[str, Any] = {name: stored[name] for name in ("source", "source_code")}
    for name in records.model:
        said, kept = pd.Series(records.columns[name], dtype=object), stored[name]
        silent = said.isna() | (kept.isna() & records.is_bare)
        suffix = "_mm" if name.endswith("_mm") else "_m"
        if name.endswith(suffix):
            apart = (said.astype(float) - kept.astype(float)).abs() > _NEAR[suffix]
        else:
            apart = said != kept
        other = ~silent & (apart | kept.isna())
        made[name] = kept.where(~other, said)
        differs |= other.to_numpy(dtype=bool)
    shapes = np.empty(len(stored), dtype=object)
    shapes[:] = [bytes(wkb) for wkb in stored["wkb"]]
    shapes = shapely.from_wkb(shapes)
    moved = ~shapely.equals_exact(shapes, records.geometry, tolerance=_NEAR_DEGREES)
    shapes = np.where(moved, records.geometry, shapes)
    frame = gpd.GeoDataFrame(made, geometry=shapes, crs=STORAGE_SRID)
    return stored, frame, differs | moved


def _change(
    connection: Connection, kind: str, stored: pd.DataFrame, frame: gpd.GeoDataFrame
) -> None:
    """Write them: a whole frame by source, one by one those that have no code at their source."""
    keyed = frame["source_code"].notna().to_numpy(dtype=bool)
    if keyed.any():
        store.load_rows(connection, kind, frame[keyed].reset_index(drop=True))
    names = [n for n in frame.columns if n not in ("source", "source_code", "geometry")]
    alone = frame[~keyed]
    for identifier, row in zip(stored.loc[~keyed, "id"], alone.to_dict("records"), strict=True):
        values = {n: None if pd.isna(row[n]) else row[n] for n in names}
        store.change(connection, kind, identifier, values | {"geometry": row["geometry"]})


def _add(connection: Connection, records: Records, done: SwmmImport) -> int:
    """Write new records, under the id the file gives them where nothing else ever had it."""
    records = _refuse_taken(connection, records, done)
    if not records.names:
        return 0
    asked = [i for i in records.ids if i is not None]
    used = _read_kinds(connection, asked)
    fresh = store.make_ids(len(records.names))
    ids = [i if i and i not in used else new for i, new in zip(records.ids, fresh, strict=True)]
    frame = gpd.GeoDataFrame(
        {name: pd.Series(column, dtype=object) for name, column in records.columns.items()},
        geometry=records.geometry,
        crs=STORAGE_SRID,
    )
    return store.load_rows(connection, records.kind, frame, ids=ids).added


def _refuse_taken(connection: Connection, records: Records, done: SwmmImport) -> Records:
    """Drop records whose code another one has: it is unique in the county."""
    found = connection.execute(
        text(f"SELECT code FROM {current[records.kind]} WHERE code = ANY(:codes)"),
        {"codes": records.columns["code"].tolist()},
    )
    taken = pd.Series(records.columns["code"]).isin(set(found.scalars())).to_numpy(dtype=bool)
    return _refuse(
        records, taken, done,
        Text(zh="编号已属于另一条记录", en="the code belongs to another record"),
    )  # fmt: skip
