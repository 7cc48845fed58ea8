"""Every row of a source table through its kind and the geometry gate: accepted or refused."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import orjson
import pandas as pd
import pyproj
import shapely
from pydantic_core import ErrorDetails

from gis.attributes import Text, Vocabulary
from gis.errors import ParameterError
from gis.exchange.convert import ConvertedColumn, convert_column, make_converter
from gis.exchange.judge_columns import Column, judge_columns
from gis.exchange.mapping import COORDINATES, REFUSED_COLUMNS, ColumnMapping, unit_of_column
from gis.exchange.open_file import Values
from gis.exchange.read_file import SourceTable
from gis.exchange.refusals import Finding, Refusal, make_finding
from gis.exchange.shapes import build_geometries, judge_geometries, to_storage
from gis.geometry import STORAGE_SRID, Geometries
from gis.kinds import Record, declared

Cells = dict[str, Values]
"""By attribute one cell per row, None where the row says nothing."""

_NOTICED = {
    "sentinel": Text(
        zh="{count} 行的“{value}”按缺失处理", en="“{value}” in {count} rows means missing"
    ),
    "unknown_word": Text(
        zh="{count} 行的“{value}”不在词表中,按缺失记录",
        en="“{value}” in {count} rows is not in the vocabulary: recorded as missing",
    ),
    "unit": Text(
        zh="{count} 行的“{value}”按所写单位换算",
        en="“{value}” in {count} rows was converted from its unit",
    ),
    "year_only": Text(
        zh="{count} 行只有年份“{value}”,不作日期",
        en="{count} rows hold only the year “{value}”: not a date",
    ),
    "year_of_date": Text(
        zh="{count} 行的“{value}”取其年份", en="the year was taken of “{value}” in {count} rows"
    ),
}
_PYDANTIC = {
    "missing": Text(zh="必填,缺少", en="required, and missing"),
    "greater_than_equal": Text(zh="应不小于 {ge}", en="must be at least {ge}"),
    "greater_than": Text(zh="应大于 {gt}", en="must be more than {gt}"),
    "less_than_equal": Text(zh="应不大于 {le}", en="must be at most {le}"),
    "less_than": Text(zh="应小于 {lt}", en="must be less than {lt}"),
    "string_too_long": Text(
        zh="过长,最多 {max_length} 个字符", en="too long: at most {max_length} characters"
    ),
    "int_from_float": Text(zh="应为整数", en="must be a whole number"),
    "string_pattern_mismatch": Text(zh="含不允许的字符", en="holds characters not allowed"),
}


@dataclass(slots=True)
class Verdict:
    """Accepted rows as a frame ready to load, the refused ones with reasons, and findings.

    ``accepted`` has every attribute of the kind and its geometry (storage CRS); ``touched`` are
    the columns the file speaks about; ``rows`` the row (from 0) of each accepted record.
    ``geometries`` are those of the file, in its own CRS.
    """

    accepted: gpd.GeoDataFrame
    touched: list[str]
    rows: list[int]
    geometries: Geometries
    refusals: list[Refusal] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)


def validate_table(
    kind: type[Record],
    table: SourceTable,
    mapping: ColumnMapping,
    crs: pyproj.CRS,
    *,
    source: str,
    fixed: Mapping[str, str] | None = None,
    words: Mapping[str, Mapping[str, str]] | None = None,
) -> Verdict:
    """Judge every row; nothing is repaired, what was noticed is a finding.

    ``fixed`` are attributes the same on every row, ``words`` by attribute the file's words for
    the vocabulary's. ParameterError when a fixed value is not one of its attribute.
    """
    constants = convert_fixed(kind, fixed or {})
    refused: dict[int, list[Refusal]] = {}
    findings: list[Finding] = []
    columns, dropped = _convert_columns(kind, table, mapping, words or {}, findings)
    raw_shapes, broken = build_geometries(table, mapping)
    _note_losses(table, findings)
    for name, column in columns.items():
        raw = table.column(mapping.columns[name])
        for row, reason in column.faults.items():
            _refuse(refused, row, name, raw[row], reason)
    cells = _gather_cells(kind, table, columns, constants, source)
    _add_keys(cells, table, raw_shapes, findings)
    shapes, faults = judge_geometries(
        table, to_storage(raw_shapes, crs), broken, kind.geometry_type
    )
    for row, error in faults.items():
        _refuse(refused, row, "geometry", "", error.message)
    judged = _judge_cells(kind, cells, table.count, refused)
    _refuse_repeats(judged, refused)
    kept = [i for i in range(table.count) if i not in refused]
    touched = [n for n in declared(kind) if n in columns or n in constants or n in _IDENTITY]
    if any(c.years for c in columns.values()) and "built_year" in kind.model_fields:
        touched.append("built_year")
    return Verdict(
        accepted=_make_frame(judged, kept, shapes),
        touched=[*dict.fromkeys(touched), "geometry"],
        rows=kept,
        geometries=raw_shapes,
        refusals=[r for reasons in refused.values() for r in reasons],
        findings=findings,
        dropped=dropped,
    )


_IDENTITY = ("code", "source", "source_code", "missing")


def convert_fixed(kind: type[Record], fixed: Mapping[str, str]) -> dict[str, Any]:
    """Literals given for every row, as values of their attributes; ParameterError otherwise."""
    values: dict[str, Any] = {}  # Any: values of any attribute
    for name, literal in fixed.items():
        if name not in declared(kind) or name == "missing":
            raise ParameterError(
                Text(zh="没有属性 {name}", en="no attribute {name}").format(name=name[:64])
            )
        cell = make_converter(kind, name)(literal)
        if cell.fault is not None or cell.missing is not None or cell.value is None:
            raise ParameterError(
                Text(
                    zh="“{literal}”不是 {name} 的值", en="“{literal}” is not a value of {name}"
                ).format(literal=literal[:80], name=name)
            )
        values[name] = cell.value
    return values


def _convert_columns(
    kind: type[Record],
    table: SourceTable,
    mapping: ColumnMapping,
    words: Mapping[str, Mapping[str, str]],
    findings: list[Finding],
) -> tuple[dict[str, ConvertedColumn], list[str]]:
    columns: dict[str, ConvertedColumn] = {}
    dropped: list[str] = []
    for name, source_column in mapping.columns.items():
        if name in COORDINATES:
            continue
        raw = table.column(source_column)
        column = convert_column(
            kind, name, raw, words=words.get(name), unit=unit_of_column(source_column)
        )
        if name not in mapping.explicit and _is_another_word(kind, name, column):
            dropped.append(source_column)
            findings.append(_dropped_finding(kind, name, source_column))
            continue
        columns[name] = column
        for (rule, value), rows in column.noticed.items():
            text = _NOTICED[rule].format(count=len(rows), value=value)
            findings.append(make_finding(rule, name, value, rows, text))
    return columns, dropped


def _is_another_word(kind: type[Record], name: str, column: ConvertedColumn) -> bool:
    """Whether a column proposed by name alone holds no word of the optional vocabulary it hit."""
    info = kind.model_fields[name]
    is_vocabulary = any(
        isinstance(arm, type) and issubclass(arm, Vocabulary)
        for arm in (info.annotation, *getattr(info.annotation, "__args__", ()))
    )
    strange = bool(column.faults) or any(rule == "unknown_word" for rule, _ in column.noticed)
    return (
        is_vocabulary
        and not info.is_required()
        and strange
        and all(v is None for v in column.values)
    )


def _dropped_finding(kind: type[Record], name: str, column: str) -> Finding:
    label = declared(kind)[name].text
    return make_finding(
        "not_mapped",
        name,
        column,
        [],
        Text(
            zh=f"列“{column}”中没有“{label.zh}”的词,未对应",
            en=f"column “{column}” holds no word of “{label.en}”: not mapped",
        ),
    )


def _note_losses(table: SourceTable, findings: list[Finding]) -> None:
    for name, rows in table.lost.items():
        text = Text(
            zh="“{name}”有 {count} 处文字无法解码,已标为 \ufffd",
            en="{count} cells of “{name}” did not decode: marked \ufffd",
        ).format(name=name, count=len(rows))
        findings.append(make_finding("encoding", name, table.encoding, rows, text))
    for warning in table.warnings:
        said = Text(zh="读取提示:{said}", en="the reader said: {said}").format(said=warning)
        findings.append(make_finding("reader", "", "", [], said))


def _refuse(
    refused: dict[int, list[Refusal]], row: int, name: str, value: object, reason: Text
) -> None:
    shown = "" if value is None else str(value)[:200]
    refused.setdefault(row, []).append(Refusal(row=row + 1, field=name, value=shown, reason=reason))


def _gather_cells(
    kind: type[Record],
    table: SourceTable,
    columns: Mapping[str, ConvertedColumn],
    constants: Mapping[str, Any],  # Any: values of any attribute
    source: str,
) -> Cells:
    """Attribute -> its cells, None where a row says nothing; constants win over columns."""
    cells: Cells = {"source": [source] * table.count, "missing": _read_missing(kind, table)}
    years: dict[int, int] = {}
    for name, column in columns.items():
        cells[name] = column.values
        for i, reason in column.missing.items():
            cells["missing"][i][name] = reason
        years = column.years | years
    if "source" in columns:
        cells["source"] = [source if v is None else v for v in cells["source"]]
    if years and "built_year" in kind.model_fields:
        built = list(cells.get("built_year") or [None] * table.count)
        for i, year in years.items():
            built[i] = year if built[i] is None else built[i]
        cells["built_year"] = built
    return cells | {name: [value] * table.count for name, value in constants.items()}


def _read_missing(kind: type[Record], table: SourceTable) -> list[dict[str, str]]:
    """Reasons of absence from our own export's ``missing`` column; empty ones otherwise."""
    if "missing" not in table.names:
        return [{} for _ in range(table.count)]
    reasons: list[dict[str, str]] = []
    for cell in table.column("missing"):
        try:
            found = orjson.loads(cell) if isinstance(cell, str) else {}
        except orjson.JSONDecodeError:
            found = {}
        known = found.items() if isinstance(found, dict) else ()
        reasons.append({k: str(v)[:200] for k, v in known if k in kind.model_fields})
    return reasons


def _add_keys(
    cells: Cells, table: SourceTable, shapes: Geometries, findings: list[Finding]
) -> None:
    """Give every row its code and source code; where the file has none, one derived from it.

    The derived key is a hash of the row as it stands in the file, so that the same file gives
    the same keys and a re-import recognises its rows.
    """
    nothing: Values = [None] * table.count
    codes, source_codes = cells.get("code", nothing), cells.get("source_code", nothing)
    keys = [s or c for s, c in zip(source_codes, codes, strict=True)]
    own = [c for n, c in zip(table.names, table.columns, strict=True) if n not in REFUSED_COLUMNS]
    derived = [i for i, key in enumerate(keys) if key is None]
    for i in derived:
        digest = hashlib.blake2b(digest_size=8)
        digest.update(shapely.to_wkb(shapes[i]) if shapes[i] is not None else b"")
        digest.update(orjson.dumps([c[i] for c in own]))
        keys[i] = f"AUTO-{digest.hexdigest()}"
    for name, said in (("code", codes), ("source_code", source_codes)):
        cells[name] = [k if v is None else v for v, k in zip(said, keys, strict=True)]
    if derived:
        text = Text(
            zh="{count} 行没有编号:编号由内容导出",
            en="{count} rows have no code: one is derived from their content",
        ).format(count=len(derived))
        findings.append(make_finding("derived_code", "code", "", derived, text))


# --- through Pydantic ---------------------------------------------------------------------------


def _judge_cells(
    kind: type[Record], cells: Cells, count: int, refused: dict[int, list[Refusal]]
) -> dict[str, Column]:
    """Every attribute as plain JSON values; what the kind does not take refuses its row."""
    judged, faults = judge_columns(kind, cells, count)
    for name, wrong in faults.items():
        for row, fault in wrong.items():
            if not any(r.field == name for r in refused.get(row, ())):
                _refuse(refused, row, name, fault["input"], _explain(fault))
    return judged


def _explain(fault: ErrorDetails) -> Text:
    known = _PYDANTIC.get(fault["type"])
    if known is not None:
        return known.format(**fault.get("ctx", {}))
    said = str(fault["msg"])[:200]
    return Text(zh=f"值无效:{said}", en=f"not valid: {said}")


def _refuse_repeats(judged: Mapping[str, Column], refused: dict[int, list[Refusal]]) -> None:
    """The first acceptable row of a code wins; the others name it in their reason."""
    keys = pd.DataFrame({name: judged[name] for name in ("code", "source", "source_code")})
    keys = keys.drop(index=list(refused))
    repeated = keys.duplicated("code", keep=False) | keys.duplicated(
        ["source", "source_code"], keep=False
    )
    first: dict[tuple[str, ...], int] = {}
    for i, code, source, source_code in keys[repeated].itertuples():
        own = (("code", code), ("key", source, source_code))
        earlier = next((first[k] for k in own if k in first), None)
        if earlier is None:
            first.update(dict.fromkeys(own, i))
            continue
        reason = Text(zh="编号与第 {row} 行重复", en="the same code as row {row}").format(
            row=earlier + 1
        )
        _refuse(refused, i, "code", code, reason)


def _make_frame(
    judged: Mapping[str, Column], kept: Sequence[int], shapes: Geometries
) -> gpd.GeoDataFrame:
    chosen = np.array(kept, dtype=int)
    columns = {name: pd.Series(column[chosen], dtype=object) for name, column in judged.items()}
    return gpd.GeoDataFrame(columns, geometry=shapes[chosen], crs=STORAGE_SRID)
