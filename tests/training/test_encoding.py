import torch
from modeling.tiny_models import FORMAT, tokenizer

from components.training.batching import length_grouped_batches
from components.training.encoding import encode_pairs

TOK = tokenizer()


def test_encoded_pairs_end_with_eos():
    (row,) = encode_pairs(TOK, FORMAT, ["a price"], ["it was"])
    assert TOK.decode(row.prompt) == "a price\n"
    assert row.response[-1] == TOK.eos_token_id
    assert row.ids == row.prompt + row.response
    assert len(row) == len(row.ids)


def test_every_row_once_an_epoch_and_like_lengths_together():
    lengths = [index % 50 for index in range(1000)]
    batches = length_grouped_batches(lengths, 8, torch.Generator().manual_seed(0))
    assert sorted(index for batch in batches for index in batch) == list(range(1000))
    spread = [max(lengths[i] for i in batch) - min(lengths[i] for i in batch) for batch in batches]
    # Random batches of 8 out of 0..49 spread over about 38.
    assert sum(spread) / len(spread) < 8
    assert batches != length_grouped_batches(lengths, 8, torch.Generator().manual_seed(1))
