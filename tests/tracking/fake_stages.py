"""Stand-ins for the stages, for tests of what drives them: they write the files that the stages write, at once.

Run as `python fake_stages.py STAGE` in a workspace whose folder `ready-made` holds models.
A file `fail-STAGE` makes a stage fail, in the words that it holds; a file `slow-STAGE` makes it last.
"""

import json
import shutil
import sys
import time
from pathlib import Path

MODELS = {"sft": "sft", "reward_model": "reward", "ppo": "policy"}


def main(stage):
    for step in range(1, 4):
        print(f"[{stage}] {step}/3 loss={1 / step:.3f}", flush=True)
    while Path(f"slow-{stage}").exists():
        time.sleep(0.05)
    if Path(f"fail-{stage}").exists():
        why = Path(f"fail-{stage}").read_text() or "the loss is not a number"
        print(f"error: {why}", file=sys.stderr)
        print("remedy: lower the learning rate", file=sys.stderr)
        sys.exit(1)
    if stage == "prepare":
        Path("data/prepared").mkdir(parents=True)
        Path("data/prepared/rows.txt").write_text(
            "\n".join(sorted(p.name for p in Path("data/feedback").iterdir()))
        )
    if stage in MODELS:
        shutil.copytree(f"ready-made/{MODELS[stage]}", f"models/{MODELS[stage]}")
        write(f"reports/steps/{stage}.csv", "step,loss\n1,1.0\n2,0.5\n")
    if stage == "evaluate":
        gates = json.loads(Path("gates-to-report.json").read_text())
        write("reports/gates.json", json.dumps(gates))
        count = len(Path("data/prepared/rows.txt").read_text().splitlines())
        win_rate = {
            "win_rate_vs_sft": 0.5 + count / 10,
            "win_rate_vs_sft_ci": [0.4 + count / 10, 0.6 + count / 10],
        }
        write("reports/metrics.json", json.dumps({"policy": {"sequence_kl": 6.1} | win_rate}))
        write("reports/report.html", "<p>report</p>")
        write("reports/samples.jsonl", "".join(samples(count)))
    else:
        write(f"reports/{stage}.json", '{"loss": 0.25}')


def samples(count):
    """Answers to three prompts: the first is the same after any feedback, the second changes most."""
    for number, gain in enumerate((0, 2, 1)):
        answer = {"text": f"After {count * gain} batches {{}} [bold]\x1b", "judge": count * gain / 4}
        yield json.dumps({"prompt": f"Review phone {number}.", "sft": answer, "policy": answer}) + "\n"


def write(path, text):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


main(sys.argv[1])
