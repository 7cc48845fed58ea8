"""Commands about people: who may log in, as what, and with which new password.

They work as the gate role for whoever runs the command, and are in the audit trail under ``os:``
and that name. A password is printed once, to stdout, and kept nowhere.
"""

from __future__ import annotations

import json
import sys
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table
from sqlalchemy import Connection

from api.cli_words import Session, both, find_actor, out
from gis.attributes import Text
from gis.db.connect import Installation
from gis.db.roles import Pool
from gis.people import accounts, second_factor
from gis.people.accounts import Account, NewAccount
from gis.people.passwords import generate_password
from gis.people.person import ACCOUNT_ROLES, Person

_EXAMPLE = "python3 -m gis people "
_ROLES = ", ".join(ACCOUNT_ROLES)
Login = Annotated[str, typer.Argument(help=both("登录名", "Login"))]
FromStdin = Annotated[
    bool,
    typer.Option(
        "--stdin",
        help=both(
            "从标准输入读取口令(默认生成)", "Read the password from stdin (else one is made)"
        ),
    ),
]


def register(app: typer.Typer) -> None:
    """Add the group of commands to the application."""
    group = typer.Typer(no_args_is_help=True, add_completion=False)
    for name, function, zh, en, example in (
        ("add", add, "新建账号,并显示一次口令", "Make an account; shows its password once",
         "add zhang.san --name 张三 --role inspector --section 燃气股"),
        ("list", list_, "列出账号", "List the accounts", "list --json"),
        ("disable", disable, "停用账号:其全部登录立即失效",
         "Disable an account: all its logins end", "disable zhang.san"),
        ("password", password, "重置口令,并显示一次", "Give a new password; shows it once",
         "password zhang.san"),
        ("reset-second-factor", reset_second_factor, "取消二次验证(手机丢失),由本人重新设置",
         "Take the second factor away (a lost phone), to be set up anew",
         "reset-second-factor zhang.san"),
        ("roles", roles, "更改角色", "Change what somebody is",
         "roles zhang.san officer inspector"),
    ):  # fmt: skip
        group.command(name, help=both(zh, en), epilog=_EXAMPLE + example)(function)
    words = both(f"管理账号(角色:{_ROLES})", f"Accounts (roles: {_ROLES})")
    app.add_typer(group, name="people", help=words, epilog=_EXAMPLE + "add li.si --role officer")


def operator() -> Person:
    """Who runs the command, as the audit trail names them."""
    return Person(login=f"os:{find_actor()}", name="", pool=Pool.GATE)


def add(
    context: typer.Context,
    login: Login,
    role: Annotated[list[str], typer.Option("--role", help=both("角色,可多个", "Role; repeat it"))],
    name: Annotated[str | None, typer.Option(help=both("姓名", "Name"))] = None,
    section: Annotated[str | None, typer.Option(help=both("股室", "Section"))] = None,
    township: Annotated[
        list[str] | None,
        typer.Option("--township", help=both("乡镇,可多个", "Township; repeat it")),
    ] = None,
    stdin: FromStdin = False,
) -> None:
    """Make an account."""
    session = _session(context)
    word = _read_password(stdin=stdin)
    new = NewAccount(
        login=accounts.read_login(login),
        name=name or login,
        roles=accounts.read_roles(role),
        password=word,
        townships=tuple(township or ()),
        section=section,
    )
    with session.open() as installation, _gate(installation, "add") as connection:
        accounts.create_account(connection, new, by=operator(), now=datetime.now(UTC))
    _tell_password(session, new.login, None if stdin else word)


def list_(
    context: typer.Context,
    as_json: Annotated[
        bool, typer.Option("--json", help=both("以 JSON 输出", "Write JSON"))
    ] = False,
) -> None:
    """List the accounts."""
    session = _session(context)
    with session.open() as installation, installation.db.read(Pool.GATE) as connection:
        found = accounts.list_accounts(connection)
    if as_json:
        document = [known.as_dict() for known in found]
        session.answer(json.dumps(document, ensure_ascii=False, indent=1))
        return
    words = (("登录名", "Login"), ("姓名", "Name"), ("角色", "Roles"), ("状态", "State"))
    table = Table(box=SIMPLE_HEAD)
    for zh, en in words:
        table.add_column(Text(zh=zh, en=en).get(session.language))
    for known in found:
        table.add_row(*map(escape, _describe(session, known)))
    out.print(table)


def _describe(session: Session, known: Account) -> tuple[str, str, str, str]:
    named = ", ".join(role.label.get(session.language) for role in sorted(known.roles))
    state = Text(zh="停用", en="disabled") if known.disabled_at else Text(zh="正常", en="active")
    return known.login, known.name, named, state.get(session.language)


def disable(
    context: typer.Context,
    login: Login,
    undo: Annotated[bool, typer.Option("--undo", help=both("重新启用", "Let in again"))] = False,
) -> None:
    """Disable an account, or enable it again."""
    session = _session(context)
    with session.open() as installation, _gate(installation, "disable") as connection:
        known = accounts.find_login(connection, login)
        if undo:
            accounts.enable_account(connection, known.id, by=operator())
        else:
            accounts.disable_account(connection, known.id, by=operator(), now=datetime.now(UTC))
    if undo:
        session.note("{login} 已启用", "{login} may log in again", login=known.login)
    else:
        session.note("{login} 已停用", "{login} is disabled", login=known.login)


def password(context: typer.Context, login: Login, stdin: FromStdin = False) -> None:
    """Give an account a new password; all its logins end."""
    session = _session(context)
    word = _read_password(stdin=stdin)
    with session.open() as installation, _gate(installation, "password") as connection:
        known = accounts.find_login(connection, login)
        now = datetime.now(UTC)
        accounts.set_password(connection, known.id, word, by=operator(), now=now)
    _tell_password(session, known.login, None if stdin else word)


def reset_second_factor(context: typer.Context, login: Login) -> None:
    """Take an account's second factor away; all its logins end."""
    session = _session(context)
    with session.open() as installation, _gate(installation, "second factor") as connection:
        known = accounts.find_login(connection, login)
        second_factor.reset(connection, known.id, by=operator(), now=datetime.now(UTC))
    session.note(
        "{login} 的二次验证已取消", "{login} has no second factor any more", login=known.login
    )


def roles(
    context: typer.Context,
    login: Login,
    role: Annotated[list[str], typer.Argument(help=both("角色", "Roles"))],
) -> None:
    """Change an account's roles; all its logins end."""
    session = _session(context)
    with session.open() as installation, _gate(installation, "roles") as connection:
        known = accounts.find_login(connection, login)
        now = datetime.now(UTC)
        accounts.change_account(connection, known.id, by=operator(), now=now, roles=role)
    session.note("{login} 的角色已更改", "{login} has the new roles", login=known.login)


def make_demonstration_accounts(session: Session, installation: Installation) -> None:
    """One account for each role where there is none at all; their passwords are printed once."""
    with _gate(installation, "demonstration") as connection:
        if accounts.list_accounts(connection):
            return
        made = [_make_demonstration_account(connection, role.value) for role in ACCOUNT_ROLES]
    session.note(
        "演示账号(口令仅显示这一次,未保存):", "Accounts to try (passwords are shown this once):"
    )
    for login, word in made:
        session.answer(f"  {login:<24}{word}")


def _make_demonstration_account(connection: Connection, role: str) -> tuple[str, str]:
    login, word = f"demo.{role}", generate_password()
    label = next(known for known in ACCOUNT_ROLES if known.value == role).label
    # Made anew in every installation and known to who reads it here alone: nobody else chose it,
    # and who tries the demonstration as eight people need not invent eight passwords.
    new = NewAccount(
        login=login,
        name=f"演示{label.zh}",
        roles=accounts.read_roles([role]),
        password=word,
        is_one_time=False,
    )
    accounts.create_account(connection, new, by=operator(), now=datetime.now(UTC))
    return login, word


def _gate(installation: Installation, reason: str) -> AbstractContextManager[Connection]:
    return installation.db.write(actor=operator().login, reason=reason, pool=Pool.GATE)


def _read_password(*, stdin: bool) -> str:
    return sys.stdin.readline().rstrip("\r\n") if stdin else generate_password()


def _tell_password(session: Session, login: str, word: str | None) -> None:
    """A generated password on stdout, the only place it ever is."""
    session.note("{login} 可以登录", "{login} may log in", login=login)
    if word is not None:
        session.note(
            "口令(仅显示这一次,首次登录须更改):",
            "The password, shown this once and changed at the first login:",
        )
        session.answer(word)


def _session(context: typer.Context) -> Session:
    session = context.obj
    if not isinstance(session, Session):
        raise TypeError("commands run in a session")
    return session
