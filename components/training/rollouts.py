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
from components.modeling.generation import decode
from components.modeling.sampling import Samples, draw_dice, sample
from components.modeling.text_format import TextFormat
from components.modeling.turns import ValueHead
from components.training.encoding import Encoded
from components.training.forward import in_parts, response_logprobs
from components.training.scoring import ScoreTexts
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
        bootstrap: [B], the critic's value after the last token; 0 where the response ended itself.
        scores: [B], by the reward model; `missing_eos_score` where the response was cut by length.
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
        missing_eos_score: replaces the score of a response without EOS, whatever its prompt holds.
        workers: the processes that share a round.
    """

    policy: PreTrainedModel
    reference: PreTrainedModel
    critic: Critic
    tokenizer: Any
    text_format: TextFormat
    score_texts: ScoreTexts
    explore: Exploration
    missing_eos_score: float
    workers: Workers = field(default_factory=Alone)

    @torch.no_grad()
    def collect(self, prompts: Sequence[str], samples_each: int, generator: torch.Generator) -> Rollouts:
        """Consumes prompts, produces `samples_each` judged responses to each, side by side.

        Every process throws the dice of all responses and samples its share, so that the responses are the same
        however many processes there are.
        """
        repeated = [prompt for prompt in prompts for _ in range(samples_each)]
        dice = draw_dice(len(repeated), self.text_format.max_response_tokens, generator)
        mine = share(self.workers, range(len(repeated)))
        sampled, judged = self._act([repeated[i] for i in mine], dice[mine])
        everyone = {name: self.workers.gather(tensor) for name, tensor in judged.items()}
        tokens, mask = self.workers.gather(sampled.tokens), self.workers.gather(sampled.mask)
        return Rollouts(
            rows=[
                Encoded(self.text_format.prompt_ids(self.tokenizer, prompt), answer[real].tolist())
                for prompt, answer, real in zip(repeated, tokens, mask, strict=True)
            ],
            groups=torch.arange(len(prompts), device=mask.device).repeat_interleave(samples_each),
            response_mask=mask,
            **everyone,
        )

    def _act(self, prompts: Sequence[str], dice: Tensor) -> tuple[Samples, dict[str, Tensor]]:
        """Sampled responses to `prompts`, and what `Rollouts` says of them."""
        prompt_ids = [self.text_format.prompt_ids(self.tokenizer, prompt) for prompt in prompts]
        samples = sample(
            self.policy,
            prompt_ids,
            dice,
            explore=self.explore,
            eos_id=self.tokenizer.eos_token_id,
            pad_id=self.tokenizer.pad_token_id,
            value_head=self.critic.head,
        )
        rows = [
            Encoded(ids, tokens[mask].tolist())
            for ids, tokens, mask in zip(prompt_ids, samples.tokens, samples.mask, strict=True)
        ]
        states = self.critic.read(rows, samples)
        after = states.gather(1, samples.mask.sum(dim=1, keepdim=True)).squeeze(1)
        scores = torch.tensor(self.score_texts(prompts, decode(self.tokenizer, samples)))
        return samples, {
            "ended": samples.ended,
            "logprobs": samples.logprobs,
            "ref_logprobs": reference_logprobs(self.reference, rows, self.explore.temperature),
            "behaviour": samples.behaviour,
            "values": torch.where(samples.mask, states[:, :-1], 0.0),
            "bootstrap": torch.where(samples.ended, 0.0, after),
            "scores": torch.where(samples.ended, scores.to(states.device), self.missing_eos_score),
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
