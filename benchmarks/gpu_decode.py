"""Sampling on a GPU: this project's decoding beside transformers' own, taking turns at the same prompts."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from contextlib import ExitStack
from statistics import median
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import GenerationConfig, PreTrainedModel

from benchmarks.data import EOS_ID, PAD_ID
from benchmarks.gpu_models import made_ready, plain_policy
from benchmarks.gpu_setting import SEED, Place, Setting
from benchmarks.theirs.sampling import response_lengths
from components.modeling.cuda_graphs import decode_recorded
from components.modeling.decoding import decode_dropping
from components.modeling.device import cast_weights
from components.modeling.exploration import Exploration
from components.modeling.sampling import Decode, Samples, draw_dice, sample
from components.modeling.static_decoding import decode_static

Prompts = list[list[int]]
#: From prompts to the tokens of each response.
Contestant = Callable[[Prompts], list[int]]
#: What the others are compared with.
BASE = "transformers, dynamic cache"
#: Laps that are not counted: the first compiles, and the second finds new shapes.
WARM_UP = 2
#: Of the GPU's memory, for transformers' continuous batching: the others need some too.
CACHE_SHARE = 0.3


def measure_decoding(setting: Setting, place: Place, repeats: int) -> list[dict[str, Any]]:
    """A row a contestant: tokens a second, or why it did not take part."""
    laps: dict[str, list[dict[str, float]]] = {}
    refused: dict[str, str] = {}
    with ExitStack() as ends:
        field = contestants(setting, place, ends)
        for number in range(WARM_UP + repeats):
            prompts = setting.prompts(number)
            for name, contestant in field.items():
                if name in refused:
                    continue
                try:
                    laps.setdefault(name, []).append(_lap(contestant, prompts, place))
                except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
                    refused[name] = _first_line(error)
        return [_row(name, laps.get(name, [])[WARM_UP:], refused.get(name)) for name in field]


def _first_line(error: Exception) -> str:
    return next(iter(f"{type(error).__name__}: {error}".splitlines()))


def contestants(setting: Setting, place: Place, ends: ExitStack) -> dict[str, Contestant]:
    """Who takes part, by name. Args: ends: is given what must be done when all is measured."""
    plain = plain_policy(setting, place)
    cast_weights(plain, place.dtype)
    ours = made_ready(copy.deepcopy(plain))
    field = {
        "ours, dropping": _ours(ours, setting, decode_dropping),
        "ours, few shapes": _ours(ours, setting, decode_static),
        BASE: _generate(plain, setting, None),
        "transformers, static cache": _generate(plain, setting, "static"),
    }
    if place.is_gpu:
        # Recordings, and an attention that reads pages, need one.
        field["ours, recorded"] = _ours(ours, setting, decode_recorded)
        batching: Any = copy.deepcopy(plain)
        field["transformers, continuous batching"] = _continuous(batching, setting)
        # It keeps a thread, and a share of the memory.
        ends.callback(batching.destroy_cached_continuous_batching_manager)
    return field


def tokens_agree(setting: Setting, place: Place) -> bool:
    """Whether recorded steps sample the tokens that the same steps sample when they run as they are."""
    policy = plain_policy(setting, place)
    cast_weights(policy, place.dtype)
    ours = made_ready(policy)
    prompts = setting.prompts(0)
    plain, recorded = (_sample(ours, setting, prompts, decode) for decode in (decode_static, decode_recorded))
    return bool(torch.equal(plain.tokens, recorded.tokens))


def _sample(model: PreTrainedModel, setting: Setting, prompts: Prompts, decode: Decode) -> Samples:
    generator = torch.Generator().manual_seed(SEED)
    dice = draw_dice(len(prompts), setting.shape.response_tokens, generator)
    return sample(model, prompts, dice, explore=Exploration(), eos_id=EOS_ID, pad_id=PAD_ID, decode=decode)


def _ours(model: PreTrainedModel, setting: Setting, decode: Decode) -> Contestant:
    def run(prompts: Prompts) -> list[int]:
        lengths: list[int] = _sample(model, setting, prompts, decode).mask.sum(dim=1).tolist()
        return lengths

    return run


def _generate(model: Any, setting: Setting, cache: str | None) -> Contestant:
    def run(prompts: Prompts) -> list[int]:
        ids, mask = _padded(prompts, model.device)
        sequences = model.generate(ids, attention_mask=mask, cache_implementation=cache, **_sampling(setting))
        return response_lengths(sequences[:, ids.shape[1] :])

    return run


def _continuous(model: Any, setting: Setting) -> Contestant:
    def run(prompts: Prompts) -> list[int]:
        from transformers.generation import ContinuousBatchingConfig

        answers = model.generate_batch(
            prompts,
            generation_config=GenerationConfig(
                eos_token_id=EOS_ID, pad_token_id=PAD_ID, **_sampling(setting)
            ),
            continuous_batching_config=ContinuousBatchingConfig(max_memory_percent=CACHE_SHARE),
            # Set up and warmed up once, as a training would.
            persistent_manager=True,
        )
        if len(answers) < len(prompts):
            raise RuntimeError(f"{len(answers)} of {len(prompts)} prompts were answered")
        return [len(answer.generated_tokens) for answer in answers.values()]

    return run


def _sampling(setting: Setting) -> dict[str, Any]:
    limit = setting.shape.response_tokens
    return {"max_new_tokens": limit, "do_sample": True, "temperature": 1.0, "top_k": 0, "top_p": 1.0}


def _padded(prompts: Prompts, device: torch.device) -> tuple[Tensor, Tensor]:
    """Ids and mask, padded on the left."""
    rows = [torch.tensor(prompt) for prompt in prompts]
    ids = pad_sequence(rows, batch_first=True, padding_value=PAD_ID, padding_side="left")
    mask = pad_sequence([torch.ones_like(row) for row in rows], batch_first=True, padding_side="left")
    return ids.to(device), mask.to(device)


def _lap(contestant: Contestant, prompts: Prompts, place: Place) -> dict[str, float]:
    place.finish()
    started = time.perf_counter()
    with torch.no_grad():
        lengths = contestant(prompts)
    place.finish()
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "tokens": sum(lengths), "tokens_per_second": sum(lengths) / seconds}


def _row(name: str, laps: list[dict[str, float]], refused: str | None) -> dict[str, Any]:
    rates = [] if refused else [lap["tokens_per_second"] for lap in laps]
    return {
        "name": name,
        "refused": refused,
        "tokens_per_second": median(rates) if rates else None,
        "slowest": min(rates, default=None),
        "fastest": max(rates, default=None),
        "laps": laps,
    }
