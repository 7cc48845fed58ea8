"""import-survey as a person runs it: counts, files written, a dry run, a corrected book."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from api.cli import build_commands
from api.cli_words import Session
from gis.attributes import Language
from gis.db.handle import PooledDatabase
from gis.errors import NotFoundError
from gis.network.survey_read import read_book
from gis.settings import Settings
from tests.gis.network.survey_books import write_workbook
from tests.gis.network.test_survey_import import open_county, small, spoil


@dataclass(frozen=True)
class Here:
    """An installation over the test's own database."""

    db: PooledDatabase


class TestSession(Session):
    """The session of a command, whose installation is the test's."""

    __test__ = False

    @contextmanager
    def open(self, *, upgrade: bool = True) -> Iterator[Any]:
        yield Here(DATABASES[0])


DATABASES: list[PooledDatabase] = []


@pytest.fixture
def database(fresh_database: PooledDatabase) -> Iterator[PooledDatabase]:
    open_county(fresh_database)
    DATABASES[:] = [fresh_database]
    yield fresh_database
    DATABASES.clear()


def run(*words: str) -> None:
    session = TestSession(Settings(), Language.EN)
    build_commands(Language.EN).main(
        ["import-survey", *words], prog_name="gis", standalone_mode=False, obj=session
    )


def test_a_book_is_checked_loaded_and_corrected(
    database: PooledDatabase, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book = str(write_workbook(tmp_path / "book.xlsx", spoil(small())))
    marked, places = tmp_path / "marked.xlsx", tmp_path / "findings.geojson"
    run(book, "--dry-run", "--report", str(marked), "--geojson", str(places))
    shown = capsys.readouterr()
    assert "52 points, 40 pipes; 2 errors" in shown.out
    assert "Grossly reversed slope" in shown.err
    assert "线表!G7" in shown.err
    assert [s.name for s in read_book([marked]).sheets][-1] == "Rules"
    found = json.loads(places.read_text())["features"]
    assert {"pipe_slope_reversed_gross"} <= {f["properties"]["rule"] for f in found}

    def count() -> int:
        with database.read() as connection:
            return int(
                connection.execute(text("SELECT count(*) FROM core.sewer_pipe")).scalar_one()
            )

    assert count() == 0
    run(book, "--name", "一标段", "--claimed-km", "1.7")
    assert count() == 37
    assert "2 pipes are held back" in capsys.readouterr().err
    better = str(write_workbook(tmp_path / "better.xlsx", small()))
    with pytest.raises(NotFoundError, match="no batch is named"):
        run(better, "--name", "二标段", "--corrects")
    run(better, "--name", "一标段", "--corrects")
    assert count() == 40
    assert "0 new" in capsys.readouterr().err
