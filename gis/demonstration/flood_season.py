"""A season of flood duty and three land plots on their routes, as records of the log.

Every record is written out by hand; what it leads to is not taken from the program, so that what
the database holds can be held against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import pandas as pd
from sqlalchemy import Connection

from gis.demonstration.plan import AS_OF, COUNTY_CODE
from gis.hazards import ledger
from gis.hazards.log import settle_record
from gis.hazards.plots import MOVED
from gis.hazards.records import Record, RecordType

Row = dict[str, Any]  # Any: columns of an event, values of a payload
_NAMES = UUID("2f6f9d0a-6c1e-5f0b-9d54-0b6c3f0a7e21")
_EIGHT = AS_OF.replace(hour=0, minute=0)
"""08:00 of the demonstration's day in the county."""
_LEADERS = ("赵副局长", "钱副局长", "孙主任")
_ON_DUTY = (("周敏", "吴涛"), ("郑洁", "王磊"), ("冯军", "陈静"))
_WARDEN, _CREW = "值班员甲", "检查组乙"
_GAP_DAY = 4
"""The day whose first half nobody was found for."""


@dataclass(frozen=True, slots=True)
class Season:
    """Records in the order they were made, plots with their later versions, what must come out."""

    records: tuple[Row, ...]
    plots: pd.DataFrame
    figures: dict[str, Any]  # Any: JSON


def make_season(seed: int, versions: Mapping[str, pd.DataFrame]) -> Season:
    """The season of a county; ``versions`` hold its flood points and land plots."""
    scribe = _Scribe(seed)
    points = list(versions["flood_point"].sort_values("code")["id"])
    _list_stocks(scribe)
    _plan_shifts(scribe)
    _change_levels(scribe)
    _call_out(scribe, points)
    _report(scribe, points[1])
    plots, moved = _move_plots(scribe, versions["land_plot"])
    records = tuple(sorted(scribe.rows, key=lambda row: row["at"]))
    return Season(records, plots, _FIGURES | {"land_plots_moved": moved})


_FIGURES: dict[str, Any] = {
    "duty_shifts": 11,
    "duty_gaps_ahead": 1,
    "flood_levels": 2,
    "flood_response": "III",
    "call_outs": 5,
    "call_outs_open": 2,
    "call_outs_cancelled": 1,
    "call_outs_late": 1,
    "deepest_water_m": 0.8,
    "incident_serials": ["first", "following", "final"],
    "flood_teams": 3,
    "flood_supplies": 4,
}
"""Counted by hand in what is below."""


class _Scribe:
    """Writes records down; their identities follow from the seed and their order."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.rows: list[Row] = []

    def write(self, type_: RecordType, at: datetime, payload: Row, **more: object) -> str:
        """One record; its identity."""
        event_id = str(uuid5(_NAMES, f"{self.seed}/{len(self.rows)}"))
        row = {"id": event_id, "type": type_.value, "at": at, "payload": payload}
        self.rows.append({**row, "actor": _WARDEN, "role": "officer", **more})
        return event_id


def _ago(**span: float) -> datetime:
    return AS_OF - timedelta(**span)


def _list_stocks(scribe: _Scribe) -> None:
    at = _ago(days=20)
    for n, (name, leader, people, station) in enumerate(
        (
            ("市政抢险一队", "段勇", 18, "市政维护所"),
            ("市政抢险二队", "和强", 15, "城南泵站"),
            ("排水应急队", "杨帆", 12, "污水处理厂"),
        )
    ):
        phone = f"0875-000 {n + 11:04d}"  # no such exchange
        team = {"name": name, "leader": leader, "people": people, "station": station}
        scribe.write(RecordType.TEAM_LISTED, at, team | {"phone": phone})
    for name, quantity, unit, station in (
        ("移动泵车", 3, "台", "市政维护所"),
        ("编织袋", 2000, "条", "市政维护所"),
        ("警示锥桶", 120, "个", "城南泵站"),
        ("救生衣", 40, "件", "污水处理厂"),
    ):
        supply = {"name": name, "quantity": quantity, "unit": unit, "station": station}
        scribe.write(RecordType.SUPPLY_COUNTED, at, supply | {"keeper": "李仓管"})


def _plan_shifts(scribe: _Scribe) -> None:
    """A shift a day from 08:00 to 08:00, three days back and seven ahead."""
    for day in range(-3, 8):
        starts = _EIGHT + timedelta(days=day, hours=12 if day == _GAP_DAY else 0)
        shift = {
            "starts_at": starts.isoformat(),
            "ends_at": (_EIGHT + timedelta(days=day + 1)).isoformat(),
            "leader": _LEADERS[day % 3],
            "phone": f"0875-000 {day % 3 + 1:04d}",
            "members": list(_ON_DUTY[day % 3]),
            "response": "IV" if day < 0 else "III",
        }
        scribe.write(RecordType.SHIFT_PLANNED, _ago(days=4), shift)


def _change_levels(scribe: _Scribe) -> None:
    for hours, response, warning, number in ((40, "IV", "blue", 6), (10, "III", "orange", 7)):
        at = _ago(hours=hours)
        document = f"云防汛〔{at.year}〕{number}号"
        level = {"response": response, "warning": warning, "document": document}
        scribe.write(RecordType.RESPONSE_CHANGED, at, level)


def _call_out(scribe: _Scribe, points: list[str]) -> None:
    """Five call-outs: two ended, one of them reached late; two open; one called back."""
    arrived, measured = RecordType.TEAM_ARRIVED, RecordType.WATER_MEASURED
    acted, gone = RecordType.ACTION_TAKEN, RecordType.WATER_GONE
    nights: tuple[tuple[int, float, str, tuple[tuple[RecordType, float, Row], ...]], ...] = (
        (0, 38, "市政抢险一队", ((arrived, 20, {}), (measured, 25, {"depth_m": 0.35}),
         (acted, 40, {"action": "清掏雨水口,设置警示锥桶"}), (gone, 240, {}))),
        (1, 37, "市政抢险二队", ((arrived, 45, {}), (measured, 50, {"depth_m": 0.6}),
         (acted, 60, {"action": "封闭下穿通道,泵车抽排"}), (measured, 95, {"depth_m": 0.8}),
         (gone, 330, {}))),
        (2, 9, "排水应急队", ((arrived, 25, {}), (measured, 30, {"depth_m": 0.5}),
         (acted, 45, {"action": "开泵抽排,交警管控"}), (measured, 400, {"depth_m": 0.3}))),
        (3, 1, "市政抢险一队", ()),
        (4, 8, "市政抢险二队", ((RecordType.CALL_OUT_CANCELLED, 6, {"reason": "现场无积水"}),)),
    )  # fmt: skip
    for point, hours, team, steps in nights:
        at = _ago(hours=hours)
        place = {"asset_id": points[point]}
        called = scribe.write(RecordType.CALLED_OUT, at, {"team": team}, **place)
        for type_, minutes, payload in steps:
            own = place | {"actor": _CREW, "role": "inspector"}
            step = {"call_out": called, **payload}
            scribe.write(type_, at + timedelta(minutes=minutes), step, **own)


def _report(scribe: _Scribe, point: str) -> None:
    """One car caught in an underpass: reported within the hour, upwards within two, to its end."""
    at = _ago(hours=36.5)
    noted = {"happened_at": at.isoformat(), "what": "下穿通道积水,一辆轿车被困"}
    incident = scribe.write(RecordType.INCIDENT_NOTED, at, noted, asset_id=point)
    for minutes, serial, upward, what in (
        (30, "first", False, "一辆轿车被困,人员已撤离,无伤亡"),
        (90, "following", True, "通道封闭,泵车两台抽排,水深 0.8 米"),
        (360, "final", True, "积水退去,通道恢复通行,车辆已拖离"),
    ):
        report = {"incident": incident, "serial": serial, "is_upward": upward, "what": what}
        sent_to = "州防汛办" if upward else "县防汛办"
        when = at + timedelta(minutes=minutes)
        scribe.write(RecordType.INCIDENT_REPORTED, when, report | {"sent_to": sent_to})


def _move_plots(scribe: _Scribe, plots: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Three plots that were only issued: one put right, one on its way, one to go to court."""
    issued = plots[plots["stage"] == "issued"].sort_values("code").head(3)
    rows, moved = [], []
    for (_, plot), steps in zip(issued.iterrows(), (_TILLED, _ON_ITS_WAY, _TO_COURT), strict=False):
        row: Row = {str(name): value for name, value in plot.items()}
        base = {name: _plain(row.get(name)) for name in MOVED}
        area = {
            "area_m2": plot["plot_area_m2"],
            "cultivated_m2": plot["cultivated_m2"],
            "basic_farmland_m2": plot["basic_farmland_m2"],
        }
        for type_, day, payload, changes in steps:
            at = datetime.fromisoformat(f"{day}T02:00:00+00:00")
            shown = _with_areas(payload, area)
            own = {"asset_id": plot["id"], "actor": "经办人丙"}
            settled: Row = {"base": base} if type_ is RecordType.PLOT_ROUTE_CHOSEN else {}
            if payload.get("step") == "decision_served":
                settled = {"due_at": _WINDOW_ENDS}
            scribe.write(type_, at, shown | {"on": day}, settled=settled, **own)
            row = {**row, **changes, "valid_from": at}
            rows.append(row)
        moved.append(str(plot["code"]))
    return pd.concat([plots, pd.DataFrame(rows)], ignore_index=True), moved


def _plain(value: object) -> object:
    """A cell as JSON has it: what is missing is null."""
    return value if isinstance(value, str) else None


def _with_areas(payload: Row, area: Mapping[str, float]) -> Row:
    """What was there before, and nothing after, where the step shows it."""
    sides = {"before": dict(area), "after": dict.fromkeys(area, 0.0)}
    return {name: sides.get(name, value) for name, value in payload.items()}


Step = tuple[RecordType, str, Row, Row]
"""Type, day, payload, and the columns of the plot's row it changes."""
_ROUTE, _STAGE = RecordType.PLOT_ROUTE_CHOSEN, RecordType.PLOT_ADVANCED
_NUMBER = f"云住建〔2026〕{COUNTY_CODE[-2:]}"
_WINDOW_ENDS = "2026-11-17T23:59:59+08:00"
"""Served on Monday 2 November 2026: the fifteenth day is Tuesday 17 November."""
_TILLED: tuple[Step, ...] = (
    (_ROUTE, "2026-03-10", {"route": "demolish"}, {"route": "demolish"}),
    (_STAGE, "2026-03-20", {"stage": "filed", "before": None},
     {"stage": "filed", "filed_on": "2026-03-20"}),
    (_STAGE, "2026-05-06", {"stage": "submitted", "document": f"{_NUMBER}1号"},
     {"stage": "submitted", "submitted_on": "2026-05-06", "submission_number": f"{_NUMBER}1号"}),
    (_STAGE, "2026-06-22", {"stage": "approved", "document": "验〔2026〕8号"},
     {"stage": "approved", "approved_on": "2026-06-22", "approval_number": "验〔2026〕8号"}),
    (_STAGE, "2026-07-15",
     {"stage": "closed", "document": "销〔2026〕2号", "before": None, "after": None},
     {"stage": "closed", "closed_on": "2026-07-15", "closing_number": "销〔2026〕2号"}),
)  # fmt: skip
_ON_ITS_WAY: tuple[Step, ...] = (
    (_ROUTE, "2026-08-03", {"route": "permit"}, {"route": "permit"}),
    (_STAGE, "2026-09-01", {"stage": "filed", "before": None},
     {"stage": "filed", "filed_on": "2026-09-01"}),
    (_STAGE, "2026-10-19", {"stage": "submitted", "document": f"{_NUMBER}5号"},
     {"stage": "submitted", "submitted_on": "2026-10-19", "submission_number": f"{_NUMBER}5号"}),
)  # fmt: skip
_TO_COURT: tuple[Step, ...] = (
    (_ROUTE, "2026-09-14", {"route": "confiscate"}, {"route": "confiscate"}),
    (RecordType.PLOT_ENFORCED, "2026-11-02", {"step": "decision_served"},
     {"decision_served_on": "2026-11-02"}),
)  # fmt: skip


def load_season(connection: Connection, season: Season) -> None:
    """Append the records to the log, each with what it leads to (jobs role)."""
    for row in season.records:
        number = ledger.write_event(connection, row)
        settle_record(
            connection,
            Record(
                id=UUID(row["id"]),
                number=number,
                type=RecordType(row["type"]),
                at=row["at"],
                actor=row["actor"],
                payload=row["payload"],
                asset_id=UUID(str(row["asset_id"])) if row.get("asset_id") else None,
                settled=row.get("settled", {}),
            ),
        )
