"""排水户: who drains into the network, by which permit, at which node."""

from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field

from gis.attributes import M3_PER_DAY, Sensitivity, Text, Vocabulary
from gis.geometry import GeometryType
from gis.kinds.base import Asset, Name, Stroke, Style, Zoom, attribute


class DrainageUserType(Vocabulary):
    """排水户类别 (the trades a drainage permit is asked of; domain vocabulary, unverified)."""

    RESIDENTIAL_AREA = ("residential_area", "居民小区", "Residential compound", ("小区",))
    CATERING = ("catering", "餐饮", "Catering", ("餐饮服务",))
    WASHING = ("washing", "洗车洗涤", "Car or laundry wash", ("洗车", "洗涤"))
    MEDICAL = ("medical", "医疗", "Medical", ("医院",))
    INDUSTRY = ("industry", "工业", "Industry", ("工业企业",))
    CONSTRUCTION = ("construction", "建筑工地", "Construction site", ("施工",))
    INSTITUTION = ("institution", "机关学校", "Institution or school", ("学校", "机关"))
    OTHER = ("other", "其他", "Other")


class DrainagePermit(Vocabulary):
    """排水许可状态."""

    HELD = ("held", "已领证", "Permit held", ("有证",))
    EXPIRED = ("expired", "已过期", "Expired")
    ABSENT = ("absent", "未领证", "No permit", ("无证",))
    NOT_NEEDED = ("not_needed", "无需办证", "None needed")


class DrainageUser(Asset):
    """A user that drains into the node ``node``, or is itself the node a pipe names."""

    kind: ClassVar[str] = "drainage_user"
    label: ClassVar[Text] = Text(zh="排水户", en="Drainage user")
    group: ClassVar[Text] = Text(zh="排水管网", en="Sewer network")
    geometry_type: ClassVar[GeometryType] = GeometryType.POINT
    style: ClassVar[Style] = Style(
        color="#7A6C5D",
        radius=4,
        color_by="permit",
        strokes={
            "held": Stroke("#1F7A4D"),
            "expired": Stroke("#E66100", symbol="triangle"),
            "absent": Stroke("#A50026", symbol="square"),
            "not_needed": Stroke("#9E9E9E"),
        },
    )
    zoom: ClassVar[Zoom] = Zoom(features_from=15, detail_from=16, labels_from=18)

    user_type: Annotated[
        DrainageUserType | None, attribute("类别", "Type", aliases=("排水户类型", "行业"))
    ] = None
    permit: Annotated[
        DrainagePermit | None, attribute("许可状态", "Permit", aliases=("排水许可",))
    ] = None
    permit_number: Annotated[Name, attribute("许可证号", "Permit number", detail=True)] = None
    permit_expires_on: Annotated[
        date | None, attribute("许可证有效期", "Permit expires", detail=True)
    ] = None
    node: Annotated[
        str | None,
        Field(max_length=64),
        attribute("接入井号", "Node it drains into", aliases=("接驳井号", "接户井")),
    ] = None
    unit: Annotated[Name, attribute("单位名称", "Unit", aliases=("企业名称", "户名"))] = None
    people: Annotated[
        float | None,
        Field(ge=0, le=1e6),
        attribute("服务人数", "People served", aliases=("人数", "常住人口")),
    ] = None
    discharge_m3_per_day: Annotated[
        float | None,
        Field(ge=0, le=1e6),
        attribute("日排水量", "Discharge", unit=M3_PER_DAY, aliases=("排水量",)),
    ] = None
    has_grease_trap: Annotated[
        bool | None, attribute("隔油池", "Grease trap fitted", detail=True)
    ] = None
    contact: Annotated[
        Name,
        attribute("联系人", "Contact person", sensitivity=Sensitivity.RESTRICTED, detail=True),
    ] = None
    phone: Annotated[
        Name,
        attribute("联系电话", "Phone", sensitivity=Sensitivity.RESTRICTED, detail=True),
    ] = None
    address: Annotated[Name, attribute("地址", "Address", aliases=("ADDR",), detail=True)] = None
