"""Phones over a network that loses, doubles and reorders, against a server that is killed.

``python -m tests.api.lossy_network [--examples 50] [--steps 40]`` runs it long and prints what
happened; the test beside it runs it short. At the end of every run the server's log must be the
union of the phones' logs, each record once, byte for byte.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from gis.evidence.files import EvidenceFiles
from gis.hazards.rebuild import check
from gis.hazards.seal import find_broken_seals
from tests.api.bureau import Handset
from tests.api.killed_site import PATIENCE_S, PHONES, Site, read_as_superuser
from tests.api.tus import begin, send, tell
from tests.gis.evidence.photos import make_jpeg, sha256
from tests.gis.hazards.records import Phone, id_of

Act = TypeVar("Act", bound=Callable[..., None])
PIECE = 9_000
_SCENE = make_jpeg(1, (320, 240))


def make_photo() -> bytes:
    """A photo nobody else has taken, of some pieces."""
    return _SCENE + os.urandom(40_000)


@dataclass
class Field:
    """A phone as the app behaves: what is in its store survives, what is in memory does not.

    A record leaves the store only after a 2xx whose body repeats its id and hash.
    """

    phone: Phone
    handset: Handset
    store: dict[UUID, bytes] = field(default_factory=dict)
    written: dict[UUID, bytes] = field(default_factory=dict)
    photos: dict[str, bytes] = field(default_factory=dict)
    taken: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, str] = field(default_factory=dict)
    hazards: list[tuple[UUID, int]] = field(default_factory=list)
    last: str = ""

    def log(self, type_: str, **members: object) -> None:
        body = self.phone.write(type_, datetime.now(UTC), **members)
        self.store[id_of(body)] = self.written[id_of(body)] = body

    def photograph(self) -> dict[str, object]:
        """A photo into the store; what a record says of it."""
        photo = make_photo()
        digest = sha256(photo)
        self.photos[digest] = self.taken[digest] = photo
        return {
            "sha256": digest, "kind": "before_wide", "media": "image/jpeg", "bytes": len(photo),
        }  # fmt: skip

    def settle(self, body: bytes, answer: httpx.Response) -> None:
        self.last = f"{answer.status_code} {answer.text[:200]}"
        if answer.status_code not in (200, 201):
            return
        receipt = answer.json()
        if receipt["sha256"] == hashlib.sha256(body).hexdigest():
            self.store.pop(UUID(receipt["id"]), None)


Step = tuple[Callable[..., None], dict[str, Any]]  # Any: what its strategies draw
STEPS: list[st.SearchStrategy[Step]] = []


def rule(**arguments: st.SearchStrategy[Any]) -> Callable[[Act], Act]:  # Any: as above
    """A step a scenario may take. Scenarios are drawn whole, before their first step: what a
    killed process does cannot change what is drawn."""

    def note(function: Act) -> Act:
        STEPS.append(st.tuples(st.just(function), st.fixed_dictionaries(arguments)))
        return function

    return note


class LossyNetwork:
    """Steps of phones, network and server in any order."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.site.wait()
        self.client = httpx.Client(base_url=self.site.base, timeout=20)
        self.fields: list[Field] = []
        for handset in self.site.handsets:
            self.fields.append(Field(Phone(account=handset.account), handset))
        for n in range(PHONES):  # everybody has logged something before the network is met
            self.log_hazards(n=n, found=3, photos=1)

    @rule(n=st.integers(0, PHONES - 1), found=st.integers(1, 8), photos=st.integers(0, 1))
    def log_hazards(self, n: int, found: int, photos: int) -> None:
        phone = self.fields[n]
        for number in range(found):
            hazard = uuid4()
            payload = {"category": "gas", "severity": "minor", "description": "<b>${x}"}
            notes = [phone.photograph()] if number < photos else []
            phone.log("found", hazard_id=hazard, payload=payload, evidence=notes)
            phone.hazards.append((hazard, 1))
            phone.log("commented", hazard_id=hazard, payload={"note": "已告知"})

    @rule(n=st.integers(0, PHONES - 1), other=st.integers(0, PHONES - 1), at=st.integers(0, 99))
    def add_to_a_hazard(self, n: int, other: int, at: int) -> None:
        """A comment, perhaps on another phone's hazard that has not arrived yet."""
        if known := self.fields[other].hazards:
            hazard, _ = known[at % len(known)]
            self.fields[n].log("commented", hazard_id=hazard, payload={"note": "仍在"})

    @rule(n=st.integers(0, PHONES - 1))
    def visit(self, n: int) -> None:
        payload = {"category": "gas", "result": "normal", "team": ["甲", "乙"]}
        self.fields[n].log("visited", visit_id=uuid4(), payload=payload)

    @rule(
        n=st.integers(0, PHONES - 1),
        fate=st.sampled_from(["deliver", "drop request", "drop answer", "double", "reorder"]),
        few=st.integers(2, 12),
    )
    def send(self, n: int, fate: str, few: int) -> None:
        phone = self.fields[n]
        bodies = list(phone.store.values())[:few]
        if fate == "reorder":
            bodies.reverse()
        for body in bodies:
            self.site.seen[fate] += 1
            if fate == "drop request":
                continue
            for _ in range(2 if fate == "double" else 1):
                answer = self._put(phone, body)
                if answer is not None and fate != "drop answer":
                    phone.settle(body, answer)

    @rule(
        n=st.integers(0, PHONES - 1),
        fate=st.sampled_from(["deliver", "drop answer"]),
        pieces=st.integers(1, 6),
    )
    def send_pieces(self, n: int, fate: str, pieces: int) -> None:
        """Some pieces of a photo; the rest another time, from where the server says it stands."""
        phone = self.fields[n]
        for digest in list(phone.photos)[:1]:
            with contextlib.suppress(httpx.HTTPError):
                self._upload(phone, digest, pieces, is_forgetful=fate == "drop answer")

    @rule(n=st.integers(0, PHONES - 1))
    def kill_server_while_a_photo_is_sent(self, n: int) -> None:
        phone = self.fields[n]
        killing = threading.Timer(0.03, self.site.kill_server)
        killing.start()
        for digest in list(phone.photos)[:1]:
            with contextlib.suppress(httpx.HTTPError):
                self._upload(phone, digest, 6)
        killing.join()

    @rule(n=st.integers(0, PHONES - 1))
    def kill_server_while_sending(self, n: int) -> None:
        phone = self.fields[n]
        bodies = list(phone.store.values())[:10]
        asked = {"events": [body.decode() for body in bodies]}
        with contextlib.suppress(httpx.HTTPError), httpx.Client(timeout=0.05) as hasty:
            hasty.post(f"{self.site.base}/sync", json=asked, headers=phone.handset.headers)
        self.site.kill_server()

    @rule()
    def kill_postgres(self) -> None:
        self.site.kill_postgres()

    @rule(n=st.integers(0, PHONES - 1))
    def kill_app(self, n: int) -> None:
        """What was under way is forgotten; the store is as the last transaction left it."""
        self.site.seen["app killed"] += 1
        self.fields[n].store = dict(self.fields[n].store)

    def _put(self, phone: Field, body: bytes) -> httpx.Response | None:
        try:
            return self.client.put(
                f"/events/{id_of(body)}", content=body, headers=phone.handset.headers
            )
        except httpx.HTTPError:
            self.site.seen["no answer"] += 1
            return None

    def _upload(
        self, phone: Field, digest: str, pieces: int, *, is_forgetful: bool = False
    ) -> None:
        """Begin or go on with a photo; it leaves the store when the server has all of it."""
        photo, headers = phone.photos[digest], phone.handset.headers
        with httpx.Client(base_url=self.site.base, timeout=20, headers=headers) as client:
            where = phone.uploads.get(digest)
            answer = tell(client, where) if where else begin(client, photo)
            if answer.status_code == 404:
                phone.uploads.pop(digest, None)
            if answer.status_code not in (200, 201):
                return
            where = phone.uploads[digest] = where or answer.headers["location"]
            offset = int(answer.headers["upload-offset"])
            for _ in range(pieces):
                if offset == len(photo):
                    break
                answer = send(client, where, offset, photo[offset : offset + PIECE])
                self.site.seen["pieces"] += 1
                if is_forgetful or answer.status_code != 204:
                    return
                offset = int(answer.headers["upload-offset"])
            if offset == len(photo):
                del phone.photos[digest]

    def teardown(self) -> None:
        """The network heals; every store empties; both sides hold the same."""
        self.site.wait()
        until = time.monotonic() + PATIENCE_S
        while any(p.store or p.photos for p in self.fields) and time.monotonic() < until:
            for phone in self.fields:
                for digest in list(phone.photos):
                    try:
                        self._upload(phone, digest, 100)
                    except httpx.HTTPError:
                        self.site.wait()
                for body in list(phone.store.values()):
                    answer = self._put(phone, body)
                    if answer is not None:
                        phone.settle(body, answer)
                    else:
                        self.site.wait()
        self.client.close()
        self._compare()

    def _compare(self) -> None:
        sent = {i: b for phone in self.fields for i, b in phone.written.items()}
        kept = [phone.last for phone in self.fields if phone.store]
        assert not kept, f"a record was never taken: {kept}"
        files = EvidenceFiles(self.site.settings.state_folder)
        for phone in self.fields:
            assert not phone.photos, "a photo was never taken"
            for digest, photo in phone.taken.items():
                assert files.path(digest).read_bytes() == photo
            self.site.seen["photos"] += len(phone.taken)
        with read_as_superuser(self.site) as connection:
            rows = connection.execute(
                text("SELECT id, body_sha256 FROM core.event WHERE id = ANY(:ids)"),
                {"ids": list(sent)},
            ).all()
            devices = [phone.phone.id for phone in self.fields]
            own = connection.execute(
                text("SELECT count(*) FROM core.event WHERE device_id = ANY(:d)"), {"d": devices}
            ).scalar_one()
        assert len(rows) == own == len(sent)
        for identifier, digest in rows:
            assert bytes(digest) == hashlib.sha256(sent[identifier]).digest()
        self.site.seen["records"] += len(sent)


def run(*, examples: int, steps: int) -> Counter[str]:
    """Run the machine; what happened, counted. AssertionError where a record is lost or doubled."""
    with tempfile.TemporaryDirectory(prefix="lossy-", dir="/var/tmp") as scratch:
        Path(scratch).chmod(0o755)
        site = Site(Path(scratch))

        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(st.lists(st.one_of(STEPS), min_size=steps, max_size=steps))
        def play(scenario: list[Step]) -> None:
            network = LossyNetwork(site)
            for act, arguments in scenario:
                act(network, **arguments)
            network.teardown()

        try:
            play()
            with read_as_superuser(site) as connection:
                assert check(connection) == []
                assert find_broken_seals(connection) == []
        finally:
            site.stop()
        return site.seen


def main() -> None:
    """Run it long and print the counts."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--examples", type=int, default=50)
    parser.add_argument("--steps", type=int, default=40)
    given = parser.parse_args()
    began = time.monotonic()
    for what, count in sorted(run(examples=given.examples, steps=given.steps).items()):
        print(f"{what}: {count}")
    print(f"seconds: {time.monotonic() - began:.0f}; lost: 0; doubled: 0")


if __name__ == "__main__":
    main()
