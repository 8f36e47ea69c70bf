"""The data card: figures by hand, a front matter that a machine reads, and text that stays text."""

from __future__ import annotations

import re

import pytest
import yaml
from batch_case import batch_rows, canonical, manifest, quality
from evaluation.report_case import INJECTIONS
from prepare_rows import PARAMS, demonstration, row, votes

from components.feedback.report.card import data_card
from components.feedback.report.dataset import dataset_figures
from components.feedback.report.licences import NOT_STATED, licences_by_source
from components.feedback.splits import role_of, split_of
from components.pages.markdown import plain, table


def front_matter(card: str) -> dict:
    start, content, _ = card.split("---\n", 2)
    assert start == ""
    return yaml.safe_load(content)


def card_of(rows: list[dict], manifests=None, **licences: list[str]) -> str:
    known = [manifest()] if manifests is None else manifests
    return data_card(known, dataset_figures(canonical(rows), PARAMS), "reviews", licences)


def test_figures_by_hand() -> None:
    rows = [
        row("pairwise", "P", ("A", "B"), votes=votes(1, 1, 0, by=["Ann", "Bob", None])),
        row("pairwise", "Q", ("A", "B"), votes=votes(1, by=["Ann"])),
        demonstration("P", "A"),
    ]
    found = dataset_figures(canonical(rows), PARAMS)
    assert found["annotators"]["named"] == 2
    # Of five judgements Ann gave two; the demonstration and a vote are nameless.
    assert found["annotators"]["largest_share"] == 0.4
    assert found["annotators"]["judgements"] == [1.1, 1.5, 1.9]
    assert found["agreement"]["pairwise"]["items"] == 1
    # Three couples of votes, of which one agrees.
    assert found["agreement"]["pairwise"]["agreement"] == pytest.approx(1 / 3, abs=1e-4)
    assert "kappa" not in found["agreement"]["pairwise"]
    for prompt in "PQ":
        split, role = (
            split_of(prompt, PARAMS.validation_share, PARAMS.test_share),
            role_of(prompt, PARAMS.judge_share),
        )
        assert found["splits"][split][role] > 0
    assert sum(count for roles in found["splits"].values() for count in roles.values()) == 2


def test_the_front_matter_is_the_hub_s() -> None:
    found = front_matter(card_of(batch_rows()))
    assert found == {
        "pretty_name": "reviews",
        "license": "unknown",
        "task_categories": ["text-generation", "reinforcement-learning"],
        "tags": ["rlhf", "human-feedback", "demonstration", "pairwise", "rating", "thumbs"],
        "size_categories": ["n<1K"],
        "language": ["en"],
    }


@pytest.mark.parametrize(
    ("licences", "found"),
    [
        ({}, {"license": "unknown"}),
        ({"test": [NOT_STATED]}, {"license": "unknown"}),
        ({"test": ["CC-BY-4.0", NOT_STATED]}, {"license": "unknown"}),
        ({"test": ["CC-BY-4.0"]}, {"license": "cc-by-4.0"}),
        ({"test": ["MIT", "mit"]}, {"license": "mit"}),
        ({"test": ["CC-BY-4.0", "MIT"]}, {"license": ["cc-by-4.0", "mit"]}),
        ({"test": ["MIT OR 0BSD"]}, {"license": "other", "license_name": "mit or 0bsd"}),
    ],
)
def test_the_licence_of_the_front_matter(licences, found) -> None:
    matter = front_matter(card_of(batch_rows(), **licences))
    assert {name: value for name, value in matter.items() if name.startswith("license")} == found


def test_sources_that_are_counted_together_leave_the_licence_unknown() -> None:
    rows = [row("pairwise", f"P{n}", ("A", "B"), votes=votes(1), source=f"s{n}") for n in range(30)]
    known = {f"s{n}": ["MIT"] for n in range(30)}
    assert front_matter(card_of(rows, **known))["license"] == "mit"
    assert front_matter(card_of(rows, **known | {"s29": [NOT_STATED]}))["license"] == "unknown"


def test_licences_by_source() -> None:
    def of(source: str) -> dict:
        return row("pairwise", "P", ("A", "B"), votes=votes(1), source=source)

    batches = [
        (manifest(licence="MIT"), canonical([of("a"), of("a")])),
        (manifest(), canonical([of("a"), of("b")])),
        (manifest(licence="CC0-1.0"), canonical([of("c")])),
        (manifest(licence="0BSD"), canonical([])),
    ]
    assert licences_by_source(batches) == {"a": ["MIT", NOT_STATED], "b": [NOT_STATED], "c": ["CC0-1.0"]}


def test_what_the_card_says() -> None:
    manifests = [
        manifest(findings=quality()["findings"] * 2),
        manifest(batch="spammed-1", status="held", findings=quality()["findings"]),
        manifest(batch="gone-2", status="withdrawn", message="Ann Smith asked for it", withdrawn=271),
    ]
    card = card_of(batch_rows(), manifests)
    assert "271 rows of what people said about a language model's answers to 201 prompts" in card
    assert "| pairwise | 200 |" in card
    assert "- 8 people with a name; names are not part of this card." in card
    assert "worker" not in card
    assert "- Rows tagged HTML: 1." in card
    assert "- Rows refused as IDENTICAL, and so not in here: 36." in card
    assert "- SPAM in week-7-0a1b2c3d, 2 times. To do: look at what the annotator answered" in card
    assert "- Not in here: spammed-1, held (SPAM)." in card
    assert "- Not in here: gone-2, withdrawn." in card
    assert "Ann Smith" not in card
    assert "| week-7-0a1b2c3d | accepted | 300 | 271 | 20 | 9 | 0 | not stated |" in card
    assert "| test | not stated |" in card
    card = card_of(batch_rows(), [manifest(licence="CC-BY-4.0")], test=["CC-BY-4.0", NOT_STATED])
    assert "| week-7-0a1b2c3d | accepted | 300 | 271 | 20 | 9 | 0 | CC-BY-4.0 |" in card
    assert "| test | CC-BY-4.0; not stated |" in card
    assert re.search(
        r"judged more than once: 200; two votes agree \d\d\.\d% of the time, Krippendorff's alpha is", card
    )


def test_an_empty_dataset_has_a_card() -> None:
    card = card_of([], [])
    assert "0 rows of what people said" in card
    assert "None that the checks of ingestion know of." in card


def test_the_same_dataset_is_the_same_text() -> None:
    assert card_of(batch_rows()) == card_of(batch_rows())


@pytest.mark.parametrize(
    "text", [*INJECTIONS, "a\x1b[31mred\x00", "\u202egnp", "a | b\n# c", "[x](https://e.org)"]
)
def test_hostile_text_is_text(text: str) -> None:
    rows = [row("pairwise", "P", ("A", "B"), votes=votes(1, by=[text]), source=text, language=text)]
    made = manifest(status="withdrawn", licence=text, message=text, tags={text: 1}, reasons={text: 1})
    card = card_of(rows, [made, manifest(findings=[{"code": text, "remedy": text}])], **{text: [text]})
    content = card.split("---\n", 2)[2]
    assert "<" not in content
    assert not set(card) & {"\x1b", "\x00", "\u202e"}
    assert len([line for line in content.splitlines() if line.startswith("#")]) == 7
    assert front_matter(card)["language"] == [text]
    for line in content.splitlines():
        if line.startswith("|"):
            assert line.count("|") - line.count("\\|") in (3, 4, 9)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("week-1.jsonl", "week-1.jsonl"),
        ("a_b *c*", r"a\_b \*c\*"),
        ("see https://e.org www.e.org", r"see https\://e.org www\.e.org"),
        ("<b>&amp;", "&lt;b&gt;&amp;amp;"),
        ("one\n\n# two", r"one \# two"),
        ("x" * 200, "x" * 120 + "…"),
    ],
)
def test_plain_text(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_a_table() -> None:
    assert table(["a", "n"], [["x|y", 1234], ["z", None], ["w", 0.25]]) == [
        "| a | n |",
        "| --- | --- |",
        r"| x\|y | 1,234 |",
        "| z | – |",
        "| w | 0.25 |",
    ]


def _automatic(prompt: str, label: float) -> dict:
    said = votes(label, by=["auto:rules/length"])
    return row("pairwise", prompt, ("A", "B"), votes=said, source="auto:rules/length", automatic=True)


def test_what_no_person_judged_stands_apart() -> None:
    """Where agreement is measured the rule says what people say; elsewhere the opposite, which nobody asks."""
    people = [row("pairwise", f"Q {n}", ("A", "B"), votes=votes(1, by=["Ann"])) for n in range(60)]
    fit = [n for n in range(60) if _teaches(f"Q {n}")]
    said = [_automatic(f"Q {n}", float(n in fit)) for n in range(60)]
    found, without = (dataset_figures(canonical(rows), PARAMS) for rows in ([*people, *said], people))
    automatic = found.pop("automatic")
    assert automatic["rows"] == 60
    assert automatic["annotators"]["auto:rules/length"]["pairs"] == len(fit)
    assert automatic["annotators"]["auto:rules/length"]["accuracy"] == 1.0
    assert without.pop("automatic") == {}
    assert found == without
    card = card_of([*people, *said])
    assert "## Judged automatically" in card
    assert f"of {len(fit)} pairs, weight" in card
    assert "60 rows of what people said" in card
    assert "Judged automatically" not in card_of(people)


def test_batches_of_machines_are_told_apart() -> None:
    """The card's rows come out of people's batches, and from their days on."""
    people = manifest(batch="people", created_at="2026-03-02T00:00:00+00:00")
    automatic = manifest(batch="rules", created_at="2026-03-09T00:00:00+00:00", automatic=True)
    card = card_of([row("pairwise", "P", ("A", "B"), votes=votes(1, by=["Ann"]))], [people, automatic])
    assert "out of 1 batches" in card
    assert "from 2026-03-02 to 2026-03-02" in card
    assert "| people | accepted |" in card
    assert "| rules | accepted, automatic |" in card


def _teaches(prompt: str) -> bool:
    split = split_of(prompt, PARAMS.validation_share, PARAMS.test_share)
    return split == "train" and role_of(prompt, PARAMS.judge_share) == "reward"
