"""Annotators: invited by a link of their own, known by it, and shut out again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from components.collecting.store import Store
from components.collecting.tokens import Session, digest_of_token, link_of, new_token
from components.errors import FeedbackError
from components.feedback.automatic.names import PREFIX, is_reserved
from components.feedback.limits import MAX_NAME_CHARS
from components.feedback.rules.rules import REFUSING


@dataclass(frozen=True)
class Annotator:
    number: int
    name: str
    token_digest: str


@dataclass(frozen=True)
class Invitation:
    """token: nobody can read it again; renewed: the link that they had before no longer works."""

    name: str
    token: str
    renewed: bool


def check_name(name: str) -> None:
    """Pass a name that ingestion takes as an `annotator`.

    Raises:
        FeedbackError: naming what is wrong with it.
    """
    remedy = "give a short name of letters and digits, such as ann or annotator-7"
    if not name.strip() or not name.isprintable() or len(name) > MAX_NAME_CHARS:
        raise FeedbackError(f"{name[:40]!a} is empty, too long or not printable", remedy)
    if is_reserved(name):
        raise FeedbackError(
            f"{name[:40]!a} is a name of automatic feedback, as all with {PREFIX} are", remedy
        )
    if found := next((found for rule in REFUSING if (found := rule.find(name))), None):
        raise FeedbackError(f"the name {name[:40]!a} would be refused by ingestion: it {found}", remedy)


def invite(store: Store, name: str) -> Invitation:
    """A new link's token; one that the person had before works no longer, nor do sessions opened with it.

    Raises:
        FeedbackError: ingestion would refuse the name.
    """
    check_name(name)
    token = new_token()
    values = (name, digest_of_token(token), datetime.now(UTC).isoformat())
    with store.writing() as connection:
        before = connection.execute("SELECT token_digest FROM annotators WHERE name = ?", (name,)).fetchone()
        connection.execute(
            "INSERT INTO annotators (name, token_digest, invited_at) VALUES (?, ?, ?) ON CONFLICT (name) "
            "DO UPDATE SET token_digest = excluded.token_digest, invited_at = excluded.invited_at",
            values,
        )
    return Invitation(name, token, before is not None and before["token_digest"] is not None)


def revoke(store: Store, name: str) -> None:
    """End a person's link and sessions at once; what they judged stays.

    Raises:
        FeedbackError: nobody of that name was invited.
    """
    with store.writing() as connection:
        done = connection.execute("UPDATE annotators SET token_digest = NULL WHERE name = ?", (name,))
    if not done.rowcount:
        raise FeedbackError(
            f"nobody named {name[:40]!a} was invited", "`rlhf collect status` lists the names"
        )


def annotator_with(store: Store, token: str) -> Annotator | None:
    """Whose link it is; None where it is nobody's, or was revoked."""
    found = store.reading().execute(
        "SELECT number, name, token_digest FROM annotators WHERE token_digest = ?", (digest_of_token(token),)
    )
    row = found.fetchone()
    return None if row is None else Annotator(**row)


def annotator_of(store: Store, session: Session) -> Annotator | None:
    """Whose session it is; None where the link it was opened with works no longer."""
    found = store.reading().execute(
        "SELECT number, name, token_digest FROM annotators WHERE number = ? AND token_digest IS NOT NULL",
        (session.annotator,),
    )
    row = found.fetchone()
    return Annotator(**row) if row is not None and link_of(row["token_digest"]) == session.link else None
