"""Which assets of a kind are to be visited: those in service, in the words of their kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from gis.db.tables import CORE
from gis.hazards.profiles import PROFILES
from gis.kinds import get_kind
from gis.kinds.hazard import HazardCategory
from gis.queries import Parameters

_DUE: Mapping[str, str] = {
    "gas_site": "f.operating_state = 'open'",
    "flood_point": "f.treatment <> 'eliminated'",
    "land_plot": "f.stage <> 'closed'",
}
"""Of the other kinds those whose service state says in use; all, where they have none."""


def visited_condition(kind: str) -> str:
    """Whether the row ``f`` of a kind is to be visited, as an SQL condition."""
    if kind in _DUE:
        return _DUE[kind]
    return (
        "f.service_state = 'in_use'" if "service_state" in get_kind(kind).model_fields else "true"
    )


def site_kinds() -> dict[HazardCategory, str]:
    """The kind whose assets a category visits, of the categories that have one."""
    return {c: p.site_kind for c, p in PROFILES.items() if p.site_kind is not None}


def list_due_sites(
    connection: Connection, kind: str, *, township: str | None = None, seed: str = ""
) -> list[Any]:  # Any: UUID, as the driver gives it
    """Identifiers of a kind's sites, by the order of a hash of seed and id: nobody chooses it."""
    parameters: Parameters = {"township": township, "seed": seed}
    sql = (
        f"SELECT f.id FROM {CORE}.{kind} f WHERE {visited_condition(kind)}"
        " AND (%(township)s::text IS NULL OR f.township = %(township)s)"
        " ORDER BY md5(%(seed)s || f.id::text)"
    )
    return list(connection.exec_driver_sql(sql, parameters).scalars())
