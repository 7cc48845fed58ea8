"""Somebody who asks: an account with its roles, a duty holder with a link, or nobody known."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from gis.attributes import Text
from gis.db.roles import Pool


class PersonRole(StrEnum):
    """What somebody is in the bureau."""

    VIEWER = "viewer"
    INSPECTOR = "inspector"
    OFFICER = "officer"
    PLANNER = "planner"
    LEADER = "leader"
    SYSTEM_OFFICER = "system_officer"
    SECURITY_OFFICER = "security_officer"
    AUDIT_OFFICER = "audit_officer"
    DUTY_HOLDER = "duty_holder"
    """Never an account's: who holds a signed link to one hazard."""

    @property
    def label(self) -> Text:
        """The role's name for people."""
        return _LABELS[self]


_LABELS = {
    PersonRole.VIEWER: Text(zh="查阅人员", en="Viewer"),
    PersonRole.INSPECTOR: Text(zh="检查人员", en="Inspector"),
    PersonRole.OFFICER: Text(zh="经办人", en="Case officer"),
    PersonRole.PLANNER: Text(zh="规划人员", en="Planner"),
    PersonRole.LEADER: Text(zh="分管领导", en="Leader in charge"),
    PersonRole.SYSTEM_OFFICER: Text(zh="系统管理员", en="System officer"),
    PersonRole.SECURITY_OFFICER: Text(zh="安全管理员", en="Security officer"),
    PersonRole.AUDIT_OFFICER: Text(zh="审计管理员", en="Audit officer"),
    PersonRole.DUTY_HOLDER: Text(zh="整改责任单位", en="Duty holder"),
}
OFFICERS = frozenset(
    {PersonRole.SYSTEM_OFFICER, PersonRole.SECURITY_OFFICER, PersonRole.AUDIT_OFFICER}
)
"""The three officers of 等保: exclusive of each other and of every right to the bureau's data."""
ACCOUNT_ROLES = tuple(role for role in PersonRole if role is not PersonRole.DUTY_HOLDER)
_POOLS = {
    PersonRole.OFFICER: Pool.STAFF,
    PersonRole.LEADER: Pool.STAFF,
    PersonRole.INSPECTOR: Pool.FIELD,
    PersonRole.PLANNER: Pool.FIELD,
    PersonRole.VIEWER: Pool.FIELD,
}
"""The database role each reads as; who is not here (officers, link holders) sees what all see."""


class Credential(StrEnum):
    """What somebody showed to be let in."""

    SESSION = "session"
    APP_PASSWORD = "app_password"  # noqa: S105  a kind, not a password
    TOKEN = "token"  # noqa: S105
    DEVICE = "device"
    LINK = "link"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks, and by which credential; ``pool`` is the database role they read as.

    ``is_local``: nobody known, asking from this very machine of a server that listens to it alone.
    ``is_provisional``: logged in by the password alone where the role needs a second factor.
    """

    login: str
    name: str
    pool: Pool
    account_id: UUID | None = None
    roles: frozenset[PersonRole] = field(default_factory=frozenset)
    townships: tuple[str, ...] = ()
    section: str | None = None
    credential: Credential = Credential.NONE
    token_id: UUID | None = None
    device_id: UUID | None = None
    hazard_id: UUID | None = None
    address: str | None = None
    is_local: bool = False
    has_second_factor: bool = False
    is_provisional: bool = False

    @property
    def is_known(self) -> bool:
        """Whether somebody is logged in, or holds a link."""
        return self.credential is not Credential.NONE

    def as_dict(self) -> dict[str, object]:
        """What a page or a phone may know of who uses it."""
        return {
            "id": str(self.account_id) if self.account_id else None,
            "login": self.login,
            "name": self.name,
            "roles": sorted(self.roles),
            "townships": list(self.townships),
            "section": self.section,
            "credential": self.credential.value,
            "is_provisional": self.is_provisional,
        }


def make_anonymous(pool: Pool, *, address: str | None = None, is_local: bool = False) -> Person:
    """Nobody known, who reads as ``pool``."""
    return Person(login="anonymous", name="", pool=pool, address=address, is_local=is_local)


def choose_pool(roles: frozenset[PersonRole]) -> Pool:
    """The widest database role that any of the roles reads as.

    >>> choose_pool(frozenset({PersonRole.INSPECTOR, PersonRole.OFFICER})).value
    'staff'
    """
    pools = {_POOLS.get(role, Pool.PUBLIC) for role in roles}
    return next((p for p in (Pool.STAFF, Pool.FIELD) if p in pools), Pool.PUBLIC)
