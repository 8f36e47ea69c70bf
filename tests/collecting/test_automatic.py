"""Judgements without people: by rules, by an LLM behind a real server, and their way to ingestion."""

from __future__ import annotations

import json
import os

import pytest
from collecting.collect_case import lines, pairs
from judge_server import always_first, judge_server
from typer.testing import CliRunner

from components.collecting.automatic.rows import name_of
from components.collecting.automatic.rules import RULES, judge_by_rule
from components.collecting.automatic.toxicity import toxicity
from components.errors import ConfigError, DataError, FeedbackError
from components.evaluation.opinions.endpoint import EndpointError
from components.feedback.ingestion import ingest_file
from components.feedback.store import read_accepted
from flows.commands.automatic import Rule
from flows.commands.collect import app

WORDS = [f"word{number}" for number in range(40)]


@pytest.fixture
def rlhf(root, monkeypatch):
    """The subcommands in a workspace, without anybody's key."""
    monkeypatch.chdir(root)
    monkeypatch.delenv("RLHF_JUDGE_API_KEY", raising=False)
    kept = dict(os.environ)

    def run(*words, **variables):
        os.environ.update(variables)
        result = CliRunner().invoke(app, ["auto", *words])
        os.environ.clear()
        os.environ.update(kept)
        return result

    return run


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


def test_rules_write_a_file_that_is_ingested_with_its_mark(rlhf, root):
    _write(root, pairs(4))
    result = rlhf("p.jsonl", "--to", "auto.jsonl", "--json")
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


def test_the_same_judgement_has_the_same_id(rlhf, root):
    _write(root, pairs(2))
    for name in ("one.jsonl", "two.jsonl"):
        assert rlhf("p.jsonl", "--to", name, "--rule", "length").exit_code == 0
    ids = [[row["id"] for row in lines(root / name)] for name in ("one.jsonl", "two.jsonl")]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 2


def test_a_pair_that_comes_twice_is_judged_once(rlhf, root):
    (pair,) = pairs(1)
    turned = pair | {"id": "other", "response_a": pair["response_b"], "response_b": pair["response_a"]}
    _write(root, [pair, turned])
    assert rlhf("p.jsonl", "--to", "o.jsonl", "--rule", "length").exit_code == 0
    assert len(lines(root / "o.jsonl")) == 1


def test_no_opinion_writes_no_file(rlhf, root):
    _write(root, pairs(2))
    result = rlhf("p.jsonl", "--to", "o.jsonl", "--rule", "toxicity")
    assert result.exit_code == 0
    assert "nothing was written" in result.output
    assert not (root / "o.jsonl").exists()


def test_bad_pairs_are_told_and_the_others_judged(rlhf, root):
    _write(root, [*pairs(2), {"prompt": "P", "response_a": "same", "response_b": "same"}])
    result = rlhf("p.jsonl", "--to", "o.jsonl", "--rule", "length")
    assert result.exit_code == 3
    assert "line 3: response_b: is the same as response_a" in result.output
    assert len(lines(root / "o.jsonl")) == 2


def test_a_file_that_is_there_is_not_replaced(rlhf, root):
    _write(root, pairs(2))
    (root / "o.jsonl").write_text("kept")
    result = rlhf("p.jsonl", "--to", "o.jsonl")
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
def test_wrong_usage(rlhf, root, words):
    _write(root, pairs(1))
    assert rlhf("p.jsonl", *words).exit_code == 2


def test_an_llm_is_asked_in_both_orders(rlhf, root):
    _write(root, pairs(3))
    with judge_server() as (address, requests):
        words = ("p.jsonl", "--to", "o.jsonl", "--endpoint", address, "--model", "Qwen/Qwen3-8B", "--json")
        result = rlhf(*words, RLHF_JUDGE_API_KEY="secret-key")
    assert result.exit_code == 0
    (told,) = map(json.loads, result.stdout.splitlines())
    assert told == {
        "annotator": "auto:llm/Qwen/Qwen3-8B", "pairs": 3, "judged": 3, "ties": 0, "contradictions": 0, "silent": 0
    }  # fmt: skip
    assert len(requests) == 6
    assert {each["key"] for each in requests} == {"Bearer secret-key"}
    rows = lines(root / "o.jsonl")
    assert [row["preferred"] for row in rows] == ["a"] * 3
    assert {row["annotator"] for row in rows} == {"auto:llm/Qwen/Qwen3-8B"}
    assert ingest_file(root / "o.jsonl", root / "data").automatic
    written = [path.read_bytes() for path in root.rglob("*") if path.is_file()]
    assert not any(b"secret-key" in content for content in written)


def test_an_llm_that_takes_the_first_has_no_opinion(rlhf, root):
    _write(root, pairs(3))
    with judge_server(always_first) as (address, _):
        result = rlhf("p.jsonl", "--to", "o.jsonl", "--endpoint", address, "--model", "m", "--json")
    assert json.loads(result.stdout.splitlines()[0])["contradictions"] == 3
    assert not (root / "o.jsonl").exists()


def test_a_tie_of_an_llm_is_no_row(rlhf, root):
    _write(root, pairs(3))
    with judge_server(lambda first, second: "TIE") as (address, _):
        result = rlhf("p.jsonl", "--to", "o.jsonl", "--endpoint", address, "--model", "m", "--json")
    assert json.loads(result.stdout.splitlines()[0])["ties"] == 3
    assert not (root / "o.jsonl").exists()


def test_an_llm_is_paid_once(rlhf, root):
    """What it said is kept, also where the run failed later."""
    _write(root, pairs(3))
    words = ("p.jsonl", "--to", "o.jsonl", "--model", "m", "--concurrency", "1", "--endpoint")
    with judge_server(statuses=[]) as (address, requests):
        assert rlhf(*words, address).exit_code == 0
        (root / "o.jsonl").unlink()
        assert rlhf(*words, address).exit_code == 0
        assert len(requests) == 6
    with judge_server(statuses=[401]) as (address, _):
        (root / "o.jsonl").unlink()
        result = rlhf(*words, address, RLHF_JUDGE_API_KEY="secret-key")
        assert isinstance(result.exception, EndpointError)
        assert "secret-key" not in str(result.exception)
        assert not (root / "o.jsonl").exists()


def test_an_llm_that_gives_no_verdict_is_told(rlhf, root):
    _write(root, pairs(3))
    with judge_server(verdict="I like {letter}") as (address, _):
        result = rlhf("p.jsonl", "--to", "o.jsonl", "--endpoint", address, "--model", "m")
    assert isinstance(result.exception, DataError)
    assert not (root / "o.jsonl").exists()


@pytest.mark.parametrize("model", ["m" * 300, "a\nb", "a\u202eb"])
def test_a_model_whose_name_is_no_annotators(model):
    with pytest.raises(ConfigError, match="no name of an annotator"):
        name_of("llm", model)


@pytest.mark.parametrize("name", ["auto:rules", "AUTO:x", "ａｕｔｏ：x"])
def test_nobody_is_invited_under_such_a_name(root, monkeypatch, name):
    monkeypatch.chdir(root)
    result = CliRunner().invoke(app, ["invite", name])
    assert isinstance(result.exception, FeedbackError)
    assert "name of automatic feedback" in str(result.exception)
