"""A bureau with somebody of every role, logged in at a served application with a movable clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal
from uuid import UUID, uuid4

import httpx
from sqlalchemy import text

from api.app import create_app
from api.middleware import Limits
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.people import accounts
from gis.people.person import ACCOUNT_ROLES, Person, PersonRole
from gis.settings import Settings
from tests.api.conftest import run_server
from tests.api.county import fill_county

WORD = "correct horse 9"
OPERATOR = Person(login="os:tester", name="", pool=Pool.GATE)
ROLES = tuple(role.value for role in ACCOUNT_ROLES)


@dataclass
class Clock:
    """The time of day, and what a test adds to it."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Crowd:
    """A served application and its people: logins are the names of their roles."""

    base: str
    db: PooledDatabase
    clock: Clock
    ids: dict[str, UUID]
    stack: ExitStack = field(repr=False)

    def visitor(self, **headers: str) -> httpx.Client:
        """Somebody nobody knows; no cookie is shared with anybody."""
        client = httpx.Client(base_url=self.base, timeout=30, headers=headers)
        return self.stack.enter_context(client)

    def log_in(self, login: str, word: str = WORD) -> httpx.Client:
        """A browser with a session, on a page of ours."""
        client = self.visitor(**{"X-Infratrack": "1", "Origin": self.base})
        answer = client.post("/login", data={"login": login, "password": word})
        assert answer.status_code == 303, answer.text
        return client

    def first_log_in(self, login: str, given: str, chosen: str = WORD) -> httpx.Response:
        """Log in with a password somebody else gave, choosing another."""
        words = {"password": given, "new_password": chosen, "new_again": chosen}
        return self.visitor(Origin=self.base).post("/login", data={"login": login, **words})

    def make(self, login: str, *roles: str) -> UUID:
        """One more account."""
        new = accounts.NewAccount(
            login=login,
            name=login,
            roles=frozenset(map(PersonRole, roles)),
            password=WORD,
            is_one_time=False,
        )
        with self.db.write(actor="os:tester", reason="test", pool=Pool.GATE) as connection:
            made = accounts.create_account(connection, new, by=OPERATOR, now=self.clock())
        self.ids[login] = made
        return made

    def phone(self, login: str, device_id: UUID | None = None) -> str:
        """A device token."""
        device = str(device_id or uuid4())
        body = {"login": login, "password": WORD, "device_id": device, "device_name": "手机"}
        answer = self.visitor().post("/devices", json=body)
        assert answer.status_code == 201, answer.text
        token: str = answer.json()["token"]
        return token

    def app_password(self, login: str) -> str:
        """An app password."""
        answer = self.log_in(login).post("/app-passwords", json={"label": "QGIS"})
        assert answer.status_code == 201, answer.text
        secret: str = answer.json()["password"]
        return secret

    def trail(self, **values: str) -> list[tuple[str, str, str, dict[str, object]]]:
        """Lines of the audit trail with these columns: login, outcome, subject, detail."""
        where = " AND ".join(f"{name} = :{name}" for name in values) or "true"
        question = "SELECT login, outcome, subject, detail FROM core.audit_event"
        with self.db.read(Pool.GATE) as connection:
            rows = connection.execute(text(f"{question} WHERE {where} ORDER BY number"), values)
            return [(row[0], row[1], row[2], row[3]) for row in rows]


@contextmanager
def gather(
    urls: dict[Pool, str],
    folder: Path,
    *,
    host: str = "0.0.0.0",
    reader: str = "public",
    county: bool = True,
    second_factor: Literal["off", "officers", "all"] = "off",
) -> Iterator[Crowd]:
    """A crowd over a migrated, empty database; to the application it is asked from elsewhere.

    Without ``county`` nothing is loaded: the database holds what it is to hold already.
    (It listens to the loopback address all the same; ``host`` is what the settings say.)
    """
    clock = Clock()
    settings = Settings(
        reader=reader, host=host, state_folder=folder, pool_size=4, second_factor=second_factor
    )
    with ExitStack() as stack:
        db = PooledDatabase(urls)
        stack.callback(db.close)
        if county:
            fill_county(db)
        app = create_app(urls, settings, clock=clock, limits=Limits())
        crowd = Crowd(stack.enter_context(run_server(app)), db, clock, {}, stack)
        for role in ROLES:
            crowd.make(role, role)
        yield crowd
