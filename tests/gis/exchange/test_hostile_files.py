"""A file made to harm is refused in both languages; nothing else is read, nothing hangs."""

import gzip
import sqlite3
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gis.errors import SourceError
from gis.exchange.read_file import read_file
from tests.conftest import OneTransaction
from tests.gis.exchange.test_import_file import bring, stored

VRT = """<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>{target}</SrcDataSource>
<SrcLayer>x</SrcLayer></OGRVRTLayer></OGRVRTDataSource>"""


def refuse(path: Path) -> SourceError:
    with pytest.raises(SourceError) as caught:
        read_file(path)
    assert caught.value.message.zh != caught.value.message.en
    return caught.value


@pytest.mark.parametrize("name", ["a.geojson", "a.gpkg", "a.csv", "a.shp"])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 4096,
        b"\x89PNG\r\n\x1a\n" + b"x" * 100,
        b"%PDF-1.7 a,b,c\n",
        b"hello",
        b"<html>a,b</html>",
        VRT.format(target="/etc/passwd").encode(),
        VRT.format(target="/vsicurl/http://127.0.0.1:9/x").encode(),
    ],
    ids=["empty", "zeros", "png", "pdf", "words", "html", "vrt of a file", "vrt of a url"],
)
def test_what_is_no_survey_file_is_refused_whatever_its_name(
    tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    refuse(path)


@pytest.mark.parametrize(
    "content",
    [
        b'{"type": "FeatureCollection", "features": [',
        b"{" * 100_000,
        b'{"type":"Topology","objects":{}}',
        b"{}",
        b'{"connectionString": "x", "type": "gdal_streamed_alg"}',
        b"SQLite format 3\x00" + b"\xff" * 4096,
        b"\x00\x00\x27\x0a" + b"\xff" * 200,
        b"\x1f\x8b" + b"\x00" * 50,
        b"PK\x03\x04" + b"\x00" * 50,
        b'a,b\n1,2\n"3,4,5,6\n7,8,9,10,11\n',
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(content)
    path.with_suffix(".dbf").write_bytes(b"\x03" * 40)
    refuse(path)


def test_a_geopackage_with_an_endless_view_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(1, 2)], crs=4490).to_file(path)
    with sqlite3.connect(path) as connection:
        connection.execute(
            "CREATE VIEW evil AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n)"
            " SELECT max(x) AS x FROM n"
        )
        connection.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)"
            " VALUES ('evil', 'features', 'evil', 4490)"
        )
    assert "evil" in refuse(path).message.zh


def test_a_geopackage_with_a_foreign_trigger_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(1, 2)], crs=4490).to_file(path)
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TRIGGER evil AFTER INSERT ON a BEGIN SELECT 1; END")
    assert "evil" in refuse(path).message.en


def test_an_archive_that_unpacks_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", b"0," * 10_000_000)
    assert "ratio" in refuse(path).message.en
    bomb = tmp_path / "bomb.csv.gz"
    with gzip.open(bomb, "wb", compresslevel=1) as packed:
        for _ in range(510):
            packed.write(b"0," * 524_288)
    assert "500 MB" in refuse(bomb).message.en


def test_names_in_an_archive_cannot_leave_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../../outside.csv", "code,lon,lat\nA,99,25\n")
    assert read_file(path).count == 1
    assert not list(tmp_path.parent.glob("**/outside.csv"))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/b.csv", "x,y\n1,2\n")
        archive.writestr("c/d.csv", "x,y\n1,2\n")
    assert refuse(path).facts["layers"] == ["b", "d"]


def test_layers_are_named_when_one_must_be_chosen(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    frame = gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(1, 2)], crs=4490)
    frame.to_file(path, layer="井")
    frame.to_file(path, layer="管")
    error = refuse(path)
    assert error.facts["layers"] == ["井", "管"]
    assert read_file(path, layer="管").layer == "管"


def test_ten_million_vertices_are_refused_and_the_rest_is_loaded(
    db: OneTransaction, tmp_path: Path
) -> None:
    angle = np.linspace(0, 2 * np.pi, 10_000_000, endpoint=False)
    ring = np.column_stack([99 + np.cos(angle) / 10, 25 + np.sin(angle) / 10])
    shapes = [shapely.polygons(ring), shapely.box(99, 25, 99.1, 25.1)]
    path = tmp_path / "a.gpkg"
    gpd.GeoDataFrame({"code": ["big", "small"]}, geometry=shapes, crs=4490).to_file(path)
    del shapes, ring, angle
    report = bring(db, path, "pocket_park")
    assert [(r.row, r.field) for r in report.refusals] == [(1, "geometry")]
    assert "10000001" in report.refusals[0].reason.en
    assert stored(db, "code", "pocket_park") == [("small",)]


def test_ten_million_vertices_of_geojson_are_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    with path.open("w") as file:
        file.write('{"type":"FeatureCollection","features":[{"type":"Feature","properties":{},')
        file.write('"geometry":{"type":"Polygon","coordinates":[[')
        for _ in range(100):
            file.write("[99,25]," * 100_000)
        file.write("[99,25]]]}}]}")
    refuse(path)


def test_text_that_looks_like_sql_stays_text(db: OneTransaction, tmp_path: Path) -> None:
    attack = "'; DROP TABLE core.sewer_manhole; --"
    path = tmp_path / "a.csv"
    path.write_text(f'code,name,note,system,lon,lat\n"{attack}","{attack}","%s $1",storm,99,25\n')
    assert bring(db, path, "sewer_manhole", crs="EPSG:4490").accepted == 1
    assert stored(db, "code, name, note", "sewer_manhole") == [(attack, attack, "%s $1")]
