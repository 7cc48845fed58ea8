"""Logging in: one way in for browsers and phones, throttled, noted, and blind to who exists."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, select, update

from gis.attributes import Text
from gis.db.handle import Database
from gis.db.people_tables import account, password
from gis.db.people_tables import second_factor as second_factor_table
from gis.db.roles import Pool
from gis.errors import LoginError, NewPasswordError, SecondFactorError, ThrottledError
from gis.people import second_factor, throttle, tokens
from gis.people.accounts import ACCOUNT_COLUMNS, Account, make_account, set_password
from gis.people.audit import note
from gis.people.passwords import check_new_password, hash_password, needs_rehash, verify_password
from gis.people.person import Credential, Person, choose_pool, make_anonymous
from gis.people.tokens import SESSION_LIFE, Issued, TokenKind

WRONG = Text(zh="登录名或口令不正确", en="wrong login or password")
ONE_TIME = Text(
    zh="此口令仅供首次登录:请同时设置新口令",
    en="this password is for one login: choose a new one with it",
)
NO_CODE = Text(
    zh="请输入身份验证器的 6 位动态码,或一个恢复码",
    en="the 6 digits of your authenticator are needed, or a recovery code",
)
WRONG_CODE = Text(zh="动态码不正确、已用过或已过期", en="the code is wrong, was used, or is over")
_MOST = 200


@dataclass(frozen=True, slots=True)
class Kept:
    """An account and what its login asks for."""

    account: Account
    hash: str
    is_one_time: bool
    has_second_factor: bool


def check_credentials(
    database: Database,
    login: str,
    word: str,
    *,
    address: str | None,
    now: datetime,
    new_password: str | None = None,
    code: str | None = None,
    asks_code: bool = True,
) -> Person:
    """Whose login and password these are; LoginError or ThrottledError, both in the audit trail.

    Takes as long for an unknown login as for a wrong password. No connection is held meanwhile.
    NewPasswordError where the password was for one login and no ``new_password`` comes with it;
    InputError where that is no good. One that is given takes the place of the old.
    SecondFactorError where the account has a second factor and no right ``code`` comes with it;
    not ``asks_code``: whoever asks has shown one already.
    """
    login = login.strip().lower()[:_MOST]
    kept = _look_up(database, login, address, now)
    right = verify_password(kept.hash if kept else None, word[:_MOST])
    if kept is None or not right or kept.account.disabled_at is not None:
        _refuse(database, login, kept, address, now)
        raise LoginError(WRONG)
    takes_code = asks_code and kept.has_second_factor
    if takes_code and code is None:
        with database.write(actor=login, reason="login", pool=Pool.GATE) as connection:
            _note_refusal(connection, kept, address, "no_second_factor")
    _require_whole(kept, new_password, code if takes_code else "")
    if new_password is not None:
        check_new_password(new_password, before=word, login=login)
    person = replace(
        person_of_account(kept.account, address=address), has_second_factor=kept.has_second_factor
    )
    with database.write(actor=login, reason="login", pool=Pool.GATE) as connection:
        _hold(connection, kept)
        if not takes_code or _take_code(connection, person, code or "", now):
            throttle.forgive(connection, login)
            if new_password is not None:
                set_password(connection, kept.account.id, new_password, by=person, now=now)
            elif needs_rehash(kept.hash):
                _rehash(connection, kept, word)
            return person
    raise SecondFactorError(WRONG_CODE, needs=["second_factor"])


def _require_whole(kept: Kept, new_password: str | None, code: str | None) -> None:
    """Raise unless all that the login needs was sent; everything that lacks is named at once."""
    needs = ["second_factor"] if code is None else []
    needs += ["new_password"] if kept.is_one_time and new_password is None else []
    if code is None:
        raise SecondFactorError(NO_CODE, needs=needs)
    if needs:
        raise NewPasswordError(ONE_TIME, needs=needs)


def check_code(database: Database, person: Person, code: str | None, *, now: datetime) -> None:
    """Raise SecondFactorError unless this is a code of the person's; ThrottledError as at a login.

    For who shows something else than a password: a phone's enrolment code.
    """
    if code is None:
        raise SecondFactorError(NO_CODE, needs=["second_factor"])
    with database.write(actor=person.login, reason="login", pool=Pool.GATE) as connection:
        throttle.check_throttle(connection, person.login, person.address, now=now)
        if _take_code(connection, person, code, now):
            return
    raise SecondFactorError(WRONG_CODE, needs=["second_factor"])


def confirm_second_factor(
    database: Database, person: Person, code: str, *, now: datetime
) -> list[str]:
    """Put the offered second factor in force by a code of it; its recovery codes.

    SecondFactorError, ThrottledError as at a login; ConflictError without an offer.
    """
    with database.write(actor=person.login, reason="account", pool=Pool.GATE) as connection:
        throttle.check_throttle(connection, person.login, person.address, now=now)
        codes = second_factor.confirm(connection, person, code, now=now)
        if codes is not None:
            return codes
        throttle.note_failure(connection, person.login, person.address, now=now)
    raise SecondFactorError(WRONG_CODE, needs=["second_factor"])


def _take_code(connection: Connection, person: Person, code: str, now: datetime) -> bool:
    """Use a code up; a wrong one is counted and noted, in the transaction that goes on."""
    if second_factor.use(connection, person, code[:_MOST], now=now):
        return True
    throttle.note_failure(connection, person.login, person.address, now=now)
    note(connection, person, "login", refused=True, reason="second_factor", known=True)
    return False


def _refuse(
    database: Database, login: str, kept: Kept | None, address: str | None, now: datetime
) -> None:
    with database.write(actor=login or "-", reason="login", pool=Pool.GATE) as connection:
        throttle.note_failure(connection, login, address, now=now)
        _note_refusal(connection, kept, address, "wrong")


def _look_up(database: Database, login: str, address: str | None, now: datetime) -> Kept | None:
    """What is kept of a login; ThrottledError, noted, while it or the address is blocked."""
    asked = (
        select(
            *ACCOUNT_COLUMNS,
            password.c.hash,
            password.c.is_one_time,
            second_factor_table.c.secret.is_not(None).label("has_second_factor"),
        )
        .join(password, password.c.account_id == account.c.id)
        .outerjoin(second_factor_table, second_factor_table.c.account_id == account.c.id)
        .where(account.c.login == login)
    )
    with database.write(actor=login or "-", reason="login", pool=Pool.GATE) as connection:
        row = connection.execute(asked).one_or_none()
        kept = row and Kept(
            make_account(row._mapping), row.hash, row.is_one_time, row.has_second_factor
        )
        try:
            throttle.check_throttle(connection, login, address, now=now)
        except ThrottledError as error:
            throttled = error
            _note_refusal(connection, kept, address, "throttled")
        else:
            return kept
    raise throttled


def _note_refusal(connection: Connection, kept: Kept | None, address: str | None, why: str) -> None:
    who = make_anonymous(Pool.PUBLIC, address=address)
    known = None if kept is None else kept.account
    if known is not None:
        who = replace(who, login=known.login, account_id=known.id)
    reason = "disabled" if known is not None and known.disabled_at is not None else why
    note(connection, who, "login", refused=True, reason=reason, known=known is not None)


def _hold(connection: Connection, kept: Kept) -> None:
    """Raise LoginError unless the password is still the one that was shown: one login, not two."""
    held = select(password.c.hash).where(password.c.account_id == kept.account.id)
    if connection.execute(held.with_for_update()).scalar() != kept.hash:
        raise LoginError(WRONG)


def _rehash(connection: Connection, kept: Kept, word: str) -> None:
    asked = update(password).where(password.c.account_id == kept.account.id)
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
