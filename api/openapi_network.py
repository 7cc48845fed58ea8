"""Words and parameters of the network's operations in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.openapi_operations import CREATED, JSON, Operation, parameter
from gis.attributes import Text
from gis.kinds.sewer_pipe import PipeSystem
from gis.network.catchment import MOST_M
from gis.network.misconnections import MisconnectionRecord
from gis.network.trace import Direction
from gis.network.ways import Goal

Document = dict[str, Any]  # Any: JSON
_GEOJSON = "application/geo+json"
_CODE: Document = {"type": "string", "minLength": 1, "maxLength": 64}
_FLAG: Document = {"type": "boolean"}
_FROM = parameter("from", _CODE, "Node or pipe, by id or code", required=True)
_AS_OF = parameter("as-of", {"type": "string", "format": "date-time"}, "The network of this moment")
_TO = parameter("to", _CODE, "Node or pipe, by id or code", required=True)
_GOAL = parameter(
    "goal", {"type": "string", "enum": [g.value for g in Goal]}, "What is looked for; outfall"
)
_NEAR = parameter(
    "near", {"type": "integer", "minimum": 1, "maximum": int(MOST_M)}, "Metres beside a pipe"
)
_FORM = parameter("f", {"type": "string", "enum": ["json", "svg"]}, "JSON, or a drawing")
_DIRECTION = parameter(
    "direction", {"type": "string", "enum": [d.value for d in Direction]}, "Which way; up"
)
_SYSTEM = parameter(
    "system", {"type": "string", "enum": [s.value for s in PipeSystem]}, "Pipes of one system only"
)
_PEOPLE = parameter("people", _FLAG, "Drainage users and the people they serve, too")
_PLANNED = parameter("planned", _FLAG, "Also pipes that are not built yet")
_DRAWN: Mapping[int, str | None] = {200: _GEOJSON, 304: None}
_KEPT: Mapping[int, str | None] = {200: JSON, 304: None}

NETWORK_WORDS: Mapping[tuple[str, str], Text] = {
    ("GET", "/network/trace"): Text(zh="上下游追溯", en="Trace up- or downstream"),
    ("GET", "/network/path"): Text(zh="两处之间的路径", en="The way between two places"),
    ("GET", "/network/downstream"): Text(
        zh="下游最近的排放口或检查井", en="The nearest outfall or manhole downstream"
    ),
    ("GET", "/network/catchment"): Text(zh="服务范围", en="The area that drains to a place"),
    ("GET", "/network/isolate"): Text(zh="堵塞影响", en="What a blockage stops"),
    ("GET", "/network/components"): Text(zh="连通分量与孤立设施", en="Components and orphans"),
    ("GET", "/network/topology"): Text(zh="拓扑与捕捉报告", en="How ends found their nodes"),
    ("GET", "/network/misconnections"): Text(zh="雨污混接点", en="Where systems meet wrongly"),
    ("GET", "/network/misconnections/{id}"): Text(zh="一处混接", en="One misconnection"),
    ("GET", "/network/misconnections/{id}/records"): Text(zh="混接记录", en="Its records"),
    ("POST", "/network/misconnections/{id}/records"): Text(
        zh="追加混接记录", en="Append a record to it"
    ),
    ("GET", "/network/profile"): Text(zh="纵断面", en="Longitudinal profile"),
    ("GET", "/network/swmm"): Text(zh="EPA SWMM 模型(.inp)", en="A model for EPA SWMM (.inp)"),
}
NETWORK_OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("GET", "/network/trace"): Operation(
        parameters=(_FROM, _DIRECTION, _SYSTEM, _AS_OF, _PEOPLE),
        answers=_DRAWN,
        problems=(404, 410),
    ),
    ("GET", "/network/path"): Operation(
        parameters=(_FROM, _TO, _AS_OF), answers=_DRAWN, problems=(404, 410)
    ),
    ("GET", "/network/downstream"): Operation(
        parameters=(_FROM, _GOAL, _AS_OF), answers=_DRAWN, problems=(404, 410)
    ),
    ("GET", "/network/catchment"): Operation(
        parameters=(_FROM, _NEAR, _PEOPLE, _AS_OF), answers=_DRAWN, problems=(404, 410)
    ),
    ("GET", "/network/isolate"): Operation(
        parameters=(_FROM, _PEOPLE, _AS_OF), answers=_DRAWN, problems=(404, 410)
    ),
    ("GET", "/network/components"): Operation(parameters=(_AS_OF,), answers=_KEPT, limit=True),
    ("GET", "/network/topology"): Operation(answers=_KEPT, limit=True),
    ("GET", "/network/misconnections"): Operation(answers=_DRAWN),
    ("GET", "/network/misconnections/{id}"): Operation(answers=_DRAWN),
    ("GET", "/network/misconnections/{id}/records"): Operation(answers=_KEPT),
    ("POST", "/network/misconnections/{id}/records"): Operation(
        body=MisconnectionRecord, answers=CREATED, problems=(404,)
    ),
    ("GET", "/network/profile"): Operation(
        parameters=(_FROM, {**_TO, "required": False}, _AS_OF, _FORM),
        answers={200: f"{JSON}, image/svg+xml", 304: None},
        problems=(404, 410),
    ),
    ("GET", "/network/swmm"): Operation(
        parameters=(_FROM, _DIRECTION, _SYSTEM, _AS_OF, _PLANNED),
        answers={200: "text/plain", 304: None},
        problems=(404, 410),
    ),
}
