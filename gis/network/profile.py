"""纵断面: the longitudinal profile along a way through the sewers.

A way is pipes in order, each with the node it begins and ends at. Levels are metres above the
height datum, chainage is metres along the pipes from the first node (ellipsoidal lengths). What
is not known stays None: no level is interpolated along the way. Only a pipe that crosses it is
given the level its own inverts have at the crossing, and is marked so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from uuid import UUID

import numpy as np
import shapely

from gis.network.plane import meridian_of, project
from gis.network.profile_notes import Note, notes_of_reach, notes_of_station
from gis.network.profile_seen import Defect, Row, Silt, Span, place_defect, place_silt

TOUCH_M = 0.3
"""A crossing this near an end of the pipe is its junction, not a crossing."""


@dataclass(frozen=True, slots=True)
class Step:
    """One pipe of a way, and the nodes it is passed from and to."""

    pipe: UUID
    start: UUID
    end: UUID
    forward: bool
    """Whether it is passed as it is drawn."""


@dataclass(frozen=True, slots=True)
class Station:
    """A node of the way; ``kind`` and ``code`` are None where several pipes only touch."""

    id: UUID
    chainage_m: float
    kind: str | None = None
    code: str | None = None
    ground_m: float | None = None
    bottom_m: float | None = None
    lowest_invert_m: float | None = None
    """Lowest invert of the way's pipes here: what is deeper is sump."""
    cover_state: str | None = None
    notes: tuple[Note, ...] = ()

    @property
    def sump_m(self) -> float | None:
        """Depth below the lowest invert, metres; None where either level is missing."""
        if self.bottom_m is None or self.lowest_invert_m is None:
            return None
        return round(max(0.0, self.lowest_invert_m - self.bottom_m), 3)


@dataclass(frozen=True, slots=True)
class Reach:
    """A pipe of the way, levels at the way's start and end of it."""

    id: UUID
    start_m: float
    length_m: float
    forward: bool
    code: str | None = None
    system: str | None = None
    progress: str | None = None
    service_state: str | None = None
    material: str | None = None
    size: str | None = None
    height_m: float | None = None
    start_invert_m: float | None = None
    end_invert_m: float | None = None
    inspected_on: str | None = None
    """Day of the latest run; None where nobody is known to have looked into it."""
    silt: tuple[Silt, ...] = ()
    defects: tuple[Defect, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def silt_m(self) -> float | None:
        """Thickness of the worst deposit, the middle of what its grade stands for."""
        return max((s.middle_m for s in self.silt), default=None)

    @property
    def silt_on(self) -> str | None:
        """Day the silt was seen."""
        return self.inspected_on if self.silt else None

    @property
    def end_m(self) -> float:
        """Chainage of its end."""
        return self.start_m + self.length_m

    @property
    def slope_per_mille(self) -> float | None:
        """Fall along the way, per mille of the length; negative where it rises."""
        if self.start_invert_m is None or self.end_invert_m is None or self.length_m <= 0:
            return None
        return round((self.start_invert_m - self.end_invert_m) / self.length_m * 1000, 2)

    def crown(self, invert: float | None) -> float | None:
        """Inner top above an invert of this pipe."""
        return None if invert is None or self.height_m is None else invert + self.height_m


@dataclass(frozen=True, slots=True)
class Crossing:
    """A pipe that crosses the way in plan, without a node in common there."""

    id: UUID
    chainage_m: float
    code: str | None
    system: str | None
    size: str | None
    height_m: float | None
    invert_m: float | None
    """Between its own two inverts, by length."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Everything a drawing of a way needs."""

    stations: tuple[Station, ...]
    reaches: tuple[Reach, ...]
    crossings: tuple[Crossing, ...] = ()

    @property
    def length_m(self) -> float:
        """Length of the way."""
        return self.stations[-1].chainage_m if self.stations else 0.0

    @property
    def fall_m(self) -> float | None:
        """Level of the first invert above the last; None where either is missing."""
        if not self.reaches:
            return None
        first, last = self.reaches[0].start_invert_m, self.reaches[-1].end_invert_m
        return None if first is None or last is None else round(first - last, 3)


def lay_out(
    way: Sequence[Step],
    pipes: Iterable[Row],
    nodes: Iterable[Row],
    *,
    crossing: Iterable[Row] = (),
    defects: Iterable[Row] = (),
    silt: Iterable[Row] = (),
) -> Profile:
    """Put the rows of a way's pipes and nodes at their chainage.

    ``pipes`` and ``nodes`` are the rows of :mod:`gis.network.profile_questions`, in any order;
    a pipe whose row is missing is an error of the caller (KeyError), a node without one is a
    place where pipes only touch. ``defects`` and ``silt`` name their pipe as ``pipe_id`` and lie
    by metres along it as it is drawn (:mod:`gis.network.profile_seen`).
    """
    by_pipe = {_identity(row["id"]): row for row in pipes}
    by_node = {_identity(row["id"]): row for row in nodes}
    seen, deposits = _by_pipe(defects), _by_pipe(silt)
    reaches: list[Reach] = []
    chainage = 0.0
    for step in way:
        reach = _reach(step, by_pipe[step.pipe], chainage)
        span = Span(chainage, float(by_pipe[step.pipe]["length_m"]), step.forward)
        reach = replace(
            reach,
            defects=tuple(place_defect(row, span) for row in seen.get(step.pipe, ())),
            silt=tuple(place_silt(row, span) for row in deposits.get(step.pipe, ())),
        )
        reaches.append(reach)
        chainage = reach.end_m
    stations = _stations(way, reaches, by_node)
    return Profile(
        stations, tuple(reaches), _crossings(way, reaches, by_pipe, list(crossing), set(by_pipe))
    )


def _by_pipe(rows: Iterable[Row]) -> dict[UUID, list[Row]]:
    found: dict[UUID, list[Row]] = {}
    for row in rows:
        found.setdefault(_identity(row["pipe_id"]), []).append(row)
    return found


def _identity(value: object) -> UUID:
    return value if isinstance(value, UUID) else UUID(str(value))


def clear_height_m(row: Row) -> float | None:
    """Inner height of a pipe: its diameter, or the height of another section."""
    value = row["diameter_mm"] if row["diameter_mm"] is not None else row["height_mm"]
    return None if value is None else float(value) / 1000


def name_size(row: Row) -> str | None:
    """The size as it is written on drawings: ``DN600`` or ``1200×800`` (width × height, mm).

    >>> name_size({"diameter_mm": 600.0, "width_mm": None, "height_mm": None})
    'DN600'
    """
    if row["diameter_mm"] is not None:
        return f"DN{row['diameter_mm']:g}"
    if row["width_mm"] is not None and row["height_mm"] is not None:
        return f"{row['width_mm']:g}×{row['height_mm']:g}"
    return None


def _reach(step: Step, row: Row, chainage: float) -> Reach:
    up, down = row.get("up_invert_m"), row.get("down_invert_m")
    start, end = (up, down) if step.forward else (down, up)
    length = float(row["length_m"])
    reach = Reach(
        id=step.pipe,
        start_m=round(chainage, 3),
        length_m=round(length, 3),
        forward=step.forward,
        code=row["code"],
        system=row["system"],
        progress=row["progress"],
        service_state=row["service_state"],
        material=row["material"],
        size=name_size(row),
        height_m=clear_height_m(row),
        start_invert_m=start,
        end_invert_m=end,
        inspected_on=row.get("inspected_on"),
    )
    return _with_notes(reach, row)


def _with_notes(reach: Reach, row: Row) -> Reach:
    notes = notes_of_reach(
        start=reach.start_invert_m,
        end=reach.end_invert_m,
        height=reach.height_m,
        forward=reach.forward,
        slope=reach.slope_per_mille,
        is_pressure=row["pressure"] == "pressure",
        service_state=reach.service_state,
        progress=reach.progress,
    )
    return replace(reach, notes=tuple(notes))


def _stations(
    way: Sequence[Step], reaches: Sequence[Reach], by_node: Mapping[UUID, Row]
) -> tuple[Station, ...]:
    if not way:
        return ()
    ids = [way[0].start, *(step.end for step in way)]
    places = [0.0, *(reach.end_m for reach in reaches)]
    left: list[float | None] = [None, *(r.end_invert_m for r in reaches)]
    right: list[float | None] = [*(r.start_invert_m for r in reaches), None]
    stations = []
    for at, (identity, place) in enumerate(zip(ids, places, strict=True)):
        row = by_node.get(identity, {})
        inverts = [v for v in (left[at], right[at]) if v is not None]
        ground, bottom = row.get("ground_m"), row.get("bottom_m")
        lowest = min(inverts) if inverts else None
        highest = max(inverts) if inverts else None
        stations.append(
            Station(
                id=identity,
                chainage_m=round(place, 3),
                kind=row.get("kind"),
                code=row.get("code"),
                ground_m=ground,
                bottom_m=bottom,
                lowest_invert_m=lowest,
                cover_state=row.get("cover_state"),
                notes=tuple(
                    notes_of_station(
                        row.get("kind"),
                        ground,
                        bottom,
                        lowest,
                        highest,
                        arrives=left[at],
                        leaves=right[at],
                    )
                ),
            )
        )
    return tuple(stations)


def _crossings(
    way: Sequence[Step],
    reaches: Sequence[Reach],
    by_pipe: Mapping[UUID, Row],
    rows: Sequence[Row],
    own: set[UUID],
) -> tuple[Crossing, ...]:
    """Where other pipes cross the way, in order of chainage."""
    others = [r for r in rows if _identity(r["id"]) not in own]
    if not others or not way:
        return ()
    lines = shapely.from_wkb([bytes(by_pipe[s.pipe]["geometry"]) for s in way])
    crossers = shapely.from_wkb([bytes(r["geometry"]) for r in others])
    meridian = meridian_of(lines[0])
    planes, across = project(lines, meridian), project(crossers, meridian)
    pairs = shapely.STRtree(planes).query(across, predicate="intersects")
    found = []
    for other, at in pairs.T:
        found += _cross(reaches[at], way[at], planes[at], across[other], others[other])
    return tuple(sorted(found, key=lambda c: (c.chainage_m, str(c.id))))


def _cross(
    reach: Reach, step: Step, line: shapely.LineString, other: shapely.LineString, row: Row
) -> list[Crossing]:
    places = shapely.get_parts(shapely.intersection(line, other))
    points = [p for p in places if p.geom_type == "Point"]  # a shared stretch is no crossing
    length, other_length = float(line.length), float(other.length)
    found = []
    for point in points:
        along = float(line.project(point))
        if min(along, length - along) <= TOUCH_M:
            continue
        share = along / length if step.forward else 1 - along / length
        found.append(
            Crossing(
                id=_identity(row["id"]),
                chainage_m=round(reach.start_m + share * reach.length_m, 3),
                code=row["code"],
                system=row["system"],
                size=name_size(row),
                height_m=clear_height_m(row),
                invert_m=_between(row, float(other.project(point)) / other_length),
            )
        )
    return found


def _between(row: Row, share: float) -> float | None:
    up, down = row.get("up_invert_m"), row.get("down_invert_m")
    if up is None or down is None:
        return None
    return round(float(np.interp(share, [0.0, 1.0], [up, down])), 3)


def steps_of(nodes: Sequence[UUID], pipes: Sequence[UUID], forward: Sequence[bool]) -> list[Step]:
    """A way from its nodes (one more than pipes) and its pipes in order."""
    ends = pairwise(nodes)
    return [
        Step(pipe, start, end, ahead)
        for pipe, (start, end), ahead in zip(pipes, ends, forward, strict=True)
    ]
