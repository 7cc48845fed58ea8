"""Pages around the map: the login, the system officer's. HTML from a file, no data in it."""

from __future__ import annotations

from collections.abc import Collection
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import quote, urlencode

from gis.attributes import Language, Text
from gis.people.person import ACCOUNT_ROLES, OFFICERS, PersonRole
from layers.assets import asset_url
from layers.live import APP_URL, static_version

PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    # Under no-referrer a browser calls the origin of our own form "null".
    "Referrer-Policy": "same-origin",
}
_FOLDER = Path(__file__).parent
_LOGIN = {
    "title": Text(zh="登录", en="Log in"),
    "brand": Text(zh="城建一张图", en="Infratrack"),
    "tagline": Text(zh="县城建设与管养,一张图上看清", en="A county's infrastructure on one map"),
    "login": Text(zh="登录名", en="Login"),
    "password": Text(zh="口令", en="Password"),
    "second_factor": Text(zh="动态码", en="Code"),
    "second_hint": Text(
        zh="身份验证器上的 6 位数字,或一个恢复码",
        en="6 digits of your authenticator, or a recovery code",
    ),
    "new_password": Text(zh="新口令", en="New password"),
    "new_again": Text(zh="再次输入新口令", en="New password again"),
    "new_hint": Text(
        zh="至少 8 个字符,不得全为数字,不得含登录名",
        en="8 characters or more, not digits only, without the login name",
    ),
    "submit": Text(zh="登录", en="Log in"),
    "help": Text(
        zh="忘记口令请联系本单位系统管理员。", en="Forgotten? Your system officer gives a new one."
    ),
    "public": Text(zh="不登录,查看公开地图", en="Go on to the public map"),
    "other": Text(zh="English", en="中文"),
}
_ACCOUNT = {
    "title": Text(zh="本人账号", en="Your account"),
    "brand": Text(zh="城建一张图", en="Infratrack"),
    "map": Text(zh="地图", en="Map"),
    "logout": Text(zh="退出", en="Log out"),
    "other": Text(zh="English", en="中文"),
    "factor": Text(zh="二次验证", en="Second factor"),
    "explain": Text(
        zh="登录时除口令外,再输入手机身份验证器显示的 6 位动态码。"
        "任何支持 TOTP 的身份验证器均可,无需网络。",
        en="Beside the password a login then takes 6 digits shown by an authenticator on a phone:"
        " any that does TOTP, without a network.",
    ),
    "password": Text(zh="口令", en="Password"),
    "old_code": Text(zh="当前动态码或恢复码", en="Present code, or a recovery code"),
    "begin": Text(zh="开始设置", en="Set it up"),
    "scan": Text(
        zh="用身份验证器扫描此码,或手工输入密钥。仅显示这一次。",
        en="Scan this with the authenticator, or type the key into it. It is shown this once.",
    ),
    "code": Text(zh="身份验证器显示的 6 位数字", en="The 6 digits it shows"),
    "confirm": Text(zh="启用", en="Put in force"),
    "recovery": Text(zh="恢复码", en="Recovery codes"),
    "keep": Text(
        zh="手机丢失时代替动态码,每个只能用一次,仅显示这一次。请打印或抄下,锁好保存。",
        en="Each takes the place of a code once, should the phone be lost. They are shown this"
        " once: print them or write them down, and lock them away.",
    ),
    "print": Text(zh="打印", en="Print"),
    "done": Text(zh="已保存,继续", en="Kept, go on"),
    "change": Text(zh="修改口令", en="Change the password"),
    "old": Text(zh="原口令", en="Old password"),
    "new": Text(zh="新口令", en="New password"),
    "again": Text(zh="再次输入新口令", en="New password again"),
    "save": Text(zh="修改", en="Change it"),
    "noscript": Text(zh="此页面需要启用 JavaScript。", en="This page needs JavaScript."),
}
_ADMIN = {
    "title": Text(zh="账号管理", en="Accounts"),
    "brand": Text(zh="城建一张图", en="Infratrack"),
    "map": Text(zh="地图", en="Map"),
    "account": Text(zh="本人账号", en="Your account"),
    "logout": Text(zh="退出", en="Log out"),
    "other": Text(zh="English", en="中文"),
    "add": Text(zh="新建账号", en="New account"),
    "login": Text(zh="登录名", en="Login"),
    "name": Text(zh="姓名", en="Name"),
    "section": Text(zh="股室", en="Section"),
    "townships": Text(zh="乡镇(用逗号分隔)", en="Townships (with commas)"),
    "roles": Text(zh="角色", en="Roles"),
    "officers": Text(
        zh="三员互斥,且不兼任业务角色", en="officers exclude each other and every other role"
    ),
    "create": Text(zh="创建并生成口令", en="Create, and make a password"),
    "people": Text(zh="人员", en="People"),
    "noscript": Text(zh="此页面需要启用 JavaScript。", en="This page needs JavaScript."),
}


_SURVEYS = {
    "title": Text(zh="管网验收", en="Sewer surveys"),
    "brand": Text(zh="城建一张图", en="Infratrack"),
    "map": Text(zh="地图", en="Map"),
    "office": Text(zh="办公", en="Office"),
    "other": Text(zh="English", en="中文"),
    "hand_in": Text(zh="提交点表、线表", en="Hand in a survey book"),
    "file": Text(zh="工作簿(.xlsx .xls .csv .zip)", en="Workbook (.xlsx .xls .csv .zip)"),
    "name": Text(zh="批次名称", en="Name of the batch"),
    "unit": Text(zh="探测单位", en="Survey unit"),
    "claimed": Text(zh="申报长度(公里)", en="Length claimed (km)"),
    "send": Text(zh="提交并检查", en="Hand in and judge"),
    "batches": Text(zh="批次", en="Batches"),
    "noscript": Text(zh="此页面需要启用 JavaScript。", en="This page needs JavaScript."),
}


def survey_document(language: Language) -> str:
    """The page of surveys; batches and findings come by its script."""
    other = Language.EN if language is Language.ZH else Language.ZH
    return _fill(
        "surveys.html",
        language,
        _SURVEYS,
        switch=f"/surveys?lang={other.value}",
        word=language.value,
        leaflet_css=asset_url("leaflet", "leaflet.css"),
        leaflet_js=asset_url("leaflet", "leaflet.js"),
    )


def login_document(
    language: Language,
    *,
    goal: str,
    login: str = "",
    complaint: str | None = None,
    fields: Collection[str] = (),
) -> str:
    """The login page; ``goal`` is the path of ours that follows, ``complaint`` why it is shown.

    ``fields``: which of the rarer fields it has, by name.
    """
    other = Language.EN if language is Language.ZH else Language.ZH
    page = _fill(
        "login.html",
        language,
        _LOGIN,
        action=f"/login?lang={language.value}",
        goal=goal,
        typed=login,
        complaint=complaint[:1].upper() + complaint[1:] if complaint else "",
        quiet="" if complaint else "hidden",
        invalid="true" if complaint else "false",
        switch="/login?" + urlencode({"lang": other.value, "next": goal}, quote_via=quote),
    )
    return _keep_fields(page, fields)


def _keep_fields(page: str, fields: Collection[str]) -> str:
    """Without the parts between ``<!--name-->`` and ``<!--/name-->`` whose name is not asked."""
    for name in ("second_factor", "new_password"):
        before, _, rest = page.partition(f"<!--{name}-->")
        inside, _, after = rest.partition(f"<!--/{name}-->")
        page = before + (inside.strip() if name in fields else "") + after
    return page


def admin_document(language: Language) -> str:
    """The system officer's page; the roles are in it, the people come by its script."""
    other = Language.EN if language is Language.ZH else Language.ZH
    page = _fill("admin.html", language, _ADMIN, switch=f"/admin?lang={other.value}")
    return page.replace("<!--roles-->", "".join(_role_box(r, language) for r in ACCOUNT_ROLES))


def account_document(language: Language, *, goal: str) -> str:
    """The page of one's own account; ``goal`` is where to go on to when all is set up."""
    other = Language.EN if language is Language.ZH else Language.ZH
    switch = "/account?" + urlencode({"lang": other.value, "next": goal}, quote_via=quote)
    return _fill("account.html", language, _ACCOUNT, switch=switch, goal=goal)


def _role_box(role: PersonRole, language: Language) -> str:
    kind = "officer" if role in OFFICERS else "bureau"
    return (
        f'<label class="role"><input type="checkbox" name="roles" value="{role.value}"'
        f' data-kind="{kind}"><span>{escape(role.label.get(language))}</span></label>'
    )


def _fill(name: str, language: Language, words: dict[str, Text], **facts: str) -> str:
    spoken = {f"w_{key}": escape(text.get(language)) for key, text in words.items()}
    return Template((_FOLDER / name).read_text(encoding="utf-8")).substitute(
        spoken,
        lang="en" if language is Language.EN else "zh-CN",
        app=f"{APP_URL}/{static_version()}",
        **{key: escape(value) for key, value in facts.items()},
    )
