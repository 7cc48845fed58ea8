"""What a role may not see is nowhere: not in lists, items, tiles, search, maps or errors."""

from __future__ import annotations

import json

import httpx
import mapbox_vector_tile
import pytest

from gis.attributes import Sensitivity
from gis.kinds import KINDS, sensitivity_of
from tests.api.conftest import Serve
from tests.api.county import LAT, LIFE_ID, LON
from tests.api.tiling import tile_at

PUBLIC = {"road", "pocket_park", "traditional_village", "admin_unit", "built_up_area"}
"""Kinds declared public, by hand: a kind that changes sides must be changed here too."""


@pytest.fixture(scope="module")
def public(serve_as: Serve) -> httpx.Client:
    return serve_as("public").client


@pytest.fixture(scope="module")
def field(serve_as: Serve) -> httpx.Client:
    return serve_as("field").client


def test_the_public_sees_the_public_kinds_only(public: httpx.Client) -> None:
    assert {c["id"] for c in public.get("/collections").json()["collections"]} == PUBLIC
    document = public.get("/api").json()
    named = {path.split("/")[2] for path in document["paths"] if path.startswith("/collections/")}
    assert named == PUBLIC
    for name in ("progress", "hazards"):
        layers = public.get(f"/maps/{name}/config").json()["layers"]
        assert {layer["id"] for layer in layers} <= PUBLIC


def test_the_invisible_answers_as_the_unknown_does(public: httpx.Client) -> None:
    def shape(kind: str, rest: str) -> tuple[int, str]:
        answer = public.get(f"/collections/{kind}{rest}")
        return answer.status_code, answer.text.replace(kind, "KIND")

    for rest in (
        "", "/schema", "/items", f"/items/{LIFE_ID}", f"/items/{LIFE_ID}/history",
        "/tiles", "/tiles/WebMercatorQuad", "/tiles/WebMercatorQuad/3/3/6",
    ):  # fmt: skip
        for kind in set(KINDS) - PUBLIC:
            assert shape(kind, rest) == shape("unknown_kind", rest)
            assert shape(kind, rest)[0] == 404
    tile = "/tiles/WebMercatorQuad/3/3/6?collections=road,"
    assert public.get(tile + "sewer_pipe").status_code == 404


def test_a_tile_of_everything_holds_what_the_reader_may_see(public: httpx.Client) -> None:
    row, column = tile_at(13, LON + 0.0004, LAT + 0.0002)
    answer = public.get(f"/tiles/WebMercatorQuad/13/{row}/{column}")
    shown = set(mapbox_vector_tile.decode(answer.content))
    assert "road" in shown
    assert shown <= PUBLIC


def test_search_finds_nothing_the_reader_may_not_see(
    public: httpx.Client, client: httpx.Client
) -> None:
    assert client.get("/search", params={"q": "WS-00001"}).json()
    assert public.get("/search", params={"q": "WS-00001"}).json() == []
    assert {hit["kind"] for hit in public.get("/search", params={"q": "0"}).json()} <= PUBLIC


def restricted(kind: str) -> set[str]:
    model = KINDS[kind]
    return {n for n in model.model_fields if sensitivity_of(model, n) is Sensitivity.RESTRICTED}


def test_a_restricted_attribute_is_seen_by_staff_and_by_nobody_else(
    field: httpx.Client, client: httpx.Client
) -> None:
    assert "responsible" in restricted("sewer_pipe")
    items = "/collections/sewer_pipe/items?limit=1"
    row, column = tile_at(17, LON + 0.0004, LAT + 0.00001)
    tile = f"/collections/sewer_pipe/tiles/WebMercatorQuad/17/{row}/{column}"
    seen = {}
    for name, reader in (("field", field), ("staff", client)):
        feature = reader.get(items).json()["features"][0]
        history = reader.get(f"/collections/sewer_pipe/items/{feature['id']}/history").json()
        layer = mapbox_vector_tile.decode(reader.get(tile).content)["sewer_pipe"]
        config = reader.get("/maps/progress/config").json()["layers"]
        attributes = next(x["attributes"] for x in config if x["id"] == "sewer_pipe")
        schema = reader.get("/collections/sewer_pipe/schema").json()
        parameters = reader.get("/api").json()["paths"]["/collections/sewer_pipe/items"]["get"]
        seen[name] = {
            "item": "responsible" in feature["properties"],
            "history": "responsible" in history["versions"][0]["properties"],
            "tile": any("responsible" in f["properties"] for f in layer["features"]),
            "config": any(a["name"] == "responsible" for a in attributes),
            "schema": "responsible" in schema["properties"],
            "definition": "responsible" in json.dumps(parameters),
            "author": "recorded_by" in history["versions"][0],
        }
    assert set(seen["staff"].values()) == {True}
    assert set(seen["field"].values()) == {False}


def test_a_filter_on_an_invisible_attribute_is_an_unknown_parameter(field: httpx.Client) -> None:
    hidden = field.get("/collections/sewer_pipe/items", params={"responsible": "张三"})
    unknown = field.get("/collections/sewer_pipe/items", params={"resp0nsible": "张三"})
    assert hidden.status_code == unknown.status_code == 400
    assert hidden.text.replace("responsible", "NAME") == unknown.text.replace("resp0nsible", "NAME")
