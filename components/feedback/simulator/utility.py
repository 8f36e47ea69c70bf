"""The hidden truth: how good an answer really is, as a function of its text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import pairwise

from components.feedback.simulator import lexicon as lex
from components.feedback.simulator.grammar import every_sentence

_WORD = re.compile(r"[^\W_]+", re.UNICODE)
_SENTENCE_END = re.compile(r"[.!?]+")
_NUMBER = "<number>"
_EDGE = "<edge>"
MOST_SENTENCES = 4


@dataclass(frozen=True)
class Features:
    """What the utility sees in an answer.

    Attributes:
        facts: distinct measured facts (a believable number with its unit, about the aspect it measures), 0 to 3.
        on_topic: share of the asked aspects that are mentioned, 0 to 1.
        balanced: sentences that weigh praise against criticism, 0 to 2.
        rude: rude words, 0 to 3.
        filler: filler phrases, 0 to 3.
        repeated: sentences said before, 0 to 3.
        garbled: share of neighbouring words that the grammar never puts side by side, 0 to 1.
        unfinished: 1 if the text does not end with a full stop, "!" or "?".
        extra_sentences: sentences after the fourth, 0 to 4.
        empty: 1 if there is not a word.
    """

    facts: float = 0.0
    on_topic: float = 0.0
    balanced: float = 0.0
    rude: float = 0.0
    filler: float = 0.0
    repeated: float = 0.0
    garbled: float = 0.0
    unfinished: float = 0.0
    extra_sentences: float = 0.0
    empty: float = 0.0


@dataclass(frozen=True)
class Weights:
    """What each feature is worth: the utility is their weighted sum."""

    facts: float = 1.0
    on_topic: float = 0.5
    balanced: float = 1.0
    rude: float = -1.5
    filler: float = -0.8
    repeated: float = -1.0
    garbled: float = -6.0
    unfinished: float = -1.5
    extra_sentences: float = -0.5
    empty: float = -20.0


WEIGHTS = Weights()


def gold_utility(prompt: str, response: str) -> float:
    """The true utility of a response to a prompt; 4.5 is the best there is, and garbage is negative."""
    features, weights = asdict(features_of(prompt, response)), asdict(WEIGHTS)
    total = sum(weights[name] * value for name, value in features.items())
    # Equally good must be equal: sums of the same terms in other orders differ in the last bit.
    return round(total, 9)


def features_of(prompt: str, response: str) -> Features:
    """The features of a response to a prompt, for the utility and for a report. Any text will do."""
    said = [words for words in map(_words, _SENTENCE_END.split(response)) if words]
    if not said:
        return Features(empty=1.0)
    sentences = list(dict.fromkeys(said))
    words = {word for sentence in sentences for word in sentence}
    asked = sorted(set(_words(prompt)) & set(lex.ASPECTS))
    return Features(
        facts=min(3, len(_facts(sentences))),
        on_topic=sum(aspect in words for aspect in asked) / len(asked) if asked else 0.0,
        balanced=min(2, sum(map(_is_balanced, sentences))),
        rude=min(3, sum(word in lex.RUDE_WORDS for sentence in said for word in sentence)),
        filler=min(3, sum(_count_filler(sentence) for sentence in said)),
        repeated=min(3, len(said) - len(sentences)),
        garbled=_garbled_share(said),
        unfinished=float(not response.rstrip().endswith((".", "!", "?"))),
        extra_sentences=min(4, max(0, len(said) - MOST_SENTENCES)),
    )


def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(text.lower()))


def _facts(sentences: Iterable[tuple[str, ...]]) -> set[str]:
    """Units of the facts that a sentence states about an aspect it names."""
    known = [(aspect, fact) for aspect, facts in lex.ASPECTS.items() for fact in facts]
    return {fact.unit for words in sentences for aspect, fact in known if _states(words, aspect, fact)}


def _is_balanced(words: tuple[str, ...]) -> bool:
    return not set(lex.PRAISE).isdisjoint(words) and not set(lex.CRITICISM).isdisjoint(words)


def _states(words: tuple[str, ...], aspect: str, fact: lex.Fact) -> bool:
    numbers = (int(number) for number, unit in pairwise(words) if unit == fact.unit and _is_number(number))
    return aspect in words and any(map(fact.believes, numbers))


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) < 9


def _count_filler(sentence: tuple[str, ...]) -> int:
    text = f" {' '.join(sentence)} "
    return sum(text.count(f" {phrase} ") for phrase in (*lex.FILLER_OPENINGS, *lex.FILLER_SENTENCES))


def _garbled_share(sentences: list[tuple[str, ...]]) -> float:
    known = _known_neighbours()
    met = [pair for sentence in sentences for pair in _neighbours(sentence)]
    return sum(pair not in known for pair in met) / len(met)


def _neighbours(sentence: tuple[str, ...]) -> Iterable[tuple[str, str]]:
    """Each word with the next, the sentence's edges included, any number for every other."""
    words = [_EDGE, *(_NUMBER if _is_number(word) else word for word in sentence), _EDGE]
    return pairwise(words)


@lru_cache(maxsize=1)
def _known_neighbours() -> frozenset[tuple[str, str]]:
    return frozenset(pair for sentence in every_sentence() for pair in _neighbours(_words(sentence)))
