"""Sequences of uneven lengths laid end to end in one row: no padding is computed.

A row of N tokens holds B sequences. Positions restart at 0 in each, and attention stays inside each
(components/modeling/attention.py), so every token sees what it would see alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from components.errors import ModelError
from components.modeling.kernel_sizes import TOKENS
from components.modeling.last_layer import read_at
from components.modeling.layout import Layout, Place, Span, lay_out

#: Two answers to one prompt, and one to another, of unlike lengths and of tokens that every vocabulary has.
PROBE = (([3, 4, 5], [6, 7]), ([3, 4, 5], [7]), ([7, 5], [3, 4, 6, 5]))
#: Relative difference that rounding explains; a token that sees another sequence moves far more.
PROBE_TOLERANCE = 1e-4
#: What a sequence shares that shares nothing.
NOTHING = Span(0, 0)


@dataclass(frozen=True)
class Packed:
    """B sequences in one row, each a prompt with what follows it. A prompt that several have stands there once.

    Attributes:
        ids, positions: [1, N].
        lengths: [B], tokens of each sequence, prompt and response; longest: the most of them.
        prompt_ends: [B], where in the row the last token of each prompt stands.
        response_starts: [B], where the first token of each response stands, or would.
    """

    ids: Tensor
    positions: Tensor
    lengths: Tensor
    longest: int
    prompt_ends: Tensor
    response_starts: Tensor
    response_lengths: Tensor
    layout: Layout

    @property
    def last(self) -> Tensor:
        """[B] where the last token of each sequence stands in the row."""
        after = self.response_starts + self.response_lengths - 1
        return torch.where(self.response_lengths > 0, after, self.prompt_ends)

    def places_from_prompt_end(self, counts: Tensor) -> Tensor:
        """Where in the row the last token of each prompt and those after it stand: counts [B] of them each."""
        owners = torch.arange(len(counts), device=counts.device).repeat_interleave(counts)
        within = torch.arange(len(owners), device=counts.device) - (counts.cumsum(0) - counts)[owners]
        return torch.where(within == 0, self.prompt_ends[owners], self.response_starts[owners] + within - 1)


class _Row:
    """A row that is being filled."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.positions: list[int] = []

    def add(self, tokens: Sequence[int], position: int = 0) -> Span:
        """Append tokens, the first of them at `position` of its sequence."""
        span = Span(len(self.ids), len(tokens))
        self.ids.extend(tokens)
        self.positions.extend(range(position, position + len(tokens)))
        return span


def pack(
    prompts: Sequence[Sequence[int]],
    device: torch.device,
    responses: Sequence[Sequence[int]] | None = None,
    few_sizes: bool = False,
) -> Packed:
    """Lay sequences end to end.

    Args:
        prompts: B rows of tokens, none of them empty.
        responses: what follows each; equal prompts then share their tokens. None: nothing follows, nothing is shared.
        few_sizes: the row is filled up to a multiple of `TOKENS`, with tokens that nobody reads, and its tables too.
    """
    row = _Row()
    if responses is None:
        responses = [()] * len(prompts)
        places = [Place(NOTHING, row.add(prompt)) for prompt in prompts]
    else:
        places = _share_prompts(row, prompts, responses)
    if few_sizes:
        # Each at position 0: further positions a model may not have.
        for _ in range(-len(row.ids) % TOKENS):
            row.add([0])
    return Packed(
        ids=torch.tensor([row.ids], device=device),
        positions=torch.tensor([row.positions], device=device),
        lengths=torch.tensor([place.length for place in places], device=device),
        longest=max(place.length for place in places),
        prompt_ends=torch.tensor(list(map(_prompt_end, places, prompts)), device=device),
        response_starts=torch.tensor(list(map(_response_start, places, responses)), device=device),
        response_lengths=torch.tensor([len(response) for response in responses], device=device),
        layout=lay_out(places, len(row.ids), device, few_sizes),
    )


def _prompt_end(place: Place, prompt: Sequence[int]) -> int:
    return (place.stem if place.stem.count else place.own).begin + len(prompt) - 1


def _response_start(place: Place, response: Sequence[int]) -> int:
    return place.own.begin + place.own.count - len(response)


def _share_prompts(
    row: _Row, prompts: Sequence[Sequence[int]], responses: Sequence[Sequence[int]]
) -> list[Place]:
    """Append all sequences; a prompt that comes again is not appended again."""
    keys = [tuple(prompt) for prompt in prompts]
    uses, seen, stems = Counter(keys), Counter[tuple[int, ...]](), dict[tuple[int, ...], Span]()
    places = []
    for key, response in zip(keys, responses, strict=True):
        if uses[key] == 1:
            places.append(Place(NOTHING, row.add([*key, *response])))
            continue
        if key not in stems:
            stems[key] = row.add(key)
        places.append(Place(stems[key], row.add(response, position=len(key)), copy=seen[key]))
        seen[key] += 1
    return places


def model_inputs(packed: Packed) -> dict[str, Any]:
    """The keyword arguments with which any causal model of transformers reads a packed row.

    A mask of four dimensions is passed through as it is, so no N x N mask is built; the registered attention
    reads the layout instead.
    """
    return {
        "input_ids": packed.ids,
        "position_ids": packed.positions,
        "attention_mask": packed.ids.new_ones((1, 1, 1, 1), dtype=torch.bool),
        "layout": packed.layout,
        "use_cache": False,
    }


def hidden_states(model: PreTrainedModel, packed: Packed) -> Tensor:
    """[N, d] the trunk's last hidden states."""
    states: Tensor = model.base_model(**model_inputs(packed)).last_hidden_state
    return states.squeeze(0)


def states_at(model: PreTrainedModel, packed: Packed, places: Tensor) -> Tensor:
    """[M, d] the trunk's last hidden states at `places` [M] of the row, and no more work than they need."""
    with read_at(model, places):
        return hidden_states(model, packed)[places]


@torch.no_grad()
def check_packing(model: PreTrainedModel) -> None:
    """Make sure that a packed row gives each sequence the states it has alone.

    Raises:
        ModelError: it does not; some models bring an attention of their own, or mix tokens in other ways.
    """
    try:
        apart = _states_are_equal(model)
    except (ValueError, TypeError, RuntimeError) as error:
        raise refusal(model, f"cannot read sequences packed into one row: {error}") from None
    if not apart:
        raise refusal(model, "does not keep sequences apart that share a row")


def _states_are_equal(model: PreTrainedModel) -> bool:
    prompts, responses = zip(*PROBE, strict=True)
    packed = pack(prompts, model.device, responses)
    together = states_at(model, packed, packed.places_from_prompt_end(packed.response_lengths + 1))
    alone = torch.cat([_states_alone(model, prompt, response) for prompt, response in PROBE])
    return bool((together - alone).abs().max() <= PROBE_TOLERANCE * alone.abs().max())


def _states_alone(model: PreTrainedModel, prompt: list[int], response: list[int]) -> Tensor:
    """From the prompt's end on."""
    row = torch.tensor([prompt + response], device=model.device)
    states: Tensor = model.base_model(input_ids=row).last_hidden_state[0, len(prompt) - 1 :]
    return states


def refusal(model: PreTrainedModel, what: str) -> ModelError:
    """What a person is told of a model that cannot read packed rows."""
    return ModelError(
        f"{type(model).__name__} {what}",
        "use a decoder whose attention goes through transformers' interface, such as GPT-2, Llama or Qwen",
    )
