"""Live maps' shell and config, search, static files, health and metrics."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from api import VERSION
from gis.geometry import GeometryType
from gis.kinds import KINDS
from layers.live import APP_URL, STATIC_FOLDER, static_version
from tests.api.conftest import Serve, Served
from tests.api.county import COUNTS, HAZARDS, HOSTILE, LAT, LON, PIPES, PROGRESS
from tests.api.tiling import tile_at

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", ["progress", "hazards"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_shell_loads_only_files_of_ours_and_runs_nothing_inline(
    client: httpx.Client, name: str, lang: str
) -> None:
    answer = client.get(f"/maps/{name}", params={"lang": lang})
    assert answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    for address in re.findall(r'(?:src|href)="([^"]+)"', answer.text):
        assert address.startswith(("/", "#")), address
        if address.startswith(APP_URL):
            assert client.get(address).status_code == 200
    assert not re.search(r"<script(?![^>]*\bsrc=)", answer.text)


def test_an_unknown_map_is_a_404(client: httpx.Client) -> None:
    assert client.get("/maps/treasure").status_code == 404
    assert client.get("/maps/treasure/config").status_code == 404


def test_the_progress_config_tells_the_page_all_it_needs(client: httpx.Client) -> None:
    config = client.get("/maps/progress/config?lang=en").json()
    assert config["lang"] == "en"
    assert config["bounds"] == [99.0, 24.8, 99.4, 25.2]
    assert config["approval"] == {
        "zh": "内部使用,不得公开",
        "en": "Internal use; not for publication",
    }
    assert config["timezone"] == "Asia/Shanghai"
    server = datetime.fromisoformat(config["server_now"])
    assert abs((datetime.now(UTC) - server).total_seconds()) < 60
    layers = {layer["id"]: layer for layer in config["layers"]}
    pipe = layers["sewer_pipe"]
    assert (pipe["count"], pipe["counts"]) == (PIPES, dict.fromkeys(PROGRESS, PIPES // 5))
    assert [entry["value"] for entry in pipe["vocabulary"]] == list(PROGRESS)
    assert [entry["order"] for entry in pipe["vocabulary"]] == [0, 1, 2, 3, 4]
    assert pipe["geometry"] == "line"
    diameter = next(a for a in pipe["attributes"] if a["name"] == "diameter_mm")
    assert (diameter["unit"], diameter["text"]["zh"]) == ("mm", "管径")
    assert {name: layer["count"] for name, layer in layers.items() if layer["count"]} == {
        name: count for name, count in COUNTS.items() if name != "hazard"
    }


def test_every_address_in_a_config_leads_somewhere(client: httpx.Client) -> None:
    for name in ("progress", "hazards"):
        config = client.get(f"/maps/{name}/config").json()
        row, column = tile_at(12, LON, LAT)
        address = config["tiles"].format(z=12, y=row, x=column)
        kinds = ",".join(layer["id"] for layer in config["layers"])
        assert client.get(address, params={"collections": kinds}).status_code == 200
        for layer in config["layers"]:
            place = layer["tiles"].format(z=3, y=3, x=6)
            assert client.get(place).status_code in (200, 204)
            page = client.get(f"/collections/{layer['id']}/items?limit=1").json()
            for feature in page["features"]:
                assert client.get(layer["item"].format(id=feature["id"])).status_code == 200
                assert client.get(layer["history"].format(id=feature["id"])).status_code == 200
                if layer["hazards"]:
                    found = client.get(layer["hazards"].format(id=feature["id"]))
                    assert found.json()["type"] == "FeatureCollection"


def test_a_layer_turns_to_features_where_its_tiles_do(client: httpx.Client) -> None:
    for layer in client.get("/maps/progress/config").json()["layers"]:
        kind = KINDS[layer["id"]]
        assert layer["aggregate_to"] == kind.zoom.features_from - 1
        assert layer["named_from"] == kind.zoom.named_from
        words = {GeometryType.LINE: "line", GeometryType.AREA: "area"}
        assert layer["geometry"] == words.get(kind.geometry_type, "point")


def test_the_hazard_map_counts_hazards_by_severity(client: httpx.Client) -> None:
    layers = {k["id"]: k for k in client.get("/maps/hazards/config").json()["layers"]}
    counts = layers["hazard"]["counts"]
    assert counts == dict.fromkeys(("major", "general_a", "general_b", "minor"), HAZARDS // 4)
    assert all(entry["symbol"] for entry in layers["hazard"]["vocabulary"])


def test_the_hazard_map_counts_the_open_ones_apart_and_says_when_they_fall_due(
    client: httpx.Client,
) -> None:
    layers = {k["id"]: k for k in client.get("/maps/hazards/config").json()["layers"]}
    hazard = layers["hazard"]
    assert (hazard["count"], hazard["open_count"]) == (HAZARDS, HAZARDS // 2)
    still = {value: n for value, n in hazard["open_counts"].items() if n}
    assert still == {"general_a": HAZARDS // 4, "minor": HAZARDS // 4}
    days = [datetime(2026, 6, 1 + i, 16, tzinfo=UTC) for i in range(1, HAZARDS, 2)]
    assert hazard["due"] == [[int(day.timestamp()), 1] for day in days]
    assert "open_count" not in layers["gas_site"]


@pytest.mark.parametrize(
    ("date", "progress"),
    [("2022-01-01", None), ("2023-06-30", "planned"), ("2024-03-01", "under_construction")],
)
def test_counts_follow_the_date_as_tiles_do(
    client: httpx.Client, date: str, progress: str | None
) -> None:
    """The one road with a past; nothing else was there before the county was loaded."""
    config = client.get("/maps/progress/config", params={"as-of": date}).json()
    layers = {layer["id"]: layer for layer in config["layers"]}
    assert layers["road"]["counts"] == ({progress: 1} if progress else {})
    assert {n for n, layer in layers.items() if layer["count"]} == ({"road"} if progress else set())
    row, column = tile_at(12, LON - 0.075, LAT)
    tile = client.get(
        f"/collections/road/tiles/WebMercatorQuad/12/{row}/{column}", params={"as-of": date}
    )
    assert tile.status_code == (200 if progress else 204)
    today = client.get("/maps/progress/config").json()
    assert today["layers"][0]["id"] == config["layers"][0]["id"]
    assert client.get("/maps/progress/config?as-of=soon").status_code == 400


def test_where_hazards_are_the_subject_roads_are_only_where_one_is(client: httpx.Client) -> None:
    for name, coloured in (("hazards", False), ("progress", True)):
        layers = {k["id"]: k for k in client.get(f"/maps/{name}/config").json()["layers"]}
        assert bool(layers["road"]["vocabulary"]) is coloured


def test_a_map_with_an_approval_number_prints_it(serve_as: Serve, served: Served) -> None:
    from api.app import create_app
    from gis.settings import Settings
    from tests.api.conftest import run_server

    settings = Settings(
        state_folder=served.app.parts.settings.state_folder, map_approval_no="云S(2026)001号"
    )
    with (
        run_server(create_app(served.urls, settings)) as base,
        httpx.Client(base_url=base) as client,
    ):
        approval = client.get("/maps/progress/config").json()["approval"]
    assert approval["zh"] == "审图号:云S(2026)001号"


# --- search ------------------------------------------------------------------------------------


def find(client: httpx.Client, words: str, **more: str) -> list[dict[str, object]]:
    answer = client.get("/search", params={"q": words, **more})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, object]] = answer.json()
    return found


def test_search_finds_by_code_and_by_name_in_every_kind(client: httpx.Client) -> None:
    first = find(client, "WS-00012")[0]
    assert (first["kind"], first["code"]) == ("sewer_pipe", "WS-00012")
    assert first["lon"] == pytest.approx(LON + 0.0124)
    assert first["lat"] == pytest.approx(LAT)
    assert {hit["code"] for hit in find(client, "春城1")} == {"R01", "R10"}
    assert {hit["kind"] for hit in find(client, "J00")} == {"sewer_manhole"}


def test_an_identity_finds_the_record_that_has_it(client: httpx.Client) -> None:
    identity = str(find(client, "WS-00012")[0]["id"])
    assert [hit["code"] for hit in find(client, identity)] == ["WS-00012"]
    assert [hit["code"] for hit in find(client, identity.upper())] == ["WS-00012"]
    assert find(client, "018f0000-0000-7000-8000-ffffffffffff") == []


def test_money_and_words_of_units_are_in_both_languages(client: httpx.Client) -> None:
    layers = {k["id"]: k for k in client.get("/maps/progress/config").json()["layers"]}
    attributes = {a["name"]: a for a in layers["project"]["attributes"]}
    assert attributes["total_investment_yuan"]["unit"] == {"zh": "元", "en": "yuan"}
    assert attributes["money"]["vocabulary"]["special_bond"] == {
        "zh": "专项债",
        "en": "Special bond",
    }
    names = [a["name"] for a in layers["sewer_pipe"]["attributes"]]
    assert names.index("diameter_mm") < names.index("progress") < names.index("source")


def test_an_exact_code_comes_first_whatever_its_kind(client: httpx.Client) -> None:
    assert find(client, "539921")[0]["code"] == "539921"
    assert [hit["code"] for hit in find(client, "539921")] == ["539921", "539921101"]


@pytest.mark.parametrize("words", ["%", "_", "\\", "WS-0001_", "W%1", "%%%", "\\%"])
def test_wildcards_are_only_characters(client: httpx.Client, words: str) -> None:
    assert find(client, words) == []


def test_search_takes_hostile_words_for_words(client: httpx.Client) -> None:
    assert [hit["code"] for hit in find(client, HOSTILE)] == ["WS-00007"]
    assert find(client, "' OR true --") == []


def test_search_is_limited(client: httpx.Client) -> None:
    assert len(find(client, "WS-", limit="7")) == 7
    assert len(find(client, "WS-", limit="9999")) == 50
    for bad in ("", " ", "x" * 101, "a\x00b"):
        assert client.get("/search", params={"q": bad}).status_code == 400
    assert client.get("/search").status_code == 400
    assert client.get("/search?q=x&limit=0").status_code == 400


# --- files -------------------------------------------------------------------------------------


def test_scripts_are_served_for_ever_under_their_hash(client: httpx.Client) -> None:
    for file in sorted(STATIC_FOLDER.glob("*.js")):
        answer = client.get(f"{APP_URL}/{static_version()}/{file.name}")
        assert answer.content == file.read_bytes()
        assert answer.headers["content-type"].startswith("text/javascript")
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert client.get(f"{APP_URL}/000000000000/map.js").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "../live.py",
        "%2e%2e/live.py",
        "..%2flive.py",
        "%2e%2e%2f%2e%2e%2fetc/passwd",
        "x%00.js",
        ".",
    ],
)
def test_no_path_leads_out_of_the_folders(client: httpx.Client, path: str) -> None:
    for base in (f"{APP_URL}/{static_version()}", "/static/vendor"):
        assert client.get(f"{base}/{path}").status_code == 404


def test_a_library_is_served_from_the_state_folder(serve_as: Serve, tmp_path: Path) -> None:
    file = tmp_path / "assets" / "vendor" / "leaflet" / "1.9.4" / "leaflet.css"
    file.parent.mkdir(parents=True)
    file.write_text("a{}")
    client = serve_as(state_folder=tmp_path).client
    answer = client.get("/static/vendor/leaflet/1.9.4/leaflet.css")
    assert (answer.text, answer.headers["content-type"]) == ("a{}", "text/css; charset=utf-8")
    (tmp_path / "assets" / "secret").write_text("x")
    assert client.get("/static/vendor/%2e%2e/secret").status_code == 404


# --- operation ---------------------------------------------------------------------------------


def test_health_names_the_schema_and_the_version(client: httpx.Client) -> None:
    answer = client.get("/health")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert f'version = "{VERSION}"' in (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    assert answer.json()["version"] == VERSION


def test_metrics_count_requests_by_route_and_status(served: Served) -> None:
    def count(route: str, status: int) -> float:
        line = f'infratrack_requests_total{{route="{route}",status="{status}"}} '
        text = served.client.get("/metrics").text
        return float(next((x.split()[-1] for x in text.splitlines() if x.startswith(line)), 0))

    before = count("items", 200), count("items", 400), count("none", 404)
    served.client.get("/collections/road/items")
    served.client.get("/collections/road/items?limit=0")
    served.client.get("/nothing")
    after = count("items", 200), count("items", 400), count("none", 404)
    assert [b - a for a, b in zip(before, after, strict=True)] == [1, 1, 1]
