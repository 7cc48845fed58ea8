"""The office's side of the phone's protocol, in memory, with every fault a network can have.

A real server over real sockets: it keeps records by their bytes, judges nothing but what a test
tells it to refuse, takes photos by tus, and loses replies after it has committed.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any  # Any: JSON bodies
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from api.routes import field as field_routes
from gis.attributes import Language

Json = dict[str, Any]  # Any: JSON
LON, LAT = 99.2, 25.1
INSPECTOR = "0190c0de-0000-7000-8000-00000000a001"
SECOND = "0190c0de-0000-7000-8000-00000000a002"


class LostReply(Response):
    """The connection breaks off after the work was done: a head, and no body."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-length", b"900"), (b"content-type", b"application/json")],
            }
        )
        await send({"type": "http.response.body", "body": b"{", "more_body": True})
        raise ConnectionResetError("the reply is lost on purpose")


@dataclass
class Person:
    """Somebody who can log in."""

    id: str
    login: str
    name: str
    password: str
    roles: tuple[str, ...] = ("inspector",)


@dataclass
class Upload:
    """A photo on its way."""

    length: int
    sha256: str
    event: str
    content: bytearray = field(default_factory=bytearray)


@dataclass
class Office:
    """What the server holds, and what is wrong with it at the moment."""

    people: list[Person] = field(default_factory=list)
    tokens: dict[str, Person] = field(default_factory=dict)
    events: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, Json] = field(default_factory=dict)
    arrivals: list[str] = field(default_factory=list)
    evidence: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    day: Json = field(default_factory=dict)
    version: int = 1
    # Faults
    lose_replies: int = 0
    lose_uploads: int = 0
    failing: int | None = None
    delay_s: float = 0.0
    refuse: dict[str, Json] = field(default_factory=dict)
    reject: dict[str, Json] = field(default_factory=dict)
    reject_uploads: int | None = None
    asked: list[str] = field(default_factory=list)

    def bodies(self, kind: str | None = None) -> list[Json]:
        """The records as they arrived, in the order of their arrival."""
        every = [json.loads(self.events[key]) for key in self.events]
        return [one for one in every if kind is None or one["type"] == kind]

    def promised(self) -> set[str]:
        """The hashes of all photos any record speaks of."""
        return {note["sha256"] for one in self.bodies() for note in one["evidence"]}

    def expire_logins(self) -> None:
        """Every token is worth nothing from now on."""
        self.tokens.clear()


def build_office(*, hostile: str | None = None) -> Office:
    """A county with six tasks, three hazards and two checklists; ``hostile`` in every text."""

    def say(zh: str, en: str) -> Json:
        return {"zh": zh + (hostile or ""), "en": en + (hostile or "")}

    names = ["老街火锅店", "云溪瓶装气供应站", "翠湖小区", "北门农贸市场", "石门桥涵", "古寨村"]
    categories = ["gas", "gas", "gas", "gas", "flood", "village_fire"]
    assets, tasks = [], []
    for index, (name, category) in enumerate(zip(names, categories, strict=True)):
        asset = f"0190c0de-0000-7000-8000-0000000000{index:02d}"
        assets.append(
            {
                "id": asset,
                "kind": "gas_site",
                "code": f"RQ-{index + 1:04d}",
                "name": name + (hostile or ""),
                # The first two stand 25 m apart: closer than a phone can tell.
                "lon": LON + (0.00025 if index == 1 else index * 0.004),
                "lat": LAT + (0.0 if index == 1 else (index % 3) * 0.003),
                "township": "530521",
            }
        )
        tasks.append(
            {
                "id": f"0190c0de-0000-7000-8000-0000000001{index:02d}",
                "campaign_id": "0190c0de-0000-7000-8000-000000000900",
                "campaign": say("冬季燃气专项检查", "Winter gas campaign"),
                "asset_id": asset,
                "category": category,
                "due_on": (date.today() + timedelta(days=index)).isoformat(),
                "state": "todo",
            }
        )
    return Office(
        people=[
            Person(INSPECTOR, "zhang", "张伟" + (hostile or ""), "secret"),
            Person(SECOND, "li", "李娜", "secret"),
        ],
        day={
            "tasks": tasks,
            "assets": assets,
            "hazards": [_hazard(index, assets, say) for index in range(3)],
            "forms": [_gas_form(say), _flood_form(say)],
        },
    )


def _hazard(index: int, assets: list[Json], say: Callable[[str, str], Json]) -> Json:
    state = ("rectifying", "submitted", "found")[index]
    return {
        "id": f"0190c0de-0000-7000-8000-0000000002{index:02d}",
        "code": f"YH260301-0000000{index}",
        "version": (4, 5, 1)[index],
        "state": state,
        "severity": ("major", "general_a", "general_b")[index],
        "category": "gas",
        "item": ("gas.alarm_missing", "gas.hose_aged", "gas.ventilation")[index],
        "description": say("后厨报警器缺失", "alarm missing in the kitchen")["zh"],
        "asset_id": assets[index]["id"],
        "lon": LON,
        "lat": LAT,
        "due_at": (datetime.now(UTC) + timedelta(days=(-2, 1, 9)[index])).isoformat(),
        "is_open": True,
        "allowed": (["commented"], ["passed", "returned", "commented"], ["commented"])[index],
    }


def _gas_form(say: Callable[[str, str], Json]) -> Json:
    items = [
        ("gas.alarm_missing", "未安装可燃气体报警器", "No combustible gas alarm", "major"),
        ("gas.hose_aged", "软管老化、超长或未用金属软管", "Hose aged or too long", "general_a"),
        ("gas.shutoff", "自动切断阀失效", "The automatic shut-off valve fails", "general_a"),
        ("gas.ventilation", "用气场所通风不良", "Poor ventilation", "general_b"),
        ("gas.plan", "应急预案未张贴", "Emergency plan not posted", "minor"),
    ]
    checklist = [
        {
            "item": key,
            "text": say(zh, en),
            "severity": severity,
            "source": say("GB 55009", "GB 55009"),
            "deadline": {"rule": "days", **say("15 日内", "within 15 days")},
            "control_hours": 2.0 if severity == "major" else None,
            "mark": "unverified",
        }
        for key, zh, en, severity in items
    ]
    title = say("燃气安全检查", "Gas safety")
    form = {"key": "gas", "version": "2026-11", "title": title, "checklist": checklist}
    results = [{"value": value} for value in ("normal", "hazards", "no_entry")]
    return {**form, "visit_results": results, "needs": {"photos": 2, "signature": True}}


def _flood_form(say: Callable[[str, str], Json]) -> Json:
    text = say("雨水口堵塞", "Storm inlet blocked")
    item = {"item": "flood.inlet", "text": text, "severity": "general_b", "mark": "verified"}
    title = say("防汛巡查", "Flood patrol")
    form = {"key": "flood", "version": "2026-05", "title": title, "checklist": [item]}
    results = [{"value": value} for value in ("normal", "hazards", "dry")]
    return {**form, "visit_results": results, "needs": {"photos": 1, "signature": False}}


def build_server(office: Office, vendor: Path) -> Starlette:
    """The application: the app's own routes as they are, the office's in memory."""

    async def read_item(_request: Request) -> Response:
        ring = [[LON - 0.1, LAT - 0.1], [LON + 0.1, LAT - 0.1], [LON + 0.1, LAT + 0.1]]
        shape = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
        feature = {"type": "Feature", "properties": {}, "geometry": shape}
        return JSONResponse({"type": "FeatureCollection", "features": [feature]})

    async def devices(request: Request) -> Response:
        return _open_device(office, await request.json())

    async def put_event(request: Request) -> Response:
        person = _person(office, request)
        body = await request.body()
        answer = _receive(office, body, person)
        status = answer.pop("status", 200)
        if office.lose_replies > 0:
            office.lose_replies -= 1
            return LostReply()
        if "problem" in answer:
            return _problem(answer["problem"])
        return JSONResponse(answer, status)

    async def post_sync(request: Request) -> Response:
        person = _person(office, request)
        asked = await request.json()
        results = [_receive(office, body.encode(), person) for body in asked["events"]]
        if office.lose_replies > 0:
            office.lose_replies -= 1
            return LostReply()
        return JSONResponse({"now": _now(), "results": results})

    async def get_sync(request: Request) -> Response:
        person = _person(office, request)
        return JSONResponse(_day(office, person, request.query_params.get("since")))

    async def import_outbox(request: Request) -> Response:
        return JSONResponse(_import(office, await request.json()))

    def faulty(endpoint: Callable[[Request], Awaitable[Response]]) -> Any:  # Any: an endpoint
        async def answer(request: Request) -> Response:
            office.asked.append(f"{request.method} {request.url.path}")
            await asyncio.sleep(office.delay_s)
            if office.failing:
                return _problem({"status": office.failing, "detail": "the server is ill"})
            try:
                return await endpoint(request)
            except PermissionError:
                return _problem({"status": 401, "detail": "log in again"})

        return answer

    app = Starlette(
        routes=[
            Route("/field", field_routes.page),
            Route("/field/sw.js", field_routes.worker),
            Route("/field/manifest.webmanifest", field_routes.manifest),
            Route("/field/app/{build}/{file}", field_routes.file),
            Route("/collections/admin_unit/items", read_item),
            Route("/devices", faulty(devices), methods=["POST"]),
            Route("/events/{id}", faulty(put_event), methods=["PUT"]),
            Route("/sync", faulty(post_sync), methods=["POST"]),
            Route("/sync", faulty(get_sync), methods=["GET"]),
            Route("/sync/import", faulty(import_outbox), methods=["POST"]),
            Route("/uploads", faulty(lambda r: _create(office, r)), methods=["POST"]),
            Route("/uploads/{id}", faulty(lambda r: _offset(office, r)), methods=["HEAD"]),
            Route("/uploads/{id}", faulty(lambda r: _append(office, r)), methods=["PATCH"]),
        ]
    )
    settings = SimpleNamespace(state_folder=vendor.parent, language=Language.ZH)
    app.state.parts = SimpleNamespace(settings=settings)
    app.state.settings = settings
    return app


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _problem(problem: Json) -> Response:
    body = {"type": "urn:infratrack:problem:test", "title": "refused", **problem}
    return JSONResponse(body, problem["status"], media_type="application/problem+json")


def _person(office: Office, request: Request) -> Person:
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    if token not in office.tokens:
        raise PermissionError
    return office.tokens[token]


def _open_device(office: Office, asked: Json) -> Response:
    for person in office.people:
        by_password = (asked.get("login"), asked.get("password")) == (person.login, person.password)
        if by_password or asked.get("code") == f"CODE-{person.login}":
            token = f"itd_{uuid4().hex}"
            office.tokens[token] = person
            who = {"id": person.id, "login": person.login, "name": person.name}
            expires = (datetime.now(UTC) + timedelta(days=30)).isoformat()
            who |= {"roles": list(person.roles)}
            return JSONResponse({"token": token, "person": who, "expires_at": expires}, 201)
    return _problem({"status": 401, "detail": "login or password is wrong"})


def _receive(office: Office, body: bytes, person: Person | None) -> Json:
    record = json.loads(body)
    key, sha256 = record["id"], hashlib.sha256(body).hexdigest()
    office.arrivals.append(key)
    if person is not None and record["account"] != person.id:
        problem = {"status": 403, "detail": "another person's record"}
        return {"id": key, "sha256": sha256, "problem": problem}
    if record["type"] in office.reject:
        return {"id": key, "sha256": sha256, "problem": office.reject[record["type"]]}
    if key in office.events and office.events[key] != body:
        problem = {"status": 409, "detail": "another record under this id"}
        return {"id": key, "sha256": sha256, "problem": problem}
    status = 200 if key in office.events else 201
    office.events.setdefault(key, body)
    reason = office.refuse.get(record["type"])
    missing = [n["sha256"] for n in record["evidence"] if n["sha256"] not in office.evidence]
    seqs = [one["device"]["seq"] for one in office.bodies() if one["device"] == record["device"]]
    of_device = [one for one in office.bodies() if one["device"]["id"] == record["device"]["id"]]
    return {
        "status": status,
        "id": key,
        "sha256": sha256,
        "outcome": "refused" if reason else "applied",
        "reason": reason,
        "hazard_id": record["hazard_id"],
        "hazard_version": 1,
        "number": len(office.events),
        "recorded_at": _now(),
        "missing_evidence": missing,
        "received_of_device": {"count": len(of_device), "highest": max(seqs)},
    }


def _day(office: Office, person: Person, since: str | None) -> Json:
    who = {"id": person.id, "login": person.login, "name": person.name}
    who |= {"roles": list(person.roles)}
    cursor = str(office.version)
    fresh = {"tasks": [], "assets": [], "hazards": [], "forms": []} if since == cursor else {}
    nothing: Json = {"tasks": [], "assets": [], "hazards": []}
    return {
        "now": _now(),
        "cursor": cursor,
        "person": who,
        "removed": nothing,
        **office.day,
        **fresh,
    }


def _import(office: Office, exported: Json) -> Json:
    assert exported["format"] == "infratrack-outbox/1"
    for blob in exported["blobs"]:
        content = base64.b64decode(blob["base64"])
        assert hashlib.sha256(content).hexdigest() == blob["sha256"]
        office.evidence[blob["sha256"]] = content
    return {"results": [_receive(office, body.encode(), None) for body in exported["events"]]}


_TUS = {"Tus-Resumable": "1.0.0", "Cache-Control": "no-store"}


async def _create(office: Office, request: Request) -> Response:
    _person(office, request)
    if office.reject_uploads:
        return _problem({"status": office.reject_uploads, "detail": "not a photo we take"})
    pairs = [pair.split(" ") for pair in request.headers["upload-metadata"].split(",")]
    metadata = {name: base64.b64decode(value).decode() for name, value in pairs}
    assert request.headers["tus-resumable"] == "1.0.0"
    key = uuid4().hex
    length = int(request.headers["upload-length"])
    office.uploads[key] = Upload(length, metadata["sha256"], metadata["event"])
    return Response(status_code=201, headers={**_TUS, "Location": f"/uploads/{key}"})


async def _offset(office: Office, request: Request) -> Response:
    _person(office, request)
    upload = office.uploads.get(request.path_params["id"])
    if upload is None:
        return Response(status_code=404, headers=_TUS)
    where = {"Upload-Offset": str(len(upload.content)), "Upload-Length": str(upload.length)}
    return Response(status_code=200, headers={**_TUS, **where})


async def _append(office: Office, request: Request) -> Response:
    _person(office, request)
    upload = office.uploads[request.path_params["id"]]
    if int(request.headers["upload-offset"]) != len(upload.content):
        return Response(status_code=409, headers=_TUS)
    upload.content += await request.body()
    if len(upload.content) == upload.length:
        if hashlib.sha256(upload.content).hexdigest() != upload.sha256:
            return _problem({"status": 460, "detail": "the hash is another"})
        office.evidence[upload.sha256] = bytes(upload.content)
    if office.lose_uploads > 0:
        office.lose_uploads -= 1
        return LostReply()
    headers = {**_TUS, "Upload-Offset": str(len(upload.content))}
    return Response(status_code=204, headers=headers)
