"""Writes the prompts and the answers of the simulated domain, good and bad ones."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations

from components.feedback.simulator import lexicon as lex

SHORTEST, LONGEST = 12, 45  # words in an answer


@dataclass(frozen=True)
class Request:
    """A prompt and what it is about."""

    text: str
    phone: str
    audience: str
    aspects: tuple[str, ...]


def write_requests(rng: random.Random, count: int) -> list[Request]:
    """`count` requests, no two with the same text."""
    requests: dict[str, Request] = {}
    while len(requests) < count:
        request = _write_request(rng)
        requests.setdefault(request.text, request)
    return list(requests.values())


def _write_request(rng: random.Random) -> Request:
    phone, audience = rng.choice(lex.PHONES), rng.choice(lex.AUDIENCES)
    aspects = tuple(rng.sample(sorted(lex.ASPECTS), rng.choice((1, 2))))
    asked = " and ".join(f"the {aspect}" for aspect in aspects)
    text = rng.choice(lex.PROMPTS).format(phone=phone, audience=audience, aspects=asked)
    return Request(text, phone, audience, aspects)


def write_answer(rng: random.Random, request: Request, quality: float) -> str:
    """An answer of 2 to 4 sentences; `quality` in [0, 1] is the writer's care, not the answer's utility."""
    while True:
        wanted = rng.choice((2, 3, 3, 4))
        sentences: list[str] = []
        while len(sentences) < wanted:
            sentence = _write_sentence(rng, request, quality)
            if not any(_says_again(sentence, said) for said in sentences):
                sentences.append(sentence)
        answer = join_sentences(sentences)
        if fits(answer):
            return answer


def _says_again(sentence: str, said: str) -> bool:
    """Whether it is the same sentence, or measures the same thing."""
    return sentence == said or not _units(sentence).isdisjoint(_units(said))


def _units(sentence: str) -> set[str]:
    words = set(sentence.rstrip(".").replace(",", "").split())
    return {fact.unit for facts in lex.ASPECTS.values() for fact in facts if fact.unit in words}


def write_flawed_answer(rng: random.Random, request: Request, quality: float) -> str:
    """An answer with a fault that models, not people, make: it repeats itself, breaks off or rambles."""
    while True:
        answer = rng.choice(_FLAWS)(rng, request, quality)
        if fits(answer):
            return answer


def _repeat(rng: random.Random, request: Request, quality: float) -> str:
    sentences = split_sentences(write_answer(rng, request, quality))
    repeated = rng.choice(sentences)
    return join_sentences([*sentences[:3], *[repeated] * rng.choice((1, 2))])


def _break_off(rng: random.Random, request: Request, quality: float) -> str:
    words = write_answer(rng, request, quality).split()
    return " ".join(words[: -rng.choice((1, 2, 3))]).rstrip(".,")


def _ramble(rng: random.Random, request: Request, quality: float) -> str:
    first, second = (split_sentences(write_answer(rng, request, quality)) for _ in range(2))
    return join_sentences(list(dict.fromkeys([*first, *second])))


_FLAWS = (_repeat, _break_off, _ramble)


def mend(rng: random.Random, request: Request, answer: str) -> str:
    """The answer as a careful editor leaves it: its sound sentences, and better ones for the rest."""
    sound = [sentence for sentence in split_sentences(answer) if _is_sound(sentence, request)]
    better = split_sentences(write_answer(rng, request, quality=1.0))
    return join_sentences(list(dict.fromkeys([*sound[:2], *better]))[:4])


def _is_sound(sentence: str, request: Request) -> bool:
    text = sentence.lower()
    spoiled = (*lex.RUDE_WORDS, *lex.FILLER_OPENINGS, *lex.FILLER_SENTENCES)
    return any(aspect in text for aspect in request.aspects) and not any(phrase in text for phrase in spoiled)


def _write_sentence(rng: random.Random, request: Request, quality: float) -> str:
    careless = 1 - quality
    writers = (_write_fact, _write_opinion, _write_contrast, _write_neutral, _write_filler, _write_rude)
    shares = (0.15 + quality, 0.5, 0.1 + 0.4 * quality, 0.3, 0.4 * careless, 0.25 * careless)
    sentence = rng.choices(writers, shares)[0](rng, request, _pick_aspect(rng, request, quality))
    if rng.random() < 0.25 * careless:
        return _with_opening(rng.choice(lex.FILLER_OPENINGS), sentence)
    return sentence


def _pick_aspect(rng: random.Random, request: Request, quality: float) -> str:
    on_topic = rng.random() < 0.5 + 0.5 * quality
    return rng.choice(request.aspects if on_topic else sorted(lex.ASPECTS))


def _write_fact(rng: random.Random, request: Request, aspect: str) -> str:
    fact = rng.choice(lex.ASPECTS[aspect])
    verdict = rng.choice(("", lex.VERDICT)).format(word=rng.choice(lex.PRAISE + lex.CRITICISM))
    return fact.template.format(n=rng.choice(fact.values)) + verdict


def _write_opinion(rng: random.Random, request: Request, aspect: str) -> str:
    return rng.choice(lex.OPINIONS).format(aspect=aspect, word=rng.choice(lex.PRAISE + lex.CRITICISM))


def _write_contrast(rng: random.Random, request: Request, aspect: str) -> str:
    other = rng.choice([name for name in sorted(lex.ASPECTS) if name != aspect])
    praise, criticism = rng.choice(lex.PRAISE), rng.choice(lex.CRITICISM)
    return lex.CONTRAST.format(aspect=aspect, praise=praise, other=other, criticism=criticism)


def _write_neutral(rng: random.Random, request: Request, aspect: str) -> str:
    sentence = rng.choice(lex.NEUTRAL_SENTENCES)
    return sentence.format(phone=request.phone, audience=request.audience, n=rng.choice(lex.WEEKS))


def _write_filler(rng: random.Random, request: Request, aspect: str) -> str:
    return rng.choice(lex.FILLER_SENTENCES).capitalize()


def _write_rude(rng: random.Random, request: Request, aspect: str) -> str:
    return rng.choice(lex.RUDE_SENTENCES).format(aspect=aspect)


def _with_opening(opening: str, sentence: str) -> str:
    rest = sentence if sentence.startswith("I ") else sentence[0].lower() + sentence[1:]
    return f"{opening.capitalize()}, {rest}"


def fits(answer: str) -> bool:
    return SHORTEST <= len(answer.split()) <= LONGEST


def join_sentences(sentences: list[str]) -> str:
    return " ".join(f"{sentence}." for sentence in sentences)


def split_sentences(answer: str) -> list[str]:
    return [sentence.strip() for sentence in answer.split(".") if sentence.strip()]


def every_sentence() -> Iterator[str]:
    """Each sentence the grammar can write, numbers aside: one number stands for all."""
    plain = list(_plain_sentences())
    yield from plain
    yield from (_with_opening(opening, sentence) for opening in lex.FILLER_OPENINGS for sentence in plain)


def _plain_sentences() -> Iterator[str]:
    words = lex.PRAISE + lex.CRITICISM
    for aspect, facts in lex.ASPECTS.items():
        for stem in (fact.template.format(n=fact.values[0]) for fact in facts):
            yield from (stem, *(stem + lex.VERDICT.format(word=word) for word in words))
        yield from (form.format(aspect=aspect, word=word) for form in lex.OPINIONS for word in words)
        yield from (sentence.format(aspect=aspect) for sentence in lex.RUDE_SENTENCES)
    yield from _contrasts()
    yield from (sentence.capitalize() for sentence in lex.FILLER_SENTENCES)
    for phone in lex.PHONES:
        yield lex.NEUTRAL_SENTENCES[0].format(phone=phone, n=lex.WEEKS[0])
    for audience in lex.AUDIENCES:
        yield from (sentence.format(audience=audience) for sentence in lex.NEUTRAL_SENTENCES[1:])


def _contrasts() -> Iterator[str]:
    pairs = list(zip(lex.PRAISE, lex.CRITICISM, strict=True))
    for aspect, other in permutations(lex.ASPECTS, 2):
        for praise, criticism in pairs:
            yield lex.CONTRAST.format(aspect=aspect, praise=praise, other=other, criticism=criticism)
