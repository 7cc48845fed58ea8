"""GDAL and OWSLib, as they are, read everything there is."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from pathlib import Path

import httpx
import pytest
from owslib.ogcapi.features import Features
from shapely import from_wkb
from shapely.geometry import shape
from sqlalchemy import text

from gis.kinds import KINDS
from tests.api.conftest import Served
from tests.api.county import COUNTS, LAT, LON, PIPES
from tests.api.tiling import tile_at


def run(*command: str) -> str:
    """What a program printed; a failure shows what it complained of."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr or done.stdout
    return done.stdout


@pytest.mark.parametrize("kind", list(KINDS))
def test_ogr2ogr_reads_every_collection_completely(served: Served, kind: str) -> None:
    text = run("ogr2ogr", "-f", "CSV", "/vsistdout/", f"OAPIF:{served.base}", kind)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == COUNTS.get(kind, 0)
    assert len({row["code"] for row in rows}) == len(rows)


def test_a_collection_of_2500_features_is_read_in_pages(served: Served) -> None:
    text = run(
        *("ogr2ogr", "-f", "GeoJSONSeq", "/vsistdout/", f"OAPIF:{served.base}", "sewer_pipe"),
        *("-oo", "PAGE_SIZE=700"),
    )
    codes = {json.loads(line)["properties"]["code"] for line in text.splitlines()}
    assert codes == {f"WS-{i:05d}" for i in range(PIPES)}


def test_ogrinfo_names_every_collection(served: Served) -> None:
    listed = run("ogrinfo", "-ro", f"OAPIF:{served.base}")
    assert [name for name in KINDS if f": {name} (" not in listed] == []


def test_ogr2ogr_pushes_a_box_to_the_server(served: Served) -> None:
    # Pipes of the first street begin at LON + i/1000: those of i = 0, 1, 2 reach into the box.
    box = (str(LON - 0.0005), str(LAT - 0.0001), str(LON + 0.0025), str(LAT + 0.0001))
    text = run(
        *("ogr2ogr", "-f", "CSV", "/vsistdout/", f"OAPIF:{served.base}", "sewer_pipe"),
        *("-spat", *box),
    )
    codes = sorted(row["code"] for row in csv.DictReader(io.StringIO(text)))
    assert codes == ["WS-00000", "WS-00001", "WS-00002"]


def test_the_mvt_driver_places_a_tile_where_its_features_are(
    served: Served, tmp_path: Path
) -> None:
    zoom = 16
    row, column = tile_at(zoom, LON + 0.0004, LAT)
    path = f"/tiles/WebMercatorQuad/{zoom}/{row}/{column}"
    answer = served.client.get(path, params={"collections": "sewer_pipe,gas_site"})
    tile = tmp_path / "tile.pbf"
    tile.write_bytes(answer.content)
    place = ("-oo", f"X={column}", "-oo", f"Y={row}", "-oo", f"Z={zoom}")
    listed = run("ogrinfo", "-ro", f"MVT:{tile}", *place)
    assert "sewer_pipe (Line String)" in listed
    assert "gas_site (Point)" in listed
    text = run(
        *("ogr2ogr", "-f", "GeoJSONSeq", "/vsistdout/", f"MVT:{tile}", "sewer_pipe"),
        *("-oo", "CLIP=NO", *place, "-t_srs", "EPSG:4326"),
    )
    lines = {
        feature["properties"]["code"]: feature["geometry"]["coordinates"]
        for feature in map(json.loads, text.splitlines())
    }
    (west, south), (east, north) = lines["WS-00000"][0], lines["WS-00000"][-1]
    # One unit of a tile of zoom 16 is 0.15 m, that is 1.4e-6 degrees.
    assert (west, south) == pytest.approx((LON, LAT), abs=4e-6)
    assert (east, north) == pytest.approx((LON + 0.0008, LAT), abs=4e-6)


@pytest.mark.parametrize("kind", list(KINDS))
def test_ogrinfo_counts_every_collection_as_the_database_does(served: Served, kind: str) -> None:
    with served.db.read() as connection:
        stored = connection.execute(text(f"SELECT count(id) FROM core.{kind}")).scalar_one()
    summary = run("ogrinfo", "-ro", "-so", f"OAPIF:{served.base}", kind)
    assert f"Feature Count: {stored}\n" in summary
    assert stored == COUNTS.get(kind, 0)
    listed = run("ogrinfo", "-ro", "-q", "-geom=NO", f"OAPIF:{served.base}", kind)
    assert listed.count("OGRFeature(") == stored


def test_the_mvt_driver_reads_a_tile_from_the_servers_own_address(served: Served) -> None:
    zoom = 16
    row, column = tile_at(zoom, LON + 0.0004, LAT)
    address = f"{served.base}/tiles/WebMercatorQuad/{zoom}/{row}/{column}?collections=sewer_pipe"
    place = ("-oo", f"X={column}", "-oo", f"Y={row}", "-oo", f"Z={zoom}")
    out = run(
        *("ogr2ogr", "-f", "GeoJSONSeq", "/vsistdout/", f"MVT:/vsicurl/{address}", "sewer_pipe"),
        *("-oo", "CLIP=NO", *place, "-t_srs", "EPSG:4326"),
    )
    shapes = {
        f["properties"]["code"]: shape(f["geometry"]) for f in map(json.loads, out.split("\n")[:-1])
    }
    with served.db.read() as connection:
        rows = connection.execute(
            text(
                "SELECT code, ST_AsBinary(geometry) FROM core.sewer_pipe WHERE code = ANY(:codes)"
            ),
            {"codes": list(shapes)},
        ).all()
    assert "WS-00000" in shapes
    assert {row.code for row in rows} == set(shapes)
    for code, wkb in rows:
        # What lies within the tile and its margin is there to half a unit, 0.7e-6 degrees.
        assert from_wkb(bytes(wkb)).buffer(4e-6).contains(shapes[code]), code


def test_owslib_walks_from_the_landing_page_to_the_features(served: Served) -> None:
    service = Features(served.base)
    assert service.conformance()["conformsTo"]
    assert set(service.feature_collections()) == set(KINDS)
    page = service.collection_items("road", limit=5)
    assert page["numberMatched"] == COUNTS["road"]
    assert len(page["features"]) == 5
    identifier = page["features"][0]["id"]
    assert service.collection_item("road", identifier)["id"] == identifier
    assert service.api()["openapi"].startswith("3.0")


def test_every_link_of_the_landing_page_leads_somewhere(client: httpx.Client) -> None:
    links = client.get("/").json()["links"]
    assert {"service-desc", "service-doc", "conformance", "data"} <= {k["rel"] for k in links}
    for link in links:
        answer = client.get(link["href"], headers={"Accept": link["type"]})
        assert answer.status_code == 200, link
        assert answer.headers["content-type"].split(";")[0] == link["type"].split(";")[0]
