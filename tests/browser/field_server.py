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
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from api.routes import field as field_routes
from gis.attributes import Language
from tests.browser.field_office import LAT, LON, Json, Office, Person, Upload

Endpoint = Callable[[Request], Awaitable[Response]]


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
        office.announced[asked["device_id"]] = asked["highest"]
        results = [_receive(office, body.encode(), person) for body in asked["events"]]
        if office.lose_replies > 0:
            office.lose_replies -= 1
            return LostReply()
        return JSONResponse({"now": _now(), "results": results})

    async def get_sync(request: Request) -> Response:
        person = _person(office, request)
        return JSONResponse(_day(office, person, request.query_params.get("since")))

    async def open_at_asset(request: Request) -> Response:
        _person(office, request)
        return JSONResponse(office.open_at.get(request.path_params["id"], []))

    async def import_outbox(request: Request) -> Response:
        return JSONResponse(_import(office, await request.json()))

    def faulty(endpoint: Endpoint) -> Endpoint:
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
            Route("/assets/{id}/open-hazards", faulty(open_at_asset), methods=["GET"]),
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
