"""The policy speaks the workflow's language, and refuses in both of ours."""

from __future__ import annotations

from uuid import uuid4

import pytest

from gis.attributes import Language
from gis.db.roles import Pool
from gis.errors import ForbiddenError, LoginError, NotFoundError
from gis.hazards.events import Role
from gis.people.person import Credential, Person, PersonRole, choose_pool, make_anonymous
from gis.people.policy import TABLE, Action, allows, capacities, require, require_capacity

CAPACITIES = {  # domain.md 2 and the table of transitions, by hand
    PersonRole.INSPECTOR: {"inspector", "reinspector"},
    PersonRole.OFFICER: {"officer", "reinspector"},
    PersonRole.LEADER: {"leader"},
    PersonRole.DUTY_HOLDER: {"duty_holder"},
}


def person(*roles: PersonRole, credential: Credential = Credential.SESSION) -> Person:
    held = frozenset(roles)
    return Person(
        login="x", name="x", pool=choose_pool(held), roles=held, credential=credential,
        account_id=uuid4(),
    )  # fmt: skip


@pytest.mark.parametrize("role", PersonRole)
def test_each_role_acts_in_the_capacities_of_the_workflow(role: PersonRole) -> None:
    credential = Credential.LINK if role is PersonRole.DUTY_HOLDER else Credential.SESSION
    who = person(role, credential=credential)
    found = capacities(who)
    assert found == CAPACITIES.get(role, set())
    assert found <= {capacity.value for capacity in Role}
    for capacity in Role:
        if capacity.value in found:
            require_capacity(who, capacity.value)
        else:
            with pytest.raises(ForbiddenError):
                require_capacity(who, capacity.value)


def test_nobody_acts_as_the_system() -> None:
    everything = person(*set(PersonRole))
    assert "system" not in capacities(everything)


def test_every_action_has_its_row_and_its_words() -> None:
    assert set(TABLE) == set(Action)
    for action in Action:
        assert action.label.zh
        assert action.label.en


def test_the_officers_have_no_right_to_the_bureaus_work() -> None:
    work = {
        Action.READ_HAZARDS, Action.RECORD_EVENT, Action.SYNC, Action.UPLOAD, Action.EXPORT,
        Action.MANAGE_CAMPAIGNS, Action.EDIT_ASSETS, Action.READ_EVIDENCE, Action.RUN_JOBS,
    }  # fmt: skip
    for role in ("system_officer", "security_officer", "audit_officer"):
        who = person(PersonRole(role))
        assert not [action for action in work if allows(who, action)]
    assert not allows(person(PersonRole.SYSTEM_OFFICER), Action.READ_AUDIT)
    assert not allows(person(PersonRole.AUDIT_OFFICER), Action.MANAGE_ACCOUNTS)
    assert not allows(person(PersonRole.SYSTEM_OFFICER), Action.APPROVE_EXPORT)


def test_a_kind_one_does_not_see_does_not_exist() -> None:
    viewer, nobody = person(PersonRole.VIEWER), make_anonymous(Pool.PUBLIC)
    assert allows(viewer, Action.READ, kind="sewer_pipe")
    assert not allows(nobody, Action.READ, kind="sewer_pipe")
    for who, kind in ((nobody, "sewer_pipe"), (nobody, "no_such"), (viewer, "no_such")):
        with pytest.raises(NotFoundError):
            require(who, Action.READ, kind=kind)


def test_who_is_not_known_is_asked_to_log_in_and_who_is_is_told_what_they_may_not() -> None:
    with pytest.raises(LoginError):
        require(make_anonymous(Pool.STAFF), Action.READ_AUDIT)
    with pytest.raises(ForbiddenError) as refused:
        require(person(PersonRole.VIEWER), Action.READ_AUDIT)
    assert "查看审计日志" in refused.value.text(Language.ZH)
    assert "read the audit trail" in refused.value.text(Language.EN)
