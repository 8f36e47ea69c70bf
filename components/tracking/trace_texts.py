"""Prompt and response in what a trace recorded: as chat messages, as text, in the shapes of the usual APIs.

None always means that the value has no such shape. An empty text is a text: ingestion says what is wrong
with it. Shapes: OpenAI's chat completions and responses, Anthropic's messages, Gemini's contents, LangChain's
messages and generations, MLflow's ChatAgent and ResponsesAgent, and functions of one text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from components.feedback.chat import ROLES
from components.feedback.readers.wording import PAIR_NAMES

Prompt = str | list[dict[str, str]]

_PROMPTS = (
    "messages", "contents", "prompt", "question", "query", "instruction", "input", "inputs", "request",
    "user_message", "message", "text",
)  # fmt: skip
_RESPONSES = (
    "choices", "messages", "output_text", "response", "answer", "completion", "output", "outputs", "text",
    "result", "generations", "generation", "candidates", "message", "content", "parts",
)  # fmt: skip
_SEVERAL = ("responses", "answers", "choices", "completions", "candidates", "generations", "outputs")
_PAIRS = (*PAIR_NAMES, ("a", "b"))
_INSTRUCTIONS = ("instructions", "system", "system_prompt")
_ROLES = {"human": "user", "ai": "assistant", "model": "assistant", "developer": "system"}
_TEXT_PARTS = ("text", "input_text", "output_text", None)
#: Shapes lie in each other (a request that holds messages) but not deep.
_LEVELS = 8


def prompt_of(inputs: Any, levels: int = _LEVELS) -> Prompt | None:
    """What was asked: a text, or the turns of a chat."""
    if isinstance(inputs, str) or levels == 0:
        return inputs if isinstance(inputs, str) else None
    if isinstance(inputs, list):
        return (
            prompt_of(inputs[0], levels - 1) if len(inputs) == 1 and _is_wrapped(inputs[0]) else _chat(inputs)
        )
    if not isinstance(inputs, Mapping):
        return None
    turn = _turn(inputs)
    if turn and turn["role"] in ROLES:
        return [turn]
    found = _first(inputs, _PROMPTS, lambda value: prompt_of(value, levels - 1))
    return found if found is None else _with_instructions(inputs, found)


def response_of(outputs: Any, levels: int = _LEVELS) -> str | None:
    """What was answered, where it is one answer."""
    if isinstance(outputs, str) or levels == 0:
        return outputs if isinstance(outputs, str) else None
    if isinstance(outputs, list):
        return _response_among(outputs, levels)
    if not isinstance(outputs, Mapping):
        return None
    return _first(outputs, _RESPONSES, lambda value: response_of(value, levels - 1))


def pair_of(outputs: Any, levels: int = _LEVELS) -> tuple[str, str] | None:
    """The two answers, first and second, where there are exactly two."""
    if levels == 0:
        return None
    if isinstance(outputs, list) and len(outputs) == 1:
        return pair_of(outputs[0], levels - 1)
    if isinstance(outputs, list):
        # Two turns of one assistant are one answer in two steps.
        return None if _assistants(outputs) else _pair(outputs)
    if not isinstance(outputs, Mapping) or "messages" in outputs:
        return None
    for first, second in _PAIRS:
        if first in outputs and second in outputs:
            return _pair([outputs[first], outputs[second]])
    return _first(outputs, _SEVERAL, lambda value: _pair(value) or pair_of(value, levels - 1))


def _first(values: Mapping[str, Any], names: Sequence[str], read: Any) -> Any:
    """The first of the named values that can be read; of a mapping with one value, that one."""
    found = [values[name] for name in names if name in values] or (
        list(values.values()) if len(values) == 1 else []
    )
    return next((text for value in found if (text := read(value)) is not None), None)


def _chat(items: list[Any]) -> list[dict[str, str]] | None:
    turns = [_turn(item) for item in items]
    return [turn for turn in turns if turn] if turns and all(turns) else None


def _turn(item: Any) -> dict[str, str] | None:
    """One turn as {role, content}; None for one that is no text, such as an image or the call of a tool."""
    if not isinstance(item, Mapping):
        return None
    role = item.get("role") or item.get("type")
    content = _content(item.get("content", item.get("parts")))
    if not isinstance(role, str) or content is None:
        return None
    return {"role": _ROLES.get(role, role), "content": content}


def _content(value: Any) -> str | None:
    """A turn's content: a text, or a list of parts that are all texts."""
    if isinstance(value, str) or not isinstance(value, list) or not value:
        return value if isinstance(value, str) else None
    texts = [_part(part) for part in value]
    return None if None in texts else "".join(text for text in texts if text)


def _part(part: Any) -> str | None:
    if isinstance(part, Mapping) and part.get("type") in _TEXT_PARTS:
        part = part.get("text")
    return part if isinstance(part, str) else None


def _with_instructions(inputs: Mapping[str, Any], prompt: Prompt) -> Prompt:
    """The prompt below the system's instructions, where the API takes those beside it."""
    system = next((inputs[name] for name in _INSTRUCTIONS if isinstance(inputs.get(name), str)), None)
    if not system:
        return prompt
    turns = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
    return [{"role": "system", "content": system}, *turns]


def _is_wrapped(item: Any) -> bool:
    """Whether a list of one holds the prompt itself: a batch of one text, or of one chat."""
    return isinstance(item, str | list)


def _response_among(items: list[Any], levels: int) -> str | None:
    """The last thing that the assistant said; or the text of the only item, or of parts that are all texts."""
    spoken = _assistants(items)
    if spoken:
        return spoken[-1]
    if len(items) == 1:
        return response_of(items[0], levels - 1)
    typed = all(isinstance(item, Mapping) and item.get("type") in ("text", "output_text") for item in items)
    return _content(items) if items and typed else None


def _assistants(items: list[Any]) -> list[str]:
    turns = [turn for item in items if (turn := _turn(item))]
    return [turn["content"] for turn in turns if turn["role"] == "assistant"]


def _pair(items: Any) -> tuple[str, str] | None:
    if not isinstance(items, list) or len(items) != 2:
        return None
    first, second = (response_of(item) for item in items)
    return None if first is None or second is None else (first, second)
