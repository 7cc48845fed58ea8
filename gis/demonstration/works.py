"""Hazards with everything that happened to them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from gis.demonstration.plan import AS_OF, make_identities

_PATHS = (
    ("found",),
    ("found", "dismissed"),
    ("found", "duplicate"),
    ("found", "transferred"),
    ("found", "fixed_on_spot"),
    ("found", "fixed_on_spot", "closed"),
    ("found", "fixed_on_spot", "closed"),
    ("found", "fixed_on_spot", "closed"),
    ("found", "registered"),
    ("found", "registered", "deferred"),
    ("found", "registered", "notified"),
    ("found", "registered", "notified", "rectifying"),
    ("found", "registered", "notified", "rectifying", "extended"),
    ("found", "registered", "notified", "rectifying", "submitted"),
    ("found", "registered", "notified", "rectifying", "submitted", "returned"),
    *(("found", "registered", "notified", "rectifying", "submitted", "closed"),) * 7,
    ("found", "registered", "notified", "rectifying", "submitted", "returned", "rectifying",
     "submitted", "closed"),
)  # fmt: skip
_GAPS_H = {"fixed_on_spot": 1, "registered": 5, "dismissed": 8, "duplicate": 6, "transferred": 20,
           "notified": 4, "deferred": 30, "rectifying": 20, "extended": 30, "submitted": 90,
           "returned": 30, "closed": 40}  # fmt: skip
LIMIT_DAYS = {"major": 15, "general_a": 7, "general_b": 15, "minor": 14}
_FOUND = {
    "gas": ("软管老化", "未装报警器", "气瓶超期", "违规使用直排热水器", "调压箱周边堆物"),
    "sewer": ("井盖缺失", "井盖破损", "管道淤积", "路面塌陷风险"),
    "flood": ("雨水口堵塞", "低洼路段积水"),
    "village_fire": ("电线私拉乱接", "消防通道占用", "灭火器失效"),
    "road": ("路面坑槽", "护栏缺损"),
}


def make_hazards(
    rng: np.random.Generator, gas: pd.DataFrame, manholes: pd.DataFrame, villages: pd.DataFrame
) -> list[dict[str, Any]]:  # Any: values of an event
    """About three hundred hazards as events; positions in metres, brought to degrees later."""
    events: list[dict[str, Any]] = []  # Any: values of an event
    count = 300
    ids = make_identities(rng, count)
    for n in range(count):
        category = ("gas", "gas", "gas", "sewer", "sewer", "flood", "village_fire", "road")[n % 8]
        frame = {"gas": gas, "village_fire": villages}.get(category, manholes)
        site = frame.iloc[int(rng.integers(0, len(frame)))]
        path = _PATHS[n % len(_PATHS)]
        is_open = path[-1] not in ("closed", "dismissed", "duplicate", "transferred")
        back = int(rng.integers(1, 24)) if is_open else int(rng.integers(40, 1000))
        severity = str(rng.choice(["major", "general_a", "general_b", "general_b", "minor"]))
        first = {
            "code": f"YH{2023 + n % 4}{n + 1:04d}",
            "category": category,
            "severity": severity,
            "origin": str(rng.choice(["department", "department", "company", "hotline", "joint"])),
            "description": f"{site['name'] if 'name' in site else site['road']}:"
            f"{rng.choice(_FOUND[category])}",
            "asset_id": str(site["id"]),
            "township": str(site["township"]),
            "point": site["geometry"],
        }
        events.extend(_tell(rng, ids[n], path, AS_OF - timedelta(days=back), severity, first))
    return events


def _tell(
    rng: np.random.Generator,
    hazard: str,
    path: tuple[str, ...],
    at: datetime,
    severity: str,
    first: dict[str, Any],  # Any: values of a payload
) -> list[dict[str, Any]]:  # Any: values of an event
    told: list[dict[str, Any]] = []  # Any: values of an event
    ids = make_identities(rng, len(path))
    due = at
    for seq, name in enumerate(path, start=1):
        if seq > 1:
            at = at + timedelta(hours=float(_GAPS_H[name] * rng.uniform(0.6, 1.4)))
        if at > AS_OF:
            break
        payload: dict[str, Any] = {}  # Any: values of a payload
        if name == "found":
            payload = first
        elif name == "notified":
            due = (at + timedelta(days=LIMIT_DAYS[severity])).replace(hour=15, minute=59, second=59)
            payload = {"due_at": due.isoformat(), "document": f"云建改〔{at.year}〕{seq}号"}
        elif name == "extended":
            due = due + timedelta(days=10)
            payload = {"due_at": due.isoformat(), "reason": "配件未到货"}
        elif name == "deferred":
            day = (at + timedelta(days=60)).date()
            payload = {"review_on": day.isoformat(), "reason": "需列入明年改造计划"}
        elif name == "transferred":
            payload = {"to": "县消防救援大队"}
        elif name == "dismissed":
            payload = {"reason": "现场核实不属隐患"}
        elif name == "duplicate":
            payload = {"survivor": "YH20230001"}
        told.append(
            {
                "id": ids[seq - 1],
                "hazard_id": hazard,
                "seq": seq,
                "type": name,
                "at": at,
                "actor": ("检查组甲", "检查组乙", "经办人丙")[seq % 3],
                "payload": payload,
            }
        )
    return told
