"""How likely EOS must be so that responses end by themselves at realistic lengths."""

from __future__ import annotations


def mean_length(probability: float, limit: int) -> float:
    """Expected tokens of a response whose every token is EOS with this probability, cut at `limit`."""
    return (1.0 - (1.0 - probability) ** limit) / probability


def stop_probability(limit: int, share: float) -> float:
    """The probability of EOS with which responses have `share` of `limit` tokens on average."""
    low, high = 1e-9, 1.0
    for _ in range(100):
        middle = (low + high) / 2.0
        low, high = (middle, high) if mean_length(middle, limit) > share * limit else (low, middle)
    return high
