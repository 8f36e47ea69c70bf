"""Data sets of the hub, from a small hub on this machine; and that memory does not grow with a data set."""

import os
import subprocess
import sys
from pathlib import Path

from datasets import Dataset
from hub_stand_in import hub

PROJECT = Path(__file__).parents[2]

ON_THE_HUB = """
import sys
from pathlib import Path
from components.errors import FeedbackError
from components.feedback.sources.address import parse_address
from components.feedback.sources.hugging_face import fetch
for text in sys.argv[2:]:
    try:
        for delivery in fetch(parse_address(text), Path(sys.argv[1])):
            print(delivery.shown, delivery.path.read_text().splitlines())
    except FeedbackError as error:
        print(error.message)
if sys.argv[2] == "hf://team/pairs":
    import datasets
    datasets.load_dataset("team/pairs")
"""


def on_the_hub(url, folder, *addresses):
    """What a process that sees the hub gets."""
    hub_of = {"HF_ENDPOINT": url, "HF_HUB_OFFLINE": "" if url else "1", "HF_HOME": str(folder / "home")}
    command = [sys.executable, "-c", ON_THE_HUB, str(folder), *addresses]
    environment = os.environ | hub_of | {"PYTHONPATH": str(PROJECT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_data_sets_of_the_hub(tmp_path):
    Dataset.from_list([{"prompt": "p", "chosen": "a", "rejected": "b"}]).to_parquet(tmp_path / "x.parquet")
    parquet, line = (tmp_path / "x.parquet").read_bytes(), b'{"prompt":"p","chosen":"NA","rejected":"b"}'
    card = b"---\nconfigs:\n- config_name: default\n  data_files: hf://datasets/team/pairs@main/data/*\n---\n"
    data_sets = {
        "team/pairs": {"data/train-00000-of-00001.parquet": parquet, "README.md": b"# Pairs\n"},
        "team/lines": {"train.jsonl": line, "test.jsonl": b"{}"},
        "team/elsewhere": {"README.md": card, "train.jsonl": b"{}"},
    }
    with hub(data_sets) as url:
        names = ("pairs", "lines?split=train", "lines?split=dev", "elsewhere", "nothing")
        found = on_the_hub(url, tmp_path, *(f"hf://team/{name}" for name in names))
    rows = """['{"prompt":"p","chosen":"a","rejected":"b"}']"""
    assert found[0] == f"hf://team/pairs/train.jsonl {rows}"
    assert found[1] == f"hf://team/lines/train.jsonl ['{line.decode()}']"
    assert found[2] == "hf://team/lines?split=dev has no split 'dev'; it has train, test"
    assert "Data files don't belong to team/elsewhere" in found[3]
    assert found[4].startswith("hf://team/nothing: Dataset 'team/nothing' doesn't exist")
    # What `load_dataset` left in the cache serves where there is no network.
    assert on_the_hub("", tmp_path, "hf://team/pairs?split=train") == found[:1]


MEMORY = """
import resource, sys
from pathlib import Path
from components.feedback.sources.address import folder_address
from components.feedback.sources.hugging_face import fetch
fetch(folder_address(Path(sys.argv[1])), Path(sys.argv[2]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_data_set(tmp_path):
    peaks = []
    for copies in (1, 40):
        folder = tmp_path / f"set-{copies}"
        (folder / "out").mkdir(parents=True)
        rows = [{"chosen": "x" * 1000, "rejected": "y" * 1000}] * 1000
        data = Dataset.from_list(rows)
        for number in range(copies):
            data.to_parquet(folder / f"train-{number:05}-of-{copies:05}.parquet")
        command = [sys.executable, "-c", MEMORY, str(folder), str(folder / "out")]
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout) / 1024)
    # 80 MB of text more.
    assert peaks[1] < peaks[0] + 40
