"""Campaigns (专项检查) and rounds: opened by the office, their targets drawn, assigned, covered."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from api.context import application_of, parts_of
from api.identity import person_of
from api.ogc.parameters import COMMON, check_known
from api.recording import author_of, record
from api.requests import read_model
from api.routes.records import read_identifier
from gis.attributes import Text
from gis.errors import LoginError
from gis.hazards import office, questions
from gis.hazards.log import Author

_PRIVATE = {"Cache-Control": "no-store"}


class Assignment(BaseModel):
    """Targets and who visits them; without a login they are taken back."""

    model_config = ConfigDict(extra="forbid")

    tasks: Annotated[list[str], Field(min_length=1, max_length=20_000)]
    to: Annotated[str | None, Field(max_length=80)] = None


class Opening(BaseModel):
    """A campaign as it is asked for; its rules are judged by the log."""

    model_config = ConfigDict(extra="forbid")

    name: str
    document: str | None = None
    rules: list[dict[str, Any]]  # Any: judged by TargetRule
    starts_on: str
    due_on: str


def _author(request: Request) -> Author:
    author = author_of(person_of(request))
    if author is None:
        raise LoginError(Text(zh="请先登录", en="log in first"))
    return author


async def list_campaigns(request: Request) -> Response:
    """All campaigns with their coverage."""
    check_known(request.query_params, COMMON)
    rows = await parts_of(request).reader.run(request, lambda ask: ask(questions.list_campaigns()))
    return Response(rows[0][0], 200, _PRIVATE, "application/json")


async def open_campaign(request: Request) -> Response:
    """Open a campaign: its targets are drawn at once."""
    check_known(request.query_params, COMMON)
    asked = (await read_model(request, Opening)).model_dump(exclude_none=True)
    author, now = _author(request), application_of(request).clock()
    campaign_id = await record(
        request,
        lambda connection: office.open_campaign(connection, asked, author=author, now=now),
        reason="campaign",
    )
    headers = {**_PRIVATE, "Location": f"/campaigns/{campaign_id}/tasks"}
    return Response(orjson.dumps({"id": str(campaign_id)}), 201, headers, "application/json")


async def list_tasks(request: Request) -> Response:
    """The targets of one campaign."""
    check_known(request.query_params, COMMON)
    identifier = read_identifier(request)
    rows = await parts_of(request).reader.run(
        request, lambda ask: ask(questions.tasks_of(identifier))
    )
    return Response(rows[0][0], 200, _PRIVATE, "application/json")


async def assign(request: Request) -> Response:
    """Give targets to an inspector, or take them back."""
    check_known(request.query_params, COMMON)
    asked, identifier = await read_model(request, Assignment), read_identifier(request)
    author, now = _author(request), application_of(request).clock()
    await record(
        request,
        lambda connection: office.assign_targets(
            connection, identifier, asked.tasks, asked.to, author=author, now=now
        ),
        reason="assignment",
    )
    return Response(status_code=204, headers=_PRIVATE)


async def close(request: Request) -> Response:
    """End a campaign."""
    check_known(request.query_params, COMMON)
    identifier = read_identifier(request)
    author, now = _author(request), application_of(request).clock()
    await record(
        request,
        lambda connection: office.close_campaign(connection, identifier, author=author, now=now),
        reason="campaign",
    )
    return Response(status_code=204, headers=_PRIVATE)
