"""What test_workers.py runs in one process and in two: each loop on tiny models, its result written by the first.

python team_job.py FOLDER
"""

import json
import sys
from pathlib import Path

import torch
from modeling.tiny_models import FORMAT, policy, tokenizer
from safetensors.torch import save_file
from transformers import GPT2ForSequenceClassification

from components.config import DpoParams, PpoParams, RewardParams, SupervisedParams
from components.modeling.attention import use_packed_attention
from components.modeling.exploration import Exploration
from components.records import Preference
from components.training.dpo import train_dpo
from components.training.encoding import encode_pairs
from components.training.learner import Compute
from components.training.policy import make_critic, make_learners, train_policy
from components.training.reward_model import encode_preferences, train_reward_model
from components.training.rollouts import RolloutSampler
from components.training.run import Run
from components.training.sft import train_sft
from components.training.workers import join_workers

TOK = tokenizer()
#: Five, so that a minibatch of two processes is never shared evenly.
PAIRS = [
    Preference("the battery", "it lasts long", "it is a battery"),
    Preference("the screen", "sharp", "a screen is a screen a"),
    Preference("the price", "fair", "dim"),
    Preference("a camera", "it was sharp but dim", "a"),
    Preference("was it fair", "it was a fair price", "long long long"),
]
JOBS = ("sft", "reward_model", "dpo", "ppo", "shared")
COMMON = {"epochs": 2, "batch_size": 3, "learning_rate": 3e-3, "warmup_share": 0.0, "weight_decay": 0.0}


class Log(list):
    def __call__(self, metrics, step):
        self.append(dict(metrics))

    def state(self):
        return {"rows": list(self)}

    def restore(self, state):
        self[:] = state["rows"]


def main(folder: Path) -> None:
    if join_workers().size == 2:
        gather_uneven()
    for job in JOBS:
        work(job, folder / job)


def work(job: str, folder: Path) -> None:
    torch.manual_seed(0)
    run = Run(3, Log(), Compute(workers=join_workers()))
    model = train_a_policy(job, run) if job in ("ppo", "shared") else train_on_rows(job, run)
    if run.leads:
        folder.mkdir(parents=True)
        save_file(
            {name: value.clone() for name, value in model.state_dict().items()}, folder / "m.safetensors"
        )
        (folder / "log.json").write_text(json.dumps(run.log))


def gather_uneven() -> None:
    """Masks of unlike width from two processes, as rollouts have them."""
    workers = join_workers()
    mine = torch.ones(2, 3 + workers.rank, dtype=torch.bool)
    everyone = workers.gather(mine)
    assert everyone.dtype == torch.bool
    assert everyone.tolist() == [[True] * 3 + [False], [True] * 4] * 2


def train_on_rows(job: str, run: Run):
    pairs = encode_preferences(TOK, FORMAT, PAIRS)
    if job == "reward_model":
        model = scorer()
        train_reward_model(model, pairs, RewardParams(**reward_fields(), **COMMON), run)
        return model
    model = causal()
    if job == "dpo":
        train_dpo(model, pairs, DpoParams(beta=0.3, **COMMON), run)
    else:
        rows = encode_pairs(TOK, FORMAT, [pair.prompt for pair in PAIRS], [pair.chosen for pair in PAIRS])
        train_sft(model, rows, SupervisedParams(**COMMON), run)
    return model


def train_a_policy(job: str, run: Run):
    params = policy_params("shared" if job == "shared" else "separate")
    model, reference = stopping(causal()), stopping(causal())
    reference.load_state_dict(model.state_dict())
    critic = None if job == "shared" else scorer()
    learners = make_learners(model, critic, params, run.compute)
    sampler = RolloutSampler(
        model,
        reference,
        make_critic(model, critic, params),
        TOK,
        FORMAT,
        lambda prompts, texts: [float(text.count("a")) for text in texts],
        Exploration(),
        -1.0,
        run.compute.workers,
    )
    train_policy(sampler, learners, [pair.prompt for pair in PAIRS], params, run)
    return model


def causal():
    model = policy("gpt2", TOK)
    use_packed_attention(model)
    return model


def stopping(model):
    """EOS at nearly every third token: the longest response of one process is not that of the other."""
    eos = TOK.eos_token_id

    def lift(layer, inputs, logits):
        lifted = logits[..., eos : eos + 1] + 5.0
        return torch.cat([logits[..., :eos], lifted, logits[..., eos + 1 :]], dim=-1)

    model.get_output_embeddings().register_forward_hook(lift)
    return model


def scorer():
    config = causal().config
    config.num_labels = 1
    model = GPT2ForSequenceClassification(config).eval()
    use_packed_attention(model)
    return model


def reward_fields() -> dict:
    """Every field of the section that is not an optimizer's, from params.yaml as it ships."""
    shipped = load()["reward_model"]
    return {name: value for name, value in shipped.items() if name not in COMMON}


def policy_params(critic: str) -> PpoParams:
    small = {"iterations": 2, "rollouts": 20, "epochs": 2, "minibatches": 2, "critic": critic}
    return PpoParams(**(load()["ppo"] | small | {"learning_rate": 5e-4, "target_kl": 9.0}))


def load() -> dict:
    import yaml

    return yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
