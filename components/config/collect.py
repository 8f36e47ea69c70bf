"""The section `collect`: the page on which people judge pairs of answers (`rlhf collect`)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from components.config.section import Count, Section
from components.config.servers import Port


class CollectParams(Section):
    """Attributes:
    port: where the page answers, on loopback unless `rlhf collect serve --host` says otherwise.
    gold_share: of the pairs that each person gets, so many are gold questions, as long as there are any.
    votes: judgements that are wanted of each pair; one that has them is dealt to nobody else.
    language: of the page, where neither the person nor their browser asks for one that it knows.
    """

    port: Port
    gold_share: Annotated[float, Field(ge=0, lt=1)]
    votes: Count
    language: Literal["en", "zh"]
