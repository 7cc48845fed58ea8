"""传统村落: traditional villages by listing stage."""

from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field

from gis.attributes import M2, Sensitivity, Text, Vocabulary
from gis.geometry import GeometryType
from gis.kinds.base import Asset, Name, Stroke, Style, Zoom, attribute


class VillageLevel(Vocabulary):
    """级别."""

    NATIONAL = ("national", "国家级", "National")
    PROVINCIAL = ("provincial", "省级", "Provincial")
    PREFECTURE = ("prefecture", "州市级", "Prefecture")


class ListingStage(Vocabulary):
    """挂牌阶段, in order."""

    SURVEYED = ("surveyed", "普查摸底", "Surveyed")
    APPLIED = ("applied", "已申报", "Applied")
    LISTED = ("listed", "已列入名录", "Listed")
    PLAQUE = ("plaque", "已挂牌", "Plaque mounted")


class TraditionalVillage(Asset):
    """A traditional village at its centre; zones and assessments are records of their own."""

    kind: ClassVar[str] = "traditional_village"
    label: ClassVar[Text] = Text(zh="传统村落", en="Traditional village")
    group: ClassVar[Text] = Text(zh="村镇建设", en="Villages")
    geometry_type: ClassVar[GeometryType] = GeometryType.POINT
    sensitivity: ClassVar[Sensitivity] = Sensitivity.PUBLIC
    style: ClassVar[Style] = Style(
        color="#8D6E63",
        radius=7,
        color_by="stage",
        strokes={
            "surveyed": Stroke("#8C8C8C", symbol="diamond"),
            "applied": Stroke("#E66100", symbol="diamond"),
            "listed": Stroke("#5DA5DA", symbol="diamond"),
            "plaque": Stroke("#1F3A93", symbol="diamond"),
        },
    )
    zoom: ClassVar[Zoom] = Zoom(features_from=0, detail_from=12, labels_from=12)

    level: Annotated[VillageLevel, attribute("级别", "Level")]
    stage: Annotated[ListingStage, attribute("挂牌阶段", "Listing stage")]
    batch: Annotated[Name, attribute("批次", "Batch", detail=True)] = None
    listed_on: Annotated[date | None, attribute("列入日期", "Listed", detail=True)] = None
    households: Annotated[
        int | None,
        Field(ge=0, le=100_000),
        attribute("户数", "Households", detail=True),
    ] = None
    people: Annotated[
        int | None, Field(ge=0, le=1_000_000), attribute("人口", "People", detail=True)
    ] = None
    traditional_buildings: Annotated[
        int | None,
        Field(ge=0, le=100_000),
        attribute("传统建筑数", "Traditional buildings", detail=True),
    ] = None
    core_area_m2: Annotated[
        float | None,
        Field(ge=0),
        attribute("核心保护区面积", "Core zone", unit=M2, detail=True),
    ] = None
    control_area_m2: Annotated[
        float | None,
        Field(ge=0),
        attribute("建设控制地带面积", "Control zone", unit=M2, detail=True),
    ] = None
