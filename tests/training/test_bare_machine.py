"""The core trains on a machine that has torch and transformers, and none of the project's other packages."""

import subprocess
import sys

from bare_python import ROOT, others


def test_what_is_missing_on_a_bare_machine():
    missing = others()
    assert missing >= {"accelerate", "peft", "datasets", "prefect", "dvc", "mlflow", "pandera", "polars"}
    assert missing >= {"pyarrow", "pydantic", "scikit-learn", "matplotlib", "jinja2", "psutil", "hypothesis"}
    assert not missing & {"torch", "transformers", "numpy", "safetensors"}


def test_sft_reward_model_and_ppo_run_there():
    command = [sys.executable, str(ROOT / "tests/bare_python.py"), "training.bare_core"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert [line.split()[:-1] for line in done.stdout.splitlines()] == [
        ["sft", "1"],
        ["reward", "model", "1"],
        ["ppo", "1"],
    ]
