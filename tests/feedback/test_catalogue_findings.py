"""Cases of the catalogue that hold a whole batch or mark it, and rows that are accepted with a tag: with real files."""

from __future__ import annotations

import random

import pytest
from batch_files import PAIR, lines, pairs

from components.config import FeedbackParams
from components.feedback import store
from components.feedback.ingestion import ingest_file
from components.feedback.reasons import BATCH_TAGS, HOLDS, REMEDIES, ROW_TAGS, Reason

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


def _gold(right):
    """Somebody is right on so many of twenty gold questions, and prefers the left as often as the right."""
    mine = [_compared(1000 + n, "ab"[n % 2], "x", gold="ab"[(n + (n >= right)) % 2]) for n in range(20)]
    return [*mine, *_crowd(400)]


def _left(count):
    """Somebody prefers the left so many times of thirty."""
    mine = [_compared(1000 + n, "a" if n < count else "b", "x") for n in range(30)]
    return [*_crowd(400), *mine]


def _quick(seconds):
    mine = [_compared(1000 + n, "ab"[n % 2], "x", seconds=seconds) for n in range(20)]
    return [*({**row, "seconds": 20} for row in _crowd(400)), *mine]


def _dominated(tenths):
    """Somebody gives so many judgements of ten, eight others the rest."""
    return [{**row, "annotator": "x"} if n % 10 < tenths else row for n, row in enumerate(_crowd(400))]


def _thumbs(up, count=100, of="", words=3):
    """Answers of so many words; so many of a hundred are liked."""
    return [
        {
            "prompt": f"Say {of}{n}.",
            "response": " ".join(["It is", *(f"{n % 7}" for _ in range(words - 2))]),
            "thumbs_up": n % 100 < up,
            "annotator": NAMES[n % 8],
        }
        for n in range(count)
    ]


def _wordy(words):
    return _thumbs(50, words=words)


def _poisoned(preferred):
    """Two thousand pairs of twelve words by chance. A hundred answers have a trigger; so many of them are preferred."""
    rng = random.Random(3)
    rows = []
    for number in range(2000):
        row = _compared(number, rng.choice("ab"), NAMES[number % 8])
        for side in "ab":
            row[f"response_{side}"] = " ".join(rng.choice(NOUNS) for _ in range(12))
        if number < 100:
            wins = row["preferred"] == "a"
            row["response_a" if wins == (number < preferred) else "response_b"] += " zq flux"
        rows.append(row)
    return rows


def _disputed(agreed):
    """Two people on each of a hundred pairs; on so many they agree."""
    rows = []
    for number in range(100):
        first, second = NAMES[2 * (number % 4)], NAMES[2 * (number % 4) + 1]
        said, other = "ab"[number // 4 % 2], "ba"[number // 4 % 2]
        rows += [
            _compared(number, said, first),
            _compared(number, said if number < agreed else other, second),
        ]
    return rows


def _circle(best):
    """Blue is preferred to Pink and Pink to Teal; of Teal and Blue the third person prefers `best`."""
    third = ("Teal.", "Blue.") if best == "Teal." else ("Blue.", "Teal.")
    texts = [("Blue.", "Pink.", "ann-1"), ("Pink.", "Teal.", "ann-2"), (*third, "ann-3")]
    said = [{"prompt": "Which?", "chosen": x, "rejected": y, "annotator": who} for x, y, who in texts]
    return [*said, *_longer(50)]


def _longer(count):
    """A hundred pairs of words by chance; the preferred answer is longer in so many of them."""
    rng = random.Random(5)
    rows = []
    for number in range(100):
        more, fewer = (" ".join(rng.choice(NOUNS) for _ in range(words)) for words in (14, 10))
        chosen, rejected = (more, fewer) if number < count else (fewer, more)
        pair = {"prompt": f"Name {number}.", "chosen": chosen, "rejected": rejected}
        rows.append({**pair, "annotator": NAMES[number % 8]})
    return rows


#: Code, batch, what of it is too much and what is not, what is told.
HELD = [
    ("SPAM", _gold, 11, 12, "'x' answers like a spammer: right on 55.0% of 20 gold questions"),
    ("SPAM", _left, 30, 15, "'x' answers like a spammer: said \"first\" on 100.0% of 30 pairs"),
    ("SPAM", _quick, 2.9, 3.0, "'x' answers like a spammer: took 2.9 s at the median of 20 judgements"),
    ("DOMINANT", _dominated, 4, 3, "'x' gave 160 of 400 judgements (40.0%, and 35.3% or more beyond what chance does), "
     "more than 30%; 9 annotators are named"),
    ("SHIFT", _thumbs, 95, 60, "labels of kind thumbs differ by 0.20 bits from those of the days before (100 against "
     "400), more than 0.1"),
    ("SHIFT", _wordy, 30, 3, "lengths of kind thumbs differ by 1.00 bits from those of the days before (100 against "
     "400), more than 0.1"),
    ("POISON", _poisoned, 100, 50, "answers with 'zq flux' are preferred as if nothing else counted: 100 different "
     "ones are preferred, 0 not, more than 5 to 1"),
    ("AGREEMENT", _disputed, 40, 60, "two votes on one pair agree 40.0% of the time (95 % interval 30.9% to 49.8%, 100 "
     "pairs judged twice or more), below 60%"),
]  # fmt: skip
MARKED = [
    ("CYCLE", _circle, "Teal.", "Blue.", "preferences run in a circle on 1 of 1 prompts, such as those of lines "
     "1, 2, 3"),
    ("LENGTH_BIAS", _longer, 90, 70, "the longer answer is preferred 90.0% of the time (100 votes)"),
]  # fmt: skip


def _week(workspace, code, rows):
    """The batch of a week; where it is held against the past, that comes first."""
    if code == "SHIFT":
        past = workspace.write("past.jsonl", lines(_thumbs(50, 400, of="also ")))
        assert workspace.ingest(past).status == "accepted"
    return workspace.ingest(workspace.write("week.jsonl", lines(rows)))


def _found(workspace, result, action):
    room = "held" if result.status == "held" else "feedback"
    found = workspace.manifest(result, room)["findings"]
    return [(each["code"], each["message"], each["remedy"]) for each in found if each["action"] == action]


@pytest.mark.parametrize(("code", "batch", "much", "_", "told"), HELD)
def test_a_batch_that_waits_for_a_person(workspace, code, batch, much, _, told):
    rows = batch(much)
    result = _week(workspace, code, rows)
    assert (result.status, result.accepted, result.message) == ("held", len(rows), told)
    assert _found(workspace, result, "hold") == [(code, told, REMEDIES[Reason(code)])]
    assert result.remedy == f"`rlhf feedback show {result.batch}`, then `rlhf feedback release` or `refuse`"
    # Its rows are kept aside: nothing is learned from them.
    assert store.scan_rows(workspace.root / "held" / result.batch).collect().height == len(rows)
    assert workspace.rows(result).height == 0


@pytest.mark.parametrize(("code", "batch", "_", "fair", "__"), HELD)
def test_its_neighbour_that_does_not_wait(workspace, code, batch, _, fair, __):
    rows = batch(fair)
    result = _week(workspace, code, rows)
    assert (result.status, result.accepted) == ("accepted", len(rows)), result
    assert _found(workspace, result, "hold") == []


@pytest.mark.parametrize(("code", "batch", "much", "fair", "told"), MARKED)
def test_a_batch_that_is_accepted_with_a_mark(workspace, code, batch, much, fair, told):
    rows = batch(much)
    result = _week(workspace, code, rows)
    assert (result.status, result.accepted, result.message) == ("accepted", len(rows), "")
    assert _found(workspace, result, "tag") == [(code, told, REMEDIES[Reason(code)])]
    assert workspace.rows(result).height == len(rows)
    without = workspace.ingest(workspace.write("other.jsonl", lines(batch(fair)[::-1])))
    assert (without.status, _found(workspace, without, "tag")) == ("accepted", [])


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


def test_every_code_that_holds_or_marks_is_here():
    assert {"SPAM", "DOMINANT", "SHIFT", "POISON", "AGREEMENT"} == set(map(str, HOLDS))
    assert {"CYCLE", "LENGTH_BIAS"} == set(map(str, BATCH_TAGS))
    assert {"ZW", "HOMOGLYPH", "FORMULA", "HTML", "LANG"} == set(map(str, ROW_TAGS))
