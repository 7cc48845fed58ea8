"""Passwords: argon2id, at most two at once, and as slow for an unknown name as for a wrong word.

Parameters: RFC 9106's second recommendation with one lane (64 MiB, 3 passes), above OWASP's floor
of 19 MiB and 2 passes (Password Storage Cheat Sheet).
"""

from __future__ import annotations

import secrets
import threading
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gis.attributes import Text
from gis.errors import InputError

LEAST, MOST = 8, 128
_AT_ONCE = 2
_turns = threading.BoundedSemaphore(_AT_ONCE)
"""Of the process: memory is bounded by it (128 MiB), whoever asks."""
_hasher = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=1)
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
"""Without the letters that are taken for digits when read aloud."""


def hash_password(password: str) -> str:
    """The argon2id hash to store."""
    with _turns:
        return _hasher.hash(normalise(password))


def verify_password(kept: str | None, password: str) -> bool:
    """Whether the password is the one hashed; without a hash it takes as long and is False."""
    wanted = _dummy_hash() if kept is None else kept
    with _turns:
        try:
            _hasher.verify(wanted, normalise(password))
        except (VerificationError, InvalidHashError):
            return False
    return kept is not None


def needs_rehash(kept: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(kept)


def prepare_hashing() -> None:
    """Make the dummy hash now, so that the first unknown name is no slower than the next."""
    _dummy_hash()


@cache
def _dummy_hash() -> str:
    return hash_password(secrets.token_urlsafe(16))


def normalise(password: str) -> str:
    """One spelling for what looks the same on every keyboard (NFC)."""
    return unicodedata.normalize("NFC", password)[: MOST * 4]


def check_password(password: str, *, login: str) -> None:
    """Raise InputError for a password nobody should choose."""
    plain = normalise(password)
    if not LEAST <= len(plain) <= MOST or "\0" in plain:
        raise InputError(
            Text(zh="口令需 {a}-{b} 个字符", en="a password has {a} to {b} characters").format(
                a=LEAST, b=MOST
            )
        )
    if len(set(plain)) < 5 or login.lower() in plain.lower() or plain.isdigit():
        raise InputError(
            Text(
                zh="口令过于简单:不得全为数字、不得含登录名,至少五种不同字符",
                en="too simple a password: not digits only, not holding the login name, at least"
                " five different characters",
            )
        )


def check_new_password(password: str, *, before: str, login: str) -> None:
    """Raise InputError for a password nobody should choose, or that is the one before."""
    check_password(password, login=login)
    if normalise(password) == normalise(before):
        raise InputError(
            Text(zh="新口令不得与原口令相同", en="the new password must not be the old one")
        )


def generate_password() -> str:
    """A password of 80 bits, in groups that can be read out.

    >>> len(generate_password())
    19
    """
    letters = [secrets.choice(_ALPHABET) for _ in range(16)]
    return "-".join("".join(letters[i : i + 4]) for i in range(0, 16, 4))
