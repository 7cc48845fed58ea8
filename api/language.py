"""Which language an answer speaks: ``?lang=`` > ``Accept-Language`` > the setting."""

from __future__ import annotations

from starlette.requests import Request

from gis.attributes import Language

_WORDS = {language.value: language for language in Language}


def choose_language(request: Request, *, otherwise: Language | None = None) -> Language:
    """The language asked for, or the installation's (``otherwise`` outside the application)."""
    asked = request.query_params.get("lang", "")
    if asked in _WORDS:
        return _WORDS[asked]
    for part in request.headers.get("accept-language", "").split(","):
        tag = part.split(";")[0].strip().lower()[:2]
        if tag in _WORDS:
            return _WORDS[tag]
    if otherwise is not None:
        return otherwise
    preset: Language = request.app.state.settings.language
    return preset
