"""A stream of changes ends when who listens may come in no more, and with nobody else's end."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import httpx
import pytest

from api.routes import maps
from tests.api.crowd import Crowd

AT_ONCE = 4.0
"""Seconds; far below the heartbeat."""


@contextmanager
def listening(client: httpx.Client, **headers: str) -> Iterator[Callable[[float], bool]]:
    """Hold a stream open; gives a question: has it ended within so many seconds?"""
    begun, ended = threading.Event(), threading.Event()

    def listen() -> None:
        with suppress(httpx.TransportError):  # who still listens at the end of a test is cut off
            with client.stream("GET", "/events", headers=headers, timeout=30) as answer:
                for _ in answer.iter_raw():
                    begun.set()
            ended.set()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    assert begun.wait(10)
    assert not ended.is_set()
    yield ended.wait


def disable(crowd: Crowd, login: str) -> None:
    path = f"/accounts/{crowd.ids[login]}"
    officer = crowd.log_in("system_officer")
    assert officer.patch(path, json={"disabled": True}).status_code == 200


def test_every_stream_of_a_dismissed_person_ends_and_a_colleagues_does_not(crowd: Crowd) -> None:
    crowd.make("gone", "officer")
    phone = f"Bearer {crowd.phone('gone')}"
    word = base64.b64encode(f"gone:{crowd.app_password('gone')}".encode()).decode()
    with (
        listening(crowd.log_in("gone")) as session,
        listening(crowd.visitor(), Authorization=phone) as device,
        listening(crowd.visitor(), Authorization=f"Basic {word}") as script,
        listening(crowd.log_in("officer")) as colleague,
        listening(crowd.visitor()) as unknown,
    ):
        disable(crowd, "gone")
        assert session(AT_ONCE)
        assert device(AT_ONCE)
        assert script(AT_ONCE)
        assert not colleague(1.0)
        assert not unknown(0.0)


def test_a_revoked_phone_hears_no_more_and_its_owners_browser_does(crowd: Crowd) -> None:
    crowd.make("phoneless", "inspector")
    token = crowd.phone("phoneless")
    browser = crowd.log_in("phoneless")
    (phone,) = browser.get("/devices").json()["devices"]
    with (
        listening(crowd.visitor(), Authorization=f"Bearer {token}") as device,
        listening(browser) as session,
    ):
        assert crowd.log_in("phoneless").delete(f"/devices/{phone['id']}").status_code == 204
        assert device(AT_ONCE)
        assert not session(1.0)


def test_logging_out_ends_the_stream_of_that_session(crowd: Crowd) -> None:
    browser = crowd.log_in("planner")
    with listening(browser) as session:
        assert browser.post("/logout").status_code == 204
        assert session(AT_ONCE)


def test_a_session_that_has_run_out_ends_with_the_heartbeat_and_listening_prolongs_none(
    own_crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maps, "HEARTBEAT_S", 0.3)
    with listening(own_crowd.log_in("officer")) as session:
        own_crowd.clock.ahead = timedelta(minutes=20)
        time.sleep(1.0)  # some heartbeats
        assert not session(0.0)
        own_crowd.clock.ahead = timedelta(minutes=31)
        assert session(AT_ONCE)
