"""Login roles ("pools") and what each may see: the one place where grants are decided."""

from __future__ import annotations

from enum import StrEnum
from functools import cache

from gis.attributes import Sensitivity
from gis.kinds import KINDS, Record, declared, sensitivity_of

OWNER = "infratrack_owner"
SYSTEM_VISIBLE = (
    *("id", "version", "valid", "recorded_at", "geometry", "geometry_3857"),
    *("middle_lon", "middle_lat"),
)


class Pool(StrEnum):
    """A login role by need; none is superuser or owner of a table."""

    PUBLIC = "public"
    FIELD = "field"
    STAFF = "staff"
    JOBS = "jobs"
    GATE = "gate"
    """Who may come in: reads hashes of passwords and tokens, writes the audit trail; no kinds."""

    @property
    def role(self) -> str:
        """The role's name in PostgreSQL."""
        return f"infratrack_{self.value}"

    @property
    def clearance(self) -> Sensitivity | None:
        """The most sensitive kind or attribute the role may read; None: it reads no kind."""
        return _CLEARANCE.get(self)

    def sees(self, sensitivity: Sensitivity) -> bool:
        """Whether the role may read a kind or an attribute of that class."""
        return self.clearance is not None and self.clearance.covers(sensitivity)


_CLEARANCE = {
    Pool.PUBLIC: Sensitivity.PUBLIC,
    Pool.FIELD: Sensitivity.INTERNAL,
    Pool.STAFF: Sensitivity.RESTRICTED,
    Pool.JOBS: Sensitivity.RESTRICTED,
}


def visible_kinds(pool: Pool) -> list[type[Record]]:
    """Kinds the pool may read, in the register's order."""
    return [kind for kind in KINDS.values() if pool.sees(kind.sensitivity)]


def visible_attributes(kind: type[Record], pool: Pool) -> list[str]:
    """Declared attributes of a kind the pool may read, in the order they are shown."""
    return list(_visible_names(kind, pool))


@cache  # asked for every tile and page
def _visible_names(kind: type[Record], pool: Pool) -> tuple[str, ...]:
    return tuple(n for n in declared(kind) if pool.sees(sensitivity_of(kind, n)))
