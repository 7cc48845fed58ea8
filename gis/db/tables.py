"""Kinds -> SQLAlchemy tables, and the few tables that are no kind.

``core.<kind>`` holds what is believed true now, ``history.<kind>`` every assertion ever made
about it (append-only, the current one included), with the CHECK on its geometry but none on
vocabularies, which change.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from datetime import date, datetime
from enum import Enum

from annotated_types import Ge, Gt, Le, Lt, MaxLen
from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSTZRANGE
from sqlalchemy.types import TypeEngine, UserDefinedType

from gis.attributes import Vocabulary
from gis.geometry import (
    MAX_VERTICES,
    STORAGE_SRID,
    TILE_LATITUDE_LIMIT,
    TILE_SRID,
    GeometryType,
)
from gis.kinds import KINDS, Record

CORE = "core"
HISTORY = "history"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class TransactionId(UserDefinedType[int]):
    """PostgreSQL's ``xid8``: which transaction wrote a version."""

    cache_ok = True

    def get_col_spec(self, **_options: object) -> str:
        """The type as DDL writes it."""
        return "xid8"


SYSTEM_COLUMNS = (
    "id",
    "version",
    "valid",
    "recorded_at",
    "recorded_by",
    "recorded_tx",
    "reason",
)
MEASURES = {GeometryType.LINE: "length_m", GeometryType.AREA: "area_m2"}
_MEASURE_SQL = {
    "length_m": "ST_Length(geometry::geography)",
    "area_m2": "ST_Area(geometry::geography)",
}


def _plain_type(annotation: object) -> tuple[object, bool]:
    """(type without None, whether None is allowed)."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        arms = [a for a in typing.get_args(annotation) if a is not type(None)]
        nullable = len(arms) < len(typing.get_args(annotation))
        return (arms[0] if len(arms) == 1 else str), nullable
    return annotation, False


def _column_type(
    plain: object,
) -> TypeEngine[typing.Any]:  # Any: one of many column types
    if typing.get_origin(plain) in (dict, list) or plain in (dict, list):
        return JSONB()
    if isinstance(plain, type):
        if issubclass(plain, Enum):
            return Text()
        for python_type, column_type in (
            (bool, Boolean()),
            (int, Integer()),
            (float, Double()),
            (datetime, DateTime(timezone=True)),
            (date, Date()),
            (str, Text()),
        ):
            if issubclass(plain, python_type):
                return column_type
    raise TypeError(f"no column type for {plain!r}")


def _checks(kind: type[Record]) -> Iterator[CheckConstraint]:
    """CHECKs of a current table: vocabularies, bounds, lengths, geometry."""
    for name, info in kind.model_fields.items():
        plain, _ = _plain_type(info.annotation)
        if isinstance(plain, type) and issubclass(plain, Vocabulary):
            words = ", ".join(f"'{member.value}'" for member in plain)
            yield CheckConstraint(f"{name} IN ({words})", name=name)
            continue
        bounds = [b for b in (_bound_sql(name, mark) for mark in info.metadata) if b]
        if plain is float and not any("<" in bound for bound in bounds):
            bounds.append(f"{name} < 'Infinity'")  # NaN sorts above it
        if plain is float and not any(">" in bound for bound in bounds):
            bounds.append(f"{name} > '-Infinity'")
        if bounds:
            yield CheckConstraint(" AND ".join(bounds), name=name)
    yield _geometry_check(kind)
    yield CheckConstraint("upper_inf(valid) AND NOT lower_inf(valid)", name="valid")


def _geometry_check(kind: type[Record]) -> CheckConstraint:
    """What the gate promises, again by the database: cheap tests first, GEOS last.

    NaN sorts above every number in PostgreSQL, so the bounds refuse it; inside a line or a ring,
    where a box may not show it, ST_IsValid does.
    """
    tests = [
        f"ST_NPoints(geometry) <= {MAX_VERTICES}",
        "NOT ST_IsEmpty(geometry)",
        "ST_XMin(geometry) >= -180 AND ST_XMax(geometry) <= 180",
        f"ST_YMin(geometry) >= -{TILE_LATITUDE_LIMIT}",
        f"ST_YMax(geometry) <= {TILE_LATITUDE_LIMIT}",
    ]
    if kind.geometry_type is GeometryType.POINT_OR_AREA:
        tests.insert(0, "GeometryType(geometry) IN ('POINT', 'MULTIPOLYGON')")
    if "MultiPolygon" in kind.geometry_type.allowed:
        # An empty part or an empty inner ring is valid to PostGIS, and ends the server in the
        # functions that stumble on it (seen in 3.3: ST_PointOnSurface, ST_Distance).
        tests.append("ST_AsText(geometry, 0) !~ 'EMPTY|[(][)]'")
    return CheckConstraint(" AND ".join((*tests, "ST_IsValid(geometry)")), name="geometry")


def _bound_sql(name: str, mark: object) -> str | None:
    match mark:
        case Ge(ge=value):
            return f"{name} >= {value}"
        case Gt(gt=value):
            return f"{name} > {value}"
        case Le(le=value):
            return f"{name} <= {value}"
        case Lt(lt=value):
            return f"{name} < {value}"
        case MaxLen(max_length=limit) if name != "missing":
            return f"char_length({name}) <= {limit}"
    return None


def _columns(
    kind: type[Record],
) -> Iterator[Column[typing.Any]]:  # Any: columns of any type
    yield Column("id", Uuid(), nullable=False)
    for name, info in kind.model_fields.items():
        plain, nullable = _plain_type(info.annotation)
        column_type = _column_type(plain)
        default = text("'{}'::jsonb") if isinstance(column_type, JSONB) else None
        yield Column(name, column_type, nullable=nullable, server_default=default)
    geometry_name = kind.geometry_type.value.upper()
    yield Column(
        "geometry",
        Geometry(geometry_name, srid=STORAGE_SRID, spatial_index=False),
        nullable=False,
    )
    yield Column(
        "geometry_3857",
        Geometry(geometry_name, srid=TILE_SRID, spatial_index=False),
        Computed(f"ST_Transform(geometry, {TILE_SRID})", persisted=True),
    )
    if measure := MEASURES.get(kind.geometry_type):
        yield Column(measure, Double(), Computed(_MEASURE_SQL[measure], persisted=True))
    yield Column("version", BigInteger(), nullable=False)
    yield Column("valid", TSTZRANGE(), nullable=False)
    yield Column("recorded_at", DateTime(timezone=True), nullable=False)
    yield Column("recorded_by", Text(), nullable=False)
    yield Column("recorded_tx", TransactionId(), nullable=False)
    yield Column("reason", Text())


MIDDLE = ("middle_lon", "middle_lat")
"""Middle of a record's box in degrees: what decides in which tile and cell it is counted."""
BANDS_PER_DEGREE = 64
"""Height of a band of the index over middles: 1.7 km. A power of two, so that it is exact."""
MIDDLE_BAND = f"floor(middle_lat * {BANDS_PER_DEGREE}::double precision)"


def _middle_columns(kind: type[Record]) -> Iterator[Column[float]]:
    """The middle, for kinds whose tiles begin with a grid of counts."""
    if kind.zoom.features_from > 0:
        for name, axis in zip(MIDDLE, "XY", strict=True):
            middle = f"(ST_{axis}Min(geometry) + ST_{axis}Max(geometry)) / 2"
            yield Column(name, Double(), Computed(middle, persisted=True))


def counted_names(kind: type[Record]) -> list[str]:
    """What a grid of counts sums and splits by, beside the middle."""
    measure = MEASURES.get(kind.geometry_type)
    due = ("is_open", "due_at") if "due_at" in kind.model_fields else ()
    return [n for n in (kind.style.color_by, measure, *due) if n]


def _middle_index(kind: type[Record]) -> Iterator[Index]:
    """Bands of latitude, each by longitude, with all a grid needs: the table is not touched."""
    if kind.zoom.features_from > 0:
        yield Index(
            f"ix_{kind.kind}_middle",
            text(MIDDLE_BAND),
            "middle_lon",
            postgresql_include=["middle_lat", *counted_names(kind)],
        )


def _spatial_indexes(name: str, prefix: str = "") -> tuple[Index, Index]:
    return (
        Index(f"ix_{prefix}{name}_geometry", "geometry", postgresql_using="gist"),
        Index(f"ix_{prefix}{name}_geometry_3857", "geometry_3857", postgresql_using="gist"),
    )


def _make_current(kind: type[Record]) -> Table:
    return Table(
        kind.kind,
        metadata,
        *_columns(kind),
        *_middle_columns(kind),
        *_checks(kind),
        PrimaryKeyConstraint("id"),
        UniqueConstraint("code"),
        UniqueConstraint("source", "source_code"),
        ForeignKeyConstraint(["id"], [f"{CORE}.asset.id"], deferrable=True, initially="DEFERRED"),
        *_spatial_indexes(kind.kind),
        *_middle_index(kind),
        Index(
            f"ix_{kind.kind}_words",
            "code",
            "name",
            postgresql_using="gin",
            postgresql_ops={"code": "gin_trgm_ops", "name": "gin_trgm_ops"},
        ),
        schema=CORE,
        info={"kind": kind.kind},
    )


def _make_history(kind: type[Record]) -> Table:
    return Table(
        kind.kind,
        metadata,
        *_columns(kind),
        Column("deleted", Boolean(), nullable=False, server_default=text("false")),
        *_middle_columns(kind),
        _geometry_check(kind),
        PrimaryKeyConstraint("id", "version", name=f"pk_history_{kind.kind}"),
        *_spatial_indexes(kind.kind, "history_"),
        schema=HISTORY,
        info={"history_of": kind.kind},
    )


asset = Table(
    "asset",
    metadata,
    Column("id", Uuid(), nullable=False),
    Column("kind", Text(), nullable=False),
    Column("code", Text(), nullable=False),
    Column("voided", Boolean(), nullable=False, server_default=text("false")),
    PrimaryKeyConstraint("id"),
    Index("ix_asset_kind_code", "kind", "code"),
    schema=CORE,
)
"""Identity of everything: the target of every reference to "any asset"; kept by triggers."""

current: dict[str, Table] = {name: _make_current(kind) for name, kind in KINDS.items()}
history: dict[str, Table] = {name: _make_history(kind) for name, kind in KINDS.items()}

collection_version = Table(
    "collection_version",
    metadata,
    Column("kind", Text(), primary_key=True),
    Column("version", BigInteger(), nullable=False, server_default=text("1")),
    Column(
        "changed_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=text("now()"),
    ),
    schema=CORE,
)
"""Version of each collection, bumped at commit: the ETag and the cache key of its answers."""

long_write = Table(
    "long_write",
    metadata,
    Column("began_at", DateTime(timezone=True), primary_key=True),
    Column("ended_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("ended_at >= began_at", name="ended_at"),
    schema=CORE,
)
"""Transactions that wrote for longer than a moment: their versions are recorded as of their start,
which nobody could see before their end (:func:`gis.queries.source_clause`)."""

change_mark = Table(
    "change_mark",
    metadata,
    Column("tx", TransactionId(), nullable=False),
    Column("kind", Text(), nullable=False),
    PrimaryKeyConstraint("tx", "kind"),
    schema=CORE,
    prefixes=["UNLOGGED"],
)
"""Kinds a running transaction has touched; emptied by the deferred trigger that bumps them."""


project_asset = Table(
    "project_asset",
    metadata,
    Column("project_id", Uuid(), nullable=False),
    Column("asset_id", Uuid(), nullable=False),
    Column("work", Text(), nullable=False),
    Column("progress", Text()),
    Column("progress_percent", SmallInteger()),
    PrimaryKeyConstraint("project_id", "asset_id", "work"),
    ForeignKeyConstraint(["project_id"], [f"{CORE}.asset.id"]),
    ForeignKeyConstraint(["asset_id"], [f"{CORE}.asset.id"]),
    CheckConstraint("progress_percent BETWEEN 0 AND 100", name="progress_percent"),
    schema=CORE,
)
"""Works of a project on an asset (new building or works on an existing one), with progress."""

county = Table(
    "county",
    metadata,
    Column("code", Text(), primary_key=True),
    Column("name_zh", Text(), nullable=False),
    Column("name_en", Text(), nullable=False),
    Column(
        "extent",
        Geometry("POLYGON", srid=STORAGE_SRID, spatial_index=False),
        nullable=False,
    ),
    Column("demonstration", JSONB(none_as_null=True)),
    schema=CORE,
)
"""The county this installation serves: one row; its extent is judged at import as a finding.

``demonstration`` holds the seed and the scale of a fictional county; a real one has none.
"""


def stored_names(kind: type[Record]) -> list[str]:
    """Columns a writer may set: the declared attributes and the geometry."""
    return [*kind.model_fields, "geometry"]
