"""What a login may need beside the password: a new one, by the form and by a phone."""

from __future__ import annotations

from uuid import uuid4

import httpx
import pytest

from tests.api.crowd import WORD, Crowd

NEEDED = "urn:infratrack:problem:new-password-needed"


@pytest.fixture
def newcomer(crowd: Crowd) -> tuple[str, str]:
    """A login the system officer has just made, and its password."""
    login = f"new.{uuid4().hex[:8]}"
    body = {"login": login, "name": login, "roles": ["inspector"]}
    made = crowd.log_in("system_officer").post("/accounts", json=body)
    assert made.status_code == 201
    return login, made.json()["password"]


def ask_phone(crowd: Crowd, login: str, word: str, **more: str) -> httpx.Response:
    body = {"login": login, "password": word, "device_id": str(uuid4()), "device_name": "x"}
    return crowd.visitor(**{"Accept-Language": "en"}).post("/devices", json=body | more)


def test_the_form_asks_for_a_new_password_and_lets_in_with_it(
    crowd: Crowd, newcomer: tuple[str, str]
) -> None:
    login, given = newcomer
    visitor = crowd.visitor(Origin=crowd.base)
    assert 'name="new_password"' not in visitor.get("/login").text
    for language, words in (("en", "Choose a new one"), ("zh", "请同时设置新口令")):
        asked = visitor.post(
            f"/login?lang={language}", data={"login": login, "password": given, "next": "/api"}
        )
        assert asked.status_code == 401
        assert words.lower() in asked.text.lower()
        assert 'name="new_password"' in asked.text
        assert "set-cookie" not in asked.headers
        assert given not in asked.text
    form = {"login": login, "password": given, "next": "/api"}
    unlike = visitor.post("/login", data=form | {"new_password": WORD, "new_again": "x"})
    assert unlike.status_code == 400
    assert 'name="new_password"' in unlike.text
    weak = visitor.post("/login", data=form | {"new_password": "1", "new_again": "1"})
    assert (weak.status_code, "set-cookie" in weak.headers) == (400, False)
    answer = visitor.post("/login", data=form | {"new_password": WORD, "new_again": WORD})
    assert (answer.status_code, answer.headers["location"]) == (303, "/api")
    assert visitor.get("/me").json()["person"]["login"] == login
    assert crowd.log_in(login, WORD)


def test_a_phone_is_told_what_it_lacks_and_is_let_in_with_it(
    crowd: Crowd, newcomer: tuple[str, str]
) -> None:
    login, given = newcomer
    asked = ask_phone(crowd, login, given)
    assert asked.status_code == 401
    document = asked.json()
    assert (document["type"], document["needs"]) == (NEEDED, ["new_password"])
    assert "choose a new one" in document["detail"]
    assert ask_phone(crowd, login, given, new_password="short").status_code == 400
    assert ask_phone(crowd, login, given, new_password=given).status_code == 400
    made = ask_phone(crowd, login, given, new_password=WORD)
    assert made.status_code == 201
    assert made.json()["person"]["login"] == login
    assert ask_phone(crowd, login, WORD).status_code == 201


def test_a_reset_ends_what_was_held_and_asks_again(crowd: Crowd) -> None:
    crowd.make("forgetful", "inspector")
    browser, phone = crowd.log_in("forgetful"), crowd.phone("forgetful")
    officer = crowd.log_in("system_officer")
    path = f"/accounts/{crowd.ids['forgetful']}"
    given = officer.patch(path, json={"reset_password": True}).json()["password"]
    assert browser.get("/me").json() == {"person": None}
    held = {"Authorization": f"Bearer {phone}"}
    assert crowd.visitor().get("/me", headers=held).status_code == 401
    assert ask_phone(crowd, "forgetful", given).json()["type"] == NEEDED
    assert crowd.first_log_in("forgetful", given).status_code == 303
