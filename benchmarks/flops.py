"""How much arithmetic a job needs, whoever does it: the matrix products over real tokens, and nothing else.

A forward pass over n tokens with logits at m of them takes

    2 n layers (4 width^2 + matrices width inner)      weights of attention and feed-forward layer (with
                                                       fewer heads of keys and values: 2 width (width + theirs))
    + 2 n (n + 1) layers width                         causal attention: queries with keys, then with values
    + 2 m width vocab                                  logits

floating-point operations; a multiplication with its addition counts as two. A backward pass takes twice as much.
Padding, logits that nobody reads, norms, softmax, embeddings and optimizer steps count nothing, so that the share of
the machine's peak says how much of the time was needed work. What the last layer's feed-forward network would say
of positions that nobody reads is counted all the same; our side leaves it out (components/modeling/last_layer.py).
"""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks.shapes import Shape

#: (tokens of the prompt, tokens of the response) of each sequence.
Lengths = Iterable[tuple[int, int]]
#: A forward and a backward pass, in forward passes.
TRAINING = 3


def forward(shape: Shape, tokens: int, logits: int) -> int:
    """FLOPs of one sequence of `tokens`, with logits at `logits` of them."""
    weights = 2 * shape.width * (shape.width + shape.kv_width) + shape.matrices * shape.width * shape.inner
    body = 2 * tokens * shape.layers * weights
    attention = 2 * tokens * (tokens + 1) * shape.layers * shape.width
    return body + attention + 2 * logits * shape.width * shape.vocab


def policy(shape: Shape, lengths: Lengths) -> int:
    """FLOPs of the logprobs of all responses."""
    return sum(forward(shape, prompt + response, response) for prompt, response in lengths)


def scalar(shape: Shape, lengths: Lengths) -> int:
    """FLOPs of a model with a scalar head: a critic or a reward model."""
    return sum(forward(shape, prompt + response, 0) for prompt, response in lengths)


def sampling(shape: Shape, lengths: Lengths) -> int:
    """FLOPs of sampling with a cache; the last token of a response is never read."""
    return sum(forward(shape, prompt + response - 1, response) for prompt, response in lengths)


def ppo(shape: Shape, lengths: Lengths, epochs: int, shared_trunk: bool = False) -> int:
    """FLOPs of one iteration.

    Sampling gives the policy's logprobs; reference and reward model read each sequence once, and so does the critic,
    unless its values come from the policy's trunk.
    """
    lengths = list(lengths)
    critic = 0 if shared_trunk else scalar(shape, lengths)
    judged = policy(shape, lengths) + scalar(shape, lengths) + critic
    return sampling(shape, lengths) + judged + epochs * TRAINING * (policy(shape, lengths) + critic)


def of_job(job: str, shape: Shape, lengths: Lengths, epochs: int, shared_trunk: bool) -> int:
    """FLOPs of one lap of a job over these sequences; epochs: of PPO."""
    match job:
        case "ppo":
            return ppo(shape, lengths, epochs, shared_trunk)
        case "reward_model":
            return TRAINING * scalar(shape, lengths)
        case "sft":
            return TRAINING * policy(shape, lengths)
        case "dpo":
            return (TRAINING + 1) * policy(shape, lengths)
        case "sampling":
            return sampling(shape, lengths)
    raise ValueError(f"no such job: {job}")
