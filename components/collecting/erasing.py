"""A person is forgotten: their link, what they were shown and what they said on the page."""

from __future__ import annotations

from components.collecting.store import Store

#: Of the person: pairs that count a judgement of theirs, and pairs that they have before them.
_COUNTED = """
SELECT task FROM judgements WHERE annotator = :annotator AND verdict != 'skip'
UNION SELECT task FROM servings WHERE annotator = :annotator AND state = 'open'
"""


def erase(store: Store, name: str) -> int:
    """Forget a person of this name, if there is one; how many judgements went.

    Their sessions end at once, and pairs that lose a judgement are dealt to others.
    """
    with store.forgetting() as connection:
        found = connection.execute("SELECT number FROM annotators WHERE name = ?", (name,)).fetchone()
        if found is None:
            return 0
        who = {"annotator": found["number"]}
        connection.execute(f"UPDATE tasks SET taken = taken - 1 WHERE number IN ({_COUNTED})", who)  # noqa: S608
        gone = connection.execute("DELETE FROM judgements WHERE annotator = :annotator", who).rowcount
        connection.execute("DELETE FROM servings WHERE annotator = :annotator", who)
        connection.execute("DELETE FROM annotators WHERE number = :annotator", who)
    return gone
