"""The load of the field, short: nothing is lost, doubled or torn; the times are only printed."""

from __future__ import annotations

from tests.benchmarks.field_load import measure


def test_twenty_seconds_of_two_hundred_devices_lose_nothing() -> None:
    load = measure(minutes=20 / 60, devices=200)
    print(load.report())
    assert len(load.sent) >= 300
    assert len(load.photos) >= 15
    assert len(load.times) == len(load.sent)
    assert (load.lost, load.doubled, load.torn) == (0, 0, 0)
    assert load.made + load.waiting >= len(load.photos)
    assert set(load.trouble) <= {"423", "503"}
