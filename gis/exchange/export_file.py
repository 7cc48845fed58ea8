"""Stored rows as a file: GeoPackage, GeoJSON or CSV, with only what the reader may see.

The CRS and the height datum travel with it: in the GeoPackage's metadata, and for every format
in ``<name>.metadata.json`` beside the file.
"""

from __future__ import annotations

import csv
import errno
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import geopandas as gpd
import pandas as pd
import pyogrio
import shapely

from gis import frames
from gis.attributes import Language, Text
from gis.db.handle import Database
from gis.db.roles import Pool
from gis.errors import ParameterError, StorageFullError
from gis.exchange.refusals import neutralize_formula
from gis.geometry import DATUM_NOTE, STORAGE_SRID, WGS84_SRID, BBox
from gis.kinds import Record, declared, get_kind

_DRIVERS = {".gpkg": "GPKG", ".geojson": "GeoJSON", ".json": "GeoJSON", ".csv": "CSV"}


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was written where."""

    path: Path
    metadata_path: Path
    kind: str
    rows: int
    crs: Text


def export_file(
    db: Database,
    kind: str,
    path: Path,
    *,
    pool: Pool,
    bbox: BBox | Sequence[float] | None = None,
    as_of: datetime | None = None,
    language: Language = Language.ZH,
) -> ExportReport:
    """Write a kind's rows to ``path``; the suffix is the format (.gpkg, .geojson, .csv).

    Columns carry attribute names, so that the file can be imported again; ``language`` is that
    of the labels in the metadata. The file appears whole or not at all. Raises NotFoundError
    (kind), ForbiddenError (not for this pool), ParameterError (format, box), StorageFullError.
    """
    driver = _DRIVERS.get(path.suffix.casefold())
    if driver is None:
        raise ParameterError(
            Text(
                zh="不支持的格式 {suffix};可用 .gpkg .geojson .csv",
                en="no format {suffix}; there are .gpkg .geojson .csv",
            ).format(suffix=path.suffix[:20])
        )
    record = get_kind(kind)
    frame = _as_plain(frames.read(record.kind, bbox=bbox, as_of=as_of, db=db, pool=pool))
    about = _describe(record, frame, language=language, as_of=as_of, pool=pool)
    metadata_path = path.with_name(f"{path.name}.metadata.json")
    draft = path.with_name(f".{uuid4().hex}{path.suffix}")
    try:
        _write(frame, draft, driver, record, about)
        metadata_path.write_text(
            json.dumps(about, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
        )
        draft.replace(path)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFullError(
                Text(zh="磁盘已满,未导出", en="the disk is full; nothing was exported")
            ) from error
        raise
    finally:
        draft.unlink(missing_ok=True)
    return ExportReport(
        path=path, metadata_path=metadata_path, kind=kind, rows=len(frame), crs=DATUM_NOTE
    )


def _as_plain(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Columns every format holds: text, numbers, truth values; days and moments as ISO text."""
    plain = frame.reset_index()
    for name in plain.columns:
        column = plain[name]
        if name == "geometry":
            continue
        if isinstance(column.dtype, pd.CategoricalDtype):
            plain[name] = column.astype(object).where(column.notna(), None)
        elif pd.api.types.is_datetime64_any_dtype(column.dtype):
            is_day = column.dt.tz is None
            plain[name] = [
                None if pd.isna(v) else v.date().isoformat() if is_day else v.isoformat()
                for v in column
            ]
        elif name == "missing":
            plain[name] = [json.dumps(v, ensure_ascii=False) if v else None for v in column]
    return plain


def _describe(
    kind: type[Record],
    frame: gpd.GeoDataFrame,
    *,
    language: Language,
    as_of: datetime | None,
    pool: Pool,
) -> dict[str, Any]:  # Any: plain JSON
    about = declared(kind)
    return {
        "kind": kind.kind,
        "title": kind.label.get(language),
        "crs": DATUM_NOTE.as_dict(),
        "epsg": STORAGE_SRID,
        "rows": len(frame),
        "as_of": as_of.isoformat() if as_of else None,
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "exported_for": pool.value,
        "attributes": {
            name: {
                "label": about[name].text.get(language),
                "unit": unit.symbol if (unit := about[name].unit) else None,
            }
            for name in frame.columns
            if name in about
        },
    }


def _write(
    frame: gpd.GeoDataFrame,
    path: Path,
    driver: str,
    kind: type[Record],
    about: dict[str, Any],  # Any: plain JSON
) -> None:
    if driver == "CSV":
        _write_csv(frame, path)
        return
    notes = {"CRS_ZH": DATUM_NOTE.zh, "CRS_EN": DATUM_NOTE.en, "TITLE": about["title"]}
    options: dict[str, Any] = {"layer_metadata": notes}  # Any: GDAL's own
    if driver == "GeoJSON":
        # RFC 7946 knows one CRS; WGS 84 and CGCS2000 are treated as one datum.
        frame = frame.set_crs(WGS84_SRID, allow_override=True)
        options = {"layer_options": {"RFC7946": "YES", "COORDINATE_PRECISION": "15"}}
    try:
        pyogrio.write_dataframe(frame, path, layer=kind.kind, driver=driver, **options)
    except pyogrio.errors.DataSourceError as error:
        if "No space left" in str(error) or "disk is full" in str(error):
            raise OSError(errno.ENOSPC, str(error)) from error
        raise


def _write_csv(frame: gpd.GeoDataFrame, path: Path) -> None:
    """UTF-8 with BOM (Excel reads it as such), geometry as WKT, no cell a spreadsheet would run."""
    names = [n for n in frame.columns if n != "geometry"]
    wkt = shapely.to_wkt(frame.geometry.to_numpy(), rounding_precision=-1)
    columns = [frame[n].astype(object).where(frame[n].notna(), None).tolist() for n in names]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*names, "geometry_wkt"])
        for cells in zip(*columns, wkt, strict=True):
            writer.writerow([neutralize_formula(c) for c in cells])
