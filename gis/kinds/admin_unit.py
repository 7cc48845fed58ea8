"""行政区划: county, townships and villages with their codes."""

from typing import Annotated, ClassVar

from pydantic import Field

from gis.attributes import Sensitivity, Text, Vocabulary
from gis.geometry import GeometryType
from gis.kinds.base import Record, Style, Zoom, attribute


class AdminLevel(Vocabulary):
    """层级, from large to small."""

    PROVINCE = ("province", "省", "Province")
    PREFECTURE = ("prefecture", "州市", "Prefecture")
    COUNTY = ("county", "县", "County")
    TOWNSHIP = ("township", "乡镇(街道)", "Township")
    VILLAGE = ("village", "村(社区)", "Village")


class AdminUnit(Record):
    """An administrative unit; ``code`` is its statistical code (6, 9 or 12 digits)."""

    kind: ClassVar[str] = "admin_unit"
    label: ClassVar[Text] = Text(zh="行政区划", en="Administrative unit")
    group: ClassVar[Text] = Text(zh="参考图层", en="Reference")
    geometry_type: ClassVar[GeometryType] = GeometryType.AREA
    sensitivity: ClassVar[Sensitivity] = Sensitivity.PUBLIC
    style: ClassVar[Style] = Style(color="#90A4AE", width=1.2, fill_opacity=0.0)
    zoom: ClassVar[Zoom] = Zoom(
        features_from=0,
        detail_from=12,
        labels_from=9,
        simplify_below=12,
        ranked=("level", {"township": 8, "village": 12}),
    )
    tile_extras: ClassVar[tuple[str, ...]] = ("level",)

    level: Annotated[AdminLevel, attribute("层级", "Level")]
    parent_code: Annotated[
        str | None,
        Field(max_length=12),
        attribute("上级代码", "Parent code", aliases=("areaCode", "city"), detail=True),
    ] = None
