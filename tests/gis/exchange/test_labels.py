"""Check characters against published examples, and against what people do wrong."""

from __future__ import annotations

from uuid import UUID

import pytest

from gis.exchange.labels import ALPHABET, check_character, write_code, write_identifier

PUBLISHED = {
    "A12425GABC1234002": "M",  # Global Release Identifier (GRid), its standard's example
    "00000000D07A0090": "Q",  # ISAN 0000-0000-D07A-0090-Q-0000-0000-X: the first of the two,
    "00000000D07A009000000000": "X",  # and the one over the whole
}


@pytest.mark.parametrize(("text", "check"), PUBLISHED.items())
def test_check_characters_are_those_of_published_identifiers(text: str, check: str) -> None:
    assert check_character(text) == check


def test_every_single_wrong_character_is_found() -> None:
    right = "RQ00017"
    check = check_character(right)
    for at, was in enumerate(right):
        for other in set(ALPHABET) - {was}:
            assert check_character(right[:at] + other + right[at + 1 :]) != check


def test_characters_that_changed_places_are_found() -> None:
    codes = [f"WS03{n:06d}" for n in range(0, 40_000, 37)]
    swaps = missed = 0
    for code in codes:
        for at in range(len(code) - 1):
            swapped = code[:at] + code[at + 1] + code[at] + code[at + 2 :]
            if swapped != code:
                swaps += 1
                missed += check_character(swapped) == check_character(code)
    assert swaps > 3000
    assert missed / swaps < 0.002  # ISO/IEC 7064: all but the rarest


def test_a_code_with_other_characters_is_shown_as_it_is() -> None:
    assert write_code("锦绣1号") == "锦绣1号"
    assert write_code("rq-0001") == f"rq-0001-{check_character('RQ0001')}"


def test_an_identifier_carries_its_check_character() -> None:
    plain = "0190C0DE000070008000000000000004"
    assert write_identifier(UUID(plain)) == plain + check_character(plain)
