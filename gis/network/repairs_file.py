"""The repair list as a workbook: the list, its quantities, and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

from gis.attributes import Language, Text
from gis.kinds.sewer_pipe import PipeMaterial, PipeSystem
from gis.network.condition_rules import Rules
from gis.network.repairs import METHODS

Row = Mapping[str, Any]  # Any: JSON
_LIST: Mapping[str, Text] = {
    "pipe_code": Text(zh="管段编号", en="Pipe"),
    "from_code": Text(zh="起始井号", en="From"),
    "to_code": Text(zh="终止井号", en="To"),
    "road": Text(zh="道路", en="Road"),
    "system": Text(zh="类型", en="System"),
    "diameter_mm": Text(zh="管径 mm", en="Diameter mm"),
    "material": Text(zh="材质", en="Material"),
    "length_m": Text(zh="长度 m", en="Length m"),
    "inspected_on": Text(zh="检测日期", en="Inspected"),
    "f": Text(zh="F", en="F"),
    "structural_grade": Text(zh="结构性缺陷等级", en="Structural grade"),
    "structural_density": Text(zh="缺陷密度 S_M", en="Density S_M"),
    "ri": Text(zh="修复指数 RI", en="RI"),
    "ri_most": Text(zh="RI 最大可能", en="RI at most"),
    "repair_class": Text(zh="修复等级", en="Repair class"),
    "repair_method": Text(zh="修复方式", en="Method"),
    "places": Text(zh="缺陷处数", en="Places"),
    "g": Text(zh="G", en="G"),
    "functional_grade": Text(zh="功能性缺陷等级", en="Functional grade"),
    "mi": Text(zh="养护指数 MI", en="MI"),
    "maintenance_class": Text(zh="养护等级", en="Maintenance class"),
}
_QUANTITIES: Mapping[str, Text] = {
    "method": Text(zh="方式", en="Method"),
    "diameter_mm": Text(zh="管径 mm", en="Diameter mm"),
    "pipes": Text(zh="管段数", en="Pipes"),
    "length_m": Text(zh="长度 m", en="Length m"),
    "places": Text(zh="缺陷处数", en="Places"),
}
_SHEETS = (
    Text(zh="修复清单", en="Repairs"),
    Text(zh="工程量", en="Quantities"),
    Text(zh="依据", en="Basis"),
)
_WORDS = {
    **{m.value: m.text for m in (*PipeSystem, *PipeMaterial)},
    **METHODS,
}


def write_repairs(path: Path, document: Row, rules: Rules, language: Language) -> None:
    """Write the workbook; rows go to the disk as they are written, no cell can be a formula."""
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(str(path), options)
    bold = book.add_format({"bold": True, "bg_color": "#E8EEF4", "text_wrap": True})
    for title, columns, rows in (
        (_SHEETS[0], _LIST, document["pipes"]),
        (_SHEETS[1], _QUANTITIES, document["quantities"]),
    ):
        sheet = book.add_worksheet(title.get(language))
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(columns) - 1, 12)
        _write_line(sheet, 0, [words.get(language) for words in columns.values()], bold)
        for number, row in enumerate(rows, 1):
            _write_line(sheet, number, [_show(row[name], name, language) for name in columns])
    sheet = book.add_worksheet(_SHEETS[2].get(language))
    sheet.set_column(0, 0, 100)
    for number, words in enumerate(_describe(rules)):
        sheet.write_string(number, 0, words.get(language))
    book.close()


def _write_line(
    sheet: xlsxwriter.worksheet.Worksheet,
    number: int,
    values: Sequence[object],
    style: xlsxwriter.format.Format | None = None,
) -> None:
    for column, value in enumerate(values):
        if isinstance(value, str):
            sheet.write_string(number, column, value, style)
        elif isinstance(value, int | float):
            sheet.write_number(number, column, value, style)


def _show(value: object, name: str, language: Language) -> object:
    if name in ("system", "material", "repair_method", "method") and isinstance(value, str):
        words = _WORDS.get(value)
        return value if words is None else words.get(language)
    return value


def _describe(rules: Rules) -> list[Text]:
    title = rules.title.text
    return [
        Text(zh=f"{rules.standard} {title.zh}(规则版本 {rules.version})",
             en=f"{rules.standard} {title.en} (rules {rules.version})"),
        Text(zh="规则未对照标准原文核对;其中凭记忆录入的条款在每段的计算说明中注明“未核对”。",
             en="The rules were not read in the printed standard; those written from memory are"
             " marked as unverified in each run's explanation."),
        Text(zh="修复方式(局部、整体)取自地方导则,不属于该标准。",
             en="The choice between local and whole repair is a regional guide's, not the"
             " standard's."),
    ]  # fmt: skip
