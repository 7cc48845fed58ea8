"""Projects with their stages and money, and hazards with everything that happened to them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import shapely

from gis.demonstration.plan import AS_OF, SURVEYED, Town, make_identities

_PROJECT = ("老旧管网改造工程", "雨污分流工程", "口袋公园建设项目", "市政道路提升工程",
            "传统村落保护项目", "污水处理厂扩建工程")  # fmt: skip
_STAGES = ("approved", "tender", "started", "main_works", "completed", "accepted")
_SOURCES = ("county", "special_bond", "central", "superior", "loan")
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
_DAYS = {"major": 15, "general_a": 7, "general_b": 15, "minor": 14}
_FOUND = {
    "gas": ("软管老化", "未装报警器", "气瓶超期", "违规使用直排热水器", "调压箱周边堆物"),
    "sewer": ("井盖缺失", "井盖破损", "管道淤积", "路面塌陷风险"),
    "flood": ("雨水口堵塞", "低洼路段积水"),
    "village_fire": ("电线私拉乱接", "消防通道占用", "灭火器失效"),
    "road": ("路面坑槽", "护栏缺损"),
}


def make_projects(rng: np.random.Generator, towns: list[Town]) -> pd.DataFrame:
    """Twenty projects as rows of versions: one per stage reached."""
    rows = []
    ids = make_identities(rng, 20)
    for n in range(20):
        town = towns[n % len(towns)]
        at = SURVEYED + timedelta(days=int(rng.integers(0, 500)))
        total = float(rng.integers(300, 9000)) * 1e4
        reach = int(rng.integers(1, 7))
        start = at + timedelta(days=120)
        x, y = town.nodes[town.columns // 2, town.rows // 2] + rng.uniform(-60, 60, 2)
        for step in range(reach):
            if at > AS_OF:
                break
            done = (0.0, 0.0, 0.2, 0.7, 1.0, 1.0)[step]
            rows.append(
                {
                    "id": ids[n],
                    "valid_from": at,
                    "code": f"XM{2024 + n % 3}{n + 1:03d}",
                    "name": f"{town.name[:-1]}{_PROJECT[n % len(_PROJECT)]}",
                    "stage": _STAGES[step],
                    "state_code": f"2{n:03d}-{COUNTY}-78-01-{100000 + n}",
                    "delivery": ("epc", "own", "concession")[n % 3],
                    "client": "云屏县住房和城乡建设局",
                    "contractor": "滇西云岭建设有限公司" if step >= 1 else None,
                    "planned_start_on": (start - timedelta(days=20)).date().isoformat(),
                    "planned_completion_on": (start + timedelta(days=400)).date().isoformat(),
                    "started_on": start.date().isoformat() if step >= 2 else None,
                    "completed_on": at.date().isoformat() if step >= 4 else None,
                    "progress_percent": done * 100,
                    "total_investment_yuan": total,
                    "annual_plan_yuan": round(total * 0.4),
                    "completed_by_progress_yuan": round(total * done),
                    "completed_by_payment_yuan": round(total * done * 0.8),
                    "completed_in_statistics_yuan": round(total * done * 0.9),
                    "money": {
                        _SOURCES[n % 5]: {
                            "applied": total,
                            "approved": round(total * 0.8),
                            "received": round(total * 0.6),
                            "paid": round(total * done * 0.5),
                        }
                    },
                    "township": town.township,
                    "geometry": shapely.Point(round(float(x), 2), round(float(y), 2)),
                }
            )
            at += timedelta(days=int(rng.integers(60, 200)))
    return pd.DataFrame(rows)


COUNTY = "539921"


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
            due = (at + timedelta(days=_DAYS[severity])).replace(hour=15, minute=59, second=59)
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
