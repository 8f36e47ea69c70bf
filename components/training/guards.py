"""When an update must not be made: gradients that are not finite, or far larger than the run's own."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from components.errors import TrainingDivergedError
from components.training.state_files import State

#: Spikes are gradients this many standard deviations above the run's mean, both of the logarithm of the norm.
SIGMAS = 6.0
#: Norms seen before any is called a spike.
LEARNING = 20
#: A norm below this is that of a loss without a slope, such as a round whose answers all score alike: it tells nothing
#: of the run's own size.
LEAST_NORM = 1e-6
#: How much the last norm weighs in the running mean and variance.
RATE = 0.05
#: A spread smaller than this is taken for this, so that a spike is at least exp(6 * 0.4) = 11 times the usual norm:
#: healthy runs, GRPO's above all, now and then have a gradient of two or three times it.
LEAST_SPREAD = 0.4
#: Steps that may be skipped as spikes: this share of all, and never fewer than one.
MOST_SKIPPED = 0.01
#: Updates in a row that are not finite before the run goes back to its last checkpoint.
MOST_NOT_FINITE = 3
#: Times that a run may go back: one that keeps falling into the same hole will not learn.
MOST_RETURNS = 3


@dataclass
class GradientGuard:
    """Watches the norms of a run's gradients.

    Attributes:
        seen: norms that were accepted; measured: those of them that were no rounding error.
        mean, variance: of the logarithms of the measured, running.
        skipped: spikes so far; not_finite: norms in a row that were no finite number.
        returns: times the run went back; returned: whether it did and no update was made since.
    """

    total_steps: int
    seen: int = 0
    measured: int = 0
    mean: float = 0.0
    variance: float = 0.0
    skipped: int = 0
    not_finite: int = 0
    returns: int = 0
    returned: bool = False

    def accepts(self, norm: float) -> bool:
        """Whether to make this update.

        Raises:
            TrainingDivergedError: more spikes than the run may skip, or going back did not help.
        """
        if not math.isfinite(norm):
            self._count_not_finite()
            return False
        self.not_finite = 0
        if self._is_spike(norm):
            self._count_skipped(norm)
            return False
        self._learn(norm)
        return True

    @property
    def in_doubt(self) -> bool:
        """Whether the newest norm was not finite: perhaps the weights are to blame."""
        return self.not_finite > 0

    @property
    def must_go_back(self) -> bool:
        """Whether the weights themselves are in doubt: too many updates in a row were not finite."""
        return self.not_finite >= MOST_NOT_FINITE

    def went_back(self) -> None:
        """Take note that the run has taken up earlier weights."""
        self.not_finite = 0
        self.returns += 1
        self.returned = True

    def state(self) -> State:
        return asdict(self)

    def restore(self, state: State) -> None:
        for name, value in state.items():
            setattr(self, name, value)

    def _count_not_finite(self) -> None:
        self.not_finite += 1
        if self.must_go_back and (self.returned or self.returns >= MOST_RETURNS):
            raise TrainingDivergedError(
                f"DIVERGED: gradients were not finite {MOST_NOT_FINITE} times in a row, "
                f"also after going back to a checkpoint ({self.returns} times in this run)",
                "lower the learning rate of this stage in params.yaml, or look at the newest feedback batches",
            )

    def _is_spike(self, norm: float) -> bool:
        if self.measured < LEARNING or norm < LEAST_NORM:
            return False
        spread = max(math.sqrt(self.variance), LEAST_SPREAD)
        return math.log(norm) > self.mean + SIGMAS * spread

    def _count_skipped(self, norm: float) -> None:
        self.skipped += 1
        if self.skipped > max(1, int(MOST_SKIPPED * self.total_steps)):
            raise TrainingDivergedError(
                f"DIVERGED: {self.skipped} of {self.total_steps} steps had a gradient over {SIGMAS:g} standard "
                f"deviations above the run's own, the last of norm {norm:.3g}",
                "lower the learning rate of this stage in params.yaml, or look at the newest feedback batches",
            )

    def _learn(self, norm: float) -> None:
        self.returned = False
        self.seen += 1
        if norm < LEAST_NORM:
            return
        self.measured += 1
        rate = max(RATE, 1.0 / self.measured)
        difference = math.log(norm) - self.mean
        self.mean += rate * difference
        self.variance = (1.0 - rate) * (self.variance + rate * difference * difference)
