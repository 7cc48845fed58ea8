"""Real surveys come in as their publishers' figures say, and coming again change nothing.

Expected figures are those published with the files (their notes of counts, lengths, areas and
flaws), or counted here in the raw file by other means than the import.
"""

import csv
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import geopandas as gpd
import pyogrio
import pytest

import gis
from gis.errors import SourceError
from gis.exchange.import_file import ImportReport, import_file
from tests.conftest import OneTransaction

Bring = Callable[..., ImportReport]

VICTORIA_WORDS = {
    "material": {"VITC": "clay", "RC": "concrete"},
    "shape": {"CIR": "circular", "UNK": "other", "BOX": "rectangular"},
    "service_state": {"ACT": "in_use", "ABD": "abandoned"},
}
NEW_WESTMINSTER_WORDS = {"material": {"VIT": "clay", "VCP": "clay", "CIP": "cast_iron"}}
NEW_WESTMINSTER_PIPES = {
    "code": "FACILITYID",
    "up_node": "FROMMH",
    "down_node": "TOMH",
    "up_invert_m": "UPELEV",
    "down_invert_m": "DOWNELEV",
    "built_year": "INSTALLDATE",
    "declared_length_m": "GISLENGTH",
}


@pytest.fixture
def bring(db: OneTransaction, real_folder: Path, tmp_path: Path) -> Bring:
    """Import a real file twice: the second time nothing may change."""

    def bring(name: str, kind: str, **options: object) -> ImportReport:
        def load() -> ImportReport:
            path = real_folder / name
            return import_file(
                db, path, kind, actor="test", refused_folder=tmp_path, **cast("Any", options)
            )

        first, again = load(), load()
        assert first.accepted + first.refused == first.read
        assert (first.added, first.changed, first.unchanged) == (first.accepted, 0, 0)
        assert (again.added, again.changed, again.unchanged) == (0, 0, first.accepted)
        assert again.refused == first.refused
        return first

    return bring


def properties(path: Path) -> list[dict[str, Any]]:  # Any: raw properties
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    return [f["properties"] for f in features]


def test_victoria_sanitary_pipes(bring: Bring, db: OneTransaction, real_folder: Path) -> None:
    name = "sewer_canada/victoria/sanitary_mains.geojson"
    report = bring(
        name,
        "sewer_pipe",
        source="victoria sanitary",
        mapping={
            "code": "AssetID",
            "up_node": "UpstreamNodeID",
            "down_node": "DownstreamNodeID",
            "shape": "CrossSectionShape",
            "service_state": "LifecycleStatus",
            "declared_length_m": "Length_2D",
        },
        fixed={"system": "污水"},
        words=VICTORIA_WORDS,
    )
    assert (report.read, report.accepted) == (528, 528)
    pipes = gis.read("sewer_pipe", db=db)
    assert pipes["length_m"].sum() / 1000 == pytest.approx(28, abs=0.5)
    assert (pipes["length_m"] - pipes["declared_length_m"]).abs().median() < 0.1
    # 77 pipes have an unusable invert (null, 0 or negative); none of these is stored as 0.
    unusable = (
        pipes[["up_invert_m", "down_invert_m"]].isna()
        | (pipes[["up_invert_m", "down_invert_m"]] < 0)
    ).any(axis=1)
    assert unusable.sum() == 77
    assert pipes["material"].value_counts().to_dict() == {
        "clay": 418, "pe": 43, "concrete": 29, "pvc": 23, "hdpe": 6,
        "cast_iron": 0, "ductile_iron": 0, "steel": 0, "brick": 0, "glass_fibre": 0,
        "asbestos_cement": 0, "other": 0,
    }  # fmt: skip
    codes = {p["AssetID"] for p in properties(real_folder / name)}
    assert set(pipes["code"]) == codes


def test_victoria_manholes_join_their_pipes(bring: Bring, db: OneTransaction) -> None:
    mapping = {"code": "AssetID", "ground_m": "Elevation", "service_state": "LifecycleStatus"}
    for file, system, count in (("sanitary_manholes", "sanitary", 500), ("manholes", "storm", 56)):
        report = bring(
            f"sewer_canada/victoria/{file}.geojson",
            "sewer_manhole",
            source=f"victoria {file}",
            mapping=mapping,
            fixed={"system": system},
            words=VICTORIA_WORDS,
        )
        assert (report.read, report.accepted) == (count, count)
    bring(
        "sewer_canada/victoria/sanitary_mains.geojson",
        "sewer_pipe",
        source="victoria sanitary",
        mapping={
            "code": "AssetID", "up_node": "UpstreamNodeID", "down_node": "DownstreamNodeID",
        },
        fixed={"system": "sanitary"},
        words=VICTORIA_WORDS,
    )  # fmt: skip
    manholes, pipes = gis.read("sewer_manhole", db=db), gis.read("sewer_pipe", db=db)
    ends = [*pipes["up_node"], *pipes["down_node"]]
    known = set(manholes["code"])
    assert round(sum(end in known for end in ends) / len(ends), 2) == 0.94
    abandoned = manholes[manholes["service_state"] == "abandoned"]
    assert len(abandoned) == 18 + 1


def test_victoria_storm_pipes_keep_the_unknown_diameter_missing(
    bring: Bring, db: OneTransaction
) -> None:
    report = bring(
        "sewer_canada/victoria/mains.geojson",
        "sewer_pipe",
        source="victoria storm",
        mapping={
            "code": "AssetID", "built_year": "InstallDate", "shape": "CrossSectionShape",
            "service_state": "LifecycleStatus", "diameter_mm": "Diameter",
        },
        fixed={"system": "雨水"},
        words=VICTORIA_WORDS,
    )  # fmt: skip
    assert (report.read, report.accepted) == (50, 50)
    pipes = gis.read("sewer_pipe", db=db)
    unknown = pipes[pipes["diameter_mm"].isna()]
    assert len(unknown) == 4
    assert {m["diameter_mm"] for m in unknown["missing"]} == {"sentinel:-1"}
    # 33 mains say -2208988800000 ms, which is 1900-01-01.
    assert (pipes["built_year"] == 1900).sum() == 33


@pytest.mark.parametrize(
    ("system", "count", "parted"), [("combined", 276, 3), ("storm", 163, 1), ("sanitary", 10, 0)]
)
def test_new_westminster_pipes_of_several_parts_are_refused(
    bring: Bring, db: OneTransaction, system: str, count: int, parted: int
) -> None:
    report = bring(
        f"sewer_canada/newwestminster/{system}_mains.geojson",
        "sewer_pipe",
        source=f"new westminster {system}",
        mapping=NEW_WESTMINSTER_PIPES,
        fixed={"system": system},
        words=NEW_WESTMINSTER_WORDS,
    )
    assert (report.read, report.refused) == (count, parted)
    assert {r.reason.en.split(":")[0] for r in report.refusals} <= {
        "one row holds 2 separate parts",
        "one row holds 3 separate parts",
        "one row holds 4 separate parts",
    }
    pipes = gis.read("sewer_pipe", db=db)
    assert len(pipes) == count - parted
    if system == "combined":
        # -852076800000 ms is 1943: 93 mains say so, 267 of 276 inverts are unusable.
        assert (pipes["built_year"] == 1943).sum() in range(90, 94)
        assert pipes["up_invert_m"].notna().sum() <= 276 - 264


@pytest.mark.parametrize(("system", "count"), [("combined", 225), ("storm", 127), ("sanitary", 18)])
def test_new_westminster_manholes(
    bring: Bring, db: OneTransaction, real_folder: Path, system: str, count: int
) -> None:
    name = f"sewer_canada/newwestminster/{system}_manholes.geojson"
    report = bring(
        name,
        "sewer_manhole",
        source=f"new westminster {system}",
        mapping={
            "code": "FACILITYID", "ground_m": "RIMELEV", "bottom_m": "INVERT",
            "manhole_type": "MHTYPE",
        },
        fixed={"system": system},
        words={
            "manhole_type": {"STD": "inspection", "DRP": "drop", "SUMP": "sump", "DIV": "other"}
        },
    )  # fmt: skip
    assert (report.read, report.accepted) == (count, count)
    manholes = gis.read("sewer_manhole", db=db).set_index("code")
    raw = {p["FACILITYID"]: p["RIMELEV"] for p in properties(real_folder / name)}
    for code, level in manholes["ground_m"].dropna().items():
        assert level == raw[code]
    assert manholes["ground_m"].notna().sum() == sum(v not in (None, 0) for v in raw.values())


def test_an_empty_collection_is_a_clear_error(db: OneTransaction, real_folder: Path) -> None:
    path = real_folder / "sewer_canada/toronto/outfalls.geojson"
    with pytest.raises(SourceError, match="holds no rows"):
        import_file(db, path, "sewage_facility", actor="test")


def test_a_shapefile_without_its_projection_is_refused(
    db: OneTransaction, real_folder: Path
) -> None:
    path = real_folder / "inspections_chicago/Chicago77.shp"
    with pytest.raises(SourceError, match="--crs"):
        import_file(db, path, "admin_unit", actor="test")


def test_chicago_areas_come_from_feet_to_degrees(
    bring: Bring, db: OneTransaction, real_folder: Path
) -> None:
    report = bring(
        "inspections_chicago/Chicago77.shp",
        "admin_unit",
        crs="EPSG:3435",
        source="chicago areas",
        mapping={"code": "AREA_NUMBE", "name": "COMMUNITY"},
        fixed={"level": "township"},
    )
    assert (report.read, report.accepted) == (77, 77)
    areas = gis.read("admin_unit", db=db)
    west, south, east, north = areas.total_bounds
    assert -88 < west < east < -87.4
    assert 41.6 < south < north < 42.1
    # The publisher's own areas are square feet of the grid (US survey foot: 1200/3937 m).
    path = real_folder / "inspections_chicago/Chicago77.shp"
    feet = pyogrio.read_dataframe(path, read_geometry=False)["SHAPE_AREA"].sum()
    assert areas["area_m2"].sum() == pytest.approx(feet * (1200 / 3937) ** 2, rel=0.001)


def test_futian_roads(bring: Bring, db: OneTransaction, real_folder: Path) -> None:
    name = "roads_shenzhen_futian/futian_osm_drive.gpkg"
    raw = gpd.read_file(real_folder / name, layer="edges")
    assert raw["length"].sum() / 1000 == pytest.approx(337, abs=0.5)
    report = bring(name, "road", layer="edges", source="osm futian")
    # Lists written as text (in the class or the lanes) and "track", which is no class of road.
    listed = raw["highway"].str.startswith("[") | raw["lanes"].fillna("").str.startswith("[")
    flawed = listed | (raw["highway"] == "track")
    assert (report.read, report.refused) == (4009, int(flawed.sum()))
    assert {r.row - 1 for r in report.refusals} == set(raw.index[flawed])
    roads = gis.read("road", db=db)
    kept = raw.loc[~flawed, "length"].sum()
    # OSMnx measures on a sphere of 6,371,009 m: within 0.5 % of the ellipsoid.
    assert roads["length_m"].sum() == pytest.approx(kept, rel=0.005)
    assert (roads["name"] == "红荔西路").sum() == 51
    assert roads["is_oneway"].sum() == (raw.loc[~flawed, "oneway"] == "True").sum()


def test_singapore_parks_have_their_published_areas(
    bring: Bring, db: OneTransaction, real_folder: Path
) -> None:
    report = bring(
        "parks_singapore/parks_singapore.gpkg",
        "pocket_park",
        layer="parks_sgp",
        source="osm singapore",
        mapping={"code": "id", "declared_area_m2": "area", "park_type": "leisure"},
        words={"park_type": {"nature_reserve": "other"}},
    )
    assert (report.read, report.accepted) == (674, 674)
    parks = gis.read("pocket_park", db=db)
    assert parks["area_m2"].sum() / 1e6 == pytest.approx(33.33, abs=0.02)
    ratio = parks["area_m2"] / parks["declared_area_m2"]
    assert ratio.between(0.995, 1.005).all()
    assert (parks["area_m2"] < 10_000).sum() == 444


def test_singapore_population_sums_to_the_census(bring: Bring, db: OneTransaction) -> None:
    report = bring(
        "parks_singapore/parks_singapore.gpkg",
        "population",
        layer="pop_sgp",
        source="subzones",
        mapping={"name": "subzone_n", "people": "pop_count"},
    )
    assert (report.read, report.accepted) == (664, 664)
    people = gis.read("population", db=db)
    assert people.groupby("year")["people"].sum().to_dict() == {2018: 3_999_470, 2020: 4_051_500}


def test_singapore_buildings_with_residents(
    bring: Bring, db: OneTransaction, real_folder: Path
) -> None:
    report = bring(
        "parks_singapore/parks_singapore.gpkg",
        "population",
        layer="buildings_pop_sgp",
        source="buildings",
        fixed={"year": "2020", "method": "建筑分配"},
    )
    raw = pyogrio.read_dataframe(
        real_folder / "parks_singapore/parks_singapore.gpkg",
        layer="buildings_pop_sgp",
        read_geometry=False,
    )
    assert report.read == 2086
    assert report.accepted == 2086
    people = gis.read("population", db=db)
    assert people["people"].sum() == pytest.approx(raw["popcount"].sum())


def test_chicago_premises_are_taken_once_per_licence(
    bring: Bring, db: OneTransaction, real_folder: Path
) -> None:
    name = "inspections_chicago/food_inspections_2011_2014.csv.gz"
    with gzip.open(real_folder / name, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len({r["License"] for r in rows}) == 12_367
    # 110 inspections have no coordinates; the type of a few premises is blank.
    placed = {r["License"] for r in rows if r["Latitude"] and r["Facility_Type"].strip()}
    report = bring(
        name,
        "gas_site",
        crs="EPSG:4326",
        source="chicago premises",
        mapping={"code": "License", "name": "DBA_Name", "site_type": "Facility_Type"},
        words={"site_type": {"Restaurant": "restaurant", "*": "other_non_residential"}},
    )
    assert (report.read, report.accepted) == (27_600, len(placed))
    reasons = {r.field for r in report.refusals}
    assert reasons == {"geometry", "code", "site_type"}
    assert sum(r.field == "geometry" for r in report.refusals) == 110
    sites = gis.read("gas_site", db=db)
    assert set(sites["code"]) == placed
    assert set(sites["risk_class"].dropna().unique()) == {"high", "medium", "low"}


def test_chinese_counties_note_their_shifted_coordinates(bring: Bring, db: OneTransaction) -> None:
    report = bring(
        "admin_china/yunnan_zhejiang_admin.gpkg",
        "admin_unit",
        layer="counties",
        source="AMap boundaries (GCJ-02, 250-350 m off)",
        mapping={"code": "adcode", "name": "name", "parent_code": "", "township": ""},
        fixed={"level": "县"},
    )
    assert (report.read, report.accepted) == (219, 219)
    counties = gis.read("admin_unit", db=db)
    assert counties["code"].str.startswith("53").sum() == 129
    assert set(counties["source"]) == {"AMap boundaries (GCJ-02, 250-350 m off)"}
    # The published area of Yunnan is 394,100 km² (provincial yearbook).
    yunnan = counties[counties["code"].str.startswith("53")]
    assert yunnan["area_m2"].sum() / 1e6 == pytest.approx(394_100, rel=0.03)
