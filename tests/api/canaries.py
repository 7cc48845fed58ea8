"""A thousand words nobody else uses, planted where not everybody may read, and a crawl for them.

The crawl is made from the table of endpoints: what is added there is asked as everybody.
"""

from __future__ import annotations

import re
import secrets
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import geopandas as gpd
import httpx
import mapbox_vector_tile
from pydantic import ValidationError
from sqlalchemy import text

from api.endpoints import ROUTES
from gis import store
from gis.attributes import Sensitivity
from gis.db.roles import Pool
from gis.geometry import STORAGE_SRID
from gis.kinds import KINDS, Record, declared, sensitivity_of
from gis.network.desilting import Job, Reply, record_jobs, record_reply
from gis.network.inspections import (
    Inspection,
    Observation,
    grade_inspections,
    record_inspections,
)
from tests.api.crowd import ROLES, Crowd
from tests.api.tiling import tile_at
from tests.api.tus import VERSION, encode, send
from tests.gis.evidence.photos import make_jpeg, sha256
from tests.gis.hazards.records import Phone, photo
from tests.gis.samples import plain_type, sample_geometry, sample_record

WORD = re.compile(rb"CNRY[0-9A-F]{8}")
NUMBER = re.compile(rb"(?<![0-9.])[1-9]\d{2,3}\.\d{3}(?![0-9])")
ROWS = 8
READERS = {
    Sensitivity.INTERNAL: frozenset({"viewer", "inspector", "planner", "officer", "leader"}),
    Sensitivity.RESTRICTED: frozenset({"officer", "leader"}),
}
EVIDENCE = frozenset({"inspector", "officer", "leader"})
NOBODY: frozenset[str] = frozenset()


@dataclass
class Canaries:
    """What was planted: each word, who may read it, and where it lies."""

    readers: dict[str, frozenset[str]] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    ids: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    clients: dict[str, httpx.Client] = field(default_factory=dict)

    def word(self, readers: frozenset[str], place: str) -> str:
        """A new word that only these may read."""
        word = f"CNRY{secrets.token_hex(4).upper()}"
        self.readers[word], self.places[word] = readers, place
        return word

    def number(self, readers: frozenset[str], place: str, low: int = 100) -> float:
        """A new number of three decimals that only these may read."""
        while True:
            value = low + secrets.randbelow(800) + secrets.randbelow(998) / 1000 + 0.001
            word = f"{value:.3f}"
            if word not in self.readers and not word.endswith("0"):
                self.readers[word], self.places[word] = readers, place
                return float(word)

    def find(self, content: bytes) -> set[str]:
        """The planted words in an answer."""
        words = {w.decode() for w in (*WORD.findall(content), *NUMBER.findall(content))}
        return words & self.readers.keys()


def plant(crowd: Crowd) -> Canaries:
    """In every kind, in accounts, tokens, phones, events, campaigns, files and their names."""
    planted = Canaries()
    _plant_kinds(crowd, planted)
    _plant_people(crowd, planted)
    _plant_events(crowd, planted)
    _plant_inspections(crowd, planted)
    _plant_survey(crowd, planted)
    _plant_desilting(crowd, planted)
    return planted


def _plant_inspections(crowd: Crowd, planted: Canaries) -> None:
    """Runs of pipes with words in every text of theirs."""
    internal = READERS[Sensitivity.INTERNAL]
    with crowd.db.write(actor="test", reason="plant", pool=Pool.STAFF) as connection:
        runs = []
        for number in range(4):
            texts: dict[str, Any] = {  # Any: words of several fields
                name: planted.word(internal, f"inspection.{name}")
                for name in ("unit", "operator", "video", "place", "material")
            }
            seen = Observation(
                3.0, "PL", 4, description=planted.word(internal, "inspection.description"),
                photo=planted.word(internal, "inspection.photo"),
            )  # fmt: skip
            start = planted.word(internal, "inspection.from_code")
            day = date(2026, 1, 1 + number)
            runs.append(Inspection(start, "E", day, observations=(seen,), **texts))
        recorded = record_inspections(connection, runs, source=planted.word(internal, "inspection"))
        grade_inspections(connection, recorded.ids)
    planted.ids["inspections"] += [str(i) for i in recorded.ids]
    planted.ids["pipes"] += planted.ids["sewer_pipe"]


def _plant_desilting(crowd: Crowd, planted: Canaries) -> None:
    """Jobs and replies with words in every text of theirs."""
    internal = READERS[Sensitivity.INTERNAL]
    day = date(2026, 2, 1)
    with crowd.db.write(actor="test", reason="plant", pool=Pool.STAFF) as connection:
        jobs = [
            Job.model_validate(
                {name: planted.word(internal, f"desilting_job.{name}")
                 for name in ("number", "unit", "note")}
                | {"pipe": pipe, "began_on": day, "length_m": 5, "claimed": 1, "basis": "m3"}
            )
            for pipe in planted.ids["sewer_pipe"]
        ]  # fmt: skip
        source = planted.word(internal, "desilting_job.source")
        done = record_jobs(connection, jobs, source=source, today=day)
        for identifier in filter(None, done.ids):
            texts = {name: planted.word(internal, f"desilting_reply.{name}")
                     for name in ("unit", "person", "text")}  # fmt: skip
            reply = Reply(**texts, replied_on=day)
            record_reply(connection, identifier, reply, today=day)
    planted.ids["desilting"] += [str(i) for i in done.ids if i is not None]


def _plant_kinds(crowd: Crowd, planted: Canaries) -> None:
    with crowd.db.write(actor="test", reason="plant", pool=Pool.JOBS) as connection:
        for name, kind in KINDS.items():
            rows = [_plant_row(kind, n, planted) for n in range(ROWS)]
            shapes = [sample_geometry(kind, step=n) for n in range(ROWS)]
            frame = gpd.GeoDataFrame(rows, geometry=shapes, crs=STORAGE_SRID)
            store.load_rows(connection, name, frame)
            found = connection.execute(
                text(f"SELECT id FROM core.{name} WHERE source_code LIKE 'CANARY%'")
            )
            planted.ids[name] += [str(i) for i in found.scalars()]


def _plant_row(kind: type[Record], number: int, planted: Canaries) -> dict[str, Any]:  # Any: JSON
    """A full row whose every attribute above public is a canary, where its type takes one."""
    code = f"CANARY-{kind.kind}-{number}"
    values: dict[str, Any] = sample_record(kind, code, full=True).model_dump(mode="json")
    for name in declared(kind):
        sensitivity = sensitivity_of(kind, name)
        if sensitivity is Sensitivity.PUBLIC or name in ("code", "source", "source_code"):
            continue
        trial = Canaries()
        readers, place = READERS[sensitivity], f"{kind.kind}.{name}"
        value = _make_value(kind, name, trial, readers, place)
        if value is None:
            continue
        try:
            kind.model_validate(values | {name: value})
        except ValidationError:
            continue  # an identifier, a bounded number: no canary fits
        values[name] = value
        planted.readers |= trial.readers
        planted.places |= trial.places
    return kind.model_validate(values).model_dump(mode="json")


def _make_value(
    kind: type[Record], name: str, trial: Canaries, readers: frozenset[str], place: str
) -> object:
    if name == "money":
        return {"county": {"paid": trial.number(readers, place)}}
    if name == "missing":
        return None  # its keys are attributes, its words a vocabulary
    plain = plain_type(kind.model_fields[name])
    if plain is str:
        return trial.word(readers, place)
    if plain is float and sensitivity_of(kind, name) is Sensitivity.RESTRICTED:
        return trial.number(readers, place)
    return None


def _plant_people(crowd: Crowd, planted: Canaries) -> None:
    planted.clients["anonymous"] = crowd.visitor(**{"X-Infratrack": "1", "Origin": crowd.base})
    system = crowd.log_in("system_officer")
    for role in ROLES:
        own = frozenset({role, "system_officer"})
        # Who hands out work sees whom it can be given to (/office/start).
        colleagues = own | {"officer", "leader"}
        changed = {
            name: planted.word(colleagues, f"account {role} {name}") for name in ("name", "section")
        } | {"townships": [planted.word(own, f"account {role} townships")]}
        answer = system.patch(f"/accounts/{crowd.ids[role]}", json=changed)
        assert answer.status_code == 200, answer.text
        planted.clients[role] = client = crowd.log_in(role)
        label = planted.word(frozenset({role}), f"app password of {role}")
        made = client.post("/app-passwords", json={"label": label}).json()
        planted.readers[made["password"]] = NOBODY
        planted.ids["app-passwords"].append(made["id"])
    wrong = planted.word(NOBODY, "a wrong password")
    crowd.visitor().post("/login", data={"login": "viewer", "password": wrong})
    for role in ("inspector", "officer", "leader"):
        token = crowd.phone(role)
        planted.readers[token] = NOBODY
        planted.clients[f"phone of {role}"] = crowd.visitor(Authorization=f"Bearer {token}")
    script = crowd.visitor()
    script.auth = ("planner", crowd.app_password("planner"))
    planted.clients["script of planner"] = script


def _plant_events(crowd: Crowd, planted: Canaries) -> None:
    """Hazards from a phone, with a comment, a visit, a photo; a campaign; a link."""
    client, internal = planted.clients["phone of inspector"], READERS[Sensitivity.INTERNAL]
    phone = Phone(account=crowd.ids["inspector"])

    def put(type_: str, **members: object) -> None:
        body = phone.write(type_, datetime.now(UTC), **members)
        identifier = re.search(rb'"id": "([^"]+)"', body)[1].decode()  # type: ignore[index]  # it has one
        answer = client.put(f"/events/{identifier}", content=body)
        assert answer.status_code == 201, answer.text
        planted.ids["events"].append(identifier)
        if type_ == "found":
            planted.ids["hazards"].append(answer.json()["hazard_id"])

    for number in range(10):
        linked = frozenset({"a link"}) if number == 0 else NOBODY
        read = internal | linked
        tail = planted.word(EVIDENCE | linked, "file").encode()
        picture = make_jpeg(40_000 + number, (400, 300)) + tail
        note = photo("before_wide", picture)
        found = {"category": "gas", "severity": "minor"}
        found |= {n: planted.word(read, f"found {n}") for n in ("description", "duty_holder")}
        put("found", payload=found, evidence=[note])
        hazard = UUID(planted.ids["hazards"][-1])
        put("commented", hazard_id=hazard, payload={"note": planted.word(read, "comment")})
        put("unheard_of", payload={"what": planted.word(internal, "unknown type")})
        visit = {"category": "gas", "result": "normal", "team": [planted.word(internal, "team")]}
        put("visited", payload=visit)
        _upload(client, picture, planted)
    officer, day = planted.clients["officer"], str(datetime.now(UTC).date())
    asked = {
        "name": planted.word(internal, "campaign"), "document": planted.word(internal, "document"),
        "rules": [{"category": "gas", "kind": "gas_site"}], "starts_on": day, "due_on": day,
    }  # fmt: skip
    opened = officer.post("/campaigns", json=asked)
    planted.ids["campaigns"].append(opened.json()["id"])
    label = planted.word(NOBODY, "label of a link")
    link = officer.post("/links", json={"hazard_id": planted.ids["hazards"][0], "label": label})
    planted.readers[link.json()["token"]] = NOBODY
    planted.ids["links"].append(link.json()["id"])
    bearer = f"Bearer {link.json()['token']}"
    planted.clients["holder of a link"] = crowd.visitor(Authorization=bearer)


def _plant_survey(crowd: Crowd, planted: Canaries) -> None:
    """A judged book: its levels are for who judges surveys and who is cleared for them."""
    internal, batch, book = READERS[Sensitivity.INTERNAL], uuid4(), uuid4()
    levels, marked = READERS[Sensitivity.RESTRICTED], frozenset({"officer"})
    facts = {
        "batch": batch, "book": book, "sha": "0" * 64,
        "name": planted.word(internal, "name of a batch"),
        "unit": planted.word(internal, "unit of a survey"),
        "code": planted.word(internal, "code of a finding"),
        "value": planted.word(levels, "value of a finding"),
        "zh": planted.word(levels, "finding in Chinese"),
        "en": planted.word(levels, "finding in English"),
        "content": planted.word(marked, "marked book").encode(),
        "original": planted.word(NOBODY, "book as handed in").encode(),
    }  # fmt: skip
    with crowd.db.write(actor="test", reason="plant", pool=Pool.JOBS) as connection:
        for statement in (
            "INSERT INTO core.survey_batch (id, name, unit, created_by)"
            " VALUES (:batch, :name, :unit, 'test')",
            "INSERT INTO core.survey_import (id, batch_id, number, file, sha256, counts,"
            " imported_by) VALUES (:book, :batch, 1, 'x.xlsx', :sha, '{}', 'test')",
            "INSERT INTO core.survey_finding (import_id, key, number, rule, severity, row, code,"
            " value, zh, en, restricted, geometry) VALUES (:book, 'k', 1, 'pipe_short', 'warning',"
            " 1, :code, :value, :zh, :en, true, '{}')",
            "INSERT INTO core.survey_file (import_id, role, content)"
            " VALUES (:book, 'marked', :content), (:book, 'original', :original)",
        ):
            named = re.findall(r":(\w+)", statement)
            connection.execute(text(statement), {k: v for k, v in facts.items() if k in named})
    planted.ids["surveys"].append(str(batch))


def _upload(client: httpx.Client, content: bytes, planted: Canaries) -> None:
    name = planted.word(NOBODY, "name of a file")
    pairs = encode(sha256=sha256(content), media="image/jpeg", filename=name)
    headers = {**VERSION, "Upload-Length": str(len(content)), "Upload-Metadata": pairs}
    begun = client.post("/uploads", headers=headers)
    assert send(client, begun.headers["location"], 0, content).status_code == 204
    planted.ids["uploads"].append(begun.headers["location"].rpartition("/")[2])
    planted.ids["evidence"].append(sha256(content))


def list_requests(planted: Canaries) -> Iterator[tuple[str, str]]:
    """(method, path) of everything there is to ask, with planted things for its parameters."""
    for row in ROUTES:
        for method in row.methods:
            if row.path != "/logout":
                for path in _fill(row.path, planted):
                    yield method, path
                    if method == "GET" and "/collections/" not in path:
                        yield method, path + ("&" if "?" in path else "?") + "no-such=1"


def _fill(path: str, planted: Canaries) -> Iterator[str]:
    """The path for every planted thing it may name, and as wide a page of it as there is."""
    if "{kind}" in path:
        for name in KINDS:
            yield from _fill(path.replace("{kind}", name), planted)
        return
    place = re.sub(r"\{(\w+):\w+\}", r"{\1}", path)
    if "{z}" in place:
        row, column = tile_at(14, 99.1, 25.1)
        yield place.format(z=14, row=row, col=column)
        yield place.format(z=0, row=0, col=0)
        return
    first = place.strip("/").split("/")[0]
    kind = re.match(r"/collections/(\w+)", place)
    things = planted.ids[kind[1]] if kind else _things(first, planted)
    if "{id}" in place or "{sha256}" in place:
        for thing in things[: 1 if kind else 2]:
            filled = place.replace("{id}", thing).replace("{sha256}", thing)
            yield filled
            if first == "evidence":
                yield f"{filled}?size=thumb"
        return
    words = {"name": "progress", "version": "0", "file": "x.js"}
    filled = re.sub(r"\{(\w+)\}", lambda found: words.get(found[1], "x"), place)
    if filled.endswith("/items"):
        yield f"{filled}?limit=10000"
    elif first == "network":
        pipe, node = planted.ids["sewer_pipe"][0], planted.ids["sewer_manhole"][0]
        yield f"{filled}?from={pipe}"
        yield f"{filled}?from={pipe}&direction=both&people=true"
        yield f"{filled}?from={pipe}&to={node}"
    elif filled == "/search":
        yield f"{filled}?q=CANARY"
        yield f"{filled}?q=CNRY"
    yield filled


def _things(first: str, planted: Canaries) -> list[str]:
    if first == "assets":
        return [planted.ids[kind][0] for kind in KINDS]
    if first in ("accounts", "devices", "jobs"):
        return ["1", str(UUID(int=1))]
    return planted.ids[first] or [str(UUID(int=1))]


def crawl(planted: Canaries, who: str) -> Iterator[tuple[str, set[str]]]:
    """Ask everything as somebody; what of the planted each answer holds."""
    client = planted.clients[who]
    for method, path in list_requests(planted):
        if path == "/events" or (method == "DELETE" and who not in ("anonymous", "viewer")):
            continue  # a stream without an end; what others would take away
        body = None if method in ("GET", "HEAD", "OPTIONS", "DELETE") else dict[str, str]()
        answer = client.request(method, path, headers={"Accept": "*/*"}, json=body)
        assert answer.status_code < 500, (who, method, path)
        head = str(answer.headers).encode()
        yield f"{method} {path}", planted.find(head + answer.content + _decode(answer))


def _decode(answer: httpx.Response) -> bytes:
    """A tile's values as text: numbers are bits in it."""
    if "vector-tile" not in answer.headers.get("content-type", ""):
        return b""
    return repr(mapbox_vector_tile.decode(answer.content)).encode()
