"""The pairs of answers that `evaluate` left in reports/samples.jsonl: the candidate's, and another model's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.errors import DataError
from components.files import sha256_bytes

SAMPLES = Path("reports/samples.jsonl")
_REMEDY = "`rlhf retrain` lets the models answer the held-out prompts"


@dataclass(frozen=True)
class Pair:
    """Two answers to one held-out prompt.

    Attributes:
        margin: the judge model's score of the candidate's answer minus that of the other.
    """

    prompt: str
    candidate: str
    opponent: str
    margin: float

    @property
    def digest(self) -> str:
        """SHA-256 of its three texts."""
        return sha256_bytes(json.dumps([self.prompt, self.candidate, self.opponent]).encode("ascii"))

    @property
    def is_equal(self) -> bool:
        """Whether both say the same: a tie that nobody need be asked about."""
        return self.candidate == self.opponent

    @property
    def judge_outcome(self) -> float:
        """Of the candidate by the judge model: 1, 0, or a half for a tie."""
        return 0.5 if self.margin == 0 else float(self.margin > 0)


def read_pairs(root: Path, opponent: str) -> list[Pair]:
    """All pairs of the candidate and `opponent` ("sft" or "champion"), in the order of the file.

    Raises:
        DataError: there is no evaluation, it is damaged, or the opponent did not take part.
    """
    path = root / SAMPLES
    if not path.exists():
        raise DataError(f"{SAMPLES} is not there: no candidate was evaluated yet", _REMEDY)
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = [_pair(line, number, opponent) for number, line in enumerate(lines, start=1)]
    if not pairs:
        raise DataError(f"{SAMPLES} holds no answers", _REMEDY)
    return pairs


def digest_of_pairs(pairs: Sequence[Pair]) -> str:
    """SHA-256 that stands for these very answers: an opinion belongs to a candidate by it."""
    return sha256_bytes("".join(pair.digest for pair in pairs).encode("ascii"))


def _pair(line: str, number: int, opponent: str) -> Pair:
    try:
        record = json.loads(line)
        ours = record["policy"]
        theirs = record.get(opponent)
        if theirs is not None:
            return Pair(record["prompt"], ours["text"], theirs["text"], _margin(ours, theirs))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DataError(f"{SAMPLES}, line {number}: not a sample of `evaluate`", _REMEDY) from None
    raise DataError(f"the evaluation has no answers of the {opponent}", "take `--against sft`")


def _margin(ours: dict[str, Any], theirs: dict[str, Any]) -> float:
    return float(ours["judge"]) - float(theirs["judge"])
