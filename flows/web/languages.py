"""Which language a page speaks to somebody."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

#: Language tags, and what each language calls itself.
LANGUAGES = {"en": "English", "zh": "中文"}
_YEAR_S = 365 * 24 * 3600


def language_of(chosen: str | None, accepted: str, default: str) -> str:
    """The language that a person chose, else the first that their browser asks for and the page speaks.

    Args:
        accepted: the header Accept-Language; its languages are taken in the order in which they stand.
        default: where there is neither.
    """
    if chosen in LANGUAGES:
        return str(chosen)
    asked = (part.partition(";")[0].strip().lower().partition("-")[0] for part in accepted.split(","))
    return next((language for language in asked if language in LANGUAGES), default)


def language_for(request: Request, cookie: str, default: str) -> str:
    """`language_of` the request. cookie: the name of that which keeps the choice."""
    chosen, accepted = request.cookies.get(cookie), request.headers.get("accept-language", "")
    return language_of(chosen, accepted, default)


def keep_language(code: str, cookie: str) -> Response:
    """Back to the page, which speaks the language from now on, if it knows it."""
    response = RedirectResponse("/", 303)
    if code in LANGUAGES:
        response.set_cookie(cookie, code, max_age=_YEAR_S, httponly=True, samesite="lax")
    return response
