"""Who may send which record: what is turned away at the door, and what is kept as refused.

A person's own credential vouches for what the person sends. A file the office hands in is vouched
for by nobody, so its records are held against the phone they name: that it was brought in, whose
it was, and whether their chain of hashes leads back to what that phone has sent before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from gis.attributes import Text
from gis.errors import ForbiddenError
from gis.hazards.case import Reason
from gis.hazards.envelope import Envelope
from gis.hazards.events import EventType, Role
from gis.hazards.flood_duty import FIELD_STEPS
from gis.hazards.records import RecordType
from gis.hazards.transitions import TRANSITIONS

REFUSED = "refused"
"""The member of ``settled`` that says why a record was refused when it came in."""
SYSTEM_ONLY = frozenset(
    {name.value for name in EventType if TRANSITIONS[name].roles == {Role.SYSTEM}}
    | {RecordType.EVIDENCE_STORED.value}
)
"""Types that only the server itself or an import writes: nobody sends them."""
_OFFICE = frozenset({Role.OFFICER, Role.LEADER})


@dataclass(frozen=True, slots=True)
class Bearer:
    """Somebody who was given a phone: in which capacities he acts, until when he had it."""

    login: str
    roles: frozenset[Role]
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Handset:
    """The phone whose outbox is handed in (None: the file names none).

    ``bearers``: by account; none for a phone that was never brought in. ``chained``: SHA-256 of
    the file's records whose chain leads back to what the phone has sent.
    """

    device_id: UUID | None
    bearers: Mapping[UUID, Bearer]
    chained: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class Author:
    """Who sends a record, and in which capacities he may act.

    ``handset``: the phone whose outbox he hands in. ``hazard_id``: the one his link is for.
    """

    account_id: UUID
    login: str
    roles: frozenset[Role]
    handset: Handset | None = None
    hazard_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Admission:
    """In whose name a record is kept, and why it is refused (None: it is judged).

    ``is_of_device``: whether it is the record of the device it names.
    """

    account_id: UUID
    actor: str
    objection: Reason | None = None
    is_of_device: bool = True


def admit(envelope: Envelope, digest: bytes, author: Author) -> Admission:
    """How a record is taken in; ForbiddenError where the sender keeps it and may not send it."""
    if author.handset is not None:
        return _admit_from_file(envelope, digest, author, author.handset)
    if envelope.account != author.account_id:
        raise ForbiddenError(_NOT_YOURS, rule="not-yours")
    if author.hazard_id is not None and envelope.hazard_id != author.hazard_id:
        raise ForbiddenError(
            Text(zh="链接只用于另一隐患", en="the link is for another hazard"), rule="other-hazard"
        )
    if envelope.type in SYSTEM_ONLY:
        return Admission(author.account_id, author.login, _SYSTEMS)
    if not _may_say(envelope, author.roles):
        raise ForbiddenError(_WRONG_ROLE, rule="role")
    return Admission(author.account_id, author.login)


def _admit_from_file(
    envelope: Envelope, digest: bytes, author: Author, handset: Handset
) -> Admission:
    objection = _find_foreign(envelope, digest, handset)
    if objection is not None:
        # Whatever it claims, it is known only that this officer handed it in.
        return Admission(author.account_id, author.login, objection, is_of_device=False)
    bearer = handset.bearers[envelope.account]
    if envelope.type in SYSTEM_ONLY:
        objection = _SYSTEMS
    elif not _may_say(envelope, bearer.roles):
        objection = Reason("role", _WRONG_ROLE)
    return Admission(envelope.account, bearer.login, objection)


def _find_foreign(envelope: Envelope, digest: bytes, handset: Handset) -> Reason | None:
    """Why a record of a file is not known to be of the file's phone and its person."""
    bearer = handset.bearers.get(envelope.account)
    claimed = {
        "account": str(envelope.account),
        "device": str(envelope.device.id),
        "seq": envelope.device.seq,
    }
    if envelope.device.id != handset.device_id or not handset.bearers:
        return Reason("unknown-device", _UNKNOWN_DEVICE, claimed)
    if bearer is None:
        return Reason("other-person", _OTHER_PERSON, claimed)
    if bearer.until is not None and envelope.device.at > bearer.until:
        return Reason("device-revoked", _REVOKED, claimed)
    return None if digest in handset.chained else Reason("chain", _NO_CHAIN, claimed)


def _may_say(envelope: Envelope, roles: frozenset[Role]) -> bool:
    """Whether one of these roles may send such a record; what we do not know yet, anyone may."""
    if envelope.type in set(EventType):
        return envelope.role in roles and envelope.role is not Role.SYSTEM
    if envelope.type == RecordType.VISITED:
        return Role.INSPECTOR in roles
    if envelope.type in FIELD_STEPS:
        return bool(({Role.INSPECTOR} | _OFFICE) & roles)
    return envelope.type not in set(RecordType) or bool(_OFFICE & roles)


def read_refusal(settled: Mapping[str, Any]) -> Reason | None:  # Any: JSON
    """Why a record was refused when it came in, from its ``settled``; None: it was not."""
    told = settled.get(REFUSED)
    if told is None:
        return None
    facts = {name: value for name, value in told.items() if name not in ("rule", "zh", "en")}
    return Reason(told["rule"], Text(zh=told["zh"], en=told["en"]), facts)


_NOT_YOURS = Text(
    zh="此记录属于另一人:请由其本人登录后上传,或由办公室导入",
    en="this is another person's record: let that person log in and send it,"
    " or have the office import it",
)
_WRONG_ROLE = Text(zh="你没有以此身份办理的权限", en="you may not act in this role")
_SYSTEMS = Reason(
    "type", Text(zh="此类记录只由系统写入", en="only the system writes records of this kind")
)
_UNKNOWN_DEVICE = Text(
    zh="不是该文件所属手机的记录,或该手机未登记",
    en="not of the file's phone, or it was not enrolled",
)
_OTHER_PERSON = Text(zh="该手机未登记给此人", en="the phone was never this person's")
_REVOKED = Text(zh="写于该手机停用之后", en="it was written after the phone was revoked")
_NO_CHAIN = Text(
    zh="与该手机已上传的记录不相衔接,无法证明出自该手机",
    en="it does not follow from what the phone has sent: nothing shows that the phone wrote it",
)
