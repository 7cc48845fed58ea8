"""What the API writes into the audit trail by itself: refusals, and reads of restricted attributes.

A read is noted before it is answered, each page of items, each export and each case by itself.
Tiles, lists and pages that ask again by themselves, and whatever somebody unknown asks, come by
the hundred: those are noted once a minute. On a full disk reading goes on, and what the trail
cannot take is in the server's log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from starlette.requests import Request

from api.context import Parts, application_of
from api.identity import at_gate
from gis.attributes import Sensitivity
from gis.db.handle import is_disk_full
from gis.db.roles import Pool
from gis.errors import InfratrackError, StorageFullError
from gis.kinds import KINDS, Record, declared, sensitivity_of
from gis.people.audit import note
from gis.people.person import Person
from gis.people.policy import Action

_log = logging.getLogger(__name__)

_READS: Mapping[Action, tuple[str, ...]] = {
    Action.READ_HAZARDS: ("hazard",),
    Action.READ_OWN_HAZARD: ("hazard",),
    Action.READ_EVIDENCE: ("hazard",),
    Action.READ_INSPECTIONS: ("sewer_pipe",),
    Action.READ_DESILTING: ("sewer_pipe",),
    Action.READ_SURVEYS: ("sewer_manhole", "sewer_pipe"),
}
"""What actions show that name no kinds in their address; with it people, signatures, photos."""
NOTED = frozenset({Action.READ, Action.EXPORT, *_READS})
"""Actions whose reads are in the trail."""


def is_restricted(kind: type[Record], pool: Pool) -> bool:
    """Whether a reader of this role is shown what the public and the field are not.

    Every kind names a responsible person, which is restricted; that alone does not make the roads
    and parks everybody sees a restricted read.
    """
    return (
        pool.sees(Sensitivity.RESTRICTED)
        and kind.sensitivity is not Sensitivity.PUBLIC
        and any(sensitivity_of(kind, name) is Sensitivity.RESTRICTED for name in declared(kind))
    )


async def note_reading(request: Request, person: Person, action: Action) -> None:
    """Note that somebody reads kinds with restricted attributes."""
    if not person.pool.sees(Sensitivity.RESTRICTED):
        return
    asked = (name for name in _asked(request) if is_restricted(KINDS[name], person.pool))
    names = _READS.get(action) or sorted(asked)
    if not names:
        return
    what = "read_tiles" if "/tiles/" in request.scope["path"] else action.value
    record = request.path_params.get("id") or request.path_params.get("sha256")
    often = what == "read_tiles" or not person.is_known or (action in _READS and record is None)
    parts = application_of(request)
    key = (what, person.login, person.address, *names)
    if often and not parts.minutes.is_first(key, parts.clock()):
        return
    subject = f"kind:{','.join(names)}"
    await _note(
        request,
        lambda connection: note(connection, person, what, subject=subject, record=record),
        f"{person.login} {person.address} {what} {subject} {record or ''}",
    )


def _asked(request: Request) -> set[str]:
    """The kinds a request reads: the one in its path, those it lists, or all."""
    kind = request.path_params.get("kind")
    if kind is not None:
        return {kind} & set(KINDS)
    query = request.query_params
    listed = query.get("collections") or query.get("kind")
    return set(listed.split(",")) & set(KINDS) if listed else set(KINDS)


async def note_refusal(
    request: Request, person: Person, action: str, error: InfratrackError
) -> None:
    """Note that somebody was refused; of somebody unknown, once a minute for each action."""
    parts: Parts = application_of(request)
    key = ("refused", person.address, action)
    if not person.is_known and not parts.minutes.is_first(key, parts.clock()):
        return
    await _note(
        request,
        lambda connection: note(connection, person, str(action), refused=True, reason=error.type),
        f"{person.login} {person.address} {action} refused: {error.type}",
    )


async def _note(request: Request, work: Callable[[Connection], None], words: str) -> None:
    """Write into the trail; on a full disk into the server's log, for reading must go on."""
    try:
        await at_gate(request, work)
    except (StorageFullError, DBAPIError) as error:
        if isinstance(error, DBAPIError) and not is_disk_full(error.orig):
            raise
        _log.warning("the disk is full; not in the audit trail: %r", words)
