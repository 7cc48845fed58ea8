"""What ``doctor`` finds: a state, words, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gis.attributes import Text


class State(StrEnum):
    """How a thing is: in order, worth knowing, or wrong."""

    OK = "ok"
    NOTICE = "notice"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at, what was found, and how to mend it when it is not in order."""

    name: str
    title: Text
    state: State
    found: Text
    fix: Text | None = None

    def as_dict(self) -> dict[str, object]:
        """For ``doctor --json``."""
        return {
            "name": self.name,
            "title": self.title.as_dict(),
            "state": self.state.value,
            "found": self.found.as_dict(),
            "fix": self.fix.as_dict() if self.fix else None,
        }
