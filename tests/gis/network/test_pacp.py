"""PACP ratings, each worked by hand; the first against a worked example that a vendor published.

Structural here: PL 1-4 are grades 2, 3, 4, 5, FS 1-3 are 2, 3, 5, CK 3-4 are 1, 2. O&M: SG 1-4 are
1, 3, 4, 5, AJ 1-3 are 2, 3, 4, CJ1 is 4, CJ2-4 are 5. All of the mapping is unverified.
"""

from __future__ import annotations

from typing import Any

import pytest

from gis.errors import NotFoundError
from gis.network.condition import Seen
from gis.network.condition_rules import load_rules
from gis.network.pacp import count_times, describe_pacp, explain_pacp, rate, write_quick
from gis.network.pacp_rules import load_pacp

RULES = load_pacp("pacp-2026-11")
Given = tuple[Any, ...]


def see(*given: Given) -> list[Seen]:
    return [Seen(*g) for g in given]


def many(code: str, grade: int, count: int) -> list[Given]:
    return [(float(n), code, grade) for n in range(count)]


def test_the_example_a_vendor_published_comes_out() -> None:
    """help.lucity.com: structural 1, 3, 2, 5, 3 of grades 1 to 5; O&M 3, 5, 4, 0, 2."""
    structural = (("CK", 3, 1), ("PL", 1, 3), ("PL", 2, 2), ("PL", 3, 5), ("PL", 4, 3))
    om = (("SG", 1, 3), ("AJ", 1, 5), ("SG", 2, 4), ("SG", 4, 2))
    made = rate(see(*(g for given in (*structural, *om) for g in many(*given))), RULES)
    assert (made["structural"].occurrences, made["structural"].rating) == (14, 48)
    assert (made["om"].occurrences, made["om"].rating) == (14, 35)
    assert (made["overall"].occurrences, made["overall"].rating) == (28, 83)
    assert made["overall"].quick == "5545"
    assert made["structural"].quick == "5345"
    assert made["om"].quick == "5234"


@pytest.mark.parametrize(
    ("seen", "part", "rating", "index", "quick"),
    [
        ([], "overall", 0, None, "0000"),
        ([(3.0, "PL", 2)], "structural", 3, 3.0, "3100"),  # one fracture
        ([(3.0, "PL", 2)], "om", 0, None, "0000"),
        # 2·5 + 4 = 14 of three: 4.67; two of grade 5, then one of grade 4
        ([(1.0, "PL", 4), (9.0, "PL", 4), (12.0, "PL", 3)], "structural", 14, 4.67, "5241"),
        # 5 + 4 + 3: the third grade is not in a quick rating
        ([(1.0, "PL", 4), (5.0, "PL", 3), (9.0, "PL", 2)], "structural", 12, 4.0, "5141"),
        # 10 m of corrosion in steps of 1.5 m: 6.67, so 7 times grade 3
        ([(2.0, "FS", 2, 12.0)], "structural", 21, 3.0, "3700"),
        # 3 m are two steps, whatever binary makes of it; 2 x 3 + 1 x 5 = 11
        ([(1.6, "FS", 2, 4.6), (20.0, "CJ", 2)], "overall", 11, 3.67, "5132"),
        # 20 m are 14 steps: A is 10 to 14; 14 x 4 + 1 x 2 = 58, / 15
        ([(0.0, "CJ", 1, 20.0), (5.0, "AJ", 1)], "om", 58, 3.87, "4A21"),
        # 22.5 m are 15: B
        ([(0.0, "CJ", 1, 22.5)], "om", 60, 4.0, "4B00"),
        # an offset below the wall's thickness is not recorded, scum is not, XX is unknown
        ([(1.0, "CK", 2), (2.0, "FZ", 1), (3.0, "XX", 1), (4.0, "PL", None)], "overall", 0, None,
         "0000"),
    ],
)  # fmt: skip
def test_ratings_are_what_a_hand_computes(
    seen: list[Given], part: str, rating: int, index: float | None, quick: str
) -> None:
    made = rate(see(*seen), RULES)[part]
    assert (made.rating, made.index, made.quick) == (rating, index, quick)


def test_counts_above_nine_are_letters_of_five_each() -> None:
    for count, letter in ((9, "9"), (10, "A"), (14, "A"), (15, "B"), (19, "B"), (20, "C"),
                          (139, "Z"), (5000, "Z")):  # fmt: skip
        assert write_quick({3: count}, RULES) == f"3{letter}00"


def test_a_defect_that_goes_on_counts_at_least_once_either_way_round() -> None:
    assert count_times(Seen(4.0, "FS", 1, 4.2), RULES) == 1
    assert count_times(Seen(10.0, "FS", 1, 4.0), RULES) == count_times(Seen(4, "FS", 1, 10), RULES)


def test_every_defect_cjj_computes_is_mapped_and_every_mapping_is_marked_unverified() -> None:
    cjj = load_rules("cjj181-2012")
    assert set(cjj.scores) == set(RULES.grades)
    assert all(grade.mark["unverified"] for grade in RULES.grades.values())
    assert RULES.mapping.mark["unverified"]
    assert RULES.letters.mark["unverified"]
    assert RULES.continuous.mark["unverified"]
    assert not RULES.rating.mark["unverified"]
    assert not RULES.original_read
    for code in {code for code, _ in RULES.grades}:
        grades = [g.grade or 0 for (c, _), g in sorted(RULES.grades.items()) if c == code]
        assert grades == sorted(grades), code  # what is worse there is not better here


def test_each_number_is_explained_with_its_inputs_and_its_marks() -> None:
    seen = see((2.0, "FS", 2, 12.0), (20.0, "PL", 4), (25.0, "CK", 1), (26.0, "YJ", None))
    terms = explain_pacp(seen, RULES)
    told = {(t.part, t.symbol): t for t in terms if t.symbol != "grade"}
    # 7 x 3 + 1 x 5
    assert told["structural", "rating"].text.en == "structural: Σ grade × count = 3 × 7 + 5 × 1"
    assert told["structural", "rating"].value == 26
    assert told["structural", "index"].text.en.endswith("26 / 8")
    assert told["structural", "quick"].value == "5137"
    assert told["om", "rating"].value == 0
    first = terms[0].as_document()
    assert first["value"] == 3
    assert "10 m, counts once each 1.5 m: 7 times" in first["text"]["en"]
    assert first["unverified"]
    # The figure rests on the mapping, whatever the formula was read in.
    assert told["structural", "rating"].as_document()["unverified"]
    left = [t.text.en for t in terms if t.symbol == "-"]
    assert left == [
        "25 m CK1: An offset of less than the wall, which PACP does not record",
        "26 m YJ: not counted",
    ]


def test_the_document_names_its_rules_and_an_unknown_version_is_refused() -> None:
    document = describe_pacp(see((3.0, "PL", 2)), RULES)
    assert document["rules"]["version"] == "pacp-2026-11"
    assert document["structural"] == {
        "rating": 3, "occurrences": 1, "index": 3.0, "quick": "3100",
        "counts": {"1": 0, "2": 0, "3": 1, "4": 0, "5": 0},
    }  # fmt: skip
    with pytest.raises(NotFoundError):
        load_pacp("pacp-1999")
