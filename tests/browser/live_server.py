"""A server with a small town of its own: real tiles and answers in the shape of the API.

The tests of the page need states the demonstration county does not have on demand: hostile words
everywhere, a tile that fails, a version that changes, a clock that is set.
"""

from __future__ import annotations

import json
import math
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any  # Any: JSON bodies

import mapbox_vector_tile
import numpy as np
import uvicorn
from numpy.typing import NDArray
from shapely import clip_by_rect, transform
from shapely.geometry import LineString, Point, Polygon, box, mapping
from shapely.geometry.base import BaseGeometry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from gis.attributes import Language, Text
from layers.live import CONTENT_SECURITY_POLICY, STATIC_FOLDER, live_page, static_version

LON, LAT = 99.2, 25.1
RADIUS = 6378137.0
WORLD = math.pi * RADIUS

PROGRESS: list[tuple[str, str, str, str, str | None]] = [
    ("planned", "规划", "Planned", "#8C8C8C", "2 5"),
    ("under_construction", "在建", "Under construction", "#E66100", None),
    ("completed", "完工", "Completed", "#5DA5DA", None),
    ("accepted", "竣工验收", "Accepted", "#1F3A93", None),
]
SEVERITY: list[tuple[str, str, str, str, str | None]] = [
    ("major", "重大隐患", "Major", "#A50026", "triangle"),
    ("general_a", "一般隐患A", "General A", "#E66101", "diamond"),
    ("general_b", "一般隐患B", "General B", "#FFD92F", "circle"),
    ("minor", "轻微", "Minor", "#2166AC", "circle"),
]


@dataclass
class Feature:
    """One asset of the town."""

    id: str
    geometry: BaseGeometry
    properties: dict[str, Any]  # Any: JSON values

    def __post_init__(self) -> None:
        self.projected = transform(self.geometry, to_mercator)


@dataclass
class Town:
    """What the server holds; tests change it and look at the page."""

    layers: dict[str, list[Feature]]
    version: str = "1"
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    failing: bool = False
    hostile: str | None = None
    seen: list[str] = field(default_factory=list)

    def say(self, zh: str, en: str) -> dict[str, str]:
        """A pair of words, both followed by the hostile text when the town is hostile."""
        return {"zh": zh + (self.hostile or ""), "en": en + (self.hostile or "")}


def to_mercator(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Degrees to EPSG:3857 metres, by the formula of the projection."""
    lon, lat = np.radians(places).T
    return np.column_stack([lon * RADIUS, np.log(np.tan(math.pi / 4 + lat / 2)) * RADIUS])


def build_town(*, hostile: str | None = None) -> Town:
    """Streets on a grid, a sewer under each, parks, gas sites, hazards and two townships."""
    layers: dict[str, list[Feature]] = {
        "admin_unit": [
            Feature("t1", box(LON - 0.2, LAT - 0.15, LON, LAT + 0.15), {"name": "云溪镇"}),
            Feature("t2", box(LON, LAT - 0.15, LON + 0.2, LAT + 0.15), {"name": "石门乡"}),
        ],
        "road": [],
        "sewer_pipe": [],
        "pocket_park": [],
        "gas_site": [],
        "hazard": [],
    }
    words = [value for value, *_ in PROGRESS]
    for row in range(12):
        y = LAT - 0.022 + row * 0.004
        name = f"春城{row + 1}路"
        line = LineString([(LON - 0.03, y), (LON, y + 0.0006), (LON + 0.03, y)])
        layers["road"].append(Feature(f"r{row}", line, _asset("R", row, name, words[row % 4])))
        for part in range(10):
            x = LON - 0.03 + part * 0.006
            pipe = LineString([(x, y + 0.0003), (x + 0.0058, y + 0.00035)])
            facts = _asset("WS", row * 10 + part, None, words[(row + part) % 4])
            facts |= {"diameter_mm": 300 + 100 * (part % 5), "length_m": 584.2}
            layers["sewer_pipe"].append(Feature(f"p{row}-{part}", pipe, facts))
    for index in range(6):
        x, y = LON - 0.024 + index * 0.009, LAT - 0.0105 + (index % 3) * 0.008
        park = Polygon([(x, y), (x + 0.003, y), (x + 0.0035, y + 0.002), (x, y + 0.0018)])
        facts = _asset("GY", index, f"翠湖{index + 1}号口袋公园", words[(index + 1) % 4])
        layers["pocket_park"].append(Feature(f"k{index}", park, facts))
    for index in range(30):
        spot = Point(LON - 0.028 + (index * 7 % 30) * 0.0019, LAT - 0.02 + index * 0.0013)
        facts = _asset("RQ", index, f"老街餐馆{index + 1}", words[index % 4])
        layers["gas_site"].append(Feature(f"g{index}", spot, facts))
    _add_hazards(layers)
    if hostile:
        for features in layers.values():
            for feature in features:
                feature.properties |= {"name": hostile, "code": hostile, "note": hostile}
    return Town(layers, hostile=hostile)


def _asset(prefix: str, number: int, name: str | None, progress: str) -> dict[str, Any]:
    code = f"{prefix}-{number + 1:04d}"
    return {"code": code, "name": name, "progress": progress, "note": None}


def _add_hazards(layers: dict[str, list[Feature]]) -> None:
    now = datetime.now(UTC)
    for index in range(24):
        spot = Point(LON - 0.027 + (index * 5 % 24) * 0.0023, LAT - 0.018 + index * 0.0016)
        severity = SEVERITY[index % 4][0]
        due = now + timedelta(days=(index % 7) * 3 - 6, hours=1)
        facts: dict[str, Any] = {"code": f"YH-{index + 1:04d}", "severity": severity}
        facts |= {"state": "rectifying", "due_at": due.isoformat(), "is_open": index % 5 != 4}
        layers["hazard"].append(Feature(f"h{index}", spot, facts))


def encode_tile(town: Town, ids: list[str], z: int, x: int, y: int) -> bytes:
    """A vector tile as PostGIS would make it: features, or cells up to zoom 11."""
    size = 2 * WORLD / 2**z
    west, north = -WORLD + x * size, WORLD - y * size
    bounds = (west, north - size, west + size, north)
    margin = size / 64
    grown = (bounds[0] - margin, bounds[1] - margin, bounds[2] + margin, bounds[3] + margin)
    layers = []
    for kind in ids:
        inside = []
        for feature in town.layers[kind]:
            shape = clip_by_rect(feature.projected, *grown)
            if not shape.is_empty:
                inside.append({"geometry": shape, "properties": _tile_facts(feature)})
        if z <= 11 and kind != "admin_unit":
            inside = _count_cells(inside, bounds)
        layers.append({"name": kind, "features": inside})
    options = {"quantize_bounds": bounds, "extents": 4096, "check_winding_order": False}
    tile: bytes = mapbox_vector_tile.encode(layers, default_options=options)
    return tile


def _tile_facts(feature: Feature) -> dict[str, Any]:
    facts = {"id": feature.id, **feature.properties}
    return {name: value for name, value in facts.items() if value is not None}


def _count_cells(
    inside: list[dict[str, Any]], bounds: tuple[float, float, float, float]
) -> list[dict[str, Any]]:
    cells: dict[tuple[int, int], dict[str, Any]] = {}
    step = (bounds[2] - bounds[0]) / 32
    for item in inside:
        middle = item["geometry"].centroid
        place = (int((middle.x - bounds[0]) // step), int((middle.y - bounds[1]) // step))
        if not (0 <= place[0] < 32 and 0 <= place[1] < 32):
            continue
        value = item["properties"].get("progress") or item["properties"].get("severity")
        cell = cells.setdefault(place, {"cells": True, "count": 0})
        cell["count"] += 1
        cell[f"n_{value}"] = cell.get(f"n_{value}", 0) + 1
    return [
        {
            "geometry": Point(bounds[0] + (col + 0.5) * step, bounds[1] + (row + 0.5) * step),
            "properties": cell,
        }
        for (col, row), cell in cells.items()
    ]


def describe_map(town: Town, name: str, lang: str) -> dict[str, Any]:
    """The config of a map, in the shape the API answers."""
    kinds = {
        "progress": ["admin_unit", "road", "sewer_pipe", "pocket_park", "gas_site"],
        "hazards": ["admin_unit", "hazard", "gas_site"],
    }[name]
    titles = {"progress": ("建设进度一张图", "Progress map"), "hazards": ("隐患一张图", "Hazards")}
    return {
        "name": name,
        "title": town.say(*titles[name]),
        "lang": lang,
        "approval": {"zh": "内部使用,不得公开", "en": "Internal use only"},
        "server_now": town.now.isoformat(),
        "timezone": "Asia/Shanghai",
        "bounds": [LON - 0.2, LAT - 0.15, LON + 0.2, LAT + 0.15],
        "version": town.version,
        "layers": [_describe_layer(town, kind) for kind in kinds],
    }


def _describe_layer(town: Town, kind: str) -> dict[str, Any]:
    titles = {
        "admin_unit": ("行政区划", "Administrative units", "area", "参考", "Reference"),
        "road": ("道路", "Roads", "line", "道路", "Roads"),
        "sewer_pipe": ("排水管道", "Sewer pipes", "line", "排水", "Drainage"),
        "pocket_park": ("口袋公园", "Pocket parks", "area", "园林", "Greening"),
        "gas_site": ("燃气场所", "Gas sites", "point", "燃气", "Gas"),
        "hazard": ("隐患", "Hazards", "point", "隐患", "Hazards"),
    }
    zh, en, geometry, group_zh, group_en = titles[kind]
    color_by = {"admin_unit": None, "hazard": "severity"}.get(kind, "progress")
    counts: dict[str, int] = {}
    for feature in town.layers[kind]:
        value = feature.properties.get(color_by or "")
        counts[str(value)] = counts.get(str(value), 0) + 1
    root = f"/collections/{kind}"
    return {
        "id": kind,
        "title": town.say(zh, en),
        "group": town.say(group_zh, group_en),
        "geometry": geometry,
        "tiles": root + "/tiles/WebMercatorQuad/{z}/{y}/{x}",
        "item": root + "/items/{id}",
        "history": root + "/items/{id}/history",
        "hazards": None if kind in ("hazard", "admin_unit") else "/assets/{id}/hazards",
        "visible": True,
        "color_by": color_by,
        "vocabulary": _vocabulary(town, color_by),
        "attributes": _attributes(town, kind),
        "minzoom": 0,
        "aggregate_to": 11,
        "count": len(town.layers[kind]),
        "counts": counts,
    }


def _vocabulary(town: Town, color_by: str | None) -> list[dict[str, Any]]:
    words = {"progress": PROGRESS, "severity": SEVERITY}
    rows: list[tuple[str, str, str, str, str | None]] = [*words.get(color_by or "", [])]
    return [
        {
            "value": value,
            "text": town.say(zh, en),
            "color": color,
            "dash": mark if color_by == "progress" else None,
            "width": 3,
            "symbol": mark if color_by == "severity" else "circle",
            "order": order,
        }
        for order, (value, zh, en, color, mark) in enumerate(rows)
    ]


def _attributes(town: Town, kind: str) -> list[dict[str, Any]]:
    def attribute(name: str, zh: str, en: str, **rest: object) -> dict[str, Any]:
        return {"name": name, "text": town.say(zh, en), "unit": None, "vocabulary": None, **rest}

    found = [attribute("code", "编号", "Code"), attribute("name", "名称", "Name")]
    if kind == "hazard":
        words = {value: town.say(zh, en) for value, zh, en, *_ in SEVERITY}
        found.append(attribute("severity", "隐患等级", "Severity", vocabulary=words))
        found.append(attribute("due_at", "整改期限", "Due"))
    elif kind != "admin_unit":
        words = {value: town.say(zh, en) for value, zh, en, *_ in PROGRESS}
        found.append(attribute("progress", "建设进度", "Progress", vocabulary=words))
    if kind == "sewer_pipe":
        found.append(attribute("diameter_mm", "管径", "Diameter", unit="mm"))
        found.append(attribute("length_m", "长度", "Length", unit="m"))
    return [*found, attribute("note", "备注", "Note")]


def make_app(town: Town, vendor: Path) -> Starlette:
    """The app of the town; ``vendor`` is the folder ``install_assets`` filled."""

    async def page(request: Request) -> Response:
        name = request.path_params["name"]
        spec = _Spec(name, Text(**{k: v + (town.hostile or "") for k, v in _title(name).items()}))
        language = Language(request.query_params.get("lang", "zh"))
        return HTMLResponse(
            live_page(spec, language),
            headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY},
        )

    async def config(request: Request) -> Response:
        name, lang = request.path_params["name"], request.query_params.get("lang", "zh")
        return JSONResponse(describe_map(town, name, lang))

    async def tile(request: Request) -> Response:
        town.seen.append(str(request.url.query))
        if town.failing:
            return JSONResponse({"title": "busy"}, status_code=503)
        at = request.path_params
        content = encode_tile(town, [at["kind"]], at["z"], at["x"], at["y"])
        return Response(content, media_type="application/vnd.mapbox-vector-tile")

    async def item(request: Request) -> Response:
        feature = _find(town, request.path_params["kind"], request.path_params["id"])
        geometry = json.loads(json.dumps(mapping(feature.geometry)))
        body = {"type": "Feature", "id": feature.id, "geometry": geometry}
        return JSONResponse(body | {"properties": feature.properties})

    async def history(request: Request) -> Response:
        feature = _find(town, request.path_params["kind"], request.path_params["id"])
        return JSONResponse({"versions": _versions(town, feature)})

    async def hazards(request: Request) -> Response:
        found = [f for f in town.layers["hazard"][:2] if request.path_params["id"] != "p0-0"]
        rows = [{"type": "Feature", "id": f.id, "properties": f.properties} for f in found]
        return JSONResponse({"type": "FeatureCollection", "features": rows})

    async def search(request: Request) -> Response:
        return JSONResponse(_search(town, request.query_params["q"]))

    async def me(_request: Request) -> Response:
        return JSONResponse({"person": None})

    return Starlette(
        routes=[
            Route("/me", me),
            Route("/maps/{name}", page),
            Route("/maps/{name}/config", config),
            Route("/collections/{kind}/tiles/WebMercatorQuad/{z:int}/{y:int}/{x:int}", tile),
            Route("/collections/{kind}/items/{id}", item),
            Route("/collections/{kind}/items/{id}/history", history),
            Route("/assets/{id}/hazards", hazards),
            Route("/search", search),
            Mount(f"/static/app/{static_version()}", StaticFiles(directory=STATIC_FOLDER)),
            Mount("/static/vendor", StaticFiles(directory=vendor / "vendor")),
        ]
    )


@dataclass(frozen=True)
class _Spec:
    name: str
    title: Text


def _title(name: str) -> dict[str, str]:
    return {"zh": {"progress": "建设进度", "hazards": "安全隐患"}[name], "en": name.title()}


def _find(town: Town, kind: str, wanted: str) -> Feature:
    return next(f for f in town.layers[kind] if f.id == wanted)


def _versions(town: Town, feature: Feature) -> list[dict[str, Any]]:
    who = town.hostile or "测绘一队"
    now = {"version": 2, "valid_from": "2025-06-01T00:00:00Z", "reason": town.hostile}
    now |= {"recorded_at": "2025-06-02T03:04:00Z", "recorded_by": who}
    past = {"version": 1, "valid_from": "2024-03-01T00:00:00Z", "reason": "普查"}
    past |= {"recorded_at": "2024-03-05T01:00:00Z", "recorded_by": who}
    earlier = {**feature.properties, "progress": "planned", "note": "未开工"}
    return [now | {"properties": feature.properties}, past | {"properties": earlier}]


def _search(town: Town, wanted: str) -> list[dict[str, Any]]:
    found = []
    for kind, features in town.layers.items():
        for feature in features:
            words = f"{feature.properties.get('code')} {feature.properties.get('name')}"
            if wanted.lower() in words.lower():
                middle = feature.geometry.representative_point()
                facts = {"id": feature.id, "kind": kind, "lon": middle.x, "lat": middle.y}
                names = {n: feature.properties.get(n) for n in ("code", "name")}
                found.append(facts | names)
    return found[:10]


@contextmanager
def serve(app: ASGIApp) -> Iterator[str]:
    """Serve ``app`` on a free port of this machine; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
