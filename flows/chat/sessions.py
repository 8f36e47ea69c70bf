"""Who asks, told by what only they can have; and answers that only this server can have given."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import astuple

from itsdangerous import BadData, URLSafeSerializer, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import Response

from components.files import sha256_bytes
from components.serving.thumbs import Said, Thumbs

_SESSION_S = 30 * 24 * 3600
#: No cookie is longer; what is, is not even hashed.
_MOST_CHARS = 512


class Sessions:
    """Signs sessions and answers with a key of the thumbs' database: a restart ends none of them.

    Attributes:
        key: what whoever asks must know; empty: nothing.
    """

    def __init__(self, thumbs: Thumbs, key: str, *, secure: bool) -> None:
        """Args: secure: whether people reach the page by HTTPS: then the cookie goes nowhere else."""
        self.key = key
        self._secure = secure
        self._cookie = "__Host-chat" if secure else "chat"
        secret = thumbs.setting("key", secrets.token_urlsafe(48))
        # Another key to ask with ends the sessions that the old one opened.
        self._sessions = URLSafeTimedSerializer(secret + sha256_bytes(key.encode()), salt="rlhf.chat.session")
        self._answers = URLSafeSerializer(secret, salt="rlhf.chat.answer")

    def knows(self, key: str) -> bool:
        """Whether somebody may ask who says this key. Takes as long whatever they say."""
        said, known = (sha256_bytes(text.encode("utf-8", "replace")) for text in (key, self.key))
        return not self.key or hmac.compare_digest(said, known)

    def open(self, response: Response) -> Response:
        """Have the browser known from now on, by a name that says nothing of the person."""
        value = str(self._sessions.dumps(secrets.token_hex(6)))
        response.set_cookie(
            self._cookie, value, max_age=_SESSION_S, httponly=True, samesite="lax", secure=self._secure
        )
        return response

    def visitor(self, request: Request) -> str | None:
        """What feedback calls whoever asks, as "visitor-3f9a0c51d2e4"; None where they have no session."""
        value = request.cookies.get(self._cookie, "")[:_MOST_CHARS]
        try:
            return f"visitor-{self._sessions.loads(value, max_age=_SESSION_S)}"
        except BadData:
            return None

    def sign(self, said: Said) -> str:
        """All of an answer as a text that nobody else can make."""
        return str(self._answers.dumps(astuple(said)))

    def said(self, signed: str) -> Said | None:
        """The answer that was signed; None where it is forged."""
        try:
            return Said(*self._answers.loads(signed))
        except (BadData, TypeError):
            return None
