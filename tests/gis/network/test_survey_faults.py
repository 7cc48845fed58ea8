"""The proof: 200 planted faults of all kinds yield exactly their findings, a clean book none."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from gis.network.survey_check import Judgement, judge_book
from gis.network.survey_read import read_book
from gis.network.survey_rules import load_rules
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


OF_A_WHOLE_BOOK = {
    *("axes_swapped", "book_formulas", "book_macros", "cell_is_error", "code_taken"),
    *("column_missing", "column_repeated", "column_unknown", "coordinates_offset"),
    *("formula_without_value", "header_conflict", "length_overclaimed", "no_manhole_table"),
    *("no_pipe_table", "pipe_end_far", "pipe_system_missing", "row_not_data", "row_refused"),
    "sheet_not_read",
}
"""What no change of a cell makes: faults of sheets, headings and files, and of what is loaded."""


def test_every_rule_about_a_cell_is_planted() -> None:
    """A rule that is added is planted here, or is one of a whole book and tested there."""
    _, clean = demonstration(1.0)
    planted = {rule for rule, _, _ in plant_faults(clean, len(FAULTS), 1).expected}
    assert planted | OF_A_WHOLE_BOOK == {rule.id for rule in load_rules().rules}
    assert not planted & OF_A_WHOLE_BOOK
