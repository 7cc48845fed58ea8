"""A survey file is judged row by row; what is accepted is there, what is refused comes back."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import geopandas as gpd
import pytest
from shapely import LineString, Point, from_wkb
from sqlalchemy import create_engine, text

from gis.db.cluster import Cluster
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.errors import InputError, NotFoundError, ParameterError, SourceError
from gis.exchange.import_file import ImportReport, import_file
from tests.conftest import OneTransaction


def write_pipes(path: Path, rows: Sequence[Mapping[str, object]], **options: object) -> Path:
    lines = [LineString([(99, 25 + i / 1000), (99.01, 25 + i / 1000)]) for i in range(len(rows))]
    gpd.GeoDataFrame(rows, geometry=lines, crs=4490).to_file(path, **options)
    return path


def bring(
    db: OneTransaction, path: Path, kind: str = "sewer_pipe", **options: object
) -> ImportReport:
    options.setdefault("refused_folder", path.parent)
    return import_file(db, path, kind, actor="test", **options)  # type: ignore[arg-type]


def stored(db: OneTransaction, columns: str, kind: str = "sewer_pipe") -> list[tuple[object, ...]]:
    with db.read() as connection:
        rows = connection.execute(text(f"SELECT {columns} FROM core.{kind} ORDER BY code"))
        return [tuple(r) for r in rows]


CHINESE: list[dict[str, object]] = [
    {"编号": "W1", "管线类型": "污水", "管径(mm)": "300 mm", "材质": "砼", "起点高程": 0.0},
    {"编号": "W2", "管线类型": "YS", "管径(mm)": "DN400", "材质": "HDPE", "起点高程": 1653.2},
    {"编号": "W3", "管线类型": "雨污合流", "管径(mm)": "-1", "材质": "泡沫", "起点高程": 9999.0},
    {"编号": "W4", "管线类型": "蒸汽", "管径(mm)": "300", "材质": "PE", "起点高程": 1650.0},
    {"编号": "W1", "管线类型": "污水", "管径(mm)": "300", "材质": "PE", "起点高程": 1650.0},
]


@pytest.mark.parametrize("suffix", ["gpkg", "geojson", "shp", "csv", "csv.gz", "zip"])
def test_every_format_gives_the_same_rows(db: OneTransaction, tmp_path: Path, suffix: str) -> None:
    path = write_as(tmp_path, suffix)
    options = {"crs": "EPSG:4490"} if suffix.startswith("csv") else {}
    report = bring(db, path, **options)
    assert (report.read, report.accepted, report.refused, report.added) == (5, 3, 2, 3)
    assert [(r.row, r.field) for r in report.refusals] == [(4, "system"), (5, "code")]
    found = stored(db, "code, system, diameter_mm, material, up_invert_m, missing")
    assert found == [
        ("W1", "sanitary", 300.0, "concrete", None, {"up_invert_m": "sentinel:0"}),
        ("W2", "storm", 400.0, "hdpe", 1653.2, {}),
        (
            "W3",
            "combined",
            None,
            None,
            None,
            {
                "diameter_mm": "sentinel:-1",
                "material": "unknown_word:泡沫",
                "up_invert_m": "sentinel:9999",
            },
        ),
    ]


def write_as(folder: Path, suffix: str) -> Path:
    path = folder / f"管线.{suffix}"
    if suffix == "shp":
        return write_pipes(path, CHINESE, encoding="GB18030")
    if suffix == "zip":
        import zipfile

        # A .dbf cuts names to ten bytes: three Chinese characters in UTF-8.
        short: list[dict[str, object]] = [
            {k[:3] if k[2:4] != "(m" else k: v for k, v in r.items()} for r in CHINESE
        ]
        write_pipes(folder / "管线.shp", short, encoding="UTF-8")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for part in ("shp", "shx", "dbf", "prj", "cpg"):
                archive.write(folder / f"管线.{part}", f"测绘/管线.{part}")
        return path
    if suffix.startswith("csv"):
        rows: list[dict[str, object]] = [
            {**row, "WKT": f"LINESTRING (99 {25 + i / 1000}, 99.01 {25 + i / 1000})"}
            for i, row in enumerate(CHINESE)
        ]
        import pandas as pd

        pd.DataFrame(rows).to_csv(path, index=False, encoding="gb18030")
        return path
    return write_pipes(path, CHINESE)


def test_the_same_file_again_changes_nothing(db: OneTransaction, tmp_path: Path) -> None:
    path = write_pipes(tmp_path / "a.gpkg", CHINESE)
    bring(db, path)
    again = bring(db, path)
    assert (again.accepted, again.added, again.changed, again.unchanged) == (3, 0, 0, 3)
    assert again.summary().en == ("read 5, accepted 3, refused 2, added 0, changed 0, unchanged 3")


def test_an_edit_of_what_the_file_does_not_speak_about_survives_the_next_import(
    db: OneTransaction, tmp_path: Path
) -> None:
    path = write_pipes(tmp_path / "a.gpkg", CHINESE)
    bring(db, path)
    with db.write(actor="editor", reason="seen on site") as connection:
        connection.execute(
            text("UPDATE core.sewer_pipe SET note = '已清淤', service_state = 'suspended'")
        )
    again = bring(db, path)
    assert again.unchanged == 3
    assert stored(db, "DISTINCT note, service_state, 1 AS code") == [("已清淤", "suspended", 1)]


def test_a_refused_row_comes_back_as_a_file_that_can_be_corrected(
    db: OneTransaction, tmp_path: Path
) -> None:
    rows = [
        {"code": "A", "system": "storm", "note": "=HYPERLINK(1)"},
        {"code": "B", "system": "蒸汽", "note": "=HYPERLINK(2)"},
    ]
    report = bring(db, write_pipes(tmp_path / "a.geojson", rows))
    assert report.refused_file is not None
    assert report.refused_file.read_bytes().startswith(b"\xef\xbb\xbf")
    with report.refused_file.open(encoding="utf-8-sig", newline="") as file:
        refused = list(csv.DictReader(file))
    assert [(r["refused_row"], r["refused_field"], r["refused_value"]) for r in refused] == [
        ("2", "system", "蒸汽")
    ]
    assert refused[0]["note"] == "'=HYPERLINK(2)"
    assert "词表" in refused[0]["refused_reason_zh"]
    assert "vocabulary" in refused[0]["refused_reason_en"]
    refused[0]["system"] = "雨水"
    with report.refused_file.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, refused[0])
        writer.writeheader()
        writer.writerows(refused)
    second = bring(db, report.refused_file, crs="EPSG:4490")
    assert (second.accepted, second.added) == (1, 1)
    assert stored(db, "code, system, note, source") == [
        ("A", "storm", "=HYPERLINK(1)", "a.geojson"),
        ("B", "storm", "=HYPERLINK(2)", "a.geojson"),
    ]


def test_a_dry_run_counts_and_writes_nothing(db: OneTransaction, tmp_path: Path) -> None:
    report = bring(db, write_pipes(tmp_path / "a.gpkg", CHINESE), dry_run=True)
    assert (report.added, report.dry_run) == (3, True)
    assert stored(db, "code") == []


def test_mapping_fixed_and_words_are_obeyed(db: OneTransaction, tmp_path: Path) -> None:
    rows = [{"ref": 7.0, "dia": 0.3, "mat": "VITC"}, {"ref": 8.0, "dia": 0.4, "mat": "XX"}]
    report = bring(
        db,
        write_pipes(tmp_path / "a.gpkg", rows),
        mapping={"code": "ref", "material": "mat"},
        fixed={"system": "污水", "diameter_mm": "300"},
        words={"material": {"VITC": "clay", "*": "other"}},
        source="survey 2025",
    )
    assert report.accepted == 2
    assert stored(db, "code, system, material, diameter_mm, source") == [
        ("7", "sanitary", "clay", 300.0, "survey 2025"),
        ("8", "sanitary", "other", 300.0, "survey 2025"),
    ]


def test_coordinates_are_transformed_from_the_stated_crs(
    db: OneTransaction, tmp_path: Path
) -> None:
    # EPSG:4542 is the 3-degree zone at 99°E: false easting 500 km at the meridian, x = 0 on the
    # equator. 2766054.0 m is the meridian arc to 25°N on the CGCS2000 ellipsoid (hand table).
    path = tmp_path / "井.csv"
    path.write_text("编号,井类,东坐标,北坐标\nJ1,雨水,500000,2766054.0\n", encoding="gb18030")
    bring(db, path, "sewer_manhole", crs="EPSG:4542", mapping={"x": "东坐标", "y": "北坐标"})
    with db.read() as connection:
        point = from_wkb(
            connection.execute(
                text("SELECT ST_AsBinary(geometry) FROM core.sewer_manhole")
            ).scalar()
        )
    assert point.distance(Point(99, 25)) < 1e-4


def test_swapped_axes_are_refused_with_a_hint(db: OneTransaction, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("code,system,lon,lat\nA,storm,25.1,99.2\nB,storm,99.2,25.1\n")
    report = bring(db, path, "sewer_manhole", crs="EPSG:4326")
    assert [(r.row, r.field) for r in report.refusals] == [(1, "geometry")]
    assert "axes" in report.refusals[0].reason.en
    assert "轴" in report.refusals[0].reason.zh


@pytest.mark.parametrize("bad", ["NaN", "inf", "-Infinity", "1e999"])
def test_coordinates_that_are_not_finite_are_refused(
    db: OneTransaction, tmp_path: Path, bad: str
) -> None:
    table = tmp_path / "a.csv"
    table.write_text(f"code,system,lon,lat\nA,storm,{bad},25\nB,storm,99,25\n")
    wkt = tmp_path / "b.csv"
    wkt.write_text(f'code,system,wkt\nC,storm,"POINT ({bad} 25)"\nD,storm,POINT (99 25)\n')
    for path in (table, wkt):
        report = bring(db, path, "sewer_manhole", crs="EPSG:4490")
        assert [(r.row, r.field) for r in report.refusals] == [(1, "geometry")]


def test_a_missing_crs_is_refused_in_both_languages(db: OneTransaction, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("code,system,lon,lat\nA,storm,99,25\n")
    with pytest.raises(SourceError) as caught:
        bring(db, path, "sewer_manhole")
    assert "--crs" in caught.value.message.zh
    assert "--crs" in caught.value.message.en
    for crs in ("EPSG:1", "GCJ-02", "nonsense"):
        with pytest.raises(SourceError):
            bring(db, path, "sewer_manhole", crs=crs)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"kind": "no_such_kind"}, NotFoundError),
        ({"kind": "hazard"}, InputError),
        ({"mapping": {"colour": "code"}}, SourceError),
        ({"mapping": {"code": "no such column"}}, SourceError),
        ({"fixed": {"system": "steam"}}, ParameterError),
        ({"fixed": {"nothing": "1"}}, ParameterError),
    ],
)
def test_an_unknown_kind_field_or_value_is_named(
    db: OneTransaction, tmp_path: Path, options: dict[str, object], error: type[Exception]
) -> None:
    path = write_pipes(tmp_path / "a.gpkg", CHINESE)
    with pytest.raises(error):
        bring(db, path, **cast("Any", options))
    assert stored(db, "code") == []


def test_a_code_of_another_source_is_refused_by_row(db: OneTransaction, tmp_path: Path) -> None:
    bring(db, write_pipes(tmp_path / "a.gpkg", CHINESE[:1]))
    report = bring(db, write_pipes(tmp_path / "b.gpkg", CHINESE[:2]))
    assert [(r.row, r.field) for r in report.refusals] == [(1, "code")]
    assert "a.gpkg" in report.refusals[0].reason.en
    assert (report.read, report.accepted, report.added) == (2, 1, 1)


def test_rows_without_a_code_get_the_same_one_every_time(
    db: OneTransaction, tmp_path: Path
) -> None:
    rows = [{"system": "storm", "note": "one"}, {"system": "storm", "note": "two"}]
    path = write_pipes(tmp_path / "a.geojson", rows)
    first, codes = bring(db, path), stored(db, "code")
    assert "derived_code" in {f.rule for f in first.findings}
    assert bring(db, path).unchanged == 2
    assert stored(db, "code") == codes


def test_rows_outside_the_county_are_loaded_and_noted(db: OneTransaction, tmp_path: Path) -> None:
    with db.write(actor="test", reason="county") as connection:
        connection.execute(
            text(
                "INSERT INTO core.county (code, name_zh, name_en, extent) VALUES ('530500', '县',"
                " 'County', ST_GeomFromText('POLYGON((98 25.0005,100 25.0005,100 26,98 26,"
                "98 25.0005))', 4490))"
            )
        )
    rows: list[dict[str, object]] = [{"code": c, "system": "storm"} for c in "ABC"]
    report = bring(db, write_pipes(tmp_path / "a.gpkg", rows))
    noted = [f for f in report.findings if f.rule == "outside_county"]
    assert report.accepted == 3
    assert [(f.count, f.rows) for f in noted] == [(1, (1,))]


def test_dates_come_from_text_epochs_and_bare_years(db: OneTransaction, tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"code": "A", "system": "storm", "surveyed_on": "2024/3/5", "built_year": -852076800000},
        {"code": "B", "system": "storm", "surveyed_on": "2024年3月5日", "built_year": 1998},
        {"code": "C", "system": "storm", "surveyed_on": "1709596800000", "built_year": 0},
        {"code": "D", "system": "storm", "surveyed_on": "2024-13-45", "built_year": 0},
    ]
    path = tmp_path / "a.geojson"
    features = [
        {
            "type": "Feature",
            "properties": row,
            "geometry": {"type": "LineString", "coordinates": [[99, 25], [99.1, 25 + i / 100]]},
        }
        for i, row in enumerate(rows)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    report = bring(db, path)
    assert [(r.row, r.field) for r in report.refusals] == [(4, "surveyed_on")]
    found = stored(db, "code, surveyed_on::text, built_year")
    # -852076800000 ms is 1943-01-01 (as the publishing city documents its oldest mains).
    assert found == [
        ("A", "2024-03-05", 1943),
        ("B", "2024-03-05", 1998),
        ("C", "2024-03-05", None),
    ]


def test_codes_are_not_looked_up_in_the_index_of_words(
    fresh_database: PooledDatabase, cluster: Cluster, tmp_path: Path
) -> None:
    """A table just loaded has no statistics, and 2,000 codes of 10,000 took seconds."""
    path, note = tmp_path / "survey.csv", "井" * 300
    for part in range(4):
        rows = [f"J{part * 2000 + i},storm,{99 + i / 1e5:.5f},25,{note}" for i in range(2000)]
        path.write_text("\n".join(["code,system,lon,lat,note", *rows, ""]))
        report = import_file(
            fresh_database, path, "sewer_manhole", actor="test", crs="EPSG:4490", source="s"
        )
        assert report.added == 2000
    name = str(fresh_database.engines[Pool.JOBS].url.database)
    fresh_database.close()  # a session tells what it scanned when it ends
    engine = create_engine(cluster.superuser_url(name))
    with engine.connect() as connection:
        while connection.execute(
            text("SELECT 1 FROM pg_stat_activity WHERE usename = :role AND datname = :name"),
            {"role": Pool.JOBS.role, "name": name},
        ).scalar():
            connection.rollback()
        connection.rollback()
        scans = connection.execute(
            text(
                "SELECT idx_scan FROM pg_stat_user_indexes"
                " WHERE indexrelname = 'ix_sewer_manhole_words'"
            )
        ).scalar_one()
    engine.dispose()
    assert scans == 0
