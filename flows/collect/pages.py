"""The pages on which people judge."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from components.collecting.assignment import Pair
from components.collecting.progress import Progress
from flows.collect.forms import MOST_EDITED_CHARS, Draft, lines
from flows.collect.words import WORDS
from flows.web.pages import Site

SITE = Site(Path(__file__).parent / "static", ("looks.css", "collect.css"), ("collect.js",))


def _render(template: str, language: str, **content: Any) -> str:
    return SITE.render(template, language, WORDS[language], **content)


def pair_page(
    language: str,
    pair: Pair,
    token: str,
    progress: Progress,
    *,
    draft: Draft | None = None,
    changing: bool = False,
    said: str = "",
    fault: str = "",
) -> str:
    """Two answers side by side, and the form.

    Args:
        token: of the form.
        draft: what the form holds already.
        changing: whether it changes what was said before.
        said: what has just become of something else; fault: why this was not taken.
    """
    return _render(
        "pair.html.j2",
        language,
        pair=_shown(pair),
        token=token,
        progress=progress,
        draft=draft or Draft(),
        changing=changing,
        said=said,
        fault=fault,
        most_edited=MOST_EDITED_CHARS,
    )


def _shown(pair: Pair) -> Pair:
    """The pair with line ends that a form sends back as they are: a carriage return would come back as a mark."""
    texts = {name: lines(getattr(pair, name)) for name in ("prompt", "response_a", "response_b")}
    return replace(pair, **texts)


def done_page(language: str, progress: Progress, can_go_back: bool, said: str = "") -> str:
    """Nothing is left for this person."""
    return _render("done.html.j2", language, progress=progress, can_go_back=can_go_back, said=said)


def message_page(language: str, text: str, *, lead: str = "") -> str:
    """What did not work, and what to do. lead: the address that follows at once, where there is one."""
    return _render("message.html.j2", language, text=text, lead=lead)
