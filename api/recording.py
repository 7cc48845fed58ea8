"""Writes of people: one transaction in a thread, in the person's name, as the role that records."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import anyio.to_thread
from sqlalchemy import Connection
from starlette.requests import Request

from api.context import application_of
from api.identity import person_of
from gis.db.roles import Pool
from gis.hazards.calendar import FOLDER, read_sound_calendar
from gis.hazards.deadlines import WorkCalendar
from gis.hazards.events import Role
from gis.hazards.log import Author
from gis.hazards.presets import Preset
from gis.hazards.reception import HouseRules
from gis.people.person import Person
from gis.people.policy import capacities

T = TypeVar("T")


def house_rules(request: Request) -> HouseRules:
    """What this bureau works by: its preset for second persons and its working days."""
    settings = application_of(request).settings
    return HouseRules(
        Preset(settings.second_person),
        _read_calendar(settings.state_folder),
        settings.spot_sample,
        settings.spot_sample_seed,
    )


def _read_calendar(state_folder: Path) -> WorkCalendar:
    """The calendar as its files are now; a file that is wrong stops no record (see ``doctor``)."""
    folder = state_folder / FOLDER
    stamps = (path.stat() for path in sorted(folder.glob("*.csv"))) if folder.is_dir() else ()
    return _keep_calendar(state_folder, tuple((s.st_mtime_ns, s.st_size) for s in stamps))


@lru_cache(maxsize=4)
def _keep_calendar(state_folder: Path, _stamps: tuple[tuple[int, int], ...]) -> WorkCalendar:
    return read_sound_calendar(state_folder)[0]


def recording_pool(person: Person) -> Pool:
    """The database role that appends to the log for a person."""
    return Pool.STAFF if person.pool is Pool.STAFF else Pool.FIELD


def author_of(person: Person) -> Author | None:
    """The person as the log knows authors; None for somebody without an identity of their own.

    Who holds a link to one hazard is known by that hazard.
    """
    account = person.account_id or person.hazard_id
    if account is None:
        return None
    roles = frozenset(Role(word) for word in capacities(person))
    return Author(account, person.login, roles, hazard_id=person.hazard_id)


async def record(request: Request, work: Callable[[Connection], T], *, reason: str) -> T:
    """Run ``work`` in a transaction of the person's; it is committed when this returns.

    Not given up when the client leaves: what was begun is finished, and a repetition finds it.
    """
    person = person_of(request)
    database = application_of(request).database

    def in_thread() -> T:
        with database.write(
            actor=person.login, reason=reason, pool=recording_pool(person)
        ) as connection:
            return work(connection)

    return await anyio.to_thread.run_sync(in_thread)
