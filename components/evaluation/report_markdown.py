"""The reviewer's page as Markdown, for a terminal or for MLflow."""

from __future__ import annotations

from collections.abc import Iterator

from components.evaluation.answers import TITLES, Answer
from components.evaluation.contents import Contents, Shown
from components.evaluation.gate_result import GateResult
from components.pages.markdown import fenced, plain, table
from components.pages.table import Table

#: Nobody scrolls a terminal through more; the others are on the page and in its JSON twin.
SAMPLES = 10
_WHOLE = 2_000  # characters of a reason or a paragraph, which this project wrote itself


def markdown(contents: Contents) -> str:
    """A stranger's text stays text in it: escaped where it stands in a line, fenced where it stands alone."""
    return "\n".join(_lines(contents)) + "\n"


def _lines(contents: Contents) -> Iterator[str]:
    failed = len(contents.failed)
    told = (
        f"{failed} of {len(contents.gates)} gates failed"
        if failed
        else f"all {len(contents.gates)} gates passed"
    )
    yield from ("# Candidate report", "", f"**{contents.verdict}**: {told}.", "", "## Gates", "")
    yield from map(_gate, contents.gates)
    if contents.alarms:
        yield from (
            "",
            "## Alarms while PPO ran",
            "",
            *(f"- {plain(each, _WHOLE)}" for each in contents.alarms),
        )
    yield from ("", "## In numbers", "", plain(contents.paragraph, _WHOLE), "")
    for each in contents.tables:
        yield from _table(each)
    if contents.plots:
        yield from (
            "## Plots, in words",
            "",
            *(f"- {plain(plot.alt, _WHOLE)}" for plot in contents.plots),
            "",
        )
    yield from _answers(contents)


def _gate(gate: GateResult) -> str:
    mark = "passed" if gate.passed else "**failed**"
    return f"- {mark}: {plain(gate.name.replace('_', ' '))}: {plain(gate.reason, _WHOLE)}"


def _table(found: Table) -> Iterator[str]:
    yield from (f"### {plain(found.caption)}", "")
    rows = ((label, *cells) for label, cells in found.rows)
    yield from (*table(("", *map(plain, found.columns)), rows), "")


def _answers(contents: Contents) -> Iterator[str]:
    tally, some = contents.tally, contents.shown[:SAMPLES]
    yield from (
        "## Answers side by side",
        "",
        f"By the judge, the policy's answer is above the SFT model's on {tally['won']} of {tally['prompts']} prompts, "
        f"level on {tally['level']} and below on {tally['lost']}. These are {len(some)}, its largest loss first.",
        "",
    )
    for number, each in enumerate(some, start=1):
        yield from _sample(number, each)


def _sample(number: int, each: Shown) -> Iterator[str]:
    sample = each.sample
    yield from (
        f"### {number}. {sample.outcome}: {sample.gain:+.2f} by the judge",
        "",
        *fenced(sample.prompt),
        "",
    )
    for name, answer in sample.in_order():
        yield from (f"{TITLES[name]}: {_scores(answer)}", "", *fenced(answer.text), "")


def _scores(answer: Answer) -> str:
    told = [f"judge {answer.judge:.2f}", f"reward {answer.reward:.2f}"]
    if answer.gold is not None:
        told.append(f"true utility {answer.gold:.2f}")
    if answer.stars:
        told.append(plain(answer.stars))
    if answer.truncated:
        told.append("cut off by length")
    return ", ".join(told)
