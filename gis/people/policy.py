"""The one table of who may do what; asked in one place of the API, and again by the database.

A kind or an attribute is allowed by its class: the person's database role either sees it or does
not (:mod:`gis.db.roles`), and what it does not see is as unknown as what does not exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from gis.attributes import Text
from gis.db.roles import visible_kinds
from gis.errors import ForbiddenError, LoginError, NotFoundError, SecondFactorSetupError
from gis.people.person import Credential, Person, PersonRole


class Action(StrEnum):
    """What can be done; every endpoint is one of these."""

    OPEN = "open"
    """Pages, static files, documents of what there is: nothing of it is a secret."""
    READ = "read"
    """Rows of kinds, as far as the person's database role sees them."""
    MEASURE = "measure"
    READ_HAZARDS = "read_hazards"
    READ_OWN_HAZARD = "read_own_hazard"
    RECORD_EVENT = "record_event"
    SYNC = "sync"
    UPLOAD = "upload"
    READ_EVIDENCE = "read_evidence"
    MANAGE_CAMPAIGNS = "manage_campaigns"
    READ_DUTY = "read_duty"
    """Flood duty with names and phones, in a browser only; what is pressing of it all the bureau
    sees."""
    IMPORT_OUTBOX = "import_outbox"
    READ_INSPECTIONS = "read_inspections"
    IMPORT_INSPECTIONS = "import_inspections"
    ISSUE_LINK = "issue_link"
    RECORD_NETWORK = "record_network"
    """Append what was found at a place of the sewer network."""
    EDIT_ASSETS = "edit_assets"
    RUN_JOBS = "run_jobs"
    EXPORT = "export"
    APPROVE_EXPORT = "approve_export"
    OWN_LOGIN = "own_login"
    """What somebody may do who has shown a password, and not yet all that the role needs."""
    OWN_ACCOUNT = "own_account"
    ENROL = "enrol"
    READ_SURVEYS = "read_surveys"
    EDIT_SURVEYS = "edit_surveys"
    MANAGE_ACCOUNTS = "manage_accounts"
    READ_AUDIT = "read_audit"

    @property
    def label(self) -> Text:
        """The action in words, for refusals and the audit trail."""
        return _LABELS[self]


_LABELS = {
    Action.OPEN: Text(zh="打开页面", en="open a page"),
    Action.READ: Text(zh="读取数据", en="read data"),
    Action.MEASURE: Text(zh="查看运行指标", en="read metrics"),
    Action.READ_HAZARDS: Text(zh="查看隐患", en="read hazards"),
    Action.READ_OWN_HAZARD: Text(zh="查看本单位隐患", en="read the hazard of a link"),
    Action.RECORD_EVENT: Text(zh="登记隐患事项", en="record hazard events"),
    Action.SYNC: Text(zh="外业同步", en="synchronise a phone"),
    Action.UPLOAD: Text(zh="上传证据", en="upload evidence"),
    Action.READ_EVIDENCE: Text(zh="查看证据", en="see evidence"),
    Action.MANAGE_CAMPAIGNS: Text(zh="管理专项检查", en="manage campaigns"),
    Action.READ_DUTY: Text(zh="查看汛期值守", en="read flood duty"),
    Action.IMPORT_OUTBOX: Text(zh="导入外业记录", en="import an outbox"),
    Action.READ_INSPECTIONS: Text(zh="查看管道检测", en="read inspections of sewers"),
    Action.IMPORT_INSPECTIONS: Text(zh="导入管道检测", en="import inspections of sewers"),
    Action.ISSUE_LINK: Text(zh="发出整改链接", en="issue a link to a hazard"),
    Action.RECORD_NETWORK: Text(zh="登记管网记录", en="record findings of the network"),
    Action.EDIT_ASSETS: Text(zh="编辑设施", en="edit assets"),
    Action.RUN_JOBS: Text(zh="运行任务", en="run jobs"),
    Action.EXPORT: Text(zh="导出数据", en="export data"),
    Action.APPROVE_EXPORT: Text(zh="审批受控导出", en="approve restricted exports"),
    Action.OWN_LOGIN: Text(zh="管理本人登录方式", en="manage how one logs in"),
    Action.OWN_ACCOUNT: Text(zh="管理本人账号", en="manage one's own account"),
    Action.ENROL: Text(zh="登记手机", en="enrol phones"),
    Action.READ_SURVEYS: Text(zh="查看管网验收", en="read surveys"),
    Action.EDIT_SURVEYS: Text(zh="办理管网验收", en="judge surveys"),
    Action.MANAGE_ACCOUNTS: Text(zh="管理账号", en="manage accounts"),
    Action.READ_AUDIT: Text(zh="查看审计日志", en="read the audit trail"),
}

SETUP = Text(
    zh="您的角色须二次验证:请先在浏览器的账号页(/account)设置",
    en="your role needs a second factor: set it up on the page /account, in a browser",
)
_EVERY_ACCOUNT = frozenset(PersonRole) - {PersonRole.DUTY_HOLDER}
_BUREAU = frozenset(
    {
        PersonRole.VIEWER,
        PersonRole.INSPECTOR,
        PersonRole.OFFICER,
        PersonRole.PLANNER,
        PersonRole.LEADER,
    }
)
_OFFICE = frozenset({PersonRole.OFFICER, PersonRole.LEADER})
_HANDLERS = _OFFICE | {PersonRole.INSPECTOR}
_WITH_LINK = frozenset({PersonRole.DUTY_HOLDER})

TABLE: Mapping[Action, frozenset[PersonRole]] = {
    Action.OPEN: frozenset(PersonRole),
    Action.READ: frozenset(PersonRole),
    Action.MEASURE: frozenset({PersonRole.SYSTEM_OFFICER}),
    Action.READ_HAZARDS: _BUREAU,
    Action.READ_OWN_HAZARD: _BUREAU | _WITH_LINK,
    Action.RECORD_EVENT: _HANDLERS | _WITH_LINK,
    Action.SYNC: _HANDLERS,
    Action.UPLOAD: _HANDLERS | _WITH_LINK,
    Action.READ_EVIDENCE: _HANDLERS | _WITH_LINK,
    Action.MANAGE_CAMPAIGNS: _OFFICE,
    Action.READ_DUTY: _OFFICE,
    Action.IMPORT_OUTBOX: frozenset({PersonRole.OFFICER}),
    Action.READ_INSPECTIONS: _BUREAU,
    Action.IMPORT_INSPECTIONS: frozenset({PersonRole.OFFICER}),
    Action.ISSUE_LINK: _OFFICE,
    Action.RECORD_NETWORK: _HANDLERS,
    Action.EDIT_ASSETS: frozenset({PersonRole.OFFICER}),
    Action.RUN_JOBS: frozenset({PersonRole.OFFICER, PersonRole.PLANNER}),
    Action.EXPORT: frozenset({PersonRole.OFFICER, PersonRole.PLANNER, PersonRole.LEADER}),
    Action.APPROVE_EXPORT: frozenset({PersonRole.SECURITY_OFFICER}),
    Action.OWN_LOGIN: _EVERY_ACCOUNT,
    Action.OWN_ACCOUNT: _EVERY_ACCOUNT,
    Action.ENROL: frozenset({PersonRole.OFFICER, PersonRole.SYSTEM_OFFICER}),
    Action.READ_SURVEYS: _BUREAU,
    Action.EDIT_SURVEYS: frozenset({PersonRole.OFFICER}),
    Action.MANAGE_ACCOUNTS: frozenset({PersonRole.SYSTEM_OFFICER}),
    Action.READ_AUDIT: frozenset({PersonRole.AUDIT_OFFICER}),
}
"""Role -> action, the other way round: every action with the roles that may do it."""
_NOBODY_MAY = frozenset({Action.OPEN, Action.READ})
"""Without a login."""
_PROVISIONAL_MAY = _NOBODY_MAY | {Action.OWN_LOGIN}
_LOCAL_MAY = _NOBODY_MAY | {Action.MEASURE, Action.READ_HAZARDS, Action.READ_INSPECTIONS}
"""Without a login, on the machine itself, where the server listens to nobody else."""
_READING = frozenset(
    {
        Action.OPEN,
        Action.READ,
        Action.READ_HAZARDS,
        Action.READ_OWN_HAZARD,
        Action.READ_EVIDENCE,
        Action.READ_INSPECTIONS,
        Action.READ_SURVEYS,
        Action.EXPORT,
    }
)
_BY_CREDENTIAL: Mapping[Credential, frozenset[Action]] = {
    Credential.SESSION: frozenset(Action),
    # A phone is lost more easily than a password: no export, nobody's account from it.
    Credential.DEVICE: (_READING - {Action.EXPORT})
    | {Action.RECORD_EVENT, Action.SYNC, Action.UPLOAD, Action.MANAGE_CAMPAIGNS}
    | {Action.RECORD_NETWORK},
    # Lies in a script or a QGIS profile for months: it reads.
    Credential.APP_PASSWORD: _READING | {Action.MEASURE},
    Credential.TOKEN: _READING | {Action.MEASURE},
    Credential.LINK: frozenset(
        {
            Action.OPEN,
            Action.READ,
            Action.READ_OWN_HAZARD,
            Action.RECORD_EVENT,
            Action.UPLOAD,
            Action.READ_EVIDENCE,
        }
    ),
}
_CAPACITIES = {
    PersonRole.INSPECTOR: frozenset({"inspector", "reinspector"}),
    PersonRole.OFFICER: frozenset({"officer", "reinspector"}),
    PersonRole.LEADER: frozenset({"leader"}),
    PersonRole.DUTY_HOLDER: frozenset({"duty_holder"}),
}
"""In which capacity of the workflow (:class:`gis.hazards.events.Role`) each may act."""


def allows(person: Person, action: Action, *, kind: str | None = None) -> bool:
    """Whether the person may do it, and sees the kind where one is named."""
    if kind is not None and not sees(person, kind):
        return False
    if not person.is_known:
        return action in (_LOCAL_MAY if person.is_local else _NOBODY_MAY)
    if person.is_provisional and action not in _PROVISIONAL_MAY:
        return False
    if action not in _BY_CREDENTIAL[person.credential]:
        return False
    return not TABLE[action].isdisjoint(person.roles)


def require(person: Person, action: Action, *, kind: str | None = None) -> None:
    """Raise LoginError (nobody is logged in) or ForbiddenError unless the person may.

    A kind the person does not see is NotFoundError, as one that does not exist.
    """
    if kind is not None and not sees(person, kind):
        raise NotFoundError(Text(zh="没有此图层", en="no such collection"))
    if allows(person, action):
        return
    if not person.is_known:
        raise LoginError(Text(zh="请先登录", en="log in first"), action=action.value)
    if person.is_provisional:
        raise SecondFactorSetupError(SETUP, at="/account")
    raise ForbiddenError(
        Text(
            zh=f"您的角色或登录方式不允许:{action.label.zh}",
            en=f"your role or way of logging in may not {action.label.en}",
        ),
        action=action.value,
    )


def sees(person: Person, kind: str) -> bool:
    """Whether the person's database role reads the kind."""
    return any(seen.kind == kind for seen in visible_kinds(person.pool))


def capacities(person: Person) -> frozenset[str]:
    """The workflow's roles the person may act in; empty for who may record nothing."""
    if not allows(person, Action.RECORD_EVENT):
        return frozenset()
    return capacities_of(person.roles)


def capacities_of(roles: Iterable[PersonRole]) -> frozenset[str]:
    """The workflow's roles that these roles act in."""
    return frozenset[str]().union(*(_CAPACITIES.get(role, ()) for role in roles))


def require_capacity(person: Person, capacity: str) -> None:
    """Raise unless the person may act in this role of the workflow."""
    require(person, Action.RECORD_EVENT)
    if capacity not in capacities(person):
        raise ForbiddenError(
            Text(zh="您不能以此身份登记", en="you may not act in this capacity"),
            capacity=capacity[:32],
        )
