"""Our sampling."""

from __future__ import annotations

import torch

from benchmarks.data import EOS_ID, PAD_ID
from benchmarks.ours.precision import DTYPES
from benchmarks.worker import Laps, Spec
from components.modeling.exploration import Exploration
from components.modeling.loading import load_policy
from components.modeling.sampling import draw_dice, sample


def run_sampling(spec: Spec, laps: Laps) -> None:
    """A lap is one call of sample() on fresh prompts, dice included."""
    model, _, _ = load_policy(spec.policy)
    model.to(DTYPES[spec.precision])
    prompts = spec.data()["prompts"]
    generator = torch.Generator().manual_seed(spec.seed)
    while True:
        count = laps.wait()
        part, prompts = prompts[:count], prompts[count:]
        laps.restart()
        dice = draw_dice(count, spec.response_tokens, generator)
        samples = sample(model, part, dice, explore=Exploration(), eos_id=EOS_ID, pad_id=PAD_ID)
        laps.stop()
        lengths = [*zip(map(len, part), samples.mask.sum(1).tolist(), strict=True)]
        laps.report(rows=count, updates=0, lengths=lengths)
