"""Self-contained HTML pages: one file that needs nothing beside it, and sends nothing anywhere.

What stands on them comes out of feedback files and models: it is text, whatever it looks like.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

HERE = Path(__file__).parent
#: No script, no request, no form: a browser refuses them even if one came through.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
#: Turn the reading direction of what follows, so that a text reads as another.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def render_page(template: Path, **content: Any) -> str:
    """The page that the template makes of the content; it extends page.html.j2 and finds parts.html.j2.

    The same content gives the same bytes.
    """
    style = Markup((HERE / "page.css").read_text(encoding="utf-8"))  # noqa: S704
    return (
        _environment(template.parent)
        .get_template(template.name)
        .render(policy=POLICY, style=style, **content)
    )


def visible(text: str) -> str:
    """The text with a mark in place of what a reader could not see or could not trust.

    That is control characters, halves of surrogate pairs, and what turns the reading direction.
    """
    return "".join("\N{REPLACEMENT CHARACTER}" if _is_hidden(character) else character for character in text)


def _is_hidden(character: str) -> bool:
    if character in "\n\t":
        return False
    return character in _TURNING or unicodedata.category(character) in ("Cc", "Cs")


def _environment(folder: Path) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([folder, HERE]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: visible(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
