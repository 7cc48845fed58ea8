"""The grid of works as a workbook: the grid, the works behind it, and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from gis.attributes import Language, Text
from gis.network.desilting_rules import DesiltingRules
from gis.network.progress import ACTIVITIES, BASIS, STATES, SYSTEMS, ProgressFilter

Row = Mapping[str, Any]  # Any: JSON
_SHEETS = (
    Text(zh="管网进度", en="Progress"),
    Text(zh="明细", en="Rows"),
    Text(zh="依据", en="Basis"),
)
_TOTAL, _ACTIVITY = Text(zh="合计", en="Total"), Text(zh="工作内容", en="Activity")
_VOLUMES = (
    Text(zh="清淤量 m³", en="Silt m³"),
    Text(zh="其中需核实 m³", en="of which to check m³"),
)
_ROWS: Mapping[str, Text] = {
    "activity": _ACTIVITY,
    "state": Text(zh="状态", en="State"),
    "system": Text(zh="类型", en="System"),
    "pipe_code": Text(zh="管段编号", en="Pipe"),
    "road": Text(zh="道路", en="Road"),
    "township": Text(zh="乡镇代码", en="Township"),
    "day": Text(zh="日期", en="Day"),
    "pipe_length_m": Text(zh="管长 m", en="Pipe m"),
    "length_m": Text(zh="作业长度 m", en="Works m"),
    "counted_m": Text(zh="计入长度 m", en="Counted m"),
    "volume_m3": Text(zh="清淤量 m³", en="Silt m³"),
    "flags": Text(zh="需核实", en="To check"),
    "record": Text(zh="来源", en="Record"),
    "id": Text(zh="记录标识", en="Record id"),
}
_CUT = Text(
    zh="本表只列最近的 {most} 条,尚有更早的未列出:请缩短时段或按乡镇分别导出;汇总表为全部数据。",
    en="Only the latest {most} works are listed, there are earlier ones: ask for a shorter period"
    " or one township. The grid is of all of them.",
)
_WORDS = {"activity": ACTIVITIES, "state": STATES, "system": SYSTEMS}


@dataclass(frozen=True, slots=True)
class Works:
    """Works of a period, the latest first; ``is_cut`` where there are more than are listed."""

    rows: Sequence[Row]
    is_cut: bool = False


def write_progress(
    path: Path,
    asked: ProgressFilter,
    cells: Sequence[Row],
    works: Works,
    rules: DesiltingRules,
    language: Language,
) -> None:
    """Write the workbook: km to a metre, m³ as recorded; no cell can be a formula."""
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(str(path), options)
    bold = book.add_format({"bold": True, "bg_color": "#E8EEF4", "text_wrap": True, "border": 1})
    km = book.add_format({"num_format": "0.000", "border": 1})
    _write_grid(book.add_worksheet(_SHEETS[0].get(language)), asked, cells, language, (bold, km))
    _write_rows(book.add_worksheet(_SHEETS[1].get(language)), works, rules, language, bold)
    sheet = book.add_worksheet(_SHEETS[2].get(language))
    sheet.set_column(0, 0, 110)
    for number, words in enumerate(_describe(rules)):
        sheet.write_string(number, 0, words.get(language))
    book.close()


def _write_grid(
    sheet: Worksheet,
    asked: ProgressFilter,
    cells: Sequence[Row],
    language: Language,
    styles: tuple[Format, Format],
) -> None:
    bold, km = styles
    found = {(c["activity"], c["state"], c["system"]): c for c in cells}
    area = asked.township or Text(zh="全县", en="whole county").get(language)
    sheet.write_string(0, 0, f"{asked.first} – {asked.last} · {area} · km")
    sheet.set_column(0, 11, 12)
    head = [_ACTIVITY, *(_join(s, x) for s in STATES for x in (*SYSTEMS, "")), *_VOLUMES]
    for column, words in enumerate(head):
        sheet.write_string(1, column, words.get(language), bold)
    for number, activity in enumerate(ACTIVITIES, 2):
        sheet.write_string(number, 0, ACTIVITIES[activity].get(language), bold)
        column = 1
        for state in STATES:
            metres = [found.get((activity, state, s), {}).get("counted_m") or 0 for s in SYSTEMS]
            for value in (*metres, sum(metres)):
                sheet.write_number(number, column, value / 1000, km)
                column += 1
        mine = [c for key, c in found.items() if key[:2] == (activity, "completed")]
        if activity == "desilting":
            for offset, name in enumerate(("volume_m3", "flagged_m3")):
                volumes = (Decimal(str(c[name] or 0)) for c in mine)  # sums of volumes stay exact
                sheet.write_number(number, column + offset, float(sum(volumes)))


def _join(state: str, system: str) -> Text:
    words = SYSTEMS[system] if system else _TOTAL
    return Text(zh=f"{STATES[state].zh} {words.zh}", en=f"{STATES[state].en}, {words.en}")


def _write_rows(
    sheet: Worksheet, works: Works, rules: DesiltingRules, language: Language, bold: Format
) -> None:
    """One work a row; that there are more is said above them, where nobody misses it."""
    top = 0
    if works.is_cut:
        sheet.write_string(0, 0, _CUT.format(most=f"{len(works.rows):,}").get(language), bold)
        top = 1
    sheet.freeze_panes(top + 1, 0)
    sheet.set_column(0, len(_ROWS) - 1, 13)
    titles = {flag.id: flag.title.text for flag in rules.flag}
    for column, words in enumerate(_ROWS.values()):
        sheet.write_string(top, column, words.get(language), bold)
    for number, row in enumerate(works.rows, top + 1):
        for column, name in enumerate(_ROWS):
            value = row[name]
            if name in _WORDS:
                value = _WORDS[name][value].get(language)
            elif name == "flags":
                value = "; ".join(titles[f].get(language) for f in value or ())
            if isinstance(value, str):
                sheet.write_string(number, column, value)
            elif value is not None:
                sheet.write_number(number, column, value)


def _describe(rules: DesiltingRules) -> list[Text]:
    once = Text(
        zh="每米管道在一个周期内只计一次:同一管段各次作业按完工先后累计,不超过管长;周期按整月划分。",
        en="Each metre counts once in a cycle: works on a pipe add up to its length at most, in"
        " order of completion; cycles are whole months.",
    )
    source = Text(
        zh=f"规则版本 {rules.version}:换算系数与周期未对照标准原文核对。",
        en=f"Rules {rules.version}: conversions and cycles were not read in a printed standard.",
    )
    basis = [
        Text(zh=f"{ACTIVITIES[name].zh}:{words.zh}", en=f"{ACTIVITIES[name].en}: {words.en}")
        for name, words in BASIS.items()
    ]
    return [once, source, *basis]
