"""The section `resources`: where each stage runs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from components.config.section import Section

#: As dvc.yaml names them.
StageName = Literal["prepare", "sft", "reward_model", "judge", "ppo", "select", "dpo", "evaluate"]


class StageResources(Section):
    """Attributes: work_pool: of a Prefect server, whose worker runs the stage; None: the retraining's own process."""

    work_pool: Annotated[str, Field(min_length=1)] | None = None
