"""Models come in: ours as they went out, hostile ones are refused at their line."""

from __future__ import annotations

from pathlib import Path

import pytest
from shapely import LineString, Point
from sqlalchemy import Connection, text

from gis import store
from gis.db.handle import PooledDatabase
from gis.errors import InputError, SourceError
from gis.kinds import KINDS
from gis.kinds.sewer_pipe import PipeSystem
from gis.network.asking import asking
from gis.network.swmm_export import Model, export_swmm
from gis.network.swmm_import import SwmmImport, import_swmm
from gis.network.swmm_read import parse_inp
from gis.network.swmm_tables import read_tables
from tests.conftest import OneTransaction
from tests.gis.network.drawn import draw
from tests.gis.network.test_topology import at, settle

KEPT = {
    "sewer_manhole": "id, code, name, source, system, manhole_type, ground_m, bottom_m",
    "sewage_facility": "id, code, name, source, facility_type",
    "sewer_pipe": "id, code, name, source, system, up_node, down_node, diameter_mm, width_mm,"
    " height_mm, up_invert_m, down_invert_m, material, surveyed_flow, shape",
}


def draw_chinese(connection: Connection) -> None:
    """The drawn network, and a street with Chinese codes, hostile names, a box and a loose end."""
    draw(connection)

    def add(kind: str, geometry: Point | LineString, **values: object) -> None:
        store.add(connection, KINDS[kind].model_validate(values), geometry)

    for k, code in enumerate(("污-一", "污-二", 'ws;3 "x"')):
        add(
            "sewer_manhole", Point(at(30 * k, 500)), code=code, system="sanitary",
            name='文庙街 "东" ; [口]\u2028\n' * 8, ground_m=102.0, bottom_m=98.0 - k,
            source="普查", source_code=f"S{k}",
        )  # fmt: skip
    add(
        "sewer_pipe", LineString([at(0, 500), at(10, 510), at(30, 500)]), code="管一", name="一段",
        system="sanitary", up_node="污-一", down_node="污-二", shape="rectangular", width_mm=1200,
        height_mm=800, material="brick", up_invert_m=98.0, down_invert_m=97.5,
        source="普查", source_code="P1",
    )  # fmt: skip
    # Drawn to a place three metres from the manhole it names.
    add(
        "sewer_pipe", LineString([at(30, 500), at(57, 500)]), code="管二", system="sanitary",
        up_node="污-二", down_node="ws;3 \"x\"", diameter_mm=300,
    )  # fmt: skip
    settle(connection)


def list_rows(connection: Connection, kind: str) -> dict[str, tuple[object, ...]]:
    rows = connection.execute(text(f"SELECT {KEPT[kind]} FROM core.{kind} ORDER BY code")).all()
    return {row[1]: tuple(row) for row in rows}


@pytest.fixture
def drawn(db: OneTransaction) -> OneTransaction:
    with db.write(actor="t", reason="t") as connection:
        draw_chinese(connection)
    return db


def write(model: Model, folder: Path) -> Path:
    path = folder / "model.inp"
    path.write_text(model.as_inp(), encoding="utf-8")
    return path


def totals(done: SwmmImport) -> tuple[int, int, int]:
    counts = done.loaded.values()
    return (
        sum(c.added for c in counts),
        sum(c.changed for c in counts),
        sum(c.unchanged for c in counts),
    )


def test_names_are_ascii_and_lines_fit_the_solver(drawn: OneTransaction) -> None:
    model = export_swmm(asking(drawn.connection))
    names = [*model.node_names, *model.pipe_names]
    assert all(name.isascii() and " " not in name and len(name) <= 31 for name in names)
    lines = model.as_inp().split("\n")
    assert max(len(line.encode()) for line in lines) < 1024
    assert "污-一" in model.mapping_csv()


def test_our_own_file_changes_nothing_where_it_came_from(
    drawn: OneTransaction, tmp_path: Path
) -> None:
    before = {kind: list_rows(drawn.connection, kind) for kind in KEPT}
    path = write(export_swmm(asking(drawn.connection), planned=True), tmp_path)
    done = import_swmm(drawn, path, actor="t")
    assert not done.refusals
    added, changed, unchanged = totals(done)
    assert (added, changed) == (0, 0)
    assert unchanged == 8 + 3 + 8 + 2
    assert {kind: list_rows(drawn.connection, kind) for kind in KEPT} == before


def test_an_egg_of_which_one_size_is_known_keeps_that_size(
    drawn: OneTransaction, tmp_path: Path
) -> None:
    egg = {"code": "蛋", "system": "sanitary", "up_node": "污-一", "down_node": "污-二",
           "shape": "egg", "diameter_mm": 600}  # fmt: skip
    with drawn.write(actor="t", reason="t") as connection:
        kind = KINDS["sewer_pipe"]
        store.add(connection, kind.model_validate(egg), LineString([at(0, 500), at(30, 500)]))
        settle(connection)
    path = write(export_swmm(asking(drawn.connection), planned=True), tmp_path)
    assert totals(import_swmm(drawn, path, actor="t")) == (0, 0, 22)
    name = next(line.split()[0] for line in path.read_text().split("\n") if " EGG " in line)
    larger = path.read_text().replace(f"{name:<16} EGG 0.6000", f"{name:<16} EGG 0.9000")
    path.write_text(larger, encoding="utf-8")
    assert totals(import_swmm(drawn, path, actor="t")) == (0, 1, 21)
    sizes = text("SELECT diameter_mm, height_mm FROM core.sewer_pipe WHERE code = '蛋'")
    assert tuple(drawn.connection.execute(sizes).one()) == (900.0, None)


def test_our_own_file_restores_ids_codes_and_names_elsewhere(
    drawn: OneTransaction, fresh_database: PooledDatabase, tmp_path: Path
) -> None:
    path = write(export_swmm(asking(drawn.connection), planned=True), tmp_path)
    assert totals(import_swmm(fresh_database, path, actor="t")) == (21, 0, 0)
    assert totals(import_swmm(fresh_database, path, actor="t")) == (0, 0, 21)
    with fresh_database.read() as connection:
        for kind in KEPT:
            for code, row in list_rows(connection, kind).items():
                assert row == list_rows(drawn.connection, kind)[code]
        wide = connection.execute(
            text("SELECT count(*) FROM core.sewer_pipe WHERE ST_NPoints(geometry) > 2")
        )
        assert wide.scalar_one() == 3


def test_what_was_assumed_is_no_record(drawn: OneTransaction, tmp_path: Path) -> None:
    path = write(export_swmm(asking(drawn.connection)), tmp_path)
    import_swmm(drawn, path, actor="t")
    row = list_rows(drawn.connection, "sewer_pipe")["管二"]
    assert row[-5:-3] == (None, None)


def test_a_corrected_model_changes_what_it_says_and_nothing_else(
    drawn: OneTransaction, tmp_path: Path
) -> None:
    model = export_swmm(asking(drawn.connection), planned=True)
    name = model.pipe_names[list(model.part.pipes["code"]).index("管一")]
    path = tmp_path / "corrected.inp"
    said = model.as_inp().replace(
        f"{name:<16} RECT_CLOSED 0.8000", f"{name:<16} RECT_CLOSED 1.0000"
    )
    path.write_text(said, encoding="utf-8")
    assert totals(import_swmm(drawn, path, actor="t", dry_run=True)) == (0, 1, 20)
    assert list_rows(drawn.connection, "sewer_pipe")["管一"][9] == 800
    assert totals(import_swmm(drawn, path, actor="t")) == (0, 1, 20)
    assert list_rows(drawn.connection, "sewer_pipe")["管一"][9] == 1000
    assert totals(import_swmm(drawn, path, actor="t")) == (0, 0, 21)


def test_without_descriptions_ids_still_hold_and_nothing_empty_is_filled(
    drawn: OneTransaction, tmp_path: Path
) -> None:
    """Other software drops comments and keeps tags."""
    before = {kind: list_rows(drawn.connection, kind) for kind in KEPT}
    text_ = export_swmm(asking(drawn.connection), planned=True).as_inp()
    plain = "\n".join(line for line in text_.split("\n") if not line.startswith(";"))
    path = tmp_path / "plain.inp"
    path.write_text(plain, encoding="utf-8")
    with pytest.raises(SourceError, match="--crs"):
        import_swmm(drawn, path, actor="t")
    done = import_swmm(drawn, path, actor="t", crs="EPSG:4542", system=PipeSystem.SANITARY)
    assert totals(done)[0] == 0
    assert sum(totals(done)) > 15
    # A model knows no types of facilities, and the description that did is lost.
    assert [(r.field, r.value) for r in done.refusals] == [("facility_type", "OUT")]
    assert "description_lost" in {f.rule for f in done.findings}
    for kind in ("sewer_manhole", "sewer_pipe"):
        for code, row in list_rows(drawn.connection, kind).items():
            if kind == "sewer_pipe" and code == "9":  # its conduit runs as it was surveyed
                continue
            kept = before[kind][code]
            assert [a for a, b in zip(kept, row, strict=True) if a != b and a is None] == []


# --- somebody else's files ----------------------------------------------------------------------

SMALL = """[OPTIONS]
FLOW_UNITS {units}
[JUNCTIONS]
J1\t10\t6
"井 二" 9 6
[OUTFALLS]
O1 8 FREE NO
[CONDUITS]
C1 J1 "井 二" 100 0.013 0.5 0 ; told by the surveyor
C2 "井 二" O1 100 0.013 0 0
[XSECTIONS]
C1 CIRCULAR 1 0 0 0 1
C2 DUMMY 0 0 0 0 1
[COORDINATES]
J1 500000 2766000
"井 二" 500100 2766000
O1 500200 2766000
[VERTICES]
C1 500050 2766010
"""


@pytest.mark.parametrize(("units", "metres"), [("CFS", 0.3048), ("LPS", 1.0), ("MGD", 0.3048)])
def test_units_are_converted(db: OneTransaction, tmp_path: Path, units: str, metres: float) -> None:
    path = tmp_path / "small.inp"
    path.write_text(SMALL.format(units=units), encoding="gb18030")
    done = import_swmm(db, path, actor="t", crs="EPSG:4542", system=PipeSystem.STORM)
    assert totals(done) == (5, 0, 0)
    assert totals(import_swmm(db, path, actor="t", crs="EPSG:4542", system=PipeSystem.STORM)) == (
        0, 0, 5,
    )  # fmt: skip
    rows = db.connection.execute(
        text(
            "SELECT code, up_node, down_node, up_invert_m, diameter_mm, declared_length_m,"
            " ST_NPoints(geometry), source FROM core.sewer_pipe ORDER BY code"
        )
    ).all()
    assert rows[0][:3] == ("C1", "J1", "井 二")
    assert rows[0][3:6] == pytest.approx((10.5 * metres, 1000 * metres, 100 * metres))
    assert rows[0][6:] == (3, "small.inp")
    assert rows[1].diameter_mm is None
    assert {f.rule for f in done.findings} == {"other_section"}
    outlet = db.connection.execute(
        text("SELECT manhole_type FROM core.sewer_manhole WHERE code = 'O1'")
    ).scalar_one()
    assert outlet == "outfall_node"


def test_elevations_are_levels_and_a_star_is_the_nodes() -> None:
    said = SMALL.format(units="CMS\nLINK_OFFSETS ELEVATION").replace("0.5 0 ;", "10.5 * ;")
    pipes = read_tables(parse_inp(said)).pipes
    assert [pipes.columns[n][0] for n in ("inlet", "outlet")] == [10.5, 9]


def test_the_system_and_the_crs_are_asked_for(db: OneTransaction, tmp_path: Path) -> None:
    path = tmp_path / "small.inp"
    path.write_text(SMALL.format(units="CMS"), encoding="utf-8")
    with pytest.raises(InputError, match="--system"):
        import_swmm(db, path, actor="t", crs="EPSG:4542")
    with pytest.raises(SourceError, match="--crs"):
        import_swmm(db, path, actor="t", system=PipeSystem.STORM)


GOOD = SMALL.format(units="CMS")
HOSTILE = {
    "blank": ("\n" * 1_000_000, "no nodes"),
    "nothing": ("", "no nodes"),
    "prose": ("dear sir\n" + GOOD, "line 1"),
    "open section": (GOOD + "[COORD\n", "damaged name"),
    "many sections": ("".join(f"[S{k}]\n" for k in range(300)), "too many"),
    "long line": ("[TITLE]\n" + "x" * 20_000, "longer than"),
    "repeat": (GOOD.replace("O1 8 FREE NO", "o1 8 FREE NO\nj1 3 FREE NO"), "line 8.*line 4"),
    "repeated link": (GOOD.replace("C2 \"", "c1 \""), "line 10.*line 9"),
    "not a number": (GOOD.replace("\t10\t6", "\tNaN\t6"), "line 4.*finite"),
    "infinite": (GOOD.replace("500200", "1e999"), "line 17.*finite"),
    "no length": (GOOD.replace("O1 100 ", "O1 0 "), "line 10.*more than 0"),
    "short row": (GOOD.replace("J1 500000 2766000", "J1 500000"), "line 15"),
    "unknown node": (GOOD.replace("\"井 二\" O1", "J9 O1"), "line 10.*J9"),
    "unknown units": (GOOD.replace("CMS", "BUCKETS"), "line 2.*BUCKETS"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_at_its_line(name: str) -> None:
    words, said = HOSTILE[name]
    with pytest.raises(InputError, match=f"(?s){said}") as caught:
        read_tables(parse_inp(words))
    assert any("一" <= letter <= "鿿" for letter in caught.value.message.zh)


@pytest.mark.parametrize("raw", [GOOD.encode("utf-16"), b"\x00" * 100])
def test_a_wrong_encoding_is_refused(db: OneTransaction, tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "x.inp"
    path.write_bytes(raw)
    with pytest.raises(SourceError, match="NUL"):
        import_swmm(db, path, actor="t", crs="EPSG:4542", system=PipeSystem.STORM)


def test_bytes_of_another_encoding_are_taken_in_comments_only(
    db: OneTransaction, tmp_path: Path
) -> None:
    path = tmp_path / "x.inp"
    raw = GOOD.replace("井 二", "J2").encode()
    path.write_bytes(b"[TITLE]\n caf\xe9 \xff\n" + raw)
    done = import_swmm(db, path, actor="t", crs="EPSG:4542", system=PipeSystem.STORM)
    assert totals(done) == (5, 0, 0)
    path.write_bytes(raw.replace(b"J2", b"J\xff"))
    with pytest.raises(InputError, match="line 5"):
        import_swmm(db, path, actor="t", crs="EPSG:4542", system=PipeSystem.STORM)


def test_loops_and_what_has_no_place_are_findings() -> None:
    said = GOOD.replace('"井 二" O1 100', "O1 O1 100").replace("J1 500000 2766000\n", "")
    tables = read_tables(parse_inp(said))
    assert {"self_loop", "no_place", "node_without_place"} <= {f.rule for f in tables.findings}


def test_a_described_id_of_a_thousand_brackets_is_nobodys_description() -> None:
    said = GOOD.replace("J1\t10", ';{"a":' + "[" * 1200 + "]" * 1200 + "}\nJ1\t10")
    assert read_tables(parse_inp(said)).nodes.facts[0] is None


def test_a_line_that_is_a_record_another_line_is_already_is_refused(
    db: OneTransaction, tmp_path: Path
) -> None:
    """One is known by its id, the other by the source and the code it has there."""
    path = tmp_path / "a.inp"
    path.write_text(SMALL.format(units="LPS"), encoding="utf-8")
    import_swmm(db, path, actor="t", crs="EPSG:4542", system=PipeSystem.STORM, source="a.inp")
    found = "SELECT id::text FROM core.sewer_manhole WHERE source_code = 'J1'"
    [identifier] = db.connection.execute(text(found)).scalars()
    said = SMALL.format(units="LPS").replace("J1\t10\t6", "J1\t10\t6\nJ9\t10\t6")
    said += f"\n[TAGS]\nNode J9 {identifier}\n[COORDINATES]\nJ9 500050 2750050\n"
    path.write_text(said, encoding="utf-8")
    done = import_swmm(
        db, path, actor="t", crs="EPSG:4542", system=PipeSystem.STORM, source="a.inp"
    )
    assert [r.value for r in done.refusals if "same record" in r.reason.en] in (["J1"], ["J9"])
