"""Accounts: made, changed, disabled, never deleted; each change is in the audit trail."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, RowMapping, select, update
from sqlalchemy.dialects.postgresql import insert

from gis.attributes import Text
from gis.db.people_tables import account, device, enrolment, password
from gis.errors import ConflictError, InputError, NotFoundError
from gis.people import tokens
from gis.people.audit import note
from gis.people.passwords import check_password, hash_password
from gis.people.person import ACCOUNT_ROLES, OFFICERS, Person, PersonRole

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Account:
    """An account as it is kept; its password's hash is elsewhere."""

    id: UUID
    login: str
    name: str
    roles: frozenset[PersonRole]
    townships: tuple[str, ...]
    section: str | None
    created_at: datetime
    created_by: str
    disabled_at: datetime | None

    def as_dict(self) -> dict[str, object]:
        """For the system officer's list."""
        return {
            "id": str(self.id),
            "login": self.login,
            "name": self.name,
            "roles": sorted(self.roles),
            "townships": list(self.townships),
            "section": self.section,
            "created_at": self.created_at.isoformat(),
            "created_by": self.created_by,
            "disabled_at": self.disabled_at.isoformat() if self.disabled_at else None,
        }


ACCOUNT_COLUMNS = tuple(account.c[field.name] for field in fields(Account))


def make_account(row: RowMapping) -> Account:
    """An account from a row that holds :data:`ACCOUNT_COLUMNS`."""
    values = {field.name: row[field.name] for field in fields(Account)}
    roles = frozenset(map(PersonRole, values["roles"]))
    return Account(**values | {"roles": roles, "townships": tuple(values["townships"])})


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What an account is made of; checked by :func:`create_account`.

    ``is_one_time``: the password is known to who gave it, and is good for choosing another.
    """

    login: str
    name: str
    roles: frozenset[PersonRole]
    password: str
    townships: tuple[str, ...] = ()
    section: str | None = None
    is_one_time: bool = True


def read_login(words: str) -> str:
    """A login name as it is kept: lower case, no spaces around.

    >>> read_login(" Zhang.San ")
    'zhang.san'
    """
    login = words.strip().lower()
    if not _LOGIN.fullmatch(login):
        raise InputError(
            Text(
                zh="登录名由 2-64 个小写字母、数字、点、横线组成",
                en="a login is 2 to 64 letters, digits, dots and dashes",
            )
        )
    return login


def read_roles(words: Collection[str]) -> frozenset[PersonRole]:
    """Roles an account may hold together, or InputError."""
    known = {role.value: role for role in ACCOUNT_ROLES}
    if not words or not set(words) <= set(known):
        raise InputError(
            Text(zh="角色须为:{known}", en="the roles are: {known}").format(known=", ".join(known))
        )
    roles = frozenset(known[word] for word in words)
    if len(roles) > 1 and roles & OFFICERS:
        raise InputError(
            Text(
                zh="系统、安全、审计管理员互斥,且不得兼任业务角色",
                en="the system, security and audit officers exclude each other and every other"
                " role",
            )
        )
    return roles


def read_name(words: str, most: int = 100) -> str:
    """A name as it is kept: one line, 1 to ``most`` characters, or InputError."""
    name = words.strip()
    if not 1 <= len(name) <= most or _UNPRINTABLE.search(name):
        raise InputError(
            Text(zh="姓名或名称需 1-{most} 个字符", en="a name has 1 to {most} characters").format(
                most=most
            )
        )
    return name


def create_account(connection: Connection, new: NewAccount, *, by: Person, now: datetime) -> UUID:
    """Make an account; its id. ConflictError when the login is taken."""
    login, name = read_login(new.login), read_name(new.name)
    roles = read_roles(new.roles)
    check_password(new.password, login=login)
    identifier = uuid4()
    made = connection.execute(
        insert(account)
        .values(
            id=identifier,
            login=login,
            name=name,
            roles=sorted(roles),
            townships=[read_name(t) for t in new.townships],
            section=read_name(new.section) if new.section else None,
            created_at=now,
            created_by=by.login,
        )
        .on_conflict_do_nothing(index_elements=[account.c.login])
        .returning(account.c.id)
    ).scalar()
    if made is None:
        raise ConflictError(Text(zh="登录名已被使用", en="the login is taken"))
    _store_password(connection, identifier, new.password, now, is_one_time=new.is_one_time)
    note(connection, by, "create_account", subject=f"account:{login}", roles=sorted(roles))
    return identifier


def _store_password(
    connection: Connection, identifier: UUID, word: str, now: datetime, *, is_one_time: bool
) -> None:
    values = {"hash": hash_password(word), "changed_at": now, "is_one_time": is_one_time}
    stored = insert(password).values(account_id=identifier, **values)
    connection.execute(stored.on_conflict_do_update(index_elements=["account_id"], set_=values))


def find_account(connection: Connection, identifier: UUID) -> Account:
    """One account, or NotFoundError."""
    return _find(connection, account.c.id == identifier)


def find_login(connection: Connection, login: str) -> Account:
    """The account with this login, or NotFoundError."""
    return _find(connection, account.c.login == login.strip().lower())


def _find(connection: Connection, which: ColumnElement[bool]) -> Account:
    row = connection.execute(select(*ACCOUNT_COLUMNS).where(which)).one_or_none()
    if row is None:
        raise NotFoundError(Text(zh="没有此账号", en="no such account"))
    return make_account(row._mapping)


def list_accounts(connection: Connection) -> list[Account]:
    """Every account by login, the disabled ones too."""
    asked = select(*ACCOUNT_COLUMNS).order_by(account.c.login)
    return [make_account(row._mapping) for row in connection.execute(asked)]


def change_account(
    connection: Connection,
    identifier: UUID,
    *,
    by: Person,
    now: datetime,
    name: str | None = None,
    roles: Collection[str] | None = None,
    townships: Sequence[str] | None = None,
    section: str | None = None,
) -> None:
    """Change what is given. New roles end every session: what is held was given to the old ones."""
    before = find_account(connection, identifier)
    values: dict[str, object] = {}
    if name is not None:
        values["name"] = read_name(name)
    if roles is not None:
        refuse_self(identifier, by)
        values["roles"] = sorted(read_roles(roles))
    if townships is not None:
        values["townships"] = [read_name(t) for t in townships]
    if section is not None:
        values["section"] = read_name(section) if section.strip() else None
    if not values:
        return
    connection.execute(update(account).where(account.c.id == identifier).values(values))
    if "roles" in values and values["roles"] != sorted(before.roles):
        tokens.revoke_all(connection, identifier, now=now)
    note(
        connection,
        by,
        "change_account",
        subject=f"account:{before.login}",
        changed={key: value for key, value in values.items() if key != "name"},
        was=sorted(before.roles),
    )


def refuse_self(identifier: UUID, by: Person) -> None:
    """Raise ConflictError for what another officer must do."""
    if by.account_id == identifier:
        raise ConflictError(
            Text(
                zh="不能停用本人、更改本人角色或重置本人二次验证:请由他人办理",
                en="not your own account: ask another officer",
            )
        )


def disable_account(connection: Connection, identifier: UUID, *, by: Person, now: datetime) -> int:
    """Let somebody in no more: every token ends in this transaction; how many there were."""
    refuse_self(identifier, by)
    row = find_account(connection, identifier)
    asked = update(account).where(account.c.id == identifier, account.c.disabled_at.is_(None))
    connection.execute(asked.values(disabled_at=now))
    ended = tokens.revoke_all(connection, identifier, now=now)
    devices = update(device).where(device.c.account_id == identifier, device.c.revoked_at.is_(None))
    connection.execute(devices.values(revoked_at=now))
    connection.execute(enrolment.delete().where(enrolment.c.account_id == identifier))
    note(connection, by, "disable_account", subject=f"account:{row.login}", tokens=ended)
    return ended


def enable_account(connection: Connection, identifier: UUID, *, by: Person) -> None:
    """Let somebody log in again; what they held before stays revoked."""
    row = find_account(connection, identifier)
    connection.execute(update(account).where(account.c.id == identifier).values(disabled_at=None))
    note(connection, by, "enable_account", subject=f"account:{row.login}")


def set_password(
    connection: Connection,
    identifier: UUID,
    word: str,
    *,
    by: Person,
    now: datetime,
    keep: UUID | None = None,
) -> None:
    """Set a password; every token of the account but ``keep`` ends.

    One that somebody else sets is for one login: until then only choosing another is allowed.
    """
    row = find_account(connection, identifier)
    check_password(word, login=row.login)
    is_one_time = by.account_id != identifier
    _store_password(connection, identifier, word, now, is_one_time=is_one_time)
    tokens.revoke_all(connection, identifier, now=now, keep=keep)
    subject = f"account:{row.login}"
    note(connection, by, "set_password", subject=subject, one_time=is_one_time)
