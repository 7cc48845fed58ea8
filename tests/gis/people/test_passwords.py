"""Passwords: hashed well, judged once, and no clock tells who exists."""

from __future__ import annotations

import threading
import time
from statistics import median

import psutil
import pytest

from gis.errors import InputError, LoginError
from gis.people.login import check_credentials
from gis.people.passwords import (
    check_password,
    generate_password,
    hash_password,
    needs_rehash,
    prepare_hashing,
    verify_password,
)
from tests.gis.people.conftest import WORD, Bureau


def test_a_hash_is_argon2id_above_the_floor_of_owasp() -> None:
    _, kind, _, parameters, *_ = hash_password(WORD).split("$")
    values = dict(pair.split("=") for pair in parameters.split(","))
    assert kind == "argon2id"
    # OWASP Password Storage Cheat Sheet: at least 19 MiB, 2 passes, 1 lane.
    assert int(values["m"]) >= 19 * 1024
    assert int(values["t"]) >= 2
    assert int(values["p"]) >= 1


def test_two_hashes_of_one_password_differ_and_both_fit() -> None:
    one, other = hash_password(WORD), hash_password(WORD)
    assert one != other
    assert verify_password(one, WORD)
    assert verify_password(other, WORD)
    assert not verify_password(one, WORD + "x")
    assert not verify_password(None, WORD)
    assert not verify_password("not a hash", WORD)


def test_the_same_letters_typed_otherwise_are_the_same_password() -> None:
    assert verify_password(hash_password("cafe\u0301 sécurité"), "caf\u00e9 sécurité")


def test_a_weaker_hash_is_seen_as_one() -> None:
    weak = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$Hh0XbMbVUmVJBlZbvHFDqjzUlWFmS5WQLGdxRFdlzPA"
    assert needs_rehash(weak)
    assert not needs_rehash(hash_password(WORD))


@pytest.mark.parametrize(
    "word",
    ["", "short1!", "x" * 129, "12345678901", "aaaaaaaabb", "my zhang.san 9", "with\0nul 99"],
)
def test_a_password_nobody_should_choose_is_refused(word: str) -> None:
    with pytest.raises(InputError) as refused:
        check_password(word, login="zhang.san")
    assert not word or word not in str(refused.value)


def test_generated_passwords_are_good_and_never_the_same() -> None:
    made = {generate_password() for _ in range(1000)}
    assert len(made) == 1000
    for word in made:
        check_password(word, login="zhang.san")


def test_an_unknown_login_takes_as_long_as_a_wrong_password(bureau: Bureau) -> None:
    bureau.add("zhang.san", "inspector")
    prepare_hashing()
    times: dict[str, list[float]] = {"zhang.san": [], "nobody": []}
    for _ in range(9):
        for login, spent in times.items():
            began = time.process_time()
            with pytest.raises(LoginError) as refused:
                check_credentials(bureau.db, login, "wrong words", address=None, now=bureau.now)
            spent.append(time.process_time() - began)
            assert refused.value.message.en == "wrong login or password"
            bureau.wait(hours=2)  # the throttle is another test's
    known, unknown = median(times["zhang.san"]), median(times["nobody"])
    assert known > 0.02  # a hash was made, or this test could not fail
    assert 0.7 < known / unknown < 1.4, (known, unknown)


def test_fifty_at_once_are_hashed_in_bounded_memory() -> None:
    kept = hash_password(WORD)
    process = psutil.Process()
    before, peak = process.memory_info().rss, [0]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.005):
            peak[0] = max(peak[0], process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    right: list[bool] = []
    fifty = [
        threading.Thread(target=lambda: right.append(verify_password(kept, WORD)))
        for _ in range(50)
    ]
    for one in fifty:
        one.start()
    for one in fifty:
        one.join()
    done.set()
    watcher.join()
    assert right == [True] * 50
    # Two hashes at once are 128 MiB; fifty would be 3,200.
    assert peak[0] - before < 300 * 2**20
    assert peak[0] - before > 32 * 2**20  # the memory of a hash was seen at all
