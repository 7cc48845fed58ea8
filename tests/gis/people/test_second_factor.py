"""The second factor: RFC 6238's own numbers, each code once, recovery codes, and its reset."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from gis.db.people_tables import second_factor as table
from gis.errors import (
    ConflictError,
    LoginError,
    NewPasswordError,
    SecondFactorError,
    ThrottledError,
)
from gis.people import accounts, second_factor, tokens
from gis.people.login import check_credentials, confirm_second_factor, open_session
from gis.people.person import OFFICERS, Person, PersonRole
from tests.gis.people.conftest import NOW, OPERATOR, WORD, Bureau
from tests.totp import show_code

RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # "12345678901234567890", RFC 6238, appendix B
RFC_CODES = {
    59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924",
    2000000000: "279037", 20000000000: "353130",
}  # fmt: skip
"""The last six of the RFC's eight digits (SHA-1)."""


@dataclass
class Holder:
    """Somebody with an authenticator and a sheet of recovery codes."""

    bureau: Bureau
    id: UUID
    secret: str
    codes: list[str]

    def code(self) -> str:
        return show_code(self.secret, self.bureau.now)

    def log_in(self, code: str | None, new: str | None = None, word: str = WORD) -> Person:
        return check_credentials(
            self.bureau.db, "zhang.san", word, address="10.0.0.9", now=self.bureau.now,
            new_password=new, code=code,
        )  # fmt: skip


@pytest.fixture
def holder(bureau: Bureau) -> Holder:
    account = bureau.add("zhang.san", "system_officer")
    person = check_credentials(bureau.db, "zhang.san", WORD, address=None, now=bureau.now)
    with bureau.gate() as connection:
        secret = second_factor.offer(connection, person, now=bureau.now).secret
    codes = confirm_second_factor(bureau.db, person, show_code(secret, bureau.now), now=bureau.now)
    bureau.wait(seconds=30)
    return Holder(bureau, account, secret, codes)


@pytest.mark.parametrize(("moment", "code"), RFC_CODES.items())
def test_the_rfcs_own_codes_let_in_at_their_moment(moment: int, code: str, holder: Holder) -> None:
    bureau = holder.bureau
    assert show_code(RFC_SECRET, datetime.fromtimestamp(moment, UTC)) == code
    with bureau.gate() as connection:
        values = {"secret": RFC_SECRET, "last_step": -1}
        connection.execute(update(table).values(values))
    bureau.now = datetime.fromtimestamp(moment, UTC)
    assert holder.log_in(code).login == "zhang.san"


def test_no_code_is_asked_for_and_a_wrong_one_is_refused(holder: Holder) -> None:
    with pytest.raises(SecondFactorError) as asked:
        holder.log_in(None)
    assert asked.value.facts == {"needs": ["second_factor"]}
    assert asked.value.type == "second-factor-needed"
    wrong = f"{(int(holder.code()) + 1) % 1_000_000:06d}"
    for word in ("", wrong, "x" * 5000, "aaaa-aaaa-aaaa-aaaa"):
        with pytest.raises(SecondFactorError):
            holder.log_in(word)
    assert holder.log_in(f" {holder.code()[:3]} {holder.code()[3:]} ").has_second_factor


def test_who_does_not_know_the_password_is_not_told_of_the_second_factor(holder: Holder) -> None:
    with pytest.raises(LoginError) as refused:
        holder.log_in(holder.code(), word="wrong words")
    assert type(refused.value) is LoginError


@pytest.mark.parametrize(("late", "taken"), [(-61, False), (-30, True), (30, True), (61, False)])
def test_a_clock_may_be_half_a_minute_off_and_no_more(
    late: int, taken: bool, holder: Holder
) -> None:
    holder.bureau.now = NOW + timedelta(minutes=10)  # a step begins here
    code = show_code(holder.secret, holder.bureau.now + timedelta(seconds=late))
    if taken:
        assert holder.log_in(code)
        return
    with pytest.raises(SecondFactorError):
        holder.log_in(code)


def test_a_code_is_used_up_by_a_login_and_so_is_every_earlier_one(holder: Holder) -> None:
    earlier = holder.code()
    holder.bureau.wait(seconds=30)
    code = holder.code()
    assert holder.log_in(code)
    for used in (code, earlier):
        with pytest.raises(SecondFactorError):
            holder.log_in(used)
    holder.bureau.wait(seconds=30)
    assert holder.log_in(holder.code())


def test_the_code_it_was_set_up_with_is_no_code_to_log_in_with(holder: Holder) -> None:
    with pytest.raises(SecondFactorError):
        holder.log_in(show_code(holder.secret, NOW))


def test_one_code_sent_twice_at_once_lets_in_once(holder: Holder) -> None:
    code = holder.code()

    def enter(_: int) -> bool:
        try:
            holder.log_in(code)
        except SecondFactorError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(enter, range(4))) == [False, False, False, True]


def test_guessing_codes_is_slowed_down_as_guessing_passwords_is(holder: Holder) -> None:
    for _ in range(5):
        with pytest.raises(SecondFactorError):
            holder.log_in("000000")
    with pytest.raises(ThrottledError):
        holder.log_in(holder.code())
    holder.bureau.wait(seconds=62)
    assert holder.log_in(holder.code())
    # The right password alone forgives nothing.
    for _ in range(4):
        with pytest.raises(SecondFactorError):
            holder.log_in("000000")
    with pytest.raises(SecondFactorError):
        holder.log_in(None)
    with pytest.raises(SecondFactorError):
        holder.log_in("000000")
    with pytest.raises(ThrottledError):
        holder.log_in(None)


def test_each_recovery_code_lets_in_once_and_is_kept_as_a_hash(holder: Holder) -> None:
    assert len(set(holder.codes)) == 10
    kept = str(holder.bureau.ask("SELECT r::text FROM core.recovery_code r"))
    for number, code in enumerate(holder.codes):
        assert code not in kept
        assert code.replace("-", "") not in kept
        assert holder.log_in(code.upper() if number % 2 else code.replace("-", " "))
        with pytest.raises(SecondFactorError):
            holder.log_in(code)
        holder.bureau.wait(minutes=2)
    assert len(holder.bureau.lines("use_recovery_code")) == 10


def test_one_persons_recovery_code_is_no_other_persons(holder: Holder) -> None:
    bureau = holder.bureau
    bureau.add("li.si", "audit_officer")
    other = check_credentials(bureau.db, "li.si", WORD, address=None, now=bureau.now)
    with bureau.gate() as connection:
        secret = second_factor.offer(connection, other, now=bureau.now).secret
    confirm_second_factor(bureau.db, other, show_code(secret, bureau.now), now=bureau.now)
    with pytest.raises(SecondFactorError):
        check_credentials(
            bureau.db, "li.si", WORD, address=None, now=bureau.now, code=holder.codes[0]
        )


def test_what_was_let_in_without_it_ends_when_it_is_put_in_force(bureau: Bureau) -> None:
    bureau.add("zhang.san", "officer")
    person = check_credentials(bureau.db, "zhang.san", WORD, address=None, now=bureau.now)
    with bureau.gate() as connection:
        here, there = (open_session(connection, person, now=bureau.now).secret for _ in range(2))
        me = tokens.find_person(connection, here, now=bureau.now)
        assert me
        assert not me.has_second_factor
        secret = second_factor.offer(connection, me, now=bureau.now).secret
    with pytest.raises(SecondFactorError):
        confirm_second_factor(bureau.db, me, "000000", now=bureau.now)
    confirm_second_factor(bureau.db, me, show_code(secret, bureau.now), now=bureau.now)
    with bureau.gate() as connection:
        assert tokens.find_person(connection, there, now=bureau.now) is None
        me = tokens.find_person(connection, here, now=bureau.now)
        assert me
        assert me.has_second_factor


def test_an_offer_is_over_after_a_quarter_of_an_hour_and_works_once(bureau: Bureau) -> None:
    bureau.add("zhang.san", "officer")
    person = check_credentials(bureau.db, "zhang.san", WORD, address=None, now=bureau.now)

    def confirm(secret: str) -> list[str]:
        code = show_code(secret, bureau.now)
        return confirm_second_factor(bureau.db, person, code, now=bureau.now)

    with bureau.gate() as connection:
        secret = second_factor.offer(connection, person, now=bureau.now).secret
    bureau.wait(minutes=16)
    with pytest.raises(ConflictError):
        confirm(secret)
    with bureau.gate() as connection:
        secret = second_factor.offer(connection, person, now=bureau.now).secret
    assert confirm(secret)
    bureau.wait(seconds=30)
    with pytest.raises(ConflictError):
        confirm(secret)


def test_what_is_in_force_stays_so_until_another_is_confirmed(holder: Holder) -> None:
    bureau = holder.bureau
    person = holder.log_in(holder.code())
    with bureau.gate() as connection:
        fresh = second_factor.offer(connection, person, now=bureau.now).secret
    bureau.wait(seconds=30)
    assert holder.log_in(holder.code())
    codes = confirm_second_factor(bureau.db, person, show_code(fresh, bureau.now), now=bureau.now)
    bureau.wait(seconds=30)
    for old in (holder.code(), holder.codes[0]):
        with pytest.raises(SecondFactorError):
            holder.log_in(old)
    assert holder.log_in(show_code(fresh, bureau.now))
    assert holder.log_in(codes[0])


def test_a_given_password_and_the_code_are_asked_for_together(holder: Holder) -> None:
    with holder.bureau.gate() as connection:
        accounts.set_password(
            connection, holder.id, "given by another 5", by=OPERATOR, now=holder.bureau.now
        )
    given = "given by another 5"
    with pytest.raises(SecondFactorError) as asked:
        holder.log_in(None, word=given)
    assert asked.value.facts["needs"] == ["second_factor", "new_password"]
    code = holder.code()
    with pytest.raises(NewPasswordError):
        holder.log_in(code, word=given)
    with pytest.raises(SecondFactorError):
        holder.log_in("000000", "seven blue lanterns", word=given)
    # What was asked for in vain has used nothing up.
    assert holder.log_in(code, "seven blue lanterns", word=given)


def test_a_reset_takes_it_away_ends_every_login_and_is_anothers_to_do(holder: Holder) -> None:
    bureau = holder.bureau
    person = holder.log_in(holder.code())
    with bureau.gate() as connection:
        secret = open_session(connection, person, now=bureau.now).secret
    with pytest.raises(ConflictError), bureau.gate() as connection:
        second_factor.reset(connection, holder.id, by=person, now=bureau.now)
    with bureau.gate() as connection:
        second_factor.reset(connection, holder.id, by=OPERATOR, now=bureau.now)
        assert tokens.find_person(connection, secret, now=bureau.now) is None
    assert not holder.log_in(None).has_second_factor
    (line,) = bureau.lines("reset_second_factor")
    assert line[:3] == ("os:tester", "done", "account:zhang.san")


def test_no_secret_and_no_code_is_in_the_trail(holder: Holder) -> None:
    holder.log_in(holder.codes[0])
    with pytest.raises(SecondFactorError):
        holder.log_in("zzzz-zzzz-zzzz-zzzz")
    trail = str(holder.bureau.ask("SELECT t::text FROM core.audit_event t"))
    assert "set_up_second_factor" in trail
    for word in (holder.secret, *holder.codes, "zzzz"):
        assert word not in trail


def test_the_setting_says_of_whom_it_is_asked() -> None:
    for role in PersonRole:
        assert second_factor.is_required("all", {role})
        assert not second_factor.is_required("off", {role})
        assert second_factor.is_required("officers", {role}) == (role in OFFICERS)
