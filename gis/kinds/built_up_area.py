"""建成区: the built-up area by year, the base of several rates."""

from typing import Annotated, ClassVar

from pydantic import Field

from gis.attributes import Sensitivity, Text
from gis.geometry import GeometryType
from gis.kinds.base import Record, Style, Zoom, attribute


class BuiltUpArea(Record):
    """The built-up area as of the end of a year."""

    kind: ClassVar[str] = "built_up_area"
    label: ClassVar[Text] = Text(zh="建成区", en="Built-up area")
    group: ClassVar[Text] = Text(zh="参考图层", en="Reference")
    geometry_type: ClassVar[GeometryType] = GeometryType.AREA
    sensitivity: ClassVar[Sensitivity] = Sensitivity.PUBLIC
    style: ClassVar[Style] = Style(color="#BCAAA4", width=1.5, fill_opacity=0.08)
    zoom: ClassVar[Zoom] = Zoom(features_from=0, detail_from=12, simplify_below=12)

    year: Annotated[
        int,
        Field(ge=1949, le=2200),
        attribute("年份", "Year", aliases=("year", "年度")),
    ]
