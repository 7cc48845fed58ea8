"""What is exported is what the reader may see, and comes back unchanged."""

import csv
import json
import sqlite3
from pathlib import Path

import geopandas as gpd
import pytest
from sqlalchemy import text

from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.errors import ForbiddenError, ParameterError
from gis.exchange.export_file import export_file
from gis.exchange.import_file import import_file
from tests.conftest import OneTransaction
from tests.gis.exchange.test_import_file import CHINESE, bring, stored, write_pipes


@pytest.mark.parametrize("suffix", ["gpkg", "geojson", "csv"])
def test_an_export_comes_back_unchanged(db: OneTransaction, tmp_path: Path, suffix: str) -> None:
    rows = [{**row, "备注": words} for row, words in zip(CHINESE, FORMULAS, strict=False)]
    bring(db, write_pipes(tmp_path / "a.gpkg", rows))
    before = stored(db, "code, diameter_mm, missing, note, version, ST_AsBinary(geometry)")
    report = export_file(db, "sewer_pipe", tmp_path / f"out.{suffix}", pool=Pool.STAFF)
    assert report.rows == 3
    again = bring(db, report.path, crs="EPSG:4490", refused_folder=tmp_path)
    assert (again.read, again.added, again.changed, again.unchanged) == (3, 0, 0, 3)
    after = stored(db, "code, diameter_mm, missing, note, version, ST_AsBinary(geometry)")
    assert after == before


FORMULAS = ["=1+1", "@SUM(A1)", "-2+3", "+x", "\tx"]


def test_a_csv_holds_no_formula_and_opens_as_utf_8(db: OneTransaction, tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"code": str(i), "system": "storm", "note": words} for i, words in enumerate(FORMULAS)
    ]
    bring(db, write_pipes(tmp_path / "a.gpkg", rows))
    path = export_file(db, "sewer_pipe", tmp_path / "out.csv", pool=Pool.STAFF).path
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        cells = [c for row in csv.DictReader(file) for c in row.values()]
    assert not [c for c in cells if c.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_the_datum_travels_with_the_file(db: OneTransaction, tmp_path: Path) -> None:
    bring(db, write_pipes(tmp_path / "a.gpkg", CHINESE))
    report = export_file(db, "sewer_pipe", tmp_path / "out.gpkg", pool=Pool.STAFF)
    about = json.loads(report.metadata_path.read_text(encoding="utf-8"))
    assert about["epsg"] == 4490
    assert "1985" in about["crs"]["zh"]
    assert about["attributes"]["diameter_mm"] == {"label": "管径", "unit": "mm"}
    assert gpd.read_file(report.path).crs.to_epsg() == 4490
    with sqlite3.connect(report.path) as inside:
        notes = inside.execute("SELECT metadata FROM gpkg_metadata").fetchone()[0]
    assert "1985" in notes


def test_a_box_narrows_an_export(db: OneTransaction, tmp_path: Path) -> None:
    bring(db, write_pipes(tmp_path / "a.gpkg", CHINESE))
    report = export_file(
        db, "sewer_pipe", tmp_path / "out.csv", pool=Pool.STAFF, bbox=(98, 25.0005, 100, 26)
    )
    assert report.rows == 2


def test_an_unknown_format_is_named(db: OneTransaction, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="xlsx"):
        export_file(db, "sewer_pipe", tmp_path / "out.xlsx", pool=Pool.STAFF)


def test_what_a_reader_may_not_see_is_in_no_byte_of_the_file(
    fresh_database: PooledDatabase, tmp_path: Path
) -> None:
    rows: list[dict[str, object]] = [
        {"code": "A", "system": "storm", "up_invert_m": 1653.217, "responsible": "张三丰"}
    ]
    path = write_pipes(tmp_path / "a.geojson", rows)
    import_file(fresh_database, path, "sewer_pipe", actor="test", refused_folder=tmp_path)
    with pytest.raises(ForbiddenError):
        export_file(fresh_database, "sewer_pipe", tmp_path / "p.csv", pool=Pool.PUBLIC)
    for suffix in ("csv", "geojson", "gpkg"):
        staff = export_file(fresh_database, "sewer_pipe", tmp_path / f"s.{suffix}", pool=Pool.STAFF)
        field = export_file(fresh_database, "sewer_pipe", tmp_path / f"f.{suffix}", pool=Pool.FIELD)
        assert "张三丰".encode() in staff.path.read_bytes()
        for secret in ("张三丰", "1653.217", "up_invert_m", "responsible"):
            assert secret.encode() not in field.path.read_bytes()
    with fresh_database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM core.sewer_pipe")).scalar() == 1
