"""An LLM behind a real server judges pairs, in both orders; it is paid once, and nobody reads its key."""

from __future__ import annotations

import json

import pytest
from collecting.collect_case import lines, pairs
from judge_server import always_first, judge_server

from components.collecting.automatic.rows import name_of
from components.errors import ConfigError, DataError
from components.evaluation.opinions.endpoint import EndpointError
from components.feedback.ingestion import ingest_file


@pytest.fixture
def auto(rlhf, root, monkeypatch):
    """`rlhf collect auto` on three pairs, with a key."""
    (root / "p.jsonl").write_text("".join(json.dumps(row) + "\n" for row in pairs(3)))

    def run(*words):
        monkeypatch.setenv("RLHF_JUDGE_API_KEY", "secret-key")
        return rlhf("auto", *words)

    return run


def test_an_llm_is_asked_in_both_orders(auto, root):
    with judge_server() as (address, requests):
        words = ("p.jsonl", "--to", "o.jsonl", "--endpoint", address, "--model", "Qwen/Qwen3-8B", "--json")
        result = auto(*words)
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


def test_an_llm_that_takes_the_first_has_no_opinion(auto, root):
    with judge_server(always_first) as (address, _):
        result = auto("p.jsonl", "--to", "o.jsonl", "--endpoint", address, "--model", "m", "--json")
    assert json.loads(result.stdout.splitlines()[0])["contradictions"] == 3
    assert not (root / "o.jsonl").exists()


def test_a_tie_of_an_llm_is_no_row(auto, root):
    with judge_server(lambda first, second: "TIE") as (address, _):
        result = auto("p.jsonl", "--to", "o.jsonl", "--endpoint", address, "--model", "m", "--json")
    assert json.loads(result.stdout.splitlines()[0])["ties"] == 3
    assert not (root / "o.jsonl").exists()


def test_an_llm_is_paid_once(auto, root):
    words = ("p.jsonl", "--to", "o.jsonl", "--model", "m", "--concurrency", "1", "--endpoint")
    with judge_server(statuses=[]) as (address, requests):
        assert auto(*words, address).exit_code == 0
        (root / "o.jsonl").unlink()
        assert auto(*words, address).exit_code == 0
        assert len(requests) == 6


def test_an_endpoint_that_refuses_is_told_without_the_key(auto, root):
    """It says the key back."""
    with judge_server(statuses=[401]) as (address, _):
        result = auto(
            "p.jsonl", "--to", "o.jsonl", "--endpoint", address, "--model", "m", "--concurrency", "1"
        )
    assert isinstance(result.exception, EndpointError)
    assert "refused with status 401" in str(result.exception)
    assert "secret-key" not in str(result.exception)
    assert not (root / "o.jsonl").exists()


def test_an_llm_that_gives_no_verdict_is_told(auto, root):
    with judge_server(verdict="I like {letter}") as (address, _):
        result = auto("p.jsonl", "--to", "o.jsonl", "--endpoint", address, "--model", "m")
    assert isinstance(result.exception, DataError)
    assert not (root / "o.jsonl").exists()


@pytest.mark.parametrize("model", ["m" * 300, "a\nb", "a\u202eb"])
def test_a_model_whose_name_is_no_annotators(model):
    with pytest.raises(ConfigError, match="no name of an annotator"):
        name_of("llm", model)
