"""One's own account as a page, and the second factor: begun with the password, put in force by a
code of it."""

from __future__ import annotations

import anyio.to_thread
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from api.context import application_of
from api.identity import at_gate, person_of
from api.language import choose_language
from api.ogc.parameters import COMMON, check_known
from api.pages import PAGE_HEADERS, account_document
from api.qr import draw_qr
from api.requests import read_model
from api.routes.people import Body, answer_private, own_account, prove, read_goal
from gis.people import second_factor
from gis.people.login import confirm_second_factor


async def account_page(request: Request) -> Response:
    """The page of one's own account; its script asks the endpoints below."""
    check_known(request.query_params, {*COMMON, "next"})
    goal = read_goal(request.query_params.get("next", ""))
    page = account_document(choose_language(request), goal=goal)
    return Response(page, 200, PAGE_HEADERS, "text/html")


async def state(request: Request) -> Response:
    """Whether one's logins take a code, whether the role needs it, and the recovery codes left."""
    check_known(request.query_params, COMMON)
    person, settings = person_of(request), application_of(request).settings
    account_id = own_account(person)
    document = await at_gate(request, lambda c: second_factor.describe(c, account_id))
    required = second_factor.is_required(settings.second_factor, person.roles)
    return answer_private(request, {**document, "is_required": required})


class Beginning(Body):
    """The password once more; and a code of the second factor in force, which is to be replaced."""

    password: str = Field(max_length=200)
    second_factor: str | None = Field(default=None, max_length=64)


async def begin(request: Request) -> Response:
    """A new secret with its QR code, shown this once; what is in force stays so meanwhile."""
    check_known(request.query_params, COMMON)
    person, now = person_of(request), application_of(request).clock()
    asked = await read_model(request, Beginning)
    await prove(request, person.login, asked.password, code=asked.second_factor)
    offer = await at_gate(
        request, lambda c: second_factor.offer(c, person, now=now), actor=person.login
    )
    document = {
        "secret": offer.secret,
        "address": offer.address,
        "svg": draw_qr(offer.address),
    }
    return answer_private(request, document, status=201)


class Confirmation(Body):
    """Six digits of the authenticator that has just been given the secret."""

    code: str = Field(max_length=64)


async def confirm(request: Request) -> Response:
    """Put the new secret in force; the recovery codes, shown this once."""
    check_known(request.query_params, COMMON)
    person, parts = person_of(request), application_of(request)
    asked = await read_model(request, Confirmation)
    codes = await anyio.to_thread.run_sync(
        lambda: confirm_second_factor(parts.database, person, asked.code, now=parts.clock())
    )
    return answer_private(request, {"recovery_codes": codes})
