"""How many tokens a model can read at once, held against what params.yaml asks of it."""

from __future__ import annotations

import math

from transformers import PreTrainedModel

from components.errors import ConfigError


def positions_of(model: PreTrainedModel) -> float:
    """Tokens it has positions for; infinity where its configuration names no limit."""
    return getattr(model.config, "max_position_embeddings", math.inf)


def refuse_too_long(wanted: int, positions: float, told: str, remedy: str) -> None:
    """Raise ConfigError where a model is to read more tokens than it has positions for.

    Args:
        told: what asks for `wanted` tokens, and of whom.
    """
    if wanted > positions:
        raise ConfigError(f"params.yaml: {told} has {positions} positions", remedy)
