"""Several processes that train one model: each takes a share of the rows, and all hold the same weights.

Every process computes the sums of its rows, divided by the count of *all* rows; so gradients and figures are added
up, never averaged, and the result is that of one process but for the order of additions. This is what data
parallelism by DDP computes, done once a step instead of in hooks, so that accumulation sends nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from components.training.torchrun import is_one_of_several

T = TypeVar("T")


class Workers(Protocol):
    """The processes of a run, seen from one of them.

    Attributes:
        rank: of this process, from 0; size: how many there are.
    """

    rank: int
    size: int

    def add_up(self, tensors: Iterable[Tensor]) -> None:
        """Replace each tensor, in place, by its sum over the processes."""

    def gather(self, tensor: Tensor) -> Tensor:
        """The rows of all processes, in the order that `share` dealt them; the same number of rows each."""

    def any_says(self, yes: bool) -> bool:
        """Whether any process says yes."""

    def wait(self) -> None:
        """Go on when all processes are here."""


def share(workers: Workers, rows: Sequence[T]) -> list[T]:
    """The rows that this process takes."""
    return deal(rows, workers.size)[workers.rank]


def deal(rows: Sequence[T], size: int) -> list[list[T]]:
    """The rows of each of `size` processes: every `size`-th, so that like lengths spread over all."""
    return [list(rows[rank::size]) for rank in range(size)]


class Alone:
    """One process."""

    rank, size = 0, 1

    def add_up(self, tensors: Iterable[Tensor]) -> None:
        pass

    def gather(self, tensor: Tensor) -> Tensor:
        return tensor

    def any_says(self, yes: bool) -> bool:
        return yes

    def wait(self) -> None:
        pass


class Team:
    """The processes that torchrun started, by way of Accelerate."""

    def __init__(self) -> None:
        # Only here: one process needs no accelerate.
        from accelerate import PartialState

        self._state = PartialState(cpu=not torch.cuda.is_available())
        self.rank, self.size = self._state.process_index, self._state.num_processes

    def add_up(self, tensors: Iterable[Tensor]) -> None:
        from accelerate.utils import reduce

        for tensor in tensors:
            tensor.copy_(reduce(tensor, reduction="sum"))

    def gather(self, tensor: Tensor) -> Tensor:
        """Rows of up to `T` columns may differ between processes; they are filled with zeros to the longest."""
        from accelerate.utils import gather, pad_across_processes

        is_mask = tensor.dtype == torch.bool
        # Filled up as bool, a mask would become one of whole numbers, and only where it is filled up.
        plain = tensor.to(torch.uint8) if is_mask else tensor
        everyone = gather(pad_across_processes(plain, dim=1) if plain.dim() > 1 else plain)
        # [size * b, ...], process after process, back to the order of the deal.
        dealt = everyone.view(self.size, -1, *everyone.shape[1:])
        rows = dealt.transpose(0, 1).reshape(everyone.shape)
        return rows.bool() if is_mask else rows

    def any_says(self, yes: bool) -> bool:
        votes = torch.tensor(float(yes), device=self._state.device)
        self.add_up([votes])
        return bool(votes)

    def wait(self) -> None:
        self._state.wait_for_everyone()


def join_workers() -> Workers:
    """The team, in a process that torchrun started with others; else this process alone."""
    return Team() if is_one_of_several() else Alone()
