"""The office's page and the duty holder's, their files, and the facts they start from."""

from __future__ import annotations

import mimetypes
from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from api.context import parts_of
from api.identity import at_gate, person_of
from api.office import shell
from api.ogc.parameters import COMMON, check_known
from api.recording import house_rules
from api.routes.figures import read_aside
from api.routes.people import answer_private
from gis.attributes import Text
from gis.db.tables import CORE
from gis.errors import NotFoundError
from gis.hazards.profiles import PROFILES
from gis.people.accounts import list_accounts
from gis.people.policy import Action, allows, capacities

_FOREVER = "public, max-age=31536000, immutable"
_HEADERS = {
    "Content-Security-Policy": shell.CONTENT_SECURITY_POLICY,
    "Cache-Control": "private, no-cache",
}


async def page(request: Request) -> Response:
    """The office's page: who may read hazards works there, as far as their role goes."""
    check_known(request.query_params, COMMON)
    return Response(shell.office_page("office"), 200, _HEADERS, "text/html")


async def case_page(request: Request) -> Response:
    """The page of who must rectify one hazard; the link's token stays in the browser."""
    check_known(request.query_params, COMMON)
    return Response(shell.office_page("case"), 200, _HEADERS, "text/html")


async def file(request: Request) -> Response:
    """A script or style under the build it belongs to."""
    name = request.path_params["file"]
    assets = parts_of(request).settings.state_folder / "assets"
    current = request.path_params["build"] == shell.office_build()
    content = shell.read_office_file(name, assets) if current else None
    if content is None:
        raise NotFoundError(Text(zh="页面已更新:请刷新", en="the page was updated: reload it"))
    media = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Response(content, 200, {"Cache-Control": _FOREVER}, media)


async def start(request: Request) -> Response:
    """Who works here and what they may do, townships, sections, colleagues, the server's clock."""
    check_known(request.query_params, COMMON)
    person, parts = person_of(request), parts_of(request)
    facts = await read_aside(request, _read_facts)
    manages = allows(person, Action.MANAGE_CAMPAIGNS)
    people = await at_gate(request, _read_people) if manages else []
    known = {
        "login": person.login, "name": person.name, "section": person.section,
        "id": str(person.account_id), "roles": sorted(role.value for role in person.roles),
        "capacities": sorted(capacities(person)),
    }  # fmt: skip
    sections = sorted({*facts["sections"], *(p["section"] for p in people if p["section"])})
    document = {
        "now": parts.clock().isoformat(),
        "timezone": parts.settings.timezone,
        "person": known if person.is_known else None,
        "may": [action.value for action in Action if allows(person, action)],
        "second_person": house_rules(request).preset.value,
        "townships": facts["townships"],
        "sections": sections,
        "people": people,
        "sites": {c.value: p.site_kind for c, p in PROFILES.items() if p.site_kind},
    }
    return answer_private(request, document)


def _read_facts(connection: Connection) -> dict[str, Any]:  # Any: JSON
    townships = connection.exec_driver_sql(
        f"SELECT code, name FROM {CORE}.admin_unit WHERE level = 'township' ORDER BY code"
    ).all()
    sections = connection.exec_driver_sql(
        f"SELECT DISTINCT section FROM {CORE}.hazard WHERE section IS NOT NULL"
    ).scalars()
    return {
        "townships": [{"code": code, "name": name} for code, name in townships],
        "sections": list(sections),
    }


def _read_people(connection: Connection) -> list[dict[str, Any]]:  # Any: JSON
    """Colleagues who can be given work, without anything secret."""
    return [
        {
            "login": account.login,
            "name": account.name,
            "section": account.section,
            "roles": sorted(role.value for role in account.roles),
        }
        for account in list_accounts(connection)
        if account.disabled_at is None
    ]
