"""One packed forward pass over prompts with responses. Per-token results are flat: response after response."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from transformers import PreTrainedModel

from components.modeling.attention import reads_packed_rows
from components.modeling.hidden import head_inputs
from components.modeling.kernel_sizes import TOKENS, compiles_each_size
from components.modeling.last_layer import read_at
from components.modeling.loading import scalar_head
from components.modeling.packing import Packed, model_inputs, pack, states_at
from components.modeling.padding import padded_scores
from components.modeling.picked import picked_logprobs
from components.modeling.value_head import values_of
from components.training.encoding import Encoded
from components.training.microbatches import even_ranges, tokens_at_once


def pack_rows(model: PreTrainedModel, rows: Sequence[Encoded]) -> Packed:
    """Prompts with their responses in one row, of sizes that the model computes without delay.

    A prompt that several rows have is computed once.
    """
    prompts, responses = [row.prompt for row in rows], [row.response for row in rows]
    return pack(prompts, model.device, responses, few_sizes=compiles_each_size(model))


def response_logprobs(
    model: PreTrainedModel, rows: Sequence[Encoded], temperature: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Logprobs [M] of all response tokens, and the entropies [M], without gradient, of what each was drawn from."""
    packed = pack_rows(model, rows)
    tokens = torch.tensor([token for row in rows for token in row.response], device=model.device)
    count = len(tokens)
    places = _filled(model, packed.places_from_prompt_end(packed.response_lengths))
    with read_at(model, places):
        logits = model(**model_inputs(packed), logits_to_keep=places).logits
    logprobs, entropies = picked_logprobs(logits.squeeze(0), _filled(model, tokens), temperature)
    return logprobs[:count], entropies[:count]


def _filled(model: PreTrainedModel, values: Tensor) -> Tensor:
    """Values [M], the last of them repeated up to a size that the model computes without delay."""
    if not compiles_each_size(model):
        return values
    return torch.cat([values, values[-1:].expand(-len(values) % TOKENS)])


def response_logprobs_and_values(
    model: PreTrainedModel, rows: Sequence[Encoded], temperature: float
) -> tuple[Tensor, Tensor, Tensor]:
    """As `response_logprobs`, and the values [M], by the policy's value head, of the state before each token."""
    with head_inputs(model) as seen:
        logprobs, entropies = response_logprobs(model, rows, temperature)
    return logprobs, entropies, values_of(model, seen[0].squeeze(0)[: len(logprobs)])


def response_sums(model: PreTrainedModel, rows: Sequence[Encoded]) -> Tensor:
    """[B] logprob of each whole response."""
    logprobs, _ = response_logprobs(model, rows)
    return sum_by_response(logprobs, rows)


def sum_by_response(values: Tensor, rows: Sequence[Encoded]) -> Tensor:
    """[B] sums of a flat [M] tensor over the tokens of each response."""
    counts = torch.tensor([len(row.response) for row in rows], device=values.device)
    owners = torch.arange(len(rows), device=values.device).repeat_interleave(counts)
    return values.new_zeros(len(rows)).index_add(0, owners, values)


def state_values(critic: PreTrainedModel, rows: Sequence[Encoded], after_last: bool = True) -> Tensor:
    """The critic's values of the state before each response token.

    Returns:
        [M + B] with the state after each response too, [M] without.
    """
    packed = pack_rows(critic, rows)
    places = packed.places_from_prompt_end(packed.response_lengths + int(after_last))
    return scalars(critic, states_at(critic, packed, places))


def sequence_scores(model: PreTrainedModel, rows: Sequence[Encoded]) -> Tensor:
    """[B] the scalar head at the last token of each row; of an encoder, its classification head."""
    if not reads_packed_rows(model):
        return padded_scores(model, [row.ids for row in rows])
    packed = pack_rows(model, rows)
    return scalars(model, states_at(model, packed, packed.last))


def scalars(model: PreTrainedModel, states: Tensor) -> Tensor:
    """[M] what the scalar head says of hidden states [M, d], in float32."""
    outputs: Tensor = scalar_head(model)(states).squeeze(-1)
    return outputs.float()


def in_parts(rows: Sequence[Encoded], measure: Callable[[list[Encoded]], Sequence[Tensor]]) -> list[Tensor]:
    """Apply `measure` to parts of few tokens and like length; its results, one a row, come back in the rows' order."""
    order = sorted(range(len(rows)), key=lambda index: len(rows[index]))
    found: list[Tensor | None] = [None] * len(rows)
    for part in even_ranges([len(rows[i]) for i in order], tokens_at_once()):
        indices = [order[i] for i in part]
        for index, result in zip(indices, measure([rows[i] for i in indices]), strict=True):
            found[index] = result
    return [result for result in found if result is not None]
