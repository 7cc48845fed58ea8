"""Rule sets as data: classes, edges, marks, and what a wrong one is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gis.coverage.rulesets import (
    FOLDER,
    Speed,
    known_rulesets,
    load_ruleset,
    parse_ruleset,
    read_ruleset,
)
from gis.errors import InputError, NotFoundError

TEXT = (FOLDER / "yuanlin-2022.toml").read_text(encoding="utf-8")


def test_the_rule_sets_of_the_notes_are_there() -> None:
    assert known_rulesets() == (
        "circle-15min", "county-old", "gbt50563-2010", "tijian-2021", "yuanlin-2022",
    )  # fmt: skip
    for version in known_rulesets():
        assert load_ruleset(version).version == version


@pytest.mark.parametrize(
    ("version", "area_m2", "radius_m"),
    [
        ("tijian-2021", 1999.99, None), ("tijian-2021", 2000, 300), ("tijian-2021", 4999.99, 300),
        ("tijian-2021", 5000, 500), ("yuanlin-2022", 399, None), ("yuanlin-2022", 400, 300),
        ("yuanlin-2022", 5000, 500), ("gbt50563-2010", 4999, None), ("gbt50563-2010", 5000, 500),
        ("county-old", 999, None), ("county-old", 1000, 500),
    ],
)  # fmt: skip
def test_the_edge_of_a_class_belongs_to_the_class_from_there_on(
    version: str, area_m2: float, radius_m: float | None
) -> None:
    rules = load_ruleset(version)
    radius = rules.radii(rules.classify(np.array([area_m2], dtype=float)))[0]
    assert (None if np.isnan(radius) else radius) == radius_m


def test_what_was_not_read_says_so() -> None:
    assert all(load_ruleset(version).is_unverified for version in known_rulesets())
    read = load_ruleset("tijian-2021").facility_class
    assert not any(rule.is_unverified for rule in read)
    for version in ("gbt50563-2010", "yuanlin-2022", "county-old", "circle-15min"):
        assert all(rule.is_unverified for rule in load_ruleset(version).facility_class)
    assert load_ruleset("county-old").superseded


def test_targets_are_those_of_the_notes() -> None:
    garden = load_ruleset("yuanlin-2022")
    assert [(t.key, t.comparison, t.percent) for t in garden.target] == [
        ("garden", ">=", 85.0), ("eco-garden", ">=", 90.0),
    ]  # fmt: skip
    assert load_ruleset("tijian-2021").find_target(None) is None
    floor = load_ruleset("gbt50563-2010").find_target("mandatory")
    assert floor is not None
    assert (floor.comparison, floor.percent) == (">", 80.0)


def test_the_circle_is_minutes_at_a_speed_that_is_said() -> None:
    circle = load_ruleset("circle-15min")
    assert circle.walking is not None
    assert circle.walking.m_per_s == 1.0
    assert circle.minutes(np.array([0, -1]))[0] == 15.0


def test_overlapping_classes_are_refused() -> None:
    with pytest.raises(InputError, match="overlap") as refused:
        parse_ruleset(TEXT.replace("max_area_m2 = 5000.0", "max_area_m2 = 6000.0"))
    assert "互相重叠" in refused.value.message.zh


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        ("radius_m = 300.0", "radius_m = 0.0"),
        ('mark = "memory"', 'mark = "read"'),
        ("percent = 85.0", "percent = 850.0"),
        ("standard", "standart"),
        ("[base]", "[base"),
    ],
)
def test_a_wrong_file_is_refused_in_words(written: str, wrong: str) -> None:
    with pytest.raises(InputError, match="rule set is wrong"):
        parse_ruleset(TEXT.replace(written, wrong))


def test_a_bureau_writes_its_own_under_its_own_name(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(TEXT, encoding="utf-8")
    with pytest.raises(InputError, match="own-"):
        read_ruleset(file)
    file.write_text(TEXT.replace('"yuanlin-2022"', '"own-county"'), encoding="utf-8")
    assert read_ruleset(file).version == "own-county"


def test_an_unknown_one_is_not_found() -> None:
    with pytest.raises(NotFoundError, match="tijian-2021"):
        load_ruleset("tijian-2031")


def test_a_speed_nobody_has_read_makes_a_rule_unverified() -> None:
    rules = load_ruleset("tijian-2021")
    read = {"mark": "read", "source": "the printed text"}
    known = rules.model_copy(
        update={
            name: tuple(one.model_copy(update=read) for one in part)
            if isinstance(part := getattr(rules, name), tuple)
            else part.model_copy(update=read)
            for name in ("base", "parts", "facility_class", "target")
        }
    )
    assert not known.is_unverified
    speed = Speed(clause="4.2", mark="memory", m_per_s=1.0)
    assert known.model_copy(update={"walking": speed}).is_unverified
