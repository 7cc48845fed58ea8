"""人口: people at points, in buildings or in cells, with the method that placed them."""

from typing import Annotated, ClassVar

from pydantic import Field

from gis.attributes import Text, Vocabulary
from gis.geometry import GeometryType
from gis.kinds.base import Record, Style, Zoom, attribute


class PopulationMethod(Vocabulary):
    """How the number came to its place."""

    CENSUS = ("census", "普查", "Census unit")
    REGISTER = ("register", "户籍", "Household register")
    DASYMETRIC = ("dasymetric", "建筑分配", "Assigned to buildings")
    MODELLED = ("modelled", "模型估算", "Modelled")


class Population(Record):
    """People of one unit (dwelling, cell, subzone) in one year."""

    kind: ClassVar[str] = "population"
    label: ClassVar[Text] = Text(zh="人口分布", en="Population")
    group: ClassVar[Text] = Text(zh="参考图层", en="Reference")
    geometry_type: ClassVar[GeometryType] = GeometryType.POINT_OR_AREA
    style: ClassVar[Style] = Style(color="#B0BEC5", radius=2.5, fill_opacity=0.2)
    zoom: ClassVar[Zoom] = Zoom(features_from=14, detail_from=16)

    people: Annotated[
        float,
        Field(ge=0, le=1e8),
        attribute("人数", "People", aliases=("pop_count", "popcount", "人口")),
    ]
    year: Annotated[
        int,
        Field(ge=1949, le=2200),
        attribute("年份", "Year", aliases=("year", "年度")),
    ]
    method: Annotated[PopulationMethod, attribute("方法", "Method")] = PopulationMethod.CENSUS
