"""What is measured: which jobs, on which models, who takes part, and how often."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from benchmarks.shapes import SHAPES, Shape

OURS, TRL = "ours", "trl"
JOBS = ("ppo", "reward_model", "sft", "dpo", "sampling")
#: Of PPO, as in the literature's small runs: 64 rollouts, 4 epochs of 4 minibatches.
ROLLOUTS, EPOCHS, MINIBATCHES = 64, 4, 4
#: Rows (pairs) of an optimizer step of the other trainings.
BATCH = 16


@dataclass(frozen=True)
class Contestant:
    """One side with its settings.

    Attributes:
        side: OURS or TRL; precision: "fp32" or "bf16".
        setting: "" as each side comes; "grouped": TRL with rows of like length in a batch; "shared_trunk": our critic
            is a head on the policy's trunk.
    """

    side: str
    precision: str
    setting: str = ""

    @property
    def name(self) -> str:
        return " ".join(filter(None, (self.side, self.precision, self.setting.replace("_", " "))))


@dataclass(frozen=True)
class Group:
    """Contestants that take turns at the same job.

    Attributes:
        rows: of one lap: pairs, demonstrations, prompts; warm_rows: of the first lap, which is not counted.
        repeats: laps that are counted.
    """

    job: str
    shape: Shape
    contestants: tuple[Contestant, ...]
    rows: int
    warm_rows: int
    repeats: int


#: Who takes part; those that only a full run measures come second.
_FIELD: dict[str, tuple[tuple[Contestant, ...], tuple[Contestant, ...]]] = {
    "ppo": (
        (
            Contestant(OURS, "fp32"),
            Contestant(TRL, "fp32"),
            Contestant(OURS, "bf16"),
            Contestant(TRL, "bf16"),
            Contestant(OURS, "bf16", "shared_trunk"),
        ),
        (),
    ),
    "sampling": (
        (
            Contestant(OURS, "fp32"),
            Contestant(TRL, "fp32"),
            Contestant(OURS, "bf16"),
            Contestant(TRL, "bf16"),
        ),
        (),
    ),
}
_TRAINING = (
    (
        Contestant(OURS, "fp32"),
        Contestant(TRL, "fp32"),
        Contestant(OURS, "bf16"),
        Contestant(TRL, "bf16", "grouped"),
    ),
    (Contestant(TRL, "fp32", "grouped"), Contestant(TRL, "bf16")),
)
#: Laps that are counted, and batches of one lap of a training, by the model's shape.
_QUICK, _FULL = 3, 5
_BATCHES = {"tiny": 10, "small": 6}


def make_plan(full: bool, jobs: Iterable[str], shapes: Iterable[str]) -> list[Group]:
    return [_group(job, SHAPES[shape], full) for shape in shapes for job in jobs]


def _group(job: str, shape: Shape, full: bool) -> Group:
    always, also = _FIELD.get(job, _TRAINING)
    rows = ROLLOUTS if job in {"ppo", "sampling"} else BATCH * _BATCHES[shape.name]
    return Group(
        job=job,
        shape=shape,
        contestants=always + (also if full else ()),
        rows=rows,
        warm_rows=min(rows, 2 * BATCH) if job not in {"ppo", "sampling"} else rows,
        repeats=_FULL if full else _QUICK,
    )


def resized(group: Group, rows: int | None, repeats: int | None) -> Group:
    """The same with other counts, for a trial of the harness or to see how cost grows with the batch."""
    group = replace(group, repeats=repeats or group.repeats)
    return replace(group, rows=rows, warm_rows=min(rows, group.warm_rows)) if rows else group
