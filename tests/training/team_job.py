"""What test_workers.py runs in one process and in two: each loop on tiny models, its result written by the first.

python team_job.py FOLDER whole|sharded
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import torch
from modeling.tiny_models import FORMAT, policy, tokenizer
from safetensors.torch import save_file
from torch.distributed.fsdp import FSDPModule
from transformers import BertConfig, BertForSequenceClassification, GPT2ForSequenceClassification

from components.config import DpoParams, PpoParams, RewardParams, SupervisedParams
from components.modeling.adapters import Adapters
from components.modeling.attention import use_packed_attention
from components.modeling.device import cast_weights
from components.modeling.exploration import Exploration
from components.records import Preference, Rating
from components.training.dpo import train_dpo
from components.training.encoding import Encoded, encode_pairs
from components.training.forward import response_logprobs
from components.training.learner import Compute, Learner, Schedule
from components.training.policy import make_critic, make_learners, train_policy
from components.training.rated_answers import encode_ratings
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
#: Two scales, each on one row of a minibatch: one process has ratings that the other has not.
RATINGS = [
    Rating("the battery", "it lasts long", 0.75, levels=5),
    Rating("the price", "dim", 0.0, levels=3),
    Rating("a camera", "sharp", 1.0, kind="thumbs"),
]
#: What is trained, and how where it is not as by default. Of "parts" each row is one, so that the processes, of three
#: rows, need unlike numbers of passes.
JOBS = {
    "sft": {},
    "reward_model": {},
    "dpo": {},
    "ppo": {},
    "shared": {},
    "rated": {},
    "encoder": {},
    "parts": {"microbatch_tokens": 1, "recompute": True},
    "dpo_adapters": {"adapters": Adapters(4, 8.0), "recompute": True},
    "shared_adapters": {"adapters": Adapters(4, 8.0)},
    "bfloat16": {"dtype": torch.bfloat16},
}
COMMON = {"epochs": 2, "batch_size": 3, "learning_rate": 3e-3, "warmup_share": 0.0, "weight_decay": 0.0}


class Log(list):
    def __call__(self, metrics, step):
        self.append(dict(metrics))

    def state(self):
        return {"rows": list(self)}

    def restore(self, state):
        self[:] = state["rows"]


def main(folder: Path, sharded: bool) -> None:
    workers = join_workers()
    compute = Compute(workers=workers, sharded=sharded)
    if workers.size == 2:
        gather_uneven()
    if sharded:
        weigh(folder, compute)
    for job, change in JOBS.items():
        work(job, folder / job, replace(compute, **change))


def work(job: str, folder: Path, compute: Compute) -> None:
    torch.manual_seed(0)
    run = Run(3, Log(), compute)
    kind = job.partition("_adapters")[0]
    model = train_a_policy(kind, run) if kind in ("ppo", "shared", "bfloat16") else train_on_rows(kind, run)
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


def weigh(folder: Path, compute: Compute) -> None:
    """Put down what this process holds after a step, in bytes."""
    model = causal()
    whole = held(model.parameters())
    learner = Learner(model, Schedule(1e-2, 10), compute)
    row = Encoded([5, 6, 7], [8, 9, 0])
    learner.update([6, 6], lambda part: {"loss": -response_logprobs(learner.model, [row])[0].sum() / 6})
    moments = [moment for found in learner.optimizer.state.values() for moment in found.values()]
    found = {"whole": whole, "weights": held(learner.model.parameters()), "moments": held(moments)}
    found["layers"] = sum(isinstance(module, FSDPModule) for module in learner.model.modules())
    (folder / f"held-{compute.workers.rank}.json").write_text(json.dumps(found))


def held(tensors) -> int:
    """Bytes of the memory behind tensors, of which a process may have a part."""
    parts = [tensor.to_local() if hasattr(tensor, "to_local") else tensor for tensor in tensors]
    return sum(
        {part.untyped_storage().data_ptr(): part.untyped_storage().nbytes() for part in parts}.values()
    )


def train_on_rows(kind: str, run: Run):
    pairs = encode_preferences(TOK, FORMAT, PAIRS)
    if kind in ("reward_model", "rated", "encoder"):
        model = encoder() if kind == "encoder" else scorer()
        params = RewardParams(**reward_fields(), **COMMON)
        if kind == "rated":
            params = params.model_copy(update={"rating_weight": 1.0, "thumbs_weight": 1.0})
            pairs += encode_ratings(TOK, FORMAT, RATINGS, params)
        train_reward_model(model, pairs, params, run)
        return model
    model = causal()
    if kind == "dpo":
        train_dpo(model, pairs, DpoParams(beta=0.3, **COMMON), run)
    else:
        rows = encode_pairs(TOK, FORMAT, [pair.prompt for pair in PAIRS], [pair.chosen for pair in PAIRS])
        train_sft(model, rows, SupervisedParams(**COMMON), run)
    return model


def train_a_policy(kind: str, run: Run):
    params = policy_params(kind)
    model, reference = stopping(causal()), stopping(causal())
    reference.load_state_dict(model.state_dict())
    cast_weights(reference, run.compute.dtype)
    critic = scorer() if params.has_own_critic else None
    learners = make_learners(model, critic, params, run.compute)
    sampler = RolloutSampler(
        model,
        model if run.compute.adapters else reference,
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


def encoder():
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
    config = BertConfig(
        vocab_size=len(TOK), pad_token_id=TOK.pad_token_id, num_labels=1, initializer_range=0.2, **shape
    )
    return BertForSequenceClassification(config).eval()


def reward_fields() -> dict:
    """Every field of the section that is not an optimizer's, from params.yaml as it ships."""
    shipped = load()["reward_model"]
    return {name: value for name, value in shipped.items() if name not in COMMON}


def policy_params(kind: str) -> PpoParams:
    change = {"iterations": 2, "rollouts": 20, "epochs": 2, "minibatches": 2, "learning_rate": 5e-4}
    if kind == "bfloat16":
        # One large step a round: the next round's ratio is 1 only if its sampler knows of it.
        change |= {"iterations": 3, "epochs": 1, "minibatches": 1, "learning_rate": 1e-2}
    critic = "separate" if kind == "ppo" else "shared"
    return PpoParams(**(load()["ppo"] | change | {"critic": critic, "target_kl": 9.0}))


def load() -> dict:
    import yaml

    return yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sharded=sys.argv[2] == "sharded")
