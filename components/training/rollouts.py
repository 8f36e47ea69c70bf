"""What the policy did in one round: prompts, sampled responses, and what every model says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedModel

from components.modeling.adapters import without_adapters
from components.modeling.exploration import Exploration
from components.modeling.generation import decode, real_tokens
from components.modeling.sampling import Samples, draw_dice, sample
from components.modeling.text_format import TextFormat
from components.modeling.turns import ValueHead
from components.training.encoding import Encoded
from components.training.forward import in_parts, response_logprobs
from components.training.scoring import ScoreTexts, judged
from components.training.workers import Alone, Workers, share


@dataclass(frozen=True)
class Rollouts:
    """One round's responses to B prompts, T tokens the longest.

    Attributes:
        rows: prompt and response of each, as tokens; the EOS belongs to the response.
        groups: [B], equal where the prompt is the same.
        response_mask: [B, T], True at a real response token.
        ended: [B], whether the response ended itself.
        logprobs, ref_logprobs: [B, T], by the policy that sampled and by the reference, at the policy's temperature.
        behaviour: [B, T], by the distribution that was sampled from: what the ratio divides by.
        values: [B, T], the critic's value of the state before each token; 0 without a critic.
        bootstrap: [B], the critic's value after the last token where the response was cut and that has no score of its
            own; else 0.
        scores: [B], by the reward model; `missing_eos_score` where the response was cut by length, or 0 where that
            is None.
        disagreement: [B], how far apart the reward models of an ensemble are on the response; 0 of a single one.
    """

    rows: list[Encoded]
    groups: Tensor
    response_mask: Tensor
    ended: Tensor
    logprobs: Tensor
    ref_logprobs: Tensor
    behaviour: Tensor
    values: Tensor
    bootstrap: Tensor
    scores: Tensor
    disagreement: Tensor

    def __len__(self) -> int:
        return len(self.rows)


class Critic(Protocol):
    """Who says what a state is worth."""

    #: Reads the states of the policy's own trunk while it samples; None for a critic that is no part of the policy.
    head: ValueHead | None

    def read(self, rows: Sequence[Encoded], samples: Samples) -> Tensor:
        """[B, T + 1] values before each response token and after the last; 0 past the end of a response."""


@dataclass(frozen=True)
class RolloutSampler:
    """Everything that is needed to act once and to judge the act.

    Attributes:
        policy, critic: they learn; reference: frozen, or the policy itself, whose adapters are then switched off.
        score_texts: the reward model, which reads texts.
        missing_eos_score: replaces the score of a response without EOS, whatever its prompt holds. It is all that such
            a response is worth. None: being cut is worth nothing yet, and what would have come the critic says.
        workers: the processes that share a round.
    """

    policy: PreTrainedModel
    reference: PreTrainedModel
    critic: Critic
    tokenizer: Any
    text_format: TextFormat
    score_texts: ScoreTexts
    explore: Exploration
    missing_eos_score: float | None
    workers: Workers = field(default_factory=Alone)

    @torch.no_grad()
    def collect(self, prompts: Sequence[str], samples_each: int, generator: torch.Generator) -> Rollouts:
        """Consumes prompts, produces `samples_each` judged responses to each, side by side.

        Every process throws the dice of all responses and samples its share, so that the responses are the same
        however many processes there are.
        """
        repeated = [prompt for prompt in prompts for _ in range(samples_each)]
        asked = [self.text_format.prompt_ids(self.tokenizer, prompt) for prompt in repeated]
        dice = draw_dice(len(repeated), self.text_format.max_response_tokens, generator)
        mine = share(self.workers, range(len(repeated)))
        sampled, verdicts = self._act([repeated[i] for i in mine], [asked[i] for i in mine], dice[mine])
        everyone = {name: self.workers.gather(tensor) for name, tensor in verdicts.items()}
        tokens, mask = self.workers.gather(sampled.tokens), self.workers.gather(sampled.mask)
        return Rollouts(
            rows=list(map(Encoded, asked, real_tokens(tokens, mask))),
            groups=torch.arange(len(prompts), device=mask.device).repeat_interleave(samples_each),
            response_mask=mask,
            **everyone,
        )

    def _act(
        self, prompts: Sequence[str], asked: Sequence[list[int]], dice: Tensor
    ) -> tuple[Samples, dict[str, Tensor]]:
        """Sampled responses to `prompts`, `asked` in tokens, and what `Rollouts` says of them."""
        samples = sample(
            self.policy,
            asked,
            dice,
            explore=self.explore,
            eos_id=self.tokenizer.eos_token_id,
            pad_id=self.tokenizer.pad_token_id,
            value_head=self.critic.head,
        )
        rows = list(map(Encoded, asked, real_tokens(samples.tokens, samples.mask)))
        states = self.critic.read(rows, samples)
        after = states.gather(1, samples.mask.sum(dim=1, keepdim=True)).squeeze(1)
        verdicts = judged(self.score_texts, prompts, decode(self.tokenizer, samples))
        scores, disagreement = (torch.tensor(found, device=states.device) for found in verdicts)
        # With a fixed score too the critic's value would make being cut a fine that is paid again and again for ever.
        goes_on = ~samples.ended if self.missing_eos_score is None else torch.zeros_like(samples.ended)
        return samples, {
            "ended": samples.ended,
            "logprobs": samples.logprobs,
            "ref_logprobs": reference_logprobs(self.reference, rows, self.explore.temperature),
            "behaviour": samples.behaviour,
            "values": torch.where(samples.mask, states[:, :-1], 0.0),
            "bootstrap": torch.where(goes_on, after, 0.0),
            "scores": torch.where(samples.ended, scores, self.missing_eos_score or 0.0),
            "disagreement": disagreement,
        }


def reference_logprobs(model: PreTrainedModel, rows: Sequence[Encoded], temperature: float) -> Tensor:
    """[B, T] logprobs of the responses under a frozen model; 0 past the end of a response.

    The policy is its own reference where it learns by adapters: they are switched off here.
    """

    def measure(part: list[Encoded]) -> Sequence[Tensor]:
        logprobs, _ = response_logprobs(model, part, temperature)
        return torch.split(logprobs, [len(row.response) for row in part])

    with without_adapters(model):
        return pad_sequence(in_parts(rows, measure), batch_first=True)
