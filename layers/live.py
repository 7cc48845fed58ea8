"""The shell of the live map: HTML without a word of data; the page fetches its config itself.

Every script and style is a file of ours, so the page runs under :data:`CONTENT_SECURITY_POLICY`
without any exception for inline code. The scripts are plain modules; the folder's hash is in
their address, so that they may be cached for ever and still change with a release.
"""

from __future__ import annotations

import hashlib
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import Protocol

from gis.attributes import Language, Text
from layers.assets import asset_url

STATIC_FOLDER = Path(__file__).with_name("static")
APP_URL = "/static/app"
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class LiveMap(Protocol):
    """What the shell needs to know of a map; its layers come with the config."""

    @property
    def name(self) -> str:
        """Its name in addresses."""

    @property
    def title(self) -> Text:
        """Its title in both languages."""


@cache
def static_version() -> str:
    """A short hash over our scripts and styles, the middle part of their address."""
    digest = hashlib.sha256()
    for path in sorted(STATIC_FOLDER.iterdir()):
        if path.is_file():
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def live_page(spec: LiveMap, language: Language) -> str:
    """The HTML of a live map in ``language`` (the reader may change it in the page)."""
    return Template((STATIC_FOLDER / "live.html").read_text(encoding="utf-8")).substitute(
        lang="en" if language is Language.EN else "zh-CN",
        name=escape(spec.name),
        title=escape(spec.title.get(language)),
        config=escape(f"/maps/{spec.name}/config?lang={language.value}"),
        app=f"{APP_URL}/{static_version()}",
        leaflet_js=asset_url("leaflet", "leaflet.js"),
        leaflet_css=asset_url("leaflet", "leaflet.css"),
    )
