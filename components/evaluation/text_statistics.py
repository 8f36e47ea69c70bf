"""What a set of answers looks like from outside: long, empty, cut, repetitive, all alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Words = list[str]


@dataclass(frozen=True)
class TextStatistics:
    """Statistics of answers, by words split at white space.

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
    """

    answers: int
    mean_words: float
    mean_characters: float
    empty_share: float
    truncated_share: float
    repetition: float
    distinct_1: float
    distinct_2: float


def describe(answers: Sequence[str], truncated: Sequence[bool]) -> TextStatistics:
    """Statistics of a set of answers.

    Args:
        truncated: for each answer, whether it was cut by length.

    Raises:
        ValueError: no answers, or not one flag an answer.
    """
    if not answers or len(answers) != len(truncated):
        raise ValueError(f"{len(answers)} answers with {len(truncated)} flags")
    texts = [answer.split() for answer in answers]
    return TextStatistics(
        answers=len(answers),
        mean_words=_mean([len(words) for words in texts]),
        mean_characters=_mean([len(answer) for answer in answers]),
        empty_share=_mean([not words for words in texts]),
        truncated_share=_mean(truncated),
        repetition=_mean([_repeated_share(words, 4) for words in texts if len(words) >= 4]),
        distinct_1=_distinct(texts, 1),
        distinct_2=_distinct(texts, 2),
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _repeated_share(words: Words, length: int) -> float:
    grams = list(_grams(words, length))
    return 1 - len(set(grams)) / len(grams)


def _distinct(texts: Sequence[Words], length: int) -> float:
    counts = Counter(gram for words in texts for gram in _grams(words, length))
    return len(counts) / counts.total() if counts else 0.0


def _grams(words: Words, length: int) -> Iterator[tuple[str, ...]]:
    """Each run of `length` words; none where there are fewer."""
    return zip(*(words[start:] for start in range(length)), strict=False)
