"""A JSON body as a model: what does not fit is named, never repeated."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from api.body import read_json
from gis.attributes import Text
from gis.errors import InputError

M = TypeVar("M", bound=BaseModel)


async def read_model(request: Request, model: type[M]) -> M:
    """The request's JSON document as ``model``; InputError names the fields that do not fit."""
    document = await read_json(request)
    try:
        return model.model_validate(document)
    except ValidationError as error:
        known = set(model.model_fields)
        places = [str(detail["loc"][0]) for detail in error.errors() if detail["loc"]]
        names = sorted({place if place in known else "?" for place in places}) or ["?"]
        raise InputError(
            Text(zh="字段有误:{names}", en="wrong fields: {names}").format(names=", ".join(names)),
            fields=names,
        ) from None
