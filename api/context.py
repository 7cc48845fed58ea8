"""What every endpoint has at hand: the application's parts and the request's language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.requests import Request

from api.freshness import ByteCache, Listener, Versions
from api.login_turns import LoginTurns
from api.metrics import Metrics
from api.minutes import Minutes
from api.reading import Reader
from gis.attributes import Text
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool, visible_kinds
from gis.errors import NotFoundError
from gis.evidence.derive import Deriver
from gis.evidence.files import EvidenceFiles
from gis.evidence.receive import Receiver
from gis.kinds import Record
from gis.people.person import Person
from gis.settings import Settings

PERSON = "infratrack.person"
"""Where a request's scope holds who asks (:mod:`api.identity` puts it there)."""
Clock = Callable[[], datetime]


def read_clock() -> datetime:
    """Now, aware, in UTC."""
    return datetime.now(UTC)


class Readers:
    """A reader for each role that has asked; a role nobody reads as costs no connection."""

    def __init__(self, urls: Mapping[Pool, str], *, size: int, prepare: bool) -> None:
        self._urls = urls
        self._size = size
        self._prepare = prepare
        self._made: dict[Pool, Reader] = {}
        self._is_open = False

    def get(self, pool: Pool) -> Reader:
        """The reader of a role, opened with the application."""
        reader = self._made.get(pool)
        if reader is None:
            reader = Reader(self._urls[pool], pool, size=self._size, prepare=self._prepare)
            if self._is_open:
                reader.open()
            self._made[pool] = reader
        return reader

    def open(self) -> None:
        """Begin to connect those that were made; later ones as they are asked for."""
        self._is_open = True
        for reader in self._made.values():
            reader.open()

    def close(self) -> None:
        """Close every connection."""
        self._is_open = False
        for reader in self._made.values():
            reader.close()


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a running application, as one database role uses them.

    ``database`` writes, as any role; ``reader`` and ``kinds`` are the role's.
    """

    settings: Settings
    reader: Reader
    readers: Readers
    database: PooledDatabase
    versions: Versions
    tiles: ByteCache
    answers: ByteCache
    listener: Listener
    metrics: Metrics
    files: EvidenceFiles
    receiver: Receiver
    deriver: Deriver
    kinds: dict[str, type[Record]] = field(default_factory=dict)
    clock: Clock = read_clock
    minutes: Minutes = field(default_factory=Minutes)
    logins: LoginTurns = field(default_factory=LoginTurns)

    @property
    def zone(self) -> ZoneInfo:
        """The business clock's time zone."""
        return ZoneInfo(self.settings.timezone)

    @property
    def pool(self) -> Pool:
        """The role these parts read as."""
        return self.reader.pool

    def for_pool(self, pool: Pool) -> Parts:
        """The same parts, reading as another role."""
        if pool is self.pool:
            return self
        return replace(self, reader=self.readers.get(pool), kinds=visible(pool))

    def kind(self, name: str) -> type[Record]:
        """A kind the reader may see; the invisible is as unknown as the misspelt."""
        try:
            return self.kinds[name]
        except KeyError:
            raise NotFoundError(
                Text(
                    zh="没有名为 {name} 的图层;可用:{known}",
                    en="no collection {name}; there are: {known}",
                ).format(name=name[:64], known=", ".join(self.kinds))
            ) from None


def visible(pool: Pool) -> dict[str, type[Record]]:
    """Kinds by name, in the register's order."""
    return {kind.kind: kind for kind in visible_kinds(pool)}


def anonymous_pool(settings: Settings) -> Pool:
    """What somebody unknown reads as: the setting where only this machine can ask, else public."""
    return Pool(settings.reader) if settings.is_local else Pool.PUBLIC


def application_of(request: Request) -> Parts:
    """The application's parts, whoever asks: its settings, its database, its clock."""
    parts: Parts = request.app.state.parts
    return parts


def parts_of(request: Request) -> Parts:
    """The application's parts, reading as the role of the person who asks."""
    parts = application_of(request)
    person: Person | None = request.scope.get(PERSON)
    return parts if person is None else parts.for_pool(person.pool)


def absolute(request: Request, path: str, **query: object) -> str:
    """An absolute address of ours, as clients need in links."""
    base = f"{request.url.scheme}://{request.headers.get('host', '127.0.0.1')}"
    asked = {k.replace("_", "-"): v for k, v in query.items() if v is not None}
    return f"{base}{path}" + (f"?{urlencode(asked)}" if asked else "")
