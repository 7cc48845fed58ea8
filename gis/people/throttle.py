"""Guessing passwords is slowed down, per account and per address; nobody is locked out for good.

Five failures of an account within a minute block it for a minute, then two, four … fifteen. An
address gets four times as many: a whole bureau may stand behind one.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from gis.attributes import Text
from gis.db.people_tables import login_attempt
from gis.errors import ThrottledError

WINDOW = timedelta(minutes=1)
LONGEST = timedelta(minutes=15)
FORGIVEN = timedelta(hours=1)
"""After so long without a failure the back-off begins anew."""
LIMITS = {"account": 5, "address": 20}


def _keys(login: str, address: str | None) -> dict[str, str]:
    # A hash: people type passwords into the field of the name.
    keys = {"account": "account:" + hashlib.sha256(login.encode()).hexdigest()}
    if address:
        keys["address"] = f"address:{address}"
    return keys


def check_throttle(
    connection: Connection, login: str, address: str | None, *, now: datetime
) -> None:
    """Raise ThrottledError while the account or the address is blocked.

    An attempt during a block does not prolong it.
    """
    keys = list(_keys(login, address).values())
    until = connection.execute(
        select(func.max(login_attempt.c.blocked_until)).where(login_attempt.c.key.in_(keys))
    ).scalar()
    if until is not None and until > now:
        wait = int((until - now).total_seconds()) + 1
        raise ThrottledError(
            Text(
                zh="尝试过于频繁,请 {wait} 秒后再试", en="too many attempts: try again in {wait} s"
            ).format(wait=wait),
            retry_after=wait,
        )


def note_failure(connection: Connection, login: str, address: str | None, *, now: datetime) -> None:
    """Count a failed attempt of the account and of the address."""
    for name, key in sorted(_keys(login, address).items()):
        _count(connection, key, LIMITS[name], now)


def _count(connection: Connection, key: str, limit: int, now: datetime) -> None:
    fresh = insert(login_attempt).values(key=key, failures=0, blocks=0, window_from=now)
    connection.execute(fresh.on_conflict_do_nothing())
    row = connection.execute(
        select(login_attempt).where(login_attempt.c.key == key).with_for_update()
    ).one()
    within = row.window_from > now - WINDOW
    failures = row.failures + 1 if within else 1
    blocks = row.blocks if row.window_from > now - FORGIVEN else 0
    values = {"failures": failures, "blocks": blocks}
    if not within:
        values["window_from"] = now
    if failures >= limit:
        wait = min(WINDOW * 2**blocks, LONGEST)
        values |= {"failures": 0, "blocks": min(blocks + 1, 10), "blocked_until": now + wait}
        values["window_from"] = now
    connection.execute(update(login_attempt).where(login_attempt.c.key == key).values(values))


def forgive(connection: Connection, login: str) -> None:
    """The right password was given: the account's failures are forgotten, the address's are not."""
    key = _keys(login, None)["account"]
    connection.execute(delete(login_attempt).where(login_attempt.c.key == key))


def drop_old(connection: Connection, *, now: datetime) -> int:
    """Forget what can slow nobody down any more; how many rows."""
    old = delete(login_attempt).where(login_attempt.c.window_from < now - FORGIVEN)
    return connection.execute(old).rowcount
