"""What every endpoint has at hand: the application's parts and the request's language."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.requests import Request

from api.freshness import ByteCache, Listener, Versions
from api.metrics import Metrics
from api.reading import Reader
from gis.attributes import Text
from gis.db.roles import Pool, visible_kinds
from gis.errors import NotFoundError
from gis.kinds import Record
from gis.settings import Settings


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a running application."""

    settings: Settings
    reader: Reader
    versions: Versions
    tiles: ByteCache
    answers: ByteCache
    listener: Listener
    metrics: Metrics
    kinds: dict[str, type[Record]] = field(default_factory=dict)

    @property
    def zone(self) -> ZoneInfo:
        """The business clock's time zone."""
        return ZoneInfo(self.settings.timezone)

    @property
    def pool(self) -> Pool:
        """The role this application reads as."""
        return self.reader.pool

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


def parts_of(request: Request) -> Parts:
    """The application's parts."""
    parts: Parts = request.app.state.parts
    return parts


def absolute(request: Request, path: str, **query: object) -> str:
    """An absolute address of ours, as clients need in links."""
    base = f"{request.url.scheme}://{request.headers.get('host', '127.0.0.1')}"
    asked = {k.replace("_", "-"): v for k, v in query.items() if v is not None}
    return f"{base}{path}" + (f"?{urlencode(asked)}" if asked else "")
