"""The lossy network, short: nothing is lost and nothing doubled, whoever is killed."""

from __future__ import annotations

from tests.api.lossy_network import run


def test_the_servers_log_is_the_union_of_the_phones_logs_whatever_is_lost_or_killed() -> None:
    seen = run(examples=6, steps=18)
    assert seen["records"] > 150
    assert seen["photos"] > 20
    assert seen["server killed"] + seen["PostgreSQL killed"] > 3
