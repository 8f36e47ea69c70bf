"""Which rows go into one optimizer step."""

from __future__ import annotations

from collections.abc import Sequence

import torch

#: Batches whose rows are sorted together by length; more means less padding, fewer means more shuffling.
WINDOW = 16


def length_grouped_batches(
    lengths: Sequence[int], batch_size: int, generator: torch.Generator
) -> list[list[int]]:
    """One epoch: every index once, in random batches of rows of like length, so that little is padding.

    Rows are shuffled, sorted by length inside windows of `WINDOW` batches, cut, and the batches shuffled again.
    """
    order = torch.randperm(len(lengths), generator=generator).tolist()
    span = batch_size * WINDOW
    batches: list[list[int]] = []
    for start in range(0, len(order), span):
        window = sorted(order[start : start + span], key=lambda index: lengths[index])
        batches.extend(window[i : i + batch_size] for i in range(0, len(window), batch_size))
    return [batches[i] for i in torch.randperm(len(batches), generator=generator).tolist()]
