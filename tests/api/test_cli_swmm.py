"""export-swmm and import-swmm as a person runs them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from api.cli import build_commands
from gis.attributes import Language
from gis.db.handle import PooledDatabase
from gis.errors import InfratrackError
from gis.settings import Settings
from tests.api.test_cli_surveys import DATABASES, TestSession
from tests.gis.network.drawn import draw


@pytest.fixture
def database(fresh_database: PooledDatabase) -> Iterator[PooledDatabase]:
    with fresh_database.write(actor="t", reason="t") as connection:
        draw(connection)
    DATABASES[:] = [fresh_database]
    yield fresh_database
    DATABASES.clear()


def run(*words: str) -> None:
    session = TestSession(Settings(reader="staff"), Language.EN)
    build_commands(Language.EN).main(words, prog_name="gis", standalone_mode=False, obj=session)


def test_a_model_is_written_with_its_lists_and_comes_back(
    database: PooledDatabase, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "model.inp"
    run("export-swmm", "-o", str(model), "--from", "C", "--direction", "both", "--planned")
    shown = capsys.readouterr()
    assert shown.out.split() == [
        str(model), str(tmp_path / "model.names.csv"), str(tmp_path / "model.assumed.csv"),
    ]  # fmt: skip
    assert "unverified" in shown.err
    assert all((tmp_path / name).is_file() for name in ("model.names.csv", "model.assumed.csv"))
    run("import-swmm", str(model), "--dry-run")
    assert "added 0, changed 0, unchanged" in capsys.readouterr().out


def test_somebody_elses_model_needs_its_system(
    database: PooledDatabase, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.gis.network.test_swmm_import import SMALL

    path = tmp_path / "small.inp"
    path.write_text(SMALL.format(units="CMS"), encoding="utf-8")
    for words in (["--system", "brown"], ["--crs", "EPSG:4542"]):
        with pytest.raises(InfratrackError, match="--system"):
            run("import-swmm", str(path), *words)
    run("import-swmm", str(path), "--system", "storm", "--crs", "EPSG:4542", "--source", "EPA")
    assert "added 5" in capsys.readouterr().out
    with database.read() as connection:
        rows = connection.execute(text("SELECT count(*) FROM core.sewer_pipe WHERE source = 'EPA'"))
        assert rows.scalar_one() == 2
    # Everything in it belongs to somebody else already.
    run("import-swmm", str(path), "--system", "storm", "--crs", "EPSG:4542", "--source", "X")
    assert "unchanged 0, refused 5" in capsys.readouterr().out
