"""The demonstration's evidence is in the store, and the loops it closes are closed."""

import hashlib
import io
import json
from collections import defaultdict
from dataclasses import replace
from itertools import combinations
from uuid import UUID

import pytest
from PIL import Image
from shapely import Point
from sqlalchemy import text

from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.demonstration.county import County
from gis.demonstration.evidence import store_evidence
from gis.demonstration.plan import AS_OF
from gis.evidence.derive import ALIKE_BITS, Deriver
from gis.evidence.files import EvidenceFiles
from gis.hazards.case import Case, Entry, Outcome
from gis.hazards.cohort import Question, Scope, find_rows
from gis.hazards.envelope import EvidenceNote
from gis.hazards.events import Role
from gis.hazards.figures import compute_figures
from gis.hazards.judge import judge
from gis.hazards.resemblance import list_alike
from tests.gis.demonstration.conftest import ask


def test_every_promised_file_is_in_the_store_whole(
    loaded: PooledDatabase, county: County, files: EvidenceFiles
) -> None:
    promised = {n["sha256"] for e in county.events for n in e.get("evidence", ())}
    assert promised == set(county.evidence)
    for digest, (_, content) in county.evidence.items():
        assert hashlib.sha256(files.path(digest).read_bytes()).hexdigest() == digest
        assert 300 < len(content) < 16_000
    found = ask(
        loaded,
        "SELECT media, count(*) FROM core.blob GROUP BY 1"
        " UNION ALL SELECT 'bytes', sum(bytes) FROM core.blob"
        " UNION ALL SELECT 'noted', count(*) FROM core.event WHERE type = 'evidence_stored'",
    )
    oracle, beside = county.oracle, county.desilting.files
    assert found["image/jpeg"] == oracle["photos"] + len(beside)
    assert 35 <= oracle["photos"] <= 50
    assert found["image/png"] == oracle["signatures"] > 0
    assert found["bytes"] == oracle["evidence_bytes"] + sum(len(b) for _, b in beside.values())
    assert oracle["photos"] + oracle["signatures"] == len(promised)
    assert found["noted"] == len(promised) + len(beside)


def test_evidence_stored_again_is_passed_over(
    loaded: PooledDatabase, county: County, files: EvidenceFiles
) -> None:
    assert store_evidence(loaded, files, county.evidence, actor="test") == 0


def test_the_loops_the_generator_closed_are_closed(loaded: PooledDatabase, county: County) -> None:
    with loaded.read(Pool.STAFF) as connection:
        (part,) = compute_figures(connection, Question(), now=AS_OF)
        ids = find_rows(connection, Question(), "closed_loop", now=AS_OF, scope=Scope.ALL)
    told = county.oracle["closed_loop"]
    for scope in ("major", "general"):
        figure = part.figures[f"closed_loop_rate.{scope}"]
        assert figure.numerator == told[scope] > 0, scope
        assert (figure.denominator or 0) > told[scope]
    on_visits = {str(e["hazard_id"]) for e in county.events if e.get("evidence")}
    assert {str(i) for i in ids} <= on_visits
    assert len(ids) == sum(told.values())


def test_the_judge_would_accept_every_step_of_the_loops_it_was_not_asked_about(
    county: County,
) -> None:
    """The generator's records are trusted; a phone's would have to pass, and these would."""
    steps = defaultdict(list)
    for event in county.events:
        if "evidence" in event:
            steps[event["hazard_id"]].append(event)
    stored = frozenset(county.evidence)
    refused = []
    for hazard, events in steps.items():
        case = Case(stored=stored)
        for number, event in enumerate(events, start=1):
            verdict = judge(case, entry := as_phone(hazard, number, event))
            if verdict.outcome is not Outcome.APPLIED:
                refused.append((entry.type, verdict.reason.rule if verdict.reason else None))
                break
            case = case.after(entry, verdict)
    # Two were closed by a click, without a photo of the repair.
    assert refused == [("submitted", "evidence")] * 2
    assert len(steps) == county.oracle["found_on_visits"]


def as_phone(hazard: str, number: int, event: dict[str, object]) -> Entry:
    payload = dict(event["payload"])  # type: ignore[call-overload]  # a mapping
    lon, lat = payload.get("lon"), payload.get("lat")
    notes = event["evidence"]
    assert isinstance(notes, list)
    return Entry(
        id=UUID(str(event["id"])),
        number=number,
        type=str(event["type"]),
        hazard_id=UUID(hazard),
        at=event["at"],  # type: ignore[arg-type]  # an aware moment
        actor=str(event["actor"]),
        role=Role(str(event["role"])),
        expected_version=number - 1,
        payload=payload,
        evidence=tuple(EvidenceNote.model_validate(note) for note in notes),
        place=None if lon is None else Point(lon, lat),
        form=str(event["form"]),
    )


def own_hash(content: bytes) -> int:
    """A difference hash of 64 bits, worked out by itself: brighter than the right neighbour."""
    grey = Image.open(io.BytesIO(content)).convert("L").resize((9, 8), Image.Resampling.LANCZOS)
    levels = list(grey.tobytes())
    bits = [levels[9 * r + c] > levels[9 * r + c + 1] for r in range(8) for c in range(8)]
    return sum(1 << n for n, bit in enumerate(bits) if bit)


def test_no_photos_are_alike_but_those_that_shall_be(county: County) -> None:
    hashes = {
        digest: own_hash(content)
        for digest, (media, content) in county.evidence.items()
        if media == "image/jpeg"
    }
    near = [
        pair for pair in combinations(hashes, 2)
        if (hashes[pair[0]] ^ hashes[pair[1]]).bit_count() <= ALIKE_BITS + 4
    ]  # fmt: skip
    assert len(near) == len(county.oracle["alike"]) == 2
    for one, other in near:
        assert (hashes[one] ^ hashes[other]).bit_count() <= ALIKE_BITS


def test_the_look_alikes_are_found_and_nothing_else(
    loaded: PooledDatabase, county: County, files: EvidenceFiles
) -> None:
    told = county.oracle["alike"]
    codes = {code for pair in told for code in pair}
    with loaded.read(Pool.JOBS) as connection:
        rows = connection.execute(
            text("SELECT code, id FROM core.hazard WHERE code = ANY(:codes)"),
            {"codes": sorted(codes)},
        ).all()
        known = {str(code): identifier for code, identifier in rows}
        digests = (
            connection.execute(
                text(
                    "SELECT DISTINCT n ->> 'sha256' FROM core.event e,"
                    " jsonb_array_elements(e.evidence) n WHERE e.hazard_id = ANY(:ids)"
                    " AND n ->> 'media' = 'image/jpeg'"
                ),
                {"ids": list(known.values())},
            )
            .scalars()
            .all()
        )
    assert set(known) == codes
    deriver = Deriver(loaded, files)
    for digest in digests:
        assert deriver.derive(digest) is None  # each is a picture that can be shown
    for code, other in told:
        statement = list_alike(known[code])
        with loaded.read(Pool.STAFF) as connection:
            found = json.loads(
                connection.exec_driver_sql(statement.sql, statement.parameters).scalar_one()
            )
        assert [row["code"] for row in found] == [other]


@pytest.mark.parametrize("piece", ["after", "reinspection", "before_close"])
def test_a_loop_without_one_of_its_pieces_is_none_to_the_judge(county: County, piece: str) -> None:
    """What the test above accepts it would refuse, were the photo missing."""
    events = next(
        list(group)
        for group in _by_hazard(county).values()
        if [e["type"] for e in group][-2:] == ["passed", "closed"]
        and "controlled" not in [e["type"] for e in group]
    )
    case, refused = Case(stored=frozenset(county.evidence)), None
    for number, event in enumerate(events, start=1):
        entry = as_phone(str(event["hazard_id"]), number, event)
        entry = replace(entry, evidence=tuple(n for n in entry.evidence if n.kind.value != piece))
        verdict = judge(case, entry)
        if verdict.outcome is not Outcome.APPLIED:
            refused = entry.type
            break
        case = case.after(entry, verdict)
    assert refused == {"after": "submitted", "reinspection": "passed", "before_close": None}[piece]


def _by_hazard(county: County) -> dict[str, list[dict[str, object]]]:
    steps = defaultdict(list)
    for event in county.events:
        if "evidence" in event:
            steps[str(event["hazard_id"])].append(event)
    return steps
