"""``python3 -m gis people`` and the demonstration's accounts, run as a person runs them."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import create_engine, text

from api.cli import run
from gis.attributes import Language
from gis.db.cluster import Cluster
from gis.db.handle import PooledDatabase
from gis.db.roles import Pool
from gis.errors import LoginError, NewPasswordError
from gis.people.login import check_credentials
from gis.people.person import ACCOUNT_ROLES
from tests.api.test_cli import Shell, make_folder

PASSWORD = re.compile(r"[a-z2-9]{4}(?:-[a-z2-9]{4}){3}")


@pytest.fixture(scope="module")
def shell() -> Iterator[Shell]:
    """A shell on an installation with the demonstration's county and people."""
    shell = Shell(make_folder())
    said = shell.run("demo", "--no-serve", "--scale", "0.2")
    (shell.folder / "said.txt").write_text(said.stdout, encoding="utf-8")
    yield shell
    Cluster(shell.folder).stop()
    shutil.rmtree(shell.folder)


def may_log_in(shell: Shell, login: str, word: str) -> bool:
    with Cluster(shell.folder) as cluster:
        db = PooledDatabase({Pool.GATE: cluster.url(Pool.GATE.role, "infratrack")})
        try:
            check_credentials(db, login, word, address=None, now=datetime.now(UTC))
        except NewPasswordError:
            return True  # to choose another: what the command gives is for one login
        except LoginError:
            return False
        finally:
            db.close()
    return True


def test_the_demonstration_has_one_account_per_role_and_tells_each_password_once(
    shell: Shell,
) -> None:
    said = (shell.folder / "said.txt").read_text(encoding="utf-8")
    words = dict(line.split() for line in said.splitlines() if "demo." in line)
    assert set(words) == {f"demo.{role.value}" for role in ACCOUNT_ROLES}
    assert len({*words.values()}) == len(words)
    assert all(PASSWORD.fullmatch(word) for word in words.values())
    assert may_log_in(shell, "demo.officer", words["demo.officer"])
    again = shell.run("demo", "--no-serve")
    assert not PASSWORD.search(again.stdout + again.stderr)
    kept = [path for path in shell.folder.rglob("*") if path.is_file() and path.name != "said.txt"]
    assert len(kept) > 100
    for word in words.values():
        assert not [path for path in kept if word.encode() in path.read_bytes()]


def test_an_account_is_made_listed_changed_and_disabled(shell: Shell) -> None:
    made = shell.run("people", "add", "Zhang.San", "--name", "张三", "--role", "inspector")
    word = made.stdout.strip()
    assert PASSWORD.fullmatch(word)
    assert word not in made.stderr
    assert may_log_in(shell, "zhang.san", word)
    listed = {a["login"]: a for a in json.loads(shell.run("people", "list", "--json").stdout)}
    assert listed["zhang.san"]["name"] == "张三"
    assert listed["zhang.san"]["roles"] == ["inspector"]
    assert "张三" in shell.run("people", "list").stdout
    shell.run("people", "roles", "zhang.san", "officer", "inspector")
    listed = {a["login"]: a for a in json.loads(shell.run("people", "list", "--json").stdout)}
    assert listed["zhang.san"]["roles"] == ["inspector", "officer"]
    fresh = shell.run("people", "password", "zhang.san").stdout.strip()
    assert [may_log_in(shell, "zhang.san", w) for w in (word, fresh)] == [False, True]
    shell.run("people", "disable", "zhang.san")
    assert not may_log_in(shell, "zhang.san", fresh)
    shell.run("people", "disable", "zhang.san", "--undo")
    assert may_log_in(shell, "zhang.san", fresh)
    with Cluster(shell.folder) as cluster:
        gate = create_engine(cluster.url(Pool.GATE.role, "infratrack"))
        with gate.connect() as connection:
            who = connection.execute(
                text("SELECT DISTINCT login FROM core.audit_event WHERE subject LIKE '%zhang.san'")
            ).scalars()
            assert all(login.startswith("os:") for login in who)
        gate.dispose()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "x.y", "--role", "system_officer", "--role", "officer"), "exclude each other"),
        (("add", "x.y", "--role", "emperor"), "the roles are"),
        (("add", "x y", "--role", "viewer"), "a login is"),
        (("add", "demo.viewer", "--role", "viewer"), "is taken"),
        (("disable", "nobody"), "no such account"),
        (("roles", "demo.viewer", "duty_holder"), "the roles are"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(
    words: tuple[str, ...], said: str, shell: Shell
) -> None:
    done = shell.run("people", *words, code=1)
    assert said in done.stderr
    assert not PASSWORD.search(done.stdout)


@pytest.mark.parametrize("language", [*Language])
def test_every_command_about_people_has_help_with_an_example(
    language: Language, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIS_LANGUAGE", language.value)
    other = {"zh": "Example", "en": "示例"}[language.value]
    for command in ("add", "list", "disable", "password", "roles"):
        assert run(["people", command, "--help"]) == 0
        shown = capsys.readouterr().out
        assert f"python3 -m gis people {command}" in shown
        assert {"zh": "示例", "en": "Example"}[language.value] in shown
        assert other not in shown
        assert "\x1e" not in shown
