"""燃气检查点: stations, cylinder shops and users that the gas safety inspection visits."""

from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field

from gis.attributes import Sensitivity, Text, Vocabulary
from gis.geometry import GeometryType
from gis.kinds.base import Asset, Name, Stroke, Style, Zoom, attribute


class GasSiteType(Vocabulary):
    """场所类型."""

    STORAGE_STATION = ("storage_station", "储配站", "Storage and distribution station")
    GATE_STATION = ("gate_station", "门站", "Gate station")
    REGULATOR = ("regulator", "调压设施", "Regulator station", ("调压站", "调压箱"))
    CYLINDER_STATION = (
        "cylinder_station",
        "瓶装供应站",
        "Cylinder supply station",
        ("门市",),
    )
    MARKET = ("market", "农贸市场", "Farmers' market")
    RESTAURANT = ("restaurant", "餐饮场所", "Restaurant", ("Restaurant", "餐饮"))
    OTHER_NON_RESIDENTIAL = (
        "other_non_residential",
        "其他非居民",
        "Other non-residential",
    )
    RESIDENTIAL_AREA = ("residential_area", "居民小区", "Residential compound")


class GasSupply(Vocabulary):
    """供气方式."""

    PIPED = ("piped", "管道气", "Piped")
    BOTTLED = ("bottled", "瓶装气", "Bottled")


class OperatingState(Vocabulary):
    """经营状态."""

    OPEN = ("open", "在营", "Open")
    CLOSED = ("closed", "停业", "Closed")
    GAS_CUT = ("gas_cut", "停气", "Gas cut off")


class DeviceState(Vocabulary):
    """装置状态: whether a safety device is there and works."""

    WORKING = ("working", "已装有效", "Installed, working")
    FAULTY = ("faulty", "已装失效", "Installed, faulty")
    ABSENT = ("absent", "未装", "Not installed")


class RiskClass(Vocabulary):
    """风险等级."""

    HIGH = ("high", "高", "High", ("Risk 1 (High)", "1", "红"))
    MEDIUM = ("medium", "中", "Medium", ("Risk 2 (Medium)", "2", "黄"))
    LOW = ("low", "低", "Low", ("Risk 3 (Low)", "3", "蓝"))


class GasSite(Asset):
    """A place with gas that inspectors visit."""

    kind: ClassVar[str] = "gas_site"
    label: ClassVar[Text] = Text(zh="燃气检查点", en="Gas inspection site")
    group: ClassVar[Text] = Text(zh="燃气安全", en="Gas safety")
    geometry_type: ClassVar[GeometryType] = GeometryType.POINT
    style: ClassVar[Style] = Style(
        color="#8E44AD",
        radius=5,
        color_by="operating_state",
        strokes={
            "open": Stroke("#8E44AD"),
            "closed": Stroke("#9E9E9E", symbol="square"),
            "gas_cut": Stroke("#A50026", symbol="triangle"),
        },
    )
    zoom: ClassVar[Zoom] = Zoom(features_from=13, detail_from=15, labels_from=17)

    site_type: Annotated[GasSiteType, attribute("场所类型", "Type", aliases=("Facility_Type",))]
    supply: Annotated[GasSupply | None, attribute("供气方式", "Supply")] = None
    supplier: Annotated[Name, attribute("供气企业", "Supplier", detail=True)] = None
    grade: Annotated[Name, attribute("门市等级", "Cylinder station grade (I-III)", detail=True)] = (
        None
    )
    risk_class: Annotated[
        RiskClass | None, attribute("风险等级", "Risk class", aliases=("Risk",))
    ] = None
    operating_state: Annotated[OperatingState, attribute("经营状态", "Operating state")] = (
        OperatingState.OPEN
    )
    permit_number: Annotated[
        Name, attribute("许可证号", "Permit number", aliases=("License",), detail=True)
    ] = None
    permit_expires_on: Annotated[
        date | None, attribute("许可证有效期", "Permit expires", detail=True)
    ] = None
    contact: Annotated[
        Name,
        attribute(
            "负责人",
            "Person in charge",
            sensitivity=Sensitivity.RESTRICTED,
            detail=True,
        ),
    ] = None
    alarm: Annotated[DeviceState | None, attribute("报警器", "Gas alarm", detail=True)] = None
    shut_off_valve: Annotated[
        DeviceState | None,
        attribute("自动切断阀", "Automatic shut-off valve", detail=True),
    ] = None
    metal_hose: Annotated[DeviceState | None, attribute("金属软管", "Metal hose", detail=True)] = (
        None
    )
    in_basement: Annotated[bool | None, attribute("地下室用气", "In a basement", detail=True)] = (
        None
    )
    cylinders: Annotated[
        int | None,
        Field(ge=0, le=100_000),
        attribute("气瓶数", "Cylinders", detail=True),
    ] = None
    company_checked_on: Annotated[
        date | None, attribute("企业自查日期", "Checked by the company", detail=True)
    ] = None
    emergency_plan: Annotated[
        Name, attribute("应急预案", "Emergency plan (made, filed)", detail=True)
    ] = None
    address: Annotated[
        Name, attribute("地址", "Address", aliases=("ADDR", "Address"), detail=True)
    ] = None
