"""dvc.yaml against the code: what a stage reads and imports is what the graph says it depends on."""

import ast
from pathlib import Path

import grimp
import pytest
import yaml

from components.config import Params

ROOT = Path(__file__).parents[2]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
MODULES = grimp.build_graph("components")


def code_of(stage: str) -> set[str]:
    """Every file of this project that `python -m components.stages.<stage>` imports, and the templates it opens."""
    entry = f"components.stages.{stage}"
    modules = {entry} | MODULES.find_upstream_modules(entry)
    files = {_file(module) for module in modules}
    if "components/evaluation/report.py" in files:
        files |= {f"components/evaluation/report.{kind}" for kind in ("html.j2", "css", "js")}
        files |= {
            f"components/pages/{name}" for name in ("page.css", "heat.css", "page.html.j2", "parts.html.j2")
        }
    return files


def _file(module: str) -> str:
    path = module.replace(".", "/")
    return f"{path}/__init__.py" if (ROOT / path).is_dir() else f"{path}.py"


def sections_read(stage: str) -> set[str]:
    """The sections of params.yaml that the stage's own modules name as `params.<section>`."""
    sections = set(Params.model_fields)
    found: set[str] = set()
    for file in code_of(stage):
        if not file.startswith("components/stages/"):
            continue
        for node in ast.walk(ast.parse((ROOT / file).read_text())):
            if isinstance(node, ast.Attribute) and _is_params(node.value) and node.attr in sections:
                found.add(node.attr)
    return found


def _is_params(node: ast.expr) -> bool:
    called = node.func if isinstance(node, ast.Call) else None
    return (isinstance(node, ast.Name) and node.id == "params") or (
        isinstance(called, ast.Name) and called.id == "load_params"
    )


@pytest.mark.parametrize("stage", STAGES)
def test_deps_are_the_import_closure(stage):
    listed = {dep for dep in STAGES[stage]["deps"] if dep.startswith("components/")}
    assert listed == code_of(stage)


#: How often a run writes checkpoints, and what PPO says aloud, changes no result, so no stage reruns for it.
CHANGES_NO_RESULT = {"ppo": {"checkpoints", "alarms"}}


@pytest.mark.parametrize("stage", STAGES)
def test_params_are_the_sections_that_are_read(stage):
    # A stage may hang on one field of a section: no change of the others runs it again.
    named = {name.partition(".")[0] for name in STAGES[stage]["params"]}
    assert named == sections_read(stage) - CHANGES_NO_RESULT.get(stage, {"checkpoints"})


@pytest.mark.parametrize("stage", STAGES)
def test_the_command_is_the_stage_s_module(stage):
    assert STAGES[stage]["cmd"] == f"python -m components.stages.{stage}"
    assert (ROOT / f"components/stages/{stage}.py").is_file()
