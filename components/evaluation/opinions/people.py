"""People as judges: pairs to label, without a word of which model is which, and what came back.

The columns are named so that `rlhf ingest` does not take the file for feedback: these are held-out prompts.
"""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from components.errors import DataError
from components.evaluation.intervals import Bootstrap
from components.evaluation.opinions.figures import Opinion, opinion_figures
from components.evaluation.opinions.label_file import Label
from components.evaluation.opinions.pairs import Pair, digest_of_pairs
from components.files import sha256_bytes
from components.pages.spreadsheet import harmless

COLUMNS = ("batch", "id", "prompt", "answer_a", "answer_b", "annotator", "preferred")
_DIGITS = 16


@dataclass(frozen=True)
class Batch:
    """Pairs that go out to people.

    Attributes:
        rows: what they see, by COLUMNS, texts as they are in JSONL.
        key: JSON that tells which answer is whose; it stays here.
    """

    name: str
    rows: list[dict[str, str]]
    key: dict[str, Any]


def make_batch(pairs: Sequence[Pair], against: str, count: int, seed: int) -> Batch:
    """The first `count` pairs that differ, in an order of rows and answers that `seed` draws."""
    judged = digest_of_pairs(pairs)
    chosen = [pair for pair in pairs[:count] if not pair.is_equal]
    if not chosen:
        raise DataError(
            "every pair holds the same answer twice: there is nothing to prefer", "`rlhf retrain`"
        )
    dice = random.Random(seed)  # noqa: S311 - drawn again from the seed, and no secret
    dice.shuffle(chosen)
    name = sha256_bytes(json.dumps([judged, against, count, seed]).encode("ascii"))[:_DIGITS]
    rows, places = [], {}
    for number, pair in enumerate(chosen):
        place = sha256_bytes(f"{name} {number}".encode("ascii"))[:_DIGITS]
        candidate = dice.choice("ab")
        shown = (pair.candidate, pair.opponent) if candidate == "a" else (pair.opponent, pair.candidate)
        rows.append(dict(zip(COLUMNS, (name, place, pair.prompt, *shown, "", ""), strict=True)))
        places[place] = {"pair": pair.digest, "candidate": candidate}
    return Batch(name, rows, {"against": against, "answers_sha256": judged, "count": count, "pairs": places})


def as_text(rows: Sequence[Mapping[str, str]], path: Path) -> str:
    """JSONL, or by the file's name CSV in which no text is a formula."""
    if path.suffix.lower() != ".csv":
        return "".join(json.dumps(row) + "\n" for row in rows)
    target = io.StringIO()
    writer = csv.DictWriter(target, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: harmless(value) for name, value in row.items()} for row in rows)
    return target.getvalue()


def people_figures(
    labels: Sequence[Label], key: Mapping[str, Any], pairs: Sequence[Pair], bootstrap: Bootstrap
) -> dict[str, Any]:
    """Figures of the labelled pairs, those of `opinion_figures`; several votes on a pair are averaged.

    Equal answers of the batch's prompts were not sent out: they are ties, as with the judge model.

    Raises:
        DataError: the candidate was evaluated anew since the pairs went out, or nothing is labelled.
    """
    if key["answers_sha256"] != digest_of_pairs(pairs):
        raise DataError(
            "these labels are of other answers than those in reports/samples.jsonl",
            "`rlhf judge export` pairs of the current candidate",
        )
    if not labels:
        raise DataError("no row of the file has a label", "fill in `preferred`: a, b or tie")
    known = {pair.digest: pair for pair in pairs}
    votes: dict[str, list[str]] = {}
    for label in labels:
        votes.setdefault(label.place, []).append(label.preferred)
    judged = [_opinion(known[key["pairs"][place]["pair"]], key["pairs"][place]["candidate"], given)
              for place, given in votes.items()]  # fmt: skip
    equal = [Opinion(pair, 0.5) for pair in pairs[: key["count"]] if pair.is_equal]
    return {
        **opinion_figures([*equal, *judged], bootstrap),
        "equal_answers": len(equal),
        "votes": len(labels),
        "annotators": len({label.annotator for label in labels}),
        "unlabelled_pairs": len(key["pairs"]) - len(votes),
    }


def _opinion(pair: Pair, candidate: str, given: Sequence[str]) -> Opinion:
    outcome = fmean(0.5 if vote == "tie" else float(vote == candidate) for vote in given)
    return Opinion(pair, outcome, given.count("a"), len(given) - given.count("tie"))
