"""An outbox a phone exported to a file, handed in by the office: records and photos as sent."""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from typing import IO, Any

import anyio.to_thread
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from api.context import application_of
from api.identity import at_gate, person_of
from api.ogc.parameters import COMMON, check_known
from api.recording import record, recording_pool
from api.routes.people import answer_private
from api.routes.records import require_author, take_one
from gis.attributes import Text
from gis.errors import InfratrackError, SourceError
from gis.evidence.receive import Promise, Receiver, Sender
from gis.hazards.admission import Author, Bearer, Handset
from gis.hazards.devices import read_chain
from gis.hazards.events import Role
from gis.hazards.outbox import Outbox, follow_chain, read_outbox, read_stored_file
from gis.people.audit import note
from gis.people.devices import list_bearers
from gis.people.policy import capacities_of

_PIECE = 1024**2


async def import_outbox(request: Request) -> Response:
    """Take in every record and photo of the file; one that fails stops no other.

    What is not known to be of the file's phone and its person is kept as refused.

    The file goes to the disk as it comes and is read from there: it is never twice in memory.
    """
    check_known(request.query_params, COMMON)
    author = require_author(request)
    with tempfile.TemporaryFile() as file:
        async for piece in request.stream():
            await anyio.to_thread.run_sync(file.write, piece)
        outbox = await anyio.to_thread.run_sync(_read, file)
    author = replace(author, handset=await _know_phone(request, outbox, author))
    files = [await _keep_file(request, blob) for blob in outbox.blobs]
    clock = application_of(request).clock
    results = [await take_one(request, body, author, clock(), None) for body in outbox.events]
    await _note_import(request, results)
    return answer_private(request, {"now": clock().isoformat(), "results": results, "files": files})


def _read(file: IO[bytes]) -> Outbox:
    file.flush()
    try:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:  # an empty file
        raise SourceError(Text(zh="文件是空的", en="the file is empty")) from None
    with mapped, memoryview(mapped) as content:
        return read_outbox(content)


async def _know_phone(request: Request, outbox: Outbox, author: Author) -> Handset:
    """The phone the file names, as it was brought in and as far as its chain reaches."""
    identifier = outbox.device_id
    if identifier is None:
        return Handset(None, {}, frozenset())
    rows = await at_gate(request, lambda c: list_bearers(c, identifier))
    bearers = {
        account: Bearer(login, frozenset(map(Role, capacities_of(roles))), until)
        for account, login, roles, until in rows
    }
    received = await record(request, lambda c: read_chain(c, identifier, bearers), reason="outbox")
    chained = follow_chain(outbox.events, identifier, received, by=author.account_id)
    return Handset(identifier, bearers, frozenset(chained))


async def _keep_file(request: Request, blob: Mapping[str, str]) -> dict[str, Any]:  # Any: JSON
    """One photo into the evidence, by the same checks as an upload; what was wrong with it."""
    parts, person = application_of(request), person_of(request)
    sender = Sender(person.account_id, person.login, recording_pool(person))
    name = str(blob.get("sha256"))[:64]
    try:
        await anyio.to_thread.run_sync(_store, parts.receiver, blob, sender)
    except InfratrackError as error:
        words = {"zh": error.message.zh, "en": error.message.en}
        return {"sha256": name, "stored": False, "problem": words}
    return {"sha256": name, "stored": True, "problem": None}


def _store(receiver: Receiver, blob: Mapping[str, str], sender: Sender) -> None:
    file = read_stored_file(blob)
    standing = receiver.begin(Promise(file.sha256, len(file.content), file.media), sender)
    with receiver.hold(standing.id, sender) as held:
        for start in range(standing.offset, len(file.content), _PIECE):
            held.append(file.content[start : start + _PIECE])
        held.settle()


async def _note_import(request: Request, results: list[dict[str, object]]) -> None:
    person = person_of(request)
    left = sum("problem" in result for result in results)
    refused = sum(result.get("outcome") == "refused" for result in results)

    def work(connection: Connection) -> None:
        detail: dict[str, object] = {
            "records": len(results), "not_taken": left, "kept_as_refused": refused,
        }  # fmt: skip
        note(connection, person, "import_outbox", subject="outbox", refused=False, **detail)

    await at_gate(request, work, actor=person.login)
