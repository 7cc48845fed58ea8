"""A password that somebody else gave is good for choosing another, once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from gis.errors import InputError, LoginError, NewPasswordError, ThrottledError
from gis.people import accounts
from gis.people.login import check_credentials
from gis.people.person import Person
from tests.gis.people.conftest import OPERATOR, WORD, Bureau

CHOSEN = "seven blue lanterns"


def log_in(bureau: Bureau, word: str, new: str | None = None) -> Person:
    return check_credentials(
        bureau.db, "zhang.san", word, address="10.0.0.9", now=bureau.now, new_password=new
    )


def reset(bureau: Bureau, account: UUID, word: str, by: Person = OPERATOR) -> None:
    with bureau.gate() as connection:
        accounts.set_password(connection, account, word, by=by, now=bureau.now)


def test_a_given_password_lets_nobody_in_until_another_is_chosen_with_it(bureau: Bureau) -> None:
    bureau.add("zhang.san", "inspector", is_one_time=True)
    for _ in range(8):  # it is the right one: asking for another is no failure that slows down
        with pytest.raises(NewPasswordError) as refused:
            log_in(bureau, WORD)
    assert refused.value.facts == {"needs": ["new_password"]}
    assert refused.value.type == "new-password-needed"
    assert log_in(bureau, WORD, CHOSEN).login == "zhang.san"
    assert log_in(bureau, CHOSEN).login == "zhang.san"
    with pytest.raises(LoginError) as over:
        log_in(bureau, WORD, "another one entirely")
    assert type(over.value) is LoginError


@pytest.mark.parametrize("chosen", [WORD, "short", "123456789012", "i am zhang.san", "aaaaaaaaaa"])
def test_the_chosen_one_is_judged_and_is_not_the_given_one(chosen: str, bureau: Bureau) -> None:
    bureau.add("zhang.san", "inspector", is_one_time=True)
    with pytest.raises(InputError):
        log_in(bureau, WORD, chosen)
    with pytest.raises(NewPasswordError):
        log_in(bureau, WORD)


def test_who_does_not_know_the_given_one_learns_nothing_and_is_slowed_down(bureau: Bureau) -> None:
    bureau.add("zhang.san", "inspector", is_one_time=True)
    for _ in range(5):
        with pytest.raises(LoginError) as refused:
            log_in(bureau, "wrong words", CHOSEN)
        assert type(refused.value) is LoginError
    with pytest.raises(ThrottledError):
        log_in(bureau, WORD, CHOSEN)


def test_one_given_password_is_one_login_also_for_two_at_once(bureau: Bureau) -> None:
    bureau.add("zhang.san", "inspector", is_one_time=True)

    def choose(number: int) -> bool:
        try:
            log_in(bureau, WORD, f"{CHOSEN} {number}")
        except LoginError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(choose, range(4))) == [False, False, False, True]


def test_a_reset_password_is_for_one_login_and_ones_own_is_not(bureau: Bureau) -> None:
    account = bureau.add("zhang.san", "inspector")
    own = log_in(bureau, WORD)
    reset(bureau, account, CHOSEN, by=own)
    assert log_in(bureau, CHOSEN).login == "zhang.san"
    reset(bureau, account, "given by the officer 1")
    with pytest.raises(NewPasswordError):
        log_in(bureau, "given by the officer 1")
    assert [line[3] for line in bureau.lines("set_password")] == [
        {"one_time": False}, {"one_time": True},
    ]  # fmt: skip


def test_a_disabled_account_is_not_told_that_its_given_password_is_right(bureau: Bureau) -> None:
    account = bureau.add("zhang.san", "inspector", is_one_time=True)
    with bureau.gate() as connection:
        accounts.disable_account(connection, account, by=OPERATOR, now=bureau.now)
    with pytest.raises(LoginError) as refused:
        log_in(bureau, WORD, CHOSEN)
    assert type(refused.value) is LoginError
