"""What automatic feedback teaches: as far as it agrees with people, beside them, and nothing that is held out."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
import torch
from prepare_rows import PARAMS, enough, frame, pair, records, votes

from components.feedback.automatic.agreement import told
from components.feedback.prepared import prepare
from components.feedback.quality.proportions import wilson
from components.feedback.splits import SPLITS, role_of, split_of
from components.feedback.summary import as_text, keep_books, summarise
from components.feedback.tables import write_tables
from components.files import digest_tree
from components.objectives.preference_losses import bradley_terry_loss

LENGTH, TOXIC = "auto:rules/length", "auto:rules/toxicity"


def _teaches(prompt, split="train", role="reward"):
    found = split_of(prompt, PARAMS.validation_share, PARAMS.test_share)
    return (found, role_of(prompt, PARAMS.judge_share)) == (split, role)


def _prompts(count, split="train", role="reward", word="Subject"):
    names = (f"{word} {number}?" for number in range(10_000))
    return [
        name for _, name in zip(range(count), (n for n in names if _teaches(n, split, role)), strict=False)
    ]


def _auto(prompt, *labels, by=(LENGTH,), first="Good.", second="Bad."):
    made = pair(prompt, first, second, automatic=True, source="auto:rules")
    return made | {"votes": votes(*labels, by=list(by))}


def _prepared(rows, **params):
    return prepare(frame([*enough(), *rows]), PARAMS.model_copy(update=params))


def _automatic(made, split="train"):
    return [each for each in records(made, "preferences", split) if each.source.startswith("auto:")]


def _shared(right, wrong, by=LENGTH):
    """Pairs that three people prefer the first of, and that the annotator judges."""
    prompts = _prompts(right + wrong, word=f"Shared {by}")
    said = [1.0] * right + [0.0] * wrong
    people = [pair(prompt, "Good.", "Bad.", 1, 1, 0) for prompt in prompts]
    return [*people, *(_auto(prompt, label, by=[by]) for prompt, label in zip(prompts, said, strict=True))]


def test_weight_and_label_are_what_is_certain_of_the_agreement():
    made = _prepared([*_shared(36, 4), *(_auto(prompt, 0.0) for prompt in _prompts(3))])
    found = made.automatic.agreement[LENGTH]
    lower, upper = wilson(0.9, 40)
    assert (found["pairs"], found["prompts"], found["accuracy"]) == (40, 40, 0.9)
    assert (found["lower"], found["upper"]) == (lower, upper)
    assert lower == pytest.approx(0.7695, abs=1e-4)
    for taught in _automatic(made):
        assert (taught.chosen, taught.rejected, taught.role) == ("Bad.", "Good.", "reward")
        assert taught.probability == pytest.approx(lower)
        assert taught.weight == pytest.approx(2 * lower - 1)
        assert [opinion.annotator for opinion in taught.opinions] == [LENGTH]
    assert len(_automatic(made)) == 3


def test_a_judgement_pulls_by_what_it_tells():
    """Beside a person's: as Fisher's informations of a label that is right with probability p, and of one that is."""
    made = _prepared([*_shared(36, 4), _auto(_prompts(1)[0], 1.0)])
    (taught,) = _automatic(made)
    pulls = [_pull(taught.probability, taught.weight), _pull(1.0, 1.0)]
    # d/dm of p s(m) + (1 - p) (1 - s(m)) at s = 1/2, squared, over the label's variance of 1/4.
    known = [((2 * right - 1) / 4) ** 2 / (1 / 4) for right in (wilson(0.9, 40)[0], 1.0)]
    assert pulls[0] / pulls[1] == pytest.approx(known[0] / known[1])


def _pull(probability, weight):
    """How hard the loss moves a margin of 0."""
    margin = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    bradley_terry_loss(margin, torch.tensor([probability]), torch.tensor([weight])).backward()
    return -float(margin.grad)


@pytest.mark.parametrize(("right", "wrong"), [(0, 0), (20, 20), (2, 38)])
def test_without_agreement_it_teaches_nothing(right, wrong):
    made = _prepared([*_shared(right, wrong), *(_auto(prompt, 1.0) for prompt in _prompts(3))])
    assert made.automatic.agreement[LENGTH]["weight"] == 0
    assert _automatic(made) == []
    assert (made.automatic.unsure, made.automatic.judged) == (3, right + wrong)


def test_people_have_the_last_word_on_a_pair():
    """Ties of people and pairs the other way round, too."""
    shared, (first, second) = _shared(40, 0), _prompts(2)
    theirs = [pair(first, "Good.", "Bad.", 0.5), pair(second, "Bad.", "Good.", 1)]
    made = _prepared([*shared, *theirs, _auto(first, 1.0), _auto(second, 1.0)])
    assert _automatic(made) == []
    assert made.automatic.judged == 42
    (known,) = [each for each in records(made, "preferences", "train") if each.prompt == second]
    assert (known.chosen, known.weight, len(known.opinions)) == ("Bad.", 1.0, 1)


def test_ties_and_contradictions_say_nothing():
    shared = [*_shared(40, 0), *_shared(40, 0, by=TOXIC)]
    tie, both, two = _prompts(3)
    rows = [
        _auto(tie, 0.5),
        _auto(both, 1.0, 0.0, by=[LENGTH, TOXIC]),
        _auto(two, 1.0, 1.0, by=[LENGTH, TOXIC]),
    ]
    (taught,) = _automatic(_prepared([*shared, *rows]))
    assert (taught.prompt, len(taught.opinions)) == (two, 2)
    # Two rules are wrong together: their labels' mean, and not the product of their odds.
    assert taught.probability == pytest.approx(wilson(1.0, 40)[0])


def test_a_tie_is_neither_right_nor_wrong():
    prompts = _prompts(5, word="Tied")
    rows = [pair(prompt, "Good.", "Bad.", 1) for prompt in prompts[:4]] + [
        pair(prompts[4], "Good.", "Bad.", 0.5)
    ]
    said = [_auto(prompts[0], 0.5), *(_auto(prompt, 1.0) for prompt in prompts[1:])]
    found = _prepared([*rows, *said]).automatic.agreement[LENGTH]
    assert (found["pairs"], found["accuracy"]) == (3, 1.0)


def test_judgements_of_one_prompt_are_one_for_the_interval():
    (prompt,) = _prompts(1, word="Many")
    answers = [(f"Good {number}.", f"Bad {number}.") for number in range(30)]
    people = [pair(prompt, first, second, 1) for first, second in answers]
    said = [_auto(prompt, 1.0, first=first, second=second) for first, second in answers]
    found = _prepared([*people, *said]).automatic.agreement[LENGTH]
    assert (found["pairs"], found["prompts"]) == (30, 1)
    assert (found["lower"], found["weight"]) == (pytest.approx(wilson(1.0, 1)[0]), 0)


@pytest.mark.parametrize(
    ("split", "role"), [("test", "reward"), ("validation", "reward"), ("test", "judge"), ("train", "judge")]
)
def test_what_is_held_out_and_what_teaches_the_judge_is_peoples(split, role):
    """Neither does agreement there decide anything."""
    prompts = _prompts(60, split, role)
    people = [pair(prompt, "Good.", "Bad.", 0) for prompt in prompts[:40]]
    said = [_auto(prompt, 1.0) for prompt in prompts]
    made = _prepared([*_shared(40, 0), *people, *said])
    assert made.automatic.agreement[LENGTH]["accuracy"] == 1.0
    assert made.automatic.held_out == 60
    without = _prepared([*_shared(40, 0), *people])
    for each in SPLITS:
        assert _automatic(made, each) == []
        assert records(made, "preferences", each) == records(without, "preferences", each)
        assert records(made, "prompts", each) == records(without, "prompts", each)


def test_they_are_no_more_than_their_share():
    rows = [*_shared(40, 0), *(_auto(prompt, 1.0) for prompt in _prompts(400))]
    made = _prepared(rows, automatic_share=0.25)
    taught, people = _automatic(made), _people(made)
    assert len(taught) == len(people) // 3
    assert made.automatic.beyond == 400 - len(taught)
    weights = [sum(each.weight for each in group) for group in (taught, people)]
    assert made.automatic.share == pytest.approx(weights[0] / sum(weights))
    turned = _automatic(_prepared(rows[::-1], automatic_share=0.25))
    assert {each.prompt for each in turned} == {each.prompt for each in taught}
    assert _automatic(_prepared(rows, automatic_share=0.0)) == []


def test_of_too_many_the_most_trusted_teach():
    prompts = _prompts(400)
    doubtful = [_auto(prompt, 1.0) for prompt in prompts[:395]]
    trusted = [_auto(prompt, 1.0, by=[TOXIC]) for prompt in prompts[395:]]
    made = _prepared([*_shared(36, 4), *_shared(40, 0, by=TOXIC), *doubtful, *trusted], automatic_share=0.25)
    assert {each.prompt for each in _automatic(made)} >= set(prompts[395:])
    assert len(_automatic(made)) == len(_people(made)) // 3


def _people(made):
    preferences = records(made, "preferences", "train")
    return [each for each in preferences if each.role == "reward" and not each.source.startswith("auto:")]


def test_preferred_answers_of_machines_are_no_demonstrations():
    rows = [*_shared(40, 0), *(_auto(prompt, 1.0) for prompt in _prompts(3))]
    made = _prepared(rows, chosen_as_demonstrations="always")
    assert len(_automatic(made)) == 3
    assert not set(_prompts(3)) & {each.prompt for each in records(made, "demonstrations")}


@pytest.mark.parametrize("mode", ["mean", "reliability"])
def test_without_agreement_the_tables_are_those_without_it_to_the_byte(tmp_path, mode):
    said = [_auto(prompt, 1.0) for prompt in (*_prompts(5), *_prompts(5, "test"))]
    for name, rows in (("without", []), ("with", said)):
        write_tables(tmp_path / name, _prepared([*_shared_people(), *rows], votes=mode))
    assert digest_tree(tmp_path / "without") == digest_tree(tmp_path / "with")


def _shared_people():
    return [row for row in _shared(20, 20) if not row["automatic"]]


def test_reliability_is_of_people_alone():
    """A rule that always contradicts them makes nobody less reliable."""
    rows = [*_shared_people(), *(_auto(prompt, 0.0) for prompt in _prompts(40, word=f"Shared {LENGTH}"))]
    with_it, without = (_prepared(part, votes="reliability") for part in (rows, _shared_people()))
    for split in SPLITS:
        assert records(with_it, "preferences", split) == records(without, "preferences", split)


def test_the_books_close_and_tell_each_figure():
    made = _prepared(
        [*_shared(36, 4), *(_auto(prompt, 1.0) for prompt in (*_prompts(3), *_prompts(2, "test")))]
    )
    books = keep_books([], made)
    # No manifests: the lines that were read are not in this test.
    assert all(account.closes for account in books[1:])
    summary = summarise(made, books)
    assert summary["automatic"]["rows"] == 45
    assert summary["automatic"]["annotators"][LENGTH]["pairs"] == 40
    assert summary["books"]["automatic pairs that teach"] == {
        "pairs judged automatically": 45,
        "held out, or the judge's": -2,
        "judged by people": -40,
        "without measured agreement": 0,
        "beyond prepare.automatic_share": 0,
        "total": 3,
    }
    text = as_text(summary, books)
    assert f"{LENGTH}: agrees with people on 90.0% [76.9%, 96.0%] of 40 pairs, weight 0.54" in text
    assert "automatic" not in summarise(_prepared([]), keep_books([], _prepared([])))


def test_what_is_told_of_one_that_was_never_held_against_people():
    made = _prepared([_auto(prompt, 1.0) for prompt in _prompts(2)])
    assert told(made.automatic.agreement[LENGTH]) == "never held against people, weight 0"


def test_strength_is_peoples():
    """A machine's own strength makes no margin."""
    rows = [*_shared(40, 0), _auto(_prompts(1)[0], 1.0) | {"strength": 1.0}]
    (taught,) = _automatic(_prepared(rows))
    assert (taught.margin, taught.opinions[0].strength) == (0.0, None)
    assert replace(taught.opinions[0], trust=None).label == 1.0


def test_columns_of_the_table_are_those_of_people():
    made = _prepared([*_shared(40, 0), *(_auto(prompt, 1.0) for prompt in _prompts(3))])
    assert made.preferences.schema == _prepared([]).preferences.schema
    assert isinstance(made.preferences, pl.DataFrame)
