"""How alike a model's answers are to each other."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from statistics import fmean

import numpy as np
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.helpers import extract_all_word_ngrams

from components.evaluation.words import words

#: Of larger sets, so many answers are drawn.
MOST_ANSWERS = 500

Grams = Counter[tuple[str, ...]]


def self_bleu(answers: Sequence[str], seed: int = 7) -> float:
    """Mean BLEU of each answer against all others as references (Zhu et al. 2018), in [0, 1]; 1 is always the same.

    BLEU is sacrebleu's for sentences (13a tokens, exponential smoothing, effective order). It rises as answers are
    added, so two sets compare only where they are equally many. 0 for fewer than two answers; an empty answer is
    like no other.

    Args:
        seed: of the subset, where there are more than MOST_ANSWERS.
    """
    if len(answers) > MOST_ANSWERS:
        answers = random.Random(seed).sample(list(answers), MOST_ANSWERS)  # noqa: S311 - a sample, no secret
    if len(answers) < 2:
        return 0.0
    tokenize = BLEU().tokenizer
    grams, lengths = zip(
        *(extract_all_word_ngrams(tokenize(" ".join(words(text))), 1, 4) for text in answers), strict=True
    )
    highest = _two_highest(grams)
    return fmean(
        _bleu(own, highest, length, reference)
        for own, length, reference in zip(grams, lengths, _closest_others(lengths), strict=True)
    )


def _two_highest(grams: Sequence[Grams]) -> dict[tuple[str, ...], tuple[int, int]]:
    """For each n-gram, how often it is in the answer that has it most often, and in the one after that.

    With these, what the others of an answer have at most is known without going through them once an answer.
    """
    highest: dict[tuple[str, ...], tuple[int, int]] = {}
    for own in grams:
        for gram, count in own.items():
            first, second = highest.get(gram, (0, 0))
            highest[gram] = (max(first, count), max(second, min(first, count)))
    return highest


def _bleu(
    own: Grams, highest: dict[tuple[str, ...], tuple[int, int]], length: int, reference_length: int
) -> float:
    correct, total = [0] * 4, [0] * 4
    for gram, count in own.items():
        first, second = highest[gram]
        total[len(gram) - 1] += count
        correct[len(gram) - 1] += min(count, second if count == first else first)
    score = BLEU.compute_bleu(
        correct, total, length, reference_length, smooth_method="exp", effective_order=True
    )
    # Four logarithms may add up to a hair more than that of 100.
    return min(1.0, score.score / 100)


def _closest_others(lengths: Sequence[int]) -> list[int]:
    """For each answer the length of the other that is closest to its own, the shorter of two: BLEU's reference."""
    ordered = np.array(sorted(lengths))
    closest = []
    for length in lengths:
        others = np.delete(ordered, np.searchsorted(ordered, length))
        closest.append(int(others[np.abs(others - length).argmin()]))
    return closest
