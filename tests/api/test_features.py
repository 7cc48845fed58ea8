"""OGC API Features, Part 1: what the standard's own tests ask, and time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from gis.kinds import KINDS
from tests.api.conftest import Served
from tests.api.county import COUNTS, HOSTILE, LAT, LIFE_ID, LON, PIPES, PROGRESS

ITEMS = "/collections/sewer_pipe/items"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
LIFE = f"/collections/road/items/{LIFE_ID}"


def codes(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [feature["properties"]["code"] for feature in answer.json()["features"]]


def walk(client: httpx.Client, path: str) -> list[dict[str, Any]]:
    """Every page from a first address on, by its next links."""
    pages = []
    while path:
        pages.append(client.get(path).raise_for_status().json())
        path = next((k["href"] for k in pages[-1]["links"] if k["rel"] == "next"), "")
    return pages


def test_paging_by_next_links_gives_every_feature_once(client: httpx.Client) -> None:
    pages = walk(client, f"{ITEMS}?limit=600&system=storm")
    assert [page["numberReturned"] for page in pages] == [600, 600, 50]
    assert {page["numberMatched"] for page in pages} == {PIPES // 2}
    found = [f["properties"]["code"] for page in pages for f in page["features"]]
    assert sorted(found) == [f"WS-{i:05d}" for i in range(0, PIPES, 2)]


def test_a_last_page_that_is_exactly_full_has_no_next_link(client: httpx.Client) -> None:
    pages = walk(client, f"{ITEMS}?limit={PIPES // 5}")
    assert [page["numberReturned"] for page in pages] == [PIPES // 5] * 5


def test_a_limit_over_the_maximum_is_clamped(client: httpx.Client) -> None:
    page = client.get(ITEMS, params={"limit": 99_999}).json()
    assert page["numberReturned"] == PIPES


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=1e3", "limit"),
        ("limit=٣", "limit"),
        ("limit=5&limit=6", "limit"),
        ("colour=red", "colour"),
        ("bbox=1,2,3", "bbox"),
        ("bbox=99,26,100,25", "bbox"),
        ("bbox=25,99,26,100", "bbox"),
        ("bbox=nan,0,1,1", "bbox"),
        ("bbox=a,b,c,d", "bbox"),
        ("bbox-crs=http://www.opengis.net/def/crs/EPSG/0/4326", "bbox-crs"),
        ("crs=http://www.opengis.net/def/crs/EPSG/0/3857", "crs"),
        ("datetime=yesterday", "datetime"),
        ("datetime=2025-01-01T00:00:00", "datetime"),
        ("datetime=../..", "datetime"),
        ("datetime=2026-01-01/2025-01-01", "datetime"),
        ("datetime=2025-13-01", "datetime"),
        ("as-of=soon", "as-of"),
        ("known-at=0000-00-00", "known-at"),
        ("diameter_mm=wide", "diameter_mm"),
        ("built_year=99999999999", "built_year"),
        ("progress=done", "progress"),
        ("completed_on=2025-02-30", "completed_on"),
        ("accuracy_m=nan", "accuracy_m"),
        ("missing=x", "missing"),
        ("code=%00", "code"),
        ("f=shape", "f"),
    ],
)
def test_a_bad_parameter_is_a_400_that_names_it(
    client: httpx.Client, query: str, parameter: str
) -> None:
    answer = client.get(f"{ITEMS}?{query}", headers={"Accept-Language": "en"})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == "urn:infratrack:problem:invalid-parameter"
    assert problem["status"] == 400
    assert problem.get("parameter", parameter) == parameter
    assert parameter in problem["detail"]


def test_a_problem_speaks_the_language_asked_for(client: httpx.Client) -> None:
    said = {
        (lang, accepted): client.get(
            f"{ITEMS}?limit=0" + (f"&lang={lang}" if lang else ""),
            headers={"Accept-Language": accepted},
        ).json()["title"]
        for lang in ("", "zh", "en")
        for accepted in ("", "en-GB,en;q=0.9", "zh-CN", "fr")
    }
    assert said[("", "")] == said[("", "fr")] == said[("zh", "en-GB,en;q=0.9")] == "参数有误"
    assert said[("", "en-GB,en;q=0.9")] == said[("en", "zh-CN")] == "Invalid parameter"


def test_no_refusal_repeats_what_was_sent(client: httpx.Client) -> None:
    marker = "zq9<script>alert(1)</script>"
    for query in ("limit=", "code=x&cursor=", "bbox=", "datetime=", "as-of=", "progress=", "crs="):
        answer = client.get(f"{ITEMS}?{query}{marker}")
        assert answer.status_code == 400
        assert "zq9" not in answer.text


@pytest.mark.parametrize("kind", ["nothing", "sewer_pipes", "core.road", "%27;--", "情"])
def test_an_unknown_collection_is_a_404(client: httpx.Client, kind: str) -> None:
    for rest in ("", "/items", "/schema", "/tiles", "/tiles/WebMercatorQuad/3/3/3"):
        answer = client.get(f"/collections/{kind}{rest}")
        assert answer.status_code == 404, rest
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("identifier", [LIFE_ID.replace("1", "2"), "unknown_id", "1 OR 1=1"])
def test_an_unknown_feature_is_a_404(client: httpx.Client, identifier: str) -> None:
    assert client.get(f"/collections/road/items/{identifier}").status_code == 404
    assert client.get(f"/collections/road/items/{identifier}/history").status_code == 404


def test_a_feature_of_another_collection_is_not_in_this_one(client: httpx.Client) -> None:
    assert client.get(f"{ITEMS}/{LIFE_ID}").status_code == 404


# --- cursors -----------------------------------------------------------------------------------


def test_a_cursor_that_was_changed_in_any_place_is_refused(client: httpx.Client) -> None:
    page = client.get(ITEMS, params={"limit": 10}).json()
    link = next(k["href"] for k in page["links"] if k["rel"] == "next")
    cursor = dict(parse_qsl(urlsplit(link).query))["cursor"]
    for place in range(len(cursor)):
        other = "B" if cursor[place] != "B" else "C"
        forged = cursor[:place] + other + cursor[place + 1 :]
        answer = client.get(ITEMS, params={"limit": 10, "cursor": forged})
        assert answer.status_code == 400, place
        assert answer.json()["type"] == "urn:infratrack:problem:invalid-cursor"


def test_a_cursor_serves_only_the_query_it_was_made_for(client: httpx.Client) -> None:
    page = client.get(ITEMS, params={"limit": 10, "system": "storm"}).json()
    link = next(k["href"] for k in page["links"] if k["rel"] == "next")
    cursor = dict(parse_qsl(urlsplit(link).query))["cursor"]
    assert client.get(link).status_code == 200
    for path, params in (
        (ITEMS, {"system": "sanitary"}),
        (ITEMS, {}),
        ("/collections/road/items", {}),
    ):
        assert client.get(path, params={**params, "cursor": cursor}).status_code == 400


@pytest.mark.parametrize("cursor", ["", "x", "=" * 24, "A" * 32, "井", "A" * 5000])
def test_nonsense_is_no_cursor(client: httpx.Client, cursor: str) -> None:
    assert client.get(ITEMS, params={"cursor": cursor}).status_code == 400


# --- filters -----------------------------------------------------------------------------------


def test_a_box_gives_what_touches_it_and_nothing_else(client: httpx.Client) -> None:
    west, south, east, north = LON + 0.0105, LAT + 0.0095, LON + 0.0125, LAT + 0.0105
    answer = client.get(ITEMS, params={"bbox": f"{west},{south},{east},{north}"})
    # Street 10; pipe i runs from i/1000 to i/1000 + 0.0008 east: i = 10, 11 and 12 reach in.
    assert codes(answer) == ["WS-00510", "WS-00511", "WS-00512"]
    six = f"{west},{south},0,{east},{north},9"
    assert codes(client.get(ITEMS, params={"bbox": six})) == codes(answer)


def test_a_box_over_the_antimeridian_is_two_boxes(client: httpx.Client) -> None:
    around = client.get(ITEMS, params={"bbox": f"170,-10,{LON + 0.0005},50", "limit": 1})
    assert around.json()["numberMatched"] == 50
    outside = client.get(ITEMS, params={"bbox": "170,-10,-170,50"})
    assert outside.json()["numberMatched"] == 0


def test_properties_filter_by_equality_and_together(client: httpx.Client) -> None:
    query = {"progress": "planned", "system": "storm", "diameter_mm": "300", "limit": "1"}
    matched = client.get(ITEMS, params=query).json()["numberMatched"]
    assert matched == sum(1 for i in range(PIPES) if i % 5 == 0 and i % 2 == 0 and i % 4 == 0)
    assert codes(client.get("/collections/hazard/items", params={"is_open": "true"})) == [
        f"YH-{i:03d}" for i in range(1, 16, 2)
    ]


@pytest.mark.parametrize(
    "words", ["'; DROP TABLE core.road; --", "%", "_", "\\", '"', "${x}", "a' OR 'a'='a"]
)
def test_sql_in_a_text_filter_is_only_text(client: httpx.Client, words: str) -> None:
    for kind in KINDS:
        answer = client.get(f"/collections/{kind}/items", params={"code": words})
        assert answer.status_code == 200
        assert answer.json()["numberMatched"] == 0
    assert client.get("/collections/road").json()["itemCount"] == COUNTS["road"]


def test_hostile_text_comes_back_as_it_was_stored(client: httpx.Client) -> None:
    page = client.get(ITEMS, params={"code": "WS-00007"}).json()
    assert page["features"][0]["properties"]["note"] == HOSTILE


def test_every_property_key_is_always_there(client: httpx.Client) -> None:
    features = client.get(ITEMS, params={"limit": 50}).json()["features"]
    assert {tuple(feature["properties"]) for feature in features} == {
        tuple(features[0]["properties"])
    }
    assert set(KINDS["sewer_pipe"].model_fields) <= set(features[0]["properties"])


def test_coordinates_are_lon_lat_and_the_answer_says_so(client: httpx.Client) -> None:
    answer = client.get(ITEMS, params={"code": "WS-00051", "crs": CRS84})
    assert answer.headers["content-crs"] == f"<{CRS84}>"
    assert "crs" not in answer.json()["features"][0]["geometry"]
    assert answer.json()["features"][0]["geometry"] == {
        "type": "LineString",
        "coordinates": [[99.201, 25.001], [99.2018, 25.001]],
    }


def test_a_length_is_that_of_the_ellipsoid(client: httpx.Client) -> None:
    """0.0008 degrees of the parallel of 25 degrees north: a cos(phi) / sqrt(1 - e2 sin2(phi))."""
    properties = client.get(ITEMS, params={"code": "WS-00000"}).json()["features"][0]["properties"]
    assert properties["length_m"] == pytest.approx(80.760, abs=0.001)


# --- time --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "progress"),
    [
        ("2023-02-28", None),
        ("2023-03-01T00:00:00Z", "planned"),
        ("2024-02-29T23:59:59Z", "planned"),
        ("2024-03-01T08:00:00+08:00", "under_construction"),
        ("2025-03-01", "completed"),
        ("2026-11-20T00:00:00Z", "completed"),
    ],
)
def test_as_of_gives_the_state_that_was_true_then(
    client: httpx.Client, moment: str, progress: str | None
) -> None:
    one = client.get(LIFE, params={"as-of": moment})
    roads = client.get("/collections/road/items", params={"as-of": moment, "code": "R99"}).json()
    if progress is None:
        assert one.status_code == 404
        assert roads["numberMatched"] == 0
    else:
        assert one.json()["properties"]["progress"] == progress
        assert [f["properties"]["progress"] for f in roads["features"]] == [progress]


def test_a_date_ends_by_the_business_clock(client: httpx.Client) -> None:
    """1 March 2024 00:00 UTC is 08:00 of that day in Shanghai; 29 February ended before it."""
    states = [
        client.get(LIFE, params={"as-of": day}).json()["properties"]["progress"]
        for day in ("2024-02-29", "2024-03-01")
    ]
    assert states == ["planned", "under_construction"]


def test_what_was_not_yet_recorded_was_not_known(client: httpx.Client) -> None:
    before = {"as-of": "2024-06-01", "known-at": "2024-06-01"}
    assert client.get(LIFE, params=before).status_code == 404
    now = datetime.now(UTC).isoformat()
    after = client.get(LIFE, params={"as-of": "2024-06-01", "known-at": now})
    assert after.json()["properties"]["progress"] == "under_construction"


@pytest.mark.parametrize(
    ("interval", "matched"),
    [
        ("2025-02-01/2025-02-28", 0),
        ("2025-02-01/2025-03-01", 1),
        ("../2025-02-28T00:00:00Z", 0),
        ("2025-06-01T00:00:00Z/..", 1),
        ("2025-06-01", 1),
        ("/2025-06-01", 1),
    ],
)
def test_datetime_meets_valid_time(client: httpx.Client, interval: str, matched: int) -> None:
    query = {"datetime": interval, "code": "R99"}
    page = client.get("/collections/road/items", params=query).json()
    assert page["numberMatched"] == matched


def test_history_tells_every_version_newest_first(client: httpx.Client) -> None:
    versions = client.get(f"{LIFE}/history").json()["versions"]
    assert [v["properties"]["progress"] for v in versions] == [
        "completed",
        "under_construction",
        "planned",
    ]
    assert [v["valid_from"][:10] for v in versions] == ["2025-03-01", "2024-03-01", "2023-03-01"]
    assert [v["valid_to"] and v["valid_to"][:10] for v in versions] == [
        None,
        "2025-03-01",
        "2024-03-01",
    ]
    assert {v["recorded_by"] for v in versions} == {"test"}
    assert {v["reason"] for v in versions} == {"county"}
    assert not any(v["restated"] for v in versions)


# --- validators and methods --------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api",
        "/conformance",
        "/collections",
        "/collections/road",
        "/collections/road/schema",
        "/collections/road/items?limit=3",
        LIFE,
        f"{LIFE}/history",
        "/tileMatrixSets/WebMercatorQuad",
        "/maps/progress",
        "/metrics",
        "/tiles/WebMercatorQuad/3/3/6",
    ],
)
def test_get_head_and_options_agree(client: httpx.Client, path: str) -> None:
    got, head = client.get(path), client.head(path)
    assert (got.status_code, head.status_code) == (200, 200)
    assert head.content == b""
    assert head.headers["content-type"] == got.headers["content-type"]
    options = client.options(path)
    assert options.status_code == 200
    assert options.headers["allow"] == "GET, HEAD, OPTIONS"


def test_head_of_the_live_changes_ends(client: httpx.Client) -> None:
    answer = client.head("/events", timeout=3)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize("packed", ["gzip", "identity"])
@pytest.mark.parametrize(
    "path",
    [
        "/collections",
        "/collections/road",
        f"{ITEMS}?limit=3",
        LIFE,
        "/api",
        "/collections/road/schema",
    ],
)
def test_an_unchanged_answer_is_a_304(client: httpx.Client, path: str, packed: str) -> None:
    first = client.get(path, headers={"Accept-Encoding": packed})
    assert first.headers["cache-control"] == "private, no-cache"
    again = client.get(
        path, headers={"Accept-Encoding": packed, "If-None-Match": first.headers["etag"]}
    )
    assert again.status_code == 304
    assert again.content == b""
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_no_other_site_may_read_the_answers(client: httpx.Client) -> None:
    answer = client.get("/collections", headers={"Origin": "https://elsewhere.example"})
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


# --- documents ---------------------------------------------------------------------------------


def test_collections_say_extent_count_and_crs(client: httpx.Client) -> None:
    found = {c["id"]: c for c in client.get("/collections?lang=en").json()["collections"]}
    assert list(found) == list(KINDS)
    assert {name: c["itemCount"] for name, c in found.items() if c["itemCount"]} == COUNTS
    pipe = found["sewer_pipe"]
    assert pipe["extent"]["spatial"]["bbox"] == [
        pytest.approx([LON, LAT, LON + 0.0498, LAT + 0.049])
    ]
    assert pipe["crs"] == [CRS84]
    assert pipe["storageCrs"] == "http://www.opengis.net/def/crs/EPSG/0/4490"
    assert pipe["itemType"] == "feature"
    assert {name: c["title"] for name, c in found.items()} == {
        name: kind.label.en for name, kind in KINDS.items()
    }
    assert client.get("/collections/road?lang=zh").json()["title"] == KINDS["road"].label.zh


def test_the_definition_is_openapi_3_0_as_qgis_reads_it(served: Served) -> None:
    answer = served.client.get("/api")
    assert answer.headers["content-type"] == "application/vnd.oai.openapi+json;version=3.0"
    document = answer.json()
    assert document["openapi"] == "3.0.3"
    limit = document["components"]["parameters"]["limit"]
    assert (limit["schema"]["default"], limit["schema"]["maximum"]) == (1000, 10_000)
    assert limit["style"] == "form"
    assert limit["explode"] is False
    pipe = document["paths"]["/collections/sewer_pipe/items"]["get"]["parameters"]
    progress = next(p for p in pipe if p.get("name") == "progress")
    assert progress["schema"] == {"type": "string", "enum": list(PROGRESS)}
    assert (progress["in"], progress["style"], progress["explode"]) == ("query", "form", False)


def test_every_parameter_the_definition_names_is_accepted(client: httpx.Client) -> None:
    document = client.get("/api").json()
    known = document["components"]["parameters"]
    values = {"limit": "1", "bbox": "99,24,100,26", "lang": "en"}
    for path, item in document["paths"].items():
        if not path.endswith("/items"):
            continue
        for given in item["get"]["parameters"]:
            name = (known[given["$ref"].rsplit("/", 1)[1]] if "$ref" in given else given)["name"]
            schema = given.get("schema", {})
            value = values.get(name) or next(iter(schema.get("enum", [])), None)
            if value is None and schema.get("type") in ("integer", "number"):
                value = "1"
            if value is None and schema.get("type") == "boolean":
                value = "true"
            if value is None and schema.get("type") == "string" and "format" not in schema:
                value = "2025-01-01"
            if value is not None:
                answer = client.get(path, params={name: value})
                assert answer.status_code == 200, (path, name, answer.text)


def test_the_schema_names_words_units_and_what_is_not_verified(client: httpx.Client) -> None:
    schema = client.get("/collections/sewer_pipe/schema?lang=en").json()
    diameter = schema["properties"]["diameter_mm"]
    assert diameter["x-ogc-unit"] == "mm"
    assert "not verified" in diameter["description"]
    assert schema["properties"]["progress"]["enum"] == list(PROGRESS)
    assert schema["properties"]["geometry"] == {
        "format": "geometry-linestring",
        "x-ogc-role": "primary-geometry",
    }
    page = client.get(ITEMS, params={"limit": 1}).json()
    shown = set(page["features"][0]["properties"]) - {"version", "valid_from", "recorded_at"}
    assert shown == set(schema["properties"]) - {"geometry"}


def test_a_browser_is_sent_to_the_map_and_a_program_is_not(client: httpx.Client) -> None:
    person = client.get("/", headers={"Accept": "text/html,application/xhtml+xml"})
    assert (person.status_code, person.headers["location"]) == (303, "/maps/progress")
    for accepted in ("application/json", "*/*", ""):
        assert client.get("/", headers={"Accept": accepted}).json()["links"]
    assert client.get("/?f=json", headers={"Accept": "text/html"}).status_code == 200


def test_the_page_of_the_definition_fetches_nothing(client: httpx.Client) -> None:
    page = client.get("/api.html?lang=en")
    assert page.headers["content-type"].startswith("text/html")
    assert "<script" not in page.text
    assert "http://" not in page.text.replace(str(client.base_url), "")
    assert "script-src" not in page.headers["content-security-policy"]
    assert "/collections/sewer_pipe/items" in page.text
