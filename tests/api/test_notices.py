"""Plans, notices, look-alikes and gaps over the API: who is answered what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest

from gis.db.roles import Pool
from gis.hazards.seal import seal_events
from gis.hazards.supervision import escalate
from tests.api.crowd import Crowd
from tests.gis.hazards.lives import PLAN
from tests.gis.hazards.records import Phone, id_of, photo

Json = dict[str, Any]  # Any: JSON


@pytest.fixture
def officer(own_crowd: Crowd) -> httpx.Client:
    return own_crowd.log_in("officer")


def send(crowd: Crowd, client: httpx.Client, who: UUID, name: str, **members: object) -> Json:
    members.setdefault("role", "officer")
    body = Phone(account=who).write(name, crowd.clock(), **members)
    answer = client.put(f"/events/{id_of(body)}", content=body)
    assert answer.status_code == 201, answer.text
    receipt: Json = answer.json()
    return receipt


def order(crowd: Crowd, officer: httpx.Client, severity: str = "major") -> str:
    """A hazard with a notice, due in fifteen days at most; its id."""
    hazard = str(uuid4())
    found = {"category": "gas", "severity": severity, "description": "地下室瓶装气"}
    send(
        crowd, crowd.log_in("inspector"), crowd.ids["inspector"], "found", role="inspector",
        hazard_id=hazard, payload=found, evidence=[photo("before_wide", b"one scene")],
    )  # fmt: skip
    notice = {"refused_reason": "拒签", "document": "1号"}
    lead = crowd.log_in("leader") if severity == "major" else officer
    giver = "leader" if severity == "major" else "officer"
    steps = [("registered", "officer", officer, {}), ("notified", giver, lead, notice)]
    for version, (name, role, client, payload) in enumerate(steps, start=1):
        done = send(
            crowd, client, crowd.ids[role], name, role=role, hazard_id=hazard,
            expected_version=version, payload=payload,
        )  # fmt: skip
        assert done["outcome"] == "applied", done
    return hazard


def allowed(client: httpx.Client, hazard: str) -> list[str]:
    document = client.get(f"/hazards/{hazard}").json()
    offered: list[str] = document["allowed"][document["hazard"]["state"]]
    return offered


def test_a_plan_is_offered_for_major_hazards_only_and_its_clock_is_shown(
    own_crowd: Crowd, officer: httpx.Client
) -> None:
    major, general = order(own_crowd, officer), order(own_crowd, officer, "general_a")
    assert "plan_filed" in allowed(officer, major)
    assert "plan_filed" not in allowed(officer, general)
    assert "plan_filed" not in allowed(own_crowd.log_in("inspector"), major)
    assert "escalated" not in allowed(officer, major)
    clocks = officer.get(f"/hazards/{major}").json()["hazard"]["clocks"]
    (plan,) = [one for one in clocks if one["key"] == "plan"]
    assert plan["stopped_at"] is None
    assert plan["due_at"].endswith("T23:59:59+08:00")
    assert plan["text"] == {"zh": "整改方案报送", "en": "Rectification plan handed in"}
    assert "moments" not in officer.get(f"/hazards/{major}").json()["hazard"]


def test_the_holder_of_a_link_files_the_plan_and_sees_neither_inbox_nor_look_alikes(
    own_crowd: Crowd, officer: httpx.Client
) -> None:
    hazard = order(own_crowd, officer)
    asked = {"hazard_id": hazard, "label": "x", "days": 3}
    token = officer.post("/links", json=asked).json()["address"].rsplit("/", 1)[1]
    holder = own_crowd.visitor(Authorization=f"Bearer {token}")
    assert "plan_filed" in allowed(holder, hazard)
    answer = send(
        own_crowd, holder, UUID(hazard), "plan_filed", role="duty_holder", hazard_id=hazard,
        expected_version=3, payload={**PLAN, "money": ""},
    )  # fmt: skip
    assert (answer["outcome"], answer["reason"]["missing"]) == ("refused", ["money"])
    assert answer["reason"]["zh"] == "整改方案缺少:资金保障"
    answer = send(
        own_crowd, holder, UUID(hazard), "plan_filed", role="duty_holder", hazard_id=hazard,
        expected_version=3, payload=PLAN,
    )  # fmt: skip
    assert answer["outcome"] == "applied"
    shown = holder.get(f"/hazards/{hazard}").json()["hazard"]
    assert shown["plan_version"] == 1
    for path in ("/notices", f"/hazards/{hazard}/alike", "/sync/completeness"):
        assert holder.get(path).status_code == 403, path


def test_everybody_reads_his_own_notices_and_takes_note_of_them_by_a_record(
    own_crowd: Crowd,
) -> None:
    own_crowd.clock.ahead = -timedelta(days=20)
    hazard = order(own_crowd, own_crowd.log_in("officer"))
    own_crowd.clock.ahead += timedelta(days=17)
    officer = own_crowd.log_in("officer")
    # Beside it, the late ones of the small county.
    raised_now = escalate(own_crowd.db, now=own_crowd.clock())
    leader = own_crowd.log_in("leader")

    def pick(client: httpx.Client) -> Json:
        notices: list[Json] = client.get("/notices").json()["notices"]
        (own,) = [one for one in notices if one["hazard"]["id"] == hazard]
        return own

    one, unread = pick(leader), leader.get("/notices").json()["unread"]
    assert 1 <= unread <= raised_now
    assert one["is_copy"] is False
    assert (one["stage"], one["recipient"]) == ("late_1", "bureau_leader")
    assert pick(officer)["is_copy"] is True
    assert own_crowd.log_in("planner").get("/notices").json()["notices"] == []
    others = send(
        own_crowd, officer, own_crowd.ids["officer"], "acknowledged", payload={"notice": one["id"]}
    )
    assert (others["outcome"], others["reason"]["rule"]) == ("refused", "notice")
    own = send(
        own_crowd, leader, own_crowd.ids["leader"], "acknowledged", role="leader",
        payload={"notice": one["id"]},
    )  # fmt: skip
    assert own["outcome"] == "applied"
    assert leader.get("/notices?limit=1").json()["unread"] == unread - 1
    assert pick(leader)["is_unread"] is False
    story = officer.get(f"/hazards/{hazard}/timeline").json()
    (raised,) = [record for record in story if record["type"] == "escalated"]
    assert (raised["actor"], raised["role"], raised["payload"]["to"]) == (
        "system", "system", ["leader"],
    )  # fmt: skip


def test_the_same_file_under_two_hazards_is_named_in_both(
    own_crowd: Crowd, officer: httpx.Client
) -> None:
    first, second = order(own_crowd, officer), order(own_crowd, officer)
    for one, other in ((first, second), (second, first)):
        (line,) = officer.get(f"/hazards/{one}/alike").json()
        assert (line["hazard_id"], line["distance"], line["kind"]) == (other, 0, "before_wide")


def test_what_devices_sent_is_summed_and_what_lacks_is_named_to_the_office_only(
    own_crowd: Crowd, officer: httpx.Client
) -> None:
    phone = Phone(account=own_crowd.ids["inspector"], seq=2)
    body = phone.write("found", own_crowd.clock(), payload={"category": "gas"})
    own_crowd.log_in("inspector").put(f"/events/{id_of(body)}", content=body)
    found = officer.get("/sync/completeness").json()
    (gap,) = found["gaps"]
    assert (gap["device_id"], gap["people"]) == (str(phone.id), ["inspector"])
    assert (gap["received"], gap["highest"], gap["missing"]) == (1, 3, [[1, 2]])
    assert found["share"] == 1 / 3
    assert found["daily_root"] is None
    with own_crowd.db.write(actor="sealer", reason="seal", pool=Pool.JOBS) as connection:
        block = seal_events(connection)
    assert block is not None
    day = own_crowd.clock().astimezone(ZoneInfo("Asia/Shanghai")).date().isoformat()
    root = officer.get("/sync/completeness").json()["daily_root"]
    assert root == {"day": day, "hash": block.hash}
    assert own_crowd.log_in("inspector").get("/sync/completeness").status_code == 403
