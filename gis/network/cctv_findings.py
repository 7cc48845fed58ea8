"""What a CCTV record table is told: a rule, a cell, what is wrong, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gis.attributes import Text


class Weight(StrEnum):
    """How much a finding weighs: refused, kept but doubtful, or only said."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


RULES: Mapping[str, tuple[Weight, Text]] = {
    "run-unnamed": (Weight.ERROR, Text(zh="缺少起始井号或终止井号,此段退回",
                                       en="no start or end manhole: the run is refused")),
    "code-too-long": (Weight.ERROR, Text(zh="井号超过 64 个字符,此段退回",
                                         en="a manhole's code of more than 64 characters: the run"
                                         " is refused")),
    "run-undated": (Weight.ERROR, Text(zh="缺少检测日期或日期无法识别,此段退回",
                                       en="no date, or none that can be read: the run is refused")),
    "run-to-itself": (Weight.ERROR, Text(zh="起止井号相同,此段退回",
                                         en="it ends where it began: the run is refused")),
    "run-in-the-future": (Weight.ERROR, Text(zh="检测日期晚于今天,此段退回",
                                             en="dated after today: the run is refused")),
    "run-twice": (Weight.WARNING, Text(zh="同一段在文件中出现两次,以后者为准",
                                       en="the same run twice in the file: the later one counts")),
    "head-unreadable": (Weight.WARNING, Text(zh="“{field}”无法识别,按未知处理",
                                             en="“{field}” cannot be read: taken as not known")),
    "direction-unknown": (Weight.NOTE, Text(zh="未注明检测方向", en="no direction is given")),
    "longer-than-pipe": (Weight.WARNING, Text(zh="检测长度大于管道长度",
                                              en="inspected further than the pipe is long")),
    "row-without-chainage": (Weight.ERROR, Text(zh="缺少距离或距离无法识别,此行退回",
                                                en="no distance that can be read: the row is"
                                                " refused")),
    "row-without-code": (Weight.ERROR, Text(zh="缺少缺陷代码,此行退回",
                                            en="no code: the row is refused")),
    "beyond-pipe": (Weight.WARNING, Text(zh="距离超出管道长度", en="beyond the end of the pipe")),
    "code-unknown": (Weight.WARNING, Text(zh="代码不在评估规则中:保留记录,不参与计算",
                                          en="the rules do not know this code: kept, not"
                                          " computed")),
    "grade-missing": (Weight.WARNING, Text(zh="缺少等级:保留记录,不参与计算",
                                           en="no grade: kept, not computed")),
    "grade-unknown": (Weight.WARNING, Text(zh="此代码没有这一等级:保留记录,不参与计算",
                                           en="this code has no such grade: kept, not computed")),
    "score-differs": (Weight.WARNING, Text(zh="分值与规则不符,规则为 {expected}",
                                           en="the score is not the rules', which is {expected}")),
    "recorded-only": (Weight.NOTE, Text(zh="浮渣只记录,不参与计算",
                                        en="scum is recorded, not computed")),
    "row-twice": (Weight.WARNING, Text(zh="与上文某行相同(距离、代码、等级、时钟)",
                                       en="the same as a row above (distance, code, grade,"
                                       " clock)")),
    "clock-unreadable": (Weight.NOTE, Text(zh="时钟表示不是四位数字", en="the clock position is not"
                                           " four digits")),
    "never-ends": (Weight.WARNING, Text(zh="连续缺陷有开始无结束,按 1 m 计",
                                        en="begins and never ends: counted as one metre")),
    "never-began": (Weight.WARNING, Text(zh="连续缺陷有结束无开始",
                                         en="ends and never began")),
    "index-differs": (Weight.WARNING, Text(zh="上报 {name} 与按规则计算的 {expected} 不符",
                                           en="{name} as delivered is not what the rules give:"
                                           " {expected}")),
}  # fmt: skip
"""Every rule of the import: how much it weighs, and what it says."""


@dataclass(frozen=True, slots=True)
class BookFinding:
    """One finding about one cell (``Sheet!B12``), or about the whole run at its first cell."""

    rule: str
    address: str
    value: str
    text: Text

    @property
    def weight(self) -> Weight:
        """How much it weighs."""
        return RULES[self.rule][0]

    def as_document(self) -> dict[str, Any]:  # Any: JSON
        """As JSON."""
        return {
            "rule": self.rule,
            "weight": self.weight.value,
            "cell": self.address,
            "value": self.value,
            "text": self.text.as_dict(),
        }


def find(rule: str, address: str, value: object = "", **facts: object) -> BookFinding:
    """A finding of a rule at a cell."""
    words = RULES[rule][1].format(**facts) if facts else RULES[rule][1]
    return BookFinding(rule, address, "" if value is None else str(value)[:80], words)


class Verdict(StrEnum):
    """What became of a row of the table."""

    ACCEPTED = "accepted"
    DOUBTFUL = "doubtful"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class RowVerdict:
    """A row of the table (a run's head is one) and what became of it."""

    sheet: str
    row: int
    verdict: Verdict
    findings: tuple[BookFinding, ...] = ()


def judge_row(sheet: str, row: int, findings: list[BookFinding]) -> RowVerdict:
    """The verdict that follows from the gravest finding."""
    weights = {finding.weight for finding in findings}
    verdict = Verdict.ACCEPTED
    if Weight.WARNING in weights:
        verdict = Verdict.DOUBTFUL
    if Weight.ERROR in weights:
        verdict = Verdict.REFUSED
    return RowVerdict(sheet, row, verdict, tuple(findings))
