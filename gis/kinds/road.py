"""道路: road segments; a named road is the segments that share ``name``."""

from typing import Annotated, ClassVar

from pydantic import Field

from gis.attributes import M2, M, Sensitivity, Text, Vocabulary
from gis.geometry import GeometryType
from gis.kinds.base import PROGRESS_STROKES, Asset, Name, Style, Zoom, attribute


class RoadClass(Vocabulary):
    """道路等级 (快速/主/次/支), with the OpenStreetMap words met in imports."""

    EXPRESSWAY = (
        "expressway",
        "快速路",
        "Expressway",
        ("motorway", "trunk", "motorway_link"),
    )
    ARTERIAL = (
        "arterial",
        "主干路",
        "Arterial",
        ("primary", "主干道", "trunk_link", "primary_link"),
    )
    SECONDARY = ("secondary", "次干路", "Secondary", ("次干道", "secondary_link"))
    BRANCH = (
        "branch",
        "支路",
        "Branch",
        (
            "tertiary",
            "residential",
            "living_street",
            "unclassified",
            "service",
            "tertiary_link",
        ),
    )
    PATH = (
        "path",
        "步行/慢行",
        "Path",
        ("footway", "pedestrian", "path", "steps", "cycleway"),
    )


class Road(Asset):
    """A segment of road between two junctions or two ends (起止点)."""

    kind: ClassVar[str] = "road"
    label: ClassVar[Text] = Text(zh="道路", en="Road")
    group: ClassVar[Text] = Text(zh="市政道路", en="Roads")
    geometry_type: ClassVar[GeometryType] = GeometryType.LINE
    sensitivity: ClassVar[Sensitivity] = Sensitivity.PUBLIC
    style: ClassVar[Style] = Style(
        color="#9E9E9E", width=4.5, color_by="progress", strokes=PROGRESS_STROKES
    )
    zoom: ClassVar[Zoom] = Zoom(
        features_from=10,
        detail_from=15,
        labels_from=15,
        simplify_below=13,
        ranked=("road_class", {"secondary": 11, "branch": 13, "path": 15}),
    )
    tile_extras: ClassVar[tuple[str, ...]] = ("road_class",)

    road_class: Annotated[
        RoadClass,
        attribute(
            "道路等级",
            "Class",
            source="CJJ 37 classes (unverified)",
            aliases=("highway", "等级"),
        ),
    ]
    from_point: Annotated[Name, attribute("起点", "From", aliases=("起点", "u"), detail=True)] = (
        None
    )
    to_point: Annotated[Name, attribute("终点", "To", aliases=("终点", "v"), detail=True)] = None
    right_of_way_m: Annotated[
        float | None,
        Field(ge=0, le=500),
        attribute("红线宽", "Right of way", unit=M, detail=True),
    ] = None
    carriageway_width_m: Annotated[
        float | None,
        Field(ge=0, le=200),
        attribute("车行道宽", "Carriageway width", unit=M, detail=True),
    ] = None
    carriageway_area_m2: Annotated[
        float | None,
        Field(ge=0),
        attribute("车行道面积", "Carriageway area", unit=M2, detail=True),
    ] = None
    sidewalk_area_m2: Annotated[
        float | None,
        Field(ge=0),
        attribute("人行道面积", "Sidewalk area", unit=M2, detail=True),
    ] = None
    lanes: Annotated[
        int | None,
        Field(ge=1, le=20),
        attribute("车道数", "Lanes", aliases=("lanes",), detail=True),
    ] = None
    is_oneway: Annotated[
        bool | None, attribute("单行", "One-way", aliases=("oneway",), detail=True)
    ] = None
