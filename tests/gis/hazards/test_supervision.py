"""督办: a stage that is reached is written once, told to the right people, and acknowledged."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from gis.db.cluster import Cluster
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.hazards.case import Outcome
from gis.hazards.escalation import Recipient
from gis.hazards.notices import list_notices
from gis.hazards.rebuild import check, rebuild
from gis.hazards.supervision import Colleague, choose_people, escalate
from gis.people.person import PersonRole
from tests.api.bureau import hire
from tests.conftest import CloneDatabase, connect_pools
from tests.gis.hazards.records import Phone, author
from tests.gis.hazards.test_log import NOON, everything_agrees, take

DUE = NOON + timedelta(days=7)
GENERAL = {"category": "gas", "severity": "general_a", "description": "软管老化"}


def order(db: PooledDatabase, *, due: datetime = DUE, **registered: object) -> UUID:
    """A hazard that was noticed an hour after it was found, due by ``due``: version 3."""
    phone, hazard = Phone(), uuid4()
    later: dict[str, Any] = {"role": "officer", "hazard_id": hazard}
    refused = {"due_at": due.isoformat(), "refused_reason": "不在场", "document": "1号"}
    for body in (
        phone.write("found", NOON, payload=GENERAL, hazard_id=hazard),
        phone.write("registered", NOON, expected_version=1, payload=registered, **later),
        phone.write("notified", NOON, expected_version=2, payload=refused, **later),
    ):
        assert take(db, body).outcome is Outcome.APPLIED
    return hazard


def stages_of(db: PooledDatabase, hazard: UUID) -> list[tuple[str, str, list[str], list[str]]]:
    with db.read(Pool.STAFF) as connection:
        rows = connection.execute(
            text(
                "SELECT payload FROM core.event WHERE type = 'escalated' AND hazard_id = :id"
                " ORDER BY number"
            ),
            {"id": hazard},
        ).scalars()
        return [(p["stage"], p["recipient"], p["to"], p.get("copies", [])) for p in rows]


def inbox(db: PooledDatabase, login: str) -> dict[str, Any]:
    asked = list_notices(login, limit=50)
    with db.read(Pool.STAFF) as connection:
        words = connection.exec_driver_sql(asked.sql, asked.parameters).scalar_one()
    document: dict[str, Any] = json.loads(words)
    return document


def staff_up(db: PooledDatabase) -> None:
    for login, role in (("gao", PersonRole.OFFICER), ("lead", PersonRole.LEADER)):
        hire(db, login, role)


def test_each_stage_is_written_once_when_it_is_reached_and_climbs(
    fresh_database: PooledDatabase,
) -> None:
    staff_up(fresh_database)
    hazard = order(fresh_database, assigned_to="gao")
    moments = [
        (DUE - timedelta(days=2), None),
        (DUE - timedelta(days=1), ("share_80", "officer", ["gao"], [])),
        (DUE + timedelta(hours=1), ("due", "section_head", ["lead"], ["gao"])),
        (DUE + timedelta(days=4), ("late_3", "bureau_leader", ["lead"], ["gao"])),
    ]
    expected = []
    for now, stage in moments:
        written = [escalate(fresh_database, now=now) for _ in range(3)]
        assert written == [int(stage is not None), 0, 0]
        expected += [stage] if stage else []
        assert stages_of(fresh_database, hazard) == expected
    assert inbox(fresh_database, "lead")["unread"] == 2
    assert inbox(fresh_database, "gao")["unread"] == 3
    assert everything_agrees(fresh_database)


def test_a_record_based_on_the_version_before_an_escalation_is_still_taken(
    fresh_database: PooledDatabase,
) -> None:
    hazard = order(fresh_database)
    assert escalate(fresh_database, now=DUE + timedelta(hours=1)) == 1
    body = Phone().write("rectifying", DUE, role="officer", hazard_id=hazard, expected_version=3)
    answer = take(fresh_database, body, now=DUE + timedelta(hours=2))
    assert (answer.outcome, answer.hazard_version) == (Outcome.APPLIED, 5)


def test_an_extension_sets_a_new_date_whose_stages_are_reached_anew(
    fresh_database: PooledDatabase,
) -> None:
    hazard = order(fresh_database)
    escalate(fresh_database, now=DUE + timedelta(hours=1))
    longer = {"due_at": (DUE + timedelta(days=10)).isoformat(), "reason": "备件未到",
              "requested_by": "云溪饭店", "interim_control": "停用"}  # fmt: skip
    body = Phone().write(
        "extended", DUE, role="leader", hazard_id=hazard, expected_version=4, payload=longer
    )
    assert take(fresh_database, body, now=DUE + timedelta(hours=2)).outcome is Outcome.APPLIED
    assert escalate(fresh_database, now=DUE + timedelta(hours=3)) == 0
    assert escalate(fresh_database, now=DUE + timedelta(days=10, hours=1)) == 1
    assert [stage for stage, *_ in stages_of(fresh_database, hazard)] == ["due", "due"]


def test_what_is_over_is_not_raised_and_its_notices_are_no_longer_unread(
    fresh_database: PooledDatabase,
) -> None:
    staff_up(fresh_database)
    hazard = order(fresh_database)
    escalate(fresh_database, now=DUE + timedelta(hours=1))
    assert inbox(fresh_database, "lead")["unread"] == 1
    with fresh_database.write(actor="t", reason="t", pool=Pool.JOBS) as connection:
        connection.execute(text("UPDATE core.hazard SET is_open = false, state = 'closed'"))
    assert escalate(fresh_database, now=DUE + timedelta(days=9)) == 0
    found = inbox(fresh_database, "lead")
    assert (found["unread"], found["count"]) == (0, 1)
    assert found["notices"][0]["hazard"]["id"] == str(hazard)


def test_a_person_acknowledges_what_was_sent_to_him_and_nothing_else(
    fresh_database: PooledDatabase,
) -> None:
    staff_up(fresh_database)
    order(fresh_database)
    now = DUE + timedelta(hours=1)
    escalate(fresh_database, now=now)
    (one,) = inbox(fresh_database, "lead")["notices"]
    assert (one["is_unread"], one["is_copy"], one["stage"]) == (True, False, "due")

    def acknowledge(login: str, notice: object) -> Outcome:
        who = author(login, uuid4())
        body = Phone(account=who.account_id).write(
            "acknowledged", now, role="leader", payload={"notice": str(notice)}
        )
        return take(fresh_database, body, author=who, now=now + timedelta(hours=1)).outcome

    assert acknowledge("gao", one["id"]) is Outcome.REFUSED
    assert acknowledge("lead", uuid4()) is Outcome.REFUSED
    assert inbox(fresh_database, "lead")["unread"] == 1
    assert acknowledge("lead", one["id"]) is Outcome.APPLIED
    first = inbox(fresh_database, "lead")
    assert first["unread"] == 0
    assert acknowledge("lead", one["id"]) is Outcome.APPLIED
    assert inbox(fresh_database, "lead") == first
    assert everything_agrees(fresh_database)


def test_lost_notices_are_found_and_written_anew_from_the_log(
    fresh_database: PooledDatabase,
) -> None:
    staff_up(fresh_database)
    order(fresh_database)
    escalate(fresh_database, now=DUE + timedelta(hours=1))
    with fresh_database.write(actor="t", reason="t", pool=Pool.JOBS) as connection:
        connection.execute(text("DELETE FROM core.notice WHERE login = 'lead'"))
        assert [one.table for one in check(connection)] == ["notice"]
        rebuild(connection)
        assert check(connection) == []
    assert inbox(fresh_database, "lead")["unread"] == 1


def test_four_jobs_at_once_write_each_stage_once(fresh_database: PooledDatabase) -> None:
    staff_up(fresh_database)
    hazards = [order(fresh_database) for _ in range(12)]
    written: list[int] = []
    now = DUE + timedelta(hours=1)
    threads = [
        threading.Thread(target=lambda: written.append(escalate(fresh_database, now=now)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(written) == len(hazards)
    assert all(len(stages_of(fresh_database, hazard)) == 1 for hazard in hazards)
    assert inbox(fresh_database, "lead")["count"] == len(hazards)


_JOB = """
import sys
from datetime import datetime
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.hazards.supervision import escalate
db = PooledDatabase({Pool.JOBS: sys.argv[1]})
print("ready", flush=True)
escalate(db, now=datetime.fromisoformat(sys.argv[2]))
"""


def test_a_job_killed_at_work_loses_nothing_and_doubles_nothing(
    cluster: Cluster, clone_database: CloneDatabase
) -> None:
    name = clone_database()
    db = connect_pools(cluster, name)
    staff_up(db)
    hazards = [order(db) for _ in range(40)]
    now = DUE + timedelta(hours=1)
    seen: list[int] = []
    for pause in (0.02, 0.05, 0.1):
        job = subprocess.Popen(
            [sys.executable, "-c", _JOB, cluster.url(Pool.JOBS.role, name), now.isoformat()],
            stdout=subprocess.PIPE,
        )
        assert job.stdout is not None
        job.stdout.readline()
        before = _count(db)
        until = time.monotonic() + 20
        while _count(db) == before and time.monotonic() < until and job.poll() is None:
            time.sleep(0.002)
        time.sleep(pause)
        os.kill(job.pid, signal.SIGKILL)
        job.wait()
        job.stdout.close()
        seen.append(_count(db))
    assert 0 < seen[0] < len(hazards), "the first job was to be killed at work"
    escalate(db, now=now)
    told = Counter(len(stages_of(db, hazard)) for hazard in hazards)
    assert told == {1: len(hazards)}
    assert inbox(db, "lead")["unread"] == len(hazards)
    assert everything_agrees(db)
    db.close()


def _count(db: PooledDatabase) -> int:
    with db.read(Pool.STAFF) as connection:
        query = "SELECT count(*) FROM core.event WHERE type = 'escalated'"
        return int(connection.execute(text(query)).scalar_one())


GAO = Colleague("gao", "公用股", is_leader=False, is_officer=True)
LIN = Colleague("lin", "村镇股", is_leader=False, is_officer=True)
HEAD = Colleague("head", "公用股", is_leader=True, is_officer=False)
CHIEF = Colleague("chief", None, is_leader=True, is_officer=False)


@pytest.mark.parametrize(
    ("recipient", "section", "person", "staff", "to", "copies"),
    [
        ("officer", "公用股", "lin", (GAO, LIN, HEAD), ["lin"], []),
        ("officer", "公用股", None, (GAO, LIN, HEAD), ["gao"], []),
        ("officer", "公用股", "left", (GAO, LIN, HEAD), ["gao"], []),
        ("officer", None, None, (GAO, LIN, HEAD), ["gao", "lin"], []),
        ("section_head", "公用股", "gao", (GAO, LIN, HEAD, CHIEF), ["head"], ["gao"]),
        ("section_head", "村镇股", "lin", (GAO, LIN, HEAD, CHIEF), ["chief"], ["lin"]),
        ("bureau_leader", "公用股", "gao", (GAO, HEAD, CHIEF), ["chief"], ["gao", "head"]),
        ("bureau_leader", "公用股", "gao", (GAO, HEAD), ["head"], ["gao"]),
        ("safety_office", None, None, (GAO, CHIEF), ["chief"], ["gao"]),
        ("bureau_leader", None, None, (), [], []),
    ],
)
def test_a_stage_is_told_to_whom_it_is_for_with_copies_below(
    recipient: str,
    section: str | None,
    person: str | None,
    staff: Sequence[Colleague],
    to: list[str],
    copies: list[str],
) -> None:
    assert choose_people(Recipient(recipient), section, person, staff) == (to, copies)
