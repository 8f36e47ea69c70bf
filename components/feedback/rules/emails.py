"""E-mail addresses.

Those of reserved domains (example.com) are refused with the others: a rule without exceptions can be explained,
and writing [email] costs nothing. Handles (@name, @name@server), git@host, the user of a URL, decorators,
versions of packages and products of matrices pass.
"""

from __future__ import annotations

import re

from components.feedback.reasons import Reason
from components.feedback.rules.text_rule import TextRule

_AT = re.compile(r"(?<=[\w.%+'-])@(?=\w)")
_LOCAL = re.compile(r"[\w.%+'-]{1,64}\Z")
_DOMAIN = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}([^\W\d_]{2,24}|xn--[a-z0-9-]{2,20})(?![\w(-])")
#: Top-level domains of more than two letters that people have addresses in. Of A@B.inverse none is.
_TOP_LEVEL = frozenset(
    {
        "com", "org", "net", "edu", "gov", "mil", "int", "info", "biz", "name", "pro", "aero", "coop", "museum", "mobi",
        "jobs", "travel", "asia", "cat", "tel", "post", "xyz", "online", "site", "store", "shop", "app", "dev", "tech",
        "cloud", "live", "blog", "news", "email", "group", "team", "company", "work", "world", "life", "agency",
        "studio", "design", "digital", "media", "solutions", "services", "systems", "network", "software", "center",
        "academy", "school", "university", "foundation", "health", "club", "space", "website", "consulting", "global",
        "international", "berlin", "london", "paris", "nyc", "tokyo", "swiss", "example", "test",
    }
)  # fmt: skip
_IN_URL = re.compile(r"://[^\s/@]*\Z")


def email_in(text: str) -> str | None:
    """Says where a text holds an e-mail address."""
    starts = (_address_around(text, match.start()) for match in _AT.finditer(text))
    start = next((start for start in starts if start is not None), None)
    return None if start is None else f"holds an e-mail address, at character {start + 1}"


def _address_around(text: str, at: int) -> int | None:
    """Where the address begins that has its @ there."""
    local = _LOCAL.search(text, max(0, at - 64), at)
    domain = _DOMAIN.match(text, at + 1) if local else None
    if local is None or domain is None or local[0] == "git" or not _is_top_level(domain[1]):
        return None
    before = text[max(0, local.start() - 80) : local.start()]
    # @name@server is a handle.
    return None if before.endswith("@") or _IN_URL.search(before) else local.start()


def _is_top_level(name: str) -> bool:
    if not name.isascii() or name.startswith("xn--"):
        return True
    return (name.islower() or name.isupper()) and (len(name) == 2 or name.lower() in _TOP_LEVEL)


EMAIL = TextRule(Reason.PII, email_in, r"[^\s@]@[^\s@]")
