"""Where sequences lie in attention's tables, by hand."""

import torch

from components.modeling import layout
from components.modeling.layout import Layout, Place, Span, group_by_length, lay_out

CPU = torch.device("cpu")
NOTHING = Span(0, 0)


def test_like_lengths_share_a_table_where_that_saves_more_than_a_call(monkeypatch):
    # One table of 4 x 10 x 10 scores. Parted after the two of ten: (100 - 9) * 2 = 182 less.
    monkeypatch.setattr(layout, "CALL_ON_CPU", 181)
    assert group_by_length([3, 10, 3, 10], CPU) == [[1, 3], [0, 2]]
    monkeypatch.setattr(layout, "CALL_ON_CPU", 182)
    assert group_by_length([3, 10, 3, 10], CPU) == [[0, 1, 2, 3]]


def test_tables_are_parted_again_as_long_as_it_pays(monkeypatch):
    # 30 and 29 together have 59 scores of padding, one cut less than 60 would save.
    monkeypatch.setattr(layout, "CALL_ON_CPU", 59)
    assert group_by_length([2, 30, 8, 29], CPU) == [[1, 3], [2], [0]]
    assert group_by_length([7], CPU) == [[0]]


def test_a_table_too_large_for_the_cache_is_dealt_evenly(monkeypatch):
    monkeypatch.setattr(layout, "MOST_ON_CPU", 250)
    # 500 scores of five sequences: two parts, of three and two.
    assert group_by_length([10] * 5, CPU) == [[0, 1, 2], [3, 4]]
    assert group_by_length([20], CPU) == [[0]]


def test_shared_tokens_have_a_cell_in_each_sequence_and_are_answered_from_the_first():
    """Row: stem 0 1, then 2 3 4 that follow it, then 5 that follows it too, then 6 7 on their own."""
    stem = Span(0, 2)
    places = [Place(stem, Span(2, 3)), Place(stem, Span(5, 1), copy=1), Place(NOTHING, Span(6, 2))]
    found = lay_out(places, 8, CPU)
    assert found.tables == ((3, 5),)
    assert found.tokens.view(3, 5).tolist() == [[0, 1, 2, 3, 4], [0, 1, 5, 0, 0], [6, 7, 0, 0, 0]]
    assert found.cells.tolist() == [0, 1, 2, 3, 4, 7, 10, 11]
    assert [(tokens.tolist(), cells.tolist()) for tokens, cells in found.copies] == [([0, 1], [5, 6])]


def test_three_sequences_on_one_stem_are_two_further_copies():
    places = [Place(Span(0, 1), Span(1 + i, 1), copy=i) for i in range(3)]
    found = lay_out(places, 4, CPU)
    assert found.cells.tolist() == [0, 1, 3, 5]
    assert [(tokens.tolist(), cells.tolist()) for tokens, cells in found.copies] == [([0], [2]), ([0], [4])]


def test_heads_of_a_table_lie_one_after_the_other_in_each_sequence():
    """Two tables: [1, 2 heads, 2] and [2, 2 heads, 1]."""
    found = Layout(((1, 2), (2, 1)), torch.arange(4), torch.arange(4), ())
    assert found.addresses(2).tolist() == [[0, 2], [1, 3], [4, 5], [6, 7]]
    assert found.addresses(1).tolist() == [[0], [1], [2], [3]]


def test_few_sizes_fill_tables_with_nobody():
    """Nine sequences: two tables of eight, as long as the longest rounded up to 16; filler is answered from padding."""
    places = [Place(NOTHING, Span(20 * i, 17 if i else 20)) for i in range(9)]
    found = lay_out(places, 192, CPU, few_sizes=True)
    assert found.tables == ((8, 32), (8, 32))
    assert found.cells[:20].tolist() == list(range(20))
    owned = {20 * i + t for i, place in enumerate(places) for t in range(place.length)}
    padding = set(range(512)) - {int(found.cells[token]) for token in owned}
    assert len(padding) == 512 - len(owned)
    assert {int(found.cells[token]) for token in set(range(192)) - owned} <= padding


def test_few_sizes_have_padding_even_where_all_is_full():
    places = [Place(NOTHING, Span(16 * i, 16)) for i in range(8)]
    found = lay_out(places, 192, CPU, few_sizes=True)
    assert found.tables == ((8, 16), (8, 16))
    assert set(found.cells[128:].tolist()) == {128}
