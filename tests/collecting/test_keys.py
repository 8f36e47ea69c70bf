"""What a key means wherever the focus is: nothing is stored that nobody meant."""

from __future__ import annotations

from collecting.collect_case import judgements
from collecting.keyboard import click_and_go, press_and_go
from pages.browser import needs_browser
from pages.devtools import CODES, Tab

pytestmark = needs_browser


def chosen(tab: Tab, name: str) -> str | None:
    return tab.ask(f"document.querySelector('[name={name}]:checked')?.value ?? null")


def click(tab: Tab, name: str, value: str) -> None:
    """With the mouse: the focus stays where it clicked."""
    where = tab.ask(
        f"(() => {{ const at = document.querySelector('[name={name}][value=\"{value}\"]'); "
        "at.scrollIntoView({block: 'center'}); const box = at.getBoundingClientRect(); "
        "return [box.x + box.width / 2, box.y + box.height / 2]; })()"
    )
    place = {"x": where[0], "y": where[1], "button": "left", "clickCount": 1}
    for kind in ("mousePressed", "mouseReleased"):
        tab.say("Input.dispatchMouseEvent", type=kind, **place)
    tab.settle()


def hold(tab: Tab, key: str) -> None:
    what = {"key": key, "text": key, "autoRepeat": True}
    tab.say("Input.dispatchKeyEvent", type="keyDown", **what)
    tab.settle()


def test_a_digit_after_a_click_on_a_star_chooses_and_leaves_the_stars(at_work):
    click(at_work, "stars_left", "3")
    assert chosen(at_work, "stars_left") == "3"
    at_work.press("1")
    assert (chosen(at_work, "choice"), chosen(at_work, "stars_left")) == ("left", "3")
    at_work.press("ArrowRight")
    assert (chosen(at_work, "choice"), chosen(at_work, "stars_left")) == ("right", "3")


def test_a_star_by_keys_takes_one_digit(at_work):
    at_work.press("l", "4", "1")
    assert (chosen(at_work, "stars_left"), chosen(at_work, "choice")) == ("4", "left")
    at_work.press("r", "Escape", "2")
    assert (chosen(at_work, "stars_right"), chosen(at_work, "choice")) == ("", "right")


def test_arrows_in_a_group_move_within_it(at_work):
    at_work.press("2", "c")
    at_work.ask("document.querySelector('[name=strength]:checked').focus()")
    at_work.press("ArrowLeft")
    assert (chosen(at_work, "strength"), chosen(at_work, "choice")) == ("slightly", "right")
    at_work.ask("document.querySelector('[name=choice]:checked').focus()")
    at_work.press("ArrowRight")
    assert chosen(at_work, "choice") == "tie"


def test_a_key_that_is_held_acts_once(at_work, filled):
    before = len(judgements(filled))
    hold(at_work, "k")
    hold(at_work, "k")
    assert len(judgements(filled)) == before
    hold(at_work, "3")
    assert chosen(at_work, "choice") is None


def test_the_end_of_a_composed_letter_leaves_the_text_its_focus(at_work):
    at_work.press("m")
    what = {"key": "Escape", "code": "Escape"}
    at_work.say("Input.dispatchKeyEvent", type="keyDown", windowsVirtualKeyCode=229, **what)
    assert at_work.ask("document.activeElement.name") == "comment"
    at_work.say("Input.dispatchKeyEvent", type="keyDown", windowsVirtualKeyCode=CODES["Escape"], **what)
    assert at_work.ask("document.activeElement.name") is None


def test_keys_that_are_off_are_off_on_the_last_page_too(at_work, page, filled):
    at_work.press("?")
    at_work.ask("document.getElementById('keys-on').click()")
    at_work.press("Escape")
    while at_work.ask("document.querySelectorAll('form').length"):
        click_and_go(at_work, "#skip")
    at_work.press("b")
    assert at_work.ask("location.pathname") == "/"
    at_work.ask("localStorage.clear()")
    press_and_go(at_work, "b")
    assert at_work.ask("location.pathname") == "/back"
