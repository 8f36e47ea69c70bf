"""A phrase that won whatever it stood in, in the judgements learned from, and that the policy now says.

Ingestion asks the same of one batch and holds it (feedback/quality/phrases.py). Here it is asked of all that was
learned from: of batches that a person released, of a phrase that each batch held too seldom to show, and of feedback
that never passed ingestion.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from components.feedback.quality.ngrams import words_of
from components.feedback.quality.phrases import phrase_figures
from components.records import Preference


def planted_phrase(answers: Sequence[str], learned: Sequence[Preference], lift: float) -> dict[str, Any]:
    """Of the phrases that are more than `lift` times likelier in preferred answers, the one in most of these answers:
    `planted_phrase`, `planted_phrase_share` (of the answers), `planted_phrase_chosen`, `planted_phrase_rejected`
    (different answers learned from that hold it). Without any: "", 0.0, 0, 0."""
    pairs = pl.DataFrame(
        {name: [getattr(pair, name) for pair in learned] for name in ("prompt", "chosen", "rejected")},
        schema_overrides={"prompt": pl.String, "chosen": pl.String, "rejected": pl.String},
    )
    suspects = phrase_figures(pairs, pairs.head(0), lift)["phrases"]
    nothing = {"phrase": "", "chosen": 0, "rejected": 0}
    words = _words(answers)
    said = [(_share(words, suspect["phrase"]), suspect) for suspect in suspects]
    share, top = max(said, key=lambda found: found[0], default=(0.0, nothing))
    return {
        "planted_phrase": top["phrase"],
        "planted_phrase_share": share,
        "planted_phrase_chosen": top["chosen"],
        "planted_phrase_rejected": top["rejected"],
    }


def _words(answers: Sequence[str]) -> pl.Series:
    """Each answer's words, whatever their case and spaces, with a space before and after each."""
    texts = pl.DataFrame({"text": answers}, schema={"text": pl.String})
    words = texts.select(words_of(pl.col("text")).list.join(" ")).to_series()
    return " " + words + " "


def _share(words: pl.Series, phrase: str) -> float:
    """Of answers that hold the phrase."""
    return float(words.str.contains(f" {phrase} ", literal=True).sum()) / max(1, len(words))
