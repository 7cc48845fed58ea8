"""Opaque tokens: 256 random bits behind a prefix scanners know; only the SHA-256 is kept.

No signature and no content: a token is looked up on every request, so a revoked one is refused at
once.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update
from sqlalchemy.exc import DBAPIError

from gis.db.handle import is_disk_full
from gis.db.people_tables import account, device, second_factor, token
from gis.people.person import Credential, Person, PersonRole, choose_pool


class TokenKind(StrEnum):
    """What a token stands for."""

    SESSION = "session"
    DEVICE = "device"
    APP_PASSWORD = "app_password"  # noqa: S105  a kind, not a password
    LINK = "link"

    @property
    def prefix(self) -> str:
        """How its tokens begin."""
        return _PREFIXES[self]


_PREFIXES = {
    TokenKind.SESSION: "its_",
    TokenKind.DEVICE: "itd_",
    TokenKind.APP_PASSWORD: "itk_",
    TokenKind.LINK: "itl_",
}
_SHAPE = re.compile(r"(its|itd|itk|itl)_[A-Za-z0-9_-]{43}")
SESSION_IDLE = timedelta(minutes=30)
SESSION_LIFE = timedelta(hours=12)
DEVICE_LIFE = timedelta(days=30)
"""Sliding: counted from the last use, for a phone may be offline for days."""
APP_PASSWORD_DAYS = 90
MAX_APP_PASSWORD_DAYS = 365
MAX_LINK_DAYS = 90
_NOTICED = {TokenKind.SESSION: timedelta(minutes=1)}
_NOTICED_ELSE = timedelta(hours=1)
"""A use is written down at most this often: not every tile is a write."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token: the only moment its secret is known."""

    id: UUID
    secret: str
    expires_at: datetime


def digest(secret: str) -> bytes:
    """What is stored of a token or a code."""
    return hashlib.sha256(secret.encode()).digest()


def has_shape(secret: str) -> bool:
    """Whether it could be one of our tokens at all (before any question to the database)."""
    return _SHAPE.fullmatch(secret) is not None


def issue_token(
    connection: Connection,
    kind: TokenKind,
    *,
    now: datetime,
    life: timedelta,
    created_by: str,
    label: str = "",
    account_id: UUID | None = None,
    device_id: UUID | None = None,
    hazard_id: UUID | None = None,
) -> Issued:
    """Make a token and store its hash; the secret is in the answer and nowhere else."""
    secret = kind.prefix + secrets.token_urlsafe(32)
    identifier, expires_at = uuid4(), now + life
    connection.execute(
        insert(token).values(
            id=identifier,
            kind=kind.value,
            sha256=digest(secret),
            account_id=account_id,
            device_id=device_id,
            hazard_id=hazard_id,
            label=label[:100],
            created_at=now,
            created_by=created_by,
            expires_at=expires_at,
            last_used_at=now,
        )
    )
    return Issued(identifier, secret, expires_at)


_FIND = (
    select(
        token.c.id.label("token_id"),
        token.c.kind,
        token.c.device_id,
        token.c.hazard_id,
        token.c.last_used_at,
        account.c.id.label("account_id"),
        account.c.login,
        account.c.name,
        account.c.roles,
        account.c.townships,
        account.c.section,
        second_factor.c.secret.is_not(None).label("has_second_factor"),
    )
    .select_from(
        token.outerjoin(account, account.c.id == token.c.account_id)
        .outerjoin(
            device,
            (device.c.id == token.c.device_id) & (device.c.account_id == token.c.account_id),
        )
        .outerjoin(second_factor, second_factor.c.account_id == token.c.account_id)
    )
    .where(token.c.revoked_at.is_(None), account.c.disabled_at.is_(None))
    .where(device.c.revoked_at.is_(None))
)


def find_person(
    connection: Connection,
    secret: str,
    *,
    now: datetime,
    address: str | None = None,
    is_use: bool = True,
) -> Person | None:
    """Whose token it is; None when it is unknown, over, idle for too long, or revoked.

    ``is_use``: whether this puts its end off; an open page that nobody touches does not.
    """
    if not has_shape(secret):
        return None
    asked = _FIND.where(token.c.sha256 == digest(secret), token.c.expires_at > now)
    row = connection.execute(asked).one_or_none()
    if row is None:
        return None
    kind = TokenKind(row.kind)
    if kind is TokenKind.SESSION and row.last_used_at <= now - SESSION_IDLE:
        return None
    if is_use and row.last_used_at <= now - _NOTICED.get(kind, _NOTICED_ELSE):
        _note_use(connection, kind, row.token_id, now)
    return _make_person(row._mapping, kind, address)


def _note_use(connection: Connection, kind: TokenKind, identifier: UUID, now: datetime) -> None:
    values: dict[str, datetime] = {"last_used_at": now}
    if kind is TokenKind.DEVICE:
        values["expires_at"] = now + DEVICE_LIFE
    try:
        connection.execute(update(token).where(token.c.id == identifier).values(values))
    except DBAPIError as error:  # on a full disk people still read
        if not is_disk_full(error.orig):
            raise


def _make_person(row: RowMapping, kind: TokenKind, address: str | None) -> Person:
    if kind is TokenKind.LINK:
        roles = frozenset({PersonRole.DUTY_HOLDER})
        login, name = f"link:{str(row['token_id'])[:8]}", PersonRole.DUTY_HOLDER.label.zh
    else:
        roles, login, name = frozenset(map(PersonRole, row["roles"])), row["login"], row["name"]
    return Person(
        login=login,
        name=name,
        pool=choose_pool(roles),
        account_id=row["account_id"],
        roles=roles,
        townships=tuple(row["townships"] or ()),
        section=row["section"],
        credential=Credential(kind.value),
        token_id=row["token_id"],
        device_id=row["device_id"],
        hazard_id=row["hazard_id"],
        address=address,
        has_second_factor=row["has_second_factor"],
    )


def revoke_token(
    connection: Connection,
    identifier: UUID,
    *,
    now: datetime,
    account_id: UUID | None = None,
    kind: TokenKind | None = None,
) -> bool:
    """End one token, of this account and kind where named; whether there was one to end."""
    asked = update(token).where(token.c.id == identifier, token.c.revoked_at.is_(None))
    if kind is not None:
        asked = asked.where(token.c.kind == kind.value)
    if account_id is not None:
        asked = asked.where(token.c.account_id == account_id)
    return connection.execute(asked.values(revoked_at=now)).rowcount > 0


def revoke_secret(connection: Connection, secret: str, *, now: datetime) -> None:
    """End the token with this secret, if there is one."""
    asked = update(token).where(token.c.sha256 == digest(secret), token.c.revoked_at.is_(None))
    connection.execute(asked.values(revoked_at=now))


def revoke_all(
    connection: Connection,
    account_id: UUID,
    *,
    now: datetime,
    kind: TokenKind | None = None,
    device_id: UUID | None = None,
    keep: UUID | None = None,
) -> int:
    """End every token of an account (of a kind, of a device; but ``keep``); how many."""
    asked = update(token).where(token.c.account_id == account_id, token.c.revoked_at.is_(None))
    if kind is not None:
        asked = asked.where(token.c.kind == kind.value)
    if device_id is not None:
        asked = asked.where(token.c.device_id == device_id)
    if keep is not None:
        asked = asked.where(token.c.id != keep)
    return connection.execute(asked.values(revoked_at=now)).rowcount


def list_tokens(
    connection: Connection, account_id: UUID, kind: TokenKind, *, now: datetime
) -> list[dict[str, object]]:
    """The live tokens of an account, newest first: never a secret, never a hash."""
    columns = (
        token.c.id,
        token.c.label,
        token.c.created_at,
        token.c.expires_at,
        token.c.last_used_at,
    )
    rows = connection.execute(
        select(*columns)
        .where(token.c.account_id == account_id, token.c.kind == kind.value)
        .where(token.c.revoked_at.is_(None), token.c.expires_at > now)
        .order_by(token.c.created_at.desc())
    )
    return [{str(name): value for name, value in row._mapping.items()} for row in rows]


def drop_expired(connection: Connection, *, now: datetime) -> int:
    """Forget tokens that ended more than half a year ago; how many."""
    past = now - timedelta(days=184)
    ended = func.least(token.c.expires_at, func.coalesce(token.c.revoked_at, token.c.expires_at))
    return connection.execute(delete(token).where(ended < past)).rowcount
