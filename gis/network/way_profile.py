"""The profile of a way: its rows read, laid out by the library of profiles."""

from __future__ import annotations

from gis.db.roles import Pool
from gis.network.asking import Ask, Row
from gis.network.profile import Profile, lay_out
from gis.network.profile_questions import crossing_question, nodes_question, pipes_question
from gis.network.ways import Way
from gis.queries import Filter


def read_profile(ask: Ask, way: Way, *, pool: Pool = Pool.STAFF) -> Profile:
    """Levels, sizes and crossings along a way, as far as ``pool`` may read them."""
    asked = Filter(as_of=way.as_of)
    pipes = ask(pipes_question(pool, way.pipes, asked))
    return lay_out(
        way.steps,
        [_with_line(row) for row in pipes],
        [row[0] for row in ask(nodes_question(pool, way.nodes, asked))],
        crossing=[_with_line(row) for row in ask(crossing_question(pool, way.pipes, asked))],
    )


def _with_line(row: Row) -> dict[str, object]:
    return {**row[0], "geometry": row[1]}
