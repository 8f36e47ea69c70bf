"""A batch as a whole: its figures, and what makes it wait for a person or marks it.

Figures are plain JSON: a number that cannot be had is null, never NaN. Annotators have their names here; who shows
them to others makes pseudonyms. Keys, and the file in components/feedback/quality/ that says what is in them:

    rows, votes         how many
    kinds, sources, languages   rows of each, the most frequent first
    prompts             {different, top_share: of the most frequent one}
    sample              {looked_at: the share of rows that all but `rows` rest on; rows, share, past_rows: what was read
                        word by word} (sample.py)
    agreement           by kind of vote: alpha, agreement, kappa (agreement.py)
    position, length    shares of the first and of the longer answer preferred, by annotator (biases.py)
    annotators          a row for each: gold questions, seconds, sameness, accuracy by consensus (spam.py)
    dominance           shares of the judgements (dominance.py)
    shift               bits between this batch and the days before (shift.py)
    phrases             phrases that make answers win (phrases.py)
    reversals           phrases of prompts that turn preferences round (reversals.py)
    cycles              preferences without an order (cycles.py)
    near_duplicates     texts that nearly repeat another (duplicates.py)
"""

from __future__ import annotations

import polars as pl

from components.config.feedback import FeedbackParams
from components.feedback.quality import agreement, biases, cycles, dominance, phrases, reversals, shift, spam
from components.feedback.quality.consensus import consensus
from components.feedback.quality.duplicates import duplicate_figures
from components.feedback.quality.findings import Figures, Finding, Quality
from components.feedback.quality.outline import outline, voices_of, votes_of
from components.feedback.quality.proportions import rounded
from components.feedback.quality.sample import (
    MOST_OUTLINED,
    MOST_PAST_ROWS,
    preferred,
    sampled,
    share_of,
    text_share,
    texts_of,
)
from components.feedback.reasons import Reason

_MOST_NAMES = 20
#: What is asked of people alone.
_OF_PEOPLE = frozenset({Reason.SPAM, Reason.DOMINANT, Reason.SHIFT, Reason.AGREEMENT})


def assess(rows: pl.LazyFrame, past: pl.LazyFrame, params: FeedbackParams) -> Quality:
    """Look at a batch.

    One that no person judged is asked only what its texts are like: one rule judged all of it, in no time, and how far
    that is right is measured elsewhere (automatic/agreement.py).

    Args:
        rows: its rows, of the canonical schema.
        past: rows of the `shift_days` days before, of the same schema; none is fine.
    """
    count, automatic = rows.select(pl.len(), pl.col("automatic").any()).collect().row(0)
    looked_at = share_of(MOST_OUTLINED, count)
    outlined = outline(sampled(rows, looked_at)).collect(engine="streaming")
    figures = {"rows": count} | _of_rows(outlined)
    share, bins = looked_at * text_share(outlined), shift.bins_of(outlined.lazy())
    votes = votes_of(outlined.lazy()).collect()
    del outlined
    figures |= {"votes": votes.height} | _of_votes(votes)
    del votes
    before = texts_of(past, share_of(MOST_PAST_ROWS, past.select(pl.len()).collect().item()))
    figures["shift"] = shift.shift_figures(bins, shift.bins_of(outline(before.lazy())))
    figures |= _of_texts(texts_of(rows, share), before, params.hold.poison_lift)
    figures["sample"] |= {"share": rounded(share), "looked_at": rounded(looked_at)}
    findings = _findings(figures, params)
    if automatic:
        findings = [finding for finding in findings if finding.code not in _OF_PEOPLE]
    return Quality(figures, findings)


def _of_rows(outlined: pl.DataFrame) -> Figures:
    prompts = outlined["prompt"].value_counts()["count"].to_list()
    return {
        "kinds": _frequent(outlined["kind"]),
        "sources": _frequent(outlined["source"]),
        "languages": _frequent(outlined["language"]),
        "prompts": {
            "different": len(prompts),
            "top_share": rounded(max(prompts) / outlined.height) if prompts else None,
        },
        "dominance": dominance.dominance_figures(voices_of(outlined.lazy()).collect()),
    }


def _frequent(names: pl.Series) -> Figures:
    counts = names.drop_nulls().value_counts().sort(["count", names.name], descending=[True, False])
    return dict(counts.head(_MOST_NAMES).iter_rows())


def _of_votes(votes: pl.DataFrame) -> Figures:
    pairs = votes.filter(pl.col("kind") == "pairwise")
    return {
        "agreement": agreement.agreement_figures(votes),
        "position": biases.position_figures(pairs),
        "length": biases.length_figures(pairs),
        "annotators": spam.spam_figures(votes, consensus(pairs)),
        "cycles": cycles.cycle_figures(pairs),
    }


def _of_texts(texts: pl.DataFrame, past: pl.DataFrame, lift: float) -> Figures:
    pairs, before = preferred(texts), preferred(past)
    return {
        "sample": {"rows": texts.height, "past_rows": past.height},
        "phrases": phrases.phrase_figures(pairs, before, lift),
        "reversals": reversals.reversal_figures(pairs, before),
        "near_duplicates": duplicate_figures(texts),
    }


def _findings(figures: Figures, params: FeedbackParams) -> list[Finding]:
    hold = params.hold
    return [
        *spam.spam_findings(figures["annotators"], hold),
        *dominance.dominance_findings(figures["dominance"], hold.dominance),
        *shift.shift_findings(figures["shift"], hold.shift),
        *phrases.phrase_findings(figures["phrases"], hold.poison_lift),
        *reversals.reversal_findings(figures["reversals"]),
        *agreement.agreement_findings(figures["agreement"], hold.agreement),
        *cycles.cycle_findings(figures["cycles"]),
        *biases.length_findings(figures["length"]),
    ]
