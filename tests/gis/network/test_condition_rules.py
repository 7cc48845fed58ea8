"""CJJ 181-2012 as data: the numbers of the tables, and which of them nobody has verified."""

from __future__ import annotations

import pytest

from gis.errors import NotFoundError
from gis.network.condition_rules import RULES_IN_FORCE, Rules, find_level, load_rules

# Table 8.2.3 (structural) as a public program quotes it, and the functional scores from memory.
STRUCTURAL = {
    "PL": [0.5, 2, 5, 10], "BX": [1, 2, 5, 10], "FS": [0.5, 2, 5], "CK": [0.5, 2, 5, 10],
    "QF": [0.5, 2, 5, 10], "TJ": [1, 3, 5, 10], "TL": [1, 3], "AJ": [0.5, 2, 5],
    "CR": [0.5, 2, 5], "SL": [0.5, 2, 5, 10],
}  # fmt: skip
FUNCTIONAL = {
    "CJ": [0.5, 2, 5, 10], "JG": [0.5, 2, 5, 10], "ZW": [0.1, 2, 5, 10], "CQ": [1, 3, 5, 10],
    "SG": [0.5, 2, 5, 10], "FZ": [None, None, None],
}  # fmt: skip


@pytest.fixture(scope="module")
def rules() -> Rules:
    return load_rules(RULES_IN_FORCE)


@pytest.mark.parametrize(
    ("category", "table"), [("structural", STRUCTURAL), ("functional", FUNCTIONAL)]
)
def test_every_defect_has_the_scores_of_its_table(
    category: str, table: dict[str, list[float | None]], rules: Rules
) -> None:
    mine = {d.code: [g.score for g in d.grade] for d in rules.defect if d.category == category}
    assert mine == table


def test_scum_is_recorded_and_not_computed_and_a_pierced_wall_is_structural(rules: Rules) -> None:
    assert not rules.defects["FZ"].computed
    assert ("FZ", 1) not in rules.scores
    assert rules.defects["CR"].category == "structural"


def test_what_was_written_from_memory_says_so(rules: Rules) -> None:
    assert not rules.original_read
    for code in FUNCTIONAL.keys() - {"FZ"}:
        assert rules.defects[code].mark["unverified"], code
    for fact in (
        rules.spacing.beta, rules.merge, rules.length, rules.gate.importance,
        rules.gate.functional_diameter, rules.marker, *rules.remark,
    ):  # fmt: skip
        assert fact.mark["unverified"]
    for code in STRUCTURAL:
        assert not rules.defects[code].mark["unverified"], code
    for fact in (rules.spacing, rules.spacing.alpha, rules.gate.diameter, rules.weights.repair):
        assert not fact.mark["unverified"]


def test_the_words_of_a_report_find_their_level(rules: Rules) -> None:
    for word, value in (("交通干道", 6), ("中心商业区", 10), ("other", 0)):
        level = find_level(rules.importance, word)
        assert level is not None
        assert level.value == value
    for word, value in (("粉砂层", 10), ("红粘土", 8), ("湿陷性黄土Ⅲ级", 8), ("一般土层", 0)):
        level = find_level(rules.soil, word)
        assert level is not None
        assert level.value == value
    assert find_level(rules.soil, "沙漠") is None
    assert find_level(rules.soil, None) is None


def test_rules_nobody_has_are_not_found_nor_is_a_file_elsewhere() -> None:
    for name in ("cjj181-2099", "../data/cjj181-2012", ""):
        with pytest.raises(NotFoundError):
            load_rules(name)


def test_the_file_names_no_method_as_of_the_standard(rules: Rules) -> None:
    """The choice between local and whole repair is a regional guide's, and says so."""
    assert "not CJJ 181" in str(rules.method.source)
