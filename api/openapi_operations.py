"""What each operation takes and answers, beyond what its row in the table of endpoints says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from api.ogc.parameters import MAX_LIMIT
from api.routes.accounts import Change, Creation
from api.routes.campaigns import Assignment, Opening
from api.routes.desilting import FLAGS as DESILTING_FLAGS
from api.routes.desilting import Jobs
from api.routes.devices import NewDevice, NewEnrolment, NewLink
from api.routes.inspections import XLSX
from api.routes.people import NewAppPassword, NewPassword
from api.routes.records import MAX_BATCH
from api.routes.second_factor import Beginning, Confirmation
from api.routes.surveys import FILTERS as SURVEY_FILTERS
from api.routes.surveys import Standing, Verdict
from api.routes.uploads import UPLOAD_METHODS
from gis.evidence.examine_picture import SIZES
from gis.evidence.receive import MAX_BYTES
from gis.evidence.sniff import Medium
from gis.hazards.envelope import Envelope
from gis.network.cctv_values import METHODS
from gis.network.desilting import Reply
from gis.network.progress import ACTIVITIES, STATES, SYSTEMS

Document = dict[str, Any]  # Any: JSON
JSON, HTML = "application/json", "text/html"
BINARY: Document = {"type": "string", "format": "binary"}
_TEXT: Document = {"type": "string"}
_MOMENT: Document = {"type": "string", "format": "date-time"}
_COUNT: Document = {"type": "integer", "minimum": 1}
_FLAG: Document = {"type": "boolean"}


def parameter(
    name: str, schema: Document, text: str, where: str = "query", **more: object
) -> Document:
    """One parameter."""
    return {"name": name, "in": where, "description": text, "schema": schema, **more}


def _header(name: str, schema: Document, text: str, **more: object) -> Document:
    return parameter(name, schema, text, "header", **more)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its body (a model, or media type and schema) and answers by status."""

    body: type[BaseModel] | tuple[str, Document] | None = None
    parameters: tuple[Document, ...] = ()
    answers: Mapping[int, str | None] = field(default_factory=lambda: {200: JSON})
    problems: tuple[int, ...] = ()
    limit: bool = False


CREATED: Mapping[int, str | None] = {201: JSON}
NOTHING: Mapping[int, str | None] = {204: None}
PAGE: Mapping[int, str | None] = {200: HTML}
KEPT: Mapping[int, str | None] = {200: JSON, 304: None}
_HELD = _header("If-None-Match", _TEXT, "The ETag of an earlier answer")
_VERSION = _header("Tus-Resumable", {"type": "string", "enum": ["1.0.0"]}, "tus", required=True)
_OFFSET = _header(
    "Upload-Offset", {"type": "integer", "minimum": 0}, "Where the piece belongs", required=True
)
_CHECKSUM = _header("Upload-Checksum", _TEXT, "sha256 and the piece's hash in Base64")
_LENGTH = _header(
    "Upload-Length", {"type": "integer", "minimum": 1, "maximum": MAX_BYTES}, "Bytes", required=True
)
_METADATA = _header(
    "Upload-Metadata", _TEXT, "sha256 (hex), media and perhaps event, in Base64", required=True
)
_PIECE = ("application/offset+octet-stream", BINARY)
_OVERRIDE = _header(
    "X-HTTP-Method-Override",
    {"type": "string", "enum": [m for m in UPLOAD_METHODS if m not in ("OPTIONS", "POST")]},
    "The method, where a proxy lets only POST through",
    required=True,
)
_OUTBOX: Document = {
    "type": "object",
    "description": "An outbox the phone app exported",
    "required": ["format", "events"],
    "properties": {
        "format": {"type": "string", "enum": ["infratrack-outbox/1"]},
        "device_id": _TEXT,
        "account": _TEXT,
        "events": {"type": "array", "items": _TEXT},
        "blobs": {"type": "array", "items": {"type": "object"}},
    },
}
_SYNC: Document = {
    "type": "object",
    "required": ["events"],
    "properties": {
        "client_now": _MOMENT,
        "device_id": {"type": "string", "format": "uuid"},
        "highest": {
            "type": "integer",
            "description": "The highest number the phone has given a record, sent or not",
        },
        "events": {
            "type": "array",
            "maxItems": MAX_BATCH,
            "items": {"type": "string", "description": "The exact bytes of one record (Envelope)"},
        },
    },
}
_LOGIN: Document = {
    "type": "object",
    "required": ["login", "password"],
    "properties": dict.fromkeys(
        ("login", "password", "second_factor", "new_password", "new_again", "next"), _TEXT
    ),
}
_IN_HAZARDS = (
    parameter("bbox", _TEXT, "west,south,east,north"),
    parameter("open", _FLAG, "Only open ones, or only ended ones"),
    parameter("overdue", _FLAG, "Past their deadline"),
    parameter(
        "due-within-days", {"type": "integer", "minimum": 0, "maximum": 999}, "Deadline within"
    ),
    parameter("cursor", _TEXT, "Place in the listing, from an earlier answer"),
)
_IN_AUDIT = (
    parameter("before", _COUNT, "Lines before this number"),
    *(parameter(name, _TEXT, "Only these lines") for name in ("login", "action", "outcome")),
    parameter("limit", {**_COUNT, "maximum": MAX_LIMIT}, "Lines per page"),
)
_IN_LABELS = (
    parameter("kind", _TEXT, "Whose labels", required=True),
    parameter("campaign", {**_TEXT, "format": "uuid"}, "Only the targets of this campaign"),
    parameter("township", _TEXT, "Only what lies in it (its code)"),
    parameter("prefix", _TEXT, "Only codes that begin so"),
    parameter("after", _TEXT, "Only codes after this one"),
)
_WHOSE_RULES = parameter("rules", _TEXT, "Version of the rules")
_DAY: Document = {"type": "string", "format": "date"}
_UP_TO = parameter("on", _DAY, "Inspected up to this day")
_INSPECTED_BY = parameter("method", {"type": "string", "enum": [*METHODS]}, "How it was inspected")
_IN_INSPECTIONS = (
    parameter("from", _DAY, "Inspected on or after"),
    parameter("to", _DAY, "Inspected on or before"),
    _INSPECTED_BY,
    parameter("matched", _FLAG, "Whether its pipe is known"),
    parameter("code", _TEXT, "With this defect"),
    parameter("repair-class", {"type": "string", "enum": ["Ⅰ", "Ⅱ", "Ⅲ", "Ⅳ"]}, "Repair class"),
    parameter("pipe", {"type": "string", "format": "uuid"}, "Of this pipe"),
    parameter("unit", _TEXT, "Inspected by"),
    parameter("cursor", _TEXT, "Place in the listing, from an earlier answer"),
    _WHOSE_RULES,
)
_IN_DESILTING = (
    parameter("from", _DAY, "Done, or begun, on or after"),
    parameter("to", _DAY, "Begun on or before"),
    parameter("state", {"type": "string", "enum": [*STATES]}, "How far it is"),
    parameter("flag", {"type": "string", "enum": [*DESILTING_FLAGS]}, "With this flag"),
    parameter("pipe", {"type": "string", "format": "uuid"}, "Of this pipe"),
    parameter("unit", _TEXT, "Done by"),
    parameter("township", _TEXT, "In this township (its code)"),
    parameter("system", {"type": "string", "enum": [*SYSTEMS][:3]}, "In pipes of this system"),
    parameter("cursor", _TEXT, "Place in the listing, from an earlier answer"),
)
_PERIOD = (
    parameter("from", _DAY, "First day; without one, the first of the year"),
    parameter("to", _DAY, "Last day; without one, today"),
    parameter("township", _TEXT, "Only in this township (its code)"),
    parameter("as-of", _DAY, "As it was at the end of this day"),
    parameter("known-at", _DAY, "As it was known at the end of this day"),
)
_IN_PROGRESS = (
    *_PERIOD,
    parameter("activity", {"type": "string", "enum": [*ACTIVITIES]}, "Of this activity"),
    parameter("state", {"type": "string", "enum": [*STATES]}, "How far it is"),
    parameter("system", {"type": "string", "enum": [*SYSTEMS]}, "In pipes of this system"),
    parameter("offset", {"type": "integer", "minimum": 0, "maximum": 9_999_999}, "Rows to skip"),
)
_TABLE_SENT = (
    parameter("name", _TEXT, "Name of the file"),
    parameter("dry-run", _FLAG, "Judge only, write nothing"),
    _INSPECTED_BY,
    *(
        parameter(name, _TEXT, "Where the table is silent")
        for name in ("unit", "importance", "soil")
    ),
)
_BOOK = (
    parameter("file", _TEXT, "Name of the file"),
    parameter("name", _TEXT, "Name of a new batch"),
    parameter("unit", _TEXT, "Who surveyed"),
    parameter("claimed-km", {"type": "number", "minimum": 0}, "Length claimed"),
    parameter("crs", _TEXT, "CRS, else found from the county"),
    parameter("batch", {"type": "string", "format": "uuid"}, "The batch whose book it corrects"),
)
_IN_SURVEY = (
    parameter("rule", _TEXT, "Only findings of this rule"),
    parameter("sheet", _TEXT, "Only on this sheet"),
    *(
        parameter(name, {"type": "string", "enum": list(words)}, "Only these")
        for name, words in SURVEY_FILTERS.items()
    ),
    parameter("after", {"type": "integer", "minimum": 0}, "Number of the last one seen"),
)
_SEARCH = parameter("q", {**_TEXT, "minLength": 1, "maxLength": 100}, "Code or name", required=True)
_TILE = (
    parameter("as-of", _MOMENT, "State that was true at this moment"),
    parameter("collections", _TEXT, "Comma-separated collection ids"),
)
_PICTURE: Mapping[int, str | None] = {
    200: ", ".join(medium.value for medium in Medium),
    202: "application/problem+json",
    304: None,
}

OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("GET", "/api"): Operation(
        answers={200: "application/vnd.oai.openapi+json;version=3.0", 304: None}
    ),
    ("GET", "/api.html"): Operation(answers=PAGE),
    ("GET", "/tiles/WebMercatorQuad/{z}/{row}/{col}"): Operation(
        parameters=_TILE,
        answers={200: "application/vnd.mapbox-vector-tile", 204: None, 304: None},
    ),
    ("GET", "/search"): Operation(parameters=(_SEARCH,), limit=True),
    ("GET", "/events"): Operation(answers={200: "text/event-stream"}),
    ("GET", "/maps/{name}"): Operation(answers=PAGE),
    ("GET", "/maps/{name}/config"): Operation(parameters=_TILE[:1]),
    ("GET", "/labels"): Operation(parameters=_IN_LABELS, answers=PAGE, problems=(404,)),
    ("GET", "/field"): Operation(answers=PAGE),
    ("GET", "/field/sw.js"): Operation(answers={200: "text/javascript"}),
    ("GET", "/field/manifest.webmanifest"): Operation(answers={200: "application/manifest+json"}),
    ("GET", "/field/app/{build}/{file}"): Operation(answers={200: "*/*"}),
    ("GET", "/office/app/{build}/{file}"): Operation(answers={200: "*/*"}),
    ("GET", "/enrol-ca/{file}"): Operation(answers={200: "*/*"}),
    ("GET", "/static/app/{version}/{file}"): Operation(answers={200: "*/*"}),
    ("GET", "/static/vendor/{file}"): Operation(answers={200: "*/*"}),
    ("GET", "/login"): Operation(
        parameters=(parameter("next", _TEXT, "Where to go after it"),), answers=PAGE
    ),
    ("POST", "/login"): Operation(
        body=("application/x-www-form-urlencoded", _LOGIN),
        # The form again with what is wrong; a body that is no such form is answered as elsewhere.
        answers={303: None, 400: f"{HTML}, application/problem+json", 401: HTML, 429: HTML},
    ),
    ("POST", "/logout"): Operation(answers=NOTHING),
    ("POST", "/me/password"): Operation(body=NewPassword, answers=NOTHING, problems=(401, 429)),
    ("POST", "/me/second-factor"): Operation(body=Beginning, answers=CREATED, problems=(401, 429)),
    ("POST", "/me/second-factor/confirm"): Operation(body=Confirmation, problems=(401, 409, 429)),
    ("GET", "/account"): Operation(
        parameters=(parameter("next", _TEXT, "Where to go after it"),), answers=PAGE
    ),
    ("POST", "/devices"): Operation(body=NewDevice, answers=CREATED, problems=(401, 403, 429)),
    ("DELETE", "/devices/{id}"): Operation(answers=NOTHING),
    ("POST", "/enrolments"): Operation(body=NewEnrolment, answers=CREATED, problems=(404,)),
    ("POST", "/app-passwords"): Operation(body=NewAppPassword, answers=CREATED, problems=(409,)),
    ("DELETE", "/app-passwords/{id}"): Operation(answers=NOTHING),
    ("POST", "/links"): Operation(body=NewLink, answers=CREATED, problems=(404,)),
    ("DELETE", "/links/{id}"): Operation(answers=NOTHING),
    ("POST", "/accounts"): Operation(body=Creation, answers=CREATED, problems=(409,)),
    ("PATCH", "/accounts/{id}"): Operation(body=Change, problems=(409,)),
    ("GET", "/audit"): Operation(parameters=_IN_AUDIT),
    ("GET", "/admin"): Operation(answers=PAGE),
    ("PUT", "/events/{id}"): Operation(
        body=Envelope,
        parameters=(_header("Client-Now", _MOMENT, "What the device's clock shows"),),
        answers={200: JSON, 201: JSON},
        problems=(409, 423),
    ),
    ("GET", "/sync"): Operation(
        parameters=(
            parameter("since", {"type": "integer", "minimum": 0}, "cursor of an earlier answer"),
        )
    ),
    ("POST", "/sync"): Operation(body=(JSON, _SYNC)),
    ("POST", "/sync/import"): Operation(body=(JSON, _OUTBOX), problems=(413,)),
    ("GET", "/office"): Operation(answers=PAGE),
    ("GET", "/case"): Operation(answers=PAGE),
    ("GET", "/enrol-ca"): Operation(answers=PAGE),
    ("GET", "/surveys"): Operation(answers=PAGE),
    ("POST", "/surveys/batches"): Operation(
        body=("application/octet-stream", BINARY),
        parameters=_BOOK,
        answers={202: JSON},
        problems=(404, 409, 413),
    ),
    ("GET", "/surveys/batches/{id}/findings"): Operation(parameters=_IN_SURVEY, limit=True),
    ("GET", "/surveys/batches/{id}/features"): Operation(answers={200: "application/geo+json"}),
    ("GET", "/surveys/batches/{id}/book"): Operation(answers={200: XLSX}),
    ("POST", "/surveys/batches/{id}/decisions"): Operation(body=Verdict),
    ("POST", "/surveys/batches/{id}/deliverables"): Operation(body=Standing, answers=NOTHING),
    ("POST", "/surveys/batches/{id}/judgements"): Operation(answers={202: JSON}),
    ("GET", "/hazards"): Operation(parameters=_IN_HAZARDS, limit=True),
    ("GET", "/notices"): Operation(limit=True),
    ("GET", "/plots"): Operation(limit=True),
    ("GET", "/hazards/{id}"): Operation(parameters=(_HELD,), answers=KEPT),
    ("GET", "/hazards/{id}/timeline"): Operation(parameters=(_HELD,), answers=KEPT),
    ("GET", "/assets/{id}/open-hazards"): Operation(parameters=(_HELD,), answers=KEPT),
    ("POST", "/campaigns"): Operation(body=Opening, answers=CREATED, problems=(404,)),
    ("POST", "/campaigns/{id}/tasks"): Operation(body=Assignment, answers=NOTHING),
    ("POST", "/campaigns/{id}/close"): Operation(answers=NOTHING),
    ("GET", "/inspections"): Operation(parameters=_IN_INSPECTIONS, limit=True),
    ("GET", "/inspections/{id}"): Operation(parameters=(_WHOSE_RULES,)),
    ("GET", "/pipes/{id}/condition"): Operation(parameters=(_WHOSE_RULES, _UP_TO)),
    ("GET", "/inspections/classes"): Operation(parameters=(_WHOSE_RULES, _UP_TO)),
    ("GET", "/inspections/repairs"): Operation(
        parameters=(
            _WHOSE_RULES,
            _UP_TO,
            parameter("system", _TEXT, "Of this system"),
            parameter("road", _TEXT, "Along this road"),
        ),
        answers={200: f"{JSON}, {XLSX}"},
    ),
    ("POST", "/inspections/import"): Operation(
        body=("application/octet-stream", BINARY), parameters=_TABLE_SENT, problems=(413,)
    ),
    ("GET", "/desilting"): Operation(parameters=_IN_DESILTING, limit=True),
    ("POST", "/desilting"): Operation(
        body=Jobs,
        parameters=(
            parameter("name", _TEXT, "Name of the file, where the body is a table (.xlsx, .csv)"),
            parameter("unit", _TEXT, "Who cleaned, where the table is silent"),
        ),
        problems=(413,),
    ),
    ("POST", "/desilting/{id}/replies"): Operation(body=Reply, answers=CREATED),
    ("GET", "/network/progress"): Operation(parameters=_PERIOD, answers={200: f"{JSON}, {XLSX}"}),
    ("GET", "/network/progress/rows"): Operation(parameters=_IN_PROGRESS, limit=True),
    ("OPTIONS", "/uploads"): Operation(answers=NOTHING),
    ("POST", "/uploads"): Operation(
        body=_PIECE,
        parameters=(_VERSION, _LENGTH, _METADATA, _CHECKSUM),
        answers={201: None},
        problems=(409, 412, 415, 423, 460, 507),
    ),
    ("OPTIONS", "/uploads/{id}"): Operation(answers=NOTHING),
    ("HEAD", "/uploads/{id}"): Operation(
        parameters=(_VERSION,), answers={200: None}, problems=(410, 412, 423)
    ),
    ("PATCH", "/uploads/{id}"): Operation(
        body=_PIECE,
        parameters=(_VERSION, _OFFSET, _CHECKSUM),
        answers=NOTHING,
        problems=(409, 410, 412, 415, 423, 460, 507),
    ),
    ("DELETE", "/uploads/{id}"): Operation(
        parameters=(_VERSION,), answers=NOTHING, problems=(410, 412, 423)
    ),
    ("POST", "/uploads/{id}"): Operation(
        body=_PIECE,
        parameters=(_VERSION, _OVERRIDE),
        answers={200: None, 204: None},
        problems=(405, 409, 410, 412, 415, 423, 460, 507),
    ),
    ("GET", "/evidence/{sha256}"): Operation(
        parameters=(
            parameter("size", {"type": "string", "enum": list(SIZES)}, "A picture of it"),
            _HELD,
        ),
        answers=_PICTURE,
    ),
    ("GET", "/metrics"): Operation(answers={200: "text/plain"}),
}
"""What is not here takes nothing but the language and answers JSON."""
