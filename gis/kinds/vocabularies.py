"""The vocabulary behind an attribute, where it has one."""

from __future__ import annotations

import typing

from gis.attributes import Vocabulary
from gis.kinds.base import Record


def vocabulary_of(kind: type[Record], name: str) -> type[Vocabulary] | None:
    """The closed list an attribute's values come from, or None."""
    annotation = kind.model_fields[name].annotation
    for arm in (annotation, *typing.get_args(annotation)):
        if isinstance(arm, type) and issubclass(arm, Vocabulary):
            return arm
    return None
