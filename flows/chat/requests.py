"""What programs ask in OpenAI's words (https://platform.openai.com/docs/api-reference), and what it means here."""

from __future__ import annotations

import secrets
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from components.feedback.chat import chat_prompt
from components.feedback.draft import Message
from components.feedback.reasons import RowError
from components.serving.question import Question
from flows.chat.errors import ApiError
from flows.chat.reading import Spelled

#: Fields that change no answer.
_IGNORED = ("user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key")
#: Fields that would, with the values that do not.
_NEUTRAL: dict[str, tuple[Any, ...]] = {
    "presence_penalty": (None, 0),
    "frequency_penalty": (None, 0),
    "logit_bias": (None, {}),
    "logprobs": (None, False),
    "top_logprobs": (None, 0),
    "tools": (None, []),
    "functions": (None, []),
    "tool_choice": (None, "none", "auto"),
    "parallel_tool_calls": (None, True, False),
    "response_format": (None, {"type": "text"}),
    "modalities": (None, ["text"]),
    "best_of": (None, 1),
    "echo": (None, False),
    "suffix": (None, ""),
}
_Stop = Annotated[Spelled, Field(min_length=1, max_length=1000)]
_Tokens = Annotated[int, Field(ge=1)]
#: Of the completions that do not say it.
_COMPLETION_TOKENS = 16


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class StreamOptions(_Strict):
    include_usage: bool = False
    include_obfuscation: bool | None = None


class _Request(_Strict):
    """What both kinds of requests may say."""

    model: str
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    n: Annotated[int, Field(ge=1)] | None = None
    max_tokens: _Tokens | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    stop: _Stop | Annotated[list[_Stop], Field(max_length=4)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None

    @property
    def wants_usage(self) -> bool:
        return self.stream_options is not None and self.stream_options.include_usage

    @model_validator(mode="after")
    def _check_options(self) -> Self:
        if self.stream_options is not None and not self.stream:
            raise ValueError("stream_options is only for stream: true")
        return self

    def asking(self, prompts: tuple[str, ...], max_tokens: int | None, most: int) -> Question:
        """The question. most: answers at once."""
        n = self.n or 1
        if len(prompts) * n > most:
            raise ApiError(400, f"at most {most} answers to a request, {len(prompts) * n} are asked for", "n")
        return Question(
            prompts,
            secrets.randbits(63) if self.seed is None else self.seed,
            n,
            1.0 if self.temperature is None else self.temperature,
            1.0 if self.top_p is None else self.top_p,
            max_tokens,
            () if self.stop is None else (self.stop,) if isinstance(self.stop, str) else tuple(self.stop),
        )


class CompletionRequest(_Request):
    prompt: (
        Annotated[Spelled, Field(min_length=1)]
        | Annotated[list[Annotated[Spelled, Field(min_length=1)]], Field(min_length=1)]
    )

    def question(self, most: int) -> Question:
        prompts = (self.prompt,) if isinstance(self.prompt, str) else tuple(self.prompt)
        return self.asking(prompts, self.max_tokens or _COMPLETION_TOKENS, most)


class TextPart(_Strict):
    type: Literal["text"]
    text: Spelled


class ChatMessage(_Strict):
    """A turn. Clients send an answer back as they got it, with all that was not in it."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Spelled | list[TextPart]
    name: str | None = None
    refusal: None = None
    audio: None = None
    function_call: None = None
    annotations: Annotated[list[Any], Field(max_length=0)] | None = None
    tool_calls: Annotated[list[Any], Field(max_length=0)] | None = None

    def message(self) -> Message:
        content = self.content
        text = content if isinstance(content, str) else "".join(part.text for part in content)
        return Message("system" if self.role == "developer" else self.role, text)


class ChatRequest(_Request):
    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    max_completion_tokens: _Tokens | None = None

    def question(self, most: int) -> Question:
        """A chat reads as it reads in feedback: one turn is its text alone."""
        try:
            prompt = chat_prompt([each.message() for each in self.messages], "messages").text
        except RowError as error:
            raise ApiError(400, error.what, "messages") from None
        if not prompt:
            raise ApiError(400, "the message is empty", "messages")
        return self.asking((prompt,), self.max_completion_tokens or self.max_tokens, most)


_Kind = TypeVar("_Kind", bound=_Request)


def parse(kind: type[_Kind], body: dict[str, Any]) -> _Kind:
    """The request.

    Raises:
        ApiError: 400 for what is missing, out of range, or not offered here.
    """
    fields = {name: value for name, value in body.items() if name not in _IGNORED}
    for name, values in _NEUTRAL.items():
        value = fields.pop(name, None)
        if not any(type(value) is type(each) and value == each for each in (*values, 0.0)):
            raise ApiError(400, f"{name} is not supported here", name, "unsupported_parameter")
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        raise _fault(error) from None


def _fault(error: ValidationError) -> ApiError:
    first = error.errors(include_url=False, include_input=False)[0]
    name = ".".join(
        str(part) for part in first["loc"] if not str(part).startswith(("constrained", "function"))
    )
    if first["type"] == "extra_forbidden":
        return ApiError(400, f"unrecognized request argument: {name[:80]!a}", name[:80])
    return ApiError(400, f"{name}: {first['msg']}" if name else first["msg"], name or None)
