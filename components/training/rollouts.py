"""What the policy did in one round: prompts, sampled responses, and what every model says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from components.modeling.generation import decode
from components.modeling.logprobs import response_logprobs, scalar_outputs
from components.modeling.padding import pad
from components.modeling.sampling import sample
from components.modeling.text_format import TextFormat
from components.training.scoring import ScoreTexts


@dataclass(frozen=True)
class Rollouts:
    """One round's responses to B prompts: P prompt tokens (left-padded), T response tokens (right-padded).

    Attributes:
        ids, mask: [B, P + T].
        response_mask: [B, T], True at a real response token, the EOS included.
        ended: [B], whether the response ended itself.
        old_logprobs, ref_logprobs: [B, T], by the policy that sampled and by the reference.
        values: [B, T], the critic's value of the state before each token.
        bootstrap: [B], the critic's value after the last token; 0 where the response ended itself.
        scores: [B], by the reward model; `missing_eos_score` where the response was cut by length.
    """

    ids: Tensor
    mask: Tensor
    response_mask: Tensor
    ended: Tensor
    old_logprobs: Tensor
    ref_logprobs: Tensor
    values: Tensor
    bootstrap: Tensor
    scores: Tensor

    def __len__(self) -> int:
        return len(self.ids)

    def select(self, indices: Tensor) -> Rollouts:
        """The rows of a minibatch."""
        return Rollouts(*(getattr(self, field.name)[indices] for field in fields(self)))


@dataclass(frozen=True)
class RolloutSampler:
    """Everything that is needed to act once and to judge the act.

    Attributes:
        policy, critic: they learn; reference: frozen.
        score_texts: the reward model, which reads texts.
        missing_eos_score: replaces the score of a response without EOS, whatever its prompt holds.
    """

    policy: PreTrainedModel
    reference: PreTrainedModel
    critic: PreTrainedModel
    tokenizer: Any
    text_format: TextFormat
    score_texts: ScoreTexts
    temperature: float
    missing_eos_score: float

    @torch.no_grad()
    def collect(self, prompts: Sequence[str], generator: torch.Generator) -> Rollouts:
        """Consumes prompts, produces one judged response to each."""
        device = self.policy.device
        rows = [self.text_format.prompt_ids(self.tokenizer, prompt) for prompt in prompts]
        prompt_ids, prompt_mask = (
            tensor.to(device) for tensor in pad(rows, self.tokenizer.pad_token_id, "left")
        )
        samples = sample(
            self.policy,
            prompt_ids,
            prompt_mask,
            max_tokens=self.text_format.max_response_tokens,
            temperature=self.temperature,
            eos_id=self.tokenizer.eos_token_id,
            pad_id=self.tokenizer.pad_token_id,
            generator=generator,
        )
        ids = torch.cat([prompt_ids, samples.tokens], dim=1)
        mask = torch.cat([prompt_mask, samples.mask], dim=1)
        length = samples.tokens.shape[1]
        states = scalar_outputs(self.critic, ids, mask)[:, -length - 1 :]
        scores = self.score_texts(prompts, decode(self.tokenizer, samples))
        return Rollouts(
            ids=ids,
            mask=mask,
            response_mask=samples.mask,
            ended=samples.ended,
            old_logprobs=response_logprobs(self.policy, ids, mask, length, self.temperature),
            ref_logprobs=response_logprobs(self.reference, ids, mask, length, self.temperature),
            values=states[:, :-1],
            bootstrap=torch.where(samples.ended, 0.0, _value_after(states, samples.mask)),
            scores=torch.where(samples.ended, torch.tensor(scores, device=device), self.missing_eos_score),
        )


def _value_after(states: Tensor, response_mask: Tensor) -> Tensor:
    """[B] the value of the state after the last real token; states [B, T + 1]."""
    return states.gather(1, response_mask.sum(dim=1, keepdim=True)).squeeze(1)
