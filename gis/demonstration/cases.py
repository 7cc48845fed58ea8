"""Hazards found on visits, with every step to their end: who took it, when, with which evidence.

The steps are those the workflow asks of people (two hands, photos, signatures), so the judge
accepts every one of them; only the cases marked as closed by a click lack theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np

from gis.demonstration.campaigns import LEADER, OFFICER, Site, Team, Visit, walk
from gis.demonstration.plan import AS_OF, make_identities
from gis.demonstration.works import LIMIT_DAYS
from gis.hazards.catalogue import Item, read_catalogue
from gis.hazards.settle import make_code
from gis.kinds.hazard import HazardCategory

Event = dict[str, Any]  # Any: values of an event
REINSPECTION_TEAM = Team("luo.yun", ("罗云", "李松"))
REINSPECTION_DAY = date(2026, 9, 28)
SECTIONS = {"gas": "燃气股", "flood": "市政股", "village_fire": "村镇股"}
SIGNED = frozenset({"gas", "village_fire"})
"""Categories at whose sites somebody is there to sign."""


@dataclass(frozen=True, slots=True)
class Step:
    """One event: hours after the one before, by whom, with which kinds of evidence."""

    type: str
    hours: float
    role: str
    shots: tuple[str, ...] = ()


_FOUND = Step("found", 0.1, "inspector", ("before_close",))
_PLAIN_FOUND = replace(_FOUND, shots=())
_REGISTERED = Step("registered", 6.0, "officer")
_NOTIFIED = Step("notified", 17.0, "officer")
_SIGNED = replace(_NOTIFIED, shots=("signature",))
_RECTIFYING = Step("rectifying", 22.0, "duty_holder")
_SUBMITTED = Step("submitted", 70.0, "duty_holder", ("after",))
_PASSED = Step("passed", 44.0, "reinspector", ("reinspection",))
_CLOSED = Step("closed", 21.0, "officer")
_FIXED = Step("fixed_on_spot", 0.4, "inspector", ("after", "signature"))
_ORDER = (_REGISTERED, _NOTIFIED)
PATHS: Mapping[str, tuple[Step, ...]] = {
    "spot": (_FOUND, _FIXED, replace(_CLOSED, hours=25.0)),
    "spot_open": (_FOUND, _FIXED),
    "ordered": (_FOUND, _REGISTERED, _SIGNED, _RECTIFYING, _SUBMITTED, _PASSED, _CLOSED),
    "major": (
        replace(_FOUND, shots=("before_wide",)),
        Step("controlled", 1.0, "inspector", ("interim",)),
        _REGISTERED,
        _SIGNED,
        Step("plan_filed", 20.0, "duty_holder"),
        replace(_RECTIFYING, hours=3.0, shots=("interim",)),
        _SUBMITTED,
        _PASSED,
        replace(_CLOSED, role="leader"),
    ),
    "returned": (
        _FOUND, *_ORDER, _RECTIFYING, _SUBMITTED,
        Step("returned", 44.0, "reinspector", ("reinspection",)),
    ),
    "submitted": (_FOUND, *_ORDER, _RECTIFYING, _SUBMITTED),
    "by_click": (
        _PLAIN_FOUND, *_ORDER, _RECTIFYING, replace(_SUBMITTED, shots=()), _CLOSED,
    ),
    "rectifying": (_FOUND, *_ORDER, _RECTIFYING),
    "notified": (_FOUND, *_ORDER),
    "notified_plain": (_PLAIN_FOUND, *_ORDER),
    "registered": (_PLAIN_FOUND, _REGISTERED),
    "found": (_PLAIN_FOUND,),
    "deferred": (_PLAIN_FOUND, _REGISTERED, Step("deferred", 26.0, "leader")),
    "transferred": (_PLAIN_FOUND, Step("transferred", 20.0, "officer")),
    "dismissed": (_PLAIN_FOUND, Step("dismissed", 8.0, "officer")),
}  # fmt: skip
COMPLETE = frozenset({"spot", "ordered", "major"})
"""Paths that lead to a closed hazard with every piece of its loop."""
PLANS: Mapping[str, tuple[str, ...]] = {
    "flood": ("spot", "ordered", "dismissed", "spot", "by_click"),
    "village_fire": ("spot", "ordered", "deferred"),
    "gas": ("spot", "ordered", "transferred", "spot", "major", "ordered", "by_click", "returned",
            "spot", "ordered"),
    "running": ("spot", "submitted", "notified", "rectifying", "spot_open", "notified_plain",
                "registered", "notified", "found"),
    "rain": ("spot", "spot"),
}  # fmt: skip
"""What becomes of the hazards of each round, in the order of the visits they are found on."""


@dataclass(frozen=True, slots=True)
class Case:
    """One hazard: where and when it was found, by which item, and its events."""

    id: str
    path: str
    visit: Visit
    item: Item
    events: tuple[Event, ...]

    @property
    def state_events(self) -> list[str]:
        """Types of its events, in order."""
        return [str(event["type"]) for event in self.events]

    @property
    def is_complete(self) -> bool:
        """Whether it is closed with every piece of its loop."""
        return self.path in COMPLETE and self.events[-1]["type"] == "closed"


def choose_visits(visits: Sequence[Visit], paths: Sequence[str]) -> list[tuple[Visit, str]]:
    """As many of the visits that got in as there are paths, evenly spaced, with their path.

    A major hazard is found at the next site that has an item of that severity.
    """
    entered = [v for v in sorted(visits, key=lambda v: (v.at, v.id)) if v.result != "no_entry"]
    chosen: list[tuple[Visit, str]] = []
    taken: set[str] = set()
    for n, path in enumerate(paths):
        start = n * len(entered) // len(paths)
        fits = (
            v for v in (*entered[start:], *entered[:start])
            if v.id not in taken and list_items(v.site, is_major=path == "major")
        )  # fmt: skip
        visit = next(fits)
        taken.add(visit.id)
        chosen.append((visit, path))
    return chosen


def list_items(site: Site, *, is_major: bool) -> list[Item]:
    """Items of the checklist that can fail at a site."""
    return [
        item
        for item in read_catalogue().items_of(HazardCategory(site.category))
        if (item.severity.value == "major") == is_major
        and (not item.applies_to or site.type in item.applies_to)
    ]


def open_cases(
    rng: np.random.Generator, chosen: Sequence[tuple[Visit, str]], *, items: Sequence[Item] = ()
) -> list[Case]:
    """Cases found on the visits; the item is drawn where it is not given."""
    ids = make_identities(rng, len(chosen))
    cases = []
    for n, ((visit, path), identifier) in enumerate(zip(chosen, ids, strict=True)):
        fitting = list_items(visit.site, is_major=path == "major")
        if path.startswith("spot"):
            fitting = [item for item in fitting if _is_mended_at_once(item)] or fitting
        item = items[n] if items else fitting[int(rng.integers(0, len(fitting)))]
        cases.append(Case(identifier, path, visit, item, _tell(rng, identifier, path, visit, item)))
    return cases


def _is_mended_at_once(item: Item) -> bool:
    """What can be put right before the inspectors leave: a hose, a cylinder, leaves on a grate."""
    at_once = "rain" if item.category is HazardCategory.FLOOD else "on_the_spot"
    return item.deadline is not None and item.deadline.rule.value == at_once


def _tell(
    rng: np.random.Generator, hazard: str, path: str, visit: Visit, item: Item
) -> tuple[Event, ...]:
    """The events of a case as far as the county's today."""
    ids = make_identities(rng, len(PATHS[path]))
    told: list[Event] = []
    at = visit.at
    for seq, (step, identifier) in enumerate(zip(PATHS[path], ids, strict=True), start=1):
        at = at + timedelta(hours=step.hours * float(rng.uniform(0.85, 1.1)))
        if at > AS_OF:
            break
        at = at.replace(microsecond=0)
        told.append(
            {
                "id": identifier,
                "hazard_id": hazard,
                "seq": seq,
                "type": step.type,
                "at": at,
                "actor": _name_actor(step, visit),
                "role": step.role,
                "visit_id": visit.id if step.role == "inspector" else None,
                "asset_id": visit.site.id,
                "township": visit.site.township,
                "form": name_form(visit.site.category),
                "payload": _PAYLOADS.get(step.type, _say_nothing)(hazard, at, visit, item),
                "shots": _shots(step, visit),
            }
        )
    return tuple(told)


def name_form(category: str) -> str:
    """The checklist in force: ``gas@2026-11``."""
    return f"{category}@{read_catalogue().version}"


def _shots(step: Step, visit: Visit) -> tuple[str, ...]:
    """At a drain nobody signs for a repair on the spot; a notice is always signed for."""
    if step.type == "fixed_on_spot" and visit.site.category not in SIGNED:
        return tuple(kind for kind in step.shots if kind != "signature")
    return step.shots


def _name_actor(step: Step, visit: Visit) -> str:
    named = {
        "inspector": visit.team.login,
        "officer": OFFICER,
        "leader": LEADER,
        "reinspector": REINSPECTION_TEAM.login,
        "duty_holder": visit.site.name,
    }
    return named[step.role]


Say = Callable[[str, datetime, Visit, Item], dict[str, Any]]  # Any: values of a payload


def _say_nothing(_hazard: str, _at: datetime, _visit: Visit, _item: Item) -> dict[str, Any]:
    return {}


def _say_found(hazard: str, at: datetime, visit: Visit, item: Item) -> dict[str, Any]:
    site = visit.site
    return {
        "code": make_code(UUID(hazard), at),
        "category": site.category,
        "item": item.key,
        "severity": item.severity.value,
        "origin": "joint" if visit.team.joint else "department",
        "description": f"{site.name}:{item.zh}",
        "asset_id": site.id,
        "visit_id": visit.id,
        "township": site.township,
        "duty_holder": site.name,
        "lon": site.lon,
        "lat": site.lat,
    }


def _say_notified(_hazard: str, at: datetime, visit: Visit, item: Item) -> dict[str, Any]:
    due = (at + timedelta(days=LIMIT_DAYS[item.severity.value])).replace(
        hour=15, minute=59, second=59, microsecond=0
    )
    number = int(visit.id[-6:], 16) % 900 + 100
    return {
        "due_at": due.isoformat(),
        "document": f"屏建改〔{at.year}〕{number}号",
        "duty_holder": visit.site.name,
    }


def _say_registered(_hazard: str, _at: datetime, visit: Visit, _item: Item) -> dict[str, Any]:
    return {"section": SECTIONS[visit.site.category], "assigned_to": OFFICER}


def _say_plan(_hazard: str, at: datetime, visit: Visit, _item: Item) -> dict[str, Any]:
    return {
        "leader": "分管副局长",
        "measures": "停气,更换不合格设施,验收合格后恢复供气",
        "money": "企业自筹",
        "person": visit.site.name,
        "deadline": (at + timedelta(days=6)).date().isoformat(),
        "contingency": "整改期间停止使用,专人看守",
    }


_PAYLOADS: Mapping[str, Say] = {
    "found": _say_found,
    "registered": _say_registered,
    "notified": _say_notified,
    "plan_filed": _say_plan,
    "deferred": lambda _h, at, _v, _i: {
        "review_on": (at + timedelta(days=80)).date().isoformat(),
        "reason": "须结合村落保护修缮工程一并实施",
    },
    "transferred": lambda _h, _at, _v, _i: {"to": "县市场监督管理局", "document": "屏建移4号"},
    "dismissed": lambda _h, _at, _v, _i: {"reason": "现场核实不属隐患"},
    "returned": lambda _h, _at, _v, _i: {"reason": "整改不到位,须重新整改"},
}  # fmt: skip


def reinspect(rng: np.random.Generator, cases: Sequence[Case]) -> tuple[list[Case], list[Visit]]:
    """The re-inspection walk of a day: cases passed or returned there, and the visits made."""
    here = [n for n, c in enumerate(cases) if {"passed", "returned"} & set(c.state_events)]
    visits = walk(
        None, [cases[n].visit.site for n in here], REINSPECTION_TEAM, REINSPECTION_DAY, per_day=20
    )
    ids = make_identities(rng, len(visits))
    made = [replace(v, id=i) for v, i in zip(visits, ids, strict=True)]
    out = list(cases)
    for n, visit in zip(here, made, strict=True):
        out[n] = replace(out[n], events=tuple(_on_walk(out[n].events, visit)))
    return out, [
        replace(v, result="hazards", found=(cases[n].item.key,))
        if "returned" in cases[n].state_events
        else v
        for n, v in zip(here, made, strict=True)
    ]


def _on_walk(events: Sequence[Event], visit: Visit) -> Iterator[Event]:
    """The events with the re-inspection at the visit's moment, and what follows after it."""
    moved = timedelta()
    for event in events:
        if event["type"] in ("passed", "returned"):
            moved = visit.at + timedelta(minutes=10) - event["at"]
            yield event | {"at": event["at"] + moved, "visit_id": visit.id}
        else:
            yield event | {"at": event["at"] + moved}


def find_again(rng: np.random.Generator, cases: Sequence[Case]) -> tuple[list[Case], list[Visit]]:
    """The look-back: three repairs on the spot are found undone; a fourth hazard is another's.

    Two of them recur, one turns out to be none, and at the first site another item fails too.
    """
    earlier = [c for c in cases if c.path == "spot"][:3]
    visits = walk(
        None, [c.visit.site for c in earlier], REINSPECTION_TEAM, date(2026, 9, 29), per_day=20
    )
    ids = make_identities(rng, len(visits))
    items = [c.item for c in earlier]
    other = next(
        i for i in list_items(earlier[0].visit.site, is_major=False) if i.key != items[0].key
    )
    found = [(items[0].key, other.key), (items[1].key,), (items[2].key,)]
    made = [
        replace(v, id=i, result="hazards", found=keys)
        for v, i, keys in zip(visits, ids, found, strict=True)
    ]
    chosen = [(made[0], "notified_plain"), (made[1], "registered"), (made[2], "dismissed"),
              (made[0], "notified_plain")]  # fmt: skip
    return open_cases(rng, chosen, items=[*items, other]), made
