"""The catalogue is complete, marked, and what follows from an item is what the rules say."""

import hashlib
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gis.errors import NotFoundError, SetupError
from gis.hazards import catalogue as catalogue_module
from gis.hazards.calendar import read_calendar
from gis.hazards.catalogue import (
    FOLDER,
    Mark,
    find_item,
    item_deadline,
    list_versions,
    read_catalogue,
    severity_of,
)
from gis.hazards.forms import forms_document, list_forms, read_form
from gis.kinds.gas_site import GasSiteType
from gis.kinds.hazard import HazardCategory, Severity

RELEASED = {"2026-11": "744a2a03c270629e9f7c18f6813fa1dbdf256799e90ee6ed0347003ffe850d02"}
"""SHA-256 of every released catalogue: a form a phone was filled with must stay as it was."""
CALENDAR = read_calendar()
START = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)  # Friday, 10:00 in Shanghai


def test_a_released_catalogue_is_never_edited_or_removed() -> None:
    assert list_versions() == sorted(RELEASED)
    for version, digest in RELEASED.items():
        content = (FOLDER / f"catalogue-{version}.toml").read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest, version


def test_every_category_has_its_items() -> None:
    counts = Counter(item.category.value for item in read_catalogue().items)
    least = {
        "gas": 12, "flood": 8, "sewer": 8, "village_fire": 8, "land": 6, "site": 6, "road": 6,
    }  # fmt: skip
    assert set(counts) == set(least)
    assert {c: n for c, n in counts.items() if n < least[c]} == {}


def test_words_are_there_in_both_languages_and_no_two_items_say_the_same() -> None:
    chinese = re.compile("[\u4e00-\u9fff]")
    items = read_catalogue().items
    for item in items:
        assert chinese.search(item.zh), item.key
        assert not chinese.search(item.en), item.key
    assert len({item.zh for item in items}) == len({item.en for item in items}) == len(items)


def test_only_provisions_that_were_read_in_the_original_are_marked_verified() -> None:
    # The laws read in full text (LawRefBook/Laws), article by article.
    read = {
        ("gas_regulation", "41"), ("drainage_regulation", "27"), ("safety_law", "65(3)"),
        ("fire_law", "52-55"), ("historic_regulation", "31"), ("land_law", "83"),
    }  # fmt: skip
    newest = read_catalogue()
    for item in newest.items:
        is_read = (item.source, item.article) in read
        assert (newest.mark_of(item) is Mark.VERIFIED) == is_read, item.key


def test_every_ground_of_the_gas_standard_is_major_and_names_its_article() -> None:
    grounds = [item for item in read_catalogue().items if item.source == "gas_2023"]
    assert len(grounds) == 16
    assert {item.severity for item in grounds} == {Severity.MAJOR}
    # Chapters: management 4, stations 5, pipes and regulators 6, cylinders 7, odour 8, users 9.
    assert {item.article[0] for item in grounds if item.article} == set("456789")


def test_items_for_gas_sites_name_site_types_there_are() -> None:
    types = {member.value for member in GasSiteType}
    for item in read_catalogue().items_of(HazardCategory.GAS):
        assert set(item.applies_to) <= types, item.key


def test_severity_follows_from_the_item() -> None:
    assert severity_of("gas.built_over_pipe") is Severity.MAJOR
    assert severity_of("gas.hose_aged") is Severity.GENERAL_A
    assert severity_of("road.sign_missing") is Severity.MINOR
    with pytest.raises(NotFoundError):
        severity_of("gas.' OR 1=1")


@pytest.mark.parametrize(
    ("key", "control", "due"),
    [
        ("gas.built_over_pipe", 2, "2026-12-05T23:59:59+08:00"),  # major: 15 days
        ("gas.alarm_absent", None, "2026-11-27T23:59:59+08:00"),  # general A: 7 days
        ("gas.poor_ventilation", None, "2026-12-05T23:59:59+08:00"),  # general B: 15 days
        ("gas.hose_aged", None, "2026-11-20T10:00:00+08:00"),  # at once
        ("sewer.cover_missing", 2, "2026-11-20T16:00:00+08:00"),  # 2 h secured, 6 h repaired
        ("flood.inlet_blocked", None, "2026-11-21T10:00:00+08:00"),  # no warning ahead: 24 h
        ("land.not_demolished", None, None),  # the notice names the date
    ],
)
def test_deadline_and_control_follow_from_the_item(
    key: str, control: float | None, due: str | None
) -> None:
    item = find_item(key)
    deadline = item_deadline(item, START, CALENDAR)
    assert (deadline.due_at.isoformat() if deadline else None) == due
    assert (item.control_limit.hours if item.control_limit else None) == control


def test_a_rain_warning_ahead_and_a_date_on_the_notice_decide() -> None:
    blocked = find_item("flood.inlet_blocked")
    warning = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
    early = item_deadline(blocked, START, CALENDAR, next_rain_warning=warning)
    assert early is not None
    assert early.due_at == warning
    past = item_deadline(blocked, START, CALENDAR, next_rain_warning=START.replace(hour=1))
    assert past is not None
    assert past.due_at.isoformat() == "2026-11-21T10:00:00+08:00"
    named = item_deadline(find_item("land.not_demolished"), START, CALENDAR, notice_due=warning)
    assert named is not None
    assert named.due_at == warning


def test_the_forms_carry_what_the_phone_needs() -> None:
    forms = {form["key"]: form for form in forms_document()}
    assert set(forms) == {"gas", "flood", "sewer", "village_fire", "site", "land", "road"}
    gas = forms["gas"]
    assert gas["version"] == "2026-11"
    assert gas["needs"] == {"photos": 2, "signature": True}
    assert [r["value"] for r in gas["visit_results"]] == ["normal", "hazards", "no_entry"]
    assert "dry" in [r["value"] for r in forms["flood"]["visit_results"]]
    line = next(x for x in gas["checklist"] if x["item"] == "gas.no_permit")
    assert line["text"]["zh"] == "未取得燃气经营许可证从事燃气经营"
    assert line["severity"] == "major"
    assert line["mark"] == "unverified"
    assert line["source"]["zh"].endswith("第4(1)条")
    assert line["control_hours"] == 2
    assert line["deadline"]["zh"] == "15 日内"


def test_an_old_form_is_read_by_its_name_and_an_unknown_one_is_named() -> None:
    assert read_form("gas@2026-11")["key"] == "gas"
    assert set(list_forms()) >= {"gas@2026-11", "road@2026-11"}
    for name in ("gas@1999-01", "gas", "nothing@2026-11", "../catalogue@2026-11", "@"):
        with pytest.raises(NotFoundError):
            read_form(name)


def test_two_versions_stay_readable_side_by_side(tmp_path: Path) -> None:
    old = (FOLDER / "catalogue-2026-11.toml").read_text("utf-8")
    (tmp_path / "catalogue-2026-11.toml").write_text(old, "utf-8")
    new = old.replace('version = "2026-11"', 'version = "2027-03"')
    new = new.replace("gas.hose_aged", "gas.hose_worn")
    new = new.replace('severity = "minor"', 'severity = "general_b"')
    (tmp_path / "catalogue-2027-03.toml").write_text(new, "utf-8")
    assert list_versions(tmp_path) == ["2026-11", "2027-03"]
    assert read_catalogue(None, tmp_path).version == "2027-03"
    assert find_item("gas.hose_aged", folder=tmp_path).key == "gas.hose_aged"
    assert find_item("gas.hose_worn", folder=tmp_path).key == "gas.hose_worn"
    # What was found with the old form keeps the severity of the old form.
    for version, severity in (("2026-11", "minor"), ("2027-03", "general_b"), (None, "general_b"),
                              ("2030-01", "general_b")):  # fmt: skip
        item = find_item("gas.sign_missing", version=version, folder=tmp_path)
        assert item.severity.value == severity
    with pytest.raises(NotFoundError):
        find_item("gas.hose_worn", version="2026-11", folder=tmp_path)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ('severity = "major"', 'severity = "terrible"'),
        ('key = "gas.no_permit"', 'key = "gas.no_risk_grading"'),
        ('source = "gas_2023"', 'source = "hearsay"'),
        ('deadline = { rule = "on_the_spot" }', 'deadline = { rule = "hours" }'),
        ('deadline = { rule = "on_the_spot" }', 'deadline = { rule = "days", days = 0 }'),
        ('version = "2026-11"', 'version = "2026-12"'),
        ('zh = "未取得燃气经营许可证从事燃气经营"\n', ""),
        ("[[items]]", "[[items"),
    ],
)
def test_a_wrong_catalogue_is_refused_with_its_name(tmp_path: Path, was: str, becomes: str) -> None:
    text = (FOLDER / "catalogue-2026-11.toml").read_text("utf-8")
    assert was in text
    (tmp_path / "catalogue-2026-11.toml").write_text(text.replace(was, becomes, 1), "utf-8")
    with pytest.raises(SetupError, match="catalogue-2026-11"):
        read_catalogue(None, tmp_path)


def test_nothing_is_read_at_import() -> None:
    assert not [
        value for value in vars(catalogue_module).values()
        if isinstance(value, catalogue_module.Catalogue)
    ]  # fmt: skip
