"""Infratrack: the infrastructure map of a county (城建一张图).

Nothing is imported here: this module runs before the environment exists (``python3 -m gis``
prepares it). The two names a notebook needs, ``read`` and ``connect``, are resolved lazily.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gis.frames import connect, read

__all__ = ["connect", "read"]


def __getattr__(name: str) -> object:
    if name in __all__:
        from importlib import import_module

        return getattr(import_module("gis.frames"), name)
    raise AttributeError(f"module 'gis' has no attribute {name!r}")
