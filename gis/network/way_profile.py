"""The profile of a way: its rows read, laid out by the library of profiles."""

from __future__ import annotations

from datetime import date

from gis.db.roles import Pool
from gis.network.asking import Ask, Row
from gis.network.inspection_questions import defects_along
from gis.network.profile import Profile, lay_out
from gis.network.profile_questions import crossing_question, nodes_question, pipes_question
from gis.network.silt import SiltSection, read_silt, silt_for_profile
from gis.network.ways import Way
from gis.queries import Filter


def read_profile(
    ask: Ask,
    way: Way,
    *,
    pool: Pool = Pool.STAFF,
    on: date | None = None,
    inspected: bool = True,
) -> Profile:
    """Levels, sizes, crossings, defects and silt along a way, as far as ``pool`` may read them.

    ``on`` leaves out what was inspected after that day; ``inspected`` is whether the reader may
    see inspections at all.
    """
    asked = Filter(as_of=way.as_of)
    sections = read_silt(ask, way.pipes, on=on, as_of=way.as_of) if inspected else []
    seen = {str(section.pipe): section for section in sections}
    defects = ask(defects_along(way.pipes, on=on, as_of=way.as_of)) if inspected else []
    pipes = ask(pipes_question(pool, way.pipes, asked))
    return lay_out(
        way.steps,
        [_with_line(row) | _with_day(row, seen) for row in pipes],
        [row[0] for row in ask(nodes_question(pool, way.nodes, asked))],
        crossing=[_with_line(row) for row in ask(crossing_question(pool, way.pipes, asked))],
        defects=[row[0] for row in defects],
        silt=[deposit for section in sections for deposit in silt_for_profile(section)],
    )


def _with_line(row: Row) -> dict[str, object]:
    return {**row[0], "geometry": row[1]}


def _with_day(row: Row, seen: dict[str, SiltSection]) -> dict[str, object]:
    section = seen.get(row[0]["id"])
    return {"inspected_on": None if section is None else section.inspected_on.isoformat()}
