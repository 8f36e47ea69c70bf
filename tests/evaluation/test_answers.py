"""Side-by-side records: their order and their file."""

from __future__ import annotations

import json

from components.evaluation.answers import Answer, Sample, to_jsonl, worst_first


def sample(prompt: str, sft: float, policy: float) -> Sample:
    return Sample(prompt, Answer("s", 0.0, sft), Answer("p", 0.0, policy), Answer("d", 0.0, 0.0))


def test_the_largest_loss_comes_first_and_prompts_break_ties() -> None:
    rows = [sample("b", 0, 1), sample("c", 0, -2), sample("a", 1, 2), sample("d", 0, 0)]
    assert [row.prompt for row in worst_first(rows)] == ["c", "d", "a", "b"]


def test_a_line_a_sample_whatever_the_text() -> None:
    rows = [sample("line\nbreak \u2028 \ud800", 0, 1), sample("ü", 0, 1)]
    lines = to_jsonl(rows).encode("utf-8").decode("utf-8").splitlines()
    assert [json.loads(line)["prompt"] for line in lines] == ["line\nbreak \u2028 \ud800", "ü"]
    assert json.loads(lines[0])["policy"] == {
        "text": "p", "reward": 0.0, "judge": 1, "gold": None, "stars": None, "truncated": False,
    }  # fmt: skip
