"""Tables of the sewer network as a graph: its edges, what is to be settled anew, its tolerance.

``core.settle_network()`` keeps the edges at each commit that touched pipes or nodes (migration
0011). An end is found, in this order, by
``code``  the node of the code the pipe names;
``named`` a virtual node of that code, where no record has it (yet);
and, where the pipe names none, by
``near``  the nearest node within the tolerance;
``touch`` the nearest end within the tolerance that is one of the three above;
``place`` a virtual node of the place, shared by every such end that touches it, and so on.
"""

from __future__ import annotations

from geoalchemy2 import Geometry
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    Double,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from gis.db.tables import CORE, metadata
from gis.geometry import STORAGE_SRID

HOW = ("code", "named", "near", "touch", "place")
_HOW_SQL = "IN ({})".format(", ".join(f"'{word}'" for word in HOW))


def _cell(point: str) -> str:
    """The cell of 0.0001 degrees a point is in, as the index over it has it."""
    return (
        f"(floor(ST_X({point}) * 10000)::bigint * 10000000 + floor(ST_Y({point}) * 10000)::bigint)"
    )


def _end(name: str) -> tuple[Column[object], ...]:
    """Columns of one end of a pipe, as it is drawn."""
    return (
        Column(f"{name}_id", Uuid()),
        Column(f"{name}_code", Text()),
        Column(f"{name}_how", Text()),
        Column(f"{name}_gap_m", Double()),
        Column(
            f"{name}_point",
            Geometry("POINT", srid=STORAGE_SRID, spatial_index=False),
            nullable=False,
        ),
    )


def _end_indexes(name: str) -> tuple[Index, ...]:
    return (
        Index(
            f"ix_network_edge_{name}_code",
            f"{name}_code",
            postgresql_where=text(f"{name}_code IS NOT NULL"),
        ),
        Index(f"ix_network_edge_{name}_cell", text(_cell(f"{name}_point"))),
    )


network_edge = Table(
    "network_edge",
    metadata,
    Column("pipe_id", Uuid(), nullable=False),
    *_end("start"),
    *_end("end"),
    Column("is_backward", Boolean(), nullable=False),
    Column(
        "source_id", Uuid(), Computed("CASE WHEN is_backward THEN end_id ELSE start_id END", True)
    ),
    Column(
        "target_id", Uuid(), Computed("CASE WHEN is_backward THEN start_id ELSE end_id END", True)
    ),
    PrimaryKeyConstraint("pipe_id"),
    CheckConstraint(f"start_how {_HOW_SQL}", name="start_how"),
    CheckConstraint(f"end_how {_HOW_SQL}", name="end_how"),
    Index("ix_network_edge_source_id", "source_id"),
    Index("ix_network_edge_target_id", "target_id"),
    *_end_indexes("start"),
    *_end_indexes("end"),
    Index(
        "ix_network_edge_unsettled",
        "pipe_id",
        postgresql_where=text("start_how IS NULL OR end_how IS NULL"),
    ),
    schema=CORE,
)
"""A pipe that is not removed, and the nodes it leads from and to.

``start`` and ``end`` are as drawn, ``source`` and ``target`` along the flow: as surveyed on site,
as drawn where that is unknown. Inverts turn nothing round: what they contradict is a finding.
"""

network_dirty = Table(
    "network_dirty",
    metadata,
    Column("id", Uuid(), nullable=False),
    Column("is_pipe", Boolean(), nullable=False),
    PrimaryKeyConstraint("id"),
    schema=CORE,
)
"""Pipes and nodes whose place in the network is to be settled; emptied by each commit."""

network_place = Table(
    "network_place",
    metadata,
    Column("point", Geometry("POINT", srid=STORAGE_SRID, spatial_index=False), nullable=False),
    Column("id", Uuid()),
    Column("how", Text()),
    Column("gap_m", Double()),
    Index("ix_network_place_cell", text(_cell("point"))),
    schema=CORE,
    prefixes=["UNLOGGED"],
)
"""Places a settlement is at work on; empty before and after it."""

network_setting = Table(
    "network_setting",
    metadata,
    Column("id", Integer(), primary_key=True, autoincrement=False),
    Column("tolerance_m", Double(), nullable=False),
    CheckConstraint("id = 1", name="id"),
    CheckConstraint("tolerance_m BETWEEN 0 AND 5", name="tolerance_m"),
    schema=CORE,
)
"""One row: how near, in metres, ends of pipes that name no node must be to be one."""

misconnection_record = Table(
    "misconnection_record",
    metadata,
    Column("id", Uuid(), nullable=False),
    Column("misconnection_id", Uuid(), nullable=False),
    Column("node_id", Uuid(), nullable=False),
    Column("from_system", Text(), nullable=False),
    Column("to_system", Text(), nullable=False),
    Column("record", JSONB(), nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("recorded_by", Text(), nullable=False),
    PrimaryKeyConstraint("id"),
    Index("ix_misconnection_record_misconnection_id", "misconnection_id", "recorded_at"),
    schema=CORE,
)
"""What was found and done at a misconnection; append-only, kept when the misconnection is gone."""
