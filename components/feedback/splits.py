"""Which split and which role a prompt belongs to: decided by its text alone, once and for all.

The salts are fixed and no seed enters: with another seed prompts would move from test to training, and a
model would be examined on what its parents were taught. No other prompt matters either, so that later batches
move nothing. All kinds of feedback are split alike: no answer to a test prompt reaches training.
"""

from __future__ import annotations

import hashlib
import unicodedata
from functools import lru_cache
from typing import Literal

Split = Literal["train", "validation", "test"]
Role = Literal["reward", "judge"]

SPLITS: tuple[Split, ...] = ("train", "validation", "test")
ROLES: tuple[Role, ...] = ("reward", "judge")

_SPLIT_SALT = "split 1"
_ROLE_SALT = "role 1"


def split_of(prompt: str, validation_share: float, test_share: float) -> Split:
    """The split of a prompt and of all that was said about it.

    Test takes the low end of the hash's range and validation the part above it, so that a changed
    `validation_share` never moves a prompt into or out of test.
    """
    position = _position(prompt, _SPLIT_SALT)
    if position < test_share:
        return "test"
    return "validation" if position < test_share + validation_share else "train"


def role_of(prompt: str, judge_share: float) -> Role:
    """Whether preferences on this prompt teach the reward model or the judge; independent of the split."""
    return "judge" if _position(prompt, _ROLE_SALT) < judge_share else "reward"


@lru_cache(maxsize=4096)
def normalise_prompt(prompt: str) -> str:
    """What counts as the same prompt: NFKC, case folded, runs of white space as one space."""
    folded = unicodedata.normalize("NFKC", prompt).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def _position(prompt: str, salt: str) -> float:
    """A number in [0, 1), uniform over prompts: the first 8 bytes of a SHA-256."""
    digest = hashlib.sha256(f"{salt}\n{normalise_prompt(prompt)}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
