"""Where the sequences of a packed row lie in the tables that attention reads.

Sequences of like length share a table [count, longest], so that little of it is padding. A token that several
sequences share, such as those of one prompt under two answers, stands once in the row and in a cell of each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

#: Scores (pairs of a query and a key) of padding that cost as much as one more call of the kernel: a table is parted
#: where that saves more. A GPU computes them so much faster that few tables are worth it.
CALL_ON_CPU, CALL_ON_GPU = 6_000, 4_000_000
#: The most scores of a head in one table on a CPU: those of some heads still fit into its cache.
MOST_ON_CPU = 400_000


@dataclass(frozen=True)
class Span:
    """Tokens side by side in the row: the first of them, and how many."""

    begin: int
    count: int


@dataclass(frozen=True)
class Place:
    """Where a sequence stands in the row: what it shares with others, then what is its own.

    Attributes:
        copy: 0 for the first sequence with this stem, 1 for the second, and so on.
    """

    stem: Span
    own: Span
    copy: int = 0

    @property
    def length(self) -> int:
        return self.stem.count + self.own.count


@dataclass(frozen=True)
class Layout:
    """Attention's tables, one after the other C cells in all, and a row of N tokens.

    Attributes:
        tables: how many sequences each has, and the tokens of its longest.
        tokens: [C], the token of the row for each cell; 0 where the cell is padding.
        cells: [N], the cell that each token of the row is answered from.
        copies: of tokens that are shared: for the second sequence and each further one, the tokens and their cells.
    """

    tables: tuple[tuple[int, int], ...]
    tokens: Tensor
    cells: Tensor
    copies: tuple[tuple[Tensor, Tensor], ...]
    _places: dict[int, Tensor] = field(default_factory=dict)

    def places(self, heads: int) -> Tensor:
        """[C, H] where each cell stands for each head when a table is laid out as [count, H, longest].

        All layers ask for the same, so it is computed once.
        """
        if heads not in self._places:
            self._places[heads] = torch.cat(list(self._of_tables(heads))).to(self.cells.device)
        return self._places[heads]

    def _of_tables(self, heads: int) -> Iterator[Tensor]:
        begin = 0
        for count, longest in self.tables:
            table = torch.arange(begin, begin + count * heads * longest).view(count, heads, longest)
            yield table.transpose(1, 2).reshape(-1, heads)
            begin += table.numel()


def lay_out(places: Sequence[Place], tokens: int, device: torch.device) -> Layout:
    """The layout of these sequences in a row of so many tokens."""
    groups = group_by_length([place.length for place in places], device)
    tables = [(len(group), max(places[i].length for i in group)) for group in groups]
    found = [
        _table([places[i] for i in group], shape[1]) for group, shape in zip(groups, tables, strict=True)
    ]
    owners = torch.cat([copy for _, copy in found])
    of_cells = torch.cat([token for token, _ in found])
    cells = torch.empty(tokens, dtype=torch.long)
    first = (owners == 0).nonzero()[:, 0]
    cells[of_cells[first]] = first
    copies = [(owners == copy).nonzero()[:, 0] for copy in range(1, int(owners.max()) + 1)]
    return Layout(
        tables=tuple(tables),
        tokens=of_cells.to(device),
        cells=cells.to(device),
        copies=tuple((of_cells[copy].to(device), copy.to(device)) for copy in copies),
    )


def group_by_length(lengths: Sequence[int], device: torch.device) -> list[list[int]]:
    """The sequences of each table, in their old order."""
    ordered = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    if device.type != "cpu":
        return _parted(ordered, lengths, CALL_ON_GPU)
    return [part for table in _parted(ordered, lengths, CALL_ON_CPU) for part in _in_cache(table, lengths)]


def _parted(order: list[int], lengths: Sequence[int], call: int) -> list[list[int]]:
    """Sequences from the longest to the shortest, parted where that saves most padding, as long as it pays."""
    longest, count = lengths[order[0]], len(order)
    saved = [(longest**2 - lengths[order[cut]] ** 2) * (count - cut) for cut in range(1, count)]
    if not saved or max(saved) <= call:
        return [sorted(order)]
    cut = 1 + saved.index(max(saved))
    return _parted(order[:cut], lengths, call) + _parted(order[cut:], lengths, call)


def _in_cache(table: list[int], lengths: Sequence[int]) -> list[list[int]]:
    """The sequences of a table in equal parts, each of few enough scores."""
    longest = max(lengths[i] for i in table)
    parts = -(-len(table) * longest**2 // MOST_ON_CPU)
    size = -(-len(table) // parts)
    return [table[start : start + size] for start in range(0, len(table), size)]


def _table(places: Sequence[Place], longest: int) -> tuple[Tensor, Tensor]:
    """Both [cells]: the token in each, and which copy of it; -1 in padding."""
    columns = torch.arange(longest)
    stems, owns, shared, lengths = (
        torch.tensor(values).unsqueeze(1)
        for values in (
            [place.stem.begin for place in places],
            [place.own.begin for place in places],
            [place.stem.count for place in places],
            [place.length for place in places],
        )
    )
    in_stem, real = columns < shared, columns < lengths
    tokens = torch.where(in_stem, stems + columns, owns + columns - shared)
    copies = torch.tensor([place.copy for place in places]).unsqueeze(1)
    copies = torch.where(in_stem, copies, 0).expand_as(tokens)
    return torch.where(real, tokens, 0).flatten(), torch.where(real, copies, -1).flatten()
