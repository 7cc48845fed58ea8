"""The phone app: its page, worker, manifest and files. What it sends goes to the other routes."""

from __future__ import annotations

import mimetypes

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.context import parts_of
from api.field import shell
from api.language import choose_language
from api.ogc.parameters import COMMON, check_known
from gis.attributes import Text
from gis.errors import NotFoundError

_FOREVER = "public, max-age=31536000, immutable"
_HEADERS = {
    "Content-Security-Policy": shell.CONTENT_SECURITY_POLICY,
    "Permissions-Policy": shell.PERMISSIONS_POLICY,
    "Cache-Control": "no-cache",
}


async def page(request: Request) -> Response:
    """The shell of the app, the same for everybody: the worker keeps it."""
    check_known(request.query_params, COMMON)
    return Response(shell.field_page(), 200, _HEADERS, "text/html")


async def worker(request: Request) -> Response:
    """The service worker, allowed to answer for the page above its own folder."""
    check_known(request.query_params, COMMON)
    headers = {**_HEADERS, "Service-Worker-Allowed": shell.SCOPE}
    return Response(shell.field_worker(), 200, headers, "text/javascript")


async def manifest(request: Request) -> Response:
    """The web app manifest in the language asked for."""
    check_known(request.query_params, COMMON)
    headers = {"Cache-Control": "no-cache", "Vary": "Accept-Language"}
    document = shell.field_manifest(choose_language(request))
    return JSONResponse(document, 200, headers, "application/manifest+json")


async def file(request: Request) -> Response:
    """A script, style or icon under the build it belongs to."""
    name = request.path_params["file"]
    assets = parts_of(request).settings.state_folder / "assets"
    current = request.path_params["build"] == shell.field_build()
    content = shell.read_field_file(name, assets) if current else None
    if content is None:
        raise NotFoundError(Text(zh="页面已更新:请刷新", en="the page was updated: reload it"))
    media = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Response(content, 200, {"Cache-Control": _FOREVER}, media)
