"""Whatever was accepted: the books close, nothing changes sides, and portions change nothing. By arbitrary feedback."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from types import SimpleNamespace
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from prepare_rows import (
    PARAMS,
    demonstration,
    enough,
    frame,
    pair,
    prepare,
    rating,
    records,
    row,
    thumb,
    votes,
)

from components.feedback.pairs import pairs_of, portions
from components.feedback.splits import SPLITS, normalise_prompt, role_of, split_of
from components.feedback.summary import as_text, keep_books, summarise

SOME = settings(max_examples=60)
FEW = [f"P{number}" for number in range(4)] + ["p0 ", "Ｐ1"]
ANSWERS = ["A", "B", "C", "a"]
NAMES = ["Ann", "Bob", None]


@st.composite
def rows_of_feedback(draw, prompts=tuple(FEW)) -> dict[str, Any]:
    """An accepted row of any kind, on one of few prompts, so that rows meet."""
    kind = draw(st.sampled_from(["pairwise", "ranking", "rating", "thumbs", "edit", "demonstration"]))
    prompt = draw(st.sampled_from(list(prompts)))
    answer, name = st.sampled_from(ANSWERS), st.sampled_from(NAMES)
    if kind == "pairwise":
        two = draw(st.lists(answer, min_size=2, max_size=2))
        labels = draw(st.lists(st.sampled_from([0, 0.5, 1]), min_size=1, max_size=3))
        given = votes(*labels, by=[draw(name) for _ in labels])
        return row(kind, prompt, two, votes=given, strength=draw(st.none() | st.floats(0, 1)))
    if kind == "ranking":
        many = draw(st.lists(answer, min_size=2, max_size=4))
        return row(kind, prompt, many, ranks=[draw(st.integers(1, 3)) for _ in many], annotator=draw(name))
    if kind == "rating":
        return rating(prompt, draw(answer), draw(st.integers(1, 5)), draw(name))
    if kind == "thumbs":
        return thumb(prompt, draw(answer), draw(st.sampled_from([0, 1])), draw(name))
    if kind == "edit":
        return row(kind, prompt, [draw(answer), draw(answer)], annotator=draw(name))
    return demonstration(prompt, draw(answer))


FEEDBACK = st.lists(rows_of_feedback(), max_size=30)


@st.composite
def batches(draw, accepted: int) -> list[Any]:
    """What is on record of some batches, of which those in the dataset hold so many rows."""
    counts = st.integers(0, 50)
    found = []
    for status in draw(st.lists(st.sampled_from(["held", "rejected", "refused", "withdrawn"]), max_size=5)):
        found.append((status, draw(counts) if status in ("held", "refused") else 0))
    cut = draw(st.integers(0, accepted))
    found += [("accepted", cut), ("accepted", accepted - cut)]
    return [_batch(status, rows, draw(counts), draw(counts), draw(counts)) for status, rows in found]


def _batch(status: str, accepted: int, quarantined: int, duplicates: int, withdrawn: int = 0) -> Any:
    """Of a rejected batch every row is quarantined; rows that were withdrawn are no longer accepted."""
    if status == "rejected":
        duplicates = withdrawn = 0
    return SimpleNamespace(
        status=status,
        read=accepted + quarantined + duplicates + withdrawn,
        accepted=accepted,
        quarantined=quarantined,
        duplicates=duplicates,
        withdrawn=withdrawn,
    )


@SOME
@given(rows=FEEDBACK, data=st.data())
def test_the_books_close(rows, data) -> None:
    """Each account against a count of its own, made of the rows and tables themselves."""
    rows = [*enough(), *rows]
    prepared = prepare(rows, PARAMS.model_copy(update={"chosen_as_demonstrations": "always"}))
    books = keep_books(data.draw(batches(len(rows))), prepared)
    assert [account.name for account in books if not account.closes] == []
    totals = {account.name: account.total for account in books}
    made = {name: len(records(prepared, name)) for name in ("demonstrations", "preferences", "ratings")}
    assert totals == {
        "rows in the dataset": len(rows),
        "rows in the dataset, by use": len(rows),
        "pairs": made["preferences"],
        "demonstrations": made["demonstrations"],
        "ratings": made["ratings"],
    }
    pairs = next(account for account in books if account.name == "pairs")
    cast = sum(len(found["votes"]) for found in rows if found["kind"] == "pairwise")
    assert pairs.parts["comparisons by pairwise"] == cast
    behind = sum(len(found.opinions) for found in records(prepared, "preferences"))
    assert behind == made["preferences"] - pairs.parts["of a pair met before"]
    assert all(count >= 0 for name, count in _signed(books))
    used = summarise(prepared, books)["used"]
    assert (
        sum(used["preferences_reward"].values()) + sum(used["preferences_judge"].values()) == totals["pairs"]
    )
    assert as_text(summarise(prepared, books), books).count("\n=") == len(books)


def _signed(books):
    """What is added is positive, what is taken off is negative, whatever its size."""
    taken_off = {
        "in rejected batches", "quarantined", "duplicates", "held", "refused", "withdrawn", "of the same answer",
        "of a pair met before", "repeated",
    }  # fmt: skip
    for account in books:
        for name, count in account.parts.items():
            yield name, -count if name in taken_off else count


@SOME
@given(before=FEEDBACK, added=FEEDBACK, data=st.data())
def test_no_prompt_changes_sides_when_a_batch_is_added(before, added, data) -> None:
    """Whether the batch comes to stand before or after what was there."""
    before = [*enough(), *before]
    both = data.draw(st.sampled_from([[*before, *added], [*added, *before]]))
    assert _sides(prepare(before)).items() <= _sides(prepare(both)).items()


def _sides(prepared) -> dict[str, tuple[str, str]]:
    """Split and role of each prompt by its normalised text, in whatever table it is; the same in all of them."""
    found: dict[str, tuple[str, str]] = {}
    for name in ("demonstrations", "preferences", "ratings", "prompts"):
        for split in SPLITS:
            for record in records(prepared, name, split):
                role = getattr(record, "role", None) or role_of(record.prompt, PARAMS.judge_share)
                assert found.setdefault(normalise_prompt(record.prompt), (split, role)) == (split, role)
    return found


@SOME
@given(rows=FEEDBACK, size=st.integers(1, 10))
def test_portions_change_nothing(rows, size) -> None:
    whole, parts = (pairs_of(frame(rows), 0.4, portion) for portion in (10**6, size))
    assert parts.preferences.equals(whole.preferences)
    assert (parts.rows, parts.comparisons, parts.identical) == (
        whole.rows,
        whole.comparisons,
        whole.identical,
    )


@SOME
@given(rows=FEEDBACK, size=st.integers(1, 10))
def test_portions_are_small_and_part_no_prompt(rows, size) -> None:
    parts = list(portions(frame(rows), size))
    seen = [[found["prompt"] for found in part] for part in parts]
    most = max(Counter(found["prompt"] for found in rows).values(), default=0)
    assert all(len(part) < size + most for part in parts)
    assert len(parts) >= len(rows) / (size + most)
    assert sum(len(set(part)) for part in seen) == len({found["prompt"] for found in rows})
    assert list(dict.fromkeys(chain(*seen))) == list(dict.fromkeys(found["prompt"] for found in rows))
    for prompt in FEW:
        kept = [found for part in parts for found in part if found["prompt"] == prompt]
        assert kept == [found for found in frame(rows).rows(named=True) if found["prompt"] == prompt]


def test_what_is_left_out_is_counted() -> None:
    """By hand: a ranking of which two answers are the same, a thumb that stands alone, a ranking of equals, a rating
    that stands alone, a vote on a pair that was judged before.
    """
    prompt = next(f"Train {n}?" for n in range(99) if split_of(f"Train {n}?", 0.1, 0.2) == "train")
    rows = [
        *enough(),
        row("ranking", prompt, ("A", "A", "B"), ranks=[1, 2, 3]),
        thumb(prompt, "Fine.", 1),
        row("ranking", "Even?", ("A", "B"), ranks=[1, 1]),
        rating(prompt, "Fine.", 3, "Ann"),
        pair("Question 0?", "Bad.", "Good.", 0),
    ]
    books = {account.name: dict(account.parts) for account in keep_books([], prepare(rows))}
    assert books["rows in the dataset, by use"] == {
        "rows that compare answers": 62,
        "that demonstrate": 60,
        "that rate an answer alone": 1,
        "with nothing to compare": 2,
    }
    assert books["pairs"] == {
        "comparisons by pairwise": 61,
        "comparisons by ranking": 3,
        "of the same answer": -1,
        # Question 0 again, and the second "A over B" of the ranking.
        "of a pair met before": -2,
    }


def test_the_table_that_is_printed() -> None:
    rows = [*enough(), pair("Question 0?", "C", "D", 0.5)]
    prepared = prepare(rows)
    manifests = [_batch("accepted", 121, 1500, 9), _batch("held", 30, 2, 0), _batch("rejected", 0, 7, 0)]
    books = keep_books(manifests, prepared)
    summary = summarise(prepared, books)
    lines = as_text(summary, books).splitlines()
    assert [" ".join(line.split()) for line in lines[:7]] == [
        "lines read 1,669",
        "- in rejected batches 7",
        "- quarantined 1,502",
        "- duplicates 9",
        "- held 30",
        "= rows in the dataset 121",
        "",
    ]
    assert {len(line) for line in lines[:6]} == {53}
    places = lines.index(next(line for line in lines if "validation" in line))
    assert lines[places].split() == ["total", "train", "validation", "test"]
    sizes = [len(records(prepared, "demonstrations", split)) for split in SPLITS]
    assert lines[places + 1].split() == ["demonstrations", "60", *map(str, sizes)]
    assert summary["ties"] == 1
    assert summary["books"]["rows in the dataset"]["total"] == 121
    assert summary["used"]["prompts"] == {
        split: prepared.prompts.filter(pl.col("split") == split).height for split in SPLITS
    }


def test_books_that_do_not_close_say_so() -> None:
    (lines_read, *_) = keep_books([_batch("accepted", 100, 0, 0)], prepare(enough()))
    assert not lines_read.closes
