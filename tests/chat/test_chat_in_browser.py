"""The page in a real browser: asked by keys alone, side by side, in colours, and with nothing but text on it."""

from __future__ import annotations

import json
import time
from importlib.resources import files

import pytest
from chat.chat_case import PROMPT, thumbs
from collecting.keyboard import DESKTOP, visit
from collecting.test_in_browser import PHONE, violations
from evaluation.report_case import INJECTIONS
from pages.browser import needs_browser
from pages.devtools import Tab

from flows.chat.words import CHINESE, ENGLISH, SCRIPT

pytestmark = needs_browser


def wait(tab: Tab, expression: str) -> None:
    deadline = time.monotonic() + 60
    while not tab.ask(expression):
        assert time.monotonic() < deadline, tab.ask("document.body.innerText")
        time.sleep(0.02)


def write(tab: Tab, text: str) -> None:
    tab.say("Input.insertText", text=text)


def ask(tab: Tab, text: str = PROMPT) -> None:
    """Write a prompt where the focus is, press Enter, and wait until everybody has answered."""
    write(tab, text)
    tab.press("Enter")
    wait(
        tab,
        "document.querySelectorAll('.answer:not([aria-busy]) .figures:not(:empty)').length > 0 && !running",
    )


def choose(tab: Tab, whom: str = "champion", most: int | str = "", seed: int | str = 0) -> None:
    """Fill in the form, with the focus in the prompt then. Seed 0 gives no empty answer."""
    tab.ask(
        f"document.querySelector('[value={whom}]').click(); one('max-tokens').value = '{most}';"
        f"one('seed').value = '{seed}'; one('prompt').focus()"
    )


def texts(tab: Tab) -> list[str]:
    return tab.ask("[...document.querySelectorAll('.answer .text')].map(each => each.textContent)")


@pytest.mark.parametrize(("size", "language"), [(DESKTOP, "en"), (PHONE, "zh")], ids=["desktop", "phone"])
def test_a_question_its_answer_and_a_thumb_by_keys_alone(fresh, server, project, size, language):
    fresh.looks("light", *size)
    visit(fresh, f"{server.address}/language/{language}")
    assert fresh.ask("document.documentElement.lang") == language
    assert fresh.ask("document.activeElement.id") == "prompt"
    before = len(thumbs(project))
    choose(fresh)
    ask(fresh)
    [text] = texts(fresh)
    assert text.startswith(" ")
    words = {"en": ENGLISH, "zh": CHINESE}[language]
    assert words["finished"].format(name=words["champion"]) == fresh.ask("one('said').textContent")
    assert "reviews/1" in fresh.ask("document.querySelector('.version').textContent")
    assert "5" in fresh.ask("document.querySelector('.figures').textContent")
    assert fresh.ask("document.documentElement.scrollWidth <= innerWidth")
    # From the prompt to the answer's first control.
    fresh.ask("document.querySelector('.answer').focus()")
    fresh.press("-")
    wait(fresh, f"one('said').textContent === {json.dumps(words['stored'])}")
    assert len(thumbs(project)) == before + 1
    row = thumbs(project)[-1]
    assert (row["prompt"], row["response"], row["up"]) == (PROMPT, text, 0)
    # The other one takes its place; twice at once it is given once.
    fresh.ask("{ const card = document.activeElement; give(card, 'up'); give(card, 'up'); }")
    wait(fresh, "document.querySelector('.good').getAttribute('aria-pressed') === 'true'")
    fresh.settle()
    assert (thumbs(project)[-1]["id"], thumbs(project)[-1]["up"]) == (row["id"], 1)
    assert fresh.ask("document.querySelector('.poor').getAttribute('aria-pressed')") == "false"
    wait(fresh, "!document.querySelector('[data-giving]')")
    fresh.press("+")
    wait(fresh, f"one('said').textContent === {json.dumps(words['gone'])}")
    assert len(thumbs(project)) == before
    assert fresh.faults == []


def test_both_side_by_side_stream_and_are_told_apart(fresh, server):
    visit(fresh, server.address)
    choose(fresh, "both", most=30)
    fresh.ask(
        "window.sizes = new Set(); new MutationObserver(() => sizes.add(document.querySelector('.text')"
        ".textContent.length)).observe(one('answers'), {childList: true, subtree: true})"
    )
    ask(fresh)
    assert len(texts(fresh)) == 2
    versions = fresh.ask("[...document.querySelectorAll('.version')].map(each => each.textContent)")
    assert [each.partition(",")[0] for each in versions] == ["reviews/1", "reviews-candidate/2"]
    assert all(each.endswith(" Seed 0") for each in versions)
    # It grew before it was whole.
    assert fresh.ask("sizes.size") > 3
    lefts = fresh.ask("[...document.querySelectorAll('.answer')].map(each => each.getBoundingClientRect().x)")
    assert lefts[0] < lefts[1]
    fresh.ask("document.querySelector('.answer').focus()")
    fresh.press("ArrowRight")
    assert fresh.ask("document.activeElement.querySelector('.name').textContent") == "Candidate"
    fresh.press("ArrowLeft")
    assert fresh.ask("document.activeElement.querySelector('.name').textContent") == "Champion"


def test_tokens_in_colours_and_what_they_did_by_keys(fresh, server):
    visit(fresh, server.address)
    choose(fresh)
    ask(fresh)
    [before] = texts(fresh)
    offered = fresh.ask("[...document.querySelectorAll('.heat input')].map(each => each.value)")
    assert offered == ["off", "reward", "kl", "value"]
    fresh.ask("document.querySelector('.answer').focus()")
    for metric in offered[1:]:
        fresh.press("h")
        assert fresh.ask("document.querySelector('.heat input:checked').value") == metric
        assert fresh.ask("document.querySelectorAll('.token[class*=up], .token[class*=down]').length") > 0
        assert fresh.ask("document.querySelector('.legend').hidden") is False
    fresh.ask("document.querySelector('.token').focus()")
    first = fresh.ask("one('readout').textContent")
    assert first.startswith(f"“{before.split()[0] and ' ' + before.split()[0]}”")
    assert all(word in first for word in ("reward ", "KL ", "running score "))
    fresh.press("ArrowRight")
    assert fresh.ask("one('readout').textContent") != first
    fresh.press("h")
    assert fresh.ask("document.querySelectorAll('.token').length") == 0
    assert texts(fresh) == [before]


def test_escape_stops_an_answer_that_is_being_written(fresh, server):
    visit(fresh, server.address)
    choose(fresh, "candidate")
    write(fresh, PROMPT)
    fresh.press("Enter")
    wait(fresh, "document.querySelector('.answer .text')?.textContent.length > 0")
    fresh.press("Escape")
    wait(fresh, "!running")
    assert fresh.ask("one('said').textContent") == "Stopped."
    assert 0 < len(texts(fresh)[0].split()) < 400
    assert fresh.ask("document.querySelector('.after').hidden")
    # And the next one is answered.
    fresh.ask("one('max-tokens').value = 3; one('prompt').value = ''; one('prompt').focus()")
    ask(fresh)
    assert len(texts(fresh)[0].split()) == 3


def test_what_does_not_work_is_said(fresh, server):
    visit(fresh, server.address)
    choose(fresh, "candidate", most=3)
    ask(fresh, "ask ann@example.com")
    fresh.ask("document.querySelector('.answer').focus()")
    fresh.press("+")
    wait(fresh, "!one('fault').hidden")
    assert "This cannot become feedback: prompt: " in fresh.ask("one('fault').textContent")
    fresh.ask("document.cookie = ''; one('prompt').focus()")
    fresh.say("Network.clearBrowserCookies")
    fresh.press("Enter")
    wait(fresh, f"one('fault').textContent === {json.dumps(ENGLISH['no_session'])}")
    assert texts(fresh) == []


@pytest.mark.parametrize(
    ("scheme", "size", "language"),
    [("light", DESKTOP, "en"), ("dark", DESKTOP, "zh"), ("light", PHONE, "zh"), ("dark", PHONE, "en")],
)
def test_axe_finds_nothing(fresh, server, scheme, size, language):
    """Deque's rules for WCAG 2.2 A and AA, and its best practices: before, with two answers, in colours, a message."""
    source = files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    fresh.looks(scheme, *size)
    fresh.say("Page.setBypassCSP", enabled=True)
    try:
        visit(fresh, f"{server.address}/language/{language}")
        assert violations(fresh, source) == []
        choose(fresh, "both", most=20)
        ask(fresh)
        fresh.ask("document.querySelector('.answer').focus()")
        fresh.press("h")
        fresh.ask("document.querySelector('.token').focus(); complain('x')")
        assert violations(fresh, source) == []
        visit(fresh, server.address + "/nowhere")
        assert violations(fresh, source) == []
    finally:
        fresh.say("Page.setBypassCSP", enabled=False)


def test_no_hostile_text_fires(fresh, server):
    """As prompt, and as the server's lines would bring it in an answer, a version and a fault: all stays text."""
    fresh.say("Page.setBypassCSP", enabled=True)
    try:
        visit(fresh, server.address)
        fresh.requests.clear()
        shown = fresh.ask(
            f"""{json.dumps(INJECTIONS)}.map(text => {{
              one("answers").replaceChildren();
              const card = newCard("champion");
              SHOW.begin(card, {{ version: text, seed: 1 }});
              SHOW.text(card, {{ text }});
              SHOW.end(card, {{ reason: "length", answer: text, tokens: text }});
              const heat = {{ lengths: String([...text].length), kl: "100", scales: {{ kl: 1 }} }};
              SHOW.score(card, {{ score: 1, stars: 2, heat }});
              cycle(card);
              complain(say("failed", {{ what: text }}));
              tell(text);
              one("prompt").value = text;
              return [card.querySelector(".text").textContent, one("said").textContent];
            }})"""
        )
        fresh.settle()
    finally:
        fresh.say("Page.setBypassCSP", enabled=False)
    assert len(INJECTIONS) >= 30
    assert shown == [[text, text] for text in INJECTIONS]
    assert fresh.requests == []
    assert fresh.faults == []
    assert fresh.ask("document.querySelectorAll('script').length") == 2
    assert fresh.ask("document.querySelectorAll('svg, iframe, img, object, video, base, style').length") == 0
    assert fresh.ask("document.title") == "Ask the models"


def test_both_languages_say_everything():
    assert ENGLISH.keys() == CHINESE.keys() >= set(SCRIPT)
    for key, text in ENGLISH.items():
        holes = {part.partition("}")[0] for part in text.split("{")[1:]}
        assert holes == {part.partition("}")[0] for part in CHINESE[key].split("{")[1:]}, key
