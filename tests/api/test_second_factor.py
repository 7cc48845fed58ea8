"""The second factor over HTTP: who must, what waits for it, the form, phones, and its reset."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from api.endpoints import ROUTES
from gis.db.cluster import Cluster
from gis.db.roles import Pool
from tests.api.crowd import WORD, Crowd, gather
from tests.api.test_matrix import fill, send
from tests.conftest import CloneDatabase
from tests.totp import show_code

PROBLEM = "urn:infratrack:problem:"
OFFICERS = ("system_officer", "security_officer", "audit_officer")


@pytest.fixture(scope="module")
def guarded(
    cluster: Cluster, clone_database: CloneDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Crowd]:
    """A bureau as it is installed: the three officers need a second factor."""
    name = clone_database()
    urls = {pool: cluster.url(pool.role, name) for pool in Pool}
    with gather(urls, tmp_path_factory.mktemp("guarded"), second_factor="officers") as crowd:
        yield crowd


def code_of(crowd: Crowd, secret: str) -> str:
    """The code of a moment nobody has used yet."""
    crowd.clock.ahead += timedelta(seconds=30)
    return show_code(secret, crowd.clock())


def set_up(crowd: Crowd, browser: httpx.Client) -> tuple[str, list[str]]:
    """Give the browser's person a second factor: its secret and its recovery codes."""
    begun = browser.post("/me/second-factor", json={"password": WORD})
    assert begun.status_code == 201, begun.text
    secret: str = begun.json()["secret"]
    done = browser.post("/me/second-factor/confirm", json={"code": code_of(crowd, secret)})
    assert done.status_code == 200, done.text
    return secret, done.json()["recovery_codes"]


def ask_phone(crowd: Crowd, login: str, **more: str) -> httpx.Response:
    body = {"device_id": str(uuid4()), "device_name": "x"}
    if "code" not in more:
        body |= {"login": login, "password": WORD}
    return crowd.visitor().post("/devices", json=body | more)


@pytest.mark.parametrize("who", OFFICERS)
def test_an_officer_without_it_may_set_it_up_and_do_nothing_else(who: str, guarded: Crowd) -> None:
    login = f"bare.{who}"
    guarded.make(login, who)
    browser = guarded.log_in(login)
    assert browser.get("/me").json()["person"]["is_provisional"] is True
    for row in ROUTES:
        for method in row.methods:
            if row.path in ("/logout", "/login", "/devices"):
                continue
            answer = send(browser, method, fill(row.path))
            if row.action in ("open", "read", "own_login"):
                assert answer.status_code not in (401, 403) or row.action == "own_login"
            else:
                assert answer.status_code == 403, (method, row.path)
                if method != "HEAD":
                    document = answer.json()
                    assert document["type"] == PROBLEM + "second-factor-setup-needed"
                    assert document["at"] == "/account"
    page = browser.get("/admin", headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["location"].split("?")[0]) == (303, "/account")
    assert browser.get("/account").status_code == 200


def test_who_must_have_it_is_led_to_the_page_and_is_let_on_once_it_is_there(
    guarded: Crowd,
) -> None:
    guarded.make("fresh.officer", "system_officer")
    browser = guarded.visitor(**{"X-Infratrack": "1", "Origin": guarded.base})
    form = {"login": "fresh.officer", "password": WORD, "next": "/admin"}
    answer = browser.post("/login?lang=en", data=form)
    assert answer.headers["location"] == "/account?next=%2Fadmin&lang=en"
    page = browser.get(answer.headers["location"])
    assert 'data-goal="/admin"' in page.text
    assert browser.get("/accounts").status_code == 403
    set_up(guarded, browser)
    assert browser.get("/accounts").status_code == 200
    assert browser.get("/me").json()["person"]["is_provisional"] is False


def test_everybody_else_is_let_in_by_the_password_and_may_have_it(guarded: Crowd) -> None:
    guarded.make("careful", "officer")
    browser = guarded.log_in("careful")
    assert browser.get("/me/second-factor").json() == {
        "confirmed_at": None, "recovery_codes": 0, "is_required": False,
    }  # fmt: skip
    assert browser.get("/hazards").status_code == 200
    secret, codes = set_up(guarded, browser)
    known = browser.get("/me/second-factor").json()
    assert (known["confirmed_at"] is None, known["recovery_codes"]) == (False, 10)
    assert secret not in browser.get("/me/second-factor").text
    visitor = guarded.visitor(Origin=guarded.base)
    form = {"login": "careful", "password": WORD, "next": "/api"}
    for language, words in (("en", "authenticator"), ("zh", "身份验证器")):
        asked = visitor.post(f"/login?lang={language}", data=form)
        assert asked.status_code == 401
        assert words in asked.text
        assert 'name="second_factor"' in asked.text
        assert "set-cookie" not in asked.headers
    wrong = visitor.post("/login?lang=en", data=form | {"second_factor": "000000"})
    assert wrong.status_code == 401
    assert "was used" in wrong.text
    code = code_of(guarded, secret)
    let_in = visitor.post("/login", data=form | {"second_factor": code})
    assert (let_in.status_code, let_in.headers["location"]) == (303, "/api")
    again = guarded.visitor(Origin=guarded.base).post("/login", data=form | {"second_factor": code})
    assert again.status_code == 401
    # This browser is asked for the code at once from now on; another one is not.
    assert 'name="second_factor"' in visitor.get("/login").text
    assert 'name="second_factor"' not in guarded.visitor().get("/login").text
    by_recovery = guarded.visitor(Origin=guarded.base).post(
        "/login", data=form | {"second_factor": codes[3]}
    )
    assert by_recovery.status_code == 303


def test_a_phone_is_let_in_only_with_the_code_by_password_and_by_enrolment(
    guarded: Crowd,
) -> None:
    guarded.make("walker.two", "inspector")
    secret, _ = set_up(guarded, guarded.log_in("walker.two"))
    asked = ask_phone(guarded, "walker.two")
    assert asked.status_code == 401
    document = asked.json()
    assert document["type"] == PROBLEM + "second-factor-needed"
    assert document["needs"] == ["second_factor"]
    assert ask_phone(guarded, "walker.two", second_factor="000000").status_code == 401
    made = ask_phone(guarded, "walker.two", second_factor=code_of(guarded, secret))
    assert made.status_code == 201
    office = guarded.log_in("officer")
    body = {"account_id": str(guarded.ids["walker.two"])}
    enrolment = office.post("/enrolments", json=body).json()["code"]
    lacking = ask_phone(guarded, "walker.two", code=enrolment)
    assert (lacking.status_code, lacking.json()["needs"]) == (401, ["second_factor"])
    wrong = ask_phone(guarded, "walker.two", code=enrolment, second_factor="000000")
    assert wrong.status_code == 401
    # Neither has used the enrolment code up.
    fresh = code_of(guarded, secret)
    let_in = ask_phone(guarded, "walker.two", code=enrolment, second_factor=fresh)
    assert let_in.status_code == 201


def test_guessing_the_code_with_an_enrolment_code_is_slowed_down(guarded: Crowd) -> None:
    guarded.make("walker.three", "inspector")
    set_up(guarded, guarded.log_in("walker.three"))
    body = {"account_id": str(guarded.ids["walker.three"])}
    enrolment = guarded.log_in("officer").post("/enrolments", json=body).json()["code"]
    answers = [
        ask_phone(guarded, "walker.three", code=enrolment, second_factor=f"00000{n}").status_code
        for n in range(7)
    ]
    assert answers == [401] * 5 + [429] * 2
    guarded.clock.ahead += timedelta(minutes=20)  # the address, too, is free again


def test_beginning_takes_the_password_and_replacing_takes_a_code(guarded: Crowd) -> None:
    guarded.make("replacing", "planner")
    browser = guarded.log_in("replacing")
    path = "/me/second-factor"
    assert browser.post(path, json={"password": "wrong words"}).status_code == 401
    assert browser.post(f"{path}/confirm", json={"code": "000000"}).status_code == 409
    secret, _ = set_up(guarded, browser)
    assert browser.post(path, json={"password": WORD}).status_code == 401
    code = code_of(guarded, secret)
    begun = browser.post(path, json={"password": WORD, "second_factor": code})
    assert begun.status_code == 201
    document = begun.json()
    assert document["address"].startswith("otpauth://totp/Infratrack:replacing?secret=")
    assert document["svg"].startswith("<svg")
    assert begun.headers["cache-control"] == "no-store"
    wrong = browser.post(f"{path}/confirm", json={"code": "000000"})
    assert (wrong.status_code, wrong.json()["type"]) == (401, PROBLEM + "second-factor-needed")


def test_ones_own_password_is_changed_without_a_second_code(guarded: Crowd) -> None:
    guarded.make("changing.two", "planner")
    browser = guarded.log_in("changing.two")
    set_up(guarded, browser)
    body = {"old": WORD, "new": "x1y2z3 long"}
    assert browser.post("/me/password", json=body).status_code == 204


def test_the_system_officer_takes_it_away_and_it_is_set_up_anew(guarded: Crowd) -> None:
    guarded.make("loser", "audit_officer")
    loser = guarded.log_in("loser")
    set_up(guarded, loser)
    guarded.make("helper", "system_officer")
    helper = guarded.log_in("helper")
    set_up(guarded, helper)
    path = f"/accounts/{guarded.ids['loser']}"
    listed = {one["login"]: one for one in helper.get("/accounts").json()["accounts"]}
    assert listed["loser"]["has_second_factor"] is True
    assert listed["officer"]["has_second_factor"] is False
    assert helper.patch(path, json={"reset_second_factor": True}).status_code == 200
    assert loser.get("/me").json() == {"person": None}
    back = guarded.log_in("loser")
    assert back.get("/audit").status_code == 403
    set_up(guarded, back)
    assert back.get("/audit").status_code == 200
    own = f"/accounts/{guarded.ids['helper']}"
    assert helper.patch(own, json={"reset_second_factor": True}).status_code == 409


def test_where_all_need_it_no_phone_and_no_app_password_comes_before(
    cluster: Cluster, clone_database: CloneDatabase, tmp_path_factory: pytest.TempPathFactory
) -> None:
    name = clone_database()
    urls = {pool: cluster.url(pool.role, name) for pool in Pool}
    folder = tmp_path_factory.mktemp("all")
    with gather(urls, folder, county=False, second_factor="all") as crowd:
        refused = ask_phone(crowd, "inspector")
        assert refused.status_code == 403
        assert refused.json()["type"] == PROBLEM + "second-factor-setup-needed"
        browser = crowd.log_in("inspector")
        assert browser.post("/app-passwords", json={"label": "x"}).status_code == 403
        assert browser.get("/collections/sewer_pipe").status_code == 404  # as nobody known
        assert browser.get("/hazards").status_code == 403
        secret, _ = set_up(crowd, browser)
        assert browser.get("/collections/sewer_pipe").status_code == 200
        assert browser.post("/app-passwords", json={"label": "x"}).status_code == 201
        let_in = ask_phone(crowd, "inspector", second_factor=code_of(crowd, secret))
        assert let_in.status_code == 201
