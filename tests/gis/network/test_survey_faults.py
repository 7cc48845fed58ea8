"""The proof: 200 planted faults of all kinds yield exactly their findings, a clean book none."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from gis.network.survey_check import Judgement, judge_book
from gis.network.survey_read import read_book
from tests.gis.network.survey_books import demonstration, write_workbook
from tests.gis.network.survey_faults import FAULTS, plant_faults


def judge(path: Path) -> Judgement:
    county, _ = demonstration(1.0)
    return judge_book(read_book([path]), county=county, today=date(2026, 11, 30))


def test_a_clean_book_has_no_finding(tmp_path: Path) -> None:
    _, clean = demonstration(1.0)
    judged = judge(write_workbook(tmp_path / "clean.xlsx", clean))
    assert [(f.rule.id, f.sheet, f.cell, f.text.en) for f in judged.findings] == []
    assert judged.nodes.grid.count == len(clean.nodes) > 3000
    declared = sum(p["长度"] for p in clean.pipes)
    # The plane of a 3-degree zone differs from the ellipsoid by less than 0.05 %.
    assert judged.surveyed_m == pytest.approx(declared, rel=5e-4)


@pytest.mark.parametrize("seed", [1, 2])
def test_two_hundred_planted_faults_yield_exactly_their_findings(tmp_path: Path, seed: int) -> None:
    _, clean = demonstration(1.0)
    planting = plant_faults(clean, 200, seed)
    judged = judge(write_workbook(tmp_path / "faults.xlsx", planting.tables))
    found = Counter((f.rule.id, f.sheet, f.cell) for f in judged.findings)
    expected = Counter(planting.expected)
    assert sorted((found - expected).elements()) == []
    assert sorted((expected - found).elements()) == []


def test_the_planted_faults_are_of_many_kinds() -> None:
    _, clean = demonstration(1.0)
    rules = {rule for rule, _, _ in plant_faults(clean, len(FAULTS), 1).expected}
    assert len(rules) >= 75
