"""Notebooks run from top to bottom on the demonstration county, and are kept without output."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from gis.db.cluster import Cluster
from gis.db.handle import PooledDatabase
from gis.db.roles import OWNER, Pool
from gis.settings import PROJECT_FOLDER

NOTEBOOKS = sorted((PROJECT_FOLDER / "notebooks").glob("*.ipynb"))
LONGEST_S = 180


@pytest.fixture
def environment(
    cluster: Cluster,
    loaded: PooledDatabase,
    vendor: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a planner's kernel finds: the county's database, and the libraries of maps."""
    name = loaded.engines[Pool.STAFF].url.database
    assert name is not None
    (tmp_path / "assets").symlink_to(vendor)
    monkeypatch.setenv("GIS_STATE_FOLDER", str(tmp_path))
    monkeypatch.setenv("GIS_DATABASE_URL", cluster.url(OWNER, name))
    for pool in Pool:
        monkeypatch.setenv(f"GIS_DATABASE_URL_{pool.name}", cluster.url(pool.role, name))
    monkeypatch.setenv("PYTHONPATH", str(PROJECT_FOLDER))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_pictures_and_tables(path: Path, environment: None) -> None:
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    NotebookClient(book, timeout=LONGEST_S, kernel_name="python3").execute()
    shown = [out for cell in book.cells for out in cell.get("outputs", [])]
    media = {medium for out in shown for medium in out.get("data", {})}
    assert {"text/html", "image/png"} <= media
    assert not [out for out in shown if out.get("name") == "stderr"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_defines_nothing_and_is_kept_without_output(path: Path) -> None:
    book = nbformat.read(path, as_version=4)
    cells = [cell for cell in book.cells if cell.cell_type == "code"]
    assert [cell.outputs for cell in cells] == [[]] * len(cells)
    assert [cell.execution_count for cell in cells] == [None] * len(cells)
    assert not [cell.source for cell in cells if "def " in cell.source or "class " in cell.source]


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS
