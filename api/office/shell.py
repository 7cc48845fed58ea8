"""The office's files: which there are, where they lie, and the build they make together.

All of them lie flat under one address that carries the build, so that modules import each other
by name, may be cached for ever and still change with a release. What the phone app and the live
map have already (elements, photos, hashes, symbols) is theirs, served here under the same name.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

from api.field.shell import FOLDER as FIELD_FOLDER
from gis.attributes import Vocabulary
from gis.hazards.catalogue import read_catalogue
from gis.hazards.cohort import Dimension
from gis.hazards.envelope import EvidenceKind
from gis.hazards.escalation import STAGES, Recipient
from gis.hazards.events import EventType, Role
from gis.hazards.plots import EnforcementStep
from gis.hazards.profiles import PLAN_FIELDS, FloodResponse, IncidentReport, RainWarning
from gis.hazards.records import RecordType, VisitResult
from gis.hazards.transitions import TRANSITIONS
from gis.kinds import KINDS
from gis.kinds.flood_point import FloodDevice, FloodPlace, FloodRisk
from gis.kinds.hazard import Hazard, HazardCategory, HazardOrigin, HazardState, Severity
from gis.kinds.land_plot import PlotRoute, PlotStage
from layers.assets import LOCK_FILE, asset_path
from layers.live import STATIC_FOLDER

FOLDER = Path(__file__).parent
APP_URL = "/office/app"
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SHARED = {
    **{name: STATIC_FOLDER / name for name in ("dom.js", "style.js", "clock.js", "icon.svg")},
    **{name: FIELD_FOLDER / name for name in ("uuid7.js", "sha256.js", "evidence.js")},
}
_LIBRARIES = {"tus.min.js": ("tus-js-client", "tus.min.js")}
_WORDS: dict[str, type[Vocabulary]] = {
    "severity": Severity,
    "state": HazardState,
    "category": HazardCategory,
    "origin": HazardOrigin,
    "event": EventType,
    "record": RecordType,
    "role": Role,
    "evidence": EvidenceKind,
    "recipient": Recipient,
    "visit": VisitResult,
    "by": Dimension,
    "response": FloodResponse,
    "warning": RainWarning,
    "serial": IncidentReport,
    "plot_stage": PlotStage,
    "plot_route": PlotRoute,
    "enforcement": EnforcementStep,
    "risk": FloodRisk,
    "place": FloodPlace,
    "flood_device": FloodDevice,
}
_VOCABULARY = "vocabulary.js"


def _own_files() -> dict[str, Path]:
    files = [path for path in sorted(FOLDER.iterdir()) if path.suffix in {".js", ".css"}]
    return {path.name: path for path in files} | _SHARED


@cache
def vocabulary_script() -> str:
    """The words of vocabularies, catalogue and kinds as a module: declared once, elsewhere."""
    facts: dict[str, Any] = {  # Any: JSON
        name: {value.value: value.text.as_dict() for value in vocabulary}
        for name, vocabulary in _WORDS.items()
    }
    facts["item"] = {item.key: item.text.as_dict() for item in read_catalogue().items}
    stages = {stage.key: stage.text.as_dict() for own in STAGES.values() for stage in own}
    facts["stage"] = stages
    facts["kind"] = {name: kind.label.as_dict() for name, kind in KINDS.items()}
    marks = {
        name: {"color": stroke.color, "symbol": stroke.symbol or "circle"}
        for name, stroke in Hazard.style.strokes.items()
    }
    roles = {e.value: [role.value for role in t.roles] for e, t in TRANSITIONS.items()}
    plan = {name: words.as_dict() for name, words in PLAN_FIELDS.items()}
    lines: dict[str, object] = {
        "VOCABULARY": facts, "MARKS": marks, "ROLES": roles, "PLAN_FIELDS": plan,
        "PLOT_STAGES": [stage.value for stage in PlotStage],
    }  # fmt: skip
    return "".join(
        f"export const {name} = {json.dumps(value, ensure_ascii=False)};\n"
        for name, value in lines.items()
    )


@cache
def office_build() -> str:
    """A short hash over all the pages are made of, part of their files' addresses."""
    digest = hashlib.sha256(LOCK_FILE.read_bytes() + vocabulary_script().encode())
    pages = {name: FOLDER / name for name in ("office.html", "case.html")}
    for name, path in sorted({**_own_files(), **pages}.items()):
        digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def list_files() -> list[str]:
    """The names of all files of the pages."""
    return [*_own_files(), *_LIBRARIES, _VOCABULARY]


def read_office_file(name: str, assets: Path) -> bytes | None:
    """A file of the pages; ``assets`` is where libraries were installed; None: no such file."""
    if name == _VOCABULARY:
        return vocabulary_script().encode()
    if name in _LIBRARIES:
        return asset_path(assets, *_LIBRARIES[name]).read_bytes()
    path = _own_files().get(name)
    return path.read_bytes() if path else None


def office_page(name: str) -> str:
    """The HTML of a page (``office`` or ``case``): no data in it."""
    page = Template((FOLDER / f"{name}.html").read_text(encoding="utf-8"))
    return page.substitute(app=f"{APP_URL}/{office_build()}")
