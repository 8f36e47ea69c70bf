"""The section `chat`: asking the models in production (`rlhf chat`)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from components.config.section import Count, Positive, Section
from components.config.servers import Port


class ChatParams(Section):
    """Attributes:
    port: where `rlhf chat serve` answers, on loopback unless its `--host` says otherwise.
    temperature: of answers, where a person at the terminal or on the page says nothing else. 0: the likeliest token.
    waiting: questions that may wait for a model while it answers another; more are refused.
    choices: most answers to one request of a program, all its prompts together.
    look_seconds: so often, between two answers, the registry is asked which version is champion, and candidate.
    scores: whether people see score, stars and tokens: reward model and SFT model are in memory too then.
    language: of the page, where neither the person nor their browser asks for one that it knows.
    """

    port: Port
    temperature: Annotated[float, Field(ge=0, le=2)]
    waiting: Count
    choices: Annotated[int, Field(ge=1, le=128)]
    look_seconds: Positive
    scores: bool
    language: Literal["en", "zh"]
