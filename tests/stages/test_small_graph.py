"""All stages one after the other on little simulated feedback: what they write, and that the same seed repeats it."""

import csv
import json
import math
import shutil
from pathlib import Path

import pytest
import yaml
from huggingface_hub import ModelCard
from modeling.tiny_models import saved_policy
from stages.small_project import ROOT, change_params, ingest_simulated, write_params
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

from components.config import load_params
from components.errors import ConfigError, DataError, ModelError
from components.files import digest_of, digest_tree
from components.modeling.generation import generate_responses
from components.modeling.loading import build_tiny, load_policy, load_reward_model, save_model
from components.modeling.tokenizer import train_tokenizer
from components.stages import dpo, evaluate, judge, ppo, prepare, reward_model, select, sft
from components.stages.candidates import kept_policies
from components.training.encoding import Encoded
from components.training.forward import sequence_scores
from components.training.scoring import RewardScale, load_scorer

OPTIONS = {
    "sft": {"epochs": 2},
    "select": {"prompts": 20},
    "evaluate": {"prompts": 20, "bootstrap_samples": 200, "best_of": 8, "best_of_prompts": 10},
}


@pytest.fixture(scope="module")
def feedback(tmp_path_factory):
    folder = tmp_path_factory.mktemp("feedback")
    ingest_simulated(folder, 3, 300, 150, prompts=120, ratings=60, thumbs=20, rankings=20, edits=10)
    return folder / "data" / "feedback"


@pytest.fixture(scope="module")
def done(tmp_path_factory, feedback):
    """A workspace in which all stages have run once."""
    folder = tmp_path_factory.mktemp("done")
    fill(folder, feedback)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run_all()
    return folder


@pytest.fixture
def workspace(tmp_path, monkeypatch, feedback):
    monkeypatch.chdir(tmp_path)
    fill(tmp_path, feedback)
    return tmp_path


def fill(folder, feedback) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "feedback").symlink_to(feedback)
    write_params(folder, OPTIONS)


def run_all() -> None:
    for stage in (prepare, sft, reward_model, judge, ppo, select, dpo, evaluate):
        stage.main()


def test_every_stage_writes_what_the_graph_says(done):
    graph = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    for stage in graph.values():
        plots = [next(iter(plot)) for plot in stage.get("plots", [])]
        for out in [*stage.get("outs", []), *stage["metrics"], *plots]:
            assert (done / out).exists(), out
    _check_figures(done)
    _check_models(done)


def _check_figures(workspace):
    metrics = json.loads((workspace / "reports/metrics.json").read_text())
    reward, policy = metrics["reward_model"], metrics["policy"]
    assert 0.5 < reward["bayes_accuracy"] < 1
    assert 0 < reward["longer_wins_accuracy"] < 1
    assert policy["gold_win_rate_vs_sft_ci"][0] <= policy["gold_win_rate_vs_sft"]
    assert metrics["sft"]["sequence_kl"] == 0.0
    assert math.isfinite(policy["sequence_kl"])
    assert metrics["policy"]["answers"] == 20
    assert metrics["champion"] == {"exists": False}
    # So short a run has no three rounds to be alarmed by.
    assert metrics["training"] == {"alarms": []}
    card = ModelCard.load(workspace / "reports/model_card.md").data
    assert (card.language, card.base_model, card.license) == (["en"], None, None)
    best = metrics["best_of_n"]
    assert best["answers"] == 10
    assert best["reward"] >= metrics["sft"]["reward"]
    assert best["sequence_kl"] == pytest.approx(math.log(best["n"]) - (best["n"] - 1) / best["n"])
    with (workspace / "reports/steps/ppo.csv").open() as handle:
        assert [row["step"] for row in csv.DictReader(handle)] == ["1", "2"]
    samples = [json.loads(line) for line in (workspace / "reports/samples.jsonl").read_text().splitlines()]
    assert len(samples) == 20
    assert [name in row for row in samples for name in ("best_of_n",)] == [True] * 10 + [False] * 10
    for row in samples:
        _check_tokens(row["policy"])
        _check_tokens(row["sft"])
    sums = [sum(token["kl"] for token in row["policy"]["tokens"]) for row in samples]
    assert sum(sums) / 20 == pytest.approx(policy["sequence_kl"], abs=0.01)
    # So little training may leave scores that do not rise with the ratings: then nobody shows stars.
    assert (reward["stars"] is None) == (samples[0]["policy"]["stars"] is None)


def _check_tokens(answer):
    tokens = answer["tokens"]
    assert "".join(token["text"] for token in tokens) == answer["text"]
    if tokens[0]["value"] is not None:
        assert tokens[-1]["value"] == pytest.approx(answer["reward"], abs=1e-3)


def test_the_candidate_is_the_policy_that_was_chosen(done):
    selection = json.loads((done / "reports/select.json").read_text())
    kept = kept_policies(done / "models/ppo")
    assert list(kept) == [1, 2]
    assert digest_tree(done / "models/policy") == digest_tree(kept[selection["chosen"]])
    assert digest_tree(kept[1]) != digest_tree(kept[2])
    judged = {point["iteration"]: point["judge"] for point in selection["course"]}
    assert list(judged) == [0, 1, 2]
    # So little training moves no policy beyond the budget.
    assert selection["chosen"] == max((1, 2), key=judged.__getitem__)
    assert selection["course"][0]["sequence_kl"] == 0.0
    assert json.loads((done / "reports/metrics.json").read_text())["selection"] == selection


def test_the_last_policy_is_the_candidate_where_that_is_asked_for(done, tmp_path, monkeypatch):
    shutil.copytree(done, tmp_path / "copy", symlinks=True)
    monkeypatch.chdir(tmp_path / "copy")
    change_params(Path(), {"select": {"by": "last", "prompts": 5}})
    select.main()
    assert json.loads(Path("reports/select.json").read_text())["chosen"] == 2
    assert digest_tree(Path("models/policy")) == digest_tree(Path("models/ppo/iteration-00002"))


def test_a_champion_is_one_more_to_beat(done, tmp_path, monkeypatch):
    shutil.copytree(done, tmp_path / "copy", symlinks=True)
    monkeypatch.chdir(tmp_path / "copy")
    shutil.copytree("models/dpo", "data/champion/version")
    evaluate.main()
    metrics = json.loads(Path("reports/metrics.json").read_text())
    assert metrics["champion"]["exists"] is True
    assert metrics["champion"]["digest"] == digest_of(digest_tree(Path("models/dpo")))
    assert metrics["champion"]["sequence_kl"] == metrics["dpo"]["sequence_kl"]
    # The champion is DPO's model, so it does what that does.
    assert metrics["champion"]["judge"] == metrics["dpo"]["judge"]
    for kind in ("win_rate", "gold_win_rate"):
        assert metrics["policy"][f"{kind}_vs_champion"] == metrics["policy"][f"{kind}_vs_dpo"]
    assert "champion" in {
        gate["name"] for gate in json.loads(Path("reports/gates.json").read_text())["gates"]
    }


def test_a_champion_with_other_tokens_is_compared_but_not_measured_by_them(done, tmp_path, monkeypatch):
    """The tiny base has a tokenizer of each retraining's texts: an earlier champion's is another one."""
    shutil.copytree(done, tmp_path / "copy", symlinks=True)
    monkeypatch.chdir(tmp_path / "copy")
    texts = [
        f"the {word} is larger than any other {word}" for word in ("battery", "camera", "keyboard", "hinge")
    ]
    tokenizer = train_tokenizer(texts * 20, 600)
    model, _, text_format = load_policy(Path("models/dpo"))
    champion = build_tiny(tokenizer, 1, 16, 2, model.config.n_positions)
    save_model(Path("data/champion/version"), champion, tokenizer, text_format)
    evaluate.main()
    metrics = json.loads(Path("reports/metrics.json").read_text())
    assert (metrics["champion"]["sequence_kl"], metrics["champion"]["perplexity"]) == (None, None)
    assert 0 <= metrics["policy"]["win_rate_vs_champion"] <= 1


def test_a_champion_that_nobody_could_name_blocks(done, tmp_path, monkeypatch):
    shutil.copytree(done, tmp_path / "copy", symlinks=True)
    monkeypatch.chdir(tmp_path / "copy")
    Path("data/champion").mkdir(exist_ok=True)
    Path("data/champion/unknown").write_text("the registry did not say")
    evaluate.main()
    assert json.loads(Path("reports/metrics.json").read_text())["champion"] == {"exists": None}
    gates = json.loads(Path("reports/gates.json").read_text())["gates"]
    (gate,) = (gate for gate in gates if gate["name"] == "champion")
    assert (gate["passed"], "is unknown" in gate["reason"]) == (False, True)


def _check_models(workspace):
    models = workspace / "models"
    for name in ("sft", "reward", "judge", "policy", "dpo"):
        assert (models / name / "model.safetensors").is_file()
        assert not [path for path in (models / name).rglob("*") if path.suffix in {".bin", ".pt", ".pkl"}]
    assert digest_tree(models / "reward") != digest_tree(models / "judge")
    score = load_scorer(models / "reward")
    assert all(math.isfinite(value) for value in score(["a", "b"], ["good.", ""]))
    assert len(generate_responses(models / "policy", ["Review it."], 2, 1.0, 0)[0]) == 2


def made(folder):
    return {**digest_tree(folder / "models"), **digest_tree(folder / "reports")}


def test_the_same_seed_gives_the_same_bytes_and_another_others(done, workspace):
    """In another folder, over what another seed left there."""
    seed = load_params(workspace / "params.yaml").seed
    change_params(workspace, {"seed": seed + 1})
    run_all()
    other = made(workspace)
    change_params(workspace, {"seed": seed})
    run_all()
    assert made(workspace) == made(done)
    assert other["policy/model.safetensors"] != made(done)["policy/model.safetensors"]


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_a_folder_written_by_save_pretrained_is_a_base_model(workspace, family):
    folder = saved_policy(workspace / "base", family)
    (folder / "text_format.json").unlink()
    change_params(
        workspace, {"model": {"base": str(folder), "max_prompt_tokens": 32, "max_response_tokens": 24}}
    )
    run_all()
    before, after = load_policy_weights(folder), load_policy_weights(workspace / "models/policy")
    assert before.keys() == after.keys()
    assert any(not before[name].equal(after[name]) for name in before)


def load_policy_weights(folder):
    from components.modeling.loading import load_base

    return load_base(str(folder))[0].state_dict()


def test_a_base_model_with_eos_as_pad_and_no_text_format(workspace):
    """As `gpt2` comes from the hub: no pad token at all."""
    folder = saved_policy(workspace / "base", "gpt2")
    (folder / "text_format.json").unlink()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.pad_token = None
    tokenizer.save_pretrained(folder)
    GPT2LMHeadModel(GPT2Config(vocab_size=len(tokenizer), n_embd=16, n_layer=1, n_head=1)).save_pretrained(
        folder
    )
    change_params(workspace, {"model": {"base": str(folder)}})
    prepare.main()
    sft.main()
    model, tokenizer, _ = load_policy(workspace / "models/sft")
    assert tokenizer.pad_token_id != tokenizer.eos_token_id
    assert model.config.pad_token_id == tokenizer.pad_token_id


def test_token_limits_beyond_the_base_model_are_refused(workspace):
    folder = saved_policy(workspace / "base", "gpt2")
    change_params(
        workspace, {"model": {"base": str(folder), "max_prompt_tokens": 40, "max_response_tokens": 25}}
    )
    prepare.main()
    with pytest.raises(ConfigError, match="65, but the base model has 64 positions"):
        sft.main()


def test_the_critic_starts_on_the_scale_of_the_normalised_scores(workspace):
    prepare.main()
    sft.main()
    reward_model.main()
    raw = load_reward_model(Path("models/reward"))[0]
    scale, rows = RewardScale.load(Path("models/reward")), [Encoded([5, 6], [7])]
    expected = (sequence_scores(raw, rows).item() - scale.mean) / scale.std
    assert sequence_scores(ppo.load_critic(), rows).item() == pytest.approx(expected, abs=1e-5)


def test_what_is_missing_is_said_with_a_remedy(workspace):
    with pytest.raises(DataError) as caught:
        sft.main()
    assert "dvc repro prepare" in caught.value.remedy
    prepare.main()
    with pytest.raises(ModelError, match="text_format"):
        reward_model.main()
    change_params(workspace, {"model": {"base": "./nowhere"}})
    with pytest.raises(ModelError, match="nowhere"):
        sft.main()


@pytest.mark.parametrize(("base", "told"), [("tiny", None), ("gpt2", "gpt2"), (".", None)])
def test_a_card_names_a_base_that_others_can_find(base, told):
    assert evaluate.hub_id(base) == told
