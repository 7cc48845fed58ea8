"""Where a chainage and a level come to stand in the drawing of a profile."""

from __future__ import annotations

from dataclasses import dataclass

LEFT_PX, TOP_PX, PLOT_PX = 104.0, 56.0, 300.0
FAINT = "#d5dbe1"


@dataclass(frozen=True, slots=True)
class Frame:
    """From chainage and level (metres) to the drawing (px)."""

    length_m: float
    width: float
    low_m: float
    high_m: float

    def x(self, chainage_m: float) -> float:
        """Across, from the left edge of the drawing."""
        return LEFT_PX + chainage_m / max(self.length_m, 0.001) * self.width

    def y(self, level_m: float) -> float:
        """Down, from the top edge of the drawing."""
        return TOP_PX + (self.high_m - level_m) / (self.high_m - self.low_m) * PLOT_PX

    @property
    def exaggeration(self) -> float:
        """How much longer a metre of level is drawn than a metre of pipe."""
        return (PLOT_PX / (self.high_m - self.low_m)) / (self.width / max(self.length_m, 0.001))
