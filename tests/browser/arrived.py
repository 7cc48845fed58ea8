"""What must hold of what arrived, whatever happened on the way."""

from __future__ import annotations

import hashlib
import json

from gis.hazards.envelope import read_envelope
from gis.hazards.events import PAYLOADS, EventType
from gis.hazards.records import RECORDS, RecordType
from tests.browser.field_office import Office
from tests.browser.phone import Phone, sha256


def check_chain(office: Office) -> None:
    """Each phone's records carry 1, 2, 3… and the hash of the one before (SHA-256 by hashlib)."""
    chains: dict[str, list[bytes]] = {}
    for body in office.events.values():
        chains.setdefault(json.loads(body)["device"]["id"], []).append(body)
    for bodies in chains.values():
        bodies.sort(key=lambda body: json.loads(body)["device"]["seq"])
        records = [json.loads(body) for body in bodies]
        assert [one["device"]["seq"] for one in records] == list(range(1, len(records) + 1))
        hashes = [None, *(hashlib.sha256(body).hexdigest() for body in bodies)]
        assert [one["prev_hash"] for one in records] == hashes[:-1]


def check_readable(office: Office) -> None:
    """What was sent is what the log reads: envelopes and payloads by its own models."""
    for body in office.events.values():
        envelope = read_envelope(body)
        if envelope.type in {kind.value for kind in RecordType}:
            RECORDS[RecordType(envelope.type)].model_validate(envelope.payload)
        else:
            PAYLOADS[EventType(envelope.type)].model_validate(envelope.payload)


def check_complete(office: Office, phone: Phone) -> None:
    """Every photo a record speaks of is there, by its hash, and the camera's own among them."""
    assert office.promised() <= set(office.evidence)
    assert set(phone.photos) <= set(office.evidence)
    for promised, content in office.evidence.items():
        assert sha256(content) == promised
    assert phone.rows("blobs") == []
    assert phone.rows("events") == []
