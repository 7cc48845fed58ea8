"""Logging in and out, who one is, one's own password and app passwords."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.answers import answer_json
from api.context import application_of
from api.errors import STATUS
from api.identity import (
    address_of,
    asks_code_here,
    at_gate,
    cookie_name,
    drop_session,
    is_provisional,
    person_of,
    remember_code,
    set_session,
)
from api.language import choose_language
from api.ogc.parameters import COMMON, check_known
from api.pages import PAGE_HEADERS, login_document
from api.requests import read_model
from gis.attributes import Text
from gis.errors import InfratrackError, InputError, LoginError, NotFoundError, ThrottledError
from gis.people import tokens
from gis.people.accounts import set_password
from gis.people.audit import note
from gis.people.login import check_credentials, close_session, open_session
from gis.people.passwords import check_password
from gis.people.person import Person
from gis.people.tokens import APP_PASSWORD_DAYS, MAX_APP_PASSWORD_DAYS, TokenKind

PRIVATE = {"Cache-Control": "no-store"}
_MOST_FORM = 4_096


async def login_page(request: Request) -> Response:
    """The page to log in with; works without scripts."""
    check_known(request.query_params, {*COMMON, "next"})
    goal = read_goal(request.query_params.get("next", ""))
    fields = ["second_factor"] if asks_code_here(request) else []
    page = login_document(choose_language(request), goal=goal, fields=fields)
    return Response(page, 200, PAGE_HEADERS, "text/html")


async def log_in(request: Request) -> Response:
    """Take the form: a new session, and on to where the person wanted to go."""
    check_known(request.query_params, COMMON)
    form = await _read_form(request)
    goal = read_goal(form.get("next", ""))
    try:
        _require_same(form)
        person = await prove(
            request,
            form.get("login", ""),
            form.get("password", ""),
            new_password=form.get("new_password") or None,
            code=form.get("second_factor") or None,
        )
    except (LoginError, ThrottledError, InputError) as error:
        return _show_again(request, error, form=form, goal=goal)
    now = application_of(request).clock()
    before = request.cookies.get(cookie_name(request))
    issued = await at_gate(
        request,
        lambda connection: open_session(connection, person, now=now, replaced=before),
        actor=person.login,
    )
    if is_provisional(request, person):
        goal = "/account?" + urlencode({"next": goal, "lang": choose_language(request).value})
    answer = RedirectResponse(goal, 303, PRIVATE)
    set_session(request, answer, issued.secret)
    if person.has_second_factor:
        remember_code(request, answer)
    return answer


async def prove(
    request: Request,
    login: str,
    word: str,
    *,
    new_password: str | None = None,
    code: str | None = None,
    asks_code: bool = True,
) -> Person:
    """Whose login and password these are, in turn (:func:`gis.people.login.check_credentials`)."""
    parts = application_of(request)
    address = address_of(request)
    return await parts.logins.run(
        lambda: check_credentials(
            parts.database,
            login,
            word,
            address=address,
            now=parts.clock(),
            new_password=new_password,
            code=code,
            asks_code=asks_code,
        )
    )


def _require_same(form: dict[str, str]) -> None:
    if form.get("new_password") != form.get("new_again"):
        raise InputError(
            Text(zh="两次输入的新口令不一致", en="the new password was not typed twice alike")
        )


def _show_again(
    request: Request, error: InfratrackError, *, form: dict[str, str], goal: str
) -> Response:
    """The form with what is wrong, and with the fields that are needed or were there before."""
    language = choose_language(request)
    page = login_document(
        language,
        goal=goal,
        login=form.get("login", "")[:64],
        complaint=error.text(language),
        fields={*read_needs(error), *form},
    )
    waiting = error.facts.get("retry_after")
    headers = {**PAGE_HEADERS, **({"Retry-After": str(waiting)} if waiting else {})}
    return Response(page, STATUS[type(error)], headers, "text/html")


def read_needs(error: InfratrackError) -> list[str]:
    """What a login still needs, as its error says."""
    needs = error.facts.get("needs", [])
    return list(needs) if isinstance(needs, list) else []


async def _read_form(request: Request) -> dict[str, str]:
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if media != "application/x-www-form-urlencoded" or len(body) > _MOST_FORM:
        raise InputError(Text(zh="表单有误", en="not a form of ours"))
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=8)
    except ValueError:
        raise InputError(Text(zh="表单有误", en="not a form of ours")) from None
    form = dict(pairs)
    if any("\0" in value for value in form.values()):
        raise InputError(Text(zh="文本含 NUL 字符", en="a text holds a NUL character"))
    return form


def read_goal(words: str) -> str:
    """Where to go after the login: a path of ours, whatever was asked for.

    >>> read_goal("/maps/hazards?lang=en"), read_goal("//evil.example"), read_goal("/\\\\evil")
    ('/maps/hazards?lang=en', '/maps/progress', '/maps/progress')
    """
    ours = words.startswith("/") and not words.startswith("//") and "\\" not in words
    if not ours or len(words) > 1000 or not words.isprintable():
        return "/maps/progress"
    return quote(words, safe="/?&=%:,.#+-_~!*'()@$;")


async def log_out(request: Request) -> Response:
    """End the session."""
    check_known(request.query_params, COMMON)
    person, now = person_of(request), application_of(request).clock()
    await at_gate(
        request,
        lambda connection: close_session(connection, person, now=now),
        actor=person.login,
    )
    answer = Response(status_code=204, headers=PRIVATE)
    drop_session(request, answer)
    return answer


async def me(request: Request) -> Response:
    """Who is logged in; null for nobody."""
    check_known(request.query_params, COMMON)
    person = person_of(request)
    return answer_json(request, {"person": person.as_dict() if person.is_known else None})


class Body(BaseModel):
    """Common to what is sent: nothing unknown."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False, frozen=True)


class NewPassword(Body):
    """A change of one's own password."""

    old: str = Field(max_length=200)
    new: str = Field(max_length=200)


async def change_password(request: Request) -> Response:
    """Change one's own password; every other session, phone and app password ends."""
    check_known(request.query_params, COMMON)
    person = person_of(request)
    asked = await read_model(request, NewPassword)
    check_password(asked.new, login=person.login)
    await prove(request, person.login, asked.old, asks_code=False)
    account_id, now = own_account(person), application_of(request).clock()

    def work(connection: Connection) -> None:
        keep = person.token_id
        set_password(connection, account_id, asked.new, by=person, now=now, keep=keep)

    await at_gate(request, work, actor=person.login)
    return Response(status_code=204, headers=PRIVATE)


def own_account(person: Person) -> UUID:
    """The account of who asks; LoginError where there is none (a link)."""
    if person.account_id is None:
        raise LoginError(Text(zh="请先登录", en="log in first"))
    return person.account_id


class NewAppPassword(Body):
    """An app password to make."""

    label: str = Field(min_length=1, max_length=100)
    days: int = Field(default=APP_PASSWORD_DAYS, ge=1, le=MAX_APP_PASSWORD_DAYS)


async def make_app_password(request: Request) -> Response:
    """A password for a script or a QGIS profile; shown this once."""
    check_known(request.query_params, COMMON)
    person, now = person_of(request), application_of(request).clock()
    account_id = own_account(person)
    asked = await read_model(request, NewAppPassword)

    def work(connection: Connection) -> tokens.Issued:
        issued = tokens.issue_token(
            connection,
            TokenKind.APP_PASSWORD,
            now=now,
            life=timedelta(days=asked.days),
            created_by=person.login,
            label=asked.label,
            account_id=account_id,
        )
        note(connection, person, "make_app_password", subject=f"token:{issued.id}")
        return issued

    issued = await at_gate(request, work, actor=person.login)
    document = {
        "id": str(issued.id),
        "login": person.login,
        "password": issued.secret,
        "expires_at": issued.expires_at.isoformat(),
    }
    return answer_private(request, document, status=201)


async def list_app_passwords(request: Request) -> Response:
    """One's own app passwords, without the secrets."""
    check_known(request.query_params, COMMON)
    account_id, now = own_account(person_of(request)), application_of(request).clock()
    kind = TokenKind.APP_PASSWORD
    rows = await at_gate(
        request, lambda connection: tokens.list_tokens(connection, account_id, kind, now=now)
    )
    return answer_private(request, {"app_passwords": rows})


async def revoke_app_password(request: Request) -> Response:
    """End one of one's own app passwords."""
    check_known(request.query_params, COMMON)
    person, now = person_of(request), application_of(request).clock()
    account_id, identifier = own_account(person), read_identifier(request)

    def work(connection: Connection) -> None:
        kind = TokenKind.APP_PASSWORD
        if not tokens.revoke_token(
            connection, identifier, now=now, account_id=account_id, kind=kind
        ):
            raise NOT_THERE
        note(connection, person, "revoke_app_password", subject=f"token:{identifier}")

    await at_gate(request, work, actor=person.login)
    return Response(status_code=204, headers=PRIVATE)


NOT_THERE = NotFoundError(Text(zh="不存在", en="no such thing"))


def read_identifier(request: Request) -> UUID:
    """The id in the path; NotFoundError for what is none."""
    try:
        return UUID(request.path_params["id"])
    except ValueError:
        raise NOT_THERE from None


def answer_private(
    request: Request, document: dict[str, Any], *, status: int = 200
) -> Response:  # Any: JSON
    """A document for this person only, kept nowhere."""
    answer = answer_json(request, document, status=status)
    answer.headers["Cache-Control"] = "no-store"
    return answer
