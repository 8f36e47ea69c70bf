"""Text that another program would act on: a formula in a spreadsheet, HTML or script in a browser."""

from __future__ import annotations

import re

from components.feedback.reasons import Reason
from components.feedback.rules.text_rule import TextRule

#: As spreadsheets read it: "- item" and "@name" too. A number with its sign is a number. The wide forms count:
#: where the keyboard is Japanese, Excel takes them for the narrow ones.
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]")
_NUMBER = re.compile(r"\s*[+-]?[0-9]{1,40}(?:[.,][0-9]{1,40}){0,20}\s*%?\s*\Z")

#: Elements whose names are no words: nothing else stands between < and >.
_ELEMENTS = (
    "abbr|blockquote|br|col|colgroup|dd|div|dl|dt|em|fieldset|figcaption|h[1-6]|hr|html|iframe|img|ins|kbd|li|nav"
    "|noscript|ol|optgroup|pre|script|span|strong|strike|sub|sup|svg|tbody|td|textarea|tfoot|th|thead|tr|tt|ul|wbr|xml"
)
#: Elements that are words: not of a generic type, such as List<input>.
_WORDS = (
    "address|article|aside|audio|base|body|button|canvas|caption|center|code|del|details|dialog|embed|figure|font|footer"
    "|form|frame|frameset|head|header|input|label|legend|link|main|mark|marquee|math|meta|option|param|picture|section"
    "|select|small|source|style|summary|table|title|track|u|video"
)
#: Elements that are also types and variables (List<object>, #include <map>): only with an attribute or an end.
_NAMES = "a|area|b|bdo|big|cite|data|dfn|i|map|object|output|p|q|samp|slot|template|time|var|applet"
_MARKUP = re.compile(
    rf"(?:<(?:{_ELEMENTS})|(?<!\w)<(?:{_WORDS}))(?:[\s/][^<>]{{0,2000}})?>"
    rf"|<(?:{_WORDS}|{_NAMES})[\s/][^<>=]{{0,200}}=[^<>]{{0,2000}}>"
    rf"|</(?:{_ELEMENTS}|{_WORDS}|{_NAMES})\s{{0,9}}>|<!--|<!doctype\b|<\?(?:php|xml)\b|\bjavascript:[\w%&(/]",
    re.IGNORECASE | re.ASCII,
)


def formula_in(text: str) -> str | None:
    """Says how a text begins that a spreadsheet would compute."""
    match = _FORMULA.match(text)
    if match is None or _NUMBER.match(text):
        return None
    return f"begins with {ascii(match[0][-1])[1:-1]}, as a formula of a spreadsheet does"


def markup_in(text: str) -> str | None:
    """Says which HTML or script a text holds."""
    if "<" not in text and ":" not in text:
        return None
    match = _MARKUP.search(text)
    return None if match is None else f"holds the markup {match[0][:40]!a}"


# Python takes the four separators from U+001C on for blanks, Rust does not.
FORMULA = TextRule(Reason.FORMULA, formula_in, r"\A[\s\x1c-\x1f]*[=+\-@＝＋－＠]")
HTML = TextRule(Reason.HTML, markup_in, r"<[A-Za-z/!?]|(?i-u:javascript:)")
