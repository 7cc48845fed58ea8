"""The OpenAPI 3.0 document, by hand: what QGIS reads and FastAPI does not write.

QGIS takes its page size only from ``components.parameters.limit`` and its equality filters only
from parameters under the literal path of a collection (read in its source).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from starlette.requests import Request

from api.context import Parts, absolute
from api.ogc.documents import DESCRIPTION, GEOJSON, JSON, MVT, TITLE
from api.ogc.parameters import DEFAULT_LIMIT, MAX_LIMIT
from api.openapi_paths import SECURITY_SCHEMES, describe_rows, list_security
from api.openapi_schemas import Schemas
from api.routing import Row
from gis.attributes import Language, Text
from gis.db.roles import visible_attributes
from gis.kinds import Record, declared
from gis.kinds.vocabularies import vocabulary_of
from gis.people.policy import Action

Document = dict[str, Any]  # Any: JSON
_TEXT = {"type": "string"}
_PLAIN = ("id", "kind", "z", "row", "col", "name", "version", "file", "sha256", "build")


def _parameter(name: str, schema: Document, text: str, **more: object) -> Document:
    return {"name": name, "in": "query", "description": text, "schema": schema, **more}


def _components() -> Document:
    numbers = {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 6}
    limit = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
    moment = {"type": "string", "format": "date-time"}
    parameters = {
        "limit": _parameter("limit", limit, "Features per page", style="form", explode=False),
        "bbox": _parameter(
            "bbox", numbers, "west,south,east,north (CRS84)", style="form", explode=False
        ),
        "datetime": _parameter("datetime", _TEXT, "Instant or start/end, over valid time"),
        "as-of": _parameter("as-of", moment, "State that was true at this moment (or date)"),
        "known-at": _parameter("known-at", moment, "State as it was recorded at this moment"),
        "cursor": _parameter("cursor", _TEXT, "Place in the listing, from a next link"),
        "lang": _parameter("lang", {"type": "string", "enum": ["zh", "en"]}, "Language"),
        "collections": _parameter("collections", _TEXT, "Comma-separated collection ids"),
    }
    for name in _PLAIN:
        parameters[f"path-{name}"] = {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "integer"} if name in ("z", "row", "col") else _TEXT,
        }
    shape = {"schema": {"$ref": "#/components/schemas/Problem"}}
    problem = {"description": "RFC 9457", "content": {"application/problem+json": shape}}
    return {
        "parameters": parameters,
        "responses": {"problem": problem},
        "securitySchemes": SECURITY_SCHEMES,
    }


_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
    },
}


_OF_A_KIND = {
    "describe": Text(zh="{kind}:说明", en="{kind}: description"),
    "schema": Text(zh="{kind}:字段", en="{kind}: schema"),
    "items": Text(zh="{kind}:要素", en="{kind}: features"),
    "item": Text(zh="{kind}:一个要素", en="{kind}: one feature"),
    "history": Text(zh="{kind}:变更历史", en="{kind}: its versions"),
    "tilesets": Text(zh="{kind}:瓦片集", en="{kind}: tilesets"),
    "tileset": Text(zh="{kind}:瓦片集说明", en="{kind}: tileset"),
    "tile": Text(zh="{kind}:一张瓦片", en="{kind}: one tile"),
}


def _operation(
    name: str, summary: str, media: str, *parameters: str | Document, tag: str = "data"
) -> Document:
    refs = [
        {"$ref": f"#/components/parameters/{p}"} if isinstance(p, str) else p
        for p in (*parameters, "lang")
    ]
    error = {"$ref": "#/components/responses/problem"}
    return {
        "get": {
            "operationId": name,
            "summary": summary,
            "tags": [tag],
            "parameters": refs,
            "responses": {
                "200": {"description": summary, "content": {media: {}}},
                **({"204": {"description": "Nothing is there"}} if media == MVT else {}),
                "304": {"description": "As it was when it was given this ETag"},
                "400": error,
                "404": error,
                "503": error,
                "default": error,
            },
            "security": list_security(Action.READ),
        }
    }


def _equality(kind: type[Record], name: str, language: Language) -> Document:
    words = vocabulary_of(kind, name)
    plain = str(kind.model_fields[name].annotation)
    type_ = "number" if "float" in plain else "integer" if "int" in plain else "string"
    if "bool" in plain:
        type_ = "boolean"
    schema: Document = {"type": type_}
    if words:
        schema = {"type": "string", "enum": [w.value for w in words]}
    text = declared(kind)[name].text.get(language)
    return _parameter(name, schema, text, style="form", explode=False)


def _collection_paths(kind: type[Record], parts: Parts, language: Language) -> Document:
    here, label = f"/collections/{kind.kind}", kind.label.get(language)

    def say(name: str) -> str:
        return _OF_A_KIND[name].get(language).format(kind=label)

    equal = [
        _equality(kind, n, language)
        for n in visible_attributes(kind, parts.pool)
        if n not in ("missing", "money")
    ]
    asked = ("bbox", "limit", "datetime", "as-of", "known-at", "cursor")
    tile = ("path-z", "path-row", "path-col", "as-of")
    op = kind.kind
    return {
        here: _operation(f"describe.{op}", say("describe"), JSON),
        f"{here}/schema": _operation(f"schema.{op}", say("schema"), "application/schema+json"),
        f"{here}/items": _operation(f"items.{op}", say("items"), GEOJSON, *asked, *equal),
        f"{here}/items/{{id}}": _operation(
            f"item.{op}", say("item"), GEOJSON, "path-id", "as-of", "known-at"
        ),
        f"{here}/items/{{id}}/history": _operation(
            f"history.{op}", say("history"), JSON, "path-id"
        ),
        f"{here}/tiles": _operation(f"tilesets.{op}", say("tilesets"), JSON, tag="tiles"),
        f"{here}/tiles/WebMercatorQuad": _operation(
            f"tileset.{op}", say("tileset"), JSON, tag="tiles"
        ),
        f"{here}/tiles/WebMercatorQuad/{{z}}/{{row}}/{{col}}": _operation(
            f"tile.{op}", say("tile"), MVT, *tile, tag="tiles"
        ),
    }


def openapi_document(request: Request, parts: Parts, language: Language) -> Document:
    """The whole API as this reader sees it."""
    schemas = Schemas()
    schemas.name("Problem", _PROBLEM)
    rows: Iterable[Row] = request.app.state.rows
    paths = describe_rows(rows, schemas, language)
    for kind in parts.kinds.values():
        paths |= _collection_paths(kind, parts, language)
    return {
        "openapi": "3.0.3",
        "info": {
            "title": TITLE.get(language),
            "description": DESCRIPTION.get(language),
            "version": "0.1.0",
            "license": {"name": "Apache-2.0"},
        },
        "servers": [{"url": absolute(request, "")}],
        "paths": paths,
        "components": {**_components(), "schemas": schemas.components},
    }
