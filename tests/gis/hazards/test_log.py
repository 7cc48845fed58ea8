"""Records of phones: each once, judged by the order they came in, never thrown away."""

from __future__ import annotations

import json
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from gis.db.cluster import Cluster
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.errors import ConflictError, ForbiddenError, InFlightError, InputError
from gis.hazards.admission import Bearer, Handset
from gis.hazards.calendar import read_calendar
from gis.hazards.case import Outcome
from gis.hazards.catalogue import read_catalogue
from gis.hazards.envelope import hash_body
from gis.hazards.events import Role
from gis.hazards.log import Author, note_evidence, receive
from gis.hazards.presets import Preset
from gis.hazards.rebuild import check, rebuild
from gis.hazards.receipt import Receipt
from gis.hazards.reception import HouseRules
from gis.hazards.rounds import make_task_id
from gis.hazards.seal import Block, find_broken_seals, seal_events
from gis.kinds.hazard import HazardCategory, Severity
from tests.conftest import OneTransaction
from tests.gis.hazards.records import Phone, author, id_of, photo

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
FOREIGN_KEY = "fk_event_outcome_event_id"
REFUSE_ALL = (
    "UPDATE core.event_outcome SET outcome = 'refused', hazard_seq = NULL"
    " WHERE hazard_id IS NOT NULL"
)
FOUND = {"category": "gas", "severity": "general_a", "description": "软管老化"}
NOTICE = {"document": "改〔2026〕1号", "refused_reason": "负责人不在场"}
TEAM = {"team": ["张三", "李四"]}
GAS_ITEM = read_catalogue("2026-11").items_of(HazardCategory.GAS)[0].key


def take(db: OneTransaction | PooledDatabase, body: bytes, **options: Any) -> Receipt:  # noqa: ANN401
    options.setdefault("author", author())
    options.setdefault("now", NOON + timedelta(hours=8))
    with db.write(actor="zhang", reason="field", pool=Pool.FIELD) as connection:
        return receive(connection, body, **options)


def arrive(db: OneTransaction | PooledDatabase, note: dict[str, Any]) -> None:
    with db.write(actor="zhang", reason="upload", pool=Pool.FIELD) as connection:
        note_evidence(
            connection, note["sha256"], size=note["bytes"], media=note["media"], actor="zhang",
            now=NOON + timedelta(hours=9),
        )  # fmt: skip


def state_of(db: OneTransaction | PooledDatabase, hazard: UUID) -> str | None:
    with db.read(Pool.FIELD) as connection:
        query = text("SELECT state FROM core.hazard WHERE id = :id")
        return connection.execute(query, {"id": hazard}).scalar()


def everything_agrees(db: OneTransaction | PooledDatabase) -> bool:
    with db.write(actor="check", reason="check", pool=Pool.JOBS) as connection:
        return check(connection) == []


def test_the_same_bytes_twice_are_one_record_with_one_answer(
    fresh_database: PooledDatabase,
) -> None:
    body = Phone().write("found", NOON, payload=FOUND)
    first, again = take(fresh_database, body), take(fresh_database, body)
    assert (first.is_new, again.is_new) == (True, False)
    assert first.as_json() == again.as_json()
    assert first.outcome is Outcome.APPLIED
    assert first.hazard_version == 1
    with fresh_database.read(Pool.FIELD) as connection:
        assert connection.execute(text("SELECT count(*) FROM core.event")).scalar() == 1


def test_other_bytes_under_a_known_id_are_a_conflict_and_change_nothing(db: OneTransaction) -> None:
    body = Phone().write("found", NOON, payload=FOUND)
    take(db, body)
    with pytest.raises(ConflictError):
        take(db, body.replace("软管".encode(), "阀门".encode()))
    assert everything_agrees(db)


def test_a_hazard_gets_place_township_code_and_severity_from_what_was_sent(
    db: OneTransaction,
) -> None:
    hazard = UUID("0190c0de-0000-7000-8000-00001a2b3c4d")
    take(db, Phone().write("found", NOON, payload={"category": "gas"}, hazard_id=hazard))
    with db.read() as connection:
        row = connection.execute(
            text("SELECT code, severity, ST_X(geometry), ST_Y(geometry), found_by FROM core.hazard")
        ).one()
    assert tuple(row) == ("YH260302-1A2B3C4D", "general_b", 99.2, 24.9, "zhang")


def test_an_event_that_comes_before_its_hazard_waits_and_is_applied_when_it_arrives(
    db: OneTransaction,
) -> None:
    phone, hazard = Phone(), uuid4()
    found = phone.write("found", NOON, payload=FOUND, hazard_id=hazard)
    fixed = phone.write(
        "fixed_on_spot", NOON + timedelta(minutes=5), hazard_id=hazard, expected_version=1,
        evidence=[photo("after"), photo("signature")], payload=TEAM,
    )  # fmt: skip
    early = take(db, fixed)
    assert (early.outcome, early.reason["rule"]) == (Outcome.WAITING, "parent")
    assert take(db, found).hazard_version == 2
    assert take(db, fixed).outcome is Outcome.APPLIED
    assert state_of(db, hazard) == "fixed_on_spot"
    assert everything_agrees(db)


def test_what_is_based_on_an_old_version_is_refused_kept_and_says_who_was_first(
    db: OneTransaction,
) -> None:
    phone, hazard = Phone(), uuid4()
    take(db, phone.write("found", NOON, payload=FOUND, hazard_id=hazard))
    office = {"role": "officer", "hazard_id": hazard, "expected_version": 1}
    take(db, phone.write("registered", NOON, **office))
    late = phone.write("dismissed", NOON, payload={"reason": "误报"}, **office)
    answer = take(db, late)
    assert (answer.outcome, answer.reason["rule"]) == (Outcome.REFUSED, "stale")
    assert "zhang" in answer.reason["zh"]
    assert state_of(db, hazard) == "registered"
    with db.read() as connection:
        kept = connection.execute(
            text("SELECT payload FROM core.event WHERE id = :id"), {"id": id_of(late)}
        ).scalar_one()
    assert kept == {"reason": "误报"}
    assert everything_agrees(db)


LI, WANG, UNIT = (UUID(f"01900000-0000-7000-8000-00000000000{n}") for n in (2, 3, 4))
LI_SI, WANG_WU = author("li", LI), author("wang", WANG)
DUTY_HOLDER = author("unit", UNIT)
Step = tuple[bytes, Author]


def closing(
    hazard: UUID, notes: list[dict[str, Any]], closer: Author = WANG_WU, *, comments: int = 0
) -> list[Step]:
    """The ordinary way to a close-out: officer, duty holder, re-inspector, officer.

    ``comments``: so many were made since it was found.
    """
    steps: list[tuple[str, str, Author, dict[str, Any]]] = [
        ("registered", "officer", WANG_WU, {}),
        ("notified", "officer", WANG_WU, {"payload": NOTICE}),
        ("rectifying", "officer", WANG_WU, {}),
        ("submitted", "duty_holder", DUTY_HOLDER, {"evidence": [notes[0]]}),
        ("passed", "reinspector", LI_SI, {"evidence": [notes[1]]}),
        ("closed", "leader", closer, {}),
    ]
    return [
        (
            Phone(account=who.account_id).write(
                name, NOON + timedelta(hours=number), role=role, hazard_id=hazard,
                expected_version=number + comments, **more,
            ),
            who,
        )
        for number, (name, role, who, more) in enumerate(steps, start=1)
    ]  # fmt: skip


def test_closing_waits_for_the_bytes_of_every_photo_that_was_promised(db: OneTransaction) -> None:
    phone, hazard = Phone(), uuid4()
    before, after, seen = photo("before_wide"), photo("after"), photo("reinspection")
    take(db, phone.write("found", NOON, payload=FOUND, hazard_id=hazard, evidence=[before]))
    *way, (closed, leader) = closing(hazard, [after, seen])
    for body, who in way:
        assert take(db, body, author=who).outcome is Outcome.APPLIED
    answer = take(db, closed, author=leader)
    assert (answer.outcome, answer.reason["rule"]) == (Outcome.WAITING, "bytes")
    for note in (before, after):
        arrive(db, note)
        assert state_of(db, hazard) == "submitted"
    arrive(db, seen)
    assert state_of(db, hazard) == "closed"
    assert take(db, closed, author=leader).outcome is Outcome.APPLIED
    assert everything_agrees(db)


def test_a_repair_without_a_photo_or_signature_is_refused_and_says_what_is_missing(
    db: OneTransaction,
) -> None:
    phone, hazard = Phone(), uuid4()
    take(db, phone.write("found", NOON, payload=FOUND, hazard_id=hazard))
    bare = phone.write("fixed_on_spot", NOON, hazard_id=hazard, expected_version=1)
    answer = take(db, bare)
    assert (answer.outcome, answer.reason["rule"]) == (Outcome.REFUSED, "evidence")
    assert "照片" in answer.reason["zh"]
    assert "签字" in answer.reason["zh"]
    unsigned = phone.write(
        "fixed_on_spot", NOON, hazard_id=hazard, expected_version=1, evidence=[photo("after")],
        payload={"refused_reason": "负责人不在场,拒绝签字", **TEAM},
    )  # fmt: skip
    assert take(db, unsigned).outcome is Outcome.APPLIED


@pytest.mark.parametrize(
    ("members", "rule"),
    [
        ({"payload": {"category": "nonsense"}}, "payload"),
        ({"payload": FOUND, "fix": None}, "position"),
        ({"payload": FOUND, "fix": {"lon": 0, "lat": 0, "accuracy_m": 10}}, "position"),
        ({"type": "teleported", "payload": {"x": 1}}, "type"),
        ({"type": "evidence_stored", "payload": {"sha256": "0" * 64}}, "type"),
    ],
)
def test_a_record_that_cannot_be_used_is_kept_with_its_reason(
    db: OneTransaction, members: dict[str, Any], rule: str
) -> None:
    members = {"type": "found", **members}
    body = Phone().write(members.pop("type"), NOON, **members)
    answer = take(db, body)
    assert (answer.outcome, answer.reason["rule"]) == (Outcome.REFUSED, rule)
    assert answer.reason["zh"]
    assert take(db, body).as_json() == answer.as_json()
    assert everything_agrees(db)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"id": 1}', b"\xff\xfe", b'"\\u0000"', b"null", b"9" * 140_000],
)
def test_what_is_no_record_at_all_is_bad_input(db: OneTransaction, body: bytes) -> None:
    with pytest.raises(InputError):
        take(db, body)


def test_an_unknown_member_of_a_newer_phone_stays_in_the_log_and_does_no_harm(
    db: OneTransaction,
) -> None:
    hazard, newer = uuid4(), {**FOUND, "mood": "grim"}
    body = Phone().write("found", NOON, payload=newer, form="gas@2031-01", new=1, hazard_id=hazard)
    assert take(db, body).outcome is Outcome.APPLIED
    office = {"role": "officer", "hazard_id": hazard, "expected_version": 1}
    registered = Phone().write("registered", NOON, payload={"mood": "calm"}, **office)
    assert take(db, registered).outcome is Outcome.APPLIED
    assert everything_agrees(db)
    with db.read() as connection:
        kept = connection.execute(text("SELECT min(payload ->> 'mood') FROM core.event")).scalar()
    assert kept == "calm"


def test_nobody_sends_another_persons_record_but_the_office_may_hand_it_in(
    db: OneTransaction,
) -> None:
    li = uuid4()
    phone = Phone(account=li)
    body = phone.write("found", NOON, payload=FOUND)
    with pytest.raises(ForbiddenError):
        take(db, body)
    bearer = Bearer("li", frozenset({Role.INSPECTOR}))
    handset = Handset(phone.id, {li: bearer}, frozenset({hash_body(body)}))
    office = Author(author().account_id, "wang", frozenset({Role.OFFICER}), handset=handset)
    take(db, body, author=office)
    with db.read() as connection:
        row = connection.execute(text("SELECT actor, recorded_by FROM core.event")).one()
    assert tuple(row) == ("li", "zhang")


def test_nobody_acts_in_a_role_that_is_not_his(db: OneTransaction) -> None:
    inspector = author(roles=frozenset({Role.INSPECTOR}))
    phone = Phone()
    take(db, phone.write("found", NOON, payload=FOUND), author=inspector)
    for role in ("officer", "system", None):
        with pytest.raises(ForbiddenError):
            take(db, phone.write("registered", NOON, role=role), author=inspector)


@pytest.mark.parametrize(
    "wrong", [timedelta(days=-9000), timedelta(days=4000), timedelta(hours=-3)]
)
def test_a_clock_that_is_wrong_by_years_is_corrected_by_its_skew(
    db: OneTransaction, wrong: timedelta
) -> None:
    now = NOON + timedelta(hours=8)
    body = Phone().write("found", now + wrong - timedelta(minutes=10), payload=FOUND)
    take(db, body, now=now, client_now=now + wrong)
    with db.read() as connection:
        at, skew = connection.execute(text("SELECT at, skew_ms FROM core.event")).one()
    assert at == now - timedelta(minutes=10)
    assert skew == wrong.total_seconds() * 1000


def test_fifty_identical_requests_at_once_make_one_record(fresh_database: PooledDatabase) -> None:
    body = Phone().write("found", NOON, payload=FOUND)
    seen: Counter[str] = Counter()
    lock = threading.Lock()

    def send() -> None:
        while True:
            try:
                receipt = take(fresh_database, body)
            except InFlightError:
                with lock:
                    seen["in flight"] += 1
                continue
            with lock:
                seen["new" if receipt.is_new else "known"] += 1
            return

    threads = [threading.Thread(target=send) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen["new"] == 1
    assert seen["known"] == 49
    with fresh_database.read(Pool.FIELD) as connection:
        assert connection.execute(text("SELECT count(*) FROM core.event")).scalar() == 1


def test_of_two_phones_that_race_for_one_close_out_one_is_applied_and_one_refused(
    fresh_database: PooledDatabase,
) -> None:
    phone, hazard = Phone(), uuid4()
    notes = [photo("after"), photo("reinspection")]
    take(fresh_database, phone.write("found", NOON, payload=FOUND, hazard_id=hazard))
    *way, _ = closing(hazard, notes)
    for body, who in way:
        take(fresh_database, body, author=who)
    for note in notes:
        arrive(fresh_database, note)
    rivals = [
        Phone(account=WANG).write(
            "closed", NOON, role="leader", hazard_id=hazard, expected_version=6
        )
        for _ in range(2)
    ]
    outcomes: list[Outcome] = []
    start = threading.Barrier(2)

    def close(body: bytes) -> None:
        start.wait()
        outcomes.append(take(fresh_database, body, author=WANG_WU).outcome)

    threads = [threading.Thread(target=close, args=(body,)) for body in rivals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [Outcome.APPLIED, Outcome.REFUSED]
    assert everything_agrees(fresh_database)


def test_a_photo_and_the_close_out_that_needs_it_may_cross_each_other(
    fresh_database: PooledDatabase,
) -> None:
    for _ in range(15):
        phone, hazard = Phone(), uuid4()
        notes = [photo("after"), photo("reinspection")]
        take(fresh_database, phone.write("found", NOON, payload=FOUND, hazard_id=hazard))
        *way, (closed, leader) = closing(hazard, notes)
        for body, who in way:
            take(fresh_database, body, author=who)
        arrive(fresh_database, notes[0])
        start = threading.Barrier(2)

        def photo_arrives(
            start: threading.Barrier = start, note: dict[str, Any] = notes[1]
        ) -> None:
            start.wait()
            arrive(fresh_database, note)

        thread = threading.Thread(target=photo_arrives)
        thread.start()
        start.wait()
        take(fresh_database, closed, author=leader)
        thread.join()
        assert state_of(fresh_database, hazard) == "closed"


@pytest.mark.parametrize("pool", [Pool.FIELD, Pool.STAFF])
def test_the_database_refuses_a_state_that_no_event_led_to(
    fresh_database: PooledDatabase, pool: Pool
) -> None:
    hazard = uuid4()
    take(fresh_database, Phone().write("found", NOON, payload=FOUND, hazard_id=hazard))
    for statement in (
        "UPDATE core.hazard SET state = 'closed'",
        "UPDATE core.hazard SET severity = 'minor'",
        "INSERT INTO core.hazard (id, code, source, state, severity, category, origin, is_open,"
        " found_at, extensions, returns, use_suspended, supervision_listed, geometry) VALUES"
        " (gen_random_uuid(), 'X', 'x', 'closed', 'minor', 'gas', 'department', false, now(), 0, 0,"
        " false, false, ST_GeomFromText('POINT(99 25)', 4490))",
    ):
        with (
            pytest.raises(DBAPIError) as refused,
            fresh_database.write(actor="x", reason="x", pool=pool) as connection,
        ):
            connection.execute(text(statement))
        assert getattr(refused.value.orig, "sqlstate", "") == "IT004"


def test_the_database_refuses_a_step_the_workflow_does_not_know(
    fresh_database: PooledDatabase,
) -> None:
    hazard = uuid4()
    with fresh_database.write(actor="x", reason="x", pool=Pool.FIELD) as connection:
        body = Phone().write("found", NOON, payload=FOUND, hazard_id=hazard)
        receive(connection, body, author=author(), now=NOON)
        with pytest.raises(DBAPIError) as refused, connection.begin_nested():
            connection.execute(text("UPDATE core.hazard SET state = 'closed', is_open = false"))
        assert getattr(refused.value.orig, "sqlstate", "") == "IT004"


def test_an_outcome_that_stands_cannot_be_rewritten_by_who_records(
    fresh_database: PooledDatabase,
) -> None:
    take(fresh_database, Phone().write("found", NOON, payload=FOUND))
    with (
        pytest.raises(DBAPIError, match="stands"),
        fresh_database.write(actor="x", reason="x", pool=Pool.FIELD) as connection,
    ):
        connection.execute(
            text("UPDATE core.event_outcome SET outcome = 'refused', hazard_seq = NULL")
        )


def test_what_was_changed_behind_the_log_is_found_and_written_anew(db: OneTransaction) -> None:
    phone, hazard = Phone(), uuid4()
    take(db, phone.write("found", NOON, payload=FOUND, hazard_id=hazard))
    visit = {"category": "gas", "result": "normal", "team": ["张", "李"]}
    take(db, phone.write("visited", NOON, payload=visit, visit_id=uuid4()))
    with db.write(actor="test", reason="drift") as connection:
        connection.execute(text("UPDATE core.hazard SET severity = 'major'"))
        connection.execute(text("UPDATE core.visit SET result = 'no_entry'"))
        connection.execute(text(REFUSE_ALL))
        assert {d.table for d in check(connection)} >= {"event_outcome", "visit"}
        rebuild(connection)
        assert check(connection) == []


@pytest.mark.parametrize(
    ("change", "table"),
    [
        ("UPDATE core.hazard SET geometry = ST_Translate(geometry, 1.3, 0)", "hazard"),
        (
            "UPDATE core.event_outcome SET outcome = 'refused' WHERE hazard_id IS NULL",
            "event_outcome",
        ),
        (
            "UPDATE core.event_outcome SET outcome = 'applied' WHERE outcome = 'refused'",
            "event_outcome",
        ),
        ("DELETE FROM core.event_outcome WHERE hazard_id IS NULL", "event_outcome"),
    ],
)
def test_a_hazard_that_was_moved_and_a_verdict_that_was_turned_are_found_and_mended(
    fresh_database: PooledDatabase, cluster: Cluster, change: str, table: str
) -> None:
    """By who owns the database: 1.3 degrees of longitude are about 130 km there."""
    db, phone, note = fresh_database, Phone(), photo("before_wide")
    take(db, phone.write("found", NOON, payload=FOUND, evidence=[note]))
    visit = {"category": "gas", "result": "normal"}
    for payload in (visit, {**visit, "result": "splendid"}):
        take(db, phone.write("visited", NOON, payload=payload, visit_id=uuid4()))
    arrive(db, note)
    assert everything_agrees(db)
    name = str(db.engines[Pool.JOBS].url.database)
    engine = create_engine(cluster.superuser_url(name))
    with engine.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))
        connection.execute(text(change))
    engine.dispose()
    with db.write(actor="check", reason="check", pool=Pool.JOBS) as connection:
        assert table in {d.table for d in check(connection)}
        rebuild(connection)
        assert check(connection) == []


def test_sealed_events_cannot_be_altered_unseen(
    fresh_database: PooledDatabase, cluster: Cluster
) -> None:
    phone = Phone()

    def seal() -> Block | None:
        with fresh_database.write(actor="sealer", reason="seal", pool=Pool.JOBS) as connection:
            return seal_events(connection)

    for _ in range(3):
        take(fresh_database, phone.write("found", NOON, payload=FOUND))
        take(fresh_database, phone.write("found", NOON, payload=FOUND))
        block = seal()
        assert block is not None
        assert block.events == 2
    assert seal() is None
    name = str(fresh_database.engines[Pool.JOBS].url.database)
    engine = create_engine(cluster.superuser_url(name))
    with engine.connect() as connection:
        assert find_broken_seals(connection) == []
        connection.execute(text("ALTER TABLE core.event DISABLE TRIGGER ALL"))
        for tamper, broken in (
            ("UPDATE core.event SET payload = payload || '{\"description\": \"无\"}' WHERE number ="
             " (SELECT max(number) - 3 FROM core.event)", [2]),
            ("UPDATE core.event SET at = at + interval '1 s' WHERE number ="
             " (SELECT min(number) FROM core.event)", [1]),
            ("DELETE FROM core.event WHERE number = (SELECT max(number) FROM core.event)", [3]),
        ):  # fmt: skip
            savepoint = connection.begin_nested()
            connection.execute(
                text(f"ALTER TABLE core.event_outcome DROP CONSTRAINT {FOREIGN_KEY}")
            )
            connection.execute(text(tamper))
            assert find_broken_seals(connection) == broken
            savepoint.rollback()
    engine.dispose()


def test_an_event_in_a_number_that_was_left_unused_between_two_blocks_is_found(
    fresh_database: PooledDatabase, cluster: Cluster
) -> None:
    phone, sealed = Phone(), []
    name = str(fresh_database.engines[Pool.JOBS].url.database)
    engine = create_engine(cluster.superuser_url(name))
    for _ in range(2):
        take(fresh_database, phone.write("found", NOON, payload=FOUND))
        with fresh_database.write(actor="sealer", reason="seal", pool=Pool.JOBS) as connection:
            sealed.append(seal_events(connection))
        with engine.connect() as connection:  # as a transaction that fails leaves it unused
            connection.execute(text("SELECT nextval('core.event_number')"))
    first, second = sealed
    assert first is not None
    assert second is not None
    # The ranges touch: every number up to the last seal is in exactly one.
    assert second.first == first.last + 1
    with engine.connect() as connection:
        assert find_broken_seals(connection) == []
        connection.execute(text("ALTER TABLE core.event DISABLE TRIGGER ALL"))
        names = "id, number, type, at, actor, payload, recorded_at, recorded_by"
        copy = (
            f"INSERT INTO core.event ({names}) SELECT gen_random_uuid(), :number, 'visited', at,"
            " actor, payload, recorded_at, recorded_by FROM core.event LIMIT 1"
        )
        for number, broken in ((first.last + 1, [2]), (0, [1])):
            savepoint = connection.begin_nested()
            connection.execute(text(copy), {"number": number})
            assert find_broken_seals(connection) == broken
            savepoint.rollback()
    engine.dispose()


def test_a_visit_serves_its_task_and_counts_also_when_nobody_was_there(db: OneTransaction) -> None:
    phone, campaign = Phone(), uuid4()
    assets = [uuid4() for _ in range(3)]
    officer = {"role": "officer", "campaign_id": campaign}
    opened = {
        "name": "春节前燃气安全专项检查", "starts_on": "2026-03-01", "due_on": "2026-03-31",
        "rules": [{"category": "gas", "kind": "gas_site", "mode": "all"}],
    }  # fmt: skip
    take(db, phone.write("campaign_opened", NOON, payload=opened, **officer))
    strata = [{"category": "gas", "population": 3, "assets": assets}]
    take(db, phone.write("targets_drawn", NOON, payload={"strata": strata}, **officer))
    for asset, result in zip(assets, ("normal", "no_entry", None), strict=True):
        if result:
            visit = {"category": "gas", "result": result}
            body = phone.write("visited", NOON, payload=visit, visit_id=uuid4(), asset_id=asset)
            assert take(db, body).outcome is Outcome.APPLIED
    with db.read() as connection:
        states = Counter(connection.execute(text("SELECT state FROM core.task")).scalars())
    assert states == {"done": 1, "no_entry": 1, "todo": 1}
    assert everything_agrees(db)


def give_task(db: OneTransaction, asset: UUID, to: str | None, name: str | None = None) -> UUID:
    """A gas task of a campaign, given to somebody (None: to nobody)."""
    phone, campaign = Phone(), uuid4()
    officer = {"role": "officer", "campaign_id": campaign}
    opened = {
        "name": "专项检查", "starts_on": "2026-03-01", "due_on": "2026-03-31",
        "rules": [{"category": "gas", "kind": "gas_site", "mode": "all"}],
    }  # fmt: skip
    strata = [{"category": "gas", "population": 1, "assets": [asset]}]
    task = make_task_id(campaign, asset, "gas")
    given = {"tasks": [task], "to": to, "name": name}
    for type_, payload in (
        ("campaign_opened", opened), ("targets_drawn", {"strata": strata}),
        ("targets_assigned", given),
    ):  # fmt: skip
        take(db, phone.write(type_, NOON, payload=payload, **officer))
    return task


def visit_task(
    db: OneTransaction, task: UUID, asset: UUID | None, category: str, team: list[str]
) -> tuple[Receipt, str]:
    payload = {"category": category, "result": "normal", "team": team}
    body = Phone().write("visited", NOON, payload=payload, visit_id=uuid4(), asset_id=asset,
                         task_id=task, fix=None)  # fmt: skip
    answer = take(db, body)
    with db.read() as connection:
        query = text("SELECT state FROM core.task WHERE id = :id")
        return answer, connection.execute(query, {"id": task}).scalar_one()


@pytest.mark.parametrize(
    ("to", "category", "at_asset", "team", "why"),
    [
        (None, "road", False, [], "asset"),  # what the first rules called done
        (None, "road", True, [], "category"),
        ("li", "gas", True, ["王五", "赵六"], "李四"),
        ("li", "gas", False, ["李四"], "asset"),
        ("li", "gas", True, ["李四", "张三"], None),
        ("li", "gas", True, ["li"], None),
        ("zhang", "gas", True, [], None),
        (None, "gas", True, [], None),
    ],
)
def test_a_task_is_done_by_a_visit_of_its_asset_and_category_by_its_people(
    db: OneTransaction, to: str | None, category: str, at_asset: bool, team: list[str],
    why: str | None,
) -> None:  # fmt: skip
    asset = uuid4()
    task = give_task(db, asset, to, "李四" if to == "li" else None)
    answer, state = visit_task(db, task, asset if at_asset else None, category, team)
    assert answer.outcome is Outcome.APPLIED
    assert state == ("todo" if why else "done")
    if why:
        assert answer.reason["rule"] == "task-open"
        assert why in answer.reason["en"]
    else:
        assert answer.reason == {}
    assert everything_agrees(db)


@pytest.mark.parametrize(
    ("form", "result", "answers", "words"),
    [
        ("gas@2026-11", "normal", {"nonsense.x": "fail"}, "nonsense.x"),
        ("gas@2026-11", "normal", {"nonsense.x": "pass"}, "nonsense.x"),
        ("gas@2026-11", "normal", {GAS_ITEM: "fail"}, "fails"),
        ("gas@2026-11", "no_entry", {GAS_ITEM: "pass"}, "nobody got in"),
        ("gas@2026-11", "dry", {}, "dry"),
        ("flood@2026-11", "normal", {}, "flood@2026-11"),
        (None, "normal", {"x.y": "fail"}, "fails"),
        ("gas@2026-11", "hazards", {GAS_ITEM: "fail"}, None),
        ("gas@2026-11", "hazards", {}, None),  # what stands on no list
        ("gas@2026-11", "normal", {GAS_ITEM: "pass"}, None),
        ("gas@2031-01", "normal", {"gas.of_tomorrow": "pass"}, None),
    ],
)
def test_a_visits_answers_are_those_of_its_form_and_agree_with_its_result(
    db: OneTransaction, form: str | None, result: str, answers: dict[str, str], words: str | None
) -> None:
    checklist = [{"item": item, "result": answer} for item, answer in answers.items()]
    payload = {"category": "gas", "result": result, "checklist": checklist}
    body = Phone().write("visited", NOON, payload=payload, visit_id=uuid4(), form=form)
    answer = take(db, body)
    assert answer.outcome is (Outcome.REFUSED if words else Outcome.APPLIED)
    if words:
        assert answer.reason["rule"] == "answers"
        assert words in answer.reason["en"]
    assert everything_agrees(db)


def test_a_device_is_told_how_many_of_its_records_have_arrived(db: OneTransaction) -> None:
    phone = Phone()
    bodies = [phone.write("found", NOON, payload=FOUND) for _ in range(4)]
    for body in (bodies[0], bodies[3], bodies[3]):
        answer = take(db, body)
    assert answer.received_of_device == (2, 4)
    assert json.loads(bodies[1])["prev_hash"]


def test_who_passed_it_does_not_close_it_and_who_found_it_does_not_pass_it(
    db: OneTransaction,
) -> None:
    hazard, notes = uuid4(), [photo("after"), photo("reinspection")]
    take(db, Phone().write("found", NOON, payload=FOUND, hazard_id=hazard))
    *way, _, (closed, _) = closing(hazard, notes, closer=LI_SI)
    for body, who in way:
        take(db, body, author=who)
    own = {"role": "reinspector", "hazard_id": hazard, "expected_version": 5,
           "evidence": [notes[1]]}  # fmt: skip
    finder = take(db, Phone().write("passed", NOON, **own))
    assert (finder.outcome, finder.reason["rule"]) == (Outcome.REFUSED, "second-person")
    small = HouseRules(preset=Preset.SMALL)
    assert take(db, Phone().write("passed", NOON, **own), rules=small).outcome is Outcome.APPLIED
    for note in notes:
        arrive(db, note)
    same = Phone().write("closed", NOON, role="leader", hazard_id=hazard, expected_version=6)
    refused = take(db, same, rules=small)
    assert (refused.outcome, refused.reason["rule"]) == (Outcome.REFUSED, "second-person")
    assert take(db, closed, author=LI_SI, rules=small).outcome is Outcome.APPLIED
    assert everything_agrees(db)  # though the rules of the day are another's now


def test_the_severity_follows_from_the_item_and_is_not_typed(db: OneTransaction) -> None:
    item = next(i for i in read_catalogue().items if i.severity is Severity.MAJOR)
    payload = {"category": item.category.value, "item": item.key, "severity": "minor"}
    form = f"{item.category.value}@{read_catalogue().version}"
    take(db, Phone().write("found", NOON, payload=payload, form=form))
    with db.read() as connection:
        assert connection.execute(text("SELECT severity FROM core.hazard")).scalar() == "major"


@pytest.mark.parametrize(
    ("moved", "later", "rule"),
    [
        (0.0, 10, None),
        (0.0002, 10, None),  # 20 m
        (0.001, 10, "pair-too-far"),  # 101 m
        (0.0, -10, "pair-not-later"),
    ],
)
def test_the_photo_after_is_taken_later_and_at_the_same_place(
    db: OneTransaction, moved: float, later: int, rule: str | None
) -> None:
    phone, hazard = Phone(), uuid4()
    place = {"lon": 99.2, "lat": 24.9, "accuracy_m": 5.0, "taken_at": NOON.isoformat()}
    take(db, phone.write("found", NOON, payload=FOUND, hazard_id=hazard,
                         evidence=[photo("before_wide", **place)]))  # fmt: skip
    there = {**place, "lon": 99.2 + moved}
    there["taken_at"] = (NOON + timedelta(minutes=later)).isoformat()
    evidence = [photo("after", **there), photo("signature")]
    fixed = phone.write(
        "fixed_on_spot", NOON, hazard_id=hazard, expected_version=1, evidence=evidence,
        payload=TEAM,
    )  # fmt: skip
    answer = take(db, fixed)
    assert answer.reason.get("rule") == rule
    assert (answer.outcome is Outcome.APPLIED) is (rule is None)


def test_a_notice_without_a_date_is_due_by_the_rule_of_its_item(
    db: OneTransaction,
) -> None:
    hazard = uuid4()
    item = next(i for i in read_catalogue().items if i.rule.days == 30)
    payload = {"category": item.category.value, "item": item.key}
    given = datetime(2026, 2, 12, 2, 0, tzinfo=UTC)
    now = given + timedelta(hours=1)
    take(db, Phone().write("found", given, payload=payload, hazard_id=hazard), now=now)
    office = {"role": "officer", "hazard_id": hazard}
    rules = HouseRules(calendar=read_calendar())
    for version, (name, more) in enumerate(
        (("registered", {}), ("notified", {"payload": NOTICE})), start=1
    ):
        body = Phone(account=WANG).write(name, given, expected_version=version, **office, **more)
        assert take(db, body, author=WANG_WU, now=now, rules=rules).outcome is Outcome.APPLIED
    with db.read() as connection:
        due = connection.execute(text("SELECT due_at FROM core.hazard")).scalar_one()
    # Thirty days after 12 February 2026 is 14 March; its last second in Shanghai, in UTC.
    assert due == datetime(2026, 3, 14, 15, 59, 59, tzinfo=UTC)
    assert everything_agrees(db)


def test_a_comment_takes_nobodys_decision_away(db: OneTransaction) -> None:
    phone, hazard = Phone(), uuid4()
    take(db, phone.write("found", NOON, payload=FOUND, hazard_id=hazard))
    take(db, Phone(account=LI).write("commented", NOON, hazard_id=hazard, payload={"note": "仍漏"}),
         author=LI_SI)  # fmt: skip
    office = {"role": "officer", "hazard_id": hazard}
    based_on_one = Phone(account=WANG).write("registered", NOON, expected_version=1, **office)
    assert take(db, based_on_one, author=WANG_WU).hazard_version == 3
    stale = Phone(account=WANG).write(
        "dismissed", NOON, expected_version=2, payload={"reason": "x"}, **office
    )
    assert take(db, stale, author=WANG_WU).reason["rule"] == "stale"
    assert everything_agrees(db)


def test_where_nobody_is_there_to_sign_a_photo_of_the_repair_is_enough(db: OneTransaction) -> None:
    for category, outcome in (("road", Outcome.APPLIED), ("gas", Outcome.REFUSED)):
        phone, hazard = Phone(), uuid4()
        payload = {"category": category, "severity": "minor"}
        take(db, phone.write("found", NOON, payload=payload, hazard_id=hazard))
        fixed = phone.write(
            "fixed_on_spot", NOON, hazard_id=hazard, expected_version=1, evidence=[photo("after")],
            payload=TEAM,
        )  # fmt: skip
        assert take(db, fixed).outcome is outcome


def find_two(db: OneTransaction | PooledDatabase) -> tuple[UUID, UUID]:
    one, two = uuid4(), uuid4()
    for hazard, code in ((one, "H-A"), (two, "H-B")):
        take(db, Phone().write("found", NOON, payload={**FOUND, "code": code}, hazard_id=hazard))
    return one, two


def merge(hazard: UUID, survivor: str, version: int = 1) -> bytes:
    return Phone().write("duplicate", NOON, role="officer", hazard_id=hazard,
                         expected_version=version, payload={"survivor": survivor})  # fmt: skip


def test_two_hazards_do_not_vanish_as_duplicates_of_each_other(db: OneTransaction) -> None:
    one, two = find_two(db)
    told = [take(db, merge(one, name)) for name in ("H-A", str(one), "H-Z", str(uuid4()))]
    assert [(r.outcome, r.reason["rule"]) for r in told] == [(Outcome.REFUSED, "survivor")] * 4
    assert take(db, merge(one, "H-B")).outcome is Outcome.APPLIED
    back = take(db, merge(two, str(one)))
    assert (back.outcome, back.reason["rule"]) == (Outcome.REFUSED, "survivor")
    assert "H-A" in take(db, merge(two, "H-A")).reason["zh"]
    assert (state_of(db, one), state_of(db, two)) == ("duplicate", "found")
    assert everything_agrees(db)


def test_nothing_goes_on_as_what_was_dismissed(db: OneTransaction) -> None:
    one, two = find_two(db)
    dismissed = Phone().write("dismissed", NOON, role="officer", hazard_id=two,
                              expected_version=1, payload={"reason": "误报"})  # fmt: skip
    take(db, dismissed)
    assert take(db, merge(one, "H-B")).reason["rule"] == "survivor"
    assert everything_agrees(db)


def test_of_two_merged_into_each_other_at_once_one_goes_on(
    fresh_database: PooledDatabase,
) -> None:
    one, two = find_two(fresh_database)
    start, outcomes = threading.Barrier(2), []

    def send(body: bytes) -> None:
        start.wait()
        outcomes.append(take(fresh_database, body).outcome)

    threads = [threading.Thread(target=send, args=(body,))
               for body in (merge(one, "H-B"), merge(two, "H-A"))]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [Outcome.APPLIED, Outcome.REFUSED]
    assert everything_agrees(fresh_database)


def test_the_day_the_inspector_ordered_is_the_notices_date_unless_it_names_another(
    db: OneTransaction,
) -> None:
    hazard = uuid4()
    payload = {**FOUND, "order_due_on": "2026-03-20"}
    take(db, Phone().write("found", NOON, payload=payload, hazard_id=hazard))
    office = {"role": "officer", "hazard_id": hazard}
    for version, (name, more) in enumerate((("registered", {}), ("notified", NOTICE)), start=1):
        body = Phone(account=WANG).write(
            name, NOON, expected_version=version, payload=more, **office
        )
        take(db, body, author=WANG_WU)
    with db.read() as connection:
        due = connection.execute(text("SELECT due_at FROM core.hazard")).scalar_one()
    assert due == datetime(2026, 3, 20, 15, 59, 59, tzinfo=UTC)
    assert everything_agrees(db)
