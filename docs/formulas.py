"""Formulas as MathML, which browsers draw by themselves: no script, no font, nothing to load."""

from __future__ import annotations

import html
import re

from latex2mathml.converter import convert

#: What pymdownx.arithmatex leaves in the page: `\\(...\\)` in a span, `\\[...\\]` in a div.
_MARKED = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)


def with_formulas(page: str) -> str:
    """The page's HTML with each marked formula as MathML.

    Raises:
        ValueError: a formula has a command that the converter does not know.
    """
    return _MARKED.sub(_formula, page)


def _formula(found: re.Match[str]) -> str:
    element, latex = found[1], html.unescape(found[2]).strip()
    if element == "span":
        return mathml(latex, "inline")
    # One that is wider than a phone is moved by itself, by keys too.
    return f'<div class="formula" tabindex="0">{mathml(latex, "block")}</div>'


def mathml(latex: str, display: str) -> str:
    """One formula; its LaTeX is kept in `alttext`.

    Args:
        display: "inline" or "block".
    """
    made = convert(latex, display=display)
    if "\\" in made or "<mi>&</mi>" in made:
        raise ValueError(f"not made into MathML: {latex}")
    # A function without brackets stands a little away from what it is of.
    made = made.replace("<mi>log</mi>", '<mi>log</mi><mspace width="0.17em" />')
    return made.replace("<math ", f'<math alttext="{html.escape(latex)}" ', 1)
