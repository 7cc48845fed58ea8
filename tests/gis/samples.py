"""A record and a geometry of any kind, made from its declaration alone."""

from __future__ import annotations

import types
import typing
from datetime import UTC, date, datetime
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from annotated_types import Ge, Gt, Le, Lt, MaxLen
from pydantic.fields import FieldInfo
from shapely.geometry.base import BaseGeometry

from gis.attributes import Vocabulary
from gis.geometry import STORAGE_SRID, GeometryType
from gis.kinds import Record
from gis.kinds.project import MoneySource

_SHAPES = {
    GeometryType.POINT: "POINT (99.1 25.1)",
    GeometryType.LINE: "LINESTRING (99.1 25.1, 99.11 25.1, 99.11 25.12)",
    GeometryType.AREA: "MULTIPOLYGON (((99.1 25.1, 99.11 25.1, 99.11 25.11, 99.1 25.1)),"
    " ((99.2 25.1, 99.21 25.1, 99.21 25.11, 99.2 25.1)))",
    GeometryType.POINT_OR_AREA: "MULTIPOLYGON (((99.1 25.1, 99.11 25.1, 99.11 25.11, 99.1 25.1)))",
}


def sample_geometry(kind: type[Record], *, step: int = 0) -> BaseGeometry:
    """A valid geometry of the kind's type; ``step`` moves it, so that rows differ."""
    shape: BaseGeometry = shapely.from_wkt(_SHAPES[kind.geometry_type])
    moved: BaseGeometry = shapely.transform(shape, lambda xy: xy + np.array([step * 0.001, 0]))
    return moved


def sample_record(kind: type[Record], code: str = "A-1", *, full: bool = False) -> Record:
    """A record with what the kind requires, or with every attribute set to something."""
    values: dict[str, Any] = {}  # Any: values of any attribute
    for name, info in kind.model_fields.items():
        if full or info.is_required():
            values[name] = _sample_value(name, info, last=full)
    return kind.model_validate(values | {"code": code, "source": "test", "source_code": code})


def _sample_value(name: str, info: FieldInfo, *, last: bool) -> object:
    plain = plain_type(info)
    if name == "money":
        return {MoneySource.COUNTY: {"paid": 1.5}}
    if typing.get_origin(plain) is dict:
        return {"name": "未测"}
    if issubclass(plain, Vocabulary):
        return list(plain)[-1 if last else 0]
    number = _number_within(info)
    limit = next((m.max_length for m in info.metadata if isinstance(m, MaxLen)), 100)
    samples: dict[type, object] = {  # a bool is an int, a datetime a date: the narrower first
        bool: True,
        int: int(number),
        float: number,
        datetime: datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC),
        date: date(2024, 5, 6),
        str: f"{name} 井'\"\\"[:limit].strip(),
    }
    return next(value for type_, value in samples.items() if issubclass(plain, type_))


def plain_type(info: FieldInfo) -> Any:  # noqa: ANN401 - Any: a class, or an alias of one
    """The annotation without None."""
    if typing.get_origin(info.annotation) in (typing.Union, types.UnionType):
        return next(a for a in typing.get_args(info.annotation) if a is not type(None))
    return info.annotation


def _number_within(info: FieldInfo) -> float:
    low, high = -1e6, 1e6
    for mark in info.metadata:
        low = float(getattr(mark, "ge", low)) if isinstance(mark, Ge) else low
        low = float(getattr(mark, "gt", low)) if isinstance(mark, Gt) else low
        high = float(getattr(mark, "le", high)) if isinstance(mark, Le) else high
        high = float(getattr(mark, "lt", high)) if isinstance(mark, Lt) else high
    return (low + high) // 2


def sample_frame(kind: type[Record], *codes: str, full: bool = False) -> gpd.GeoDataFrame:
    """Rows of a kind as :func:`gis.store.load_rows` takes them."""
    rows = [sample_record(kind, code, full=full).model_dump(mode="json") for code in codes]
    shapes = [sample_geometry(kind, step=i) for i in range(len(codes))]
    return gpd.GeoDataFrame(rows, geometry=shapes, crs=STORAGE_SRID)
