"""Phones: brought in with a password or a one-time code, three to a person, each revocable."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from gis.attributes import Text
from gis.db.people_tables import account, device, enrolment, token
from gis.errors import ConflictError, LoginError, NotFoundError
from gis.people import tokens
from gis.people.accounts import find_account, read_name
from gis.people.audit import note
from gis.people.person import Person, PersonRole
from gis.people.tokens import DEVICE_LIFE, Issued, TokenKind

MOST = 3
CODE_LIFE = timedelta(minutes=10)
_ALPHABET = "23456789abcdefghijkmnpqrstuvwxyz"
WRONG_CODE = Text(zh="登记码无效、已使用或已过期", en="the code is wrong, was used, or is over")


@dataclass(frozen=True, slots=True)
class Code:
    """A new enrolment code: the only moment it is known."""

    code: str
    login: str
    expires_at: datetime


def make_code(connection: Connection, account_id: UUID, *, by: Person, now: datetime) -> Code:
    """A one-time code for somebody's phone; earlier ones of the same person end."""
    owner = find_account(connection, account_id)
    if owner.disabled_at is not None:
        raise ConflictError(Text(zh="账号已停用", en="the account is disabled"))
    code = "".join(secrets.choice(_ALPHABET) for _ in range(20))
    connection.execute(enrolment.delete().where(enrolment.c.account_id == account_id))
    connection.execute(
        insert(enrolment).values(
            id=uuid4(),
            sha256=tokens.digest(code),
            account_id=account_id,
            created_at=now,
            created_by=by.login,
            expires_at=now + CODE_LIFE,
        )
    )
    note(connection, by, "make_enrolment", subject=f"account:{owner.login}")
    return Code(code, owner.login, now + CODE_LIFE)


def find_code(connection: Connection, code: str, *, now: datetime) -> UUID:
    """Whose code it is; it stays good. LoginError when it is none."""
    held = select(enrolment.c.account_id).where(*_is_good(code, now))
    return _require_code(connection.execute(held).scalar())


def use_code(connection: Connection, code: str, *, now: datetime) -> UUID:
    """Whose code it is; it is used up by this. LoginError when it is none."""
    used = update(enrolment).where(*_is_good(code, now)).values(used_at=now)
    return _require_code(connection.execute(used.returning(enrolment.c.account_id)).scalar())


def _is_good(code: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    enabled = select(account.c.id).where(account.c.disabled_at.is_(None))
    return (
        enrolment.c.sha256 == tokens.digest(code.strip().lower().replace("-", "")),
        enrolment.c.used_at.is_(None),
        enrolment.c.expires_at > now,
        enrolment.c.account_id.in_(enabled),
    )


def _require_code(account_id: UUID | None) -> UUID:
    if account_id is None:
        raise LoginError(WRONG_CODE)
    return account_id


def enrol_device(
    connection: Connection, person: Person, device_id: UUID, name: str, *, now: datetime
) -> Issued:
    """Give a phone its token; an earlier one of the same phone and person ends.

    ConflictError when three others are enrolled. Two enrolments at once wait for each other.
    """
    account_id = person.account_id
    if account_id is None:
        raise LoginError(Text(zh="请先登录", en="log in first"))
    connection.execute(select(account.c.id).where(account.c.id == account_id).with_for_update())
    others = connection.execute(
        select(func.count()).where(
            device.c.account_id == account_id,
            device.c.revoked_at.is_(None),
            device.c.id != device_id,
        )
    ).scalar_one()
    if others >= MOST:
        raise ConflictError(
            Text(
                zh="每人最多 {most} 部手机:请先停用一部", en="{most} phones each: revoke one first"
            ).format(most=MOST)
        )
    label = read_name(name)
    values = {"name": label, "enrolled_at": now, "revoked_at": None}
    row = upsert(device).values(id=device_id, account_id=account_id, **values)
    connection.execute(row.on_conflict_do_update(index_elements=["id", "account_id"], set_=values))
    tokens.revoke_all(connection, account_id, now=now, device_id=device_id)
    issued = tokens.issue_token(
        connection,
        TokenKind.DEVICE,
        now=now,
        life=DEVICE_LIFE,
        created_by=person.login,
        label=label,
        account_id=account_id,
        device_id=device_id,
    )
    note(connection, person, "enrol_device", subject=f"device:{device_id}")
    return issued


def list_devices(
    connection: Connection, account_id: UUID
) -> list[dict[str, Any]]:  # Any: columns of any type
    """The phones of an account that are not revoked, with the last use and the end of each."""
    live = (token.c.device_id == device.c.id) & (token.c.account_id == device.c.account_id)
    asked = (
        select(
            device.c.id,
            device.c.name,
            device.c.enrolled_at,
            func.max(token.c.last_used_at).label("last_used_at"),
            func.max(token.c.expires_at).label("expires_at"),
        )
        .select_from(device.outerjoin(token, live & token.c.revoked_at.is_(None)))
        .where(device.c.account_id == account_id, device.c.revoked_at.is_(None))
        .group_by(device.c.id, device.c.name, device.c.enrolled_at)
        .order_by(device.c.enrolled_at)
    )
    return [
        {str(name): value for name, value in row._mapping.items()}
        for row in connection.execute(asked)
    ]


def list_bearers(
    connection: Connection, device_id: UUID
) -> list[tuple[UUID, str, frozenset[PersonRole], datetime | None]]:
    """Everybody a phone was brought in for: account, login, roles, until when it was his."""
    asked = (
        select(account.c.id, account.c.login, account.c.roles, device.c.revoked_at)
        .join(device, device.c.account_id == account.c.id)
        .where(device.c.id == device_id)
    )
    return [
        (row[0], row[1], frozenset(map(PersonRole, row[2])), row[3])
        for row in connection.execute(asked)
    ]


def revoke_device(
    connection: Connection, account_id: UUID, device_id: UUID, *, by: Person, now: datetime
) -> None:
    """Let a phone in no more; NotFoundError when the account has no such phone."""
    asked = update(device).where(
        device.c.account_id == account_id,
        device.c.id == device_id,
        device.c.revoked_at.is_(None),
    )
    if connection.execute(asked.values(revoked_at=now)).rowcount == 0:
        raise NotFoundError(Text(zh="没有此手机", en="no such phone"))
    tokens.revoke_all(connection, account_id, now=now, device_id=device_id)
    note(connection, by, "revoke_device", subject=f"device:{device_id}")
