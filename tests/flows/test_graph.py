import pytest
import yaml
from tracking.fake_workspace import PROJECT

from components.errors import ConfigError
from flows.graph import stage_order


def write(folder, stages):
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}, sort_keys=False))
    return folder


def test_a_stage_comes_after_those_it_reads_from(tmp_path):
    stages = {
        "report": {"deps": ["models/a/weights", "figures.json"]},
        "model": {
            "deps": ["data/clean"],
            "outs": [{"models/a": {"persist": True}}],
            "metrics": ["figures.json"],
        },
        "clean": {"deps": ["raw"], "outs": ["data/clean/rows"]},
    }
    assert stage_order(write(tmp_path, stages)) == ["clean", "model", "report"]


def test_a_name_that_only_begins_alike_is_another_path(tmp_path):
    stages = {"b": {"deps": ["data/clean-2"]}, "a": {"outs": ["data/clean"]}}
    assert stage_order(write(tmp_path, stages)) == ["b", "a"]


def test_a_circle_is_named(tmp_path):
    stages = {"a": {"deps": ["y"], "outs": ["x"]}, "b": {"deps": ["x"], "outs": ["y"]}}
    with pytest.raises(ConfigError, match="form a circle"):
        stage_order(write(tmp_path, stages))


def test_a_file_without_stages(tmp_path):
    (tmp_path / "dvc.yaml").write_text("stages")
    with pytest.raises(ConfigError, match="holds no stages"):
        stage_order(tmp_path)


def test_the_projects_own_stages():
    order = stage_order(PROJECT)
    assert order[0] == "prepare"
