"""params.yaml as frozen models: an unknown key, a wrong type or a value out of range is an error."""

from components.config.feedback import FeedbackParams, HoldParams
from components.config.params import Params, load_params
from components.config.policy import PpoParams
from components.config.section import Section
from components.config.sections import (
    EvaluateParams,
    GateParams,
    GitParams,
    ModelParams,
    PrepareParams,
    RegistryParams,
    TinyParams,
)
from components.config.training import (
    AlarmParams,
    CheckpointParams,
    DpoParams,
    RewardParams,
    SupervisedParams,
    TrainParams,
)

__all__ = [
    "AlarmParams",
    "CheckpointParams",
    "DpoParams",
    "EvaluateParams",
    "FeedbackParams",
    "GateParams",
    "GitParams",
    "HoldParams",
    "ModelParams",
    "Params",
    "PpoParams",
    "PrepareParams",
    "RegistryParams",
    "RewardParams",
    "Section",
    "SupervisedParams",
    "TinyParams",
    "TrainParams",
    "load_params",
]
