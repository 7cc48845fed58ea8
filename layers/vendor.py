"""Everything a page needs, as text inside it: Leaflet with its images, our modules as one script.

A page opened from disk may not load modules or images beside it, so they are written into it.
"""

from __future__ import annotations

import base64
import mimetypes
import re
from collections.abc import Collection, Mapping
from pathlib import Path

from layers.assets import asset_path

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./(\w+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) ?\*? ?(\w+))", re.MULTILINE)
_LEFT_OVER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
_URL = re.compile(r"url\(([^)]+)\)")


def leaflet_script(assets: Path) -> str:
    """Leaflet as a script; ``assets`` is the folder it was installed in."""
    return guard_script(asset_path(assets, "leaflet", "leaflet.js").read_text(encoding="utf-8"))


def leaflet_style(assets: Path) -> str:
    """Leaflet's style sheet, its images as data URIs."""
    css = asset_path(assets, "leaflet", "leaflet.css").read_text(encoding="utf-8")
    return guard_style(_URL.sub(lambda found: _inline_url(found.group(1), assets), css))


def _inline_url(address: str, assets: Path) -> str:
    name = address.strip("\"' ")
    if name.startswith(("#", "data:")):
        return f"url({address})"
    path = asset_path(assets, "leaflet", name)
    media = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return f"url(data:{media};base64,{base64.b64encode(path.read_bytes()).decode()})"


def bundle_modules(entry: str, modules: Mapping[str, Path], *, known: Collection[str] = ()) -> str:
    """Our plain modules as one script, each a function's scope, in the order of need.

    ``modules`` maps a module's name to its file, ``entry`` names the one wanted; what it imports
    is written before it. ``known`` are modules an earlier part of the script already holds.
    Only ``import { … } from "./x.js"`` and ``export`` of a function, class or const are known;
    anything else, and a circle, is a ValueError: it is ours to write modules that way.
    """
    written = dict.fromkeys(known, "")
    _write_module(entry, modules, written, ())
    return guard_script("\n".join(filter(None, written.values())))


def _write_module(
    name: str, modules: Mapping[str, Path], written: dict[str, str], above: tuple[str, ...]
) -> None:
    if name in written:
        return
    if name in above:
        raise ValueError(f"modules import each other: {' -> '.join((*above, name))}")
    source = modules[name].read_text(encoding="utf-8")
    for needed in _IMPORT.findall(source):
        _write_module(needed[1], modules, written, (*above, name))
    exported = _EXPORT.findall(source)
    body = _EXPORT.sub("", _IMPORT.sub(_take_exports, source))
    if left := _LEFT_OVER.search(body):
        raise ValueError(f"{name}.js: {left.group()[:80]}")
    written[name] = (
        f"const module_{name} = (() => {{\n{body}\nreturn {{ {', '.join(exported)} }};\n}})();"
    )


def _take_exports(found: re.Match[str]) -> str:
    names = found.group(1).replace(" as ", ": ").strip().rstrip(",")
    return f"const {{ {names} }} = module_{found.group(2)};\n"


def guard_script(script: str) -> str:
    """The script, refused when it could end its element early."""
    if re.search(r"</script|<!--", script, re.IGNORECASE):
        raise ValueError("a script holds </script or <!--")
    return re.sub(r"^//# sourceMappingURL=.*$", "", script, flags=re.MULTILINE)


def guard_style(style: str) -> str:
    """The style sheet, refused when it could end its element or ask for a file."""
    if re.search(r"</style|@import", style, re.IGNORECASE):
        raise ValueError("a style sheet holds </style or @import")
    return style
