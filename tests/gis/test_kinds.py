"""Every kind, present and to come, is complete: words, units, style, storage, history."""

from __future__ import annotations

import importlib
import pkgutil
import re
from typing import get_args

import pytest
from shapely import from_wkb
from sqlalchemy import select, text

import gis.kinds
from gis import attributes, store
from gis.attributes import Attribute, Sensitivity, Unit, Vocabulary
from gis.db.tables import MEASURES, current, history
from gis.errors import NotFoundError
from gis.kinds import KINDS, AnyRecord, Record, declared, get_kind, sensitivity_of
from gis.kinds.base import Stroke
from tests.conftest import OneTransaction
from tests.gis.samples import plain_type, sample_frame, sample_geometry, sample_record

UNITS = [unit for unit in vars(attributes).values() if isinstance(unit, Unit)]
COLOR = re.compile(r"^#[0-9A-F]{6}$")
SYMBOLS = {"circle", "square", "triangle", "diamond"}
each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())


def vocabularies(kind: type[Record]) -> dict[str, type[Vocabulary]]:
    plain = {name: plain_type(info) for name, info in kind.model_fields.items()}
    return {
        name: word
        for name, word in plain.items()
        if isinstance(word, type) and issubclass(word, Vocabulary)
    }


def test_every_kind_file_is_in_the_register_and_named_by_its_key() -> None:
    found = {}
    for module in pkgutil.iter_modules(gis.kinds.__path__):
        names = vars(importlib.import_module(f"gis.kinds.{module.name}"))
        for kind in names.values():
            own = getattr(kind, "__module__", "") == f"gis.kinds.{module.name}"
            if own and isinstance(kind, type) and issubclass(kind, Record) and "kind" in vars(kind):
                found[module.name] = kind
    assert found == KINDS
    assert [kind.kind for kind in get_args(AnyRecord)] == list(KINDS)


def test_an_unknown_kind_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(NotFoundError, match="sewer_pipe"):
        get_kind("'; DROP TABLE core.road")


@each_kind
def test_a_kind_has_words_in_both_languages(kind: type[Record]) -> None:
    chinese = re.compile("[\u4e00-\u9fff]")
    for words in (kind.label, kind.group, *(a.text for a in declared(kind).values())):
        assert chinese.search(words.zh), words
        assert not chinese.search(words.en), words
    assert kind.__doc__


@each_kind
def test_no_two_attributes_of_a_kind_share_a_label_or_an_alias(kind: type[Record]) -> None:
    for language in ("zh", "en"):
        labels = [getattr(a.text, language) for a in declared(kind).values()]
        assert len(labels) == len(set(labels)), sorted(labels)
    aliases = [alias.casefold() for a in declared(kind).values() for alias in set(a.aliases)]
    own = [a for a in declared(kind).values() for _ in {x.casefold() for x in a.aliases}]
    assert len(set(aliases)) == len(own), sorted(aliases)


@each_kind
def test_an_attribute_measured_in_a_unit_ends_with_its_suffix(kind: type[Record]) -> None:
    by_length = sorted(UNITS, key=lambda unit: -len(unit.suffix))
    for name, mark in declared(kind).items():
        ends_with = next((unit for unit in by_length if name.endswith(unit.suffix)), None)
        assert mark.unit == ends_with, name


@each_kind
def test_every_attribute_names_the_source_of_its_definition(kind: type[Record]) -> None:
    for name, mark in declared(kind).items():
        assert isinstance(mark, Attribute)
        assert mark.source, name
        assert not mark.verified, f"{name}: only a person who read the original may say verified"


@each_kind
def test_dates_moments_and_yes_or_no_attributes_are_named_so(kind: type[Record]) -> None:
    for name, info in kind.model_fields.items():
        plain = plain_type(info)
        if getattr(plain, "__name__", "") == "date":
            assert name.endswith("_on"), name
        if getattr(plain, "__name__", "") == "datetime":
            assert name.endswith("_at"), name
        if name.endswith("_on"):
            assert plain.__name__ == "date", name
        if name.endswith("_at"):
            assert plain.__name__ == "datetime", name


@each_kind
def test_words_of_a_vocabulary_are_distinct_and_no_alias_means_two_of_them(
    kind: type[Record],
) -> None:
    for name, vocabulary in vocabularies(kind).items():
        spellings: dict[str, str] = {}
        for member in vocabulary:
            for word in {member.value, member.text.zh, member.text.en, *member.aliases}:
                assert spellings.setdefault(word.casefold(), member.value) == member.value, (
                    name,
                    word,
                )


@each_kind
def test_the_style_draws_every_word_it_colours_by(kind: type[Record]) -> None:
    style = kind.style
    strokes: list[Stroke] = list(style.strokes.values())
    for color in (style.color, *(s.color for s in strokes)):
        assert COLOR.match(color), color
    assert {s.symbol for s in strokes} <= SYMBOLS
    assert 0 <= style.fill_opacity <= 1
    if style.color_by is None:
        assert not strokes
        return
    words = {member.value for member in vocabularies(kind)[style.color_by]}
    assert set(style.strokes) == words
    looks = [(s.color, s.dash, s.symbol) for s in strokes]
    # A printed or colour-blind reader tells two words by dash or symbol where colours meet.
    assert len(set(looks)) > 1


@each_kind
def test_the_zoom_contract_is_in_order(kind: type[Record]) -> None:
    zoom = kind.zoom
    assert 0 <= zoom.features_from <= zoom.detail_from <= 22
    assert zoom.named_from <= zoom.detail_from
    assert max(zoom.features_from, zoom.named_from) <= zoom.labels_from <= 22
    assert 0 <= zoom.simplify_below <= 22
    if zoom.ranked is not None:
        name, first = zoom.ranked
        assert set(first) <= {member.value for member in vocabularies(kind)[name]}
        assert all(zoom.features_from <= level <= 22 for level in first.values())
    assert set(kind.tile_extras) <= set(declared(kind))


@each_kind
def test_sensitivity_is_never_below_the_kinds_own(kind: type[Record]) -> None:
    for name in declared(kind):
        assert sensitivity_of(kind, name).covers(kind.sensitivity)
    style = kind.style.color_by
    for name in ("code", "name", *kind.tile_extras, *([style] if style else [])):
        assert sensitivity_of(kind, name) == kind.sensitivity, f"{name} is drawn for every reader"


def test_people_inverts_and_money_are_restricted() -> None:
    restricted = {
        f"{kind.kind}.{name}"
        for kind in KINDS.values()
        for name in declared(kind)
        if sensitivity_of(kind, name) is Sensitivity.RESTRICTED
    }
    assert {
        "sewer_pipe.up_invert_m",
        "sewer_pipe.down_invert_m",
        "sewer_manhole.bottom_m",
        "gas_site.contact",
        "road.responsible",
        "project.money",
    } <= restricted


@each_kind
def test_a_full_record_comes_back_as_it_was_and_is_in_history(
    kind: type[Record], db: OneTransaction
) -> None:
    record, shape = sample_record(kind, full=True), sample_geometry(kind)
    with db.write(actor="tester", reason="round trip") as connection:
        identifier = store.add(connection, record, shape)
        for table in (current[kind.kind], history[kind.kind]):
            row = dict(
                connection.execute(select(table).where(table.c.id == identifier)).mappings().one()
            )
            stored = kind.model_validate({name: row[name] for name in kind.model_fields})
            assert stored == record
            assert from_wkb(bytes(row["geometry"].data)).normalize() == shape.normalize()
            assert (row["version"], row["recorded_by"], row["reason"]) == (
                1,
                "tester",
                "round trip",
            )
            if measure := MEASURES.get(kind.geometry_type):
                assert row[measure] > 100


@each_kind
def test_a_frame_loads_once_changes_once_and_every_version_stays(
    kind: type[Record], db: OneTransaction
) -> None:
    frame = sample_frame(kind, "A-1", "A-2", full=True)
    with db.write(actor="tester", reason="first") as connection:
        counts = store.load_rows(connection, kind.kind, frame)
        assert (counts.added, counts.changed, counts.unchanged) == (2, 0, 0)
        again = store.load_rows(connection, kind.kind, frame)
        assert (again.added, again.changed, again.unchanged) == (0, 0, 2)
        frame.loc[0, "note"] = "改"
        changed = store.load_rows(connection, kind.kind, frame)
        assert (changed.added, changed.changed, changed.unchanged) == (0, 1, 1)
        # One transaction leaves one version, however often it changed its mind.
        versions = connection.execute(
            text(f"SELECT code, version, note FROM history.{kind.kind} ORDER BY code")
        ).all()
    assert [tuple(v) for v in versions] == [("A-1", 1, "改"), ("A-2", 1, frame.loc[1, "note"])]


@each_kind
def test_the_smallest_record_is_stored_too(kind: type[Record], db: OneTransaction) -> None:
    with db.write(actor="tester", reason="smallest") as connection:
        store.add(connection, sample_record(kind), sample_geometry(kind))
        assert store.count_rows(connection, [kind.kind]) == {kind.kind: 1}


@each_kind
def test_the_database_refuses_a_word_outside_the_vocabulary(
    kind: type[Record], db: OneTransaction
) -> None:
    with db.write(actor="tester", reason="words") as connection:
        identifier = store.add(connection, sample_record(kind), sample_geometry(kind))
        for name in vocabularies(kind):
            savepoint = connection.begin_nested()
            with pytest.raises(Exception, match=f"ck_{kind.kind}_{name}"):
                connection.execute(
                    text(f"UPDATE core.{kind.kind} SET {name} = 'nonsense' WHERE id = :id"),
                    {"id": identifier},
                )
            savepoint.rollback()


@each_kind
@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_the_database_refuses_numbers_that_are_none(
    kind: type[Record], value: str, db: OneTransaction
) -> None:
    floats = [n for n, info in kind.model_fields.items() if plain_type(info) is float]
    with db.write(actor="tester", reason="numbers") as connection:
        identifier = store.add(connection, sample_record(kind), sample_geometry(kind))
        for name in floats:
            savepoint = connection.begin_nested()
            with pytest.raises(Exception, match=f"ck_{kind.kind}_{name}"):
                connection.execute(
                    text(f"UPDATE core.{kind.kind} SET {name} = CAST(:v AS float8) WHERE id = :id"),
                    {"id": identifier, "v": value},
                )
            savepoint.rollback()
