"""Evidence of the hazards found on visits: drawn, promised by the events, put into the store."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np
from sqlalchemy import Connection, text

from gis.db.handle import Database
from gis.db.roles import Pool
from gis.db.tables import CORE
from gis.demonstration.cases import Case, Event
from gis.demonstration.photos import QUALITY, Scene, imagine_scene, photograph, sign
from gis.demonstration.plan import AS_OF
from gis.evidence.files import EvidenceFiles
from gis.evidence.receive import Blob, Promise, Receiver, Sender
from gis.hazards.log import note_evidence

STREAM = 75
Note = dict[str, Any]  # Any: JSON
JPEG, PNG = "image/jpeg", "image/png"
_NEAR_COPY_QUALITY = 40
_DEGREE_M = 100_000.0
"""Metres of a degree, roughly: photos of one place are taken a few metres apart."""


@dataclass(slots=True)
class Album:
    """Files by their hash, with what each is; pairs of cases whose photos are alike on purpose."""

    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    alike: list[tuple[str, str]] = field(default_factory=list)

    def keep(self, content: bytes, media: str) -> Note:
        """Keep a file; the part of its note that says what it is."""
        digest = hashlib.sha256(content).hexdigest()
        self.files[digest] = (media, content)
        return {"sha256": digest, "media": media, "bytes": len(content)}


def gather_evidence(seed: int, cases: Sequence[Case]) -> tuple[list[Event], Album]:
    """The events of the cases with their evidence, and the files.

    Two photos are near copies on purpose: an after-photo of its own before-photo, and the photo
    of a new hazard of one that was repaired in summer.
    """
    rng, album = np.random.default_rng([seed, STREAM]), Album()
    scenes = [imagine_scene(rng, case.visit.site.category) for case in cases]
    summer = next(n for n, c in enumerate(cases) if c.path == "spot" and _category(c) == "gas")
    copied = next(n for n, c in enumerate(cases) if c.path == "notified")
    scenes[copied] = scenes[summer]
    album.alike.append((code_of(cases[copied]), code_of(cases[summer])))
    album.alike += [(code_of(case),) * 2 for case in cases if case.path == "submitted"]
    told: list[Event] = []
    for n, (case, scene) in enumerate(zip(cases, scenes, strict=True)):
        taken: dict[str, Note] = {}
        for event in case.events:
            notes = [
                _take(rng, album, case, scene, event, kind, is_copy=n == copied)
                if kind != "interim" or kind not in taken
                else taken[kind]
                for kind in event["shots"]
            ]
            taken |= {note["kind"]: note for note in notes}
            told.append({k: v for k, v in event.items() if k != "shots"} | {"evidence": notes})
    return told, album


def code_of(case: Case) -> str:
    """The code of the case's hazard."""
    return str(case.events[0]["payload"]["code"])


def _category(case: Case) -> str:
    return case.visit.site.category


def _take(
    rng: np.random.Generator,
    album: Album,
    case: Case,
    scene: Scene,
    event: Event,
    kind: str,
    *,
    is_copy: bool,
) -> Note:
    """One file and the note that promises it; a photo is taken where the hazard is."""
    at = event["at"] - timedelta(minutes=2)
    about = {"kind": kind, "taken_at": at.isoformat()}
    if kind == "signature":
        return album.keep(sign(rng), PNG) | about
    shift = rng.uniform(-4, 4, 2) / _DEGREE_M
    is_near_copy = is_copy or (case.path == "submitted" and kind == "after")
    content = photograph(
        scene
        if kind in ("before_close", "before_wide", "after")
        else imagine_scene(rng, _category(case)),
        f"{code_of(case)}  {kind}  {at:%Y-%m-%d}",
        repaired=kind in ("after", "reinspection") and not is_near_copy,
        quality=_NEAR_COPY_QUALITY if is_near_copy else QUALITY,
    )
    site = case.visit.site
    return (
        album.keep(content, JPEG)
        | about
        | {
            "lon": round(site.lon + float(shift[0]), 7),
            "lat": round(site.lat + float(shift[1]), 7),
            "accuracy_m": round(float(rng.uniform(4, 14)), 1),
        }
    )


def count_evidence(cases: Sequence[Case], album: Album) -> dict[str, Any]:  # Any: JSON
    """The oracle's figures: files, and closed hazards that have every piece, by the plan."""
    media = [medium for medium, _ in album.files.values()]
    complete = [case.item.severity.value == "major" for case in cases if case.is_complete]
    return {
        "photos": media.count(JPEG),
        "signatures": media.count(PNG),
        "evidence_bytes": sum(len(content) for _, content in album.files.values()),
        "alike": album.alike,
        "closed_loop": {"major": sum(complete), "general": len(complete) - sum(complete)},
    }


def store_evidence(
    db: Database, files: EvidenceFiles, album: Mapping[str, tuple[str, bytes]], *, actor: str
) -> int:
    """Put the files into the store as uploads are, and note each in the log; how many were new."""
    with db.read(Pool.JOBS) as connection:
        known = set(connection.execute(text(f"SELECT sha256 FROM {CORE}.blob")).scalars())
    receiver = Receiver(db, files, on_stored=_note)
    sender = Sender(account=None, login=actor, pool=Pool.JOBS)
    new = [digest for digest in album if digest not in known]
    for digest in new:
        media, content = album[digest]
        standing = receiver.begin(Promise(digest, len(content), media), sender)
        with receiver.hold(standing.id, sender) as held:
            if not held.standing.is_complete:
                held.append(content)
                held.settle()
    return len(new)


def _note(connection: Connection, blob: Blob) -> None:
    note_evidence(
        connection, blob.sha256, size=blob.bytes, media=blob.media, actor=blob.actor, now=AS_OF
    )
