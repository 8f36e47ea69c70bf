"""The section `choose`: which pairs of answers people judge next (`rlhf next-batch`)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from components.config.section import Count, Section


class ChooseParams(Section):
    """Attributes:
    answers: drawn to a prompt, half of them by the champion and half by the candidate; all by one where there is
        no other. Pairs are made of them.
    prompts: so many are answered for each pair that is wanted: the more, the more there is to choose from.
    random_share: of the pairs that teach the reward model, so many are drawn by chance, and marked: figures of
        those alone are true of all answers. 0: all are chosen by what they teach, 1: none.
    """

    answers: Annotated[int, Field(ge=2, multiple_of=2)]
    prompts: Count
    random_share: Annotated[float, Field(ge=0, le=1)]
