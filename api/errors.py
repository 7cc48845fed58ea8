"""Errors to HTTP: one map from class to status, one shape of answer (RFC 9457)."""

from __future__ import annotations

import logging
import traceback

import orjson
import psycopg
from psycopg_pool import PoolTimeout as NoConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.language import choose_language
from gis import errors
from gis.attributes import Text
from gis.db.handle import is_disk_full

STATUS: dict[type[errors.InfratrackError], int] = {
    errors.InputError: 400,
    errors.GeometryError: 400,
    errors.RowError: 400,
    errors.SourceError: 400,
    errors.ParameterError: 400,
    errors.CursorError: 400,
    errors.NotFoundError: 404,
    errors.LoginError: 401,
    errors.NewPasswordError: 401,
    errors.SecondFactorError: 401,
    errors.ForbiddenError: 403,
    errors.SecondFactorSetupError: 403,
    errors.ThrottledError: 429,
    errors.ConflictError: 409,
    errors.TransitionError: 409,
    errors.InFlightError: 423,
    errors.GoneError: 410,
    errors.BusyError: 503,
    errors.StorageFullError: 507,
    errors.SetupError: 500,
}
"""Every leaf of the tree has its status (a test walks the tree)."""

PROBLEM = "application/problem+json"
HTTP_TEXTS = {
    400: Text(zh="请求有误", en="Bad request"),
    404: Text(zh="不存在", en="Not found"),
    405: Text(zh="不支持的方法", en="Method not allowed"),
    408: Text(zh="请求过慢", en="The request was too slow"),
    413: Text(zh="内容过大", en="Too large"),
    414: Text(zh="地址过长", en="The address is too long"),
    415: Text(zh="不支持的格式", en="Unsupported media type"),
    431: Text(zh="请求头过大", en="Headers too large"),
    500: Text(zh="服务器内部错误,已记录", en="Internal error; it was logged"),
}
_log = logging.getLogger(__name__)


def problem(
    status: int,
    kind: str,
    title: str,
    detail: str,
    *,
    language: str = "zh",
    headers: dict[str, str] | None = None,
    facts: dict[str, object] | None = None,
) -> Response:
    """A problem document; facts never hold what the client sent beyond names and numbers."""
    body = {
        **(facts or {}),
        "type": f"urn:infratrack:problem:{kind}",
        "title": title,
        "status": status,
        "detail": detail,
    }
    extra = {"Content-Language": language, "Cache-Control": "no-store", **(headers or {})}
    return Response(orjson.dumps(body, default=str), status, extra, PROBLEM)


def answer_error(request: Request, error: Exception) -> Response:
    """The answer to any error; unknown ones are logged and say nothing of their cause."""
    language = choose_language(request)
    known = translate(error)
    if known is None:
        _log_unexpected(request, error)
        text = HTTP_TEXTS[500].get(language)
        return problem(500, "internal", text, text, language=language)
    status = STATUS[type(known)]
    headers = _explain_status(request, status, known)
    return problem(
        status,
        known.type,
        known.title.get(language),
        known.text(language),
        language=language,
        headers=headers,
        facts=known.facts,
    )


def _log_unexpected(request: Request, error: Exception) -> None:
    """Where it happened and what; of the database's words none, for they repeat rows and values."""
    route = request.scope.get("path")
    if not isinstance(error, DBAPIError | psycopg.Error):
        _log.error("unexpected error in %s", route, exc_info=error)
        return
    cause = error.orig if isinstance(error, DBAPIError) else error
    _log.error(
        "unexpected error in %s: %s (%s) by %s\n%s",
        route,
        type(cause).__name__,
        getattr(cause, "sqlstate", None),
        error.statement if isinstance(error, DBAPIError) else "a statement",
        "".join(traceback.format_tb(error.__traceback__)),
    )


def _explain_status(request: Request, status: int, error: errors.InfratrackError) -> dict[str, str]:
    if status == 401:
        return {"WWW-Authenticate": _challenge(request)}
    if status == 429:
        return {"Retry-After": str(error.facts.get("retry_after", 60))}
    return {"Retry-After": "2"} if status in (423, 503) else {}


def _challenge(request: Request) -> str:
    """Basic for programs such as QGIS and GDAL; a browser would ask with a window of its own."""
    headers = request.headers
    is_browser = any(n in headers for n in ("sec-fetch-mode", "cookie", "x-infratrack", "origin"))
    if is_browser or headers.get("accept", "").startswith("text/html"):
        return 'Bearer realm="Infratrack"'
    return 'Basic realm="Infratrack", charset="UTF-8"'


def answer_http(request: Request, error: Exception) -> Response:
    """Starlette's own refusals (404, 405 …) as problem documents."""
    if not isinstance(error, HTTPException):
        return answer_error(request, error)
    language = choose_language(request)
    text = HTTP_TEXTS.get(error.status_code, HTTP_TEXTS[400]).get(language)
    return problem(
        error.status_code,
        f"http-{error.status_code}",
        text,
        text,
        language=language,
        headers=dict(error.headers or {}),
    )


def answer_validation(request: Request, _error: Exception) -> Response:
    """FastAPI's validation as a 400 that does not echo the input."""
    language = choose_language(request)
    text = HTTP_TEXTS[400].get(language)
    return problem(400, "invalid-input", text, text, language=language)


def translate(error: Exception) -> errors.InfratrackError | None:
    """What the database said, as one of our errors; its own words (row values) are not passed."""
    if isinstance(error, errors.InfratrackError):
        return error
    cause = error.orig if isinstance(error, DBAPIError) else error
    if is_disk_full(cause):
        return errors.StorageFullError(_DISK_FULL)
    for classes, make, text in _DATABASE_ERRORS:
        if isinstance(cause, classes):
            return make(text)
    return None


_DISK_FULL = Text(zh="磁盘已满:可读不可写", en="The disk is full: reading works, writing does not")
NO_CONNECTION = (PoolTimeout, NoConnection)
_UNAVAILABLE = (psycopg.OperationalError, *NO_CONNECTION)
_DATABASE_ERRORS: tuple[
    tuple[tuple[type[Exception], ...], type[errors.InfratrackError], Text], ...
] = (
    (
        (psycopg.errors.QueryCanceled,),
        errors.BusyError,
        Text(zh="查询超时:请缩小范围后重试", en="The query took too long: narrow it and retry"),
    ),
    (
        (psycopg.errors.InsufficientPrivilege,),
        errors.ForbiddenError,
        Text(zh="无权访问", en="Not allowed"),
    ),
    (
        (psycopg.errors.UniqueViolation, psycopg.errors.ExclusionViolation),
        errors.ConflictError,
        Text(zh="与已有数据冲突", en="It conflicts with what is on record"),
    ),
    (
        (psycopg.DataError,),
        errors.InputError,
        Text(zh="数值超出范围", en="A value is out of range"),
    ),
    (
        _UNAVAILABLE,
        errors.BusyError,
        Text(zh="数据库暂不可用,请稍后重试", en="The database is not available; retry shortly"),
    ),
)
"""From the particular to the general: the first class that fits decides."""
