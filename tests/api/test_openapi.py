"""The OpenAPI document: every route is described, as OpenAPI 3.0 has it."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest

from api.endpoints import ROUTES
from api.openapi_paths import EVERY_OPERATION, EVERY_WORD, plain_path
from gis.people.policy import Action
from tests.api.conftest import Served

Document = dict[str, Any]


@pytest.fixture(scope="module")
def document(served: Served) -> Document:
    found: Document = served.client.get("/api?lang=en").json()
    return found


def test_every_route_is_described_with_its_methods(document: Document) -> None:
    described = {
        (path.replace("/collections/road", "/collections/{kind}"), method.upper())
        for path, item in document["paths"].items()
        for method in item
    }
    for row in ROUTES:
        for method in row.methods:
            assert (plain_path(row.path), method) in described


def test_what_is_said_of_an_operation_is_said_of_one_that_exists() -> None:
    known = {(method, plain_path(row.path)) for row in ROUTES for method in row.methods}
    assert set(EVERY_OPERATION) <= known
    assert set(EVERY_WORD) == {(method, path) for method, path in known if "{kind}" not in path}


def test_a_route_that_takes_a_body_says_which(document: Document) -> None:
    without = {"/logout", "/campaigns/{id}/close", "/surveys/batches/{id}/judgements"}
    for row in ROUTES:
        for method in set(row.methods) & {"POST", "PUT", "PATCH"}:
            path = plain_path(row.path)
            told = "requestBody" in document["paths"][path][method.lower()]
            assert told == (path not in without), (method, path)


def test_the_security_of_an_operation_is_the_policys(document: Document) -> None:
    paths = document["paths"]
    assert paths["/accounts"]["get"]["security"] == [{"session": []}]
    assert paths["/events/{id}"]["put"]["security"] == [{"session": []}, {"bearer": []}]
    assert paths["/hazards"]["get"]["security"] == [{"session": []}, {"bearer": []}, {"basic": []}]
    assert paths["/conformance"]["get"]["security"][0] == {}
    named = set(document["components"]["securitySchemes"])
    for item in paths.values():
        for operation in item.values():
            assert {name for way in operation["security"] for name in way} <= named
    assert {row.action for row in ROUTES} <= set(Action)


def test_every_reference_leads_somewhere_and_names_are_given_once(document: Document) -> None:
    for reference in set(re.findall(r'"\$ref":\s*"#/([^"]+)"', json.dumps(document))):
        place: Any = document
        for word in reference.split("/"):
            place = place[word]
    names = [op["operationId"] for item in document["paths"].values() for op in item.values()]
    assert len(names) == len(set(names))
    for path, item in document["paths"].items():
        for operation in item.values():
            refs = [p.get("$ref", "").rpartition("path-")[2] for p in operation["parameters"]]
            assert set(re.findall(r"\{(\w+)\}", path)) == set(refs) - {"", *_shared(operation)}


def _shared(operation: Document) -> set[str]:
    """Last words of references that are no path parameter."""
    return {
        p["$ref"].rpartition("path-")[2]
        for p in operation["parameters"]
        if "$ref" in p and "/path-" not in p["$ref"]
    }


def test_nothing_of_json_schema_is_left_that_openapi_3_0_does_not_know(document: Document) -> None:
    def walk(part: object) -> None:
        if isinstance(part, list):
            for each in part:
                walk(each)
        elif isinstance(part, dict):
            assert not {"const", "prefixItems", "$defs"} & set(part)
            assert part.get("type") != "null"
            assert not isinstance(part.get("type"), list)
            for each in part.values():
                walk(each)

    walk(document["components"]["schemas"])


def test_the_envelope_is_the_phones_own_model(document: Document) -> None:
    schema = document["components"]["schemas"]["Envelope"]
    assert set(schema["required"]) == {"id", "type", "account", "device"}
    payload = schema["properties"]["payload"]
    assert "visited: Visited" in payload["description"]
    assert {"$ref": "#/components/schemas/Found"} in payload["anyOf"]


def test_the_page_shows_what_changes_something_as_well(client: httpx.Client) -> None:
    page = client.get("/api.html?lang=en").text
    assert "/campaigns/{id}/close" in page
