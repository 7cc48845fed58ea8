"""The tree of errors; each leaf holds facts and a message in both languages.

InfratrackError
├── InputError            what was asked or sent is wrong (400)
│   ├── GeometryError     a geometry the gate refuses
│   ├── RowError          a row a kind refuses
│   ├── SourceError       a file that cannot be read, or lacks what we need (CRS, columns)
│   ├── ParameterError    a request parameter
│   └── CursorError       a paging cursor that was changed
├── NotFoundError         no such collection, feature, tile (404)
├── LoginError            nobody is logged in, or not any more (401)
│   ├── NewPasswordError  the password was for one login: a new one is needed (401)
│   └── SecondFactorError a code of the second factor is needed, or was wrong (401)
├── ForbiddenError        the role may not (403)
│   └── SecondFactorSetupError  the role needs a second factor, and has none yet (403)
├── ThrottledError        too many attempts to log in (429)
├── ConflictError         the same code or source twice, a stale version (409)
├── TransitionError       a hazard event its state does not allow (409)
├── InFlightError         the same record is being taken in right now (423)
├── GoneError             it was there and has expired (410)
├── BusyError             the database is busy or the query took too long (503)
├── StorageFullError      no space left (507)
└── SetupError            the machine, cluster or configuration is not ready (500; command line)
"""

from __future__ import annotations

from gis.attributes import Language, Text


class InfratrackError(Exception):
    """Base of every error we raise; ``type`` is the stable word clients may rely on."""

    type = "error"
    title = Text(zh="错误", en="Error")

    def __init__(self, message: Text, **facts: object) -> None:
        super().__init__(message.en)
        self.message = message
        self.facts = facts

    def text(self, language: Language) -> str:
        """The message in one language."""
        return self.message.get(language)


class InputError(InfratrackError):
    """What was asked or sent is wrong."""

    type = "invalid-input"
    title = Text(zh="输入有误", en="Invalid input")


class GeometryError(InputError):
    """A geometry the gate refuses."""

    type = "invalid-geometry"
    title = Text(zh="几何有误", en="Invalid geometry")


class RowError(InputError):
    """A row a kind refuses."""

    type = "invalid-row"
    title = Text(zh="记录有误", en="Invalid row")


class SourceError(InputError):
    """A file that cannot be read, or lacks what we need."""

    type = "unreadable-source"
    title = Text(zh="文件无法读取", en="Unreadable file")


class ParameterError(InputError):
    """A parameter that is unknown or of the wrong type."""

    type = "invalid-parameter"
    title = Text(zh="参数有误", en="Invalid parameter")


class CursorError(InputError):
    """A paging cursor that was changed."""

    type = "invalid-cursor"
    title = Text(zh="翻页标记无效", en="Invalid cursor")


class NotFoundError(InfratrackError):
    """There is no such collection, feature or tile."""

    type = "not-found"
    title = Text(zh="不存在", en="Not found")


class LoginError(InfratrackError):
    """Nobody is logged in, or the credential is wrong, over or revoked."""

    type = "login-required"
    title = Text(zh="请先登录", en="Log in first")


class NewPasswordError(LoginError):
    """The password was given out for one login; the fact ``needs`` names what to send with it."""

    type = "new-password-needed"
    title = Text(zh="须设置新口令", en="A new password is needed")


class SecondFactorError(LoginError):
    """A code of the second factor is needed, or was wrong; the fact ``needs`` names it."""

    type = "second-factor-needed"
    title = Text(zh="须二次验证", en="A second factor is needed")


class ThrottledError(InfratrackError):
    """Too many attempts to log in; the fact ``retry_after`` says how many seconds to wait."""

    type = "too-many-attempts"
    title = Text(zh="尝试过于频繁", en="Too many attempts")


class ForbiddenError(InfratrackError):
    """The role may not."""

    type = "forbidden"
    title = Text(zh="无权访问", en="Forbidden")


class SecondFactorSetupError(ForbiddenError):
    """The role needs a second factor and has set up none; the fact ``at`` is the page for it."""

    type = "second-factor-setup-needed"
    title = Text(zh="须先设置二次验证", en="Set up the second factor first")


class ConflictError(InfratrackError):
    """The same code or source twice, or a stale version."""

    type = "conflict"
    title = Text(zh="冲突", en="Conflict")


class TransitionError(InfratrackError):
    """An event the hazard's state does not allow."""

    type = "transition-refused"
    title = Text(zh="状态不允许", en="Transition refused")


class InFlightError(InfratrackError):
    """The same record is being taken in by another request right now."""

    type = "in-flight"
    title = Text(zh="正在接收", en="In flight")


class GoneError(InfratrackError):
    """It was there and has expired."""

    type = "gone"
    title = Text(zh="已过期", en="Gone")


class BusyError(InfratrackError):
    """The database is busy or the query took too long."""

    type = "busy"
    title = Text(zh="系统繁忙", en="Busy")


class StorageFullError(InfratrackError):
    """No space is left."""

    type = "storage-full"
    title = Text(zh="存储空间不足", en="Storage full")


class SetupError(InfratrackError):
    """The machine, cluster or configuration is not ready."""

    type = "setup"
    title = Text(zh="环境未就绪", en="Set-up problem")
