"""People over a database of the test's own: what the gate does must really commit."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Connection, text

from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.people import accounts
from gis.people.person import Person, PersonRole

WORD = "correct horse 9"
NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
OPERATOR = Person(login="os:tester", name="", pool=Pool.GATE)


@dataclass
class Bureau:
    """A database with people in it, and a clock that is set by hand."""

    db: PooledDatabase
    now: datetime = NOW

    def gate(self) -> AbstractContextManager[Connection]:
        return self.db.write(actor="os:tester", reason="test", pool=Pool.GATE)

    def add(self, login: str, *roles: str, word: str = WORD, is_one_time: bool = False) -> UUID:
        new = accounts.NewAccount(
            login=login,
            name=f"{login}先生",
            roles=frozenset(map(PersonRole, roles)),
            password=word,
            is_one_time=is_one_time,
        )
        with self.gate() as connection:
            return accounts.create_account(connection, new, by=OPERATOR, now=self.now)

    def wait(self, **time: float) -> None:
        self.now += timedelta(**time)

    def ask(self, question: str, **values: object) -> list[tuple[object, ...]]:
        with self.db.read(Pool.GATE) as connection:
            return [tuple(row) for row in connection.execute(text(question), values)]

    def lines(self, action: str) -> list[tuple[object, ...]]:
        return self.ask(
            "SELECT login, outcome, subject, detail FROM core.audit_event WHERE action = :a"
            " ORDER BY number",
            a=action,
        )


@pytest.fixture
def bureau(fresh_database: PooledDatabase) -> Bureau:
    return Bureau(fresh_database)


Try = Callable[[], object]
