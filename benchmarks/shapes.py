"""The models that both sides train: random weights of a known shape."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """A decoder and the room it gives to a response.

    Attributes:
        family: "gpt2" (two feed-forward matrices a layer, tied head) or "llama" (three, untied).
        width: of the hidden states; inner: of the feed-forward layer.
        response_tokens: the most that are sampled in PPO.
        kv_heads: of keys and values, where query heads share them.
    """

    name: str
    family: str
    layers: int
    width: int
    heads: int
    inner: int
    vocab: int
    response_tokens: int
    positions: int = 256
    kv_heads: int | None = None

    @property
    def kv_width(self) -> int:
        """Of the keys of one token, and of its values."""
        return self.width // self.heads * (self.kv_heads or self.heads)

    @property
    def matrices(self) -> int:
        """How many feed-forward matrices a layer has."""
        return 3 if self.family == "llama" else 2


SHAPES = {
    shape.name: shape
    for shape in (
        Shape("tiny", "gpt2", layers=4, width=128, heads=4, inner=512, vocab=2048, response_tokens=48),
        Shape("small", "llama", layers=6, width=384, heads=6, inner=1536, vocab=8192, response_tokens=64),
    )
}
