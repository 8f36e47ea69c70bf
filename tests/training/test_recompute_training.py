"""Training with activations computed again: the same weights, from layers that ran twice."""

import pytest
import torch
from modeling.tiny_models import policy, tokenizer
from training.histories import History
from training.preference_rows import COMMON, rows

from components.config import SupervisedParams
from components.modeling.adapters import Adapters
from components.training.learner import Compute
from components.training.run import Run
from components.training.sft import train_sft

TOK = tokenizer()


def train(family, compute):
    """The trained weights, the history, and how often the first layer's attention ran."""
    torch.manual_seed(0)
    model, history, ran = policy(family, TOK), History(), []
    layer = next(module for module in model.modules() if type(module).__name__.endswith("Attention"))
    layer.register_forward_pre_hook(lambda module, inputs: ran.append(1))
    train_sft(
        model, rows(), SupervisedParams(epochs=5, learning_rate=1e-2, **COMMON), Run(0, history, compute)
    )
    return model.state_dict(), history, len(ran)


@pytest.mark.parametrize("adapters", [None, Adapters(4, 8.0)], ids=["whole", "adapters"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
@pytest.mark.parametrize("family", ["gpt2", "llama", "qwen2"])
def test_the_same_run_bit_for_bit(family, dtype, adapters):
    weights, history, ran = train(family, Compute(dtype, adapters=adapters))
    again, history_again, ran_again = train(family, Compute(dtype, adapters=adapters, recompute=True))
    assert list(history) == list(history_again)
    assert all(weight.equal(again[name]) for name, weight in weights.items())
    assert (ran, ran_again) == (5, 10)
