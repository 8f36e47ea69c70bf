"""Which rows go into one optimizer step."""

from __future__ import annotations

from collections.abc import Sequence

import torch

#: Batches whose rows are sorted together by length; more means less padding in attention, fewer more shuffling.
WINDOW = 16


def length_grouped_batches(
    lengths: Sequence[int], batch_size: int, generator: torch.Generator
) -> list[list[int]]:
    """One epoch: every index once, in random batches of rows of like length, so that attention pads little.

    Rows are shuffled, sorted by length inside windows of `WINDOW` batches, cut, and the batches shuffled again.
    """
    order = torch.randperm(len(lengths), generator=generator).tolist()
    span = batch_size * WINDOW
    batches: list[list[int]] = []
    for start in range(0, len(order), span):
        window = sorted(order[start : start + span], key=lambda index: lengths[index])
        batches.extend(window[i : i + batch_size] for i in range(0, len(window), batch_size))
    return [batches[i] for i in torch.randperm(len(batches), generator=generator).tolist()]


def group_batches(
    lengths: Sequence[float], sizes: Sequence[int], batch_size: int, generator: torch.Generator
) -> list[list[int]]:
    """As `length_grouped_batches`, where an index stands for a group of rows that must not be parted.

    A group of more than `batch_size` rows is a batch of its own. The others have about `batch_size`, half a group more
    or less at either end.

    Args:
        lengths: of the rows of each group, on average; sizes: how many they are.
    """
    order = torch.randperm(len(sizes), generator=generator).tolist()
    batches = [[index] for index in order if sizes[index] > batch_size]
    others = [index for index in order if sizes[index] <= batch_size]
    rows = sum(sizes[index] for index in others)
    for window in _even_parts(others, sizes, round(rows / (batch_size * WINDOW))):
        ranked = sorted(window, key=lambda index: lengths[index])
        batches.extend(_even_parts(ranked, sizes, -(-sum(sizes[index] for index in window) // batch_size)))
    return [batches[i] for i in torch.randperm(len(batches), generator=generator).tolist()]


def _even_parts(order: Sequence[int], sizes: Sequence[int], count: int) -> list[list[int]]:
    """At most `count` consecutive parts of like total size: a group belongs where its middle falls."""
    span = sum(sizes[index] for index in order) / max(1, count)
    parts: dict[int, list[int]] = {}
    before = 0
    for index in order:
        parts.setdefault(int((before + sizes[index] / 2) // span), []).append(index)
        before += sizes[index]
    return list(parts.values())
