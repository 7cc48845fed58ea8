"""Who asks: from a cookie, a bearer token or an app password to a :class:`Person`; and whose page.

A credential that is shown and is no good is refused, except a cookie, which the browser sends by
itself: with one that is over the reader is nobody known, and the page offers the login.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar
from urllib.parse import urlsplit

import anyio.to_thread
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.requests import Request
from starlette.responses import Response

from api.context import PERSON, Parts, application_of
from gis.attributes import Text
from gis.db.roles import Pool
from gis.errors import ForbiddenError, LoginError
from gis.people.person import Credential, Person, make_anonymous
from gis.people.second_factor import is_required
from gis.people.tokens import SESSION_LIFE, find_person

T = TypeVar("T")
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_HEADER = "x-infratrack"
"""A header no form can send, and no other site's script without our leave (there is none)."""
_PLAIN_COOKIE = "infratrack_session"
_CODE_COOKIE = "infratrack_code"
"""No secret: that this browser's login takes a code."""
_OVER = Text(zh="登录已失效,请重新登录", en="the login is over: log in again")
_FOREIGN = Text(zh="请求不是本站页面发出的", en="the request does not come from a page of ours")


def person_of(request: Request) -> Person:
    """Who asks; nobody known where the request was not identified."""
    person: Person | None = request.scope.get(PERSON)
    return person if person is not None else nobody_of(request)


async def identify(request: Request) -> Person:
    """Find out who asks, once per request. LoginError for a credential that is no good."""
    person = await _find(request)
    request.scope[PERSON] = person
    return person


def nobody_of(request: Request) -> Person:
    """Nobody known: reads as the setting says on the machine itself, as the public elsewhere."""
    parts = application_of(request)
    local = _is_local(request, parts)
    pool = Pool(parts.settings.reader) if local else Pool.PUBLIC
    return make_anonymous(pool, address=address_of(request), is_local=local)


def _is_local(request: Request, parts: Parts) -> bool:
    """Whether only this machine can have asked: no other address, and no proxy in between."""
    proxied = any(name in request.headers for name in ("forwarded", "x-forwarded-for", "via"))
    return parts.settings.is_local and not proxied


def address_of(request: Request) -> str | None:
    """The address the request came from, without a port; None for a Unix socket."""
    host = request.client.host if request.client else ""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


async def _find(request: Request) -> Person:
    header = request.headers.get("authorization", "")
    scheme, _, word = header.partition(" ")
    if scheme.lower() == "bearer":
        return await _require_person(request, word.strip())
    if scheme.lower() == "basic":
        return await _read_basic(request, word)
    if header:
        raise LoginError(Text(zh="不支持的登录方式", en="no such way to log in"))
    if secret := request.cookies.get(cookie_name(request)):
        person = await _look_up(request, secret)
        if person is not None and person.credential is Credential.SESSION:
            return _limit_provisional(request, person)
    return nobody_of(request)


def is_provisional(request: Request, person: Person) -> bool:
    """Whether the person's role needs a second factor, and has none."""
    rule = application_of(request).settings.second_factor
    return is_required(rule, person.roles) and not person.has_second_factor


def _limit_provisional(request: Request, person: Person) -> Person:
    # Of sessions only: a phone or an app password was given out after whatever was needed then.
    if not is_provisional(request, person):
        return person
    return replace(person, is_provisional=True, pool=Pool.PUBLIC)


async def _read_basic(request: Request, word: str) -> Person:
    """HTTP Basic: the login and an app password (never the person's own password)."""
    try:
        login, _, secret = base64.b64decode(word, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise LoginError(_OVER) from None
    person = await _require_person(request, secret)
    if person.credential is not Credential.APP_PASSWORD or person.login != login.strip().lower():
        raise LoginError(_OVER)
    return person


async def _require_person(request: Request, secret: str) -> Person:
    person = await _look_up(request, secret)
    # A session is the browser's alone: taken out of its cookie it opens nothing.
    if person is None or person.credential is Credential.SESSION:
        raise LoginError(_OVER)
    return person


async def is_still_let_in(request: Request, person: Person) -> bool:
    """Whether what the person showed for this request would still be taken, somebody unknown's too.

    For answers that go on for hours. True while the database cannot be asked: it tells nothing
    then, either.
    """
    if not person.is_known:
        return True
    try:
        known = await _look_up(request, _shown_secret(request), is_use=False)
    except (DBAPIError, PoolTimeout):
        return True
    return known is not None and known.token_id == person.token_id


def _shown_secret(request: Request) -> str:
    scheme, _, word = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return word.strip()
    if scheme.lower() == "basic":
        return base64.b64decode(word).decode().partition(":")[2]
    return request.cookies.get(cookie_name(request), "")


async def _look_up(request: Request, secret: str, *, is_use: bool = True) -> Person | None:
    parts, address = application_of(request), address_of(request)
    engine, now = parts.database.engines[Pool.GATE], parts.clock()

    def in_thread() -> Person | None:
        # Of every request: one statement without a transaction around it.
        with engine.connect() as connection:
            single = connection.execution_options(isolation_level="AUTOCOMMIT")
            return find_person(single, secret, now=now, address=address, is_use=is_use)

    return await anyio.to_thread.run_sync(in_thread)


async def at_gate(
    request: Request, work: Callable[[Connection], T], *, actor: str = "gate", reason: str = ""
) -> T:
    """Run ``work`` in a transaction of the gate, in a thread."""
    database = application_of(request).database

    def in_thread() -> T:
        with database.write(actor=actor, reason=reason, pool=Pool.GATE) as connection:
            return work(connection)

    return await anyio.to_thread.run_sync(in_thread)


def cookie_name(request: Request) -> str:
    """Over HTTPS the name makes the browser insist on Secure, Path=/ and no domain."""
    return f"__Host-{_PLAIN_COOKIE}" if request.url.scheme == "https" else _PLAIN_COOKIE


def set_session(request: Request, answer: Response, secret: str) -> None:
    """Give the browser its session."""
    answer.set_cookie(
        cookie_name(request),
        secret,
        max_age=int(SESSION_LIFE.total_seconds()),
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )


def drop_session(request: Request, answer: Response) -> None:
    """Take the session from the browser."""
    secure = request.url.scheme == "https"
    answer.delete_cookie(
        cookie_name(request), path="/", secure=secure, httponly=True, samesite="lax"
    )


def remember_code(request: Request, answer: Response) -> None:
    """Let the form ask for the code at once the next time, and not for the password twice."""
    secure = request.url.scheme == "https"
    year = 365 * 86_400
    answer.set_cookie(
        _CODE_COOKIE, "1", max_age=year, path="/login", secure=secure, httponly=True, samesite="lax"
    )


def asks_code_here(request: Request) -> bool:
    """Whether somebody has logged in with a code in this browser."""
    return request.cookies.get(_CODE_COOKIE) == "1"


def check_origin(request: Request, *, is_form: bool = False) -> None:
    """Raise ForbiddenError for a writing request that a browser sends for another site's page.

    With a cookie it must say it is of our origin (Origin or Sec-Fetch-Site) and bear our header;
    a form cannot send one, so its origin decides. Whoever sends Authorization needs neither: no
    browser adds that by itself.
    """
    if request.method in SAFE or "authorization" in request.headers:
        return
    own = _is_own_origin(request)
    if own is False:
        raise ForbiddenError(_FOREIGN)
    if "cookie" not in request.headers:
        return
    if own is None or not (is_form or request.headers.get(OWN_HEADER) == "1"):
        raise ForbiddenError(_FOREIGN)


def _is_own_origin(request: Request) -> bool | None:
    """What the browser says of the page that asks; None when it says nothing."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if origin is not None and origin != "null":
        parts = urlsplit(origin)
        downgraded = request.url.scheme == "https" and parts.scheme != "https"
        return not downgraded and parts.netloc == request.headers.get("host", "")
    if site is not None:
        return site == "same-origin"
    return False if origin == "null" else None
