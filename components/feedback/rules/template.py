"""Text that plays a turn of its own, or that a template engine would run.

Role markers stand at the start of a line ("Human:", "Assistant:", "### Instruction:"), as transcripts and
prompt templates write them; inside a sentence they are words, and "User:" and "System:" are words of forms and
logs. Template code is refused in prose, where somebody's prompt was left unfilled or somebody tries what the
engine does. Between backticks it is code that is talked about, and so are `{{ message }}` of a web page, GitHub's
`${{ ... }}`, LaTeX's and Python's doubled braces anywhere: only names that prompt templates fill count.
"""

from __future__ import annotations

import re

from components.feedback.reasons import Reason
from components.feedback.rules.text_rule import TextRule

_ROLES = "Human|Assistant|HUMAN|ASSISTANT"
_SECTIONS = f"Instruction|Input|Response|User|System|{_ROLES}"
_ROLE = re.compile(rf"^[ \t]*(?:(?:{_ROLES})|#{{2,4}} ?(?:{_SECTIONS}))[ \t]{{0,9}}:(?!:)", re.MULTILINE)
#: Code between backticks, a fence or inline. What is not closed is no code.
_CODE = re.compile(r"```.*?```|~~~.*?~~~|``[^`\n]+``|`[^`\n]+`", re.DOTALL)
_FILLED = (
    "prompt|instruction|instructions|question|answer|input|inputs|output|response|completion|context|query|history"
    "|user_(?:input|message|query|prompt)|system_(?:prompt|message)|chosen|rejected|messages|bos_token|eos_token"
    "|pad_token|add_generation_prompt|example|examples|document|documents|chat_history|text"
)
_STATEMENTS = (
    "for|if|elif|else|endif|endfor|set|endset|macro|endmacro|block|endblock|include|import|from|extends"
)
_TEMPLATE = re.compile(
    rf"(?<!\$)\{{\{{[-\s]{{0,9}}(?:{_FILLED})(?:\[[^\]{{}}\n]{{1,40}}\])?(?:\s{{0,9}}\|\s{{0,9}}\w{{1,40}})?[-\s]{{0,9}}\}}\}}"
    # Probes of an engine: arithmetic, and the way from any object to all of Python.
    r"|\{\{\s{0,9}[0-9]+\s{0,9}\*\s{0,9}'?[0-9]+'?\s{0,9}\}\}"
    r"|\{\{[^{}\n]{0,200}__(?:class|globals|mro|subclasses|builtins|init|import)__"
    rf"|\{{%[-+]?\s{{0,9}}(?:{_STATEMENTS}|generation|endgeneration)\b[^%{{}}\n]{{0,200}}%\}}"
)


def template_in(text: str) -> str | None:
    """Says which role marker or template code a text holds."""
    braces = "{{" in text or "{%" in text
    if not braces and ":" not in text:
        return None
    prose = _CODE.sub(" ", text) if "`" in text or "~~~" in text else text
    if match := _ROLE.search(prose):
        return f"holds the role marker {match[0].strip()!a} at the start of a line"
    match = _TEMPLATE.search(prose) if braces else None
    return None if match is None else f"holds the template code {match[0][:40]!a}"


TEMPLATE = TextRule(
    Reason.TEMPLATE,
    template_in,
    rf"(?:{_ROLES})[ \t]{{0,9}}:|## ?(?:{_SECTIONS})[ \t]{{0,9}}:|\{{\{{|\{{%",
)
