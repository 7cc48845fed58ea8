"""The phone app's files: which there are, where they lie, and the build they make together.

All of them, the pinned libraries included, lie flat under one address that carries the build, so
that modules import each other by name, may be cached for ever and still change with a release.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

from gis.attributes import Language, Text, Vocabulary
from gis.hazards.events import EventType
from gis.hazards.records import RecordType
from gis.kinds.hazard import HazardCategory, HazardOrigin, HazardState, Severity
from layers.assets import LOCK_FILE, asset_path
from layers.live import STATIC_FOLDER

FOLDER = Path(__file__).parent
APP_URL = "/field/app"
SCOPE = "/field"
NAME = Text(zh="城建外业", en="Infratrack field")
PERMISSIONS_POLICY = "camera=(self), geolocation=(self), microphone=()"
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; worker-src 'self'; manifest-src 'self'; media-src 'self' blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Elements are made as on the live map: by the same module.
_SHARED = {"dom.js": STATIC_FOLDER / "dom.js"}
_LIBRARIES = {
    "idb.js": ("idb", "idb.js"),
    "tus.min.js": ("tus-js-client", "tus.min.js"),
    "zxing-browser.min.js": ("@zxing/browser", "zxing-browser.min.js"),
    "leaflet.js": ("leaflet", "leaflet.js"),
    "leaflet.css": ("leaflet", "leaflet.css"),
}
_WORDS: dict[str, type[Vocabulary]] = {
    "severity": Severity,
    "state": HazardState,
    "category": HazardCategory,
    "origin": HazardOrigin,
    "event": EventType,
    "record": RecordType,
}
_VOCABULARY = "vocabulary.js"


def _own_files() -> dict[str, Path]:
    kept = {".js", ".css", ".png", ".svg"}
    files = [p for p in sorted(FOLDER.iterdir()) if p.suffix in kept and p.name != "sw.js"]
    return {path.name: path for path in files} | _SHARED


def vocabulary_script() -> str:
    """The words of the vocabularies as a module: declared once, with their kinds."""
    words = {
        name: {value.value: {"zh": value.text.zh, "en": value.text.en} for value in vocabulary}
        for name, vocabulary in _WORDS.items()
    }
    return f"export const VOCABULARY = {json.dumps(words, ensure_ascii=False)};\n"


@cache
def field_build() -> str:
    """A short hash over all the app is made of: shown to the inspector, part of addresses."""
    digest = hashlib.sha256(LOCK_FILE.read_bytes() + vocabulary_script().encode())
    own = {**_own_files(), "sw.js": FOLDER / "sw.js", "field.html": FOLDER / "field.html"}
    for name, path in sorted(own.items()):
        digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def list_files() -> list[str]:
    """The names of all files of the app."""
    return [*_own_files(), *_LIBRARIES, _VOCABULARY]


def read_field_file(name: str, assets: Path) -> bytes | None:
    """A file of the app; ``assets`` is where the libraries were installed; None: no such file."""
    if name == _VOCABULARY:
        return vocabulary_script().encode()
    if name in _LIBRARIES:
        return asset_path(assets, *_LIBRARIES[name]).read_bytes()
    path = _own_files().get(name)
    return path.read_bytes() if path else None


def field_page() -> str:
    """The HTML of the app: no word but the one before its scripts run, no data."""
    return _fill("field.html", app=f"{APP_URL}/{field_build()}", build=field_build())


def field_worker() -> str:
    """The service worker: its text changes with every build, which is how browsers notice one."""
    files = [f"{APP_URL}/{field_build()}/{name}" for name in list_files()]
    return _fill("sw.js", build=field_build(), files=json.dumps(files), page=SCOPE)


def field_manifest(language: Language) -> dict[str, Any]:  # Any: JSON
    """What the phone needs to put the app on its home screen."""
    app = f"{APP_URL}/{field_build()}"
    icons = [
        {"src": f"{app}/icon-{size}.png", "sizes": f"{size}x{size}", "type": "image/png"}
        for size in (192, 512)
    ]
    masked = {**icons[1], "src": f"{app}/icon-maskable.png", "purpose": "maskable"}
    return {
        "id": SCOPE,
        "name": NAME.get(language),
        "short_name": NAME.get(language),
        "lang": "en" if language is Language.EN else "zh-CN",
        "start_url": SCOPE,
        "scope": SCOPE,
        "display": "standalone",
        "orientation": "portrait",
        "background_color": "#f2f5f4",
        "theme_color": "#00565b",
        "icons": [*icons, masked],
    }


def _fill(name: str, **values: str) -> str:
    return Template((FOLDER / name).read_text(encoding="utf-8")).substitute(values)
