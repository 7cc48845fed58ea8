"""From rows to routes: each row names its action, which is checked here and nowhere else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from api.audit import NOTED, note_reading, note_refusal
from api.identity import check_origin, identify, nobody_of
from api.language import choose_language
from api.pages import PAGE_HEADERS, login_document
from gis.errors import ForbiddenError, InfratrackError, LoginError, SecondFactorSetupError
from gis.people.person import Person
from gis.people.policy import Action, allows, require

Endpoint = Callable[[Request], Awaitable[Response]]
GET = ("GET",)
POST = ("POST",)
PUT = ("PUT",)
PATCH = ("PATCH",)
DELETE = ("DELETE",)


@dataclass(frozen=True, slots=True)
class Row:
    """A path, who answers it, and what asking it is; HEAD comes with GET, OPTIONS by itself.

    ``is_form``: a plain HTML form posts here, which can send no header of its own.
    """

    path: str
    endpoint: Endpoint
    action: Action
    methods: tuple[str, ...] = GET
    is_form: bool = False


def make_routes(rows: Iterable[Row]) -> list[Route]:
    """One route for each path, in the order the paths first occur."""
    by_path: dict[str, dict[str, Row]] = {}
    for row in rows:
        methods = by_path.setdefault(row.path, {})
        for method in row.methods:
            if method in methods:
                raise ValueError(f"{method} {row.path} is given twice")
            methods[method] = row
    return [_make_route(path, methods) for path, methods in by_path.items()]


def _make_route(path: str, rows: dict[str, Row]) -> Route:
    async def answer(request: Request) -> Response:
        person = await _identify(request)
        row = rows.get(request.method)
        if row is None and request.method == "HEAD":
            row = rows.get("GET")
        if row is None:
            allowed = {"Allow": ", ".join(list_methods(rows, person))}
            if request.method == "OPTIONS":
                return Response(status_code=200, headers=allowed)
            raise HTTPException(405, headers=allowed)
        request.scope["endpoint"] = row.endpoint
        try:
            await _admit(request, row, person)
        except (LoginError, ForbiddenError) as error:
            if _wants_page(request):
                return _offer_login(request, error)
            raise
        return await row.endpoint(request)

    answer.__name__ = next(iter(rows.values())).endpoint.__name__
    route = Route(path, answer)
    route.methods = None  # every method comes here, so that a refusal can say what is allowed
    return route


def _wants_page(request: Request) -> bool:
    """Whether a browser opens this as a page: it is shown the login, not a refusal."""
    accepts_page = request.headers.get("accept", "").startswith("text/html")
    return request.method == "GET" and accepts_page and "authorization" not in request.headers


def _offer_login(request: Request, error: InfratrackError) -> Response:
    """The login, and back here after it; to somebody known who may not, with the reason."""
    query = request.url.query
    goal = request.url.path + (f"?{query}" if query else "")
    language = choose_language(request)
    if isinstance(error, LoginError):
        there = "/login?" + urlencode({"next": goal, "lang": language.value})
        headers = {"Cache-Control": "no-store", "Vary": "Accept, Cookie"}
        return RedirectResponse(there, 303, headers)
    if isinstance(error, SecondFactorSetupError):
        there = "/account?" + urlencode({"next": goal, "lang": language.value})
        return RedirectResponse(there, 303, {"Cache-Control": "no-store"})
    page = login_document(language, goal=goal, complaint=error.text(language))
    return Response(page, 403, PAGE_HEADERS, "text/html")


async def _identify(request: Request) -> Person:
    try:
        return await identify(request)
    except LoginError as error:
        await note_refusal(request, nobody_of(request), "show_credential", error)
        raise


def list_methods(rows: dict[str, Row], person: Person) -> list[str]:
    """What the person may do at a path, for ``Allow``."""
    may = {method for method, row in rows.items() if allows(person, row.action)}
    if "GET" in may:
        may.add("HEAD")
    return sorted(may | {"OPTIONS"}, key=_ORDER.index)


_ORDER = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


async def _admit(request: Request, row: Row, person: Person) -> None:
    """Raise unless the person may, and the request is their own; what is refused is noted."""
    try:
        check_origin(request, is_form=row.is_form)
        require(person, row.action)
    except (ForbiddenError, LoginError) as error:
        await note_refusal(request, person, row.action, error)
        raise
    if row.action in NOTED:
        await note_reading(request, person, row.action)
