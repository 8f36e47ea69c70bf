import torch
from modeling.tiny_models import FORMAT, tokenizer

from components.training.batching import fixed_batches, length_grouped_batches
from components.training.encoding import Encoded, collate, encode_pairs

TOK = tokenizer()


def test_collate_marks_the_responses():
    batch = collate([Encoded([5, 6], [7]), Encoded([8], [9, 10, 11])], pad_id=1, device=torch.device("cpu"))
    assert batch.ids.tolist() == [[5, 6, 7, 1], [8, 9, 10, 11]]
    assert batch.mask.tolist() == [[True, True, True, False], [True] * 4]
    assert batch.response_mask.tolist() == [[False, False, True, False], [False, True, True, True]]


def test_encoded_pairs_end_with_eos():
    (row,) = encode_pairs(TOK, FORMAT, ["a price"], ["it was"])
    assert TOK.decode(row.prompt) == "a price\n"
    assert row.response[-1] == TOK.eos_token_id
    assert len(row) == len(row.ids)


def test_every_row_once_an_epoch_and_like_lengths_together():
    lengths = [index % 50 for index in range(1000)]
    batches = length_grouped_batches(lengths, 8, torch.Generator().manual_seed(0))
    assert sorted(index for batch in batches for index in batch) == list(range(1000))
    spread = [max(lengths[i] for i in batch) - min(lengths[i] for i in batch) for batch in batches]
    # Random batches of 8 out of 0..49 spread over about 38.
    assert sum(spread) / len(spread) < 8
    assert batches != length_grouped_batches(lengths, 8, torch.Generator().manual_seed(1))


def test_fixed_batches_cover_all_in_order():
    assert [list(part) for part in fixed_batches(5, 2)] == [[0, 1], [2, 3], [4]]
