"""Phones and links: bringing a phone in, letting it go, and a duty holder's way to one hazard."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import anyio.to_thread
from pydantic import Field
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from api.audit import note_refusal
from api.context import absolute, application_of, parts_of
from api.identity import address_of, at_gate, is_provisional, person_of
from api.ogc.parameters import COMMON, check_known
from api.qr import draw_qr
from api.requests import read_model
from api.routes.people import (
    NOT_THERE,
    PRIVATE,
    Body,
    answer_private,
    own_account,
    prove,
    read_identifier,
)
from gis import queries
from gis.attributes import Text
from gis.errors import (
    ForbiddenError,
    InputError,
    LoginError,
    NotFoundError,
    SecondFactorSetupError,
)
from gis.people import devices, second_factor, tokens
from gis.people.accounts import find_account
from gis.people.audit import note
from gis.people.login import check_code, person_of_account
from gis.people.person import Person
from gis.people.policy import SETUP, TABLE, Action
from gis.people.tokens import MAX_LINK_DAYS, Issued, TokenKind


class NewDevice(Body):
    """A phone that asks to be let in: by login and password, or by an enrolment code."""

    device_id: UUID
    device_name: str = Field(min_length=1, max_length=100)
    login: str | None = Field(default=None, max_length=200)
    password: str | None = Field(default=None, max_length=200)
    new_password: str | None = Field(default=None, max_length=200)
    second_factor: str | None = Field(default=None, max_length=64)
    code: str | None = Field(default=None, max_length=64)


async def enrol(request: Request) -> Response:
    """Give a phone its token."""
    check_known(request.query_params, COMMON)
    asked = await read_model(request, NewDevice)
    now = application_of(request).clock()
    if asked.code is not None:
        person, issued = await _try_code(request, asked)
    elif asked.login is not None and asked.password is not None:
        person = await prove(
            request,
            asked.login,
            asked.password,
            new_password=asked.new_password,
            code=asked.second_factor,
        )
        _require_field(person)
        _require_second_factor(request, person)
        identifier, name = asked.device_id, asked.device_name
        issued = await at_gate(
            request, lambda c: devices.enrol_device(c, person, identifier, name, now=now)
        )
    else:
        raise InputError(
            Text(zh="需要登录名和口令,或登记码", en="a login and a password, or a code is needed")
        )
    document = {
        "token": issued.secret,
        "person": person.as_dict(),
        "expires_at": issued.expires_at.isoformat(),
    }
    return answer_private(request, document, status=201)


async def _try_code(request: Request, asked: NewDevice) -> tuple[Person, Issued]:
    parts = application_of(request)
    try:
        person = await at_gate(request, lambda c: _find_person(c, request, asked))
        _require_field(person)
        _require_second_factor(request, person)
        if person.has_second_factor:
            await anyio.to_thread.run_sync(
                lambda: check_code(parts.database, person, asked.second_factor, now=parts.clock())
            )
        return person, await at_gate(request, lambda c: _enrol_by_code(c, request, person, asked))
    except LoginError as error:
        await note_refusal(request, person_of(request), "enrol_device", error)
        raise


def _find_person(connection: Connection, request: Request, asked: NewDevice) -> Person:
    """Whose enrolment code it is; the code stays good."""
    now, address = application_of(request).clock(), address_of(request)
    account_id = devices.find_code(connection, asked.code or "", now=now)
    person = person_of_account(find_account(connection, account_id), address=address)
    return replace(
        person, has_second_factor=second_factor.has_second_factor(connection, account_id)
    )


def _enrol_by_code(
    connection: Connection, request: Request, person: Person, asked: NewDevice
) -> Issued:
    now = application_of(request).clock()
    devices.use_code(connection, asked.code or "", now=now)
    return devices.enrol_device(connection, person, asked.device_id, asked.device_name, now=now)


def _require_second_factor(request: Request, person: Person) -> None:
    """Nothing that lasts for weeks is given to who lacks what the role needs."""
    if is_provisional(request, person):
        raise SecondFactorSetupError(SETUP, at="/account")


def _require_field(person: Person) -> None:
    """Only who works in the field has a phone of their own here."""
    if TABLE[Action.SYNC].isdisjoint(person.roles):
        raise ForbiddenError(
            Text(zh="您的角色不需要登记手机", en="your role has no use for an enrolled phone")
        )


async def list_own(request: Request) -> Response:
    """One's own phones."""
    check_known(request.query_params, COMMON)
    account_id = own_account(person_of(request))
    rows = await at_gate(request, lambda c: devices.list_devices(c, account_id))
    return answer_private(request, {"devices": rows})


async def revoke_own(request: Request) -> Response:
    """Let one of one's own phones in no more."""
    check_known(request.query_params, COMMON)
    person, now = person_of(request), application_of(request).clock()
    account_id, identifier = own_account(person), read_identifier(request)
    await at_gate(
        request,
        lambda c: devices.revoke_device(c, account_id, identifier, by=person, now=now),
        actor=person.login,
    )
    return Response(status_code=204, headers=PRIVATE)


class NewEnrolment(Body):
    """Whose phone is to be brought in."""

    account_id: UUID


async def make_code(request: Request) -> Response:
    """A one-time code for somebody's phone, and its QR code as SVG."""
    check_known(request.query_params, COMMON)
    person, now = person_of(request), application_of(request).clock()
    asked = await read_model(request, NewEnrolment)

    def work(connection: Connection) -> devices.Code:
        known = find_account(connection, asked.account_id)
        if TABLE[Action.SYNC].isdisjoint(known.roles):
            raise InputError(
                Text(zh="此人的角色不用手机登记", en="this person's role has no enrolled phone")
            )
        return devices.make_code(connection, asked.account_id, by=person, now=now)

    made = await at_gate(request, work, actor=person.login)
    document = {
        "code": made.code,
        "login": made.login,
        "expires_at": made.expires_at.isoformat(),
        **_show_address(request, "/field", f"enrol={made.code}"),
    }
    return answer_private(request, document, status=201)


def _show_address(request: Request, path: str, secret: str) -> dict[str, str]:
    """An address with a secret, and the same as a QR code (SVG).

    The secret is in the fragment, which no browser sends: it reaches no log.
    """
    address = f"{absolute(request, path)}#{secret}"
    return {"address": address, "svg": draw_qr(address)}


class NewLink(Body):
    """A duty holder's way to one hazard."""

    hazard_id: UUID
    label: str = Field(default="", max_length=100)
    days: int = Field(default=30, ge=1, le=MAX_LINK_DAYS)


async def make_link(request: Request) -> Response:
    """A token that opens one hazard to who must rectify it; shown this once."""
    check_known(request.query_params, COMMON)
    person, parts = person_of(request), parts_of(request)
    asked = await read_model(request, NewLink)
    now = parts.clock()
    if not await _hazard_exists(request, asked.hazard_id):
        raise NotFoundError(Text(zh="没有此隐患", en="no such hazard"))

    def work(connection: Connection) -> Issued:
        issued = tokens.issue_token(
            connection,
            TokenKind.LINK,
            now=now,
            life=timedelta(days=asked.days),
            created_by=person.login,
            label=asked.label,
            hazard_id=asked.hazard_id,
        )
        subject = f"hazard:{asked.hazard_id}"
        note(connection, person, "make_link", subject=subject, token=str(issued.id))
        return issued

    issued = await at_gate(request, work, actor=person.login)
    document = {
        "id": str(issued.id),
        "token": issued.secret,
        "hazard_id": str(asked.hazard_id),
        "expires_at": issued.expires_at.isoformat(),
        **_show_address(request, "/case", f"{asked.hazard_id}/{issued.secret}"),
    }
    return answer_private(request, document, status=201)


async def _hazard_exists(request: Request, identifier: UUID) -> bool:
    """Whether the person sees a hazard with this id."""
    parts = parts_of(request)
    statement = queries.one_feature(parts.kind("hazard"), parts.pool, identifier, queries.Filter())
    return bool(await parts.reader.ask_aside(lambda ask: ask(statement)))


async def revoke_link(request: Request) -> Response:
    """End a duty holder's link."""
    check_known(request.query_params, COMMON)
    person, now = person_of(request), application_of(request).clock()
    identifier = read_identifier(request)

    def work(connection: Connection) -> None:
        if not tokens.revoke_token(connection, identifier, now=now, kind=TokenKind.LINK):
            raise NOT_THERE
        note(connection, person, "revoke_link", subject=f"token:{identifier}")

    await at_gate(request, work, actor=person.login)
    return Response(status_code=204, headers=PRIVATE)
