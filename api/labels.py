"""Sheets of labels to print: A4, 24 labels of 70 × 37 mm, as a page without a script.

What is read off the camera is an address of the phone app with the asset's id behind the ``#``,
so it works in the app without a signal and in the phone's own camera, and no log ever holds it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from io import BytesIO
from pathlib import Path
from string import Template

import segno

from gis.attributes import Language, Text
from gis.exchange.labels import Label, LabelFilter, write_code, write_identifier

FOLDER = Path(__file__).parent / "pages"
PER_SHEET = 24
WORDS: Mapping[str, Text] = {
    "title": Text(zh="设施标签 · {kind}", en="Labels · {kind}"),
    "township": Text(zh="乡镇", en="Township"),
    "all": Text(zh="全部", en="All"),
    "prefix": Text(zh="编号开头", en="Code begins with"),
    "show": Text(zh="显示", en="Show"),
    "facts": Text(zh="{n} 张标签,A4 纸 {sheets} 张", en="{n} labels on {sheets} sheets of A4"),
    "next": Text(zh="后面还有:下一批", en="There are more: the next"),
    "none": Text(zh="没有符合的设施", en="No asset fits"),
    "how": Text(
        zh="用浏览器打印(Ctrl+P):A4,无边距,缩放 100%。编号最后一位是校验码(ISO 7064),可手工输入。",
        en="Print with the browser (Ctrl+P): A4, no margins, scale 100%. A code's last character"
        " is its check character (ISO 7064); it can be typed.",
    ),
    "address": Text(
        zh="二维码中的地址是 {address}。若手机不用此名称访问,请改用手机所用的名称打开本页再打印。",
        en="The QR codes carry the address {address}. Where phones use another name, open this"
        " page under that name and print then.",
    ),
    "other": Text(zh="English", en="中文"),
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a page of labels shows. ``address``: of the phone app; ``next``: of the rest."""

    kind: Text
    kind_name: str
    labels: Sequence[Label]
    address: str
    switch: str
    next: str | None
    townships: Mapping[str, str]
    asked: LabelFilter
    is_local: bool


@cache
def read_style() -> str:
    """The style of the page."""
    return (FOLDER / "labels.css").read_text(encoding="utf-8")


@cache
def page_policy() -> str:
    """Nothing but the page and its one style, named by its hash; no script."""
    digest = base64.b64encode(hashlib.sha256(read_style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


def write_page(sheet: Sheet, language: Language) -> str:
    """The page in one language."""
    other = Language.EN if language is Language.ZH else Language.ZH
    say = {key: text.get(language) for key, text in WORDS.items()}
    parts = [sheet.labels[at : at + PER_SHEET] for at in range(0, len(sheet.labels), PER_SHEET)]
    sheets = [_write_sheet(sheet, part, language) for part in parts]
    facts = escape(say["facts"].format(n=len(sheet.labels), sheets=len(sheets)))
    if sheet.next:
        facts += f' <a href="{escape(sheet.next)}">{escape(say["next"])}</a>'
    warning = say["address"].format(address=sheet.address)
    return Template((FOLDER / "labels.html").read_text(encoding="utf-8")).substitute(
        {f"w_{key}": escape(words) for key, words in say.items()},
        lang=_tag(language),
        other_lang=_tag(other),
        switch=escape(sheet.switch),
        title=escape(say["title"].format(kind=sheet.kind.get(language))),
        style=read_style(),
        hidden=_write_hidden(sheet, language),
        townships=_write_options(sheet, say["all"]),
        prefix=escape(sheet.asked.prefix or ""),
        facts=facts,
        warning=f'<p class="{"warning" if sheet.is_local else "note"}">{escape(warning)}</p>',
        sheets="".join(sheets) or f'<p class="empty">{escape(say["none"])}</p>',
    )


def _tag(language: Language) -> str:
    return "en" if language is Language.EN else "zh-CN"


def _write_hidden(sheet: Sheet, language: Language) -> str:
    """What the form asks for beside its own fields."""
    values = {"kind": sheet.kind_name, "lang": language.value, "campaign": sheet.asked.campaign}
    return "".join(
        f'<input type="hidden" name="{name}" value="{escape(str(value))}">'
        for name, value in values.items()
        if value is not None
    )


def _write_options(sheet: Sheet, everything: str) -> str:
    chosen = sheet.asked.township or ""
    rows = [("", everything), *sheet.townships.items()]
    return "".join(
        f'<option value="{escape(code)}"{" selected" if code == chosen else ""}>'
        f"{escape(name)}</option>"
        for code, name in rows
    )


def _write_sheet(sheet: Sheet, labels: Sequence[Label], language: Language) -> str:
    return (
        '<section class="sheet">'
        + "".join(_write_label(sheet, label, language) for label in labels)
        + "</section>"
    )


def _write_label(sheet: Sheet, label: Label, language: Language) -> str:
    name = f"<strong>{escape(label.name)}</strong>" if label.name else ""
    return (
        f'<article class="label">{draw_code(label_address(sheet.address, label))}<div>{name}'
        f'<span class="code">{escape(write_code(label.code))}</span>'
        f'<span class="kind">{escape(sheet.kind.get(language))}</span></div></article>'
    )


def label_address(base: str, label: Label) -> str:
    """What the QR code says; ``base`` is the address of the phone app."""
    return f"{base}#asset/{write_identifier(label.id)}"


def draw_code(address: str) -> str:
    """A QR code as SVG; level M bears 15 % of dirt and scratches."""
    picture = BytesIO()
    segno.make(address, error="m", micro=False).save(
        picture, kind="svg", border=4, dark="#000", xmldecl=False, omitsize=True
    )
    return picture.getvalue().decode().strip()
