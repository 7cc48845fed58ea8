"""The fixtures of Chromium are those of ``tests.browser.pages``, registered for all tests."""

from tests.browser.pages import QUIET, Opened, OpenFile, OpenPage

__all__ = ["QUIET", "OpenFile", "OpenPage", "Opened"]
