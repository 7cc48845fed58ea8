"""What a kind's declaration says of whole columns: one call into Pydantic per attribute.

The verdicts and messages are those of the kind's model; a row is never built. An attribute nobody
spoke of has its default, an attribute that is required and absent refuses the row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import BeforeValidator, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from gis.exchange.open_file import Values
from gis.kinds import Record
from gis.kinds.base import holds_unstorable_text

Column = npt.NDArray[np.object_]


def judge_columns(
    kind: type[Record], columns: Mapping[str, Values], count: int
) -> tuple[dict[str, Column], dict[str, dict[int, ErrorDetails]]]:
    """Plain JSON values of every attribute, and by attribute and row the first fault there.

    ``columns`` holds ``count`` cells each, None where a row says nothing. A faulty cell is None in
    the answer.
    """
    judged: dict[str, Column] = {}
    faults: dict[str, dict[int, ErrorDetails]] = {}
    for name, info in kind.model_fields.items():
        judged[name], faults[name] = _judge(kind, name, info, columns.get(name), count)
    return judged, faults


def _judge(
    kind: type[Record], name: str, info: FieldInfo, cells: Values | None, count: int
) -> tuple[Column, dict[int, ErrorDetails]]:
    column = np.full(count, None, dtype=object)
    given = np.zeros(count, dtype=bool) if cells is None else _are_given(cells)
    faults: dict[int, ErrorDetails] = {}
    if not given.all():
        absent = np.flatnonzero(~given)
        if info.is_required():
            missing: ErrorDetails = {"type": "missing", "loc": (name,), "msg": "", "input": None}
            faults = dict.fromkeys(absent.tolist(), missing)
        else:
            # an object array would take a dict for a scalar, but a list for many
            for_all = np.empty(1, dtype=object)
            for_all[0] = _default(kind, name)
            column[absent] = for_all
    if cells is not None and given.any():
        rows = np.flatnonzero(given)
        spoken = cells if len(rows) == count else [cells[i] for i in rows]
        plain, wrong = _validate(kind, name, spoken)
        faults |= {int(rows[at]): fault for at, fault in wrong.items()}
        column[rows] = plain
    return column, faults


def _are_given(cells: Values) -> npt.NDArray[np.bool_]:
    return np.fromiter((cell is not None for cell in cells), dtype=bool, count=len(cells))


def _validate(
    kind: type[Record], name: str, cells: Values
) -> tuple[Column, dict[int, ErrorDetails]]:
    adapter = _adapter(kind, name, hostile=holds_unstorable_text(cells))
    faults: dict[int, ErrorDetails] = {}
    good: Sequence[int] | None = None
    try:
        valid = adapter.validate_python(cells)
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            faults.setdefault(int(fault["loc"][0]), fault)
        good = [i for i in range(len(cells)) if i not in faults]
        valid = adapter.validate_python([cells[i] for i in good])
    plain = adapter.dump_python(valid, mode="json")
    column = np.full(len(cells), None, dtype=object)
    if good is None:
        column[:] = plain
    else:
        for at, value in zip(good, plain, strict=True):
            column[at] = value
    return column, faults


@cache
def _adapter(
    kind: type[Record],
    name: str,
    *,
    hostile: bool,
) -> TypeAdapter[list[Any]]:  # Any: the attribute's type, known at run time
    """A column of one attribute under the model's rules.

    The kinds' own check of text is a Python call per cell: only a column that needs it has it.
    """
    info = kind.model_fields[name]
    marks = [*info.metadata, *([BeforeValidator(kind.refuse_unstorable_text)] if hostile else [])]
    declared: Any = info.annotation  # Any: as above
    for mark in marks:
        declared = Annotated[declared, mark]
    return TypeAdapter(list[declared], config=kind.model_config)


@cache
def _default(kind: type[Record], name: str) -> Any:  # noqa: ANN401 - Any: of the attribute's type
    info = kind.model_fields[name]
    value = info.get_default(call_default_factory=True, validated_data={})
    return _adapter(kind, name, hostile=False).dump_python([value], mode="json")[0]
