"""Answers kept per version of a collection: counts and extents, asked of the database once."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import orjson

from api.context import Parts
from api.freshness import read_version
from api.reading import Ask
from gis import queries
from gis.kinds import Record
from layers.map_config import LayerCounts


@dataclass(frozen=True, slots=True)
class Extent:
    """Where a collection's rows lie (w, s, e, n in degrees), since when, and how many."""

    box: list[float] | None
    since: str | None
    count: int


def read_extent(parts: Parts, ask: Ask, kind: type[Record]) -> Extent:
    """The extent of a collection as it is now."""
    key = ("extent", kind.kind, parts.pool, read_version(ask, [kind.kind]))
    kept = parts.answers.get(key)
    if kept is None:
        *box, since, count = ask(queries.collection_extent(kind))[0]
        found = Extent(
            box=None if box[0] is None else [float(side) for side in box],
            since=since.isoformat() if since else None,
            count=int(count),
        )
        parts.answers.keep(key, orjson.dumps(asdict(found)))
        return found
    return Extent(**orjson.loads(kept))


def count_features(
    parts: Parts, ask: Ask, kind: type[Record], asked: queries.Filter, version: str
) -> int:
    """How many features match, exactly; counted once per version and filter."""
    key = ("count", kind.kind, parts.pool, version, repr(asked))
    kept = parts.answers.get(key)
    if kept is not None:
        return int(kept)
    matched = int(ask(queries.count_features(kind, asked))[0][0])
    parts.answers.keep(key, str(matched).encode())
    return matched


def count_values(
    parts: Parts, ask: Ask, kind: type[Record], asked: queries.Filter, version: str
) -> LayerCounts:
    """The figures of a layer's legend; counted once per version and filter."""
    key = ("values", kind.kind, parts.pool, version, repr(asked))
    kept = parts.answers.get(key)
    if kept is None:
        kept = orjson.dumps([list(row) for row in ask(queries.count_values(kind, asked))])
        parts.answers.keep(key, kept)
    return LayerCounts.gather(orjson.loads(kept))
