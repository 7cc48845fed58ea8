"""Labels to stick on assets: their id as a QR code, their code with a check character to type.

The check character is ISO/IEC 7064, MOD 37,36: one character of 0-9A-Z over 0-9A-Z. It finds every
single wrong character and nearly every two that changed places. Codes differ by kind
(RQ00017, WS0304000012), which decides against a system of digits only.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from pydantic import BaseModel, ConfigDict, TypeAdapter

from gis.db.tables import CORE
from gis.kinds import Record
from gis.queries import Statement

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SEPARATORS = " -_./"
"""What codes are written with to be read more easily; not counted."""
MAX_LABELS = 240
"""Ten sheets at once; a QR code takes some milliseconds to draw."""


def check_character(text: str) -> str:
    """The check character of ``text`` (0-9A-Z) by ISO/IEC 7064, hybrid system MOD 37,36.

    P(1) = 36; S = P + a, or 36 where S mod 36 is 0; P' = 2 S mod 37; the last S must be 1 mod 36.

    >>> check_character("A12425GABC1234002")  # the Global Release Identifier's own example
    'M'
    """
    rest = 36
    for character in text:
        rest = ((rest + ALPHABET.index(character)) % 36 or 36) * 2 % 37
    return ALPHABET[(1 - rest) % 36]


def strip_code(code: str) -> str | None:
    """The characters of a code that count, or None where it holds others than 0-9A-Z.

    >>> strip_code("rq-0001"), strip_code("锦绣1号")
    ('RQ0001', None)
    """
    plain = code.upper().translate({ord(one): None for one in SEPARATORS})
    return plain if plain and set(plain) <= set(ALPHABET) else None


def write_code(code: str) -> str:
    """A code as a label shows it: with its check character, or as it is where it can have none.

    >>> write_code("A1-2425G-ABC1234002")
    'A1-2425G-ABC1234002-M'
    """
    plain = strip_code(code)
    return code if plain is None else f"{code}-{check_character(plain)}"


def write_identifier(identifier: UUID) -> str:
    """An asset's id as its QR code carries it: 32 hexadecimal digits and the check character."""
    plain = identifier.hex.upper()
    return plain + check_character(plain)


class Label(BaseModel):
    """What a label says of an asset."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    code: str
    name: str | None


@dataclass(frozen=True, slots=True)
class LabelFilter:
    """Which assets of a kind: a campaign's targets, a township's, those whose code begins so;
    ``after`` is the code of the last one before."""

    campaign: UUID | None = None
    township: str | None = None
    prefix: str | None = None
    after: str | None = None


def labels_of(kind: type[Record], asked: LabelFilter, *, limit: int = MAX_LABELS) -> Statement:
    """Assets of a kind as one JSON array in the order of their codes; one more than ``limit``
    where there are more."""
    target = f"f.id IN (SELECT t.asset_id FROM {CORE}.task t WHERE t.campaign_id = %(campaign)s)"
    conditions = {
        "campaign": target,
        "township": "f.township = %(township)s",
        "prefix": "starts_with(f.code, %(prefix)s)",
        "after": "f.code > %(after)s",
    }
    where = [words for name, words in conditions.items() if getattr(asked, name) is not None]
    return Statement(
        "SELECT coalesce(json_agg(row_to_json(p) ORDER BY p.code), '[]')::text FROM"
        f" (SELECT f.id, f.code, f.name FROM {CORE}.{kind.kind} f"
        f" WHERE {' AND '.join(where) or 'true'} ORDER BY f.code LIMIT %(more)s) p",
        {
            "campaign": asked.campaign,
            "township": asked.township,
            "prefix": asked.prefix,
            "after": asked.after,
            "more": limit + 1,
        },
    )


LABELS = TypeAdapter(list[Label])
"""Reads the answer of :func:`labels_of`."""
