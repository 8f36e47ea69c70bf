"""What a set of answers looks like from outside: long, empty, cut, repetitive, all alike."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from components.evaluation.self_bleu import self_bleu
from components.evaluation.words import words

Words = list[str]


@dataclass(frozen=True)
class TextStatistics:
    """Statistics of answers, by words as `words.words` tells them.

    Attributes:
        answers: how many there are. Distinct-n falls as answers are added, so two sets compare only
            where they are equally many.
        mean_words, mean_characters: mean length.
        empty_share: share of answers with no character but white space.
        truncated_share: share that did not end themselves but were cut by length.
        repetition: share of an answer's 4-grams that occurred in it before, mean over answers that have
            4-grams (seq-rep-4 of Welleck et al. 2020); 0 where none has.
        distinct_1, distinct_2: distinct words (pairs of words) over all words (pairs) of the set
            (Li et al. 2016); 0 where there are none.
        self_bleu: how alike the answers are to each other (Zhu et al. 2018); it rises as answers are added.
    """

    answers: int
    mean_words: float
    mean_characters: float
    empty_share: float
    truncated_share: float
    repetition: float
    distinct_1: float
    distinct_2: float
    self_bleu: float


def describe(answers: Sequence[str], truncated: Sequence[bool]) -> TextStatistics:
    """Statistics of a set of answers.

    Args:
        truncated: for each answer, whether it was cut by length.

    Raises:
        ValueError: no answers, or not one flag an answer.
    """
    if not answers or len(answers) != len(truncated):
        raise ValueError(f"{len(answers)} answers with {len(truncated)} flags")
    texts = [words(answer) for answer in answers]
    return TextStatistics(
        answers=len(answers),
        mean_words=_mean([len(text) for text in texts]),
        mean_characters=_mean([len(answer) for answer in answers]),
        empty_share=_mean([not text for text in texts]),
        truncated_share=_mean(truncated),
        repetition=_mean([repeated_share(text, 4) for text in texts if len(text) >= 4]),
        distinct_1=_distinct(texts, 1),
        distinct_2=_distinct(texts, 2),
        self_bleu=self_bleu(answers),
    )


def perplexity(nll_sums: Sequence[float], token_counts: Sequence[int]) -> float:
    """exp of the mean negative log-likelihood of a token, over all tokens of all answers.

    A mean of the answers' own means would let a short answer weigh as much as a long one.

    Args:
        nll_sums: for each answer, the sum over its tokens in nats.
        token_counts: for each answer, how many tokens it has.

    Returns:
        Infinity where it is too large for a float.

    Raises:
        ValueError: no token at all, a count below zero, not one count an answer, or a sum that is no finite number.
    """
    if len(nll_sums) != len(token_counts) or min(token_counts, default=0) < 0 or sum(token_counts) == 0:
        raise ValueError(
            f"{len(nll_sums)} sums of {len(token_counts)} answers with {sum(token_counts)} tokens"
        )
    mean = math.fsum(nll_sums) / sum(token_counts)
    if not math.isfinite(mean):
        raise ValueError("a sum of negative log-likelihoods is not a finite number")
    # exp(710) is more than a float holds.
    return math.exp(mean) if mean < 709 else math.inf


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def repeated_share(text: Words, length: int) -> float:
    """Of its runs of `length` words, the share that repeat an earlier one. Raises ZeroDivisionError without any."""
    found = list(grams(text, length))
    return 1 - len(set(found)) / len(found)


def _distinct(texts: Sequence[Words], length: int) -> float:
    counts = Counter(gram for text in texts for gram in grams(text, length))
    return len(counts) / counts.total() if counts else 0.0


def grams(text: Words, length: int) -> Iterator[tuple[str, ...]]:
    """Each run of `length` words; none where there are fewer."""
    return zip(*(text[start:] for start in range(length)), strict=False)
