"""The phrases of one to three words that many texts share.

A phrase is in many texts only if its parts are (Agrawal and Srikant 1994), so rare words are dropped before pairs of
words are formed, and rare pairs before threes: what is counted stays small. Words are numbers while they are counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

Index = NDArray[np.int64]

#: Letters and digits, or a run of signs: a trigger need not be a word.
WORD = r"[\p{L}\p{M}\p{N}_]+|[^\s\p{L}\p{M}\p{N}_]+"
LONGEST = 3
_RARE = -1


def words_of(text: pl.Expr) -> pl.Expr:
    """A text as a list of words in lower case."""
    return text.str.to_lowercase().str.extract_all(WORD)


@dataclass(frozen=True)
class Phrases:
    """Phrases and where they are.

    Attributes:
        spelled: phrase (its words, joined by spaces), by its number.
        found: phrase (number), text (as it was numbered): each once.
    """

    spelled: pl.Series
    found: pl.DataFrame


@dataclass(frozen=True)
class Words:
    """The words of texts, one after another.

    Attributes:
        text: the place of each word's text.
        word: each word, as a category.
    """

    text: Index
    word: pl.Series

    @property
    def number(self) -> Index:
        return self.word.to_physical().to_numpy().astype(np.int64)


def split_words(texts: pl.Series) -> Words:
    words = (
        pl.DataFrame({"body": texts})
        .select(pl.int_range(pl.len()).alias("text"), words_of(pl.col("body")).alias("word"))
        .explode("word")
        .drop_nulls()
    )
    return Words(words["text"].to_numpy().astype(np.int64), words["word"].cast(pl.Categorical))


def phrases_of(texts: pl.Series, least: int) -> Phrases:
    """The phrases that `least` texts or more have; a text's number is its place."""
    words = split_words(texts)
    single, counts = _numbered(words.number, words.text, least)
    found, spelled = [counts], _spelled(single, words.word, 1)
    numbers = single
    for length in range(2, LONGEST + 1):
        numbers, counts = _numbered(_extended(numbers, single, words.text, length), words.text, least)
        found.append(counts.with_columns(pl.col("phrase") + len(spelled)))
        spelled += _spelled(numbers, words.word, length)
    return Phrases(pl.Series(spelled, dtype=pl.String), pl.concat(found))


def _extended(shorter: Index, single: Index, where: Index, length: int) -> Index:
    """One number for each phrase of `length` words that begins at a word; _RARE where there is none."""
    keys = np.full(len(single), _RARE, dtype=np.int64)
    starts = len(single) - length + 1
    if starts <= 0:
        return keys
    head, tail, last = shorter[:starts], shorter[1 : starts + 1], single[length - 1 :]
    there = (head >= 0) & (tail >= 0) & (last >= 0) & (where[:starts] == where[length - 1 :])
    keys[:starts][there] = head[there] * (single.max(initial=0) + 1) + last[there]
    return keys


def _numbered(keys: Index, where: Index, least: int) -> tuple[Index, pl.DataFrame]:
    """The keys that `least` texts have as numbers from 0, the others as _RARE; and phrase (number), text, each once."""
    present = pl.DataFrame({"key": keys, "text": where}).filter(pl.col("key") >= 0).unique()
    common = present.group_by("key").len().filter(pl.col("len") >= least)["key"].sort()
    numbers = _places(keys, common.to_numpy())
    found = pl.DataFrame(
        {"phrase": _places(present["key"].to_numpy(), common.to_numpy()), "text": present["text"]}
    )
    return numbers, found.filter(pl.col("phrase") >= 0)


def _places(keys: Index, common: Index) -> Index:
    """The place of each key among the common ones, which are sorted; _RARE of the others."""
    if not len(common):
        return np.full(len(keys), _RARE, dtype=np.int64)
    places = np.minimum(np.searchsorted(common, keys), len(common) - 1)
    return np.where(common[places] == keys, places, _RARE).astype(np.int64)


def _spelled(numbers: Index, words: pl.Series, length: int) -> list[str]:
    """Each phrase's words, taken from the first place where it is."""
    first = np.full(int(numbers.max(initial=_RARE)) + 1, len(numbers))
    there = np.flatnonzero(numbers >= 0)
    first[numbers[there[::-1]]] = there[::-1]
    parts = [words.gather(first + place).cast(pl.String).to_list() for place in range(length)]
    return [" ".join(phrase) for phrase in zip(*parts, strict=True)]
