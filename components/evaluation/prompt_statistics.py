"""What answers have to do with their prompts: whether they are about them, and whether they merely repeat them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from components.evaluation.intervals import Floats
from components.evaluation.text_statistics import grams
from components.evaluation.words import plain_words

#: As many words in a row as `repetition` looks at.
COPIED_WORDS = 4


@dataclass(frozen=True)
class PromptStatistics:
    """Statistics of answers beside their prompts.

    Attributes:
        relevance: TF-IDF cosine of an answer with its own prompt, less its mean with the other prompts, mean over
            answers: about 0 for gibberish and for one answer to everything, high for a copy of the prompt. None
            where no other prompt is there to compare with.
        copied_share: share of an answer's 4-grams that stand in its prompt, mean over answers that have 4-grams; 0
            where none has.
    """

    relevance: float | None
    copied_share: float


def describe_beside_prompts(answers: Sequence[str], prompts: Sequence[str]) -> PromptStatistics:
    """Statistics of a set of answers, each to the prompt in its place.

    Raises:
        ValueError: no answers, or not one prompt an answer.
    """
    if not answers or len(answers) != len(prompts):
        raise ValueError(f"{len(answers)} answers to {len(prompts)} prompts")
    return PromptStatistics(relevance(answers, prompts), copied_share(answers, prompts))


def relevance(answers: Sequence[str], prompts: Sequence[str]) -> float | None:
    """As `PromptStatistics.relevance`. The same prompt in another place is not another prompt."""
    each = relevances(answers, prompts)
    return None if each is None else float(each.mean())


def relevances(answers: Sequence[str], prompts: Sequence[str]) -> Floats | None:
    """Of each answer [answers]: TF-IDF cosine with its own prompt, less its mean with the others."""
    counts = Counter(prompts)
    same = np.array([counts[prompt] for prompt in prompts])
    if same[0] == len(prompts):
        return None
    if not any(plain_words(text) for text in (*answers, *prompts)):
        return np.zeros(len(answers))
    # Frequencies of words from both: a word that only answers have must count towards their length.
    # Words of one letter count, too.
    vectorizer = TfidfVectorizer(tokenizer=plain_words, token_pattern=None, lowercase=False)
    vectorizer.fit([*prompts, *answers])
    ours, theirs = vectorizer.transform(answers), vectorizer.transform(prompts)
    own = np.asarray(ours.multiply(theirs).sum(axis=1)).ravel()
    total = np.asarray(ours @ np.asarray(theirs.sum(axis=0)).ravel())
    return np.asarray(own - (total - same * own) / (len(prompts) - same))


def copied_share(answers: Sequence[str], prompts: Sequence[str]) -> float:
    """As `PromptStatistics.copied_share`."""
    shares = [
        copied_of(answer, prompt)
        for answer, prompt in zip(answers, prompts, strict=True)
        if len(plain_words(answer)) >= COPIED_WORDS
    ]
    return fmean(shares) if shares else 0.0


def copied_of(answer: str, prompt: str) -> float:
    """Of an answer's 4-grams, of which it has some, the share that stand in its prompt."""
    source = set(grams(plain_words(prompt), COPIED_WORDS))
    # A copy in capitals, or with other signs between its words, is a copy.
    return fmean(gram in source for gram in grams(plain_words(answer), COPIED_WORDS))
