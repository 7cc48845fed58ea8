"""Accounts: who may hold what, who is let in, and that a dismissal holds at once."""

from __future__ import annotations

from datetime import timedelta
from itertools import combinations
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, insert, text
from sqlalchemy.exc import IntegrityError

from gis.db.cluster import Cluster
from gis.db.handle import set_context
from gis.db.people_tables import account
from gis.db.roles import OWNER, Pool
from gis.errors import ConflictError, InputError, LoginError, NotFoundError, ThrottledError
from gis.people import accounts, devices, tokens
from gis.people.login import check_credentials, open_session
from gis.people.person import ACCOUNT_ROLES, OFFICERS, Credential, Person, PersonRole, choose_pool
from gis.people.tokens import TokenKind, find_person
from tests.gis.people.conftest import NOW, OPERATOR, WORD, Bureau

PHONE = uuid4()


def log_in(bureau: Bureau, login: str, word: str = WORD) -> Person:
    return check_credentials(bureau.db, login, word, address="10.0.0.9", now=bureau.now)


def session(bureau: Bureau, login: str) -> str:
    person = log_in(bureau, login)
    with bureau.gate() as connection:
        return open_session(connection, person, now=bureau.now).secret


def who(bureau: Bureau, secret: str) -> Person | None:
    with bureau.gate() as connection:
        return find_person(connection, secret, now=bureau.now)


# roles


@pytest.mark.parametrize("pair", [*combinations(ACCOUNT_ROLES, 2)], ids="+".join)
def test_an_officer_holds_no_other_role(pair: tuple[PersonRole, PersonRole]) -> None:
    words = [role.value for role in pair]
    if OFFICERS.isdisjoint(pair):
        assert accounts.read_roles(words) == set(pair)
    else:
        with pytest.raises(InputError):
            accounts.read_roles(words)


@pytest.mark.parametrize(
    "roles",
    [
        ["system_officer", "audit_officer"],
        ["system_officer", "viewer"],
        ["security_officer", "officer"],
        ["duty_holder"],
        ["emperor"],
        [],
    ],
)
def test_the_database_refuses_roles_a_forgotten_check_lets_through(
    roles: list[str], bureau: Bureau
) -> None:
    values = {
        "id": uuid4(), "login": "forged", "name": "x", "roles": roles, "created_at": NOW,
        "created_by": "x",
    }  # fmt: skip
    with pytest.raises(IntegrityError), bureau.gate() as connection:
        connection.execute(insert(account).values(values))


@pytest.mark.parametrize("words", [[], ["duty_holder"], ["Officer"], ["officer", "root"]])
def test_unknown_roles_are_refused(words: list[str]) -> None:
    with pytest.raises(InputError):
        accounts.read_roles(words)


def test_officers_read_what_everybody_reads() -> None:
    for role in ACCOUNT_ROLES:
        expected = {"officer": "staff", "leader": "staff"}.get(role.value, "field")
        expected = "public" if role in OFFICERS else expected
        assert choose_pool(frozenset({role})).value == expected


# accounts


@pytest.mark.parametrize("login", ["", "a", "x" * 65, "zhang san", "张三", "a\0b", "-x", "a'b"])
def test_a_login_that_is_none_is_refused(login: str) -> None:
    with pytest.raises(InputError):
        accounts.read_login(login)


def test_a_login_is_taken_once_whatever_its_case(bureau: Bureau) -> None:
    bureau.add("zhang.san", "inspector")
    with pytest.raises(ConflictError):
        bureau.add("Zhang.San ", "officer")
    assert log_in(bureau, " ZHANG.san").login == "zhang.san"


def test_a_wrong_password_lets_nobody_in(bureau: Bureau) -> None:
    bureau.add("zhang.san", "inspector")
    for word in ("", "wrong", WORD + " ", WORD.upper(), "x" * 100_000):
        bureau.wait(hours=2)
        with pytest.raises(LoginError):
            log_in(bureau, "zhang.san", word)


def test_what_a_dismissed_person_holds_opens_nothing_any_more(bureau: Bureau) -> None:
    identifier = bureau.add("zhang.san", "inspector")
    person = log_in(bureau, "zhang.san")
    secrets = [session(bureau, "zhang.san")]
    with bureau.gate() as connection:
        secrets.append(
            devices.enrol_device(connection, person, PHONE, "手机", now=bureau.now).secret
        )
        secrets.append(
            tokens.issue_token(
                connection, TokenKind.APP_PASSWORD, now=bureau.now, life=timedelta(days=9),
                created_by="zhang.san", account_id=identifier,
            ).secret
        )  # fmt: skip
        code = devices.make_code(connection, identifier, by=OPERATOR, now=bureau.now).code
    assert all(who(bureau, secret) for secret in secrets)
    with bureau.gate() as connection:
        assert accounts.disable_account(connection, identifier, by=OPERATOR, now=bureau.now) == 3
    assert [who(bureau, secret) for secret in secrets] == [None] * 3
    with pytest.raises(LoginError), bureau.gate() as connection:
        devices.use_code(connection, code, now=bureau.now)
    with pytest.raises(LoginError):
        log_in(bureau, "zhang.san")
    with bureau.gate() as connection:
        accounts.enable_account(connection, identifier, by=OPERATOR)
    assert [who(bureau, secret) for secret in secrets] == [None] * 3
    assert log_in(bureau, "zhang.san")


def test_new_roles_end_what_was_given_to_the_old_ones(bureau: Bureau) -> None:
    identifier = bureau.add("zhang.san", "officer")
    held = session(bureau, "zhang.san")
    with bureau.gate() as connection:
        accounts.change_account(
            connection, identifier, by=OPERATOR, now=bureau.now, name="张三", section="燃气股"
        )
    assert who(bureau, held) is not None  # a new name changes no right
    with bureau.gate() as connection:
        accounts.change_account(
            connection, identifier, by=OPERATOR, now=bureau.now, roles=["viewer"]
        )
    assert who(bureau, held) is None
    assert who(bureau, session(bureau, "zhang.san")).pool.value == "field"  # type: ignore[union-attr]


def test_a_new_password_ends_every_login_but_the_one_that_set_it(bureau: Bureau) -> None:
    identifier = bureau.add("zhang.san", "inspector")
    kept, other = session(bureau, "zhang.san"), session(bureau, "zhang.san")
    person = who(bureau, kept)
    assert person is not None
    with bureau.gate() as connection:
        accounts.set_password(
            connection, identifier, "another horse 7", by=person, now=bureau.now,
            keep=person.token_id,
        )  # fmt: skip
    assert who(bureau, kept) is not None
    assert who(bureau, other) is None
    with pytest.raises(LoginError):
        log_in(bureau, "zhang.san", WORD)
    assert log_in(bureau, "zhang.san", "another horse 7")


def test_nobody_disables_themselves_or_raises_themselves(bureau: Bureau) -> None:
    identifier = bureau.add("sys", "system_officer")
    me = log_in(bureau, "sys")
    with pytest.raises(ConflictError), bureau.gate() as connection:
        accounts.disable_account(connection, identifier, by=me, now=bureau.now)
    with pytest.raises(ConflictError), bureau.gate() as connection:
        accounts.change_account(connection, identifier, by=me, now=bureau.now, roles=["officer"])
    with pytest.raises(NotFoundError), bureau.gate() as connection:
        accounts.disable_account(connection, uuid4(), by=me, now=bureau.now)


# throttling


def fail(bureau: Bureau, login: str, address: str = "10.0.0.9") -> int:
    """Fail to log in; the seconds one is told to wait, 0 when it was merely wrong."""
    try:
        check_credentials(bureau.db, login, "wrong words", address=address, now=bureau.now)
    except ThrottledError as error:
        return int(str(error.facts["retry_after"]))
    except LoginError:
        return 0
    raise AssertionError("let in")


def test_five_failures_in_a_minute_block_an_account_and_the_block_grows(bureau: Bureau) -> None:
    bureau.add("zhang.san", "inspector")
    waits = []
    for _ in range(6):
        assert [fail(bureau, "zhang.san", f"10.0.0.{n}") for n in range(5)] == [0] * 5
        wait = fail(bureau, "zhang.san", "10.9.9.9")
        waits.append(wait)
        with pytest.raises(ThrottledError):  # the right password neither: a guess may be right
            log_in(bureau, "zhang.san")
        bureau.wait(seconds=wait)
    # 1, 2, 4, 8 minutes, then 15: never for good.
    assert waits == [61, 121, 241, 481, 901, 901]
    assert log_in(bureau, "zhang.san")


def test_failures_apart_block_nobody(bureau: Bureau) -> None:
    bureau.add("zhang.san", "inspector")
    for _ in range(20):
        assert fail(bureau, "zhang.san") == 0
        bureau.wait(seconds=20)


def test_asking_during_a_block_does_not_prolong_it(bureau: Bureau) -> None:
    bureau.add("zhang.san", "inspector")
    for _ in range(5):
        fail(bureau, "zhang.san")
    for _ in range(10):
        assert fail(bureau, "zhang.san") > 0
        bureau.wait(seconds=5)
    bureau.wait(seconds=11)
    assert log_in(bureau, "zhang.san")


def test_one_address_trying_many_names_is_blocked_and_others_are_not(bureau: Bureau) -> None:
    bureau.add("zhang.san", "inspector")
    assert [fail(bureau, f"name{n}") for n in range(20)] == [0] * 20
    assert fail(bureau, "name99") > 0
    with pytest.raises(ThrottledError):
        log_in(bureau, "zhang.san")
    elsewhere = check_credentials(bureau.db, "zhang.san", WORD, address="10.1.1.1", now=bureau.now)
    assert elsewhere.login == "zhang.san"


def test_the_right_password_forgives_the_account(bureau: Bureau) -> None:
    bureau.add("zhang.san", "inspector")
    for _ in range(3):
        assert [fail(bureau, "zhang.san") for _ in range(4)] == [0] * 4
        assert log_in(bureau, "zhang.san")
    assert bureau.ask("SELECT count(*) FROM core.login_attempt WHERE key LIKE 'account:%'") == [
        (0,)
    ]


def test_names_that_were_typed_are_kept_nowhere(bureau: Bureau) -> None:
    typed = "my-secret-password"
    fail(bureau, typed)
    rows = bureau.ask("SELECT t::text FROM core.login_attempt t")
    rows += bureau.ask("SELECT t::text FROM core.audit_event t")
    assert len(rows) == 3
    assert not [row for row in rows if typed in str(row)]


# tokens


def test_a_token_is_stored_as_its_hash_only(bureau: Bureau) -> None:
    bureau.add("zhang.san", "inspector")
    secret = session(bureau, "zhang.san")
    everything = str(bureau.ask("SELECT t::text, encode(sha256, 'escape') FROM core.token t"))
    assert secret not in everything
    assert secret[4:] not in everything


@pytest.mark.parametrize(
    ("kind", "prefix"),
    [("session", "its_"), ("device", "itd_"), ("app_password", "itk_"), ("link", "itl_")],
)
def test_a_token_has_a_prefix_scanners_know_and_256_bits(kind: str, prefix: str) -> None:
    assert TokenKind(kind).prefix == prefix
    assert tokens.has_shape(prefix + "A" * 43)


@pytest.mark.parametrize(
    "secret", ["", "its_", "its_" + "A" * 42, "its_" + "A" * 44, "itx_" + "A" * 43, "A" * 1000,
               "its_" + "A" * 42 + "'", "its_" + "A" * 43 + "\n", "its_" + "张" * 43]
)  # fmt: skip
def test_what_has_not_the_shape_of_a_token_asks_the_database_nothing(secret: str) -> None:
    assert not tokens.has_shape(secret)


def test_a_session_ends_after_half_an_hour_idle(bureau: Bureau) -> None:
    bureau.add("zhang.san", "inspector")
    held = session(bureau, "zhang.san")
    for _ in range(5):
        bureau.wait(minutes=29)
        assert who(bureau, held) is not None
    bureau.wait(minutes=31)
    assert who(bureau, held) is None


def test_a_session_ends_after_twelve_hours_whatever_happens(bureau: Bureau) -> None:
    bureau.add("zhang.san", "inspector")
    held = session(bureau, "zhang.san")
    for _ in range(35):
        bureau.wait(minutes=20)
        assert who(bureau, held) is not None
    bureau.wait(minutes=21)
    assert who(bureau, held) is None


def test_a_use_is_not_written_down_every_time(bureau: Bureau) -> None:
    bureau.add("zhang.san", "inspector")
    held = session(bureau, "zhang.san")
    question = "SELECT xmin::text, last_used_at FROM core.token"
    first = bureau.ask(question)
    bureau.wait(seconds=30)
    assert who(bureau, held)
    assert bureau.ask(question) == first
    bureau.wait(seconds=31)
    assert who(bureau, held)
    assert bureau.ask(question) != first


def test_a_use_that_a_full_disk_cannot_take_ends_no_session(
    bureau: Bureau, cluster: Cluster
) -> None:
    # PostgreSQL reports a full disk as SQLSTATE 53100.
    bureau.add("zhang.san", "inspector")
    held = session(bureau, "zhang.san")
    owner = create_engine(cluster.url(OWNER, str(bureau.db.engines[Pool.GATE].url.database)))
    with owner.begin() as connection:
        connection.exec_driver_sql(
            "CREATE FUNCTION core.fill_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$"
        )
        connection.exec_driver_sql(
            "CREATE TRIGGER fill_disk BEFORE UPDATE ON core.token"
            " FOR EACH ROW EXECUTE FUNCTION core.fill_disk()"
        )
        connection.exec_driver_sql(
            f"GRANT EXECUTE ON FUNCTION core.fill_disk() TO {Pool.GATE.role}"
        )
    owner.dispose()
    bureau.wait(minutes=5)
    known = who(bureau, held)
    assert known is not None
    assert known.login == "zhang.san"


# phones


def test_a_phone_stays_in_for_thirty_days_after_its_last_use(bureau: Bureau) -> None:
    bureau.add("zhang.san", "inspector")
    person = log_in(bureau, "zhang.san")
    with bureau.gate() as connection:
        held = devices.enrol_device(connection, person, PHONE, "手机", now=bureau.now).secret
    for _ in range(4):
        bureau.wait(days=29)
        known = who(bureau, held)
        assert known is not None
        assert (known.credential, known.device_id) == (Credential.DEVICE, PHONE)
    bureau.wait(days=31)
    assert who(bureau, held) is None


def test_three_phones_each_and_the_same_phone_again_is_no_fourth(bureau: Bureau) -> None:
    identifier = bureau.add("zhang.san", "inspector")
    person = log_in(bureau, "zhang.san")
    phones = [uuid4() for _ in range(4)]
    held = []
    for phone in (*phones[:3], phones[0]):
        with bureau.gate() as connection:
            made = devices.enrol_device(connection, person, phone, "手机", now=bureau.now)
        held.append(made.secret)
    assert [who(bureau, secret) is not None for secret in held] == [False, True, True, True]
    with pytest.raises(ConflictError), bureau.gate() as connection:
        devices.enrol_device(connection, person, phones[3], "手机", now=bureau.now)
    with bureau.gate() as connection:
        devices.revoke_device(connection, identifier, phones[1], by=person, now=bureau.now)
        devices.enrol_device(connection, person, phones[3], "手机", now=bureau.now)
        listed = {row["id"] for row in devices.list_devices(connection, identifier)}
    assert listed == {phones[0], phones[2], phones[3]}
    assert who(bureau, held[1]) is None


def test_a_phone_shared_by_two_is_each_ones_own(bureau: Bureau) -> None:
    held = []
    for login in ("zhang.san", "li.si"):
        bureau.add(login, "inspector")
        person = log_in(bureau, login)
        with bureau.gate() as connection:
            made = devices.enrol_device(connection, person, PHONE, "公用手机", now=bureau.now)
        held.append(made.secret)
    names = [person.login for secret in held if (person := who(bureau, secret))]
    assert names == ["zhang.san", "li.si"]


def test_a_code_brings_in_one_phone_within_ten_minutes(bureau: Bureau) -> None:
    identifier = bureau.add("zhang.san", "inspector")

    def make() -> str:
        with bureau.gate() as connection:
            return devices.make_code(connection, identifier, by=OPERATOR, now=bureau.now).code

    def use(code: str) -> bool:
        try:
            with bureau.gate() as connection:
                return devices.use_code(connection, code, now=bureau.now) == identifier
        except LoginError:
            return False

    code = make()
    assert len(code) == 20
    spelt = "-".join(code[i : i + 4] for i in range(0, 20, 4)).upper()
    assert use(spelt)
    assert not use(code)
    late, replaced = make(), make()
    assert not use(late)  # a new code ends the one before
    bureau.wait(minutes=10, seconds=1)
    assert not use(replaced)
    assert not use("x" * 20)


# the trail


def test_every_change_of_an_account_is_in_the_trail_and_no_secret_is(bureau: Bureau) -> None:
    identifier = bureau.add("zhang.san", "inspector")
    with bureau.gate() as connection:
        accounts.change_account(
            connection, identifier, by=OPERATOR, now=bureau.now, roles=["viewer"]
        )
        accounts.set_password(connection, identifier, "another horse 7", by=OPERATOR, now=NOW)
        accounts.disable_account(connection, identifier, by=OPERATOR, now=bureau.now)
        accounts.enable_account(connection, identifier, by=OPERATOR)
    for action in (
        "create_account", "change_account", "set_password", "disable_account", "enable_account",
    ):  # fmt: skip
        (line,) = bureau.lines(action)
        assert line[:3] == ("os:tester", "done", "account:zhang.san"), action
    assert bureau.lines("change_account")[0][3] == {
        "changed": {"roles": ["viewer"]}, "was": ["inspector"],
    }  # fmt: skip
    trail = str(bureau.ask("SELECT t::text FROM core.audit_event t"))
    assert "horse" not in trail
    assert "argon2" not in trail


def test_a_change_that_fails_leaves_no_line_and_no_change(bureau: Bureau) -> None:
    identifier = bureau.add("zhang.san", "inspector")

    def break_off() -> None:
        with bureau.gate() as connection:
            accounts.disable_account(connection, identifier, by=OPERATOR, now=bureau.now)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    assert bureau.lines("disable_account") == []
    assert log_in(bureau, "zhang.san")


def test_failed_logins_are_in_the_trail_with_the_reason(bureau: Bureau) -> None:
    identifier = bureau.add("zhang.san", "inspector")
    fail(bureau, "zhang.san")
    fail(bureau, "nobody")
    with bureau.gate() as connection:
        accounts.disable_account(connection, identifier, by=OPERATOR, now=bureau.now)
    with pytest.raises(LoginError):
        log_in(bureau, "zhang.san")
    told = [(line[0], line[1], line[3]["reason"]) for line in bureau.lines("login")]  # type: ignore[index]
    assert told == [
        ("zhang.san", "refused", "wrong"),
        ("anonymous", "refused", "wrong"),
        ("zhang.san", "refused", "disabled"),
    ]


def test_an_event_a_person_records_is_in_the_trail_by_its_own_transaction(bureau: Bureau) -> None:
    identifier = bureau.add("zhang.san", "inspector")
    event, hazard = uuid4(), uuid4()
    record = (
        "INSERT INTO core.event (id, hazard_id, type, at, actor, account_id, role, recorded_by)"
        " VALUES (:event, :hazard, 'found', now(), 'zhang.san', :account, 'inspector', 'x')"
    )
    for author, commits in ((identifier, False), (identifier, True), (None, True)):
        with bureau.db.engines[Pool.FIELD].connect() as connection:
            set_context(connection, actor="zhang.san", reason="x")
            values = {"event": event if author else uuid4(), "hazard": hazard, "account": author}
            connection.execute(text(record), values)
            if commits:
                connection.commit()
    # What was rolled back left no line, and an import is nobody's act.
    (line,) = bureau.lines("record_event")
    assert line == (
        "zhang.san", "done", f"event:{event}",
        {"type": "found", "hazard": str(hazard), "role": "inspector"},
    )  # fmt: skip
