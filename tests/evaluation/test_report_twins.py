"""The page's twins: the same said in Markdown and in JSON, and hostile text stays text there too."""

from __future__ import annotations

import json
import re
from pathlib import Path

from markdown_it import MarkdownIt
from report_case import INJECTIONS, hostile_samples, hostile_verdict, metrics, samples, verdict, write_page

from components.evaluation.report_markdown import SAMPLES


def written(folder: Path, **changes: object) -> tuple[str, dict]:
    write_page(folder / "report.html", **{"steps": {}, "reliability": {}, **changes})
    return (folder / "report.md").read_text(), json.loads((folder / "report.json").read_text())


def test_they_say_what_the_page_says(tmp_path: Path) -> None:
    text, said = written(tmp_path, verdict=verdict({"sequence_kl": 99.0}), shown=11)
    assert said["verdict"] == "BLOCKED"
    assert "**BLOCKED**: 1 of 24 gates failed." in text
    assert said["gates"][0]["name"] == "sequence_kl"
    assert text.index("**failed**: sequence kl") < text.index("passed: win rate")
    assert said["tally"]["prompts"] == 12
    assert len(said["samples"]) == 11
    assert text.count("\n### ") - 4 == SAMPLES
    gains = [sample["gain"] for sample in said["samples"]]
    assert gains == sorted(gains)
    assert f"### 1. lost: {gains[0]:.2f} by the judge" in text
    table = said["tables"][0]
    assert table["rows"]["KL from SFT, nats an answer"]["Policy (PPO)"] == "6.41"
    assert said["tables"][0]["caption"] == "The models' answers to held-out prompts"
    assert "| KL from SFT, nats an answer | – | – | 6.41 | 3.02 |" in text


def test_alarms_of_the_run_are_told(tmp_path: Path) -> None:
    alarm = {"name": "kl", "iteration": 9, "says": "the policy is 12.3 nats <b>away</b>, more than 10"}
    text, said = written(tmp_path, metrics=metrics() | {"training": {"alarms": [alarm]}})
    sentence = "From iteration 9: the policy is 12.3 nats <b>away</b>, more than 10."
    assert said["alarms"] == [sentence]
    assert "## Alarms while PPO ran" in text
    assert "<b>away" not in text
    page = (tmp_path / "report.html").read_text()
    assert "<li>From iteration 9: the policy is 12.3 nats &lt;b&gt;away&lt;/b&gt;, more than 10.</li>" in page


def test_a_quiet_run_says_nothing_of_alarms(tmp_path: Path) -> None:
    text, said = written(tmp_path)
    assert said["alarms"] == []
    assert "Alarms" not in text + (tmp_path / "report.html").read_text()


def test_all_samples_are_there_with_their_tokens(tmp_path: Path) -> None:
    _, said = written(tmp_path)
    rows = samples()
    for found in said["samples"]:
        sample = rows[found["row"]]
        assert found["prompt"] == sample.prompt
        assert found["source"] == sample.source
        assert found["policy"]["tokens"][-1]["value"] == sample.answers["policy"].tokens[-1].value
        assert "".join(token["text"] for token in found["sft"]["tokens"]) == sample.answers["sft"].text


def test_hostile_text_is_text_in_markdown(tmp_path: Path) -> None:
    figures = metrics()
    figures["reward_model"]["by_source"] = {name: {"accuracy": 0.5} for name in INJECTIONS}
    text, said = written(
        tmp_path, verdict=hostile_verdict(), samples=hostile_samples()[::-1], metrics=figures
    )
    # As a renderer that lets HTML through would show it.
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    assert set(re.findall(r"<(\w+)", html)) <= {
        "h1", "h2", "h3", "p", "strong", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "pre", "code",
    }  # fmt: skip
    assert {sample["prompt"] for sample in said["samples"]} == set(INJECTIONS)
    shown = sorted(INJECTIONS)[:SAMPLES]
    assert html.count("<pre>") == 6 * len(shown), "a prompt and five answers each, none of them split"


def test_backticks_do_not_end_the_fence(tmp_path: Path) -> None:
    rows = [sample for sample in hostile_samples() if sample.prompt.startswith("```")]
    text, _ = written(tmp_path, samples=rows)
    assert text.count("\n````text\n```\n<script>") == 6
    assert "<script>" not in MarkdownIt("commonmark", {"html": True}).enable("table").render(text)


def test_the_same_run_is_the_same_bytes(tmp_path: Path) -> None:
    assert written(tmp_path) == written(tmp_path / "again")
