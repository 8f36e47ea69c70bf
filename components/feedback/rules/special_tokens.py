"""Text that a tokenizer takes for a command.

Whole tokens alone: <span>, [INSTALL] and [Sep] are text. <s> and </s> are refused in HTML and code too: LLaMA's
tokenizer makes them its begin and end of text wherever they stand.
"""

from __future__ import annotations

import re

from components.feedback.reasons import Reason
from components.feedback.rules.text_rule import TextRule

_BRACKETED = (
    "/?INST|PAD|BOS|EOS|UNK|MASK|SEP|CLS|gMASK|sMASK|unused[0-9]{1,4}"
    "|/?(?:AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|SYSTEM_PROMPT)"
)
_ANGLED = (
    "/?s|<SYS>|</SYS>|(?:start|end)_of_(?:turn|image)|pad|bos|eos|unk|mask|sep|cls|PAD|BOS|EOS|UNK|MASK|SEP|CLS"
    "|extra_id_[0-9]{1,4}|unused[0-9]{1,4}|fim_(?:prefix|middle|suffix|pad)|endoftext"
)
_TOKEN = re.compile(rf"<\|[^\s<>|]{{1,60}}\|>|<｜[^\s<>｜]{{1,60}}｜>|<(?:{_ANGLED})>|\[(?:{_BRACKETED})\]")


def special_token_in(text: str) -> str | None:
    """Says which special token a text holds: of known models, or of the forms <|name|> and <｜name｜>."""
    if "<" not in text and "[" not in text:
        return None
    match = _TOKEN.search(text)
    return None if match is None else f"holds the special token {ascii(match[0])[1:-1]}"


SPECIAL_TOKEN = TextRule(
    Reason.SPECIAL_TOKEN, special_token_in, rf"<\||<｜|<(?:{_ANGLED})>|\[(?:{_BRACKETED})\]"
)
