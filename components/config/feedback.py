"""What ingestion asks of feedback: section `feedback` of params.yaml."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import Field

from components.config.section import Count, Positive, Section, Share


class HoldParams(Section):
    """When a batch waits for a person. Figures are of the batch's accepted rows.

    Attributes:
        gold_accuracy, gold_items: an annotator who is right on less than this share of so many gold questions or more.
        seconds: an annotator whose median judgement is quicker.
        dominance: one annotator gave more than this share of the judgements, beyond what chance does.
        shift: Jensen-Shannon divergence, in bits, of labels or lengths against the days before.
        shift_days: how many days.
        agreement: the share of two votes on one pair that agree is lower.
        poison_lift: a phrase is so many times likelier in preferred answers than in the others.
    """

    gold_accuracy: Share = 0.6
    gold_items: Count = 20
    seconds: Annotated[float, Field(ge=0)] = 3.0
    dominance: Annotated[float, Field(gt=0, le=1)] = 0.3
    shift: Positive = 0.1
    shift_days: Count = 90
    agreement: Annotated[float, Field(ge=0, le=1)] = 0.6
    poison_lift: Annotated[float, Field(gt=1)] = 5.0


class FeedbackParams(Section):
    """What a row must be like, and when a batch waits.

    Attributes:
        since: judgements dated before are mistakes.
        languages: ISO 639-1; an answer in another one is tagged. Empty: any.
        max_tokens: words and signs that a text may have.
        evaluation_prompts: JSONL files, each line with a `prompt`, that no feedback may repeat.
    """

    since: date = date(2015, 1, 1)
    languages: tuple[Annotated[str, Field(pattern="^[a-z]{2}$")], ...] = ()
    max_tokens: Count = 8192
    evaluation_prompts: tuple[Path, ...] = ()
    hold: HoldParams = HoldParams()
