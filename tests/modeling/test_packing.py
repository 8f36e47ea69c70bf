"""Packed rows against each sequence alone, in every family."""

import pytest
import torch
from modeling.tiny_models import ALL_FAMILIES, WINDOW, packing, plain_policy, policy, tokenizer

from components.modeling.packing import hidden_states, model_inputs, pack

TOK = tokenizer()
CPU = torch.device("cpu")
ROWS = [
    [5, 6, 7, 8, 9, 10, 11, 12, 13],
    [14, 15],
    [16, 17, 18, 19, 20, 21],
    [22],
    [23, 24, 25, 26, 27, 28, 29],
]
#: float32 through two layers: sums in another order differ in the sixth digit.
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def alone(model, rows):
    """[N, d] states of each row by itself."""
    return torch.cat([model.base_model(torch.tensor([row])).last_hidden_state[0] for row in rows])


def pair(family):
    torch.manual_seed(0)
    plain = plain_policy(family, TOK)
    return plain, packing(plain)


def test_a_packed_row_by_hand():
    packed = pack([[5, 6, 7], [8], [9, 10]], CPU)
    assert packed.ids.tolist() == [[5, 6, 7, 8, 9, 10]]
    assert packed.positions.tolist() == [[0, 1, 2, 0, 0, 1]]
    assert packed.lengths.tolist() == [3, 1, 2]
    assert packed.prompt_ends.tolist() == packed.last.tolist() == [2, 3, 5]
    layout = packed.layout
    assert layout.tables == ((3, 3),)
    # The table has three cells a sequence: 5 6 7 | 8 . . | 9 10 .
    assert layout.cells.tolist() == [0, 1, 2, 3, 6, 7]
    assert layout.tokens[layout.cells].tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("family", ALL_FAMILIES)
@torch.no_grad()
def test_every_token_has_the_state_it_has_alone(family):
    plain, model = pair(family)
    for rows in (ROWS, ROWS[:1], [ROWS[0], ROWS[0][::-1]]):
        torch.testing.assert_close(hidden_states(model, pack(rows, CPU)), alone(plain, rows), **CLOSE)


@pytest.mark.parametrize("family", ALL_FAMILIES)
@torch.no_grad()
def test_logits_at_chosen_places_are_those_of_the_sequences_alone(family):
    plain, model = pair(family)
    places = torch.tensor([0, 3, 8, 9, 16, 17, 24])
    logits = model(**model_inputs(pack(ROWS, CPU)), logits_to_keep=places).logits[0]
    whole = torch.cat([plain(torch.tensor([row])).logits[0] for row in ROWS])
    torch.testing.assert_close(logits, whole[places], **CLOSE)


@pytest.mark.parametrize("family", ALL_FAMILIES)
@torch.no_grad()
def test_neither_company_nor_order_changes_a_sequence(family):
    _, model = pair(family)
    states = dict(zip(range(5), hidden_states(model, pack(ROWS, CPU)).split([9, 2, 6, 1, 7]), strict=True))
    for order in ([4, 3, 2, 1, 0], [2, 0], [3], [1, 1, 4, 1]):
        packed = pack([ROWS[i] for i in order], CPU)
        parts = hidden_states(model, packed).split([len(ROWS[i]) for i in order])
        for index, part in zip(order, parts, strict=True):
            torch.testing.assert_close(part, states[index], **CLOSE)


@pytest.mark.parametrize("family", ALL_FAMILIES)
@torch.no_grad()
def test_a_token_moves_what_follows_it_in_its_own_sequence_and_nothing_else(family):
    _, model = pair(family)
    before = hidden_states(model, pack(ROWS, CPU))
    changed = [list(row) for row in ROWS]
    changed[2][3] = 99
    moved = (hidden_states(model, pack(changed, CPU)) - before).abs().amax(dim=1)
    first = 9 + 2 + 3
    # The same shapes through the same kernels: what may not change does not change in its last bit.
    assert (moved[:first] == 0).all()
    assert (moved[first : first + 3] > 1e-3).all()
    assert (moved[first + 3 :] == 0).all()


@torch.no_grad()
def test_a_sliding_window_hides_what_lies_before_it():
    """One layer looks WINDOW tokens back, itself included; two layers twice that less one."""
    _, model = pair("mistral")
    before = hidden_states(model, pack(ROWS, CPU))
    changed = [[99, *ROWS[0][1:]], *ROWS[1:]]
    moved = (hidden_states(model, pack(changed, CPU)) - before).abs().amax(dim=1)
    reach = 2 * (WINDOW - 1) + 1
    assert (moved[:reach] > 0).all()
    assert (moved[reach:] == 0).all()


@torch.no_grad()
def test_positions_count_from_the_start_of_each_sequence():
    """GPT-2 adds a vector per position: a lone token has position 0 wherever it lies in the row."""
    plain, model = pair("gpt2")
    packed = pack([ROWS[0], [7]], CPU)
    last = hidden_states(model, packed)[-1]
    torch.testing.assert_close(last, alone(plain, [[7]])[0], **CLOSE)
    wrong = plain.base_model(torch.tensor([[7]]), position_ids=torch.tensor([[9]])).last_hidden_state[0, 0]
    assert (last - wrong).abs().max() > 0.1


def padded(rows, side):
    """ids, 2-D mask and the position ids that go with them."""
    width = max(map(len, rows))
    ids = torch.full((len(rows), width), TOK.pad_token_id)
    mask = torch.zeros(len(rows), width, dtype=torch.long)
    for index, row in enumerate(rows):
        place = slice(width - len(row), width) if side == "left" else slice(0, len(row))
        ids[index, place], mask[index, place] = torch.tensor(row), 1
    return ids, mask, (mask.cumsum(1) - 1).clamp_min(0)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("family", ALL_FAMILIES)
@torch.no_grad()
def test_padded_batches_still_work(family, side):
    plain, model = pair(family)
    ids, mask, positions = padded(ROWS, side)
    states = model.base_model(ids, attention_mask=mask, position_ids=positions).last_hidden_state
    torch.testing.assert_close(states[mask.bool()], alone(plain, ROWS), **CLOSE)


@pytest.mark.parametrize("family", ALL_FAMILIES)
def test_generate_of_transformers_still_works(family):
    plain, model = pair(family)
    for rows in (ROWS, ROWS[:1]):
        ids, mask, _ = padded(rows, "left")
        settings = {"attention_mask": mask, "max_new_tokens": 8, "do_sample": False}
        assert torch.equal(model.generate(ids, **settings), plain.generate(ids, **settings))


@pytest.mark.parametrize("family", ALL_FAMILIES)
@torch.no_grad()
def test_bfloat16_packs_as_well(family):
    """bfloat16 keeps 8 bits: states of size 1 through two layers move by some hundredths, a leak by whole units."""
    torch.manual_seed(0)
    model = policy(family, TOK).to(torch.bfloat16)
    plain = plain_policy(family, TOK)
    plain.load_state_dict({name: value.float() for name, value in model.state_dict().items()})
    states = hidden_states(model, pack(ROWS, CPU)).float()
    error = (states - alone(plain, ROWS)).abs()
    assert error.mean() < 0.02
    assert error.max() < 0.25
