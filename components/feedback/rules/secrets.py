"""Private keys and live tokens, by the shape that their makers give them, not by a prefix alone.

What a shape fits is refused whether or not somebody's documentation has it as an example: nobody can tell. A
JSON web token says itself until when it lives: one that has expired, or names no time, is an example.
"""

from __future__ import annotations

import base64
import json
import re
import time
from typing import NamedTuple

from components.feedback.reasons import Reason
from components.feedback.rules.text_rule import TextRule


class _Shape(NamedTuple):
    """What a secret is called, how all of its kind begin, and what follows."""

    name: str
    start: str
    rest: str


#: No secret has fewer characters: that of AWS has these.
SHORTEST_SECRET = 20
_BASE64 = "[A-Za-z0-9+/=]"
#: Line ends are also known as JSON writes them.
_END = r"(?:[\s]|\\[nr]){1,4}"
_SHAPES = (
    _Shape("a private key", "BEGIN [A-Z ]{0,20}PRIVATE KEY",
           rf"(?: BLOCK)?-----{_END}(?:[A-Z][A-Za-z-]{{2,20}}: [^\n\\]{{1,80}}{_END}){{0,5}}{_BASE64}{{20}}"),
    _Shape("a private key", "AGE-SECRET-KEY-1", "[0-9A-Z]{58}"),
    _Shape("an AWS access key", "A(?:KI|SI)A", "[A-Z2-7]{16}"),
    _Shape("an AWS secret key", "(?i:aws_secret_access_key)", rf"[\"']?\s{{0,4}}[=:]\s{{0,4}}[\"']?{_BASE64}{{40}}"),
    _Shape("a GitHub token", "gh[pousr]_", "[A-Za-z0-9]{36,255}"),
    _Shape("a GitHub token", "github_pat_", "[A-Za-z0-9_]{60,255}"),
    _Shape("a GitLab token", "gl(?:pat|ptt|dt|rt|cbt)-", "[A-Za-z0-9_.-]{20,255}"),
    _Shape("an OpenAI key", "sk-", "(?:[A-Za-z0-9]{32,64}|(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{40,255})"),
    _Shape("an API key", "sk-(?:ant|or|lf)-", "[A-Za-z0-9_-]{32,255}"),
    _Shape("a Stripe key", "[rs]k_live_", "[A-Za-z0-9]{16,255}"),
    _Shape("a Slack token", "xox[abceoprs]-", "(?:[A-Za-z0-9]{1,4}-)?[0-9]{8,14}-[A-Za-z0-9-]{16,255}"),
    _Shape("a Slack token", "xapp-", "[0-9]-[A-Z0-9]{8,14}-[0-9]{8,14}-[A-Za-z0-9]{32,128}"),
    _Shape("a Slack webhook", "hooks.slack.com/services/", "T[A-Z0-9]{8,12}/B[A-Z0-9]{8,12}/[A-Za-z0-9]{20,32}"),
    _Shape("a Hugging Face token", "hf_", "[A-Za-z0-9]{34,40}"),
    _Shape("a Google API key", "AIza", "[A-Za-z0-9_-]{35}"),
    _Shape("a Google client secret", "GOCSPX-", "[A-Za-z0-9_-]{28}"),
    _Shape("an npm token", "npm_", "[A-Za-z0-9]{36}"),
    _Shape("a PyPI token", "pypi-AgE", "[A-Za-z0-9_-]{50,255}"),
    _Shape("a SendGrid key", "SG[.]", "[A-Za-z0-9_-]{22}[.][A-Za-z0-9_-]{43}"),
    _Shape("a DigitalOcean token", "do[opr]_v1_", "[a-f0-9]{64}"),
    _Shape("a Shopify token", "shp(?:at|ca|pa|ss)_", "[a-fA-F0-9]{32}"),
    _Shape("a Databricks token", "dapi", "[a-f0-9]{32}"),
)  # fmt: skip
#: What stands before a token is no letter: "task-" begins no OpenAI key.
_ALONE = "(?<![A-Za-z0-9_])"
_PATTERNS = [
    (shape.name, re.compile(f"{_ALONE}{shape.start}{shape.rest}(?![A-Za-z0-9_])")) for shape in _SHAPES[2:]
]
_KEYS = [(shape.name, re.compile(f"{_ALONE}{shape.start}{shape.rest}")) for shape in _SHAPES[:2]]
_STARTS = re.compile(f"{_ALONE}(?:{'|'.join(shape.start for shape in _SHAPES)}|eyJ)")
#: Letters that people write where a token goes.
_BLANKED = re.compile(r"[xX*0._-]{12}")
_JWT = re.compile(
    rf"{_ALONE}eyJ[A-Za-z0-9_-]{{10,4000}}\.(eyJ[A-Za-z0-9_-]{{10,8000}})\.[A-Za-z0-9_-]{{16,2000}}"
)


def secret_in(text: str) -> str | None:
    """Says what kind of secret a text holds, and where."""
    if not _STARTS.search(text):
        return None
    for name, pattern in (*_KEYS, *_PATTERNS):
        for match in pattern.finditer(text):
            if not _BLANKED.search(match[0]):
                return _said(name, match.start())
    live = next((match for match in _JWT.finditer(text) if _lives(match[1])), None)
    return None if live is None else _said("a JSON web token that has not expired", live.start())


def secret_in_raw(raw: str) -> str | None:
    """The same of a record as it stands in a file, where \\n may be a line's end and \\" a quote."""
    return secret_in(re.sub(r"\\[nrt]", "\n", raw).replace('\\"', '"'))


def _said(name: str, start: int) -> str:
    return f"holds what has the shape of {name}, at character {start + 1}"


def _lives(payload: str) -> bool:
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return float(claims["exp"]) > time.time()
    # Not base64, not JSON, no object, no such claim, no number.
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return False


SECRET = TextRule(Reason.SECRET, secret_in, rf"(?-u:\b)(?:{'|'.join(shape.start for shape in _SHAPES)}|eyJ)")
