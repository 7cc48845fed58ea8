"""Columns are judged as the kind's own model judges a row: same values, faults and messages."""

from __future__ import annotations

import random
from typing import Any

import pytest
from pydantic import ValidationError

from gis.exchange.judge_columns import judge_columns
from gis.kinds import KINDS, Record
from tests.gis.samples import sample_record

Faults = set[tuple[object, str, str]]
"""(attribute, type, message)."""
ROWS, SEED = 150, 20_240_601
HOSTILE: tuple[object, ...] = (
    None, "", " ", "A", " padded ", "x" * 65, "y" * 2001, "NUL\x00", "half\ud800", "\x01", 0, -1,
    9999, 1.5, 1e12, float("nan"), float("inf"), True, "storm", "2015-01-02", "2015-13-40", {}, [],
    {"a": "b"}, {"a": 1},
)  # fmt: skip


def make_rows(kind: type[Record]) -> list[dict[str, Any]]:  # Any: values of any attribute
    """Rows that are mostly right, with something odd or nothing here and there."""
    chance = random.Random(f"{SEED} {kind.kind}")
    sound = sample_record(kind, full=True).model_dump(mode="json")

    def cell(name: str) -> object:
        dice = chance.random()
        return chance.choice(HOSTILE) if dice < 0.02 else None if dice < 0.04 else sound[name]

    return [{name: cell(name) for name in sound} for _ in range(ROWS)]


def judge_row(kind: type[Record], row: dict[str, Any]) -> tuple[dict[str, Any], Faults]:
    """(plain values, faults) of the model; what a row does not say is left out."""
    try:
        record = kind.model_validate({k: v for k, v in row.items() if v is not None})
    except ValidationError as error:
        faults = error.errors(include_url=False)
        return {}, {
            (f["loc"][0], f["type"], "" if f["type"] == "missing" else f["msg"]) for f in faults
        }
    return record.model_dump(mode="json"), set()


@pytest.mark.parametrize("name", KINDS)
def test_a_column_is_judged_as_the_model_judges_its_rows(name: str) -> None:
    kind = KINDS[name]
    rows = make_rows(kind)
    columns = {field: [row[field] for row in rows] for field in rows[0]}
    judged, faults = judge_columns(kind, columns, ROWS)
    accepted = 0
    for i, row in enumerate(rows):
        values, expected = judge_row(kind, row)
        found = {
            (field, wrong[i]["type"], wrong[i]["msg"])
            for field, wrong in faults.items()
            if i in wrong
        }
        assert found <= expected
        assert {fault[0] for fault in found} == {fault[0] for fault in expected}
        if not expected:
            accepted += 1
            assert {field: column[i] for field, column in judged.items()} == values
    assert 0 < accepted < ROWS


def test_what_nobody_speaks_of_has_its_default_or_is_missing() -> None:
    kind = KINDS["sewer_pipe"]
    judged, faults = judge_columns(kind, {"code": ["A", "B"]}, 2)
    assert judged["service_state"].tolist() == ["in_use", "in_use"]
    assert judged["missing"].tolist() == [{}, {}]
    assert judged["material"].tolist() == [None, None]
    assert {field for field, wrong in faults.items() if wrong} == {"system"}
    assert {fault["type"] for fault in faults["system"].values()} == {"missing"}
