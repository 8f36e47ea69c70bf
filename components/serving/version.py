"""A registered version in memory, its files checked before they are loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

from components.evaluation.answers import Token
from components.evaluation.stars import Stars
from components.modeling.device import pick_device
from components.modeling.loading import load_policy
from components.modeling.text_format import TextFormat
from components.serving.question import Finished, Measured, Question
from components.stages.side_by_side import measured_tokens
from components.tracking.loading import LoadedVersion, load_version, reference_of
from components.tracking.tracker import Tracker
from components.training.encoding import Encoded
from components.training.scoring import Scorer, load_scorer
from components.training.token_figures import token_figures


@dataclass(frozen=True)
class Measure:
    """What answers are measured with.

    Attributes:
        reference: the SFT model that the version was trained from; None where that is unknown.
    """

    scorer: Scorer
    stars: Stars | None
    reference: PreTrainedModel | None


@dataclass(frozen=True)
class ServedVersion:
    """Attributes: name, number: of the registered version; measure: None where scores are not wanted."""

    name: str
    number: str
    model: PreTrainedModel
    tokenizer: Any
    text_format: TextFormat
    measure: Measure | None

    @property
    def label(self) -> str:
        """Such as "reviews/3"."""
        return f"{self.name}/{self.number}"

    def judge(self, question: Question, found: Finished) -> Measured | None:
        """Score, stars and tokens of an answer; None where scores are not wanted."""
        if self.measure is None:
            return None
        prompt = question.prompts[found.choice // question.n]
        [score] = self.measure.scorer([prompt], [found.text])
        stars = self.measure.stars.nearest_half(score) if self.measure.stars else None
        return Measured(found.choice, score, stars, self._tokens(prompt, question, found))

    def _tokens(self, prompt: str, question: Question, found: Finished) -> tuple[Token, ...]:
        measure = self.measure
        if measure is None or measure.reference is None or not found.tokens:
            return ()
        eos = int(self.tokenizer.eos_token_id)
        # As the reward model reads it: an answer that was cut early is one that ends there.
        ended = found.tokens if found.tokens[-1] == eos else (*found.tokens, eos)
        row = Encoded(
            self.text_format.prompt_ids(self.tokenizer, prompt),
            list(ended[: self.text_format.max_response_tokens]),
        )
        texts = ([prompt], [found.text])
        [figures] = token_figures(
            self.model, measure.reference, measure.scorer, [row], texts, question.kl_temperature
        )
        tokens = measured_tokens(self.tokenizer, row.response, figures)
        return tokens if "".join(token.text for token in tokens) == found.text else ()


def load_served(tracker: Tracker, kind: str, *, scores: bool) -> ServedVersion:
    """The champion, the candidate, or a production version by its number.

    Args:
        scores: whether the models that answers are measured with are loaded too.

    Raises:
        RegistryError: there is none, or MLflow cannot be reached.
        ModelError: a file is not the one that was registered.
    """
    version = load_version(tracker, kind)
    model, tokenizer, text_format = load_policy(version.folder)
    measure = _measure(tracker, version) if scores else None
    return ServedVersion(
        version.name, version.version, model.to(pick_device()), tokenizer, text_format, measure
    )


def _measure(tracker: Tracker, version: LoadedVersion) -> Measure:
    folder: Path | None = reference_of(tracker, version)
    reference = None if folder is None else load_policy(folder)[0].to(pick_device())
    return Measure(load_scorer(version.reward), Stars.read(version.reward / "stars.json"), reference)
