"""The API's definition as a page for people: HTML without scripts, under a policy of its own."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import Any

from gis.attributes import Language, Text

_STYLE = (
    "body{font:15px/1.6 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color:#20262b;background:#f7f6f2}"
    "code{font:13px ui-monospace,monospace;overflow-wrap:anywhere}"
    "h2{margin-top:2rem;font-size:1.1rem}"
    "summary{padding:.35rem 0;cursor:pointer;border-top:1px solid #ddd8cc}"
    "table{border-collapse:collapse;margin:.3rem 0 1rem 1.2rem}"
    "td,th{text-align:left;padding:.1rem 1rem .1rem 0;vertical-align:top;font-weight:400}"
)
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
PAGE_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_INTRODUCTION = Text(
    zh="机器可读的定义(OpenAPI 3.0):",
    en="The definition for machines (OpenAPI 3.0):",
)
_TAGS = {
    "capabilities": Text(zh="能力", en="Capabilities"),
    "data": Text(zh="数据", en="Data"),
    "tiles": Text(zh="瓦片", en="Tiles"),
    "maps": Text(zh="地图", en="Maps"),
    "network": Text(zh="排水管网", en="Sewer network"),
    "hazards": Text(zh="隐患与检查", en="Hazards and campaigns"),
    "field": Text(zh="外业", en="Field work"),
    "people": Text(zh="人员", en="People"),
    "operation": Text(zh="运行", en="Operation"),
}


def write_page(document: dict[str, Any], language: Language) -> str:  # Any: JSON
    """The OpenAPI document as HTML, one folded line per operation."""
    title = escape(document["info"]["title"])
    return (
        f'<!doctype html><html lang="{language.value}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title} API</title><style>{_STYLE}</style></head><body><h1>{title} API</h1>"
        f"<p>{escape(document['info']['description'])}</p>"
        f'<p>{_INTRODUCTION.get(language)} <a href="/api">/api</a></p>'
        + "".join(_write_group(document, tag, language) for tag in _TAGS)
        + "</body></html>"
    )


def _write_group(document: dict[str, Any], tag: str, language: Language) -> str:  # Any: JSON
    rows = [
        _write_operation(method, path, operation, document["components"]["parameters"])
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if tag in operation["tags"]
    ]
    return f"<h2>{_TAGS[tag].get(language)}</h2>" + "".join(rows)


def _write_operation(
    method: str,
    path: str,
    operation: dict[str, Any],  # Any: JSON
    known: dict[str, Any],
) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(p['name'])}</code></td><td>{escape(p.get('description', ''))}</td>"
        f"<td>{escape(' · '.join(p['schema'].get('enum', [])))}</td></tr>"
        for p in (
            known[q["$ref"].rsplit("/", 1)[1]] if "$ref" in q else q
            for q in operation["parameters"]
        )
    )
    asked = f"<code>{method.upper()} {escape(path)}</code> {escape(operation['summary'])}"
    return f"<details><summary>{asked}</summary><table>{rows}</table></details>"
