"""Where the sequences of a packed row lie in the tables that attention reads.

Sequences of like length share a table [count, longest], so that little of it is padding. A token that several
sequences share, such as those of one prompt under two answers, stands once in the row and in a cell of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from components.modeling.kernel_sizes import LENGTHS, SEQUENCES, round_up

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


#: Sequences and the tokens of the longest.
Table = tuple[list[Place], int]
#: What fills up a table, and what its cells are copies of.
NO_SEQUENCE, PADDING = Place(Span(0, 0), Span(0, 0)), -1


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
    _known: dict[tuple[int, ...], Tensor] = field(default_factory=dict)

    def addresses(self, heads: int) -> Tensor:
        """[C, H] the address of each head of each cell when a table is laid out as [count, H, longest]."""
        return self._once((heads,), lambda: torch.cat(list(self._of_tables(heads))))

    def sources(self, heads: int, token_step: int, head_step: int) -> Tensor:
        """[C * H] which row of memory each address is filled from, where tokens and heads lie so many rows apart."""

        def find() -> Tensor:
            wanted = self.tokens.unsqueeze(1) * token_step + torch.arange(heads).to(self.tokens) * head_step
            return torch.empty_like(wanted.view(-1)).scatter_(
                0, self.addresses(heads).view(-1), wanted.view(-1)
            )

        return self._once((heads, token_step, head_step), find)

    def answers(self, heads: int) -> Tensor:
        """[N * H] the address that each head of each token of the row is answered from."""
        return self._once((heads, 0), lambda: self.addresses(heads)[self.cells].view(-1))

    def _once(self, key: tuple[int, ...], find: Callable[[], Tensor]) -> Tensor:
        """All layers ask for the same: it is computed for the first."""
        if key not in self._known:
            self._known[key] = find().to(self.cells.device)
        return self._known[key]

    def _of_tables(self, heads: int) -> Iterator[Tensor]:
        begin = 0
        for count, longest in self.tables:
            table = torch.arange(begin, begin + count * heads * longest).view(count, heads, longest)
            yield table.transpose(1, 2).reshape(-1, heads)
            begin += table.numel()


def lay_out(places: Sequence[Place], tokens: int, device: torch.device, few_sizes: bool = False) -> Layout:
    """The layout of these sequences in a row of so many tokens.

    Args:
        few_sizes: tables have `SEQUENCES` sequences and a multiple of `LENGTHS` tokens, whatever it takes to fill them;
            then the last tokens of the row may belong to no sequence.
    """
    tables = _of_few_sizes(places) if few_sizes else _fitting(places, device)
    parts = [_cells(table, longest) for table, longest in tables]
    of_cells, copies = torch.cat([part[0] for part in parts]), torch.cat([part[1] for part in parts])
    first, *others = [(copies == copy).nonzero()[:, 0] for copy in range(int(copies.max()) + 1)]
    # Tokens of no sequence are answered from padding: nobody reads what they get, and it gets no gradient.
    cells = torch.full((tokens,), int((copies == PADDING).int().argmax()))
    cells[of_cells[first]] = first
    return Layout(
        tables=tuple((len(table), longest) for table, longest in tables),
        tokens=of_cells.to(device),
        cells=cells.to(device),
        copies=tuple((of_cells[other].to(device), other.to(device)) for other in others),
    )


def _fitting(places: Sequence[Place], device: torch.device) -> list[Table]:
    """As many tables, and as large, as are computed fastest."""
    groups = [[places[i] for i in group] for group in group_by_length([p.length for p in places], device)]
    return [(group, max(place.length for place in group)) for group in groups]


def _of_few_sizes(places: Sequence[Place]) -> list[Table]:
    """Sequences by length in tables of one height and of widths in steps, with padding somewhere."""
    ordered = sorted(places, key=lambda place: -place.length)
    ordered += [NO_SEQUENCE] * (-len(ordered) % SEQUENCES)
    groups = [ordered[start : start + SEQUENCES] for start in range(0, len(ordered), SEQUENCES)]
    tables = [(group, round_up(group[0].length, LENGTHS)) for group in groups]
    is_full = all(place.length == longest for group, longest in tables for place in group)
    return [*tables, ([NO_SEQUENCE] * SEQUENCES, LENGTHS)] if is_full else tables


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


def _cells(places: Sequence[Place], longest: int) -> tuple[Tensor, Tensor]:
    """Both [cells]: the token in each, and which copy of it."""
    stems, shared, owns, lengths, copies = torch.tensor(
        [[place.stem.begin, place.stem.count, place.own.begin, place.length, place.copy] for place in places]
    ).T.unsqueeze(2)
    columns = torch.arange(longest)
    tokens = torch.where(columns < shared, stems + columns, owns + columns - shared)
    copies = torch.where(columns < shared, copies, 0)
    real = columns < lengths
    return torch.where(real, tokens, 0).flatten(), torch.where(real, copies, PADDING).flatten()
