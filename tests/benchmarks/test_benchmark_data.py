"""Both sides get the same synthetic data."""

from benchmarks.data import EOS_ID, FIRST_WORD, lengths, make_data, text

DATA = make_data(vocab=50, prompts=300, rows=300, pairs=300, seed=3)


def test_the_same_seed_makes_the_same_data():
    assert make_data(50, 300, 300, 300, seed=3) == DATA
    assert make_data(50, 300, 300, 300, seed=4) != DATA


def test_prompts_have_8_to_40_words():
    counts = {len(prompt) for prompt in DATA["prompts"]}
    assert (min(counts), max(counts)) == (8, 40)
    assert all(FIRST_WORD <= token < 50 for prompt in DATA["prompts"] for token in prompt)


def test_sequences_have_20_to_200_tokens_and_end_once():
    totals = [sum(pair) for row in DATA["rows"] + DATA["pairs"] for pair in lengths(row)]
    assert len(totals) == 300 + 2 * 300
    assert min(totals) < 25
    assert max(totals) > 195
    assert all(20 <= total <= 200 for total in totals)
    for row in DATA["pairs"]:
        assert row["chosen"].index(EOS_ID) == len(row["chosen"]) - 1
        assert row["rejected"].index(EOS_ID) == len(row["rejected"]) - 1


def test_lengths_of_a_row():
    assert lengths({"prompt": [5, 6], "chosen": [7, 0], "rejected": [8, 9, 0]}) == [(2, 2), (2, 3)]


def test_text_has_a_word_a_token():
    assert text([7, 3, 0]) == "w7 w3 <|endoftext|>"
