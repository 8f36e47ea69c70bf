"""Invitations, sessions and forms: who somebody is, told by what only they can have.

An invitation is 256 random bits in a link; of them the SHA-256 is stored. A session and a form are signed with a key of
this database, so a restart ends none of them. A form also hides which pair it is of: pairs are numbered as they were
added, so a number that jumps would tell a gold question before it is answered.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass

from itsdangerous import BadData, URLSafeSerializer, URLSafeTimedSerializer

from components.collecting.store import Store
from components.files import sha256_bytes

#: How long a browser stays known after its link was opened.
SESSION_S = 30 * 24 * 3600
#: Digits of a link's digest that a session names: a new link ends the sessions of the old one.
_LINK_DIGITS = 32
#: No token is longer; what is, is not even hashed.
_MOST_CHARS = 512


@dataclass(frozen=True)
class Session:
    """A browser whose person opened a link. key: tells it from the same person's other browsers."""

    annotator: int
    link: str
    key: str


@dataclass(frozen=True)
class Form:
    """What a page may be answered with. revision: of the judgement as the page shows it, 0 where there is none."""

    task: int
    revision: int


def new_token() -> str:
    return secrets.token_urlsafe(32)


def digest_of_token(token: str) -> str:
    return sha256_bytes(token.encode("utf-8", "replace"))


def link_of(token_digest: str) -> str:
    return token_digest[:_LINK_DIGITS]


class Signer:
    """Signs sessions and forms, and tells whether it did."""

    def __init__(self, store: Store) -> None:
        key = store.setting("key", secrets.token_urlsafe(48))
        self._sessions = URLSafeTimedSerializer(key, salt="rlhf.collect.session")
        self._forms = URLSafeSerializer(key, salt="rlhf.collect.form")
        self._key = key.encode("ascii")

    def new_session(self, annotator: int, token_digest: str, key: str | None = None) -> str:
        """A cookie's value. key: of the session that it goes on with, whose forms stay good."""
        return str(self._sessions.dumps([annotator, link_of(token_digest), key or secrets.token_urlsafe(12)]))

    def session(self, value: str) -> Session | None:
        """The session of a cookie; None where it is forged, of another key, or too old."""
        try:
            return Session(*self._sessions.loads(value[:_MOST_CHARS], max_age=SESSION_S))
        except (BadData, TypeError):
            return None

    def sign_form(self, session: Session, form: Form) -> str:
        nonce = secrets.token_urlsafe(16)
        hidden = form.task ^ self._mask(nonce)
        return str(self._forms.dumps([session.key, session.annotator, nonce, hidden, form.revision]))

    def form(self, session: Session, value: str) -> Form | None:
        """The form that was signed for this session; None where it is forged or another's."""
        try:
            key, annotator, nonce, hidden, revision = self._forms.loads(value[:_MOST_CHARS])
        except (BadData, TypeError, ValueError):
            return None
        mine = (key, annotator) == (session.key, session.annotator)
        return Form(hidden ^ self._mask(nonce), revision) if mine else None

    def _mask(self, nonce: str) -> int:
        """64 bits that only this database can tell, other ones for each form."""
        return int.from_bytes(
            hmac.digest(self._key, f"rlhf.collect.pair {nonce}".encode(), "sha256")[:8], "big"
        )
