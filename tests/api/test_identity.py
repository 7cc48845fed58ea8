"""Logging in and staying in: cookies, tokens, Basic, other sites' pages, and the trail of it."""

from __future__ import annotations

import base64
import json
import logging
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from api.app import create_app
from gis.db.cluster import Cluster
from gis.db.roles import Pool
from gis.settings import Settings
from tests.api.conftest import Served, run_server
from tests.api.county import HAZARDS
from tests.api.crowd import WORD, Crowd

COOKIE = "infratrack_session"


def me(client: httpx.Client) -> str | None:
    person = client.get("/me").json()["person"]
    return person["login"] if person else None


def basic(login: str, secret: str) -> dict[str, str]:
    word = base64.b64encode(f"{login}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {word}"}


# who nobody knows


def test_nobody_reads_as_the_public_from_elsewhere_whatever_the_setting(
    cluster: Cluster, served: Served, tmp_path: Path
) -> None:
    settings = Settings(reader="staff", host="0.0.0.0", state_folder=tmp_path)
    app = create_app(served.urls, settings)
    with run_server(app) as base, httpx.Client(base_url=base) as client:
        assert client.get("/collections/sewer_pipe").status_code == 404
        assert client.get("/collections/road").status_code == 200
        assert client.get("/metrics").status_code == 401


def test_nobody_reads_as_the_setting_says_on_the_machine_itself(served: Served) -> None:
    assert served.client.get("/collections/sewer_pipe").status_code == 200
    assert served.client.get("/metrics").status_code == 200


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via"])
def test_who_comes_through_a_proxy_is_not_on_the_machine_itself(
    header: str, served: Served
) -> None:
    answer = served.client.get("/collections/sewer_pipe", headers={header: "203.0.113.5"})
    assert answer.status_code == 404


# the form


def test_the_page_works_without_scripts_and_fetches_nothing_foreign(crowd: Crowd) -> None:
    for language, title in (("zh", "登录"), ("en", "Log in")):
        answer = crowd.visitor().get("/login", params={"lang": language})
        assert answer.status_code == 200
        assert title in answer.text
        assert "<script" not in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["referrer-policy"] == "same-origin"
        for address in re.findall(r'(?:href|src|action)="([^"]+)"', answer.text):
            assert address.startswith("/"), address
        style = re.search(r'href="(/static/app/[^"]+people.css)"', answer.text)
        assert style
        assert crowd.visitor().get(style[1]).status_code == 200


def test_a_login_gives_a_session_the_page_s_script_cannot_read(crowd: Crowd) -> None:
    browser = crowd.visitor(Origin=crowd.base)
    answer = browser.post(
        "/login", data={"login": " Officer", "password": WORD, "next": "/maps/hazards?lang=en"}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/maps/hazards?lang=en")
    assert answer.headers["cache-control"] == "no-store"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=its_")
    for word in ("HttpOnly", "Path=/", "SameSite=lax", "Max-Age=43200"):
        assert word in cookie
    assert "Domain" not in cookie
    assert me(browser) == "officer"


def test_over_https_the_cookie_is_bound_to_host_and_transport(crowd: Crowd) -> None:
    # uvicorn believes a proxy on this machine about the scheme, as it does in service.
    headers = {"X-Forwarded-Proto": "https", "Origin": crowd.base.replace("http:", "https:")}
    browser = crowd.visitor(**headers)
    answer = browser.post("/login", data={"login": "officer", "password": WORD})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-infratrack_session=its_")
    assert "Secure" in cookie
    assert "Domain" not in cookie
    plain = {**headers, "Origin": crowd.base}
    downgraded = crowd.visitor(**plain).post("/login", data={"login": "officer", "password": WORD})
    assert downgraded.status_code == 403


@pytest.mark.parametrize(
    "goal",
    ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "\\\\x",
     "/a\r\nSet-Cookie: x=1", "x" * 2000, "/" + "x" * 2000, "///evil"],
)  # fmt: skip
def test_a_login_leads_to_no_other_site(goal: str, crowd: Crowd) -> None:
    body = {"login": "viewer", "password": WORD, "next": goal}
    answer = crowd.visitor(Origin=crowd.base).post("/login", data=body)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/maps/progress"
    assert "x=1" not in str(answer.headers)
    page = crowd.visitor().get("/login", params={"next": goal})
    assert "evil" not in page.text.replace("/login?", "").split("<form")[1].split("</form>")[0]


def test_a_wrong_password_is_told_in_the_page_and_typed_again(crowd: Crowd) -> None:
    crowd.make("typo", "viewer")
    hostile = "<script>alert(1)</script>"
    for login in ("typo", hostile):
        answer = crowd.visitor(Origin=crowd.base).post(
            "/login?lang=en", data={"login": login, "password": "wrong words"}
        )
        assert answer.status_code == 401
        assert "Wrong login or password" in answer.text
        assert "wrong words" not in answer.text
        assert hostile not in answer.text
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("content", "media"),
    [
        (b"login=officer&password=x", "application/json"),
        (b"login=" + b"x" * 5000, "application/x-www-form-urlencoded"),
        (b"login=%ff%fe", "application/x-www-form-urlencoded"),
        (b"login=%00", "application/x-www-form-urlencoded"),
        (b"&".join(b"a%d=1" % n for n in range(20)), "application/x-www-form-urlencoded"),
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
        (b"--x\r\n", "multipart/form-data; boundary=x"),
    ],
)
def test_what_is_no_form_of_ours_is_a_400(content: bytes, media: str, crowd: Crowd) -> None:
    headers = {"content-type": media}
    assert crowd.visitor().post("/login", content=content, headers=headers).status_code == 400


# the session


def test_a_session_planted_before_the_login_opens_nothing_after_it(crowd: Crowd) -> None:
    planted = "its_" + "A" * 43
    victim = crowd.visitor(Origin=crowd.base, Cookie=f"{COOKIE}={planted}")
    answer = victim.post("/login", data={"login": "viewer", "password": WORD})
    assert answer.status_code == 303
    assert planted not in answer.headers["set-cookie"]
    thief = crowd.visitor(Cookie=f"{COOKIE}={planted}")
    assert me(thief) is None


def test_each_login_makes_a_new_session_and_ends_the_old(crowd: Crowd) -> None:
    browser = crowd.log_in("viewer")
    first = browser.cookies[COOKIE]
    browser.post("/login", data={"login": "viewer", "password": WORD})
    second = browser.cookies[COOKIE]
    assert first != second
    thief = crowd.visitor()
    thief.cookies.set(COOKIE, first)
    assert me(thief) is None
    assert me(browser) == "viewer"


def test_who_logs_out_is_out_everywhere_the_session_was(crowd: Crowd) -> None:
    browser = crowd.log_in("viewer")
    copy = crowd.visitor()
    copy.cookies.set(COOKIE, browser.cookies[COOKIE])
    assert me(copy) == "viewer"
    answer = browser.post("/logout")
    assert answer.status_code == 204
    assert f'{COOKIE}=""' in answer.headers["set-cookie"]
    assert me(copy) is None
    assert browser.post("/logout").status_code == 401


def test_a_session_ends_idle_and_the_reader_is_nobody_again(own_crowd: Crowd) -> None:
    browser = own_crowd.log_in("officer")
    assert browser.get("/collections/sewer_pipe").status_code == 200
    own_crowd.clock.ahead = timedelta(minutes=31)
    assert browser.get("/collections/sewer_pipe").status_code == 404
    assert browser.get("/me").json() == {"person": None}
    assert browser.post("/app-passwords", json={"label": "x"}).status_code == 401
    page = browser.get("/admin", headers={"Accept": "text/html"})
    assert page.status_code == 303
    assert page.headers["location"].startswith("/login?next=%2Fadmin")


def test_who_is_dismissed_is_out_with_the_next_request(crowd: Crowd) -> None:
    identifier = crowd.make("leaving", "officer")
    browser = crowd.log_in("leaving")
    phone = {"Authorization": f"Bearer {crowd.phone('leaving')}"}
    script = basic("leaving", crowd.app_password("leaving"))
    visitor = crowd.visitor()
    for headers in (phone, script):
        assert visitor.get("/collections/sewer_pipe", headers=headers).status_code == 200
    officer = crowd.log_in("system_officer")
    answer = officer.patch(f"/accounts/{identifier}", json={"disabled": True})
    assert answer.status_code == 200
    assert answer.json()["disabled_at"]
    assert browser.get("/collections/sewer_pipe").status_code == 404
    for headers in (phone, script):
        assert visitor.get("/collections/sewer_pipe", headers=headers).status_code == 401
    login = crowd.visitor().post("/login", data={"login": "leaving", "password": WORD})
    assert login.status_code == 401


def test_a_session_out_of_its_cookie_opens_nothing(crowd: Crowd) -> None:
    secret = crowd.log_in("officer").cookies[COOKIE]
    for headers in ({"Authorization": f"Bearer {secret}"}, basic("officer", secret)):
        assert crowd.visitor().get("/me", headers=headers).status_code == 401


def test_a_token_in_a_cookie_opens_nothing(crowd: Crowd) -> None:
    for secret in (crowd.phone("officer"), crowd.app_password("officer")):
        thief = crowd.visitor()
        thief.cookies.set(COOKIE, secret)
        assert me(thief) is None


# tokens and Basic


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer x", "Bearer itd_" + "A" * 43, "Bearer " + "x" * 9000, "Basic", "Basic %%%",
     "Basic " + "A" * 44, "Digest x", "Bearer itd_" + "é" * 43],
)  # fmt: skip
def test_a_credential_that_is_no_good_is_refused_and_not_overlooked(
    header: str, crowd: Crowd
) -> None:
    answer = crowd.visitor().get(
        "/collections/road", headers={"Authorization": header.encode("latin-1")}
    )
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"


def test_the_own_password_is_no_password_for_basic(crowd: Crowd) -> None:
    assert crowd.visitor().get("/me", headers=basic("officer", WORD)).status_code == 401


def test_an_app_password_is_of_one_person(crowd: Crowd) -> None:
    secret = crowd.app_password("officer")
    visitor = crowd.visitor()
    assert visitor.get("/me", headers=basic("Officer", secret)).status_code == 200
    assert visitor.get("/me", headers=basic("leader", secret)).status_code == 401
    assert visitor.get("/me", headers={"Authorization": f"Bearer {secret}"}).status_code == 200


def test_a_program_is_asked_for_basic_and_a_browser_is_not(crowd: Crowd) -> None:
    def challenge(**headers: str) -> str:
        answer = crowd.visitor().get("/devices", headers=headers)
        assert answer.status_code == 401
        return answer.headers["www-authenticate"].split()[0]

    assert challenge() == "Basic"
    assert challenge(Accept="*/*", **{"User-Agent": "QGIS"}) == "Basic"
    for browser in (
        {"Sec-Fetch-Mode": "cors"}, {"Cookie": "a=b"}, {"X-Infratrack": "1"},
        {"Origin": crowd.base},
    ):  # fmt: skip
        assert challenge(**browser) == "Bearer"


def test_a_phone_is_let_in_by_password_or_by_a_code_that_works_once(crowd: Crowd) -> None:
    crowd.make("walker", "inspector")
    officer = crowd.log_in("officer")
    made = officer.post("/enrolments", json={"account_id": str(crowd.ids["walker"])})
    assert made.status_code == 201
    document = made.json()
    assert document["svg"].startswith("<svg")
    assert "xmlns" in document["svg"]
    assert document["address"] == f"{crowd.base}/field#enrol={document['code']}"
    body = {"device_id": str(uuid4()), "device_name": "手机", "code": document["code"]}
    visitor = crowd.visitor()
    first = visitor.post("/devices", json=body)
    assert first.status_code == 201
    assert first.json()["person"]["login"] == "walker"
    assert first.json()["token"].startswith("itd_")
    again = visitor.post("/devices", json=body | {"device_id": str(uuid4())})
    assert again.status_code == 401
    headers = {"Authorization": f"Bearer {first.json()['token']}"}
    person = visitor.get("/me", headers=headers).json()["person"]
    assert (person["login"], person["credential"]) == ("walker", "device")


def test_a_code_may_be_asked_at_once_by_many_and_lets_in_one(crowd: Crowd) -> None:
    crowd.make("racer", "inspector")
    officer = crowd.log_in("officer")
    made = officer.post("/enrolments", json={"account_id": str(crowd.ids["racer"])}).json()

    def enrol(_: int) -> int:
        body = {"device_id": str(uuid4()), "device_name": "x", "code": made["code"]}
        return httpx.post(f"{crowd.base}/devices", json=body, timeout=30).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(enrol, range(8))) == [201, *[401] * 7]


@pytest.mark.parametrize("role", ["viewer", "planner", "audit_officer", "system_officer"])
def test_who_has_no_work_in_the_field_enrols_no_phone(role: str, crowd: Crowd) -> None:
    body = {"login": role, "password": WORD, "device_id": str(uuid4()), "device_name": "x"}
    assert crowd.visitor().post("/devices", json=body).status_code == 403
    officer = crowd.log_in("officer")
    asked = officer.post("/enrolments", json={"account_id": str(crowd.ids[role])})
    assert asked.status_code == 400


@pytest.mark.parametrize(
    "body",
    [{}, [], None, {"device_id": "x", "device_name": "x", "code": "x"},
     {"device_id": str(uuid4()), "device_name": "", "code": "x"},
     {"device_id": str(uuid4()), "device_name": "x"},
     {"device_id": str(uuid4()), "device_name": "x", "login": "officer"},
     {"device_id": str(uuid4()), "device_name": "x", "code": "x", "roles": ["leader"]},
     {"device_id": str(uuid4()), "device_name": "x" * 101, "code": "x"}],
)  # fmt: skip
def test_a_wrong_enrolment_is_a_400_that_repeats_nothing(body: object, crowd: Crowd) -> None:
    headers = {"content-type": "application/json"}
    answer = crowd.visitor().post("/devices", content=json.dumps(body), headers=headers)
    assert answer.status_code == 400, answer.text
    assert "leader" not in answer.text


def test_a_link_opens_one_hazard_and_what_all_see(crowd: Crowd) -> None:
    officer = crowd.log_in("officer")
    features = officer.get("/collections/hazard/items").json()["features"]
    assert len(features) == HAZARDS
    hazard = features[0]["id"]
    assert officer.post("/links", json={"hazard_id": str(uuid4())}).status_code == 404
    made = officer.post("/links", json={"hazard_id": hazard, "label": "老街餐馆", "days": 7})
    assert made.status_code == 201
    assert made.json()["token"].startswith("itl_")
    headers = {"Authorization": f"Bearer {made.json()['token']}"}
    holder = crowd.visitor(**headers)
    person = holder.get("/me").json()["person"]
    assert (person["roles"], person["credential"]) == (["duty_holder"], "link")
    assert holder.get("/collections/hazard/items").status_code == 404
    assert holder.get("/devices").status_code == 403
    assert officer.delete(f"/links/{made.json()['id']}").status_code == 204
    assert holder.get("/me").status_code == 401
    assert officer.delete(f"/links/{made.json()['id']}").status_code == 404


# other sites' pages

SITES = {
    "our page": ({"Origin": "OWN"}, True),
    "our page, as fetch says": ({"Sec-Fetch-Site": "same-origin"}, True),
    "another site": ({"Origin": "https://evil.example"}, False),
    "another port": ({"Origin": "http://127.0.0.1:1"}, False),
    "a hidden origin": ({"Origin": "null"}, False),
    "cross-site": ({"Sec-Fetch-Site": "cross-site"}, False),
    "same site, other host": ({"Sec-Fetch-Site": "same-site"}, False),
    "typed by hand": ({"Sec-Fetch-Site": "none"}, False),
    "says nothing": ({}, False),
}
UNSAFE = {
    "POST": "/app-passwords", "PATCH": f"/accounts/{uuid4()}", "DELETE": f"/devices/{uuid4()}",
    "PUT": "/nothing",
}  # fmt: skip


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
@pytest.mark.parametrize("has_header", [True, False])
def test_with_a_cookie_only_our_own_page_may_change_something(
    site: str, method: str, has_header: bool, crowd: Crowd
) -> None:
    role = "system_officer" if method == "PATCH" else "officer"
    browser = crowd.visitor()
    browser.cookies.set(COOKIE, _session_of(crowd, role))
    headers, ours = SITES[site]
    sent = {name: value.replace("OWN", crowd.base) for name, value in headers.items()}
    if has_header:
        sent["X-Infratrack"] = "1"
    body = {"label": "x"} if method == "POST" else {}
    answer = browser.request(method, UNSAFE[method], json=body, headers=sent)
    assert (answer.status_code != 403) == (ours and has_header), answer.text


_sessions: dict[tuple[str, str], str] = {}


def _session_of(crowd: Crowd, role: str) -> str:
    """One session for all of the matrix."""
    key = (crowd.base, role)
    if key not in _sessions:
        _sessions[key] = crowd.log_in(role).cookies[COOKIE]
    return _sessions[key]


@pytest.mark.parametrize("site", SITES)
def test_the_login_form_is_taken_from_our_own_page(site: str, crowd: Crowd) -> None:
    headers, ours = SITES[site]
    sent = {name: value.replace("OWN", crowd.base) for name, value in headers.items()}
    body = {"login": "viewer", "password": WORD}
    answer = crowd.visitor(**sent).post("/login", data=body)
    # Who says nothing is no browser: there is no session of theirs to be taken over.
    assert (answer.status_code == 303) == (ours or site == "says nothing")
    with_cookie = crowd.visitor(**sent, Cookie="a=b").post("/login", data=body)
    assert (with_cookie.status_code == 303) == ours


def test_a_bearer_needs_no_header_of_ours(crowd: Crowd) -> None:
    phone = crowd.visitor(
        Authorization=f"Bearer {crowd.phone('officer')}", Origin="https://evil.example"
    )
    phone.cookies.set(COOKIE, _session_of(crowd, "system_officer"))
    # The token decides, not the cookie beside it: a phone may not make accounts.
    assert phone.post("/accounts", json={}).status_code == 403
    assert me(phone) == "officer"


# accounts by the system officer


def test_an_account_is_made_changed_and_given_a_new_password(crowd: Crowd) -> None:
    officer = crowd.log_in("system_officer")
    body = {"login": "New.One", "name": "新人", "roles": ["inspector"], "section": "燃气股"}
    made = officer.post("/accounts", json=body)
    assert made.status_code == 201
    word = made.json()["password"]
    assert crowd.first_log_in("new.one", word).status_code == 303
    assert officer.post("/accounts", json=body).status_code == 409
    path = f"/accounts/{made.json()['id']}"
    changed = officer.patch(path, json={"roles": ["planner", "viewer"], "name": "老人"}).json()
    assert (changed["roles"], changed["name"], changed["section"]) == (
        ["planner", "viewer"], "老人", "燃气股",
    )  # fmt: skip
    assert "password" not in changed
    assert officer.patch(path, json={"roles": ["planner", "audit_officer"]}).status_code == 400
    assert officer.patch(path, json={"roles": ["duty_holder"]}).status_code == 400
    fresh = officer.patch(path, json={"reset_password": True}).json()["password"]
    assert fresh != word
    old = crowd.visitor().post("/login", data={"login": "new.one", "password": word})
    assert old.status_code == 401
    assert crowd.first_log_in("new.one", fresh).status_code == 303
    listed = officer.get("/accounts")
    assert "new.one" in {known["login"] for known in listed.json()["accounts"]}
    assert "argon2" not in listed.text
    assert word not in listed.text


def test_the_system_officer_is_not_their_own_officer(crowd: Crowd) -> None:
    officer = crowd.log_in("system_officer")
    own = f"/accounts/{crowd.ids['system_officer']}"
    for body in ({"roles": ["officer"]}, {"disabled": True}):
        assert officer.patch(own, json=body).status_code == 409
    assert me(officer) == "system_officer"


def test_ones_own_password_is_changed_by_who_knows_it(crowd: Crowd) -> None:
    crowd.make("changing", "viewer")
    browser, other = crowd.log_in("changing"), crowd.log_in("changing")
    path = "/me/password"
    assert browser.post(path, json={"old": "wrong words", "new": "x1y2z3 long"}).status_code == 401
    assert browser.post(path, json={"old": WORD, "new": "short"}).status_code == 400
    assert browser.post(path, json={"old": WORD, "new": "x1y2z3 long"}).status_code == 204
    assert me(browser) == "changing"
    assert me(other) is None
    assert crowd.log_in("changing", "x1y2z3 long")


# throttling


def test_the_throttle_says_how_long_and_ends(own_crowd: Crowd) -> None:
    visitor = own_crowd.visitor()

    def guess(word: str) -> httpx.Response:
        return visitor.post("/login", data={"login": "officer", "password": word})

    assert [guess("wrong words").status_code for _ in range(5)] == [401] * 5
    refused = guess(WORD)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 61
    body = {"login": "officer", "password": WORD, "device_id": str(uuid4()), "device_name": "x"}
    phone = visitor.post("/devices", json=body)
    assert phone.status_code == 429
    assert phone.json()["type"] == "urn:infratrack:problem:too-many-attempts"
    assert own_crowd.log_in("leader")  # nobody else is held up
    own_crowd.clock.ahead = timedelta(seconds=62)
    assert guess(WORD).status_code == 303


def test_guesses_at_once_do_not_slip_through_together(own_crowd: Crowd) -> None:
    def guess(number: int) -> int:
        body = {"login": "officer", "password": f"wrong words {number}"}
        return httpx.post(f"{own_crowd.base}/login", data=body, timeout=60).status_code

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(guess, range(20)))
    assert answers.count(401) <= 6  # two are looked at at once, so one may follow the fifth
    assert answers.count(401) + answers.count(429) == 20


def test_fifty_logins_at_once_are_all_let_in_and_reads_go_on(own_crowd: Crowd) -> None:
    def log_in(_: int) -> int:
        body = {"login": "officer", "password": WORD}
        return httpx.post(f"{own_crowd.base}/login", data=body, timeout=120).status_code

    with ThreadPoolExecutor(50) as pool:
        waiting = [pool.submit(log_in, n) for n in range(50)]
        reads = []
        while not all(one.done() for one in waiting):
            answer = httpx.get(f"{own_crowd.base}/health", timeout=30)
            reads.append(answer.elapsed.total_seconds())
            assert answer.status_code == 200
        assert [one.result() for one in waiting] == [303] * 50
    assert len(reads) > 5
    assert sorted(reads)[len(reads) // 2] < 1.0


# the trail


def test_reads_of_restricted_attributes_are_in_the_trail(crowd: Crowd) -> None:
    crowd.make("reader", "officer")
    browser = crowd.log_in("reader")
    browser.get("/collections/gas_site/items?limit=1")
    browser.get("/collections/gas_site/items?limit=2")
    browser.get("/collections/road/items?limit=1")
    for column in range(6):
        browser.get(f"/collections/sewer_pipe/tiles/WebMercatorQuad/3/3/{column}")
    lines = crowd.trail(login="reader", action="read")
    assert [line[2] for line in lines] == ["kind:gas_site"] * 2
    tiles = crowd.trail(login="reader", action="read_tiles")
    assert {line[2] for line in tiles} == {"kind:sewer_pipe"}
    assert 1 <= len(tiles) <= 2  # once a minute, and a minute may end in between
    for _ in range(3):
        browser.get("/today")
    case = uuid4()
    browser.get(f"/hazards/{case}")
    browser.get(f"/hazards/{case}/timeline")
    assert 1 <= len(crowd.trail(login="reader", action="read_hazards")) <= 2
    cases = crowd.trail(login="reader", action="read_own_hazard")
    assert [line[2:] for line in cases] == [("kind:hazard", {"record": str(case)})] * 2
    crowd.make("looker", "viewer")
    crowd.log_in("looker").get("/collections/gas_site/items?limit=1")
    assert crowd.trail(login="looker", action="read") == []


def test_what_is_refused_is_in_the_trail(crowd: Crowd) -> None:
    crowd.make("nosy", "viewer")
    browser = crowd.log_in("nosy")
    for _ in range(2):
        assert browser.get("/audit").status_code == 403
    browser.post("/accounts", json={}, headers={"Origin": "https://evil.example"})
    refused = [line[1:] for line in crowd.trail(login="nosy", outcome="refused")]
    assert refused == [("refused", "", {"reason": "forbidden"})] * 3


def test_the_trail_is_read_in_pages_by_the_audit_officer_and_that_is_in_it(crowd: Crowd) -> None:
    officer = crowd.log_in("audit_officer")
    first = officer.get("/audit?limit=3").json()
    assert len(first["lines"]) == 3
    numbers = [line["number"] for line in first["lines"]]
    assert numbers == sorted(numbers, reverse=True)
    second = officer.get(f"/audit?limit=3&before={first['next']}").json()
    assert max(line["number"] for line in second["lines"]) < min(numbers)
    logins = officer.get("/audit?action=login&login=audit_officer&outcome=done").json()["lines"]
    assert logins
    assert {line["action"] for line in logins} == {"login"}
    assert {line["address"] for line in logins} == {"127.0.0.1"}
    assert crowd.trail(login="audit_officer", action="read_audit")
    for query in (
        "limit=0",
        "limit=x",
        "before=-1",
        "before=" + "9" * 20,
        "login=a&login=b",
        "x=1",
    ):
        assert officer.get(f"/audit?{query}").status_code == 400, query


def test_no_secret_reaches_the_logs_or_the_trail_or_an_address(
    crowd: Crowd, caplog: pytest.LogCaptureFixture, cluster: Cluster
) -> None:
    with caplog.at_level(logging.DEBUG):
        secrets = [crowd.phone("leader"), crowd.app_password("leader")]
        browser = crowd.log_in("leader")
        secrets.append(browser.cookies[COOKIE])
        crowd.visitor().get("/me", headers={"Authorization": f"Bearer {secrets[0]}x"})
        for secret in secrets[:2]:
            crowd.visitor().get("/me", headers={"Authorization": f"Bearer {secret}"})
    ours = [r for r in caplog.records if not r.name.startswith(("httpx", "httpcore"))]
    said = "\n".join(record.getMessage() for record in ours)
    with crowd.db.read(Pool.GATE) as connection:
        trail = str(connection.execute(text("SELECT t::text FROM core.audit_event t")).all())
    logs = "\n".join(
        path.read_text(errors="replace") for path in cluster.socket_folder.parent.rglob("*.log")
    )
    for secret in (*secrets, WORD):
        for place in (said, trail, logs):
            assert secret not in place
    for line in trail.split("\n"):
        assert "its_" not in line


def test_metrics_count_by_the_endpoint_that_answered(crowd: Crowd) -> None:
    crowd.visitor().get("/me")
    counted = crowd.log_in("system_officer").get("/metrics").text
    assert 'route="me"' in counted
    assert 'route="log_in"' in counted
