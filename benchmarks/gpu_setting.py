"""What is measured on a GPU: shapes of real models with random weights, and rounds of realistic size."""

from __future__ import annotations

import random
from dataclasses import dataclass

import torch

from benchmarks.data import FIRST_WORD
from benchmarks.shapes import Shape

#: Updates of a PPO iteration: epochs, and minibatches of each.
EPOCHS, MINIBATCHES = 4, 4
SEED = 7


@dataclass(frozen=True)
class Setting:
    """A model and a round of it.

    Attributes:
        prompt_tokens: fewest and most; rollouts: prompts, and a response to each.
        microbatch_tokens: of one forward and backward pass.
        matmul_sizes: of the square products that the peak is taken from.
    """

    shape: Shape
    prompt_tokens: tuple[int, int]
    rollouts: int
    microbatch_tokens: int
    matmul_sizes: tuple[int, ...] = (4096, 8192)

    def prompts(self, round_: int) -> list[list[int]]:
        """The prompts of a round; the same number gives the same."""
        dice = random.Random(SEED + round_)
        return [
            [dice.randrange(FIRST_WORD, self.shape.vocab) for _ in range(dice.randint(*self.prompt_tokens))]
            for _ in range(self.rollouts)
        ]


_GPT2 = Shape(
    "gpt2-124m",
    "gpt2",
    layers=12,
    width=768,
    heads=12,
    inner=3072,
    vocab=50257,
    response_tokens=256,
    positions=1024,
)
#: TinyLlama 1.1B: four heads of keys and values.
_LLAMA = Shape(
    "llama-1b",
    "llama",
    22,
    2048,
    heads=32,
    inner=5632,
    vocab=32000,
    response_tokens=256,
    positions=2048,
    kv_heads=4,
)
_TOY = Shape(
    "toy", "llama", 2, 32, heads=4, inner=64, vocab=128, response_tokens=12, positions=128, kv_heads=2
)
SETTINGS = {
    setting.shape.name: setting
    for setting in (
        Setting(_GPT2, (64, 128), rollouts=128, microbatch_tokens=16_384),
        Setting(_LLAMA, (64, 128), rollouts=64, microbatch_tokens=4_096),
        Setting(_TOY, (4, 8), rollouts=8, microbatch_tokens=256, matmul_sizes=(128,)),
    )
}
#: Runs anywhere in seconds, to try the harness.
TOY = "toy"


@dataclass(frozen=True)
class Place:
    """Where it is measured; models compute in `dtype`."""

    device: torch.device

    @property
    def is_gpu(self) -> bool:
        return self.device.type == "cuda"

    @property
    def dtype(self) -> torch.dtype:
        return torch.bfloat16 if self.is_gpu else torch.float32

    @property
    def name(self) -> str:
        return torch.cuda.get_device_name(self.device) if self.is_gpu else "CPU"

    def finish(self) -> None:
        """Wait for the work that was launched: clocks are read after it."""
        if self.is_gpu:
            torch.cuda.synchronize(self.device)
