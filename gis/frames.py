"""What is stored, as GeoDataFrames for notebooks: ``gis.connect()``, then ``gis.read(kind)``."""

from __future__ import annotations

import atexit
import types
import typing
from collections.abc import Sequence
from datetime import date, datetime

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import Connection

from gis.attributes import Text, Vocabulary
from gis.db.connect import Installation, open_installation
from gis.db.handle import Database
from gis.db.roles import Pool, visible_kinds
from gis.db.setup import readable_columns
from gis.db.tables import MEASURES
from gis.errors import ForbiddenError, ParameterError, SetupError
from gis.geometry import STORAGE_SRID, BBox
from gis.kinds import Record, get_kind
from gis.queries import Filter, source_clause
from gis.settings import Settings

_opened: list[Installation] = []


def connect(settings: Settings | None = None) -> Database:
    """Open the installation the settings name (embedded cluster or server) for this process.

    The first call opens it, later ones give the same database; it is closed when Python ends.
    Nothing is migrated here: an installation that was never set up is a SetupError.
    """
    if not _opened:
        _opened.append(open_installation(settings or Settings(), upgrade=False))
        atexit.register(_close)
    return _opened[0].db


def _close() -> None:
    while _opened:
        _opened.pop().close()


def read(
    kind: str,
    *,
    bbox: BBox | Sequence[float] | None = None,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
    attributes: Sequence[str] | None = None,
    db: Database | None = None,
    pool: Pool = Pool.STAFF,
) -> gpd.GeoDataFrame:
    """Rows of a kind as a frame indexed by ``id``, in lon/lat of EPSG:4490.

    Columns: the attributes (``attributes`` picks some), the measure (``length_m`` or ``area_m2``,
    ellipsoidal), ``version``, ``valid_from``, ``recorded_at`` and ``geometry``. Vocabularies are
    categories in the order of their declaration, dates are ``datetime64``, whole numbers
    ``Int64``. ``as_of`` reads valid time, ``known_at`` recorded time (aware moments). Without
    ``db`` the database opened by :func:`connect` is read.

    Raises NotFoundError (kind), ForbiddenError (not for this pool), ParameterError (attribute,
    box, a naive moment).
    """
    record = get_kind(kind)
    if record not in visible_kinds(pool):
        raise ForbiddenError(
            Text(zh="无权读取 {kind}", en="{kind} may not be read by this role").format(kind=kind)
        )
    names = _choose_columns(record, pool, attributes)
    asked = Filter(bbox=_as_box(bbox), as_of=_aware(as_of), known_at=_aware(known_at))
    with (db or _database()).read(pool) as connection:
        rows = _fetch(connection, record, names, asked)
    return _make_frame(record, names, rows)


def _database() -> Database:
    if not _opened:
        raise SetupError(Text(zh="请先调用 gis.connect()", en="call gis.connect() first"))
    return _opened[0].db


def _choose_columns(kind: type[Record], pool: Pool, attributes: Sequence[str] | None) -> list[str]:
    allowed = set(readable_columns(kind.kind, pool))
    offered = [n for n in (*kind.model_fields, *MEASURES.values()) if n in allowed]
    unknown = sorted(set(attributes or ()) - set(offered))
    if unknown:
        raise ParameterError(
            Text(
                zh="{kind} 没有可读的属性 {unknown};可用:{known}",
                en="{kind} has no readable attribute {unknown}; there are: {known}",
            ).format(kind=kind.kind, unknown=", ".join(unknown)[:200], known=", ".join(offered)),
            unknown=unknown,
        )
    chosen = offered if attributes is None else list(dict.fromkeys(attributes))
    return [*chosen, "version", "recorded_at"]


def _as_box(bbox: BBox | Sequence[float] | None) -> BBox | None:
    if bbox is None or isinstance(bbox, BBox):
        return bbox
    return BBox.parse(",".join(str(float(v)) for v in bbox))


def _aware(moment: datetime | None) -> datetime | None:
    if moment is not None and moment.tzinfo is None:
        raise ParameterError(
            Text(zh="时刻须带时区", en="a moment needs its time zone"), parameter="as_of"
        )
    return moment


def _fetch(
    connection: Connection, kind: type[Record], names: Sequence[str], asked: Filter
) -> list[tuple[object, ...]]:
    parameters: dict[str, object] = {}
    clause = source_clause(kind.kind, asked, parameters)
    columns = ", ".join(f"f.{n}" for n in names)
    cursor = connection.connection.cursor()
    try:
        cursor.execute(
            f"SELECT f.id, lower(f.valid), ST_AsBinary(f.geometry), {columns} {clause}"
            " ORDER BY f.id",
            parameters,
        )
        return list(cursor.fetchall())
    finally:
        cursor.close()


def _make_frame(
    kind: type[Record], names: Sequence[str], rows: list[tuple[object, ...]]
) -> gpd.GeoDataFrame:
    ids, valid_from, shapes, *columns = (
        list(zip(*rows, strict=True)) if rows else [()] * (len(names) + 3)
    )
    frame = {
        name: _as_series(kind, name, cells) for name, cells in zip(names, columns, strict=True)
    }
    frame["valid_from"] = pd.Series(pd.to_datetime(list(valid_from), utc=True))
    wkb = np.empty(len(shapes), dtype=object)
    wkb[:] = [bytes(s) for s in shapes]
    result = gpd.GeoDataFrame(frame, geometry=shapely.from_wkb(wkb), crs=STORAGE_SRID)
    result.index = pd.Index([str(i) for i in ids], name="id", dtype=object)
    return result


_DTYPES: dict[type, str] = {bool: "boolean", int: "Int64", float: "float64"}


def _as_series(
    kind: type[Record], name: str, cells: Sequence[object]
) -> pd.Series[typing.Any]:  # Any: a column of any type
    plain = _plain_type(kind, name)
    if issubclass(plain, Vocabulary):
        words = [str(member) for member in plain]
        return pd.Series(pd.Categorical(list(cells), categories=words, ordered=True))
    values = pd.Series(list(cells), dtype=object)
    if issubclass(plain, date):
        moments: pd.Series[typing.Any] = pd.to_datetime(values, utc=issubclass(plain, datetime))
        return moments
    dtype: typing.Any = _DTYPES.get(plain, "object")  # Any: the stubs know only literals
    return values.astype(dtype)


def _plain_type(kind: type[Record], name: str) -> type:
    if name in MEASURES.values():
        return float
    if name in ("version", "recorded_at"):
        return int if name == "version" else datetime
    annotation = kind.model_fields[name].annotation
    arms = [annotation]
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        arms = [a for a in typing.get_args(annotation) if a is not type(None)]
    plain = typing.get_origin(arms[0]) or arms[0]
    return plain if isinstance(plain, type) and len(arms) == 1 else object
