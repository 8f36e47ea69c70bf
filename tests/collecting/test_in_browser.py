"""The page in a real browser: by keys alone, on a desktop and on a phone, in both languages, over a killed server."""

from __future__ import annotations

import json
import signal
from importlib.resources import files
from pathlib import Path

import pytest
from collecting.collect_case import add, judgements, link, pairs, serving, store_of
from collecting.keyboard import DESKTOP, click_and_go, do_and_go, press_and_go, tap, visit
from evaluation.report_case import INJECTIONS
from pages.browser import needs_browser
from pages.devtools import Tab

pytestmark = needs_browser

PHONE = (400, 850)
#: Keys for a pair, and what is to be stored: choice by side, strength.
SAID = [
    (("ArrowLeft",), "left", None),
    (("ArrowRight", "s"), "right", 0.5),
    (("3",), "tie", None),
    (("4",), "bad", None),
    (("1", "s", "c"), "left", 1.0),
    (("ArrowLeft", "2"), "right", None),
]


def sides(root: Path) -> list[tuple[str, float | None]]:
    """What was stored, as it was seen."""
    rows = (
        store_of(root)
        .reading()
        .execute(
            "SELECT j.verdict, j.strength, s.swapped FROM judgements j JOIN servings s USING (annotator, task) "
            "ORDER BY j.number"
        )
    )
    seen = {0: {"a": "left", "b": "right"}, 1: {"a": "right", "b": "left"}}
    return [(seen[row["swapped"]].get(row["verdict"], row["verdict"]), row["strength"]) for row in rows]


@pytest.mark.parametrize(
    ("size", "languages"), [(DESKTOP, ("en", "zh")), (PHONE, ("zh", "en"))], ids=["desktop", "phone"]
)
def test_twenty_pairs_by_keys_alone_over_a_killed_server(fresh, root, size, languages):
    add(root, pairs(20))
    path = link(root, "ann")
    fresh.looks("light", *size)
    with serving(root) as first:
        visit(fresh, first.address + path)
        visit(fresh, f"{first.address}/language/{languages[0]}")
        for number in range(10):
            judge(fresh, number)
        assert fresh.ask("document.documentElement.lang") == languages[0]
        tap(fresh, *SAID[10 % len(SAID)][0])
        first.end(signal.SIGKILL)
    with serving(root, first.port) as second:
        # The page that was open when the server died is taken by the next one.
        press_and_go(fresh, "Enter")
        visit(fresh, f"{second.address}/language/{languages[1]}")
        for number in range(11, 20):
            judge(fresh, number)
        assert fresh.ask("document.documentElement.lang") == languages[1]
        assert fresh.ask("document.querySelectorAll('form').length") == 0
        assert fresh.ask("document.documentElement.scrollWidth <= innerWidth")
        assert sides(root) == [SAID[number % len(SAID)][1:] for number in range(20)]
        # Back, also from the last page.
        press_and_go(fresh, "b")
        fresh.press("4")
        press_and_go(fresh, "Enter")
        assert sides(root)[-1] == ("bad", None)
        assert len(judgements(root)) == 20
        assert second.end() == 0
    assert fresh.faults == []


def judge(tab: Tab, number: int) -> None:
    assert tab.ask("document.documentElement.scrollWidth <= innerWidth")
    tap(tab, *SAID[number % len(SAID)][0])
    press_and_go(tab, "Enter")


def last(root: Path, name: str) -> dict:
    found = [row for row in judgements(root) if row["annotator"] == number_of(root, name)]
    return found[-1] if found else {}


def number_of(root: Path, name: str) -> int:
    row = store_of(root).reading().execute("SELECT number FROM annotators WHERE name = ?", (name,))
    return int(row.fetchone()["number"])


def test_stars_edit_comment_and_back_by_keys(at_work, filled):
    left = at_work.ask("document.querySelectorAll('.answers .text')[0].textContent")
    at_work.press("ArrowLeft", "l", "4", "Escape", "r", "2", "Escape", "m", "4", "!", "Escape", "e")
    assert at_work.ask("document.activeElement.name") == "edit_left"
    at_work.press("X", "Escape")
    press_and_go(at_work, "Enter")
    name = "test_stars_edit_comment_and_back_by_keys"
    row = last(filled, name)
    assert {row["stars_a"], row["stars_b"]} == {4, 2}
    assert (row["comment"], row["strength"], row["revision"]) == ("4!", None, 1)
    assert row["edited"] == "X" + left
    press_and_go(at_work, "b")
    assert at_work.ask("document.querySelector('[name=comment]').value") == "4!"
    at_work.press("s")
    press_and_go(at_work, "Enter")
    row = last(filled, name)
    assert (row["strength"], row["revision"], row["edited"]) == (0.5, 2, "X" + left)
    press_and_go(at_work, "k")
    assert last(filled, name)["verdict"] == "skip"


def test_a_double_press_and_a_reload_store_once(at_work, filled):
    at_work.press("3")
    press_and_go(at_work, "Enter", times=2)
    name = "test_a_double_press_and_a_reload_store_once"
    mine = [row for row in judgements(filled) if row["annotator"] == number_of(filled, name)]
    assert [row["revision"] for row in mine] == [1]
    before = at_work.ask("document.querySelector('.text').textContent")
    do_and_go(at_work, "location.reload()")
    assert at_work.ask("document.querySelector('.text').textContent") == before
    assert at_work.ask("document.querySelector('[name=choice]:checked')") is None


def test_the_list_of_keys_opens_closes_and_can_switch_them_off(at_work, filled):
    at_work.press("?")
    assert at_work.ask("document.getElementById('keys').open")
    assert at_work.ask("document.querySelectorAll('#keys dt kbd').length") > 15
    at_work.ask("document.getElementById('keys-on').click()")
    at_work.press("Escape")
    at_work.press("ArrowLeft")
    assert at_work.ask("document.querySelector('[name=choice]:checked')") is None
    do_and_go(at_work, "location.reload()")
    at_work.press("ArrowLeft")
    assert at_work.ask("document.querySelector('[name=choice]:checked')") is None
    at_work.ask("document.getElementById('show-keys').click(); document.getElementById('keys-on').click()")
    at_work.press("Escape")
    at_work.press("ArrowLeft")
    assert at_work.ask("document.querySelector('[name=choice]:checked').value") == "left"


def test_what_happens_is_said_aloud_and_a_fault_takes_the_focus(at_work):
    at_work.press("ArrowRight")
    assert at_work.ask("document.querySelector('[role=status]').textContent") == "2 is better"
    do_and_go(at_work, "location.reload()")
    press_and_go(at_work, "Enter")
    assert at_work.ask("document.activeElement.id") == "fault"
    at_work.press("3")
    press_and_go(at_work, "Enter")
    at_work.ask("new Promise(done => setTimeout(done, 150))")
    assert at_work.ask("document.querySelector('[role=status]').textContent") == "Saved."


def test_it_works_without_script(at_work, filled, page):
    at_work.say("Emulation.setScriptExecutionDisabled", value=True)
    try:
        visit(at_work, page.address + "/")
        assert at_work.ask("document.getElementById('show-keys').hidden")
        at_work.ask("document.querySelector('[name=choice][value=bad]').checked = true")
        click_and_go(at_work, "button.main")
    finally:
        at_work.say("Emulation.setScriptExecutionDisabled", value=False)
    assert last(filled, "test_it_works_without_script")["verdict"] == "bad"


@pytest.mark.parametrize(
    ("scheme", "size", "language"),
    [
        ("light", DESKTOP, "en"),
        ("dark", DESKTOP, "zh"),
        ("light", PHONE, "zh"),
        ("dark", PHONE, "en"),
    ],
)
def test_axe_finds_nothing(fresh, page, filled, scheme, size, language):
    """Deque's rules for WCAG 2.2 A and AA, and its best practices: a pair, its fault, the keys, a message."""
    source = files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    fresh.looks(scheme, *size)
    fresh.say("Page.setBypassCSP", enabled=True)
    try:
        visit(fresh, page.address + link(filled, f"axe {scheme} {size} {language}"))
        visit(fresh, f"{page.address}/language/{language}")
        press_and_go(fresh, "Enter")
        fresh.press("ArrowLeft", "e", "Escape", "m", "Escape")
        assert violations(fresh, source) == []
        fresh.press("?")
        assert violations(fresh, source) == []
        visit(fresh, page.address + "/nowhere")
        assert violations(fresh, source) == []
    finally:
        fresh.say("Page.setBypassCSP", enabled=False)


def violations(tab: Tab, source: str) -> list:
    tab.ask(f"{source}; 0")
    found = json.loads(tab.ask("axe.run(document).then(found => JSON.stringify(found.violations))"))
    return [(rule["id"], [node["html"][:120] for node in rule["nodes"]][:3]) for rule in found]


def test_no_hostile_text_fires(fresh, root):
    """As prompt, as both answers, in the edit and as a comment that comes back, where the browser would let it run."""
    assert len(INJECTIONS) >= 30
    couples = list(zip(INJECTIONS[::2], INJECTIONS[1::2], strict=True))
    with store_of(root).writing() as connection:
        connection.executemany(
            "INSERT INTO tasks (id, digest, prompt, response_a, response_b) VALUES (?, ?, ?, ?, ?)",
            [
                (f"id-{at}", f"digest-{at}", first, first, second)
                for at, (first, second) in enumerate(couples)
            ],
        )
    with serving(root) as page:
        fresh.say("Page.setBypassCSP", enabled=True)
        try:
            path = link(root, "ann")
            visit(fresh, page.address + path)
            shown = [text for _ in couples for text in see_and_judge(fresh)]
        finally:
            fresh.say("Page.setBypassCSP", enabled=False)
        asked = {url.partition("?")[0].removeprefix(page.address) for url in fresh.requests}
    static = {f"/static/{name}" for name in ("looks.css", "collect.css", "collect.js")}
    assert asked == {path, "/", "/judge", *static}
    assert [fault for fault in fresh.faults if "422" not in fault] == []
    assert set(shown) == set(INJECTIONS)
    assert len(judgements(root)) == len(couples)


def see_and_judge(tab: Tab) -> list[str]:
    texts = tab.ask("[...document.querySelectorAll('.answers .text')].map(each => each.textContent)")
    # Sent without a choice: it comes back in the page that says so.
    do_and_go(tab, f"form.elements.comment.value = {json.dumps(texts[0])}; form.submit()")
    assert tab.ask("form.elements.comment.value") == texts[0]
    assert tab.ask("document.title").startswith("Pair ")
    assert tab.ask("document.querySelectorAll('script').length") == 1
    assert tab.ask("document.querySelectorAll('svg, iframe, img, object, video, base, style').length") == 0
    tab.ask("form.elements.comment.value = ''")
    tap(tab, "3")
    press_and_go(tab, "Enter")
    return list(texts)


def test_another_script_is_refused(at_work):
    """The policy itself holds: what would come through would not run, nor load, nor send."""
    tried = (
        "document.body.innerHTML = '<b>'",
        "document.createElement('script').src = 'https://example.org/a.js'",
        "document.createElement('script').text = 'document.title = 1'",
    )
    for attempt in tried:
        assert at_work.ask(f"(() => {{ try {{ {attempt} }} catch (error) {{ return error.name; }} }})()"), (
            attempt
        )
    at_work.ask(
        "(() => { const i = new Image(); i.src = 'https://example.org/b.png'; document.body.append(i); })()"
    )
    at_work.ask("fetch('https://example.org/').catch(() => 0).then(() => 0)")
    at_work.settle()
    assert len([fault for fault in at_work.faults if "Content Security Policy" in fault]) >= 2
