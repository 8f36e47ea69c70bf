import ast
from pathlib import Path

import pytest
import torch
import yaml

from components.config import Params, Section, load_params
from components.errors import ConfigError
from components.stages import training_run
from components.stages.training_run import compute_from
from components.training import microbatches

ROOT = Path(__file__).parents[2]


def changed(tmp_path, change):
    content = yaml.safe_load((ROOT / "params.yaml").read_text())
    change(content)
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


REINFORCE = {"algorithm": "reinforce", "epochs": 1}
RLOO = {"algorithm": "rloo", "samples_per_prompt": 2}
GRPO = {"algorithm": "grpo", "samples_per_prompt": 4}


def with_ppo(tmp_path, **values):
    return changed(tmp_path, lambda params: params["ppo"].update(values))


def sections(model=Params):
    """Each section's path in the file, with its class."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield name, field.annotation


def test_the_shipped_file_is_valid():
    params = load_params(ROOT / "params.yaml")
    assert params.model.base == "tiny"
    assert params.git.commit is False
    assert params.ppo.algorithm == "ppo"
    assert params.ppo.has_own_critic


def test_the_shipped_file_shows_every_parameter():
    content = yaml.safe_load((ROOT / "params.yaml").read_text())
    assert set(content) == set(Params.model_fields)
    for name, section in sections():
        assert set(content[name]) == set(section.model_fields), name


def test_every_parameter_is_read_somewhere():
    """No dead knobs: each field is an attribute that code outside the configuration asks for."""
    read = set()
    for path in (*ROOT.glob("components/**/*.py"), *ROOT.glob("flows/**/*.py")):
        if path.parent != ROOT / "components/config":
            read |= {
                node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)
            }
    assert set(Params.model_fields) <= read
    for name, section in sections():
        assert set(section.model_fields) <= read, name


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda p: p["ppo"].update(kl_coeff=0.1), "ppo.kl_coeff"),
        (lambda p: p["ppo"].pop("gamma"), "ppo.gamma"),
        (lambda p: p["ppo"].update(gamma=1.5), "ppo.gamma"),
        (lambda p: p["ppo"].update(algorithm="a2c"), "ppo.algorithm"),
        (lambda p: p["ppo"].update(critic="twin"), "ppo.critic"),
        (lambda p: p["ppo"].update(epsilon=1.0), "ppo.epsilon"),
        (lambda p: p["ppo"].update(top_p=0.0), "ppo.top_p"),
        (lambda p: p["ppo"].update(dual_clip=1.0), "ppo.dual_clip"),
        (lambda p: p["ppo"].update(kl_target=0.0), "ppo.kl_target"),
        (lambda p: p["train"].update(precision="fp16"), "train.precision"),
        (lambda p: p["train"].update(microbatch_tokens=0), "train.microbatch_tokens"),
        (lambda p: p["train"].update(num_processes=3), "multiple of train.num_processes"),
        (lambda p: p["sft"].update(epochs="many"), "sft.epochs"),
        (lambda p: p["registry"].update(name="../up"), "registry.name"),
        (lambda p: p["collect"].update(port=0), "collect.port"),
        (lambda p: p["collect"].update(gold_share=1.0), "collect.gold_share"),
        (lambda p: p["collect"].update(votes=0), "collect.votes"),
        (lambda p: p["collect"].update(language="fr"), "collect.language"),
        (lambda p: p["choose"].update(answers=3), "choose.answers"),
        (lambda p: p["choose"].update(answers=0), "choose.answers"),
        (lambda p: p["choose"].update(prompts=0), "choose.prompts"),
        (lambda p: p["choose"].update(random_share=1.1), "choose.random_share"),
        (lambda p: p["chat"].update(port=0), "chat.port"),
        (lambda p: p["chat"].update(temperature=2.1), "chat.temperature"),
        (lambda p: p["chat"].update(waiting=0), "chat.waiting"),
        (lambda p: p["chat"].update(choices=129), "chat.choices"),
        (lambda p: p["chat"].update(look_seconds=0), "chat.look_seconds"),
        (lambda p: p["chat"].update(language="fr"), "chat.language"),
        (lambda p: p.update(extra=1), "extra"),
        (lambda p: p.pop("train"), "train"),
    ],
)
def test_a_fault_is_named_with_its_key_and_file(tmp_path, change, named):
    path = changed(tmp_path, change)
    with pytest.raises(ConfigError) as caught:
        load_params(path)
    assert named in caught.value.message
    assert str(path) in caught.value.message
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"samples_per_prompt": 3, "rollouts": 64}, "multiple of samples_per_prompt"),
        ({"minibatches": 65}, "more minibatches than rollouts"),
        ({"algorithm": "rloo"}, "rloo compares answers to one prompt"),
        ({"algorithm": "grpo"}, "grpo compares answers to one prompt"),
        ({"algorithm": "reinforce", "epochs": 2}, "set epochs to 1"),
        (REINFORCE | {"epsilon": 0.1}, "explore by temperature"),
        (REINFORCE | {"top_k": 5}, "explore by temperature"),
        (REINFORCE | {"top_p": 0.9}, "explore by temperature"),
        (GRPO | {"whiten_rewards": True}, "grpo does not read whiten_rewards: leave it at false"),
        (GRPO | {"gamma": 0.99}, "grpo does not read gamma: leave it at 1.0"),
        (RLOO | {"gamma": 0.99}, "rloo does not read gamma"),
        (REINFORCE | {"dual_clip": 3.0}, "reinforce does not read dual_clip: leave it at null"),
        ({"uncertainty_penalty": 0.5}, "set reward_model.ensemble to 2 or more"),
    ],
)
def test_parameters_that_do_not_go_together_are_refused(tmp_path, values, said):
    with pytest.raises(ConfigError, match=said) as caught:
        load_params(with_ppo(tmp_path, **values))
    assert "ppo" in caught.value.message


@pytest.mark.parametrize(
    "values",
    [
        RLOO | {"whiten_rewards": True, "dual_clip": 3.0, "kl_target": 6.0},
        GRPO | {"dual_clip": 3.0, "kl_target": 6.0},
        REINFORCE | {"gamma": 0.9, "whiten_rewards": True, "kl_target": 6.0},
        # No value of theirs means "nothing".
        GRPO | {"lam": 0.9, "value_clip": 0.1, "vf_coef": 0.3, "critic_learning_rate": 1e-4},
    ],
)
def test_what_an_algorithm_reads_is_accepted(tmp_path, values):
    ppo = load_params(with_ppo(tmp_path, **values)).ppo
    assert {name: getattr(ppo, name) for name in values} == values


def test_a_doubt_that_reward_models_can_have_is_accepted(tmp_path):
    def change(params):
        params["ppo"]["uncertainty_penalty"] = 0.5
        params["reward_model"]["ensemble"] = 2

    assert load_params(changed(tmp_path, change)).ppo.uncertainty_penalty == 0.5


@pytest.mark.parametrize(
    ("values", "own", "shared"),
    [
        ({}, True, False),
        ({"critic": "shared"}, False, True),
        (REINFORCE, True, False),
        (REINFORCE | {"critic": "shared"}, False, True),
        # What has no critic has none of either kind, whatever stands there.
        (RLOO | {"critic": "shared"}, False, False),
        (GRPO | {"critic": "separate"}, False, False),
    ],
)
def test_who_has_which_critic(tmp_path, values, own, shared):
    ppo = load_params(with_ppo(tmp_path, **values)).ppo
    assert (ppo.has_own_critic, ppo.shares_trunk) == (own, shared)
    assert ppo.needs_critic == (own or shared)


@pytest.mark.parametrize(
    ("precision", "hardware", "dtype"),
    [
        ("fp32", True, torch.float32),
        ("bf16", False, torch.bfloat16),
        ("auto", True, torch.bfloat16),
        ("auto", False, torch.float32),
    ],
)
def test_precision_is_that_of_the_file_or_of_the_hardware(tmp_path, monkeypatch, precision, hardware, dtype):
    monkeypatch.setattr(training_run, "computes_in_bfloat16", lambda: hardware)
    path = changed(tmp_path, lambda p: p["train"].update(precision=precision, microbatch_tokens=77))
    compute = compute_from(load_params(path).train)
    assert compute.dtype == dtype
    assert compute.microbatch_tokens == 77


@pytest.mark.parametrize(
    ("named", "precision", "device", "tokens"),
    [
        ("auto", "fp32", "cpu", 2_048),
        ("auto", "bf16", "cpu", 4_096),
        ("auto", "bf16", "cuda", 16_384),
        (77, "fp32", "cpu", 77),
    ],
)
def test_portions_are_those_of_the_file_or_fit_the_device(
    tmp_path, monkeypatch, named, precision, device, tokens
):
    monkeypatch.setattr(microbatches, "pick_device", lambda: torch.device(device))
    path = changed(tmp_path, lambda p: p["train"].update(precision=precision, microbatch_tokens=named))
    assert compute_from(load_params(path).train).tokens_at_once == tokens


def test_no_file_and_broken_yaml(tmp_path):
    with pytest.raises(ConfigError, match="not found"):
        load_params(tmp_path / "params.yaml")
    (tmp_path / "params.yaml").write_text("a: [")
    with pytest.raises(ConfigError, match="not valid YAML"):
        load_params(tmp_path / "params.yaml")


def test_parameters_cannot_be_changed_by_a_stage():
    params = load_params(ROOT / "params.yaml")
    with pytest.raises(ValueError, match="frozen"):
        params.ppo.gamma = 0.5
