"""The page of labels: which assets, for whom, and how it is noted."""

from __future__ import annotations

import re

import pytest

from api.labels import PER_SHEET, draw_code, label_address
from gis.exchange import labels as rules
from gis.exchange.labels import Label, write_code
from tests.api.county import SITES
from tests.api.crowd import Crowd

CODE = re.compile(r'<span class="code">([^<]+)</span>')


def test_a_kind_is_printed_with_codes_and_addresses_that_carry_check_characters(
    crowd: Crowd,
) -> None:
    officer = crowd.log_in("officer")
    page = officer.get("/labels", params={"kind": "gas_site", "lang": "en"})
    assert page.status_code == 200, page.text
    listed = officer.get("/collections/gas_site/items", params={"limit": 100}).json()["features"]
    codes = sorted(one["properties"]["code"] for one in listed)
    assert len(codes) >= SITES  # others fill the same county
    assert CODE.findall(page.text) == [write_code(code) for code in codes]
    assert page.text.count('<section class="sheet">') == -(-len(codes) // PER_SHEET)
    assert "Gas inspection site" in page.text
    first = min(listed, key=lambda one: one["properties"]["code"])
    label = Label(id=first["id"], code=codes[0], name=first["properties"]["name"])
    assert draw_code(label_address(f"{crowd.base}/field", label)) in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert ("officer", "done", "kind:gas_site") in [
        line[:3] for line in crowd.trail(action="export")
    ]


def test_labels_are_narrowed_by_code_township_and_campaign(crowd: Crowd) -> None:
    officer = crowd.log_in("officer")

    def ask(**asked: str) -> list[str]:
        answer = officer.get("/labels", params={"kind": "gas_site", **asked})
        assert answer.status_code == 200, answer.text
        return CODE.findall(answer.text)

    every = ask()
    plain = every[3].rpartition("-")[0]
    assert ask(prefix=plain)[0] == every[3]
    assert ask(after=plain) == every[4:]
    assert ask(township="no such township") == []
    rules_ = [{"category": "gas", "kind": "gas_site", "mode": "sample", "rate": 0.2, "seed": 7}]
    asked = {"name": "标签", "starts_on": "2026-01-01", "due_on": "2099-12-31", "rules": rules_}
    campaign = officer.post("/campaigns", json=asked).json()["id"]
    targets = officer.get(f"/campaigns/{campaign}/tasks").json()
    assert ask(campaign=campaign) == [
        write_code(code) for code in sorted(t["code"] for t in targets)
    ]
    assert 0 < len(targets) < len(every)


def test_a_long_list_is_printed_in_parts(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.routes.labels.MAX_LABELS", 10)
    officer = crowd.log_in("officer")
    page = officer.get("/labels", params={"kind": "gas_site"}).text
    found = CODE.findall(page)
    assert len(found) == 10
    (more,) = re.findall(r'<a href="\?([^"]*after=[^"]*)"', page)
    again = CODE.findall(officer.get(f"/labels?{more.replace('&amp;', '&')}").text)
    assert again[0] > found[-1]
    assert rules.MAX_LABELS == 240


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({}, 404),
        ({"kind": "no_such_kind"}, 404),
        ({"kind": "gas_site", "campaign": "x"}, 400),
        ({"kind": "gas_site", "prefix": "x" * 65}, 400),
        ({"kind": "gas_site", "colour": "red"}, 400),
    ],
)
def test_what_makes_no_sense_is_refused(crowd: Crowd, asked: dict[str, str], status: int) -> None:
    assert crowd.log_in("planner").get("/labels", params=asked).status_code == status


def test_a_hostile_name_is_text_on_the_label(crowd: Crowd) -> None:
    page = (
        crowd.log_in("officer")
        .get("/labels", params={"kind": "sewer_pipe", "prefix": "WS-00007"})
        .text
    )
    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
