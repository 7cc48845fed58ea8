"""What goes wrong with one record: a refusal that is kept, with a number to find it by in the log.

The record's own fault stays with the record; what is the database's or the installation's passes
by itself or is mended, and the record is sent again.
"""

from __future__ import annotations

import logging
import secrets
import traceback
from uuid import UUID

import psycopg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from gis.attributes import Text
from gis.errors import BusyError, InFlightError, InfratrackError, SetupError, StorageFullError
from gis.hazards.case import Reason

_log = logging.getLogger(__name__)
_PASSING = (BusyError, InFlightError, SetupError, StorageFullError)
_RECORDS_OWN = (psycopg.IntegrityError, psycopg.DataError, psycopg.errors.RaiseException)
_GUARDS = ("IT003", "IT004")
"""What our triggers raise of a record; IT001 (no actor) and IT002 (a moment in the future, which is
two clocks apart) are the installation's."""


def is_records_own(error: Exception) -> bool:
    """Whether sending the same record again would end the same."""
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None)
        return isinstance(error.orig, _RECORDS_OWN) or state in _GUARDS
    return not isinstance(error, (SQLAlchemyError, psycopg.Error, MemoryError, *_PASSING))


def explain_fault(error: Exception, record_id: UUID) -> Reason:
    """Why a record is refused that could not be judged; the error itself goes to the log.

    Raises ``error`` again where it is not the record's own.
    """
    if not is_records_own(error):
        raise error
    if isinstance(error, InfratrackError):
        return Reason(str(error.facts.get("rule", error.type)), error.message)
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, psycopg.errors.UniqueViolation):
        name = str(cause.diag.constraint_name)
        return Reason("taken", _TAKEN.format(what=name), {"constraint": name})
    number = log_fault(error, f"record {record_id}")
    return Reason("fault", _FAULT.format(number=number), {"fault": number})


def log_fault(error: Exception, what: str) -> str:
    """Write an error to the server's log under a number, which is given back.

    Of the database's words none, for they repeat rows and values (as ``api.errors`` does).
    """
    number = secrets.token_hex(4)
    if not isinstance(error, DBAPIError | psycopg.Error):
        _log.error("fault %s in %s", number, what, exc_info=error)
        return number
    cause = error.orig if isinstance(error, DBAPIError) else error
    _log.error(
        "fault %s in %s: %s (%s) by %s\n%s",
        number,
        what,
        type(cause).__name__,
        getattr(cause, "sqlstate", None),
        error.statement if isinstance(error, DBAPIError) else "a statement",
        "".join(traceback.format_tb(error.__traceback__)),
    )
    return number


_TAKEN = Text(
    zh="与已登记的另一记录重复({what}):编号已被占用",
    en="another record holds the same ({what}): its code or number is taken",
)
_FAULT = Text(
    zh="服务器无法处理此记录,已保存并记入日志(编号 {number}),请告知管理员",
    en="the server could not work on this record; it is kept, and logged as fault {number}:"
    " tell the administrator",
)
