from pathlib import Path

import pytest
import yaml

from components.config import load_params
from components.errors import ConfigError

ROOT = Path(__file__).parents[2]


def changed(tmp_path, change):
    content = yaml.safe_load((ROOT / "params.yaml").read_text())
    change(content)
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def test_the_shipped_file_is_valid():
    params = load_params(ROOT / "params.yaml")
    assert params.model.base == "tiny"
    assert params.git.commit is False


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda p: p["ppo"].update(kl_coeff=0.1), "ppo.kl_coeff"),
        (lambda p: p["ppo"].pop("gamma"), "ppo.gamma"),
        (lambda p: p["ppo"].update(gamma=1.5), "ppo.gamma"),
        (lambda p: p["sft"].update(epochs="many"), "sft.epochs"),
        (lambda p: p["registry"].update(name="../up"), "registry.name"),
        (lambda p: p.update(extra=1), "extra"),
    ],
)
def test_a_fault_is_named_with_its_key_and_file(tmp_path, change, named):
    path = changed(tmp_path, change)
    with pytest.raises(ConfigError) as caught:
        load_params(path)
    assert named in caught.value.message
    assert str(path) in caught.value.message
    assert caught.value.remedy


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
