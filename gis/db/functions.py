"""The EXECUTE allow-list: the only PostGIS and text functions our roles may call."""

from __future__ import annotations

from collections.abc import Iterator

from gis.db.roles import OWNER, Pool


def function_grants() -> Iterator[str]:
    """Statements (superuser) that open exactly the allow-list to our roles; idempotent."""
    roles = ", ".join((OWNER, *(pool.role for pool in Pool)))
    yield f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {roles}"
