"""Judgements without people: by rules, by an LLM behind a real server, and their way to ingestion."""

from __future__ import annotations

import json

import pytest
from collecting.collect_case import lines, pairs

from components.collecting.automatic.rows import row_of
from components.collecting.automatic.rules import RULES, judge_by_rule
from components.collecting.automatic.toxicity import toxicity
from components.errors import FeedbackError
from components.feedback.ingestion import ingest_file
from components.feedback.store import read_accepted
from flows.commands.automatic import Rule

WORDS = [f"word{number}" for number in range(40)]


@pytest.fixture
def auto(rlhf):
    """`rlhf collect auto` in a workspace."""
    return lambda *words: rlhf("auto", *words)


def _task(number, first, second, prompt=None):
    texts = {"prompt": prompt or f"Question {number}?", "response_a": first, "response_b": second}
    return {**texts, "id": f"pair-{number}", "gold": None, "language": None, "digest": f"{number:064x}"}


def _said(rule, *tasks):
    """What the rule prefers, by pair; nothing of a pair on which it has no opinion."""
    judged = judge_by_rule(rule, tasks)
    assert judged.annotator == f"auto:rules/{rule}"
    assert judged.silent == len(tasks) - len(judged.rows)
    return {row["task"]: row["preferred"] for row in judged.rows}


def _write(root, rows, name="p.jsonl"):
    path = root / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_twice_the_words_is_longer():
    """log2 of words + 1: 3 and 7 words are one doubling, 3 and 6 are not."""
    three, six, seven = (" ".join(WORDS[:count]) for count in (3, 6, 7))
    assert _said("length", _task(1, three, seven), _task(2, seven, three), _task(3, three, six)) == {
        "pair-1": "b",
        "pair-2": "a",
    }


def test_what_repeats_itself_is_worse():
    """Of "a b c d" three times nine 4-grams, four different ones: 5/9. Three words repeat nothing."""
    again, plain = "a b c d a b c d a b c d", " ".join(WORDS[:12])
    assert _said("repetition", _task(1, again, plain), _task(2, "a a a", plain), _task(3, plain, again)) == {
        "pair-1": "b",
        "pair-3": "a",
    }


def test_what_is_about_its_prompt_is_better():
    about = [
        _task(1, "The battery lasts long.", "Cooking takes patience.", "How long does the battery last?"),
        _task(2, "The battery lasts long.", "Cooking takes patience.", "Does cooking take patience?"),
    ]
    assert _said("relevance", *about) == {"pair-1": "a", "pair-2": "b"}
    # Beside no other prompt nothing can be told.
    assert _said("relevance", about[0]) == {}


def test_what_repeats_its_prompt_is_worse():
    prompt = "Tell me about the new phone please"
    assert _said("copied", _task(1, f"{prompt} now", "It has a bright screen and lasts.", prompt)) == {
        "pair-1": "b"
    }


def test_what_insults_is_worse():
    rude, mild, fine = (
        "Only an idiot would buy this.",
        "Screw the two parts together.",
        "It has a bright screen.",
    )
    assert toxicity([rude, mild, fine]) == [True, None, False]
    assert toxicity([]) == []
    tasks = [_task(1, rude, fine), _task(2, fine, mild), _task(3, fine, rude), _task(4, rude, rude + "!")]
    assert _said("toxicity", *tasks) == {"pair-1": "b", "pair-3": "a"}


def test_the_command_knows_every_rule():
    assert [str(rule) for rule in Rule] == list(RULES)
    assert all(judge_by_rule(name, []).rows == [] for name in RULES)


def test_rules_write_a_file_that_is_ingested_with_its_mark(auto, root):
    _write(root, pairs(4))
    result = auto("p.jsonl", "--to", "auto.jsonl", "--json")
    assert result.exit_code == 0
    told = {each["annotator"]: each["judged"] for each in map(json.loads, result.stdout.splitlines())}
    # Nine words and four: one doubling. No phone is insulted, and nothing is said twice.
    assert told["auto:rules/length"] == 4
    assert told["auto:rules/toxicity"] == told["auto:rules/repetition"] == 0
    rows = lines(root / "auto.jsonl")
    assert {(row["automatic"], row["annotator"] == row["source"]) for row in rows} == {(True, True)}
    found = ingest_file(root / "auto.jsonl", root / "data")
    assert (found.status, found.automatic, found.accepted) == ("accepted", True, len(rows))
    accepted = read_accepted(root / "data/feedback")
    assert accepted["automatic"].all()
    assert sorted(accepted["row_id"]) == sorted(row["id"] for row in rows)
    assert json.loads(accepted["meta"][0])["task"] == "pair-0"


def test_the_same_judgement_has_the_same_id(auto, root):
    _write(root, pairs(2))
    for name in ("one.jsonl", "two.jsonl"):
        assert auto("p.jsonl", "--to", name, "--rule", "length").exit_code == 0
    ids = [[row["id"] for row in lines(root / name)] for name in ("one.jsonl", "two.jsonl")]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 2


def test_a_pair_in_the_other_order_is_the_same_judgement(auto, root):
    (pair,) = pairs(1)
    turned = pair | {"response_a": pair["response_b"], "response_b": pair["response_a"]}
    for name, row in (("one", pair), ("two", turned)):
        _write(root, [row], f"{name}-pairs.jsonl")
        assert auto(f"{name}-pairs.jsonl", "--to", f"{name}.jsonl", "--rule", "length").exit_code == 0
    (one,), (two,) = (lines(root / f"{name}.jsonl") for name in ("one", "two"))
    assert (one["preferred"], two["preferred"]) == ("a", "b")
    assert one["id"] == two["id"]
    assert ingest_file(root / "one.jsonl", root / "data").accepted == 1
    again = ingest_file(root / "two.jsonl", root / "data")
    assert (again.accepted, again.duplicates) == (0, 1)


def test_opposite_judgements_of_one_pair_have_ids_of_their_own():
    """An LLM may say another thing of a pair that comes in the other order."""
    task = _task(1, "one", "two")
    turned = task | {"response_a": "two", "response_b": "one"}
    ids = {row_of(each, "auto:llm/m", "a", {})["id"] for each in (task, turned)}
    assert len(ids) == 2


def test_a_pair_that_comes_twice_is_judged_once(auto, root):
    (pair,) = pairs(1)
    turned = pair | {"id": "other", "response_a": pair["response_b"], "response_b": pair["response_a"]}
    _write(root, [pair, turned])
    assert auto("p.jsonl", "--to", "o.jsonl", "--rule", "length").exit_code == 0
    assert len(lines(root / "o.jsonl")) == 1


def test_no_opinion_writes_no_file(auto, root):
    _write(root, pairs(2))
    result = auto("p.jsonl", "--to", "o.jsonl", "--rule", "toxicity")
    assert result.exit_code == 0
    assert "nothing was written" in result.output
    assert not (root / "o.jsonl").exists()


def test_bad_pairs_are_told_and_the_others_judged(auto, root):
    _write(root, [*pairs(2), {"prompt": "P", "response_a": "same", "response_b": "same"}])
    result = auto("p.jsonl", "--to", "o.jsonl", "--rule", "length")
    assert result.exit_code == 3
    assert "line 3: response_b: is the same as response_a" in result.output
    assert "p.jsonl: 2 pairs, 1 refused" in result.output
    assert len(lines(root / "o.jsonl")) == 2


def test_a_file_that_is_there_is_not_replaced(auto, root):
    _write(root, pairs(2))
    (root / "o.jsonl").write_text("kept")
    result = auto("p.jsonl", "--to", "o.jsonl")
    assert isinstance(result.exception, FeedbackError)
    assert (root / "o.jsonl").read_text() == "kept"


@pytest.mark.parametrize(
    "words",
    [
        ("--to", "o.csv"),
        ("--to", "o.jsonl", "--endpoint", "http://127.0.0.1:1/v1"),
        ("--to", "o.jsonl", "--model", "m"),
        ("--to", "o.jsonl", "--endpoint", "http://127.0.0.1:1/v1", "--model", "m", "--rule", "length"),
    ],
)
def test_wrong_usage(auto, root, words):
    _write(root, pairs(1))
    assert auto("p.jsonl", *words).exit_code == 2


@pytest.mark.parametrize("name", ["auto:rules", "AUTO:x", "ａｕｔｏ：x"])
def test_nobody_is_invited_under_such_a_name(rlhf, name):
    result = rlhf("invite", name)
    assert isinstance(result.exception, FeedbackError)
    assert "name of automatic feedback" in str(result.exception)
