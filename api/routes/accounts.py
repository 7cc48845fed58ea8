"""The officers' endpoints: accounts and their page (system), the audit trail (audit)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import Field
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from api.context import application_of
from api.identity import at_gate, person_of
from api.language import choose_language
from api.ogc.parameters import COMMON, check_known, refuse_parameter
from api.pages import PAGE_HEADERS, admin_document
from api.requests import read_model
from api.routes.people import Body, answer_private, read_identifier
from gis.people import accounts, second_factor
from gis.people.accounts import Account, NewAccount
from gis.people.audit import PAGE, AuditFilter, note, read_audit
from gis.people.passwords import generate_password

_MOST_LINES = 1000


async def admin_page(request: Request) -> Response:
    """The page of the system officer; its script asks the endpoints below."""
    check_known(request.query_params, COMMON)
    page = admin_document(choose_language(request))
    return Response(page, 200, PAGE_HEADERS, "text/html")


async def list_all(request: Request) -> Response:
    """Every account."""
    check_known(request.query_params, COMMON)
    found, holders = await at_gate(
        request, lambda c: (accounts.list_accounts(c), second_factor.list_holders(c))
    )
    listed = [{**known.as_dict(), "has_second_factor": known.id in holders} for known in found]
    return answer_private(request, {"accounts": listed})


class Creation(Body):
    """An account to make; without a password one is generated and answered, this once."""

    login: str = Field(max_length=64)
    name: str = Field(max_length=100)
    roles: tuple[str, ...] = Field(min_length=1, max_length=9)
    townships: tuple[str, ...] = Field(default=(), max_length=200)
    section: str | None = Field(default=None, max_length=100)
    password: str | None = Field(default=None, max_length=200)


async def create(request: Request) -> Response:
    """Make an account."""
    check_known(request.query_params, COMMON)
    person, now = person_of(request), application_of(request).clock()
    asked = await read_model(request, Creation)
    word = asked.password if asked.password is not None else generate_password()
    new = NewAccount(
        login=accounts.read_login(asked.login),
        name=asked.name,
        roles=accounts.read_roles(asked.roles),
        password=word,
        townships=asked.townships,
        section=asked.section,
    )

    def work(connection: Connection) -> Account:
        made = accounts.create_account(connection, new, by=person, now=now)
        return accounts.find_account(connection, made)

    made = await at_gate(request, work, actor=person.login)
    document = made.as_dict()
    if asked.password is None:
        document["password"] = word
    return answer_private(request, document, status=201)


class Change(Body):
    """What to change of an account; what is absent stays.

    ``reset_password`` makes a new one; ``reset_second_factor`` takes it away, to be set up anew.
    """

    name: str | None = Field(default=None, max_length=100)
    roles: tuple[str, ...] | None = Field(default=None, min_length=1, max_length=9)
    townships: tuple[str, ...] | None = Field(default=None, max_length=200)
    section: str | None = Field(default=None, max_length=100)
    disabled: bool | None = None
    reset_password: bool = False
    reset_second_factor: bool = False


async def change(request: Request) -> Response:
    """Change, disable or enable an account, or give it a new password."""
    check_known(request.query_params, COMMON)
    person = person_of(request)
    identifier = read_identifier(request)
    asked = await read_model(request, Change)
    now = application_of(request).clock()
    word = generate_password() if asked.reset_password else None

    def work(connection: Connection) -> Account:
        accounts.change_account(
            connection,
            identifier,
            by=person,
            now=now,
            name=asked.name,
            roles=asked.roles,
            townships=asked.townships,
            section=asked.section,
        )
        if word is not None:
            accounts.set_password(connection, identifier, word, by=person, now=now)
        if asked.reset_second_factor:
            second_factor.reset(connection, identifier, by=person, now=now)
        _set_disabled(connection, identifier, asked.disabled)
        return accounts.find_account(connection, identifier)

    def _set_disabled(connection: Connection, account_id: UUID, disabled: bool | None) -> None:
        if disabled is True:
            accounts.disable_account(connection, account_id, by=person, now=now)
        elif disabled is False:
            accounts.enable_account(connection, account_id, by=person)

    changed = await at_gate(request, work, actor=person.login)
    document = changed.as_dict()
    if word is not None:
        document["password"] = word
    return answer_private(request, document)


async def audit(request: Request) -> Response:
    """Lines of the audit trail, newest first; reading it is itself a line."""
    query = request.query_params
    check_known(query, {*COMMON, "before", "limit", "login", "action", "outcome"})
    person = person_of(request)
    limit = min(_read_number(request, "limit") or PAGE, _MOST_LINES)
    asked = AuditFilter(
        before=_read_number(request, "before"),
        login=query.get("login"),
        action=query.get("action"),
        outcome=query.get("outcome"),
    )

    def work(connection: Connection) -> list[dict[str, Any]]:  # Any: columns of any type
        rows = read_audit(connection, asked, limit=limit)
        note(connection, person, "read_audit", lines=len(rows))
        return rows

    rows = await at_gate(request, work, actor=person.login)
    following = rows[-1]["number"] if len(rows) == limit else None
    return answer_private(request, {"lines": rows, "next": following})


def _read_number(request: Request, name: str) -> int | None:
    words = request.query_params.get(name)
    if words is None:
        return None
    if not (words.isascii() and words.isdigit() and 0 < len(words) < 16 and int(words) > 0):
        raise refuse_parameter(name, "需为正整数", "takes a whole number from 1")
    return int(words)
