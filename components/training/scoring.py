"""Scores of answers by a reward model, in its own tokens and on its own scale."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from components.errors import ModelError
from components.files import read_json, write_json
from components.modeling.device import cast_weights, pick_device
from components.modeling.loading import load_reward_model
from components.modeling.text_format import TextFormat
from components.objectives.ensembles import pessimistic_mean
from components.training.encoding import Encoded, encode_pairs
from components.training.forward import in_parts, sequence_scores

FILE_NAME = "reward.json"
#: Folders of an ensemble's members after the first.
MEMBER = "member-"

#: Scores of answers, from prompts and responses of equal number.
ScoreTexts = Callable[[Sequence[str], Sequence[str]], list[float]]


@dataclass(frozen=True)
class RewardScale:
    """Mean and standard deviation of a reward model's raw scores of reference responses.

    A normalised score of 0 is a typical reference response, 1 is one standard deviation better (Stiennon 2020;
    Huang 2024, detail 5).

    Attributes:
        temperature: differences of raw scores divided by it are calibrated log-odds (Guo 2017, section 4.2).
    """

    mean: float
    std: float
    temperature: float = 1.0

    def normalise(self, raw: float) -> float:
        return (raw - self.mean) / self.std

    def save(self, folder: Path) -> None:
        write_json(folder / FILE_NAME, asdict(self))

    @classmethod
    def load(cls, folder: Path) -> RewardScale:
        path = folder / FILE_NAME
        if not path.exists():
            raise ModelError(f"{path} not found", f"{folder} is not a reward model of this project")
        return cls(**read_json(path))

    @classmethod
    def measure(cls, raw: Sequence[float]) -> RewardScale:
        scores = torch.tensor(raw, dtype=torch.float64)
        # Equal scores for everything: dividing by 1 keeps them equal instead of infinite.
        std = float(scores.std(correction=0)) or 1.0
        return cls(mean=float(scores.mean()), std=std)


@torch.no_grad()
def raw_scores(model: PreTrainedModel, rows: Sequence[Encoded]) -> list[float]:
    """The head's logit at the last token of each row, in the rows' order."""
    scores = in_parts(rows, lambda part: sequence_scores(model, part).unbind())
    return torch.stack(scores).tolist() if scores else []


@dataclass(frozen=True)
class Member:
    """One reward model, with all that it takes to score texts."""

    model: PreTrainedModel
    tokenizer: Any
    text_format: TextFormat
    scale: RewardScale

    def scores(self, prompts: Sequence[str], responses: Sequence[str]) -> list[float]:
        """Normalised. Texts, not tokens: policy and reward model may have different tokenizers."""
        rows = encode_pairs(self.tokenizer, self.text_format, prompts, responses)
        return [self.scale.normalise(raw) for raw in raw_scores(self.model, rows)]


@dataclass(frozen=True)
class Scorer:
    """Scores of texts by one reward model or several: call it with prompts and responses.

    Attributes:
        penalty: how many standard deviations over the members are taken off their mean.
    """

    members: Sequence[Member]
    penalty: float = 0.0

    def __call__(self, prompts: Sequence[str], responses: Sequence[str]) -> list[float]:
        return self.judge(prompts, responses)[0]

    def judge(self, prompts: Sequence[str], responses: Sequence[str]) -> tuple[list[float], list[float]]:
        """The score of each text, and the standard deviation over the members of its normalised score."""
        if len(self.members) == 1 or not prompts:
            return self.members[0].scores(prompts, responses), [0.0] * len(prompts)
        table = self._table(prompts, responses)
        return pessimistic_mean(table, self.penalty).tolist(), table.std(dim=0, correction=0).tolist()

    def disagreement(self, prompts: Sequence[str], responses: Sequence[str]) -> list[float]:
        """Standard deviation over the members of the normalised score of each text."""
        return self.judge(prompts, responses)[1]

    def cast(self, dtype: torch.dtype) -> Scorer:
        """The same scorer, its models computing in `dtype` from now on."""
        for member in self.members:
            cast_weights(member.model, dtype)
        return self

    @property
    def unit(self) -> float:
        """Log-odds in a difference of 1 between two scores, before calibration."""
        return fmean(member.scale.std for member in self.members)

    @property
    def temperature(self) -> float:
        """What log-odds are divided by to be calibrated: it is kept with the first member."""
        return self.members[0].scale.temperature

    def _table(self, prompts: Sequence[str], responses: Sequence[str]) -> Tensor:
        """[K, B] normalised scores, a row a member."""
        rows = [member.scores(prompts, responses) for member in self.members]
        return torch.tensor(rows, dtype=torch.float64)


def judged(
    score_texts: ScoreTexts, prompts: Sequence[str], responses: Sequence[str]
) -> tuple[list[float], list[float]]:
    """Scores, and how far apart an ensemble's members are on each text; 0 where the scorer is no ensemble."""
    if isinstance(score_texts, Scorer):
        return score_texts.judge(prompts, responses)
    return score_texts(prompts, responses), [0.0] * len(prompts)


def load_scorer(folder: Path, penalty: float = 0.0) -> Scorer:
    """The scorer of the reward model that a stage saved in `folder`, with the other members of its ensemble."""
    others = sorted(folder.glob(f"{MEMBER}*"), key=lambda path: int(path.name.removeprefix(MEMBER)))
    return Scorer([_load_member(path) for path in (folder, *others)], penalty)


def member_folder(folder: Path, number: int) -> Path:
    """Where member `number` of the ensemble in `folder` lies: the first is the folder itself."""
    return folder / f"{MEMBER}{number}" if number else folder


def _load_member(folder: Path) -> Member:
    model, tokenizer, text_format = load_reward_model(folder)
    return Member(model.to(pick_device()), tokenizer, text_format, RewardScale.load(folder))
