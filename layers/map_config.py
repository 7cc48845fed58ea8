"""What a live map shows: from kinds to the config its page fetches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gis.attributes import Language, Text, Unit
from gis.db.roles import Pool, visible_attributes
from gis.errors import NotFoundError
from gis.geometry import GeometryType
from gis.kinds import KINDS, Record, declared
from gis.kinds.base import Asset
from gis.kinds.sewer_pipe import PipeSystem
from gis.kinds.vocabularies import vocabulary_of
from gis.network.profile_questions import NODE_KINDS
from gis.settings import Settings
from layers.profile_drawing import SYSTEM_COLOURS

Document = dict[str, Any]  # Any: JSON
NOT_FOR_PUBLICATION = Text(zh="内部使用,不得公开", en="Internal use; not for publication")
CONTEXT_LOOK: Document = {"color_by": None, "vocabulary": [], "color": "#8C8577"}
NETWORK_KINDS = frozenset({"sewer_pipe", *NODE_KINDS})
"""What a trace can begin at."""
APPROVED = Text(zh="审图号:{number}", en="Map approval no. {number}")


@dataclass(frozen=True, slots=True)
class MapSpec:
    """A named map: its title, its layers in drawing order, those shown at first."""

    name: str
    title: Text
    kinds: tuple[str, ...]
    shown: frozenset[str]
    context: frozenset[str] = frozenset()
    """Layers that only say where things are: in one quiet colour, without a legend."""


MAPS: dict[str, MapSpec] = {
    spec.name: spec
    for spec in (
        MapSpec(
            name="progress",
            title=Text(zh="建设进度图", en="Progress map"),
            kinds=tuple(kind for kind in KINDS if kind != "hazard"),
            shown=frozenset(KINDS)
            - {
                *("hazard", "gas_site", "flood_point", "land_plot", "population"),
                *("sewer_manhole", "storm_inlet", "drainage_user"),
            },
        ),
        MapSpec(
            name="hazards",
            title=Text(zh="隐患图", en="Hazard map"),
            kinds=(
                "hazard",
                "gas_site",
                "flood_point",
                "land_plot",
                "sewer_pipe",
                "road",
                "admin_unit",
            ),
            shown=frozenset({"hazard", "road", "admin_unit"}),
            context=frozenset({"road"}),
        ),
    )
}


@dataclass(frozen=True, slots=True)
class LayerCounts:
    """How many records a layer has, by value of what colours it.

    ``open_by_value`` are those among them that are not closed (all, where nothing can be closed),
    ``due`` how many of them fall due at each moment (epoch seconds).
    """

    by_value: Mapping[str | None, int]
    open_by_value: Mapping[str | None, int]
    due: Mapping[int, int]

    @classmethod
    def gather(cls, rows: Iterable[Sequence[Any]]) -> LayerCounts:  # Any: columns of many types
        """From rows of (value, is open, due, count), as ``queries.count_values`` gives them."""
        every: Counter[str | None] = Counter()
        still: Counter[str | None] = Counter()
        due: Counter[int] = Counter()
        for value, is_open, moment, count in rows:
            every[value] += count
            still[value] += count if is_open else 0
            if moment is not None:
                due[moment] += count
        return cls(every, still, due)


def get_map(name: str) -> MapSpec:
    """The map of that name, or NotFoundError."""
    if name not in MAPS:
        raise NotFoundError(
            Text(zh="没有此地图;可用:{known}", en="no such map; there are: {known}").format(
                known=", ".join(MAPS)
            )
        )
    return MAPS[name]


def approval_line(settings: Settings) -> Text:
    """What the law wants printed on a map: its approval number, or that it has none."""
    if settings.map_approval_no:
        return APPROVED.format(number=settings.map_approval_no)
    return NOT_FOR_PUBLICATION


def build_config(
    spec: MapSpec,
    *,
    settings: Settings,
    pool: Pool,
    language: Language,
    version: str,
    bounds: list[float] | None,
    counts: Mapping[str, LayerCounts],
    sees_condition: bool = False,
) -> Document:
    """The page's config; ``counts`` gives the kinds the reader may see with their figures."""
    see: Callable[[str], bool] = lambda name: name in counts  # noqa: E731
    return {
        "name": spec.name,
        "title": spec.title.as_dict(),
        "lang": language.value,
        "approval": approval_line(settings).as_dict(),
        "server_now": datetime.now(UTC).isoformat(),
        "timezone": settings.timezone,
        "bounds": bounds,
        "version": version,
        "events": "/events",
        "tiles": "/tiles/WebMercatorQuad/{z}/{y}/{x}",
        "layers": [
            layer_config(KINDS[name], pool, visible=name in spec.shown, counts=counts[name])
            | (CONTEXT_LOOK if name in spec.context else {})
            for name in spec.kinds
            if see(name)
        ],
        "condition": sees_condition,
        "systems": systems_config() if see("sewer_pipe") else None,
    }


def systems_config() -> list[Document]:
    """Systems of pipes and their colours, those of the profiles."""
    return [
        {"value": word.value, "text": word.text.as_dict(), "color": SYSTEM_COLOURS[word.value]}
        for word in PipeSystem
    ]


def geometry_word(kind: type[Record]) -> str:
    """point, line or area."""
    return {GeometryType.LINE: "line", GeometryType.AREA: "area"}.get(kind.geometry_type, "point")


def layer_config(kind: type[Record], pool: Pool, *, visible: bool, counts: LayerCounts) -> Document:
    """One layer: where its data is, its words, its look."""
    here = f"/collections/{kind.kind}"
    hazards = None
    if kind.kind != "hazard" and pool is not Pool.PUBLIC:
        hazards = "/collections/hazard/items?is_open=true&asset_id={id}"
    return {
        "id": kind.kind,
        "title": kind.label.as_dict(),
        "group": kind.group.as_dict(),
        "geometry": geometry_word(kind),
        "tiles": f"{here}/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}",
        "item": f"{here}/items/{{id}}",
        "history": f"{here}/items/{{id}}/history",
        "hazards": hazards,
        "network": kind.kind in NETWORK_KINDS,
        "case": "/office#cases/{id}" if kind.kind == "hazard" and pool is not Pool.PUBLIC else None,
        "visible": visible,
        "background": kind.kind == "admin_unit",
        "color": kind.style.color,
        "color_by": kind.style.color_by,
        "vocabulary": legend_entries(kind),
        "attributes": [attribute_config(kind, name) for name in _in_reading_order(kind, pool)],
        "minzoom": 0,
        "aggregate_to": kind.zoom.features_from - 1,
        "named_from": kind.zoom.named_from,
        "labels_from": kind.zoom.labels_from,
        "ranked": _ranked(kind),
        **_count_members(kind, counts),
    }


def _ranked(kind: type[Record]) -> Document | None:
    """By which attribute lesser members are shown later, and from which zoom of tiles on."""
    if kind.zoom.ranked is None:
        return None
    name, first_zoom = kind.zoom.ranked
    return {"by": name, "from": dict(first_zoom)}


def _in_reading_order(kind: type[Record], pool: Pool) -> list[str]:
    """What is the kind's own first, then what all assets have, then where the record came from."""
    names = visible_attributes(kind, pool)
    return sorted(names, key=lambda n: 2 if n in Record.model_fields else n in Asset.model_fields)


def _count_members(kind: type[Record], counts: LayerCounts) -> Document:
    """All, by value; of what has deadlines the open ones too, and when they fall due."""
    members: Document = {"count": sum(counts.by_value.values()), "counts": _named(counts.by_value)}
    if "due_at" in kind.model_fields:
        members["open_count"] = sum(counts.open_by_value.values())
        members["open_counts"] = _named(counts.open_by_value)
        members["due"] = sorted(counts.due.items())
    return members


def _named(counts: Mapping[str | None, int]) -> dict[str, int]:
    return {str(value): count for value, count in counts.items() if value is not None}


def legend_entries(kind: type[Record]) -> list[Document]:
    """How each value of what colours a kind is drawn, in order."""
    style = kind.style
    words = vocabulary_of(kind, style.color_by) if style.color_by else None
    if words is None:
        return []
    return [
        {
            "value": word.value,
            "text": word.text.as_dict(),
            "color": stroke.color,
            "dash": stroke.dash,
            "width": style.width * stroke.scale,
            "size": style.radius * stroke.scale,
            "symbol": stroke.symbol,
            "order": word.order,
        }
        for word in words
        if (stroke := style.strokes.get(word.value)) is not None
    ]


def _unit_words(unit: Unit) -> str | dict[str, str]:
    """Its symbol; where that is a word of one language, both words."""
    if unit.symbol == unit.zh:
        return Text(zh=unit.zh, en=unit.en).as_dict()
    return unit.symbol


def attribute_config(kind: type[Record], name: str) -> Document:
    """Words, unit and vocabulary of one attribute."""
    mark = declared(kind)[name]
    words = vocabulary_of(kind, name)
    return {
        "name": name,
        "text": mark.text.as_dict(),
        "unit": _unit_words(mark.unit) if mark.unit else None,
        "vocabulary": {w.value: w.text.as_dict() for w in words} if words else None,
    }
