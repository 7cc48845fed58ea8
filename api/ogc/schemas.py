"""A kind as JSON schema: titles, units, vocabularies, where each definition comes from."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from api.context import absolute
from gis.attributes import Attribute, Language, Text
from gis.db.roles import Pool, visible_attributes
from gis.db.tables import MEASURES
from gis.geometry import GeometryType
from gis.kinds import Record, declared
from gis.kinds.vocabularies import vocabulary_of

Document = dict[str, Any]  # Any: JSON
UNVERIFIED = Text(zh="(定义未经核实:{source})", en="(definition not verified: {source})")
_FORMATS = {
    GeometryType.POINT: "geometry-point",
    GeometryType.LINE: "geometry-linestring",
    GeometryType.AREA: "geometry-multipolygon",
    GeometryType.POINT_OR_AREA: "geometry-any",
}


def schema_document(
    request: Request, kind: type[Record], pool: Pool, language: Language
) -> Document:
    """The schema of a feature's properties, as the reader sees them."""
    schema = kind.model_json_schema()
    definitions = schema.get("$defs", {})
    properties: Document = {}
    for order, name in enumerate(visible_attributes(kind, pool)):
        given = _resolve(schema["properties"][name], definitions)
        properties[name] = {**given, **describe(kind, name, language), "x-ogc-propertySeq": order}
    if measure := MEASURES.get(kind.geometry_type):
        properties[measure] = {"type": "number", "readOnly": True}
    properties["geometry"] = {
        "format": _FORMATS[kind.geometry_type],
        "x-ogc-role": "primary-geometry",
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": absolute(request, f"/collections/{kind.kind}/schema"),
        "type": "object",
        "title": kind.label.get(language),
        "properties": properties,
        "required": [n for n in schema.get("required", []) if n in properties],
    }


def describe(kind: type[Record], name: str, language: Language) -> Document:
    """Words, unit and source of one attribute."""
    mark: Attribute = declared(kind)[name]
    source = UNVERIFIED.format(source=mark.source) if not mark.verified else None
    words = vocabulary_of(kind, name)
    return {
        "title": mark.text.get(language),
        **({"x-ogc-unit": mark.unit.symbol} if mark.unit else {}),
        **({"description": source.get(language)} if source else {}),
        **({"x-labels": {w.value: w.text.get(language) for w in words}} if words else {}),
    }


def _resolve(schema: Document, definitions: Document) -> Document:
    """A property without $ref, anyOf-null and defaults: plain type, format, enum, bounds."""
    if "anyOf" in schema:
        schema = next(arm for arm in schema["anyOf"] if arm.get("type") != "null")
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rsplit("/", 1)[1]]
    kept = ("type", "format", "enum", "minimum", "maximum", "exclusiveMinimum", "maxLength")
    return {key: schema[key] for key in kept if key in schema}
