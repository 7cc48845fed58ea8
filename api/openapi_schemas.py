"""Pydantic's JSON Schema (2020-12) as OpenAPI 3.0 understands schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]  # Any: JSON
_PREFIX = "#/components/schemas/"


class Schemas:
    """The named schemas of a document, gathered while its operations are written."""

    def __init__(self) -> None:
        self.components: Schema = {}

    def refer(self, model: type[BaseModel]) -> Schema:
        """A reference to a model's schema; what it is made of is gathered as well."""
        if model.__name__ not in self.components:
            template = _PREFIX + "{model}"
            schema = model.model_json_schema(ref_template=template, mode="validation")
            for name, part in schema.pop("$defs", {}).items():
                self.components[name] = restate(part)
            self.components[model.__name__] = restate(schema)
        return {"$ref": f"{_PREFIX}{model.__name__}"}

    def name(self, name: str, schema: Schema) -> Schema:
        """A reference to a schema written by hand."""
        self.components[name] = schema
        return {"$ref": f"{_PREFIX}{name}"}


def restate(schema: Any) -> Any:  # noqa: ANN401  Any: JSON
    """The same constraints in the words of OpenAPI 3.0, which has neither null nor const.

    >>> restate({"anyOf": [{"type": "integer", "exclusiveMinimum": 0}, {"type": "null"}]}) == {
    ...     "type": "integer", "minimum": 0, "exclusiveMinimum": True, "nullable": True}
    True
    """
    if isinstance(schema, list):
        return [restate(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    said = {name: restate(part) for name, part in schema.items() if name not in _DROPPED}
    if schema.get("default", ...) is None:
        said.pop("default")
    said = _state_null(said)
    if "const" in said:
        said["enum"] = [said.pop("const")]
    for bound, name in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(said.get(name), int | float) and not isinstance(said[name], bool):
            said[bound], said[name] = said[name], True
    if "prefixItems" in said:
        said["items"] = {"anyOf": said.pop("prefixItems")}
    return said


_DROPPED = frozenset({"$schema", "examples", "discriminator"})


def _state_null(schema: Mapping[str, Any]) -> Schema:
    arms = schema.get("anyOf")
    if not isinstance(arms, list) or {"type": "null"} not in arms:
        return dict(schema)
    rest = [arm for arm in arms if arm != {"type": "null"}]
    around = {name: part for name, part in schema.items() if name != "anyOf"}
    if len(rest) > 1:
        return {"anyOf": rest, **around, "nullable": True}
    if "$ref" in rest[0]:  # beside a reference nothing else counts
        return {"allOf": rest, **around, "nullable": True}
    return {**rest[0], **around, "nullable": True}
