"""Envelopes as a phone writes them, for tests: one device, gap-free numbers, chained hashes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import uuid_utils

from gis.hazards.events import Role
from gis.hazards.log import Author

ZHANG = UUID("01900000-0000-7000-8000-000000000001")
EVERYTHING = frozenset(Role) - {Role.SYSTEM}


def author(
    login: str = "zhang", account: UUID = ZHANG, roles: frozenset[Role] = EVERYTHING
) -> Author:
    return Author(account_id=account, login=login, roles=roles)


def photo(kind: str, content: bytes | None = None, **more: object) -> dict[str, Any]:
    content = content or uuid4().bytes
    return {"sha256": hashlib.sha256(content).hexdigest(), "kind": kind, "media": "image/jpeg",
            "bytes": len(content), **more}  # fmt: skip


@dataclass
class Phone:
    """Writes records the way the app does."""

    account: UUID = ZHANG
    id: UUID = field(default_factory=uuid4)
    seq: int = 0
    last: str | None = None

    def write(self, type_: str, at: datetime, **members: object) -> bytes:
        self.seq += 1
        record = {
            "id": str(uuid_utils.uuid7()),
            "type": type_,
            "account": str(self.account),
            "role": "inspector",
            "device": {"id": str(self.id), "seq": self.seq, "at": at.isoformat()},
            "prev_hash": self.last,
            "fix": {"lon": 99.2, "lat": 24.9, "accuracy_m": 6.0, "level": 0.95, "source": "gnss"},
            **members,
        }
        body = json.dumps(record, ensure_ascii=False, default=str).encode()
        self.last = hashlib.sha256(body).hexdigest()
        return body


def id_of(body: bytes) -> UUID:
    return UUID(json.loads(body)["id"])
