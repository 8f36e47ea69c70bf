"""The last line of the feedback's books: pairs that were there to learn from, and those that taught.

Two answers may be the same once they are cut to max_response_tokens. Which are hangs on the tokenizer and on the limit
of the model that learns, so each training stage leaves out its own (training/reward_model.py) and counts them.
"""

from __future__ import annotations

from components.files import read_json
from components.stages.paths import metrics_file


def count_pairs(prepared: int, taught: int) -> dict[str, int]:
    """As a training stage reports it."""
    return {"pairs": taught, "pairs_alike_when_cut": prepared - taught}


def pairs_learned(stage: str) -> dict[str, int]:
    """What a training stage reported, as reports/metrics.json has it."""
    report = read_json(metrics_file(stage))
    taught, alike = report["pairs"], report["pairs_alike_when_cut"]
    return {
        "train_pairs_prepared": taught + alike,
        "train_pairs_alike_when_cut": alike,
        "train_pairs": taught,
    }
