"""A model of the network runs in EPA's own solver, and says what it assumed."""

from __future__ import annotations

from pathlib import Path

import pytest

from gis.network.asking import Ask, asking
from gis.network.swmm_export import Model, export_swmm
from tests.conftest import OneTransaction
from tests.gis.network.drawn import draw
from tests.gis.network.swmm_runs import run_model


@pytest.fixture
def ask(db: OneTransaction) -> Ask:
    with db.write(actor="t", reason="t") as connection:
        draw(connection)
    return asking(db.connection)


def counted(model: Model) -> dict[str, int]:
    return {a.rule: len(a.ids) for a in model.assumptions}


def test_the_drawn_network_runs(ask: Ask, tmp_path: Path) -> None:
    model = export_swmm(ask, planned=True)
    text = model.as_inp()
    print(text)
    run = run_model(text, tmp_path)
    print(run.report)
    assert abs(run.flow) < 1
