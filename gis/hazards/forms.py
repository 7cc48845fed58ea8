"""Checklists for the phone: one per category and version of the catalogue, kept for ever.

A record names its form as ``gas@2026-11``. Whatever version it names can be read as long as
this program exists, for catalogue files are only ever added.
"""

from __future__ import annotations

from typing import Any

from gis.attributes import Text
from gis.errors import NotFoundError
from gis.hazards.catalogue import (
    Catalogue,
    DeadlineRule,
    Item,
    limit_rule,
    list_versions,
    read_catalogue,
)
from gis.hazards.records import Visited, VisitResult
from gis.kinds.hazard import HazardCategory, Severity

Document = dict[str, Any]  # Any: JSON
VISIT_RESULTS = {
    "normal": Text(zh="正常", en="Normal"),
    "hazards": Text(zh="发现隐患", en="Hazards found"),
    "no_entry": Text(zh="到访不遇", en="No entry"),
    "dry": Text(zh="无积水", en="Dry"),
}
"""How a visit may end. No entry is no pass: it has its own count."""


def forms_document() -> list[Document]:
    """The newest checklist of every category, as phones get them."""
    newest = read_catalogue()
    return [_form(newest, category) for category in newest.forms]


def list_forms() -> list[str]:
    """Names of all checklists there ever were, oldest version first."""
    return [
        name_form(category, version)
        for version in list_versions()
        for category in read_catalogue(version).forms
    ]


def name_form(category: HazardCategory, version: str) -> str:
    """``gas@2026-11``."""
    return f"{category}@{version}"


def read_form(name: str) -> Document:
    """The checklist of that name, of whatever version; NotFoundError names the ones there are."""
    category, _, version = name.partition("@")
    if version in list_versions():
        catalogue = read_catalogue(version)
        for known in catalogue.forms:
            if known.value == category:
                return _form(catalogue, known)
    raise NotFoundError(
        Text(zh="没有检查表 {name}", en="no form {name}").format(name=name[:64]),
        known=list_forms(),
    )


def has_signature(category: HazardCategory, name: str | None) -> bool:
    """Whether a unit signs on this checklist (in the version a record names, else the newest).

    At a drain, a road or a plot nobody is there to sign. What has no checklist is signed.
    """
    version = name.partition("@")[2] if name else None
    catalogue = read_catalogue(version if version in list_versions() else None)
    form = catalogue.forms.get(category)
    return True if form is None else form.signature


def find_answer_breach(name: str | None, visit: Visited) -> Text | None:
    """What is wrong with a visit's answers: items its form does not have, a result they belie.

    A form of a version this program does not know is taken as it is.
    """
    items = [answer.item for answer in visit.checklist]
    if len(set(items)) < len(items):
        return Text(zh="同一检查项有两个结果", en="an item is answered twice")
    return _find_foreign_answer(name or "", visit, items) or _find_belied_result(visit)


def _find_foreign_answer(name: str, visit: Visited, items: list[str]) -> Text | None:
    category, _, version = name.partition("@")
    if version not in list_versions():
        return None
    catalogue, kind = read_catalogue(version), visit.category
    if category != kind.value:
        words = Text(zh="检查表 {name} 不属于类别“{zh}”", en="the form {name} is not for {en}")
        return words.format(name=name, zh=kind.text.zh, en=kind.text.en.lower())
    if unknown := sorted(set(items) - {item.key for item in catalogue.items_of(kind)}):
        words = Text(zh="检查表 {name} 没有 {items}", en="the form {name} has no {items}")
        return words.format(name=name, items=", ".join(unknown[:5]))
    form = catalogue.forms.get(kind)
    if form is not None and visit.result.value not in form.visit_results:
        words = Text(zh="检查表 {name} 没有结果“{zh}”", en='the form {name} has no result "{en}"')
        return words.format(name=name, zh=visit.result.text.zh, en=visit.result.text.en.lower())
    return None


def _find_belied_result(visit: Visited) -> Text | None:
    """A dry point may still fail an item, and a hazard may stand on no list."""
    results = {answer.result for answer in visit.checklist}
    if visit.result is VisitResult.NORMAL and "fail" in results:
        return Text(zh="有不合格项,结果不能为正常", en='an item fails: the result is not "normal"')
    if visit.result is VisitResult.NO_ENTRY and results - {"na"}:
        return Text(zh="未能入户却有检查结果", en="nobody got in, yet items are answered")
    return None


def _form(catalogue: Catalogue, category: HazardCategory) -> Document:
    form = catalogue.forms[category]
    return {
        "key": category.value,
        "version": catalogue.version,
        "title": form.title.text.as_dict(),
        "checklist": [_line(catalogue, item) for item in catalogue.items_of(category)],
        "visit_results": [
            {"value": value, **VISIT_RESULTS[value].as_dict()} for value in form.visit_results
        ],
        "needs": {"photos": form.photos, "signature": form.signature},
        "limits": {severity.value: _write_rule(limit_rule(severity)) for severity in Severity},
    }


def _line(catalogue: Catalogue, item: Item) -> Document:
    control = item.control_limit
    return {
        "item": item.key,
        "text": item.text.as_dict(),
        "severity": item.severity.value,
        "deadline": _write_rule(item.rule),
        "own_deadline": item.deadline is not None,
        "control_hours": control.hours if control else None,
        "source": _cite(catalogue, item).as_dict(),
        "mark": catalogue.mark_of(item).value,
        "applies_to": list(item.applies_to),
    }


def _write_rule(rule: DeadlineRule) -> Document:
    """A rule in words and in numbers: phones count a date by it without a signal."""
    unit = {"unit": rule.unit.value} if rule.days is not None else {}
    numbers = {"hours": rule.hours, "days": rule.days, **unit}
    known = {name: value for name, value in numbers.items() if value is not None}
    return {"rule": rule.rule.value, **known, **rule.text.as_dict()}


def _cite(catalogue: Catalogue, item: Item) -> Text:
    """The source with its article, where there is one."""
    title = catalogue.sources[item.source].title
    if not item.article:
        return title.text
    return Text(zh=f"{title.zh}第{item.article}条", en=f"{title.en}, article {item.article}")
