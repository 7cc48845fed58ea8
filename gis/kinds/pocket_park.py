"""口袋公园: pocket parks, street greens and small gardens."""

from typing import Annotated, ClassVar

from pydantic import Field

from gis.attributes import M2, PERCENT, Sensitivity, Text, Vocabulary
from gis.geometry import GeometryType
from gis.kinds.base import PROGRESS_STROKES, Asset, Name, Style, Zoom, attribute


class ParkType(Vocabulary):
    """公园类型."""

    POCKET_PARK = ("pocket_park", "口袋公园", "Pocket park")
    STREET_GREEN = ("street_green", "街头绿地", "Street green")
    GARDEN = ("garden", "游园", "Garden", ("小游园",))
    OTHER = ("other", "其他", "Other park", ("park",))


class ParkWork(Vocabulary):
    """建设性质."""

    NEW = ("new", "新建", "New")
    REBUILT = ("rebuilt", "改建", "Rebuilt", ("改造", "提升"))


class PocketPark(Asset):
    """A small park by its boundary."""

    kind: ClassVar[str] = "pocket_park"
    label: ClassVar[Text] = Text(zh="口袋公园", en="Pocket park")
    group: ClassVar[Text] = Text(zh="园林绿化", en="Parks and greening")
    geometry_type: ClassVar[GeometryType] = GeometryType.AREA
    sensitivity: ClassVar[Sensitivity] = Sensitivity.PUBLIC
    style: ClassVar[Style] = Style(
        color="#4CAF50",
        color_by="progress",
        strokes=PROGRESS_STROKES,
        fill_opacity=0.45,
    )
    zoom: ClassVar[Zoom] = Zoom(features_from=11, detail_from=14, labels_from=15)

    park_type: Annotated[ParkType, attribute("公园类型", "Type", aliases=("leisure",))] = (
        ParkType.POCKET_PARK
    )
    work: Annotated[ParkWork | None, attribute("建设性质", "Work")] = None
    declared_area_m2: Annotated[
        float | None,
        Field(ge=0, le=1e8),
        attribute("申报面积", "Declared area", unit=M2, aliases=("面积",), detail=True),
    ] = None
    green_rate_percent: Annotated[
        float | None,
        Field(ge=0, le=100),
        attribute("绿地率", "Green space rate", unit=PERCENT, detail=True),
    ] = None
    entrances: Annotated[
        int | None,
        Field(ge=0, le=1000),
        attribute("出入口数", "Entrances", detail=True),
    ] = None
    address: Annotated[Name, attribute("地址", "Address", aliases=("ADDR",), detail=True)] = None
