"""A bureau with people and phones, over a database of a test's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

import httpx

from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.people.accounts import NewAccount, create_account
from gis.people.person import Credential, Person, PersonRole

PASSWORD = "a long enough sentence 73"
FOUNDER = Person("founder", "founder", Pool.STAFF)


def hire(db: PooledDatabase, login: str, *roles: PersonRole) -> UUID:
    """An account with these roles and the password of all tests."""
    new = NewAccount(login, login, frozenset(roles), PASSWORD, is_one_time=False)
    with db.write(actor="test", reason="hire", pool=Pool.GATE) as connection:
        return create_account(connection, new, by=FOUNDER, now=datetime.now(UTC))


@dataclass
class Handset:
    """A phone that was let in: its token, whose it is."""

    account: UUID
    token: str
    id: UUID = field(default_factory=uuid4)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def enrol(client: httpx.Client, login: str) -> Handset:
    """Bring a phone in by login and password, as the app does."""
    device = uuid4()
    asked = {"login": login, "password": PASSWORD, "device_id": str(device), "device_name": "phone"}
    answer = client.post("/devices", json=asked)
    assert answer.status_code == 201, answer.text
    document = answer.json()
    return Handset(UUID(document["person"]["id"]), document["token"], device)


__all__ = ["PASSWORD", "Credential", "Handset", "PersonRole", "enrol", "hire"]
