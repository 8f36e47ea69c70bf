"""How far a person is, how far they agree with others, and how far the whole is.

Agreement tells nobody what others say before they have said it themselves: it counts pairs that the person judged, and
leaves out the last one, which they may still change.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Any

from components.collecting.store import Store

#: Of fewer shared pairs a share says nothing about somebody, and too much about the others.
LEAST_SHARED = 5
#: "Both bad" prefers neither, as a tie does; two that say the same agree, a tie agrees half with a preference.
_AGREEMENT = """
WITH said AS (
    SELECT number, annotator, task, CASE verdict WHEN 'bad' THEN 'tie' ELSE verdict END AS verdict
    FROM judgements WHERE verdict != 'skip'
), mine AS (
    SELECT * FROM said WHERE annotator = :annotator
    AND number != (SELECT number FROM judgements WHERE annotator = :annotator
        ORDER BY answered_at DESC, number DESC LIMIT 1)
), pairs AS (
    SELECT avg(CASE WHEN mine.verdict = other.verdict THEN 1.0
        WHEN 'tie' IN (mine.verdict, other.verdict) THEN 0.5 ELSE 0.0 END) AS agreement
    FROM mine JOIN said other ON other.task = mine.task AND other.annotator != :annotator GROUP BY mine.task
)
SELECT count(*) AS pairs, avg(agreement) AS agreement FROM pairs
"""
_STATUS = """
SELECT
    (SELECT count(*) FROM tasks WHERE gold IS NULL) AS pairs,
    (SELECT count(*) FROM tasks WHERE gold IS NOT NULL) AS gold_questions,
    (SELECT count(*) FROM (SELECT 1 FROM judgements j JOIN tasks t ON t.number = j.task
        WHERE t.gold IS NULL AND j.verdict != 'skip' GROUP BY j.task HAVING count(*) >= :votes)) AS complete_pairs,
    (SELECT count(*) FROM judgements WHERE verdict != 'skip') AS judgements,
    (SELECT count(*) FROM judgements WHERE verdict = 'skip') AS skipped,
    (SELECT count(*) FROM judgements j LEFT JOIN exports e ON e.number = j.export
        WHERE verdict != 'skip' AND e.finished_at IS NULL) AS to_export
"""
_SECONDS = "SELECT seconds FROM judgements WHERE verdict != 'skip'"
_PEOPLE = """
SELECT a.name, a.number, a.token_digest IS NOT NULL AS invited,
    count(j.number) - coalesce(sum(j.verdict = 'skip'), 0) AS judged,
    coalesce(sum(j.verdict = 'skip'), 0) AS skipped, avg(j.seconds) AS mean_seconds,
    sum(t.gold IS NOT NULL AND j.verdict != 'skip') AS gold_asked,
    sum(t.gold = CASE j.verdict WHEN 'bad' THEN 'tie' ELSE j.verdict END) AS gold_right
FROM annotators a LEFT JOIN judgements j ON j.annotator = a.number LEFT JOIN tasks t ON t.number = j.task
GROUP BY a.number ORDER BY a.name
"""


@dataclass(frozen=True)
class Progress:
    """What is left is not among it: it would fall after each pair but gold questions, and tell them.

    Attributes:
        judged, skipped: by this person.
        agreement: with others on `shared` pairs, from 0 to 1; None while there are too few.
    """

    judged: int
    skipped: int
    shared: int
    agreement: float | None


def progress_of(store: Store, annotator: int) -> Progress:
    """What the page tells a person about their own work."""
    connection = store.reading()
    judged, skipped = connection.execute(
        "SELECT count(*) - coalesce(sum(verdict = 'skip'), 0), coalesce(sum(verdict = 'skip'), 0) "
        "FROM judgements WHERE annotator = ?",
        (annotator,),
    ).fetchone()
    shared, agreement = agreement_with_others(store, annotator)
    return Progress(judged, skipped, shared, agreement)


def agreement_with_others(store: Store, annotator: int) -> tuple[int, float | None]:
    """On how many pairs, and how far: the mean over pairs of the mean over the others."""
    row = store.reading().execute(_AGREEMENT, {"annotator": annotator}).fetchone()
    return row["pairs"], row["agreement"] if row["pairs"] >= LEAST_SHARED else None


def status_of(store: Store, votes: int) -> dict[str, Any]:
    """How far the whole is, for who runs it: people by name, with their gold questions."""
    figures = dict(store.reading().execute(_STATUS, {"votes": votes}).fetchone())
    people = [dict(row) for row in store.reading().execute(_PEOPLE).fetchall()]
    for person in people:
        shared, agreement = agreement_with_others(store, person.pop("number"))
        person |= {"shared": shared, "agreement": agreement, "invited": bool(person["invited"])}
    return figures | {"votes": votes, "annotators": people}


def median_seconds(store: Store) -> float | None:
    """Of a judgement so far; None where nobody has judged. A mean would be that of those who went for a coffee."""
    seconds = [row["seconds"] for row in store.reading().execute(_SECONDS)]
    return median(seconds) if seconds else None
