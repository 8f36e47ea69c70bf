"""The bugs that tests/mutants.py plants: classic ones of this field."""

from __future__ import annotations

from dataclasses import dataclass

OBJECTIVES = "tests/objectives"


@dataclass(frozen=True)
class Mutant:
    """A bug: in `file`, `right` becomes `wrong`; `tests` is where it should be noticed."""

    name: str
    file: str
    right: str
    wrong: str
    tests: str


MUTANTS = (
    Mutant(
        "sign of the policy loss",
        "objectives/policy_losses.py",
        "_watched(-gain",
        "_watched(gain",
        OBJECTIVES,
    ),
    Mutant(
        "min for max", "objectives/policy_losses.py", "torch.minimum(free", "torch.maximum(free", OBJECTIVES
    ),
    Mutant(
        "mask dropped",
        "objectives/masking.py",
        "torch.where(mask, values, 0.0).sum()",
        "values.sum()",
        OBJECTIVES,
    ),
    Mutant(
        "labels off by one",
        "training/forward.py",
        "packed.ids[0, predictors + 1]",
        "packed.ids[0, predictors]",
        "tests/training/test_forward.py",
    ),
    Mutant("whitening inverted", "objectives/masking.py", "torch.rsqrt", "torch.sqrt", OBJECTIVES),
    Mutant(
        "bootstrap dropped in GAE",
        "objectives/advantages.py",
        "next_value, next_advantage = bootstrap,",
        "next_value, next_advantage = torch.zeros_like(bootstrap),",
        OBJECTIVES,
    ),
    Mutant(
        "bootstrap after an EOS",
        "training/rollouts.py",
        "torch.where(samples.ended, 0.0, after)",
        "after",
        "tests/training/test_rollouts.py",
    ),
    Mutant(
        "mean of means",
        "training/sft.py",
        "-logprobs.sum() / count",
        "-logprobs.mean() / count * len(batch)",
        "tests/training/test_sft.py",
    ),
    Mutant(
        "temperature forgotten in training",
        "modeling/picked.py",
        "logits.float() if temperature == 1.0 else logits.float() / temperature",
        "logits.float()",
        "tests/modeling/test_picked.py",
    ),
    Mutant(
        "temperature forgotten in sampling",
        "modeling/sampling.py",
        " / explore.temperature",
        "",
        "tests/modeling/test_sampling.py",
    ),
    Mutant("sign of the KL penalty", "objectives/rewards.py", "-kl_coef * kl", "kl_coef * kl", OBJECTIVES),
    Mutant(
        "KL the wrong way round",
        "objectives/kl.py",
        "return logprobs - ref_logprobs",
        "return ref_logprobs - logprobs",
        OBJECTIVES,
    ),
    Mutant(
        "position ids go on over sequences",
        "modeling/packing.py",
        "positions=positions.unsqueeze(0)",
        "positions=torch.arange(len(ids)).unsqueeze(0)",
        "tests/modeling/test_packing.py",
    ),
    Mutant(
        "positions of sampled tokens stand still",
        "modeling/decoding.py",
        "self._positions = self._positions + 1",
        "self._positions = self._positions + 0",
        "tests/modeling/test_sampling.py",
    ),
    Mutant(
        "reward on the wrong token",
        "objectives/rewards.py",
        "mask.sum(dim=1) - 1",
        "mask.sum(dim=1) - 2",
        OBJECTIVES,
    ),
    Mutant(
        "score of the first token",
        "training/forward.py",
        "[packed.last])",
        "[packed.starts])",
        "tests/training/test_forward.py",
    ),
    Mutant(
        "dropout on",
        "modeling/loading.py",
        "    model.eval()\n",
        "    model.train()\n",
        "tests/modeling/test_loading.py",
    ),
    Mutant(
        "pad is EOS",
        "modeling/tokenizer.py",
        "if tokenizer.pad_token_id is None or tokenizer.pad_token_id == tokenizer.eos_token_id:",
        "if tokenizer.pad_token_id is None:",
        "tests/modeling/test_loading.py",
    ),
    Mutant(
        "advantages not detached",
        "objectives/advantages.py",
        "@torch.no_grad()\ndef gae",
        "def gae",
        OBJECTIVES,
    ),
    Mutant(
        "reference model trained",
        "stages/ppo.py",
        "policy if compute.adapters else load_reference(compute).to(device)",
        "policy",
        "tests/stages/test_stage_memory.py",
    ),
    Mutant(
        "EOS not counted",
        "modeling/sampling.py",
        "is_eos.cumsum(dim=1) - is_eos",
        "is_eos.cumsum(dim=1)",
        "tests/modeling/test_sampling.py",
    ),
    Mutant(
        "ratio against the policy, not the behaviour",
        "training/updates.py",
        "this.flat(this.rollouts.behaviour, rows)",
        "this.flat(this.rollouts.logprobs, rows)",
        "tests/training/test_updates.py",
    ),
    Mutant(
        "epsilon forgotten",
        "modeling/exploration.py",
        "mixed_logprobs(logprobs, logprobs.shape[-1], explore.epsilon)",
        "logprobs",
        "tests/modeling/test_exploration.py",
    ),
    Mutant(
        "sequences see each other",
        "modeling/attention.py",
        "if layout is None:",
        "if True:",
        "tests/modeling/test_packing.py",
    ),
    Mutant(
        "preference labels swapped",
        "training/reward_model.py",
        "return [pair.chosen for pair in pairs] + [pair.rejected for pair in pairs]",
        "return [pair.rejected for pair in pairs] + [pair.chosen for pair in pairs]",
        "tests/training/test_dpo_training.py",
    ),
    Mutant(
        "gradients not clipped",
        "training/learner.py",
        "self.weights.weights, self.max_grad_norm",
        "self.weights.weights, 1e9",
        "tests/training/test_learner.py",
    ),
)
