"""Every endpoint × every role × own, others' and restricted things, generated from the routes.

Who may what is written here a second time, by hand: the test does not ask the policy. An endpoint
that is added is asked as everybody without a word of this file changed; an action that is added
fails until its row is here.
"""

from __future__ import annotations

import re
from uuid import UUID, uuid4

import httpx
import pytest

from api.endpoints import ROUTES
from api.routing import Row, make_routes
from gis.kinds import KINDS
from gis.people.policy import Action
from tests.api.county import LIFE_ID
from tests.api.crowd import ROLES, WORD, Crowd

EVERYBODY = {"anonymous", *ROLES}
BUREAU = {"viewer", "inspector", "officer", "planner", "leader"}
ALLOWED: dict[str, set[str]] = {
    "open": EVERYBODY,
    "read": EVERYBODY,
    "measure": {"system_officer"},
    "read_hazards": BUREAU,
    "read_own_hazard": BUREAU,
    "record_event": {"inspector", "officer", "leader"},
    "sync": {"inspector", "officer", "leader"},
    "upload": {"inspector", "officer", "leader"},
    "read_evidence": {"inspector", "officer", "leader"},
    "manage_campaigns": {"officer", "leader"},
    "read_duty": {"officer", "leader"},
    "import_outbox": {"officer"},
    "read_inspections": BUREAU,
    "import_inspections": {"officer"},
    "read_desilting": BUREAU,
    "record_desilting": {"officer"},
    "issue_link": {"officer", "leader"},
    "record_network": {"inspector", "officer", "leader"},
    "edit_assets": {"officer"},
    "run_jobs": {"officer", "planner"},
    "export": {"officer", "planner", "leader"},
    "approve_export": {"security_officer"},
    "own_login": set(ROLES),
    "own_account": set(ROLES),
    "enrol": {"officer", "system_officer"},
    "read_surveys": BUREAU,
    "edit_surveys": {"officer"},
    "manage_accounts": {"system_officer"},
    "read_audit": {"audit_officer"},
}
"""Who may do it in a browser; domain.md 4 and the workflow's table."""
SEES = {
    "anonymous": "public", "viewer": "internal", "inspector": "internal", "planner": "internal",
    "officer": "restricted", "leader": "restricted", "system_officer": "public",
    "security_officer": "public", "audit_officer": "public",
}  # fmt: skip
FILLED = {
    "kind": "road", "id": str(uuid4()), "z": "3", "row": "3", "col": "6", "name": "progress",
    "version": "0", "file": "x.js",
}  # fmt: skip
CASES = [(row, method) for row in ROUTES for method in row.methods]
each_case = pytest.mark.parametrize(
    ("row", "method"), CASES, ids=[f"{method} {row.path}" for row, method in CASES]
)


@pytest.fixture(scope="module")
def clients(crowd: Crowd) -> dict[str, httpx.Client]:
    """A browser for every role, and one nobody knows."""
    made = {role: crowd.log_in(role) for role in ROLES}
    return made | {"anonymous": crowd.visitor(**{"X-Infratrack": "1", "Origin": crowd.base})}


def fill(path: str, **known: str) -> str:
    values = FILLED | known
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: values.get(found[1], "x"), path)


def send(client: httpx.Client, method: str, path: str) -> httpx.Response:
    """Ask, with nothing to say: what one may not do is refused before anything is read."""
    if path == "/events" and method == "GET":
        with client.stream("GET", path) as answer:
            return answer
    if path == "/logout":
        return client.post("/login", data={"login": "", "password": ""})  # stay logged in
    return client.request(method, path, json={} if method in ("POST", "PUT", "PATCH") else None)


def test_every_action_has_its_row_here_and_no_other() -> None:
    assert set(ALLOWED) == {action.value for action in Action}


@each_case
def test_a_route_names_its_action(row: Row, method: str) -> None:
    assert isinstance(row.action, Action)
    assert method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def test_what_changes_something_is_never_open_but_for_the_ways_in() -> None:
    ways_in = {("POST", "/login"), ("POST", "/devices")}
    open_writes = {
        (method, row.path)
        for row, method in CASES
        if method not in ("GET", "HEAD", "OPTIONS") and row.action in (Action.OPEN, Action.READ)
    }
    assert open_writes == ways_in


def test_a_path_and_method_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="given twice"):
        make_routes([ROUTES[0], ROUTES[0]])


@each_case
@pytest.mark.parametrize("who", sorted(EVERYBODY))
def test_each_role_may_do_exactly_what_is_written_here(
    row: Row, method: str, who: str, clients: dict[str, httpx.Client]
) -> None:
    if row.path == "/logout":
        return
    status = send(clients[who], method, fill(row.path)).status_code
    assert status < 500
    if row.path == "/login" and method == "POST":
        assert status in (400, 415)
    elif who in ALLOWED[row.action]:
        assert status not in (401, 403), status
    else:
        assert status == (401 if who == "anonymous" else 403)


@each_case
def test_options_say_what_a_person_may(
    row: Row, method: str, clients: dict[str, httpx.Client]
) -> None:
    if any("OPTIONS" in other.methods for other in ROUTES if other.path == row.path):
        return
    for who, client in clients.items():
        answer = client.options(fill(row.path))
        allowed = set(answer.headers["allow"].split(", "))
        expected = {"OPTIONS"}
        for other in ROUTES:
            if other.path == row.path and who in ALLOWED[other.action]:
                expected |= {*other.methods} | ({"HEAD"} if "GET" in other.methods else set())
        assert (answer.status_code, allowed) == (200, expected), who


def test_a_method_no_route_has_is_a_405_that_says_what_is_allowed(
    clients: dict[str, httpx.Client],
) -> None:
    answer = clients["officer"].delete("/conformance")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
    assert clients["officer"].put("/accounts").headers["allow"] == "OPTIONS"


# restricted things

ORDER = ["public", "internal", "restricted"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("who", sorted(EVERYBODY))
def test_a_kind_above_ones_class_is_as_unknown_as_none(
    kind: str, who: str, clients: dict[str, httpx.Client]
) -> None:
    seen = ORDER.index(SEES[who]) >= ORDER.index(KINDS[kind].sensitivity.value)
    for row in ROUTES:
        if "{kind}" in row.path and "GET" in row.methods:
            answer = clients[who].get(fill(row.path, kind=kind))
            unknown = clients[who].get(fill(row.path, kind="unknown_kind"))
            if seen:
                assert answer.status_code < 500
                assert kind not in unknown.text.split("none", 1)[0] or unknown.status_code == 404
            else:
                assert answer.status_code == unknown.status_code == 404
                assert answer.text.replace(kind, "unknown_kind") == unknown.text


@pytest.mark.parametrize("who", sorted(EVERYBODY))
def test_a_restricted_attribute_is_read_by_staff_only(
    who: str, clients: dict[str, httpx.Client]
) -> None:
    answer = clients[who].get("/collections/sewer_pipe/items?limit=1")
    if SEES[who] == "public":
        assert answer.status_code == 404
    else:
        shown = answer.json()["features"][0]["properties"]
        assert ("responsible" in shown) == (SEES[who] == "restricted")


def test_an_answer_kept_by_one_person_is_no_answer_for_another(
    clients: dict[str, httpx.Client],
) -> None:
    for path in (
        "/collections/sewer_pipe/items?limit=1",
        "/collections/sewer_pipe/tiles/WebMercatorQuad/0/0/0",
        f"/collections/road/items/{LIFE_ID}",
        "/maps/progress/config",
        "/api",
    ):
        staff = clients["officer"].get(path)
        kept = {"If-None-Match": staff.headers["etag"]}
        assert staff.headers["cache-control"].startswith("private")
        assert {"authorization", "cookie"} <= {
            word.strip().lower() for word in staff.headers["vary"].split(",")
        }
        for who in ("viewer", "anonymous", "audit_officer"):
            answer = clients[who].get(path, headers=kept)
            assert answer.status_code in (200, 404), (path, who)


# own and others' things


def test_nobody_reaches_what_is_anothers(crowd: Crowd, clients: dict[str, httpx.Client]) -> None:
    crowd.make("owner", "officer")
    owner = crowd.log_in("owner")
    secret = owner.post("/app-passwords", json={"label": "mine"}).json()
    phone = str(uuid4())
    body = {"login": "owner", "password": WORD, "device_id": phone, "device_name": "手机"}
    assert crowd.visitor().post("/devices", json=body).status_code == 201
    for who in EVERYBODY:
        client = clients[who]
        refused = 401 if who == "anonymous" else 404
        assert client.delete(f"/app-passwords/{secret['id']}").status_code == refused
        assert client.delete(f"/devices/{phone}").status_code == refused
        for path in ("/devices", "/app-passwords"):
            assert secret["id"] not in client.get(path).text
            assert phone not in client.get(path).text
    assert owner.delete(f"/app-passwords/{secret['id']}").status_code == 204
    assert owner.delete(f"/devices/{phone}").status_code == 204
    assert owner.delete(f"/devices/{phone}").status_code == 404


def test_an_id_that_is_none_is_a_404(clients: dict[str, httpx.Client]) -> None:
    for path in ("/devices/x", "/app-passwords/x", f"/devices/{UUID(int=0)}"):
        assert clients["viewer"].delete(path).status_code == 404
    assert clients["system_officer"].patch("/accounts/x", json={}).status_code == 404


# other ways to log in


def expect(status: int, allowed: bool) -> bool:
    return status not in (401, 403) if allowed else status == 403


PHONE = {
    "open", "read", "read_hazards", "read_own_hazard", "read_evidence", "record_event", "sync",
    "upload", "manage_campaigns", "read_inspections", "read_desilting", "read_surveys",
    "record_network",
}  # fmt: skip
SCRIPT = {
    "open", "read", "read_hazards", "read_own_hazard", "read_evidence", "export", "measure",
    "read_inspections", "read_desilting", "read_surveys",
}  # fmt: skip


@pytest.mark.parametrize("who", ["inspector", "officer", "leader"])
def test_a_phone_may_do_the_work_of_the_field_and_no_more(who: str, crowd: Crowd) -> None:
    phone = crowd.visitor(Authorization=f"Bearer {crowd.phone(who)}")
    for row, method in CASES:
        if (row.path, method) in (("/login", "POST"), ("/devices", "POST")):
            continue
        status = send(phone, method, fill(row.path)).status_code
        allowed = who in ALLOWED[row.action] and row.action.value in PHONE
        if row.path != "/logout":
            assert expect(status, allowed), (method, row.path, status)


@pytest.mark.parametrize("who", ROLES)
def test_an_app_password_reads_and_does_nothing_else(who: str, crowd: Crowd) -> None:
    script = crowd.visitor()
    script.auth = (who, crowd.app_password(who))
    for row, method in CASES:
        if (row.path, method) in (("/login", "POST"), ("/devices", "POST")):
            continue
        status = send(script, method, fill(row.path)).status_code
        allowed = who in ALLOWED[row.action] and row.action.value in SCRIPT
        if row.path != "/logout":
            assert expect(status, allowed), (method, row.path, status)
