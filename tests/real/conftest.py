"""Real survey files, from the folder GIS_TEST_DATA names; they are never part of this project.

Without the folder these tests are not collected and the run says "0 real files"; with CI=true
that is an error.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FOLDER = os.environ.get("GIS_TEST_DATA", "")
FILES = (
    "sewer_canada/victoria/sanitary_mains.geojson",
    "sewer_canada/victoria/sanitary_manholes.geojson",
    "sewer_canada/victoria/mains.geojson",
    "sewer_canada/victoria/manholes.geojson",
    "sewer_canada/newwestminster/combined_mains.geojson",
    "sewer_canada/newwestminster/combined_manholes.geojson",
    "sewer_canada/newwestminster/storm_mains.geojson",
    "sewer_canada/newwestminster/storm_manholes.geojson",
    "sewer_canada/newwestminster/sanitary_mains.geojson",
    "sewer_canada/newwestminster/sanitary_manholes.geojson",
    "sewer_canada/penticton/sanitary_mains.geojson",
    "sewer_canada/penticton/sanitary_manholes.geojson",
    "sewer_canada/ottawa/sanitary_pipes.geojson",
    "sewer_canada/toronto/outfalls.geojson",
    "roads_shenzhen_futian/futian_osm_drive.gpkg",
    "roads_stockholm/stockholm_osm_drive.gpkg",
    "parks_singapore/parks_singapore.gpkg",
    "inspections_chicago/food_inspections_2011_2014.csv.gz",
    "inspections_chicago/Chicago77.shp",
    "requests_stlouis_csb/csb_requests_2018_01.csv",
    "admin_china/yunnan_zhejiang_admin.gpkg",
    "sewer_swmm_epa/epa_user2.inp",
    "sewer_swmm_epa/epa_user4.inp",
    "sewer_swmm_epa/epa_user5.inp",
    "sewer_giswater_santboi/giswater_ud_santboi.gpkg",
    "sewer_teksi_aletsch/teksi_aletsch.gpkg",
)
FOUND = [name for name in FILES if FOLDER and (Path(FOLDER) / name).is_file()]

if not FOUND:
    if os.environ.get("CI", "").casefold() == "true":
        raise pytest.UsageError("CI needs the real files: set GIS_TEST_DATA to their folder")
    collect_ignore_glob = ["test_*.py"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(f"{len(FOUND)} real files")


@pytest.fixture(scope="session")
def real_folder() -> Path:
    missing = sorted(set(FILES) - set(FOUND))
    assert not missing, f"GIS_TEST_DATA lacks {missing}"
    return Path(FOLDER).resolve()
