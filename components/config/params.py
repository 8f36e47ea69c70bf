"""The whole of params.yaml, and how it is read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, ValidationError, model_validator

from components.config.chat import ChatParams
from components.config.choose import ChooseParams
from components.config.collect import CollectParams
from components.config.feedback import FeedbackParams
from components.config.notifications import NotificationParams
from components.config.policy import PpoParams
from components.config.resources import StageName, StageResources
from components.config.retention import RetentionParams
from components.config.schedule import ScheduleParams
from components.config.section import Section
from components.config.sections import (
    EvaluateParams,
    GateParams,
    GitParams,
    ModelParams,
    PrepareParams,
    RegistryParams,
    SelectParams,
    TinyParams,
)
from components.config.servers import ServersParams
from components.config.training import (
    AlarmParams,
    CheckpointParams,
    DpoParams,
    RewardParams,
    SupervisedParams,
    TrainParams,
)
from components.errors import ConfigError


class Params(Section):
    """The whole of params.yaml."""

    seed: Annotated[int, Field(ge=0, lt=2**31)]
    model: ModelParams
    tiny: TinyParams
    feedback: FeedbackParams
    collect: CollectParams
    choose: ChooseParams
    chat: ChatParams
    prepare: PrepareParams
    train: TrainParams
    checkpoints: CheckpointParams
    alarms: AlarmParams
    sft: SupervisedParams
    reward_model: RewardParams
    judge: RewardParams
    ppo: PpoParams
    dpo: DpoParams
    select: SelectParams
    evaluate: EvaluateParams
    gates: GateParams
    registry: RegistryParams
    git: GitParams
    servers: ServersParams
    schedule: ScheduleParams
    notifications: NotificationParams
    resources: dict[StageName, StageResources]
    retention: RetentionParams

    @model_validator(mode="after")
    def _check_across_sections(self) -> Params:
        if self.ppo.rollouts % self.train.num_processes:
            raise ValueError("ppo.rollouts must be a multiple of train.num_processes")
        if self.ppo.uncertainty_penalty and self.reward_model.ensemble == 1:
            raise ValueError(
                "ppo.uncertainty_penalty needs reward models that can disagree: "
                "set reward_model.ensemble to 2 or more, or leave the penalty at 0"
            )
        return self


def load_params(path: Path = Path("params.yaml")) -> Params:
    """Read and check params.yaml.

    Raises:
        ConfigError: naming the file, each key at fault and what it should be.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Params.model_validate(content)
    except FileNotFoundError:
        raise ConfigError(f"{path} not found", "run this in the project's folder") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML: {error}", "mend the line it names") from None
    except ValidationError as error:
        raise ConfigError(
            _describe(path, error), "mend these keys; README.md explains each section"
        ) from None


def _describe(path: Path, error: ValidationError) -> str:
    faults = (
        f"{'.'.join(map(str, fault['loc'])) or 'top level'}: {fault['msg']}" for fault in error.errors()
    )
    return f"{path}: " + "; ".join(faults)
