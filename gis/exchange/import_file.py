"""A survey file into the tables: accepted rows in one transaction, refused rows back as a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import geopandas as gpd
import psycopg
import shapely
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from gis import store
from gis.attributes import Text
from gis.db.handle import Database, is_disk_full
from gis.db.roles import Pool
from gis.db.tables import county, current
from gis.errors import BusyError, InputError, SourceError, StorageFullError
from gis.exchange.mapping import ColumnMapping, propose_mapping
from gis.exchange.read_file import SourceTable, read_file
from gis.exchange.refusals import Finding, Refusal, make_finding, restore_formula, write_refused
from gis.exchange.shapes import choose_crs
from gis.exchange.validate import Verdict, validate_table
from gis.kinds import Record, get_kind
from gis.store import LoadCounts

Progress = Callable[[Text, int, int], None]
"""Told of a step: what is done, how far, out of how many."""

_STEPS = (
    Text(zh="读取文件", en="reading the file"),
    Text(zh="逐行校验", en="checking every row"),
    Text(zh="写入数据库", en="loading"),
    Text(zh="完成", en="done"),
)


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did: counts, verdicts, and the mapping it used."""

    kind: str
    file: str
    source: str
    layer: str | None
    crs: str
    encoding: str
    dry_run: bool
    read: int
    accepted: int
    refused: int
    added: int
    changed: int
    unchanged: int
    mapping: dict[str, str]
    unmapped: list[str]
    refusals: list[Refusal] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    refused_file: Path | None = None

    def summary(self) -> Text:
        """One line of counts."""
        return Text(
            zh=f"读入 {self.read},接受 {self.accepted},退回 {self.refused},"
            f"新增 {self.added},更改 {self.changed},未变 {self.unchanged}",
            en=f"read {self.read}, accepted {self.accepted}, refused {self.refused},"
            f" added {self.added}, changed {self.changed}, unchanged {self.unchanged}",
        )


def import_file(
    db: Database,
    path: Path,
    kind: str,
    *,
    actor: str,
    mapping: Mapping[str, str] | None = None,
    fixed: Mapping[str, str] | None = None,
    words: Mapping[str, Mapping[str, str]] | None = None,
    crs: str | None = None,
    layer: str | None = None,
    source: str | None = None,
    dry_run: bool = False,
    refused_folder: Path | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Read, judge and load one file of one kind; what it says of rows is in the report.

    ``mapping`` is attribute -> column (empty: leave out), ``fixed`` attribute -> literal on every
    row, ``words`` attribute -> the file's word -> the vocabulary's. ``source`` (else the file's
    name) and the rows' own codes are their identity: the same file again changes nothing. A dry
    run does everything in a transaction that is rolled back. Refused rows go to
    ``<name>.refused.csv`` in ``refused_folder`` (else the current folder).

    Raises SourceError (the file), NotFoundError (the kind), ParameterError (a fixed value),
    ConflictError, BusyError, StorageFullError (the load): in all of them nothing was written.
    """
    record = _writable_kind(kind)
    tell = progress or (lambda *_: None)
    tell(_STEPS[0], 0, 3)
    table = _read_rows(path, layer)
    chosen_crs = choose_crs(table.crs, crs)
    taken = {*(fixed or {})} | ({"source"} if source else set())
    chosen = propose_mapping(
        record,
        table.names,
        given=mapping,
        taken=taken,
        coordinates=table.geometries is None,
        truncated=table.driver == "ESRI Shapefile",
    )
    name = source or path.name
    tell(_STEPS[1], 1, 3)
    verdict = validate_table(
        record, table, chosen, chosen_crs, source=name, fixed=fixed, words=words
    )
    _note_crs(table, crs, verdict)
    tell(_STEPS[2], 2, 3)
    target = (refused_folder or Path.cwd()) / f"{_stem(path)}.refused.csv"

    def return_refused() -> None:
        if verdict.refusals:
            _write_refused(target, table, verdict, name)

    counts = _load(
        db, record, verdict, return_refused, actor=actor, file=path.name, dry_run=dry_run
    )
    report = _make_report(record, path, table, chosen, chosen_crs.to_string(), verdict, counts)
    refused_file = target if verdict.refusals else None
    report = replace(report, source=name, dry_run=dry_run, refused_file=refused_file)
    tell(_STEPS[3], 3, 3)
    return report


def _writable_kind(kind: str) -> type[Record]:
    record = get_kind(kind)
    if record.written_by_events:
        raise InputError(
            Text(
                zh="“{label}”由事件生成,不能直接导入",
                en="{kind} is written by its events: it cannot be imported directly",
            ).format(label=record.label.zh, kind=record.kind)
        )
    return record


def _read_rows(path: Path, layer: str | None) -> SourceTable:
    table = read_file(path, layer=layer)
    if table.count == 0:
        raise SourceError(
            Text(zh="“{name}”里没有记录", en="“{name}” holds no rows").format(name=path.name[:100])
        )
    if table.driver == "CSV":
        columns = [[restore_formula(v) for v in column] for column in table.columns]
        table = replace(table, columns=columns)
    return table


def _stem(path: Path) -> str:
    return path.name.split(".")[0] or "rows"


def _note_crs(table: SourceTable, given: str | None, verdict: Verdict) -> None:
    if given and table.crs and given.casefold() != table.crs.casefold():
        text = Text(
            zh="文件自称 {found},按给定的 {given} 处理",
            en="the file says {found}; {given} was given and used",
        ).format(found=table.crs.split("[")[0][:80], given=given[:80])
        verdict.findings.append(make_finding("crs", "geometry", table.crs[:80], [], text))


# --- the transaction ----------------------------------------------------------------------------


class _RolledBackError(Exception):
    """Ends a dry run's transaction."""


def _load(
    db: Database,
    kind: type[Record],
    verdict: Verdict,
    return_refused: Callable[[], None],
    *,
    actor: str,
    file: str,
    dry_run: bool,
) -> LoadCounts:
    """Load in one transaction; the refused rows are safe in their file before it commits."""
    counts = LoadCounts(added=0, changed=0, unchanged=0)
    if verdict.accepted.empty:
        return_refused()
        return counts
    try:
        with db.write(actor=actor, reason=f"import {file}"[:200], pool=Pool.JOBS) as connection:
            # Without statistics the planner looks codes up in the index of words, letter by letter
            # (2,000 of 10,000 took 7.6 s); that kind of index can only be scanned for a bitmap.
            connection.execute(text("SET LOCAL enable_bitmapscan = off"))
            _note_county(connection, verdict)
            _refuse_taken_codes(connection, kind, verdict)
            counts = load_frame(connection, kind, verdict.accepted, verdict.touched)
            return_refused()
            _end_dry_run(dry_run=dry_run)
    except _RolledBackError:
        return counts
    except DBAPIError as error:
        raise explain_failure(error.orig, error) from error
    except psycopg.Error as error:  # COPY speaks to the driver directly
        raise explain_failure(error, error) from error
    return counts


def _end_dry_run(*, dry_run: bool) -> None:
    if dry_run:
        raise _RolledBackError


def _write_refused(target: Path, table: SourceTable, verdict: Verdict, source: str) -> None:
    try:
        write_refused(target, table, verdict.geometries, verdict.refusals, source)
    except OSError as error:
        raise StorageFullError(
            Text(
                zh="无法写出退回文件 {path}:{reason};未写入任何记录",
                en="cannot write the refused rows to {path}: {reason}; nothing was loaded",
            ).format(path=target.name, reason=error.strerror)
        ) from error


def load_frame(
    connection: Connection, kind: type[Record], frame: gpd.GeoDataFrame, touched: list[str]
) -> LoadCounts:
    """Add new rows whole; of known rows change only the columns the file speaks about.

    Rows are known by (source, source_code); ``touched`` names the columns of a file.
    """
    if frame.empty:
        return LoadCounts(added=0, changed=0, unchanged=0)
    rows = connection.execute(
        text(
            f"SELECT source, source_code FROM {current[kind.kind]}"
            " WHERE source = ANY(:sources) AND source_code = ANY(:codes)"
        ),
        {"sources": frame["source"].unique().tolist(), "codes": frame["source_code"].tolist()},
    )
    known = {(r.source, r.source_code) for r in rows}
    is_known = [key in known for key in zip(frame["source"], frame["source_code"], strict=True)]
    old = frame.loc[is_known, touched]
    new = frame.loc[[not k for k in is_known]]
    parts: list[gpd.GeoDataFrame] = [p for p in (old, new) if len(p)]
    counts = [store.load_rows(connection, kind.kind, part) for part in parts]
    return LoadCounts(
        added=sum(c.added for c in counts),
        changed=sum(c.changed for c in counts),
        unchanged=sum(c.unchanged for c in counts),
    )


def _refuse_taken_codes(connection: Connection, kind: type[Record], verdict: Verdict) -> None:
    """Refuse rows whose code another record has: the code of a kind is unique in the county."""
    frame = verdict.accepted
    rows = connection.execute(
        text(
            f"SELECT code, source, source_code FROM {current[kind.kind]} WHERE code = ANY(:codes)"
        ),
        {"codes": frame["code"].tolist()},
    )
    holders = {r.code: (r.source, r.source_code) for r in rows}
    keep: list[bool] = []
    keys = zip(frame["code"], frame["source"], frame["source_code"], verdict.rows, strict=True)
    for code, source, source_code, row in keys:
        holder = holders.get(code, (source, source_code))
        keep.append(holder == (source, source_code))
        if not keep[-1]:
            reason = Text(
                zh="编号已属于来源“{source}”的记录",
                en="the code belongs to a record of source “{source}”",
            ).format(source=str(holder[0])[:80])
            verdict.refusals.append(Refusal(row=row + 1, field="code", value=code, reason=reason))
    if not all(keep):
        verdict.accepted = frame.loc[keep].reset_index(drop=True)
        verdict.rows = [r for r, k in zip(verdict.rows, keep, strict=True) if k]


def _note_county(connection: Connection, verdict: Verdict) -> None:
    """A finding for rows outside the county's extent; they are loaded all the same."""
    wkb = connection.execute(text(f"SELECT ST_AsBinary(extent) FROM {county} LIMIT 1")).scalar()
    if wkb is None:
        return
    extent = shapely.from_wkb(bytes(wkb))
    shapely.prepare(extent)
    outside = ~shapely.intersects(extent, verdict.accepted.geometry.to_numpy())
    rows = [row for row, out in zip(verdict.rows, outside, strict=True) if out]
    if rows:
        message = Text(
            zh="{count} 行在本县范围之外", en="{count} rows lie outside the county"
        ).format(count=len(rows))
        verdict.findings.append(make_finding("outside_county", "geometry", "", rows, message))


def explain_failure(cause: BaseException | None, error: Exception) -> Exception:
    """What the database said of a load, as one of our errors where it is one."""
    if is_disk_full(cause):
        return StorageFullError(
            Text(zh="磁盘已满,未写入任何记录", en="the disk is full; nothing was loaded")
        )
    if isinstance(cause, psycopg.OperationalError):
        return BusyError(
            Text(
                zh="数据库连接中断或繁忙,未写入任何记录;请稍后重试",
                en="the database was lost or is busy; nothing was loaded: try again",
            )
        )
    return error


def _make_report(
    kind: type[Record],
    path: Path,
    table: SourceTable,
    chosen: ColumnMapping,
    crs: str,
    verdict: Verdict,
    counts: LoadCounts,
) -> ImportReport:
    refused = len({r.row for r in verdict.refusals})
    used = {f: c for f, c in chosen.columns.items() if c not in verdict.dropped}
    return ImportReport(
        kind=kind.kind,
        file=path.name,
        source="",
        layer=table.layer,
        crs=crs,
        encoding=table.encoding,
        dry_run=False,
        read=table.count,
        accepted=table.count - refused,
        refused=refused,
        added=counts.added,
        changed=counts.changed,
        unchanged=counts.unchanged,
        mapping=used,
        unmapped=[*chosen.unmapped, *verdict.dropped],
        refusals=sorted(verdict.refusals, key=lambda r: r.row),
        findings=verdict.findings,
    )
