"""The second factor: six digits of an authenticator (TOTP, RFC 6238), or a recovery code, once.

SHA-1, 30 seconds and six digits, which is what every authenticator assumes; one step of drift
either way (RFC 6238, 5.2). A step that was used is used up, as is every one before it. Needs no
network, and a server whose clock is right to half a minute.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import pyotp
from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from gis.attributes import Text
from gis.db.people_tables import recovery_code, second_factor
from gis.errors import ConflictError
from gis.people import tokens
from gis.people.accounts import find_account, refuse_self
from gis.people.audit import note
from gis.people.passwords import generate_password
from gis.people.person import OFFICERS, Person, PersonRole

STEP_S = 30
DRIFT = 1
"""Steps before and after the present one that are taken, too."""
OFFER_LIFE = timedelta(minutes=15)
RECOVERY_CODES = 10
ISSUER = "Infratrack"


@dataclass(frozen=True, slots=True)
class Offer:
    """A new secret, the only moment it is shown; ``address`` is what the QR code holds."""

    secret: str
    address: str


def is_required(rule: str, roles: Collection[PersonRole]) -> bool:
    """Whether the setting asks a second factor of somebody in these roles.

    >>> is_required("officers", {PersonRole.AUDIT_OFFICER}), is_required("off", OFFICERS)
    (True, False)
    """
    return rule == "all" or (rule == "officers" and not OFFICERS.isdisjoint(roles))


def offer(connection: Connection, person: Person, *, now: datetime) -> Offer:
    """A secret to be confirmed within 15 minutes; what is in force until then stays so."""
    account_id = _account_of(person)
    secret = pyotp.random_base32()
    values = {"offered": secret, "offered_at": now}
    made = upsert(second_factor).values(account_id=account_id, **values)
    connection.execute(
        made.on_conflict_do_update(index_elements=[second_factor.c.account_id], set_=values)
    )
    address = pyotp.TOTP(secret).provisioning_uri(name=person.login, issuer_name=ISSUER)
    return Offer(secret, address)


def confirm(
    connection: Connection, person: Person, code: str, *, now: datetime
) -> list[str] | None:
    """Put the offered secret in force; its recovery codes, shown this once. None: a wrong code.

    Whatever else was logged in ends: it was let in without it. ConflictError without an offer.
    """
    account_id = _account_of(person)
    held = select(second_factor.c.offered).where(
        second_factor.c.account_id == account_id,
        second_factor.c.offered_at > now - OFFER_LIFE,
    )
    offered = connection.execute(held.with_for_update()).scalar()
    if offered is None:
        raise ConflictError(
            Text(zh="请重新开始设置:密钥已过期", en="begin again: the secret is over")
        )
    step = _find_step(offered, code, now)
    if step is None:
        return None
    values = {"secret": offered, "confirmed_at": now, "last_step": step}
    in_force = update(second_factor).where(second_factor.c.account_id == account_id)
    connection.execute(in_force.values(**values, offered=None, offered_at=None))
    tokens.revoke_all(connection, account_id, now=now, keep=person.token_id)
    note(connection, person, "set_up_second_factor", subject=f"account:{person.login}")
    return _make_recovery_codes(connection, account_id)


def _make_recovery_codes(connection: Connection, account_id: UUID) -> list[str]:
    codes = [generate_password() for _ in range(RECOVERY_CODES)]
    connection.execute(delete(recovery_code).where(recovery_code.c.account_id == account_id))
    rows = [{"account_id": account_id, "sha256": tokens.digest(_plain(code))} for code in codes]
    connection.execute(insert(recovery_code), rows)
    return codes


def use(connection: Connection, person: Person, word: str, *, now: datetime) -> bool:
    """Whether the word is the person's code of this moment or a recovery code; it is used up."""
    account_id = _account_of(person)
    plain = _plain(word)
    if not (len(plain) == 6 and plain.isascii() and plain.isdigit()):
        return _use_recovery_code(connection, person, plain, now)
    held = select(second_factor.c.secret).where(second_factor.c.account_id == account_id)
    secret = connection.execute(held).scalar()
    step = None if secret is None else _find_step(secret, plain, now)
    if step is None:
        return False
    # The row decides between two who send the same code at once.
    last = func.coalesce(second_factor.c.last_step, -1)
    used = update(second_factor).where(second_factor.c.account_id == account_id, last < step)
    return connection.execute(used.values(last_step=step)).rowcount == 1


def _use_recovery_code(connection: Connection, person: Person, plain: str, now: datetime) -> bool:
    used = update(recovery_code).where(
        recovery_code.c.account_id == person.account_id,
        recovery_code.c.sha256 == tokens.digest(plain),
        recovery_code.c.used_at.is_(None),
    )
    if connection.execute(used.values(used_at=now)).rowcount == 0:
        return False
    note(connection, person, "use_recovery_code", subject=f"account:{person.login}")
    return True


def _find_step(secret: str, code: str, now: datetime) -> int | None:
    """The time step, near the present one, whose code this is."""
    totp = pyotp.TOTP(secret)
    present = int(now.timestamp()) // STEP_S
    steps = range(present - DRIFT, present + DRIFT + 1)
    plain = _plain(code).encode()
    right = [s for s in steps if hmac.compare_digest(totp.generate_otp(s).encode(), plain)]
    return right[-1] if right else None


def _plain(word: str) -> str:
    return "".join(word.split()).replace("-", "").lower()


def has_second_factor(connection: Connection, account_id: UUID) -> bool:
    """Whether a login of the account takes a code."""
    held = select(second_factor.c.secret).where(second_factor.c.account_id == account_id)
    return connection.execute(held).scalar() is not None


def list_holders(connection: Connection) -> set[UUID]:
    """The accounts whose login takes a code."""
    held = select(second_factor.c.account_id).where(second_factor.c.secret.is_not(None))
    return set(connection.execute(held).scalars())


def describe(connection: Connection, account_id: UUID) -> dict[str, object]:
    """For its owner: since when it is in force, and how many recovery codes are left."""
    since = select(second_factor.c.confirmed_at).where(second_factor.c.account_id == account_id)
    left = select(func.count()).where(
        recovery_code.c.account_id == account_id, recovery_code.c.used_at.is_(None)
    )
    confirmed_at: datetime | None = connection.execute(since).scalar()
    return {
        "confirmed_at": None if confirmed_at is None else confirmed_at.isoformat(),
        "recovery_codes": connection.execute(left).scalar_one(),
    }


def reset(connection: Connection, account_id: UUID, *, by: Person, now: datetime) -> None:
    """Take an account's second factor away (the phone is lost); every token of it ends."""
    refuse_self(account_id, by)
    row = find_account(connection, account_id)
    connection.execute(delete(recovery_code).where(recovery_code.c.account_id == account_id))
    connection.execute(delete(second_factor).where(second_factor.c.account_id == account_id))
    tokens.revoke_all(connection, account_id, now=now)
    note(connection, by, "reset_second_factor", subject=f"account:{row.login}")


def _account_of(person: Person) -> UUID:
    if person.account_id is None:
        raise ConflictError(Text(zh="此登录没有账号", en="this login has no account"))
    return person.account_id
