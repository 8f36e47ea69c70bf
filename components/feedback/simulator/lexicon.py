"""The words of the simulated domain: short reviews of phones that do not exist."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fact:
    """One thing that can be measured about an aspect.

    Attributes:
        unit: the word after the number; no two facts share one.
        template: a sentence without its full stop; "{n}" stands for the number.
        values: the numbers that writers use; a number outside their range is not believed.
    """

    unit: str
    template: str
    values: tuple[int, ...]

    def believes(self, number: int) -> bool:
        return min(self.values) <= number <= max(self.values)


#: What a prompt may ask about, and what can be measured about it.
ASPECTS: dict[str, tuple[Fact, Fact]] = {
    "battery": (
        Fact("hours", "The battery lasts {n} hours", (12, 18, 24, 30)),
        Fact("days", "The battery survives {n} days", (2, 3, 4)),
    ),
    "camera": (
        Fact("megapixels", "The camera has {n} megapixels", (12, 50, 64)),
        Fact("times", "The camera zooms {n} times", (3, 5, 10)),
    ),
    "screen": (
        Fact("inches", "The screen measures {n} inches", (5, 6, 7)),
        Fact("hertz", "The screen runs at {n} hertz", (60, 90, 120)),
    ),
    "storage": (
        Fact("gigabytes", "The storage holds {n} gigabytes", (64, 128, 256)),
        Fact("films", "The storage fits {n} films", (20, 50, 100)),
    ),
    "charger": (
        Fact("minutes", "The charger needs {n} minutes", (30, 60, 90)),
        Fact("watts", "The charger gives {n} watts", (20, 30, 60)),
    ),
    "sound": (
        Fact("decibels", "The sound reaches {n} decibels", (60, 80, 90)),
        Fact("speakers", "The sound comes from {n} speakers", (2, 3, 4)),
    ),
    "weight": (
        Fact("grams", "The weight is {n} grams", (150, 180, 200)),
        Fact("ounces", "The weight equals {n} ounces", (5, 6, 7)),
    ),
    "price": (
        Fact("dollars", "The price is {n} dollars", (200, 300, 400)),
        Fact("years", "The price covers {n} years of updates", (2, 3, 5)),
    ),
}

PRAISE = ("good", "great", "solid", "pleasant", "excellent", "impressive")
CRITICISM = ("weak", "poor", "annoying", "mediocre", "disappointing", "limited")

OPINIONS = ("The {aspect} is {word}", "The {aspect} feels {word}", "I find the {aspect} {word}")
CONTRAST = "The {aspect} is {praise} but the {other} is {criticism}"
VERDICT = ", which is {word}"

#: Openings and sentences that say nothing, in lower case as the utility looks for them.
FILLER_OPENINGS = ("to be honest", "as everyone knows", "at the end of the day")
FILLER_SENTENCES = ("it is what it is", "a phone is a phone", "there is not much to add")

RUDE_WORDS = ("idiot", "garbage", "stupid", "trash")
RUDE_SENTENCES = (
    "Only an idiot would buy it",
    "The {aspect} is garbage",
    "The makers are stupid",
    "This phone is trash",
)

NEUTRAL_SENTENCES = (
    "I used the {phone} for {n} weeks",
    "It suits {audience}",
    "I would buy it again",
    "My friend has one too",
)
WEEKS = (2, 3, 6)

PHONES = tuple(
    f"{name} {model}"
    for name in ("Luma", "Orbi", "Kanto", "Vela", "Tern", "Nimbo")
    for model in ("3", "5", "7", "Mini", "Pro", "Max")
)
AUDIENCES = ("students", "travellers", "gamers", "parents", "seniors", "runners", "artists", "nurses")

PROMPTS = (
    "Write a short review of the {phone} for {audience}. Cover {aspects}.",
    "Review the {phone} for {audience} and mention {aspects}.",
    "What should {audience} know about {aspects} of the {phone}?",
    "Is the {phone} right for {audience}? Talk about {aspects}.",
    "Tell {audience} about {aspects} of the {phone}.",
    "Describe {aspects} of the {phone} to {audience}.",
)
