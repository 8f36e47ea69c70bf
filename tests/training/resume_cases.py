"""Each training loop on a tiny model, in a process of its own that can be told to die at a given place."""

import dataclasses
import json
import multiprocessing
import random
import sys
from pathlib import Path
from typing import TextIO

import numpy as np
import torch
from modeling.tiny_models import TEXTS, saved_policy
from safetensors.torch import save_file
from training.deaths import Death, die_at
from transformers import PreTrainedModel

from components.config import load_params
from components.errors import RlhfError
from components.modeling.adapters import Adapters
from components.modeling.device import cast_weights, seed_everything
from components.modeling.exploration import Exploration
from components.modeling.loading import load_policy, new_reward_model
from components.records import Preference
from components.training.checkpoints import Checkpoints
from components.training.dpo import train_dpo
from components.training.encoding import encode_pairs
from components.training.learner import Compute, Learner
from components.training.policy import make_critic, make_learners, train_policy
from components.training.reward_model import encode_preferences, train_reward_model
from components.training.rollouts import RolloutSampler
from components.training.run import Run
from components.training.sft import train_sft

SEED = 11
PROMPTS = ["the battery", "a camera", "price"]
FEW_STEPS = {
    "batch_size": 2,
    "learning_rate": 1e-2,
    "warmup_share": 0.3,
    "weight_decay": 0.01,
}
PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")
SMALL_PPO = {
    "rollouts": 4,
    "epochs": 2,
    "minibatches": 2,
    "learning_rate": 5e-3,
    "critic_learning_rate": 1e-2,
    "kl_coef": 0.1,
    "kl_target": 0.5,
    "kl_horizon": 20.0,
    "whiten_rewards": True,
    "top_p": 0.95,
    "epsilon": 0.05,
    "missing_eos_score": -1.0,
    "target_kl": 5.0,
}


@dataclasses.dataclass(frozen=True)
class Case:
    """What is trained and how.

    Attributes:
        kind: "sft", "reward", "dpo", or the critic of PPO: "separate" or "shared"; "rloo".
        passes: over the data; each is two steps.
        rank: of adapters; 0: none, the whole model learns.
        not_finite: the steps, from 0, whose gradients are NaN.
    """

    kind: str
    dtype: str = "float32"
    family: str = "gpt2"
    passes: int = 2
    not_finite: tuple[int, ...] = ()
    rank: int = 0


class RandomLog:
    """Keeps the rows, and draws from the generators that libraries draw from."""

    def __init__(self):
        self.rows = []

    def __call__(self, metrics, step):
        drawn = [random.random(), float(np.random.standard_normal()), torch.rand(()).item()]
        self.rows.append({"step": step, **metrics, "drawn": drawn})

    def state(self):
        return {"rows": self.rows}

    def restore(self, state):
        self.rows = state["rows"]


def start(case: Case, base: Path, home: Path, death: Death | None = None):
    """A new process that runs `case` on the model in `base`, with its checkpoints and results in `home`."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "components.training.policy"])
    process = context.Process(target=_main, args=(case, base, home, death))
    process.start()
    return process


def run(case: Case, base: Path, home: Path, death: Death | None = None) -> int:
    """Run it to its end; returns the exit code, -9 after SIGKILL."""
    process = start(case, base, home, death)
    process.join(120)
    return process.exitcode


def save_base(folder: Path, family: str = "gpt2") -> Path:
    torch.manual_seed(5)
    return saved_policy(folder, family)


def _main(case: Case, base: Path, home: Path, death: Death | None) -> None:
    torch.set_num_threads(1)
    home.mkdir(exist_ok=True)
    said = (home / "said.txt").open("a", buffering=1)
    if death is not None:
        die_at(death)
    _spoil(case.not_finite)
    try:
        _run(case, base, home, said)
    except RlhfError as error:
        print(error.message, file=said)
        sys.exit(1)


def _run(case: Case, base: Path, home: Path, said: TextIO) -> None:
    log = RandomLog()
    adapters = Adapters(case.rank, 2.0 * case.rank) if case.rank else None
    run_ = Run(
        SEED,
        log,
        Compute(getattr(torch, case.dtype), microbatch_tokens=40, adapters=adapters),
        Checkpoints(home / "checkpoints", seconds=0, say=lambda text: print(text, file=said)),
    )
    models = train(case, base, run_)
    weights = {f"{i}/{n}": w for i, m in enumerate(models) for n, w in m.state_dict().items()}
    save_file({name: weight.clone() for name, weight in weights.items()}, home / "final.safetensors")
    (home / "rows.json").write_text(json.dumps(log.rows))


def train(case: Case, base: Path, run_: Run) -> list[torch.nn.Module]:
    """Train as `case` says; returns the models that learned."""
    seed_everything(SEED)
    if case.kind in ("separate", "shared", "rloo"):
        return _train_policy(case, base, run_)
    supervised = FEW_STEPS | {"epochs": case.passes}
    if case.kind == "reward":
        model, tok, fmt = new_reward_model(base)
        pairs = encode_preferences(tok, fmt, _preferences())
        train_reward_model(model, pairs, PARAMS.reward_model.model_copy(update=supervised), run_)
        return [model]
    model, tok, fmt = load_policy(base)
    if case.kind == "sft":
        rows = encode_pairs(tok, fmt, ["a", "the", "it", "price"], TEXTS)
        train_sft(model, rows, PARAMS.sft.model_copy(update=supervised), run_)
    else:
        pairs = encode_preferences(tok, fmt, _preferences())
        train_dpo(model, pairs, PARAMS.dpo.model_copy(update=supervised), run_)
    return [model]


def _train_policy(case: Case, base: Path, run_: Run) -> list[torch.nn.Module]:
    critic = "shared" if case.kind == "shared" else "separate"
    change = SMALL_PPO | {"iterations": 2 * case.passes, "critic": critic}
    if case.kind == "rloo":
        change |= {"algorithm": "rloo", "samples_per_prompt": 2}
    params = PARAMS.ppo.model_copy(update=change)
    policy, tok, fmt = load_policy(base)
    critic = new_reward_model(base)[0] if params.has_own_critic else None
    learners = make_learners(policy, critic, params, run_.compute)
    sampler = RolloutSampler(
        policy=policy,
        reference=policy if case.rank else load_reference(base, run_.compute.dtype),
        critic=make_critic(policy, critic, params),
        tokenizer=tok,
        text_format=fmt,
        score_texts=lambda prompts, responses: [float(text.count("a")) for text in responses],
        explore=Exploration(params.temperature, params.top_k, params.top_p, params.epsilon),
        missing_eos_score=params.missing_eos_score,
        workers=run_.compute.workers,
    )
    train_policy(sampler, learners, PROMPTS, params, run_)
    return [policy] if critic is None else [policy, critic]


def load_reference(base: Path, dtype: torch.dtype) -> PreTrainedModel:
    reference, _, _ = load_policy(base)
    cast_weights(reference.requires_grad_(False), dtype)
    return reference


def _preferences() -> list[Preference]:
    return [Preference(prompt, TEXTS[i + 1], TEXTS[i]) for i, prompt in enumerate(PROMPTS)] + [
        Preference("it", TEXTS[0], TEXTS[2])
    ]


def _spoil(steps: tuple[int, ...]) -> None:
    """Make the gradients of these steps of the run NaN, from 0; a resumed process counts on."""
    update = Learner.update

    def spoiled(self, lengths, loss):
        if self.schedule.last_epoch not in steps:
            return update(self, lengths, loss)
        return update(self, lengths, lambda part: {n: f * float("nan") for n, f in loss(part).items()})

    Learner.update = spoiled
