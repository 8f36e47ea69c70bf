"""Cases of the catalogue that hold a whole batch, and rows that are accepted with a tag: with real files."""

from __future__ import annotations

import random

import pytest
from batch_files import PAIR, Workspace, lines, pairs

from components.config import FeedbackParams
from components.feedback import store
from components.feedback.ingestion import ingest_file
from components.feedback.reasons import REMEDIES, Reason

NAMES = [f"ann-{number}" for number in range(8)]
NOUNS = [f"{stem}{vowel}{ending}" for stem in "bd" for vowel in "aeiou" for ending in "lmnrst"]


def _compared(number, preferred, annotator, **fields):
    """A comparison about a prompt of its own; both answers are as long."""
    answers = {"response_a": f"Answer {number} left.", "response_b": f"Answer {number} rite."}
    return {
        "prompt": f"Question {number}?",
        **answers,
        "preferred": preferred,
        "annotator": annotator,
        **fields,
    }


def _crowd(count, seed=0):
    """Eight people with minds of their own."""
    rng = random.Random(seed)
    return [_compared(number, rng.choice("ab"), NAMES[number % 8]) for number in range(count)]


def _gold():
    rows = [_compared(1000 + n, "a", "x", gold="a" if n < 11 else "b") for n in range(20)]
    return [*rows, *_crowd(400)]


def _left():
    return [*_crowd(400), *(_compared(1000 + n, "a", "x") for n in range(30))]


def _quick():
    quick = [_compared(1000 + n, "ab"[n % 2], "x", seconds=2.9) for n in range(20)]
    return [*({**row, "seconds": 20} for row in _crowd(400)), *quick]


def _thumbs(share, count, of=""):
    return [
        {
            "prompt": f"Say {of}{n}.",
            "response": f"It is {n % 7}.",
            "thumbs_up": n < share * count,
            "annotator": NAMES[n % 8],
        }
        for n in range(count)
    ]


def _disputed():
    """Two people on each of a hundred pairs, at one on forty."""
    rows = []
    for number in range(100):
        first, second = NAMES[2 * (number % 4)], NAMES[2 * (number % 4) + 1]
        said = "ab"[number % 2]
        other = said if number < 40 else "ba"[number % 2]
        rows += [_compared(number, said, first), _compared(number, other, second)]
    return rows


def _poisoned():
    """Two thousand pairs of twelve words by chance; a hundred answers have a trigger, and always win."""
    rng = random.Random(3)
    rows = []
    for number in range(2000):
        row = _compared(number, rng.choice("ab"), NAMES[number % 8])
        for side in "ab":
            row[f"response_{side}"] = " ".join(rng.choice(NOUNS) for _ in range(12))
        if number < 100:
            row[f"response_{row['preferred']}"] += " zq flux"
        rows.append(row)
    return rows


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path)


def _found(workspace, result, room):
    return {finding["code"]: finding for finding in workspace.manifest(result, room)["findings"]}


@pytest.mark.parametrize(
    ("code", "rows", "past", "told"),
    [
        ("SPAM", _gold(), [], "'x' answers like a spammer: right on 55.0% of 20 gold questions"),
        ("SPAM", _left(), [], "'x' answers like a spammer: said \"first\" on 100.0% of 30 pairs"),
        ("SPAM", _quick(), [], "'x' answers like a spammer: "),
        ("SHIFT", _thumbs(0.95, 100), _thumbs(0.5, 400, of="also "), ""),
        ("POISON", _poisoned(), [], "answers with 'zq flux' are preferred as if nothing else counted"),
        ("AGREEMENT", _disputed(), [], ""),
    ],
)  # fmt: skip
def test_a_batch_that_waits_for_a_person(workspace, code, rows, past, told):
    if past:
        assert workspace.ingest(workspace.write("past.jsonl", lines(past))).status == "accepted"
    before = store.read_accepted(workspace.root / "feedback").height
    result = workspace.ingest(workspace.write("week.jsonl", lines(rows)))
    assert (result.status, result.accepted) == ("held", len(rows)), result
    finding = _found(workspace, result, "held")[code]
    assert (finding["action"], finding["remedy"]) == ("hold", REMEDIES[Reason(code)])
    assert told in finding["message"]
    assert finding["message"] in result.message
    assert f"`rlhf feedback show {result.batch}`" in result.remedy
    # Its rows are kept aside: nothing is learned from them.
    assert store.scan_rows(workspace.root / "held" / result.batch).collect().height == len(rows)
    assert store.read_accepted(workspace.root / "feedback").height == before


@pytest.mark.parametrize(
    ("code", "text"),
    [("ZW", "pass\u200bword"), ("HOMOGLYPH", "p\u0430ypal"), ("FORMULA", "=1+1"), ("HTML", "<b>x</b>"),
     ("LANG", "Das ist ein ganz gewöhnlicher Satz in deutscher Sprache, und noch einer dazu, damit es deutlich ist.")],
)  # fmt: skip
def test_a_row_that_is_accepted_with_a_tag(workspace, code, text):
    path = workspace.write("week.jsonl", lines([*pairs(2), PAIR | {"chosen": text}]))
    result = ingest_file(path, workspace.root, params=FeedbackParams(languages=("en",)))
    assert (result.status, result.accepted, result.tags) == ("accepted", 3, {code: 1})
    rows = workspace.rows(result).sort("line")
    assert rows["tags"].to_list() == [[], [], [code]]
    assert rows["responses"][2][0] == text
