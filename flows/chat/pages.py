"""The pages on which people ask the models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flows.chat.words import SCRIPT, WORDS
from flows.web.pages import Site

SITE = Site(Path(__file__).parent / "static", ("looks.css", "heat.css", "chat.css"), ("heat.js", "chat.js"))


def chat_page(language: str, there: Mapping[str, str], temperature: float) -> str:
    """Where one asks. there: the versions by "champion" and "candidate"; at least one."""
    script = {key: WORDS[language][key] for key in SCRIPT}
    return _render("chat.html.j2", language, there=there, temperature=temperature, script=script)


def key_page(language: str, *, wrong: bool = False) -> str:
    """Where one says the key. wrong: it was another."""
    return _render("key.html.j2", language, wrong=wrong)


def message_page(language: str, key: str) -> str:
    """What did not work, and what to do."""
    return _render("message.html.j2", language, text=WORDS[language][key], lead="")


def _render(template: str, language: str, **content: Any) -> str:
    return SITE.render(template, language, WORDS[language], **content)
