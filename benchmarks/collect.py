"""How long people wait at `rlhf collect serve` when many judge at once: from sending an answer to having the next pair.

`python -m benchmarks.collect [--people 50] [--each 20] [--pause 0]`, on a server of its own in a temporary folder. With
a pause of 0 everybody answers as fast as the server lets them, which no people do; `--pause 4` waits up to 4 seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

PROJECT = Path(__file__).parents[1]
_TOKEN = re.compile(r'name="form" value="([^"]+)"')
_WORDS = (
    "bright screen",
    "long battery",
    "clean photographs",
    "warm in games",
    "too expensive",
    "fast charging",
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--each", type=int, default=20, help="judgements of each")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds between two, drawn up to this")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), given.people, given.each, given.pause)


def measure(root: Path, people: int, each: int, pause: float) -> None:
    """Print the waits' percentiles, and whether every judgement is there once."""
    links = prepare(root, people, each)
    server = subprocess.Popen(
        [*RLHF, "serve", "--port", "0", "--json"],
        cwd=root,
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    assert server.stdout is not None
    address = json.loads(server.stdout.readline())["address"]
    begun = time.perf_counter()
    with ThreadPoolExecutor(people) as pool:
        waits = sorted(
            wait for part in pool.map(lambda at: judge(address, at, each, pause), links) for wait in part
        )
    took = time.perf_counter() - begun
    server.send_signal(signal.SIGTERM)
    assert server.wait() == 0
    status = json.loads(rlhf(root, "status", "--json")[0])
    assert status["judgements"] == people * each == len(waits)
    shares = {name: waits[min(int(len(waits) * share), len(waits) - 1)] for name, share in SHARES.items()}
    print(f"{people} people, {len(waits)} judgements in {took:.1f} s ({len(waits) / took:.0f} a second)")
    print("; ".join(f"{name} {1000 * wait:.0f} ms" for name, wait in shares.items()))


SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
RLHF = [sys.executable, "-m", "flows.cli", "collect"]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(PROJECT)}


def rlhf(root: Path, *words: str) -> list[str]:
    command = [*RLHF, *words]
    done = subprocess.run(command, cwd=root, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def prepare(root: Path, people: int, each: int) -> list[str]:
    """A workspace with enough pairs of some hundred words; everybody's path."""
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(PROJECT / name, root)
    draw = random.Random(7)
    texts = [" ".join(draw.choices(_WORDS, k=60)) for _ in range(people * each)]
    rows = [
        {"prompt": f"Review phone {at}.", "response_a": text, "response_b": text[:-9]}
        | ({} if at % 9 else {"gold": "a"})
        for at, text in enumerate(texts)
    ]
    (root / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    rlhf(root, "tasks", "pairs.jsonl")
    names = [f"person-{number}" for number in range(people)]
    return [
        "/join/" + json.loads(line)["link"].rpartition("/")[2]
        for line in rlhf(root, "invite", *names, "--json")
    ]


def judge(address: str, path: str, each: int, pause: float) -> list[float]:
    """How long each answer of one person took."""
    draw, waits = random.Random(path), []
    headers = {"Origin": address}
    with httpx.Client(base_url=address, headers=headers, follow_redirects=True, timeout=60) as client:
        page = client.get(path).text
        for _ in range(each):
            time.sleep(draw.uniform(0, pause))
            found = _TOKEN.search(page)
            assert found is not None, page
            data = {"form": found[1], "choice": draw.choice(("left", "right", "tie"))}
            begun = time.perf_counter()
            page = client.post("/judge", data=data).text
            waits.append(time.perf_counter() - begun)
    return waits


if __name__ == "__main__":
    main()
