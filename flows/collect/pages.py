"""The pages. What stands on them was written by models and strangers: it is text, whatever it looks like."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from components.collecting.assignment import Pair
from components.collecting.progress import Progress
from components.files import sha256_bytes
from components.pages.page import visible
from flows.collect.forms import MOST_EDITED_CHARS, Draft, lines
from flows.collect.words import LANGUAGES, WORDS

HERE = Path(__file__).parent
#: What the pages load: these files and no others.
STATIC = {"collect.css": "text/css; charset=utf-8", "collect.js": "text/javascript; charset=utf-8"}


@cache
def static_file(name: str) -> bytes:
    return (HERE / "static" / name).read_bytes()


@cache
def _address(name: str) -> str:
    """Where a static file is: another one when it has another content."""
    return f"/static/{name}?{sha256_bytes(static_file(name))[:16]}"


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "static"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: visible(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _render(template: str, language: str, **content: Any) -> str:
    found = _environment().get_template(template)
    return found.render(
        language=language, languages=LANGUAGES, words=WORDS[language], address=_address, **content
    )


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
