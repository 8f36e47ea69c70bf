"""Self-contained HTML pages: one file that needs nothing beside it, and sends nothing anywhere.

What stands on them comes out of feedback files and models: it is text, whatever it looks like.
"""

from __future__ import annotations

import base64
import hashlib
import unicodedata
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

HERE = Path(__file__).parent
#: How tokens look in a heat map.
HEAT = HERE / "heat.css"
#: No script, no request, no form: a browser refuses them even if one came through.
_POLICY = "default-src 'none'; style-src {style}; img-src data:; base-uri 'none'; form-action 'none'"
#: Of a page with a script: that one and no other, and it makes no markup out of text.
_MAY_ASK = "; connect-src 'self'"
_WITH_SCRIPT = "; script-src {script}; require-trusted-types-for 'script'"
#: Turn the reading direction of what follows, so that a text reads as another.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def render_page(
    template: Path, style: str = "", script: str = "", *, asks: bool = False, **content: Any
) -> str:
    """The page that the template makes of the content; it extends page.html.j2 and finds parts.html.j2.

    The same content gives the same bytes.

    Args:
        style: what the page needs beside page.css.
        script: of this project, never out of data; the browser runs it alone, known by its digest.
        asks: whether the script may ask the server that the page came from.
    """
    style = (HERE / "page.css").read_text(encoding="utf-8") + style
    return (
        environment(template.parent, HERE)
        .get_template(template.name)
        .render(
            policy=_policy(style, script) + (_MAY_ASK if asks else ""),
            style=Markup(style),  # noqa: S704
            script=Markup(script),  # noqa: S704
            **content,
        )
    )


def _policy(style: str, script: str) -> str:
    """What the browser may do with the page: show this style, run this script."""
    policy = _POLICY.format(style=_digest(style))
    return policy + _WITH_SCRIPT.format(script=_digest(script)) if script else policy


def _digest(source: str) -> str:
    """How a policy names what stands between two tags."""
    digest = hashlib.sha256(source.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def visible(text: str) -> str:
    """The text with a mark in place of what a reader could not see or could not trust.

    That is control characters, halves of surrogate pairs, and what turns the reading direction.
    """
    return "".join("\N{REPLACEMENT CHARACTER}" if _is_hidden(character) else character for character in text)


def _is_hidden(character: str) -> bool:
    if character in "\n\t":
        return False
    return character in _TURNING or unicodedata.category(character) in ("Cc", "Cs")


def environment(*folders: Path) -> jinja2.Environment:
    """Templates of these folders, the first that has one: all that they show is text, and what hides in it is seen."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: visible(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
