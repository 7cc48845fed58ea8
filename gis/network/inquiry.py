"""What a question about the network starts from: a node or a pipe, by its id or its code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from gis.attributes import Text
from gis.db.tables import CORE
from gis.errors import GoneError, NotFoundError
from gis.network.asking import Ask
from gis.network.profile_questions import NODE_KINDS
from gis.queries import Statement

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Place:
    """A node of the network, or a pipe with its two nodes along the flow.

    ``kind`` and ``code`` are None at a virtual node: pipes meet there, or name it, and no record
    has it.
    """

    id: UUID
    kind: str | None
    code: str | None
    source: UUID | None = None
    target: UUID | None = None

    @property
    def is_pipe(self) -> bool:
        """Whether it is a pipe."""
        return self.kind == "sewer_pipe"

    def as_document(self) -> dict[str, Any]:  # Any: JSON
        """As answers repeat it."""
        return {"id": str(self.id), "kind": self.kind, "code": self.code}


def read_id(words: str) -> UUID | None:
    """The words as an id, or None: then they are a code."""
    return UUID(words) if _ID.fullmatch(words) else None


def find_place(ask: Ask, words: str) -> Place:
    """The node or pipe of that id or code, nodes first.

    NotFoundError where there is none; GoneError for one that was deleted or removed.
    """
    identifier = read_id(words)
    which = "a.code = %(words)s" if identifier is None else "a.id = %(words)s::uuid"
    rows = ask(
        Statement(
            "SELECT a.kind, a.id, a.code, a.voided OR coalesce(p.service_state = 'removed', false),"
            " e.source_id, e.target_id"
            f" FROM {CORE}.asset a LEFT JOIN {CORE}.sewer_pipe p ON p.id = a.id"
            f" LEFT JOIN {CORE}.network_edge e ON e.pipe_id = a.id"
            f" WHERE a.kind = ANY(%(kinds)s) AND {which}"
            " ORDER BY 4, array_position(%(kinds)s, a.kind)",
            {"words": words, "kinds": [*NODE_KINDS, "sewer_pipe"]},
        )
    )
    if rows and not rows[0][3]:
        kind, at, code, _, source, target = rows[0]
        if kind != "sewer_pipe" or source is not None:
            return Place(at, kind, code, source, target)
    return _find_virtual(ask, words, identifier) or _refuse(words, rows[0] if rows else None)


def _find_virtual(ask: Ask, words: str, identifier: UUID | None) -> Place | None:
    """A node no record has."""
    named = "%(words)s::uuid" if identifier else "md5('code ' || %(words)s)::uuid"
    rows = ask(
        Statement(
            f"SELECT {named} WHERE EXISTS (SELECT 1 FROM {CORE}.network_edge"
            f" WHERE source_id = {named}) OR EXISTS (SELECT 1 FROM {CORE}.network_edge"
            f" WHERE target_id = {named})",
            {"words": words},
        )
    )
    return Place(rows[0][0], None, None if identifier else words) if rows else None


def _refuse(words: str, gone: Any) -> Place:  # noqa: ANN401 - Any: a row or None
    if gone is None:
        raise missing_place(words)
    if not gone[3]:
        raise NotFoundError(
            Text(
                zh="管段 {code} 的拓扑尚未建立:请稍后重试,或运行"
                " `python3 -m gis network --rebuild`",
                en="pipe {code} has no topology yet: retry, or run"
                " `python3 -m gis network --rebuild`",
            ).format(code=gone[2])
        )
    raise GoneError(
        Text(
            zh="{code} 已拆除或作废,不在现状管网中:可用 as-of 查询其在用时的管网",
            en="{code} was removed or voided and is no part of the present network: ask with as-of"
            " for a day it was",
        ).format(code=gone[2]),
        id=str(gone[1]),
    )


def missing_place(words: str) -> NotFoundError:
    """No node and no pipe of that id or code."""
    return NotFoundError(
        Text(
            zh="管网中没有编号为 {words} 的节点或管段", en="the network has no node or pipe {words}"
        ).format(words=words[:64])
    )
