"""Every number of a grade can be followed to its clause, its inputs and its mark."""

from __future__ import annotations

from gis.network.condition import Run, Seen
from gis.network.condition_explain import Term, explain
from gis.network.condition_rules import load_rules

RULES = load_rules("cjj181-2012")


def terms_of(*seen: Seen, soil: str | None = "ordinary") -> list[Term]:
    return explain(Run(30.0, 800.0, "centre", soil, seen), RULES)


def pick(terms: list[Term], symbol: str, part: str = "structural") -> Term:
    (found,) = [t for t in terms if t.symbol == symbol and t.part == part]
    return found


def test_one_collapse_is_explained_from_its_score_to_its_class() -> None:
    terms = terms_of(Seen(3.0, "PL", 4))
    assert pick(terms, "P").text.zh == "3 m PL4 破裂,分值 10"
    figures = {s: pick(terms, s).value for s in ("S", "S_max", "F", "K", "E", "T", "RI")}
    assert figures == {
        "S": 10.0, "S_max": 10.0, "F": 10.0, "K": 10.0, "E": 3.0, "T": 0.0, "RI": 8.15,
    }  # fmt: skip
    assert pick(terms, "RI →").value == "Ⅳ"
    assert pick(terms, "RI").text.en == "RI = 0.7 F + 0.1 K + 0.05 E + 0.15 T"
    assert "D = 800 mm" in pick(terms, "E").text.zh


def test_an_explanation_says_what_rests_on_memory() -> None:
    """One crack rests on quoted rules; merging, the gate on K and all of MI do not."""
    alone = terms_of(Seen(3.0, "PL", 2))
    assert not pick(alone, "F").as_document()["unverified"]
    assert pick(alone, "RI").as_document()["unverified"]  # K was gated
    collapse = terms_of(Seen(3.0, "PL", 4))
    assert not pick(collapse, "K").as_document()["unverified"]
    assert not pick(collapse, "RI").as_document()["unverified"]
    assert pick(collapse, "S_M").as_document()["unverified"]  # counts one metre
    merged = terms_of(Seen(3.0, "PL", 2), Seen(3.5, "SL", 2))
    for symbol in ("P", "S", "S_max", "F", "RI"):
        assert pick(merged, symbol).as_document()["unverified"], symbol
    silt = terms_of(Seen(3.0, "CJ", 2))
    assert pick(silt, "G", "functional").as_document()["unverified"]
    assert not pick(silt, "F").as_document()["unverified"]


def test_every_term_has_words_in_both_languages_and_a_clause() -> None:
    seen = (Seen(3.0, "PL", 4), Seen(3.5, "SL", 2), Seen(4.9, "CK", 2), Seen(8.0, "CJ", 3, 12.0))
    for term in terms_of(*seen, Seen(7.0, "FZ", 1), Seen(9.0, "??", None), soil=None):
        document = term.as_document()
        assert document["text"]["zh"]
        assert document["text"]["en"]
        if term.rests_on:
            assert all(rule["clause"] for rule in document["rules"]), term.symbol


def test_merging_spacing_and_the_cap_are_said_in_words() -> None:
    terms = terms_of(Seen(3.0, "PL", 4), Seen(3.5, "SL", 2), Seen(4.9, "CK", 2))
    first = next(t for t in terms if t.symbol == "P")
    assert first.value == 10.0
    assert "10 + 2 = 12" in first.text.en
    assert "at most 10" in first.text.en
    near = next(t for t in terms if t.symbol == "α")
    assert "1.4 m" in near.text.zh  # 4.9 - 3.5


def test_what_is_left_out_is_named() -> None:
    terms = terms_of(Seen(7.0, "FZ", 1), Seen(9.0, "QQ", 2))
    assert [t.text.zh for t in terms if t.symbol == "-"] == [
        "7 m FZ1:只记录,不参与计算", "9 m QQ2:只记录,不参与计算",
    ]  # fmt: skip


def test_an_unknown_soil_says_how_high_the_index_may_be() -> None:
    terms = terms_of(Seen(3.0, "PL", 4), soil=None)
    assert pick(terms, "T").value is None
    assert "9.65" in pick(terms, "RI").text.zh  # 8.15 + 0.15·10
