"""F, G, RI, MI by CJJ 181-2012, each worked by hand: the working is beside the numbers.

Where nothing else is said: D = 800 mm (E = 3), K = 10 (commercial centre), T = 0 (ordinary soil),
L = 30 m. Scores: PL 0.5/2/5/10, TJ 1/3/5/10, CJ 0.5/2/5/10.
"""

from __future__ import annotations

from typing import Any

import pytest

from gis.network.condition import Run, Seen, assess
from gis.network.condition_result import Condition, grade_runs
from gis.network.condition_rules import load_rules

RULES = load_rules("cjj181-2012")


def run(*seen: tuple[Any, ...], **other: object) -> Run:
    known: dict[str, Any] = {
        "length_m": 30.0, "diameter_mm": 800.0, "importance": "centre", "soil": "ordinary",
    }  # fmt: skip
    return Run(**(known | other), seen=tuple(Seen(*s) for s in seen))


def grade(*seen: tuple[Any, ...], **other: object) -> Condition:
    return grade_runs([run(*seen, **other)], RULES)[0]


# (defects, F, S, grade, RI, class)
STRUCTURAL: list[tuple[str, list[tuple[Any, ...]], float, float, str, float, str]] = [
    # The standard's column of the comparison of public programs:
    # S = 2/1, S_max = 2, F = 2. F < 4, so K = E = 0: RI = 0.7·2. (α on a lone defect gives 2.2.)
    ("one grade 2", [(3.0, "PL", 2)], 2.0, 2.0, "Ⅱ", 1.4, "Ⅱ"),
    # S = (2 + 2)/2. The sum, 4, would be grade Ⅲ and open the gate.
    ("two far apart", [(3.0, "PL", 2), (10.0, "PL", 2)], 2.0, 2.0, "Ⅱ", 1.4, "Ⅱ"),
    # S = 4·0.5/4 = 0.5, RI = 0.35. The sum, 2, would be grade Ⅱ.
    ("four slight", [(3.0, "PL", 1), (9.0, "PL", 1), (15.0, "PL", 1), (21.0, "PL", 1)],
     0.5, 0.5, "Ⅰ", 0.35, "Ⅰ"),
    # F = 10 ≥ 4: RI = 7 + 0.1·10 + 0.05·3 = 8.15.
    ("one grade 4", [(3.0, "PL", 4)], 10.0, 10.0, "Ⅳ", 8.15, "Ⅳ"),
    # Nothing seen: F = 0, RI = 0.
    ("nothing", [], 0.0, 0.0, "Ⅰ", 0.0, "Ⅰ"),
    # 1.2 m apart: both near. S = (1.1·2 + 1.1·2)/2 = 2.2 > S_max = 2. RI = 0.7·2.2.
    ("1.2 m apart", [(3.0, "PL", 2), (4.2, "PL", 2)], 2.2, 2.2, "Ⅱ", 1.54, "Ⅱ"),
    # 1.5 m is still near, 1.51 m is not.
    ("1.5 m apart", [(3.0, "PL", 2), (4.5, "PL", 2)], 2.2, 2.2, "Ⅱ", 1.54, "Ⅱ"),
    ("1.51 m apart", [(3.0, "PL", 2), (4.51, "PL", 2)], 2.0, 2.0, "Ⅱ", 1.4, "Ⅱ"),
    # 1.0 m is one defect of 2 + 2 = 4; F = 4 opens the gate: RI = 2.8 + 1 + 0.15. (In binary
    # 2.1 - 1.1 is more than 1.)
    ("1.0 m apart", [(1.1, "PL", 2), (2.1, "PL", 2)], 4.0, 4.0, "Ⅲ", 3.95, "Ⅱ"),
    ("1.01 m apart", [(1.1, "PL", 2), (2.11, "PL", 2)], 2.2, 2.2, "Ⅱ", 1.54, "Ⅱ"),
    # Within the first metre of the run: a defect like any other.
    ("the first metre", [(0.3, "PL", 2)], 2.0, 2.0, "Ⅱ", 1.4, "Ⅱ"),
    ("at the manhole", [(0.0, "PL", 3)], 5.0, 5.0, "Ⅲ", 4.65, "Ⅲ"),  # 3.5 + 1 + 0.15
    # S = (10 + 0.5)/2 = 5.25 < S_max = 10.
    ("bad and slight", [(5.0, "PL", 4), (20.0, "CK", 1)], 10.0, 5.25, "Ⅳ", 8.15, "Ⅳ"),
    # S = 1.1·5 = 5.5; RI = 3.85 + 1 + 0.15 = 5.
    ("two grade 3 near", [(5.0, "PL", 3), (6.2, "CK", 3)], 5.5, 5.5, "Ⅲ", 5.0, "Ⅲ"),
    # At one place 10 + 5, at most 10.
    ("capped", [(5.0, "PL", 4), (5.0, "SL", 3)], 10.0, 10.0, "Ⅳ", 8.15, "Ⅳ"),
    # At one place 2 + 0.5.
    ("two codes, one place", [(5.0, "PL", 2), (5.0, "SL", 1)], 2.5, 2.5, "Ⅱ", 1.75, "Ⅱ"),
    # F = 3 < 4: neither K nor E; without the gate RI were 2.1 + 1.15.
    ("the gate", [(5.0, "TJ", 2)], 3.0, 3.0, "Ⅱ", 2.1, "Ⅱ"),
    # 5.0, 5.8, 6.6: each 0.8 m from the next, so all three are one of 1.5.
    ("a chain", [(5.0, "PL", 1), (5.8, "PL", 1), (6.6, "PL", 1)], 1.5, 1.5, "Ⅱ", 1.05, "Ⅱ"),
    # One near pair and one alone: S = (2.2 + 2.2 + 2)/3 = 2.133333.
    ("a pair and one", [(5.0, "PL", 2), (6.2, "PL", 2), (20.0, "PL", 2)],
     2.133333, 2.133333, "Ⅱ", 1.493333, "Ⅱ"),
    # 5 + 1 = 6 is Ⅲ, 5 + 1 + 0.5 = 6.5 is Ⅳ. RI = 4.2 + 1.15; 4.55 + 1.15.
    ("six", [(5.0, "PL", 3), (5.0, "BX", 1)], 6.0, 6.0, "Ⅲ", 5.35, "Ⅲ"),
    ("over six", [(5.0, "PL", 3), (5.0, "BX", 1), (5.2, "SL", 1)], 6.5, 6.5, "Ⅳ", 5.7, "Ⅲ"),
    ("one is grade Ⅰ", [(5.0, "BX", 1)], 1.0, 1.0, "Ⅰ", 0.7, "Ⅰ"),
    # Rows in any order are the same run.
    ("not in order", [(20.0, "PL", 2), (6.2, "PL", 2), (5.0, "PL", 2)],
     2.133333, 2.133333, "Ⅱ", 1.493333, "Ⅱ"),
    # 渗漏 in a sound pipe beside deposits: F sees the one, not the other.
    ("beside deposits", [(5.0, "SL", 2), (5.0, "CJ", 3)], 2.0, 2.0, "Ⅱ", 1.4, "Ⅱ"),
]  # fmt: skip


@pytest.mark.parametrize("case", STRUCTURAL, ids=[c[0] for c in STRUCTURAL])
def test_the_structural_side_is_what_a_hand_computes(case: tuple[Any, ...]) -> None:
    _, seen, parameter, mean, name, index, klass = case
    found = grade(*seen)
    part, repair = found.structural, found.repair
    assert (part.parameter, part.mean, part.grade) == (parameter, mean, name)
    assert (repair.value, repair.most, repair.name) == (index, index, klass)


# E with F = 5, K = 10: RI = 3.5 + 1 + 0.05 E.
@pytest.mark.parametrize(
    ("diameter", "index"),
    [(599, 4.5), (600, 4.65), (1000, 4.65), (1001, 4.8), (1500, 4.8), (1501, 5.0)],
)
def test_the_diameter_counts_from_600_mm_on_and_its_steps_are_closed_above(
    diameter: float, index: float
) -> None:
    assert grade((5.0, "PL", 3), diameter_mm=diameter).repair.value == index


# F = 5, D = 800: RI = 3.5 + 0.1 K + 0.15 + 0.15 T.
@pytest.mark.parametrize(
    ("importance", "soil", "index"),
    [
        ("交通干道", "一般土层", 4.25),  # 3.5 + 0.6 + 0.15
        ("carriageway", "silty_sand", 5.45),  # 3.5 + 0.3 + 0.15 + 1.5
        ("other", "湿陷性黄土Ⅲ级", 4.85),  # 3.5 + 0 + 0.15 + 1.2
        ("other", "中膨胀土", 4.85),
        ("other", "淤泥", 5.15),
    ],
)
def test_place_and_soil_count_by_their_tables(importance: str, soil: str, index: float) -> None:
    found = grade((5.0, "PL", 3), importance=importance, soil=soil)
    assert found.repair.value == index


def test_soil_counts_below_the_gate_but_not_under_a_sound_pipe() -> None:
    # F = 2: 1.4 + 0.15·10; F = 0: nothing.
    assert grade((5.0, "PL", 2), soil="silty_sand").repair.value == 2.9
    assert grade(soil="silty_sand").repair.value == 0.0


def test_limits_of_classes_belong_to_the_milder_one() -> None:
    # D = 1600 (E = 10), K = 0, F = 5: 3.5 + 0.5 = 4.0. D = 500, K = 0, F = 10: 7.0.
    planned = grade((5.0, "PL", 3), diameter_mm=1600.0, importance="other").repair
    assert (planned.value, planned.name) == (4.0, "Ⅱ")
    soon = grade((5.0, "PL", 4), diameter_mm=500.0, importance="other").repair
    assert (soon.value, soon.name) == (7.0, "Ⅲ")


# (defects, G, MI, class)
FUNCTIONAL: list[tuple[str, list[tuple[Any, ...]], float, float, str]] = [
    # 0.8·10 + 0.15·10 + 0.05·3
    ("full of silt", [(5.0, "CJ", 4)], 10.0, 9.65, "Ⅳ"),
    ("some silt", [(5.0, "CJ", 2)], 2.0, 1.6, "Ⅱ"),
    # 浮渣 is recorded only: neither alone, nor in a mean.
    ("scum", [(5.0, "FZ", 3)], 0.0, 0.0, "Ⅰ"),
    ("scum and silt", [(5.0, "FZ", 3), (9.0, "CJ", 2)], 2.0, 1.6, "Ⅱ"),
    # β = 1.1: Y = 1.1·(2 + 3)/2 = 2.75 < Y_max = 3.
    ("near", [(5.0, "CJ", 2), (6.3, "CQ", 2)], 3.0, 2.4, "Ⅱ"),
    # Y = 1.1·2 = 2.2
    ("near alike", [(5.0, "CJ", 2), (6.3, "SG", 2)], 2.2, 1.76, "Ⅱ"),
    # 0.1 is the mildest obstacle: MI = 0.08.
    ("a pebble", [(5.0, "ZW", 1)], 0.1, 0.08, "Ⅰ"),
    # 异物穿入 is structural.
    ("a pipe through the pipe", [(5.0, "CR", 3)], 0.0, 0.0, "Ⅰ"),
]


@pytest.mark.parametrize("case", FUNCTIONAL, ids=[c[0] for c in FUNCTIONAL])
def test_the_functional_side_is_what_a_hand_computes(case: tuple[Any, ...]) -> None:
    _, seen, parameter, index, klass = case
    found = grade(*seen)
    assert found.functional.parameter == parameter
    assert (found.maintenance.value, found.maintenance.name) == (index, klass)


# (defects, L, S_M, in words)
DENSITIES: list[tuple[list[tuple[Any, ...]], float, float, str]] = [
    ([(5.0, "PL", 2)], 30.0, 0.033333, "local"),  # 2·1/(2·30)
    ([(5.0, "PL", 2)], 10.0, 0.1, "part"),  # exactly 0.1 is no longer local
    ([(1.0, "PL", 2)], 2.0, 0.5, "part"),
    ([(1.0, "PL", 2)], 1.9, 0.526316, "whole"),
    # 10 m of corrosion (0.5) and a crack (2): S = 1.25, (5 + 2)/(1.25·30)
    ([(5.0, "FS", 1, 15.0), (25.0, "PL", 2)], 30.0, 0.186667, "part"),
    # A defect that goes on for 0.4 m counts one metre.
    ([(5.0, "FS", 1, 5.4)], 30.0, 0.033333, "local"),
    # The chain of three is 1.6 m long: 1.5·1.6/(1.5·30)
    ([(5.0, "PL", 1), (5.8, "PL", 1), (6.6, "PL", 1)], 30.0, 0.053333, "local"),
    # (2.2 + 2.2 + 2)/(2.133333·30) = 6.4/64
    ([(5.0, "PL", 2), (6.2, "PL", 2), (20.0, "PL", 2)], 30.0, 0.1, "part"),
    # Corrosion all along, entered from its end: 0.5·30/(0.5·30)
    ([(30.0, "FS", 1, 0.0)], 30.0, 1.0, "whole"),
]


@pytest.mark.parametrize("case", DENSITIES)
def test_the_density_is_what_a_hand_computes(case: tuple[Any, ...]) -> None:
    seen, length, density, words = case
    part = grade(*seen, length_m=length).structural
    assert (part.density, part.spread) == (density, words)


def test_distance_is_from_the_end_of_a_defect_that_goes_on() -> None:
    # Corrosion 5-15 m, crack at 16.2 m: 1.2 m. S = 1.1·(0.5 + 2)/2 = 1.375, F = S_max = 2.
    near = grade((5.0, "FS", 1, 15.0), (16.2, "PL", 2)).structural
    assert (near.n_apart, near.n_near, near.mean, near.parameter) == (0, 2, 1.375, 2.0)
    # A crack inside it is at its place: 0.5 + 2.
    inside = grade((5.0, "FS", 1, 15.0), (9.0, "PL", 2)).structural
    assert (inside.n_apart, inside.n_near, inside.parameter) == (1, 0, 2.5)
    # One that lies inside does not hide how far the long one reaches: 15 to 17 m is 2 m.
    beyond = grade((5.0, "FS", 1, 15.0), (9.0, "PL", 2), (17.0, "PL", 2)).structural
    assert (beyond.n_apart, beyond.n_near, beyond.mean) == (2, 0, 2.25)


def test_the_two_sides_of_a_run_do_not_merge() -> None:
    found = grade((5.0, "PL", 2), (5.0, "CJ", 2))
    assert (found.structural.parameter, found.functional.parameter) == (2.0, 2.0)


def test_what_has_no_score_is_left_out_and_counted() -> None:
    # TL knows two grades, FS three, XX is no code, None is no grade.
    found = grade((1.0, "TL", 3), (5.0, "FS", 4), (9.0, "XX", 2), (12.0, "PL", None),
                  (20.0, "PL", 2))  # fmt: skip
    assert (found.left_out, found.structural.parameter, found.structural.n_apart) == (4, 2.0, 1)


def test_what_is_not_known_widens_the_index_and_nothing_is_made_up() -> None:
    # F = 10: 7 + 0.15 without K and T, 7 + 1 + 0.15 + 1.5 with the most they can be.
    found = grade((5.0, "PL", 4), importance=None, soil=None)
    assert (found.repair.value, found.repair.most) == (7.15, 9.65)
    assert found.not_known == ("importance", "soil")
    # Below the gate only the soil matters: 1.4 to 2.9.
    slight = grade((5.0, "PL", 2), importance=None, soil=None, diameter_mm=None)
    assert (slight.repair.value, slight.repair.most) == (1.4, 2.9)
    # Without a length there is no density, and no choice of a method.
    short = grade((5.0, "PL", 4), length_m=None)
    assert (short.structural.density, short.structural.spread, short.method) == (
        None, None, "undecided",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("seen", "length", "method"),
    [
        ([], 30.0, "none"),
        ([(5.0, "PL", 2)], 30.0, "none"),  # RI 1.4, F 2
        ([(1.1, "PL", 2), (2.1, "PL", 2)], 30.0, "local"),  # RI 3.95 but F 4; S_M 0.033
        ([(5.0, "PL", 4)], 30.0, "local"),  # S_M 0.033
        ([(5.0, "PL", 4)], 8.0, "whole"),  # S_M 0.125
    ],
)
def test_the_method_follows_the_index_and_the_density(
    seen: list[tuple[Any, ...]], length: float, method: str
) -> None:
    assert grade(*seen, length_m=length).method == method


def test_many_runs_at_once_are_each_alone() -> None:
    """The last defect of one run and the first of the next are in two pipes."""
    cases = [c[1] for c in STRUCTURAL] + [c[1] for c in FUNCTIONAL]
    together = grade_runs([run(*seen) for seen in cases], RULES)
    assert together == [grade(*seen) for seen in cases]
    ends = grade_runs([run((29.9, "PL", 2)), run((0.1, "PL", 2))], RULES)
    assert [c.structural.parameter for c in ends] == [2.0, 2.0]


def test_no_runs_are_no_answer() -> None:
    assert grade_runs([], RULES) == []
    assert len(assess([run(), run()], RULES).repair.least) == 2


def test_runs_of_a_whole_county_are_each_what_they_are_alone() -> None:
    """Two defects a metre apart are one, wherever they lie, also in the 90,000th of an array."""
    pairs = [run((n / 100, "PL", 2), (n / 100 + 1, "PL", 2)) for n in range(200)]
    made = assess([run()] * 90_000 + pairs, RULES)
    assert set(made.structural.parameter[90_000:].tolist()) == {4.0}
