"""Names importers of SWMM agree on: short, ASCII, unlike each other; the same in every export.

Readers break on Chinese names (swmmr#24) and on long ones. A name is the code where that is
plain ASCII and nobody else's; else a letter and the end of the id. Codes and names of the register
travel in descriptions.
"""

from __future__ import annotations

import re

import pandas as pd

MOST_LETTERS = 31
"""What older readers keep of a name."""
_PLAIN = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.+#/()-]{{0,{MOST_LETTERS - 1}}}")


def make_names(ids: pd.Series[str], codes: pd.Series[str], letter: str) -> list[str]:
    """A name for each id; SWMM takes capitals and small letters for the same.

    >>> one, two = "0190a1b2-0000-7000-8000-00000000000a", "0190a1b2-0000-7000-8000-00000000000b"
    >>> make_names(pd.Series([one, two]), pd.Series(["WS-1", "污-1"]), "N")
    ['WS-1', 'N800000000000000b']
    """
    by_id = [f"{letter}{identifier.replace('-', '')[-16:]}" for identifier in ids]
    plain = [code if isinstance(code, str) and _PLAIN.fullmatch(code) else None for code in codes]
    folded = pd.Series([(code or own).casefold() for code, own in zip(plain, by_id, strict=True)])
    taken = folded.duplicated(keep=False)
    return [
        own if code is None or clash else code
        for code, own, clash in zip(plain, by_id, taken, strict=True)
    ]
