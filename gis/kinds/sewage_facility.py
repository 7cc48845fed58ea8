"""排水设施: treatment plants, pumping stations, outfalls."""

from typing import Annotated, ClassVar

from pydantic import Field

from gis.attributes import M3_PER_DAY, M, Sensitivity, Text, Vocabulary
from gis.geometry import GeometryType
from gis.kinds.base import PROGRESS_STROKES, Asset, Name, Style, Zoom, attribute


class SewageFacilityType(Vocabulary):
    """设施类型."""

    TREATMENT_PLANT = ("treatment_plant", "污水处理厂", "Treatment plant")
    PUMPING_STATION = (
        "pumping_station",
        "泵站",
        "Pumping station",
        ("排水泵站", "污水泵站"),
    )
    OUTFALL = ("outfall", "排放口", "Outfall", ("排水口", "出水口"))


class SewageFacility(Asset):
    """A plant, station or outfall at the end of the network."""

    kind: ClassVar[str] = "sewage_facility"
    label: ClassVar[Text] = Text(zh="排水设施", en="Sewage facility")
    group: ClassVar[Text] = Text(zh="排水管网", en="Sewer network")
    geometry_type: ClassVar[GeometryType] = GeometryType.POINT
    style: ClassVar[Style] = Style(
        color="#00695C", radius=7, color_by="progress", strokes=PROGRESS_STROKES
    )
    zoom: ClassVar[Zoom] = Zoom(features_from=0, detail_from=14, labels_from=13)

    facility_type: Annotated[
        SewageFacilityType,
        attribute("设施类型", "Type", aliases=("OutfallType", "类型")),
    ]
    capacity_m3_per_day: Annotated[
        float | None,
        Field(ge=0, le=10_000_000),
        attribute("设计规模", "Design capacity", unit=M3_PER_DAY, aliases=("处理规模",)),
    ] = None
    receiving_water: Annotated[
        Name,
        attribute("受纳水体", "Receiving water", aliases=("ReceiveWater",), detail=True),
    ] = None
    bottom_m: Annotated[
        float | None,
        Field(ge=-500, le=9000),
        attribute(
            "底高程",
            "Bottom level",
            unit=M,
            sensitivity=Sensitivity.RESTRICTED,
            aliases=("BotEle",),
        ),
    ] = None
    has_flap: Annotated[
        bool | None, attribute("拍门", "Flap gate", aliases=("Flap",), detail=True)
    ] = None
