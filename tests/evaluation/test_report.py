"""The page: what it says, that it says it the same each time, and that hostile text stays text."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pages.html_page import Page
from report_case import (
    INJECTIONS,
    hostile_answer,
    hostile_samples,
    hostile_verdict,
    metrics,
    samples,
    verdict,
    write_page,
)

from components import evaluation
from components.evaluation.answers import Answer, Sample
from components.pages.page import visible


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_page(tmp_path_factory.mktemp("page") / "report.html")


def test_verdict_and_reasons_come_first(whole: str) -> None:
    page = Page(whole).text()
    order = [
        "Candidate report",
        "READY",
        "All 24 gates passed",
        "is wholly above 0.500",
        "In numbers",
        "PPO: mean score",
        "Answers side by side",
    ]
    start = page.index("Candidate report")
    places = [page.index(words, start) for words in order]
    assert places == sorted(places)


def test_failed_gates_come_before_passed_ones(tmp_path: Path) -> None:
    blocked = verdict({"distinct_2": 0.01})
    page = Page(write_page(tmp_path / "r.html", verdict=blocked, steps={}, reliability={})).text()
    assert "BLOCKED 1 of 24 gates failed." in page
    assert page.index("distinct 2") < page.index("win rate")


def test_figures_are_on_the_page(whole: str) -> None:
    page = Page(whole).text()
    assert "81.2% [76.5, 85.7]" in page
    assert "moved 6.41 nats" in page
    assert "preferring the longer answer would rank 61.2%" in page


def test_true_utility_is_left_out_where_there_is_none(tmp_path: Path) -> None:
    figures = metrics()
    for section in ("policy", "dpo"):
        figures[section] |= {"gold_win_rate_vs_sft": None, "gold_win_rate_vs_sft_ci": None}
    for section in ("reward_model", "judge"):
        figures[section]["bayes_accuracy"] = None
    rows = [
        replace(row, answers={name: replace(a, gold=None, stars=None) for name, a in row.answers.items()})
        for row in samples(3)
    ]
    page = Page(
        write_page(tmp_path / "r.html", metrics=figures, samples=rows, steps={}, reliability={})
    ).text()
    assert "utility" not in page
    assert "out of 5 stars" not in page


def test_what_the_models_learned_from_closes_the_books(tmp_path: Path) -> None:
    figures = metrics()
    figures["dpo"] |= {"train_pairs_prepared": 1200, "train_pairs_alike_when_cut": 7, "train_pairs": 1193}
    page = Page(write_page(tmp_path / "r.html", metrics=figures, samples=[], steps={}, reliability={})).text()
    assert "Pairs of its role – – 1,200 The same answer twice, once cut to max_response_tokens – – 7" in page
    assert "Pairs that taught – – 1,193" in page


def test_the_tally_counts_every_sample_and_the_page_shows_the_worst(tmp_path: Path) -> None:
    rows = [
        Sample(f"p{gain}", {"sft": Answer("s", 0, 0), "policy": Answer("p", 0, gain)})
        for gain in (2, 0, -1, 3)
    ]
    page = Page(write_page(tmp_path / "r.html", samples=rows, shown=2, steps={}, reliability={})).text()
    assert "on 2 of 4 prompts, level on 1 and below on 1. Below are 2 of them" in page
    assert "policy loses by 1.00" in page
    assert " p-1 " in page
    assert " p2 " not in page
    assert page.index("p-1") < page.index("p0")


def test_a_bare_run_still_makes_a_page(tmp_path: Path) -> None:
    page = Page(write_page(tmp_path / "r.html", metrics={}, steps={}, samples=[], reliability={})).text()
    assert "Nothing was measured." in page
    assert "No stage left per-step metrics." in page


def test_the_same_run_is_the_same_bytes(whole: str, tmp_path: Path) -> None:
    assert write_page(tmp_path / "again.html") == whole


def test_hostile_text_is_text(tmp_path: Path) -> None:
    bare: dict[str, Any] = {"steps": {}, "reliability": {}}
    harmless = [
        Sample(f"p{place}", {name: hostile_answer("abc") for name in row.answers}, source=f"s{place:02}")
        for place, row in enumerate(hostile_samples())
    ]
    plain = Page(write_page(tmp_path / "a.html", samples=harmless, **bare))
    hostile = Page(write_page(tmp_path / "b.html", samples=hostile_samples(), **bare))
    assert hostile.tags == plain.tags
    mine = ("value", "data-source", "data-lengths", "data-length", "data-row")
    assert [a for a in hostile.attributes if a[1] not in mine] == [
        a for a in plain.attributes if a[1] not in mine
    ]
    assert set(INJECTIONS) == set(hostile.values("data-source"))
    for text in INJECTIONS:
        # As prompt, five answers, five stars, source of the prompt and choice of a source.
        assert hostile.texts.count(text) == 13, text


def test_hostile_gates_are_text(tmp_path: Path) -> None:
    page = Page(
        write_page(tmp_path / "r.html", verdict=hostile_verdict(), samples=[], steps={}, reliability={})
    )
    assert page.tags.count("script") == 1
    for text in INJECTIONS:
        assert text in page.texts


def test_hostile_names_of_sources_are_text(tmp_path: Path) -> None:
    figures = metrics()
    figures["reward_model"]["by_source"] = {name: {"accuracy": 0.5} for name in INJECTIONS}
    page = Page(write_page(tmp_path / "r.html", metrics=figures, steps={}, samples=[], reliability={}))
    assert set(INJECTIONS) <= set(page.texts)
    assert page.tags.count("script") == 1


def test_characters_that_hide_or_turn_text_are_marked() -> None:
    assert visible("a\x00b\x1b[31m\u202egnp\ud800\n\tü\u200f") == "a�b�[31m�gnp�\n\tü\u200f"


def test_half_a_surrogate_pair_does_not_stop_the_page(tmp_path: Path) -> None:
    rows = [replace(samples(1)[0], prompt="bad \ud83d half")]
    assert "bad � half" in write_page(tmp_path / "r.html", samples=rows, steps={}, reliability={})


def digest(source: str) -> str:
    return base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()


def test_nothing_is_fetched_and_one_script_runs(whole: str) -> None:
    page = Page(whole)
    (script,) = re.findall(r"<script>(.*?)</script>", whole, re.DOTALL)
    assert script == (Path(evaluation.__file__).parent / "report.js").read_text()
    (style,) = re.findall(r"<style>(.*?)</style>", whole, re.DOTALL)
    assert {"iframe", "object", "embed", "link", "form", "base"}.isdisjoint(page.tags)
    assert all(value.startswith("data:image/png;base64,") for value in page.values("src", "srcset"))
    assert all(value.startswith("#") for value in page.values("href"))
    assert not [name for _, name, _ in page.attributes if name.startswith("on") or name == "style"]
    (policy,) = [value for value in page.values("content") if "default-src" in value]
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest(style)}'; img-src data:; base-uri 'none'; "
        f"form-action 'none'; script-src 'sha256-{digest(script)}'; require-trusted-types-for 'script'"
    )
    sinks = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|Function\(|setTimeout|fetch|XMLHttp|import\("
    assert not re.search(sinks, script)
    assert "url(" not in whole
    assert "@import" not in whole


def test_pictures_have_words_and_tables_have_headers(whole: str) -> None:
    page = Page(whole)
    alts = [value for tag, name, value in page.attributes if (tag, name) == ("img", "alt")]
    assert len(alts) == page.tags.count("img") == 7
    assert all(": from " in alt or "ECE" in alt for alt in alts)
    scopes = page.values("scope")
    assert scopes.count("col") == 4 + 3 + 2 + 3
    assert page.tags.count("caption") == page.tags.count("table") == 4
    assert [tag for tag in page.tags if tag in ("h1", "h2", "h3", "h4")][:6] == [
        "h1",
        "h2",
        "h2",
        "h2",
        "h2",
        "h3",
    ]
    assert ("html", "lang", "en") in page.attributes


def test_forty_long_samples_keep_the_page_small(whole: str) -> None:
    assert len(whole.encode()) < 1_500_000


def contrast(first: str, second: str) -> float:
    """WCAG 2.2 contrast ratio of two colours such as #1c2330."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1])
def test_colours_can_be_read(whole: str, scheme: int) -> None:
    """Each text colour on each ground it stands on reaches 4.5, WCAG's AA, in light and in dark."""
    colours = dict(
        re.findall(r"--([\w-]+): (#\w{6})", re.findall(r":root \{(.*?)\}", whole, re.DOTALL)[scheme])
    )
    grounds = [
        (ink, ground)
        for ink in ("ink", "faint", "good", "bad", "waits", "link")
        for ground in ("page", "paper")
    ]
    heat = dict(
        re.findall(r"--([\w-]+): (#\w{6})", re.findall(r":root \{(.*?)\}", whole, re.DOTALL)[scheme + 2])
    )
    assert len(heat) == 8
    grounds += [("ink", name) for name in heat]
    colours |= heat
    for ink, ground in [*grounds, *((name, f"{name}-paper") for name in ("good", "bad", "waits"))]:
        assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
