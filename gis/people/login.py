"""Logging in: one way in for browsers and phones, throttled, noted, and blind to who exists."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, select, update

from gis.attributes import Text
from gis.db.handle import Database
from gis.db.people_tables import account, password
from gis.db.roles import Pool
from gis.errors import LoginError, ThrottledError
from gis.people import throttle, tokens
from gis.people.accounts import ACCOUNT_COLUMNS, Account, make_account
from gis.people.audit import note
from gis.people.passwords import hash_password, needs_rehash, verify_password
from gis.people.person import Credential, Person, choose_pool, make_anonymous
from gis.people.tokens import SESSION_LIFE, Issued, TokenKind

WRONG = Text(zh="登录名或口令不正确", en="wrong login or password")
_MOST = 200


def check_credentials(
    database: Database, login: str, word: str, *, address: str | None, now: datetime
) -> Person:
    """Whose login and password these are; LoginError or ThrottledError, both in the audit trail.

    Takes as long for an unknown login as for a wrong password. No connection is held meanwhile.
    """
    login = login.strip().lower()[:_MOST]
    known, kept = _look_up(database, login, address, now)
    right = verify_password(kept, word[:_MOST])
    with database.write(actor=login or "-", reason="login", pool=Pool.GATE) as connection:
        if known is not None and right and known.disabled_at is None:
            throttle.forgive(connection, login)
            if kept is not None and needs_rehash(kept):
                _rehash(connection, known, kept, word)
            return person_of_account(known, address=address)
        throttle.note_failure(connection, login, address, now=now)
        _note_refusal(connection, known, address, "wrong")
    raise LoginError(WRONG)


def _look_up(
    database: Database, login: str, address: str | None, now: datetime
) -> tuple[Account | None, str | None]:
    """The account and its hash; ThrottledError, noted, while the login or address is blocked."""
    asked = (
        select(*ACCOUNT_COLUMNS, password.c.hash)
        .join(password, password.c.account_id == account.c.id)
        .where(account.c.login == login)
    )
    with database.write(actor=login or "-", reason="login", pool=Pool.GATE) as connection:
        row = connection.execute(asked).one_or_none()
        known, kept = (None, None) if row is None else (make_account(row._mapping), row.hash)
        try:
            throttle.check_throttle(connection, login, address, now=now)
        except ThrottledError as error:
            throttled = error
            _note_refusal(connection, known, address, "throttled")
        else:
            return known, kept
    raise throttled


def _note_refusal(
    connection: Connection, known: Account | None, address: str | None, why: str
) -> None:
    who = make_anonymous(Pool.PUBLIC, address=address)
    if known is not None:
        who = replace(who, login=known.login, account_id=known.id)
    reason = "disabled" if known is not None and known.disabled_at is not None else why
    note(connection, who, "login", refused=True, reason=reason, known=known is not None)


def _rehash(connection: Connection, known: Account, kept: str, word: str) -> None:
    asked = update(password).where(password.c.account_id == known.id, password.c.hash == kept)
    connection.execute(asked.values(hash=hash_password(word)))


def person_of_account(known: Account, *, address: str | None) -> Person:
    """The person of an account, who has just given its password."""
    return Person(
        login=known.login,
        name=known.name,
        pool=choose_pool(known.roles),
        account_id=known.id,
        roles=known.roles,
        townships=known.townships,
        section=known.section,
        credential=Credential.SESSION,
        address=address,
    )


def open_session(
    connection: Connection, person: Person, *, now: datetime, replaced: str | None = None
) -> Issued:
    """A new session for who just logged in; the one the browser came with ends (fixation)."""
    if replaced:
        tokens.revoke_secret(connection, replaced, now=now)
    issued = tokens.issue_token(
        connection,
        TokenKind.SESSION,
        now=now,
        life=SESSION_LIFE,
        created_by=person.login,
        account_id=person.account_id,
    )
    note(connection, person, "login")
    return issued


def close_session(connection: Connection, person: Person, *, now: datetime) -> None:
    """Log out: the session's token ends."""
    if person.token_id is not None:
        tokens.revoke_token(connection, person.token_id, now=now)
        note(connection, person, "logout")
