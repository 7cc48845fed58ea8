"""What a portable map carries: what its reader may see, exactly, and not too much."""

import base64
import gzip
import json
from typing import Any

import pytest
from sqlalchemy import text

from gis.attributes import Language, Sensitivity
from gis.db.roles import Pool
from gis.errors import ParameterError
from gis.geometry import BBox
from gis.kinds import KINDS, sensitivity_of
from layers import payload
from layers.payload import pack, read_contents
from tests.conftest import OneTransaction
from tests.layers.county import load_county, make_row, place


def unpack(packed: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(packed)))
    return document


def test_every_row_and_every_visible_value_arrives_as_it_was_stored(db: OneTransaction) -> None:
    with db.write(actor="t", reason="t") as connection:
        load_county(connection, each=7)
    contents = read_contents(db, list(KINDS), pool=Pool.STAFF)
    kinds = unpack(pack(contents, {}, pool=Pool.STAFF))["kinds"]
    assert set(kinds) == set(KINDS)
    for name, kind in KINDS.items():
        columns = kinds[name]["columns"]
        codes = columns["code"]
        assert len(codes) == 7
        for number in range(7):
            wanted = make_row(kind, number)
            at = codes.index(wanted["code"])
            assert columns["note"][at] == wanted["note"]
            _, *parts = kinds[name]["shapes"][at]
            bounds = place(kind, number).bounds
            assert (parts[0][0], parts[0][1]) != (0, 0)
            lons = [sum(parts[0][0 : 2 * i + 1 : 2]) / 1e6 for i in range(len(parts[0]) // 2)]
            assert min(lons) == pytest.approx(bounds[0], abs=1e-6)
            assert max(lons) == pytest.approx(bounds[2], abs=1e-6)


@pytest.mark.parametrize("pool", [Pool.PUBLIC, Pool.FIELD, Pool.STAFF, Pool.JOBS])
def test_no_restricted_attribute_is_carried_and_the_public_sees_public_kinds(
    db: OneTransaction, pool: Pool
) -> None:
    with db.write(actor="t", reason="t") as connection:
        load_county(connection, each=2)
    contents = read_contents(db, list(KINDS), pool=pool)
    kinds = unpack(pack(contents, {}, pool=pool))["kinds"]
    limit = Sensitivity.PUBLIC if pool is Pool.PUBLIC else Sensitivity.INTERNAL
    assert set(kinds) == {n for n, k in KINDS.items() if limit.covers(k.sensitivity)}
    for name, data in kinds.items():
        for column in set(data["columns"]) & set(KINDS[name].model_fields):
            assert limit.covers(sensitivity_of(KINDS[name], column)), column
    if pool is Pool.STAFF:
        assert "responsible" not in kinds["sewer_pipe"]["columns"]


def test_the_same_rows_pack_to_the_same_text(db: OneTransaction) -> None:
    with db.write(actor="t", reason="t") as connection:
        load_county(connection, each=3)
    texts = {
        pack(read_contents(db, list(KINDS), pool=Pool.STAFF), {}, pool=Pool.STAFF) for _ in "ab"
    }
    assert len(texts) == 1


def test_a_box_cuts_an_area_out(db: OneTransaction) -> None:
    with db.write(actor="t", reason="t") as connection:
        load_county(connection, each=20)
    # Gas sites lie 0.001 degrees apart from 99.1 on: 99.1, 99.101 and 99.102 are in the box.
    box = BBox(99.0995, 24.99, 99.1025, 25.01)
    contents = read_contents(db, ["gas_site"], pool=Pool.STAFF, bbox=box)
    assert len(contents.features["gas_site"]) == 3


def test_too_many_features_are_refused_with_a_way_out(
    db: OneTransaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    with db.write(actor="t", reason="t") as connection:
        load_county(connection, each=3)
    monkeypatch.setattr(payload, "MAX_FEATURES", 35)
    with pytest.raises(ParameterError) as refused:
        read_contents(db, list(KINDS), pool=Pool.STAFF)
    assert refused.value.facts["count"] == 3 * len(KINDS) == 48
    assert "bbox" in refused.value.text(Language.ZH)
    assert "live map" in refused.value.text(Language.EN)


def test_counts_are_those_of_the_database(db: OneTransaction) -> None:
    with db.write(actor="t", reason="t") as connection:
        load_county(connection, each=11)
        rows = connection.execute(
            text("SELECT progress, count(*)::int AS n FROM core.road GROUP BY progress")
        ).all()
    contents = read_contents(db, ["road"], pool=Pool.STAFF)
    assert contents.count_values(KINDS["road"]).by_value == {row.progress: row.n for row in rows}
