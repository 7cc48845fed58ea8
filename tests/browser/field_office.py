"""What the office of the tests holds: people, tasks, hazards, checklists; and its faults."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any  # Any: JSON bodies

Json = dict[str, Any]  # Any: JSON
LON, LAT = 99.2, 25.1
INSPECTOR = "0190c0de-0000-7000-8000-00000000a001"
SECOND = "0190c0de-0000-7000-8000-00000000a002"


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
    announced: dict[str, int] = field(default_factory=dict)
    arrivals: list[str] = field(default_factory=list)
    evidence: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    day: Json = field(default_factory=dict)
    version: int = 1
    open_at: dict[str, list[Json]] = field(default_factory=dict)
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
            "deadline": _days(15, say),
            "own_deadline": True,
            "control_hours": 2.0 if severity == "major" else None,
            "mark": "unverified",
        }
        for key, zh, en, severity in items
    ]
    title = say("燃气安全检查", "Gas safety")
    form = {"key": "gas", "version": "2026-11", "title": title, "checklist": checklist}
    results = [{"value": value} for value in ("normal", "hazards", "no_entry")]
    needs = {"photos": 2, "signature": True}
    limits = dict.fromkeys(("major", "general_a", "general_b", "minor"), _days(15, say))
    return {**form, "visit_results": results, "needs": needs, "limits": limits}


def _days(days: int, say: Callable[[str, str], Json]) -> Json:
    words = say(f"{days} 日内", f"within {days} days")
    return {"rule": "days", "days": days, "unit": "calendar", **words}


def _flood_form(say: Callable[[str, str], Json]) -> Json:
    text = say("雨水口堵塞", "Storm inlet blocked")
    item = {"item": "flood.inlet", "text": text, "severity": "general_b", "mark": "verified"}
    title = say("防汛巡查", "Flood patrol")
    form = {"key": "flood", "version": "2026-05", "title": title, "checklist": [item]}
    results = [{"value": value} for value in ("normal", "hazards", "dry")]
    return {**form, "visit_results": results, "needs": {"photos": 1, "signature": False}}
