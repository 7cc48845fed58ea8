"""The table of endpoints as paths of the OpenAPI document: who may, what is taken and answered."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from api.openapi_network import NETWORK_OPERATIONS, NETWORK_WORDS
from api.openapi_operations import HTML, JSON, OPERATIONS, Operation
from api.openapi_schemas import Schemas
from api.openapi_words import WORDS
from api.routing import Row
from gis.attributes import Language
from gis.db.roles import Pool
from gis.hazards.events import PAYLOADS
from gis.hazards.records import RECORDS, RecordType
from gis.people.person import Credential, Person, make_anonymous
from gis.people.policy import TABLE, Action, allows

Document = dict[str, Any]  # Any: JSON
SECURITY_SCHEMES: Document = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "infratrack_session",
        "description": "From POST /login; what changes something also needs the header"
        " X-Infratrack: 1 and an Origin of ours. Over HTTPS: __Host-infratrack_session.",
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A phone's token (POST /devices), a script's, or a duty holder's link",
    },
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "Login and an app password (POST /app-passwords); it reads",
    },
}
_WAYS = {
    "session": (Credential.SESSION,),
    "bearer": (Credential.DEVICE, Credential.TOKEN, Credential.LINK),
    "basic": (Credential.APP_PASSWORD,),
}
EVERY_WORD = {**WORDS, **NETWORK_WORDS}
EVERY_OPERATION = {**OPERATIONS, **NETWORK_OPERATIONS}
_PROBLEM = {"$ref": "#/components/responses/problem"}


def plain_path(path: str) -> str:
    """A path without the router's converters.

    >>> plain_path("/static/vendor/{file:path}")
    '/static/vendor/{file}'
    """
    return re.sub(r"\{(\w+):\w+\}", r"{\1}", path)


def describe_rows(rows: Iterable[Row], schemas: Schemas, language: Language) -> Document:
    """Every operation but those under one collection, which have a path for each kind."""
    paths: Document = {}
    for row in rows:
        path = plain_path(row.path)
        if "{kind}" in path:
            continue
        for method in row.methods:
            item = paths.setdefault(path, {})
            summary = EVERY_WORD[method, path].get(language)
            item[method.lower()] = _describe(row, method, path, summary, schemas)
    return paths


def _describe(row: Row, method: str, path: str, summary: str, schemas: Schemas) -> Document:
    operation = EVERY_OPERATION.get((method, path), Operation())
    found: Document = {
        "operationId": _name(method, path),
        "summary": summary,
        "tags": [_tag_of(path)],
        "parameters": [*_list_parameters(path, operation)],
        "responses": _describe_answers(row, path, operation, summary),
        "security": list_security(row.action),
    }
    if operation.body is not None:
        found["requestBody"] = {
            "required": isinstance(operation.body, type),
            "content": _describe_body(operation.body, schemas),
        }
    return found


_TAGS = {
    "data": ("search",),
    "tiles": ("tiles", "tileMatrixSets"),
    "maps": ("maps", "static"),
    "field": ("events", "sync", "uploads", "evidence", "field", "enrol-ca"),
    "network": ("network",),
    "hazards": (
        "hazards", "assets", "campaigns", "links", "notices", "labels", "flood", "plots",
    ),
    "people": (
        "login", "logout", "me", "devices", "enrolments", "app-passwords", "accounts", "audit",
        "admin",
    ),
    "surveys": ("surveys",),
    "operation": ("health", "metrics", "jobs"),
}  # fmt: skip
"""Groups of the page, by the first word of a path; the rest is what the API can do."""


def _tag_of(path: str) -> str:
    first = path.strip("/").partition("/")[0]
    return next((tag for tag, words in _TAGS.items() if first in words), "capabilities")


def _name(method: str, path: str) -> str:
    words = re.sub(r"[^a-zA-Z0-9]+", ".", path).strip(".") or "landing"
    return words if method == "GET" else f"{words}.{method.lower()}"


def _list_parameters(path: str, operation: Operation) -> Iterable[Document]:
    for name in re.findall(r"\{(\w+)\}", path):
        yield {"$ref": f"#/components/parameters/path-{name}"}
    yield from operation.parameters
    if operation.limit:
        yield {"$ref": "#/components/parameters/limit"}
    yield {"$ref": "#/components/parameters/lang"}


def _describe_body(body: type[BaseModel] | tuple[str, Document], schemas: Schemas) -> Document:
    if isinstance(body, tuple):
        media, schema = body
        return {media: {"schema": schema}}
    found = schemas.refer(body)
    if body.__name__ == "Envelope":
        _describe_payloads(schemas)
    return {JSON: {"schema": found}}


def _describe_payloads(schemas: Schemas) -> None:
    """The payload of each type, beside anything else: an unknown one is kept, not refused."""
    known: dict[str, type[BaseModel]] = {t.value: m for t, m in PAYLOADS.items()}
    known.update((t.value, m) for t, m in RECORDS.items() if t is not RecordType.EVIDENCE_STORED)
    arms = [schemas.refer(model) for model in dict.fromkeys(known.values())]
    schema = schemas.components["Envelope"]["properties"]["payload"]
    lines = ", ".join(f"{name}: {model.__name__}" for name, model in known.items())
    schema["description"] = f"By type: {lines}. Of another type or form: kept as it is."
    schema["anyOf"] = [*arms, {"type": "object"}]


def _describe_answers(row: Row, path: str, operation: Operation, summary: str) -> Document:
    answers: Document = {}
    for status, media in operation.answers.items():
        answers[str(status)] = {"description": summary}
        if media is not None:
            kinds = media.split(", ")
            answers[str(status)]["content"] = {kind: _schema_of(kind) for kind in kinds}
    statuses = {400, 503, *operation.problems}
    statuses |= {404} if "{" in path else set()
    statuses |= {408, 413, 415} if operation.body is not None else set()
    if not allows(make_anonymous(Pool.PUBLIC), row.action):
        statuses |= {401, 403}
    for status in sorted(statuses):
        answers.setdefault(str(status), _PROBLEM)
    # A page that one may not open is the login, with a redirection or the reason.
    return answers | {"default": _PROBLEM}


def _schema_of(media: str) -> Document:
    if media in (HTML, "text/plain", "text/event-stream"):
        return {"schema": {"type": "string"}}
    return {} if media == JSON else {"schema": {"type": "string", "format": "binary"}}


def list_security(action: Action) -> list[Document]:
    """The ways to log in that open an action to somebody; first none, where none is needed."""
    anonymous = make_anonymous(Pool.PUBLIC)
    found: list[Document] = [{}] if allows(anonymous, action) else []
    for name, credentials in _WAYS.items():
        people = (
            Person("x", "", Pool.PUBLIC, roles=TABLE[action], credential=credential)
            for credential in credentials
        )
        if any(allows(person, action) for person in people):
            found.append({name: []})
    return found
