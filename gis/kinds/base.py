"""What every kind shares: the record, the asset, its style and its zoom contract."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from gis.attributes import PERCENT, Attribute, Sensitivity, Text, Unit, Vocabulary
from gis.geometry import GeometryType

DOMAIN = "domain vocabulary of the bureau (not verified against a standard)"
CJJ61 = "CJJ 61-2017 (read in extracts, not in the original)"
CENSUS = "municipal drainage census schema (field lists, not in the original)"


def attribute(
    zh: str,
    en: str,
    *,
    unit: Unit | None = None,
    sensitivity: Sensitivity | None = None,
    source: str = DOMAIN,
    aliases: tuple[str, ...] = (),
    detail: bool = False,
) -> Attribute:
    """Short form used by the kinds' declarations."""
    return Attribute(
        text=Text(zh=zh, en=en),
        unit=unit,
        sensitivity=sensitivity,
        source=source,
        aliases=aliases,
        detail=detail,
    )


class Verification(Vocabulary):
    """核实状态: how far a record was checked."""

    UNVERIFIED = ("unverified", "未核实", "Unverified")
    FIELD = ("field_verified", "外业核实", "Verified in the field")
    AS_BUILT = ("as_built", "竣工图", "From as-built drawings")


class Progress(Vocabulary):
    """Building progress of an asset, in order."""

    PLANNED = ("planned", "规划", "Planned", ("计划", "拟建"))
    DESIGNED = ("designed", "设计", "Designed", ("已设计",))
    UNDER_CONSTRUCTION = (
        "under_construction",
        "在建",
        "Under construction",
        ("施工中", "建设中"),
    )
    COMPLETED = ("completed", "完工", "Completed", ("已建", "已完工"))
    ACCEPTED = ("accepted", "竣工验收", "Accepted", ("已验收", "验收"))


class ServiceState(Vocabulary):
    """使用状态: whether an asset is in service."""

    IN_USE = ("in_use", "在用", "In use", ("0", "使用", "active"))
    SUSPENDED = ("suspended", "停用", "Suspended", ("空管", "2"))
    ABANDONED = ("abandoned", "废弃", "Abandoned", ("1", "已废"))
    REMOVED = ("removed", "拆除", "Removed", ("已拆除",))


@dataclass(frozen=True, slots=True)
class Stroke:
    """How one word of a vocabulary is drawn: colour, dash, width factor, symbol."""

    color: str
    dash: str | None = None
    scale: float = 1.0
    symbol: str = "circle"


# Distances measured for normal, deutan, protan and tritan vision (CAM02): 25/23/22/25.
PROGRESS_STROKES: Mapping[str, Stroke] = {
    "planned": Stroke("#8C8C8C", dash="2 5"),
    "designed": Stroke("#8C8C8C", dash="8 4"),
    "under_construction": Stroke("#E66100", scale=1.3),
    "completed": Stroke("#5DA5DA"),
    "accepted": Stroke("#1F3A93"),
}


@dataclass(frozen=True, slots=True)
class Style:
    """Base look of a kind; ``strokes`` gives each value of ``color_by`` its own."""

    color: str
    width: float = 2.0
    radius: float = 5.0
    fill_opacity: float = 0.35
    color_by: str | None = None
    strokes: Mapping[str, Stroke] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Zoom:
    """The zoom contract of a kind's tiles.

    Below ``features_from`` a tile carries grid cells with counts; from there on features.
    ``ranked`` names an attribute whose values appear only from a zoom on (others: always).
    Below ``named_from`` features carry their identity and what draws them, no code and no name;
    from ``detail_from`` on every attribute the reader may see is in the tile.
    """

    features_from: int = 12
    named_from: int = 0
    detail_from: int = 15
    labels_from: int = 16
    simplify_below: int = 0
    ranked: tuple[str, Mapping[str, int]] | None = None


_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def holds_unstorable_text(cells: Iterable[object]) -> bool:
    """Whether any text of a column is one :meth:`Record.refuse_unstorable_text` refuses."""
    return _UNSTORABLE.search("\n".join(c for c in cells if isinstance(c, str))) is not None


Name = Annotated[str | None, Field(max_length=200)]
Words = Annotated[str | None, Field(max_length=2000)]


class Record(BaseModel):
    """Identity every kind has. System columns (id, valid, recorded_*, version) are not here."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, str_strip_whitespace=True)

    kind: ClassVar[str]
    label: ClassVar[Text]
    group: ClassVar[Text]
    geometry_type: ClassVar[GeometryType]
    sensitivity: ClassVar[Sensitivity] = Sensitivity.INTERNAL
    style: ClassVar[Style]
    zoom: ClassVar[Zoom] = Zoom()
    tile_extras: ClassVar[tuple[str, ...]] = ()
    """Attributes tiles carry at every zoom beside code, name and the one that colours."""
    written_by_events: ClassVar[bool] = False
    """True for a projection of events: imports and editors may not write it directly."""

    code: Annotated[
        str,
        Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f]+$"),
        attribute("编号", "Code", aliases=("代码", "标识码", "USID", "code", "编码")),
    ]
    name: Annotated[Name, attribute("名称", "Name", aliases=("NAME", "name", "名字"))] = None
    source: Annotated[
        str,
        Field(min_length=1, max_length=200),
        attribute("资料来源", "Source", aliases=("DATA_ORIGI", "DataSource"), detail=True),
    ] = "manual"
    source_code: Annotated[
        str | None,
        Field(max_length=200),
        attribute("来源编号", "Code at the source", detail=True),
    ] = None
    township: Annotated[
        str | None,
        Field(max_length=12),
        attribute("乡镇代码", "Township code", aliases=("乡镇", "DISTRICT", "township")),
    ] = None
    missing: Annotated[
        dict[str, str], attribute("缺失原因", "Missing, with reason", detail=True)
    ] = Field(default_factory=dict, max_length=100)
    note: Annotated[Words, attribute("备注", "Note", aliases=("REMARK", "remark"), detail=True)] = (
        None
    )

    @field_validator("*", mode="before")
    @classmethod
    def refuse_unstorable_text(cls, value: object) -> object:
        """PostgreSQL text holds neither NUL nor a lone surrogate; say so at the door."""
        if isinstance(value, str) and _UNSTORABLE.search(value):
            raise ValueError("text holds a NUL or half a surrogate pair")
        return value


class Asset(Record):
    """Common attributes of what the bureau builds and keeps (domain.md 1)."""

    owner: Annotated[Name, attribute("权属单位", "Owner", aliases=("OWNERDEPT",), detail=True)] = (
        None
    )
    maintainer: Annotated[
        Name,
        attribute("管养单位", "Maintainer", aliases=("MANAGEDEPT", "管理单位"), detail=True),
    ] = None
    section: Annotated[Name, attribute("责任股室", "Responsible section", detail=True)] = None
    responsible: Annotated[
        Name,
        attribute(
            "责任人",
            "Responsible person",
            sensitivity=Sensitivity.RESTRICTED,
            detail=True,
        ),
    ] = None
    verification: Annotated[Verification, attribute("核实状态", "Verification", detail=True)] = (
        Verification.UNVERIFIED
    )
    project_code: Annotated[
        str | None,
        Field(max_length=64),
        attribute("项目编号", "Project code", aliases=("PROJECT_NA", "所属工程"), detail=True),
    ] = None
    progress: Annotated[
        Progress | None, attribute("建设进度", "Progress", aliases=("进度", "progress"))
    ] = None
    progress_percent: Annotated[
        float | None,
        Field(ge=0, le=100),
        attribute("形象进度", "Work done", unit=PERCENT, detail=True),
    ] = None
    planned_start_on: Annotated[
        date | None, attribute("计划开工日期", "Planned start", detail=True)
    ] = None
    planned_completion_on: Annotated[
        date | None, attribute("计划完工日期", "Planned completion", detail=True)
    ] = None
    started_on: Annotated[date | None, attribute("开工日期", "Started", detail=True)] = None
    completed_on: Annotated[
        date | None,
        attribute("完工日期", "Completed", aliases=("FINISH_DAT", "竣工日期"), detail=True),
    ] = None
    accepted_on: Annotated[date | None, attribute("验收日期", "Accepted", detail=True)] = None
    service_state: Annotated[
        ServiceState,
        attribute("使用状态", "Service state", aliases=("STATE", "设施状态", "状态")),
    ] = ServiceState.IN_USE


@cache
def declared(kind: type[Record]) -> Mapping[str, Attribute]:
    """Attribute declarations of a kind by name, in the order they are shown."""
    found: dict[str, Attribute] = {}
    for name, info in kind.model_fields.items():
        marks: list[Any] = [m for m in info.metadata if isinstance(m, Attribute)]  # Any: Pydantic
        if not marks:
            raise TypeError(f"{kind.__name__}.{name} has no attribute() declaration")
        found[name] = marks[0]
    return MappingProxyType(found)


def sensitivity_of(kind: type[Record], name: str) -> Sensitivity:
    """The sensitivity of one attribute: its own where declared, never below its kind's."""
    own = declared(kind)[name].sensitivity
    if own is None or kind.sensitivity.covers(own):
        return kind.sensitivity
    return own
