"""The words of CCTV record tables, and which field each stands for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

HEAD: Mapping[str, tuple[str, ...]] = {
    "video": ("录像文件", "录像文件名", "视频文件", "影像文件", "录像编号"),
    "from_code": (
        "起始井号",
        "起始井",
        "起点井号",
        "起始井编号",
        "上游井号",
        "起始检查井",
        "起井号",
    ),
    "to_code": ("终止井号", "终止井", "终点井号", "终止井编号", "下游井号", "终止检查井", "终井号"),
    "built_year": ("敷设年代", "敷设年份", "建设年代"),
    "from_depth": ("起点埋深", "起始埋深"),
    "to_depth": ("终点埋深", "终止埋深"),
    "system": ("管段类型", "管道类型", "管段性质", "管道性质"),
    "material": ("管段材质", "材质", "管道材质", "管材"),
    "diameter_mm": ("管段直径", "直径", "管径", "管道直径", "断面尺寸"),
    "direction": ("检测方向",),
    "pipe_length_m": ("管道长度", "管段长度", "管长"),
    "inspected_length_m": ("检测长度",),
    "claimed_ri": ("修复指数", "修复指数ri", "ri"),
    "claimed_mi": ("养护指数", "养护指数mi", "mi"),
    "operator": ("检测人员", "检测员", "操作员"),
    "unit": ("检测单位", "作业单位"),
    "place": ("检测地点", "道路名称", "检测位置", "路名"),
    "inspected_on": ("检测日期", "检测时间", "日期"),
    "method": ("检测方法", "检测方式"),
    "importance": ("地区重要性", "管道重要性", "地区类别", "重要性"),
    "soil": ("土质", "土质类型", "土层类型", "土质情况"),
    "pipe": ("管段编号", "管道编号"),
}
"""Labels of a run's head, or columns of a table with a row for each defect."""

ROW: Mapping[str, tuple[str, ...]] = {
    "chainage": ("距离", "纵向距离", "缺陷距离", "位置", "距起点距离", "缺陷位置"),
    "end": ("终止距离", "结束距离", "缺陷终点"),
    "code": ("缺陷名称代码", "缺陷代码", "代码", "缺陷名称及代码", "名称代码"),
    "score": ("分值", "缺陷分值"),
    "grade": ("等级", "缺陷等级", "级别"),
    "clock": ("时钟", "时钟表示", "环向位置", "时钟位置"),
    "description": ("管道内部状况描述", "内部状况描述", "状况描述", "缺陷描述", "描述"),
    "photo": ("照片序号", "照片", "照片编号", "图片编号", "图片序号"),
}
"""Columns of the rows beneath a head."""

IDENTITY = frozenset({"video", "from_code", "to_code", "pipe"})
"""Labels that begin the next run."""
_UNITS = re.compile(r"\((?:m|mm|米|毫米|%|分)\)|\[(?:m|mm)\]|(?<=[离度深径])(?:mm|m|/m|/mm)$")
_HEAD_OF = {word: name for name, words in HEAD.items() for word in words}
_ROW_OF = {word: name for name, words in ROW.items() for word in words}


def plain(words: object) -> str:
    """A label without space, punctuation at its end, unit and full-width letters.

    >>> plain(" 距 离(m):"), plain("RI")
    ('距离', 'ri')
    """
    text = unicodedata.normalize("NFKC", str(words)).casefold()
    text = re.sub(r"\s", "", text).rstrip(":")
    return _UNITS.sub("", text)


def head_field(words: object) -> str | None:
    """The field of a head that a label names, if it names one."""
    return _HEAD_OF.get(plain(words)) if isinstance(words, str) else None


def row_field(words: object) -> str | None:
    """The field of a row that a column's heading names, if it names one."""
    return _ROW_OF.get(plain(words)) if isinstance(words, str) else None
