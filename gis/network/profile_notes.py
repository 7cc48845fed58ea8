"""What a profile has to say about its pipes and nodes beside their levels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gis.attributes import Text

LEVEL_TOLERANCE_M = 0.001
"""Levels are surveyed to the millimetre."""


@dataclass(frozen=True, slots=True)
class Note:
    """A remark with a stable code, in both languages."""

    code: str
    text: Text


INVERT_MISSING = Note("invert_missing", Text(zh="管底高程缺失", en="invert missing"))
SIZE_MISSING = Note("size_missing", Text(zh="管径缺失", en="size missing"))
RISES = Note("rises", Text(zh="逆坡", en="rises along the flow"))
FLAT = Note("flat", Text(zh="平坡", en="no fall"))
AGAINST = Note("against", Text(zh="与绘制方向相反", en="passed against its drawing"))
PRESSURE = Note("pressure", Text(zh="压力管", en="pressure pipe"))
NOT_IN_USE = Note("not_in_use", Text(zh="已停用或废弃", en="not in use"))
NOT_BUILT = Note("not_built", Text(zh="尚未建成", en="not built yet"))
GROUND_MISSING = Note("ground_missing", Text(zh="地面高程缺失", en="ground level missing"))
BOTTOM_MISSING = Note("bottom_missing", Text(zh="井底高程缺失", en="bottom level missing"))
NO_NODE = Note("no_node", Text(zh="此处无检查井", en="no manhole here"))
ABOVE_GROUND = Note("above_ground", Text(zh="管底高于地面", en="invert above the ground"))
BELOW_BOTTOM = Note("below_bottom", Text(zh="管底低于井底", en="invert below the bottom"))
DROP = Note("drop", Text(zh="跌水", en="drop"))
STEP_UP = Note("step_up", Text(zh="下游管底高于上游管底", en="leaves higher than it arrives"))

NOTES = {
    note.code: note
    for note in (
        *(INVERT_MISSING, SIZE_MISSING, RISES, FLAT, AGAINST, PRESSURE, NOT_IN_USE, NOT_BUILT),
        *(GROUND_MISSING, BOTTOM_MISSING, NO_NODE, ABOVE_GROUND, BELOW_BOTTOM, DROP, STEP_UP),
    )
}
"""Every note by its code."""

_IN_USE = (None, "in_use")
_BUILT = ("completed", "accepted")
DROP_M = 0.5
"""A fall inside a node that makes it a drop manhole (GB 50014 asks for one above 1.0 m, and
advises one from 0.5 m on; unverified)."""


def notes_of_reach(
    *,
    start: float | None,
    end: float | None,
    height: float | None,
    forward: bool,
    slope: float | None,
    is_pressure: bool,
    service_state: str | None,
    progress: str | None,
) -> Iterator[Note]:
    """Remarks on a pipe; a pressure pipe may rise."""
    if start is None or end is None:
        yield INVERT_MISSING
    if height is None:
        yield SIZE_MISSING
    if is_pressure:
        yield PRESSURE
    elif slope is not None and start is not None and end is not None:
        if end - start > LEVEL_TOLERANCE_M:
            yield RISES
        elif abs(end - start) <= LEVEL_TOLERANCE_M:
            yield FLAT
    if not forward:
        yield AGAINST
    if service_state not in _IN_USE:
        yield NOT_IN_USE
    if progress not in _BUILT:
        yield NOT_BUILT


def notes_of_station(
    kind: str | None,
    ground: float | None,
    bottom: float | None,
    lowest: float | None,
    highest: float | None,
    *,
    arrives: float | None = None,
    leaves: float | None = None,
) -> Iterator[Note]:
    """Remarks on a node; ``lowest`` and ``highest`` are the inverts of the way's pipes there."""
    if kind is None:
        yield NO_NODE
        return
    if ground is None:
        yield GROUND_MISSING
    elif highest is not None and highest > ground + LEVEL_TOLERANCE_M:
        yield ABOVE_GROUND
    if bottom is None:
        yield BOTTOM_MISSING
    elif lowest is not None and lowest < bottom - LEVEL_TOLERANCE_M:
        yield BELOW_BOTTOM
    if arrives is not None and leaves is not None:
        if arrives - leaves >= DROP_M:
            yield DROP
        elif leaves - arrives > LEVEL_TOLERANCE_M:
            yield STEP_UP
