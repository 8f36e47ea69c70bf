"""A person at the keyboard of a real browser, on pages that follow one another."""

from __future__ import annotations

import time

from pages.devtools import CODES, Tab

#: A window's size.
DESKTOP = (1280, 900)
_WAIT_S = 20.0


def visit(tab: Tab, address: str) -> None:
    """Open an address and wait until the page that it ends on is there."""
    _mark(tab)
    tab.say("Page.navigate", url=address)
    _await_next(tab)


def tap(tab: Tab, *keys: str) -> None:
    """Press keys that act at once: nothing has to be drawn before the next."""
    for key in keys:
        _key(tab, key)


def press_and_go(tab: Tab, key: str, times: int = 1) -> None:
    """Press a key that leads to another page, and wait for that page."""
    _mark(tab)
    for _ in range(times):
        # Both on their way at once, as from a hand that trembles.
        _key(tab, key)
    _await_next(tab)


def do_and_go(tab: Tab, expression: str) -> None:
    """Let a script do what leads to another page, and wait for that page."""
    _mark(tab)
    tab.ask(f"setTimeout(() => {{ {expression} }}, 0); 0")
    _await_next(tab)


def click_and_go(tab: Tab, selector: str) -> None:
    """Click what leads to another page, and wait for that page."""
    _mark(tab)
    tab.ask(f"document.querySelector({selector!r}).click()")
    _await_next(tab)


def _key(tab: Tab, key: str) -> None:
    what = {"key": key} | (
        {"windowsVirtualKeyCode": CODES[key], "code": key} if key in CODES else {"text": key}
    )
    tab.say("Input.dispatchKeyEvent", type="keyDown", **what)


def _mark(tab: Tab) -> None:
    tab.ask("window.isOld = true")


def _await_next(tab: Tab) -> None:
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline:
        try:
            if tab.ask("!window.isOld && document.readyState === 'complete'"):
                return
        except AssertionError:
            # The page it was asked on has gone.
            pass
        time.sleep(0.01)
    raise TimeoutError("no other page came")
