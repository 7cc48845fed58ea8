"""EPA's own solver over the text of a model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from swmm.toolkit import solver


@dataclass(frozen=True)
class Run:
    """Errors in percent of volume, and what the report says of errors and warnings."""

    runoff: float
    flow: float
    report: str


def run_model(text: str, folder: Path) -> Run:
    """Run it; the solver raises where the file is wrong."""
    paths = [folder / f"model.{end}" for end in ("inp", "rpt", "out")]
    paths[0].write_text(text, encoding="utf-8")
    solver.swmm_open(*map(str, paths))
    try:
        solver.swmm_start(0)
        while solver.swmm_step() > 0:
            pass
        solver.swmm_end()
        runoff, flow, _ = solver.swmm_get_mass_balance()
        solver.swmm_report()
    finally:
        solver.swmm_close()
    return Run(runoff, flow, paths[1].read_text(encoding="utf-8", errors="replace"))
