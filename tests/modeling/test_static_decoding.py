"""Decoding in few shapes, run plainly on a CPU, against decoding that drops what is done at once."""

import pytest
import torch
from modeling.tiny_models import FAMILIES, lift, packing, plain_policy, tokenizer

from components.modeling import cuda_graphs, static_cache, static_decoding
from components.modeling.decoding import decode_dropping
from components.modeling.exploration import Exploration
from components.modeling.layout import Layout
from components.modeling.packing import Packed, pack
from components.modeling.sampling import draw_dice, fastest_decode, sample
from components.modeling.static_decoding import StaticDecoder, decode_static
from components.modeling.turns import Turns
from components.modeling.value_head import attach_value_head, values_of

TOK = tokenizer()
CPU = torch.device("cpu")
EOS, PAD = TOK.eos_token_id, TOK.pad_token_id
PROMPTS = [[5, 6, 7, 8, 9], [10, 11], [12], [13, 14, 15], [16, 17, 18, 19, 20, 21, 22], [23, 24]] * 3
LIMIT = 20
#: What is drawn from: the policy, and every way of straying from it.
EXPLORATIONS = {
    "policy": Exploration(),
    "temperature": Exploration(temperature=1.4),
    "top-k": Exploration(top_k=20),
    "top-p": Exploration(top_p=0.8),
    "epsilon": Exploration(epsilon=0.2),
    "all": Exploration(temperature=1.2, top_k=100, top_p=0.97, epsilon=0.1),
}


@pytest.fixture(autouse=True)
def _small_sizes(monkeypatch):
    """So that a small model passes through several shapes."""
    monkeypatch.setattr(static_decoding, "SHOWN_AT_ONCE", 8)
    monkeypatch.setattr(static_decoding, "LOOK_EVERY", 3)
    monkeypatch.setattr(static_decoding, "ROUNDED_TO", 2)
    monkeypatch.setattr(static_cache, "ALIGNED", 4)


def model_of(family, eos=3.5):
    """Makes an EOS about one token in twelve, and has a value head."""
    torch.manual_seed(0)
    model = packing(lift(plain_policy(family, TOK), EOS, eos))
    attach_value_head(model)
    torch.nn.init.normal_(model.value_head.weight)
    return model


def draw(model, decode, explore=None, values=True, prompts=PROMPTS, limit=LIMIT):
    return sample(
        model,
        prompts,
        draw_dice(len(prompts), limit, torch.Generator().manual_seed(0)),
        explore=explore or Exploration(),
        eos_id=EOS,
        pad_id=PAD,
        value_head=(lambda states: values_of(model, states)) if values else None,
        decode=decode,
    )


def assert_alike(got, expected):
    assert torch.equal(got.tokens, expected.tokens)
    assert torch.equal(got.mask, expected.mask)
    assert torch.equal(got.ended, expected.ended)
    # float32 through two layers, sums over another number of masked slots.
    close = {"rtol": 0.0, "atol": 1e-5}
    torch.testing.assert_close(got.logprobs, expected.logprobs, **close)
    torch.testing.assert_close(got.behaviour, expected.behaviour, **close)
    torch.testing.assert_close(got.values, expected.values, **close)


class Watched:
    """Runs steps plainly, and keeps the shape of each."""

    def __init__(self):
        self.shapes = []

    def __call__(self, step, shape):
        self.shapes.append(shape)
        step()

    def decode(self, model, prompts, turns):
        decode_static(model, prompts, turns, self)


@pytest.mark.parametrize("explore", EXPLORATIONS)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_tokens_logprobs_and_values(family, explore):
    model, explore = model_of(family), EXPLORATIONS[explore]
    got = draw(model, decode_static, explore)
    assert got.ended.any()
    assert len(set(got.mask.sum(dim=1).tolist())) > 2, "they end at different times"
    assert_alike(got, draw(model, decode_dropping, explore))


@pytest.mark.parametrize("family", FAMILIES)
def test_without_a_value_head(family):
    model = model_of(family)
    got = draw(model, decode_static, values=False)
    assert_alike(got, draw(model, decode_dropping, values=False))
    assert (got.values == 0).all()


@pytest.mark.parametrize("values", [True, False])
@pytest.mark.parametrize("limit", [1, 2, 3, 4, 9])
def test_every_limit_on_the_length(limit, values):
    """One token; as many as lie between two looks; one more."""
    model = model_of("llama", eos=-1e9)
    got = draw(model, decode_static, values=values, limit=limit)
    assert got.mask.all()
    assert got.values.shape == (len(PROMPTS), limit + 1)
    assert (got.values != 0).all() == values
    assert_alike(got, draw(model, decode_dropping, values=values, limit=limit))


def test_shapes_are_few_and_shrink_with_the_sequences_that_go_on():
    watched, model = Watched(), model_of("gpt2")
    got = draw(model, watched.decode)
    going = [len(PROMPTS) - int((got.mask.sum(dim=1) <= turn).sum()) for turn in range(LIMIT)]
    rows, shown = zip(*watched.shapes, strict=True)
    # With a value after the last token, as many are read as are drawn.
    assert len(watched.shapes) == LIMIT
    assert list(rows) == sorted(rows, reverse=True)
    assert list(shown) == sorted(shown)
    # The longest prompt has 7 tokens, and slots are shown by eights: 7 + 1 is the last turn of the first shape.
    assert [shown.count(slots) for slots in (8, 16, 24, 28)] == [1, 8, 8, 3]
    # Dropping comes at turns 3, 6, 9..., at half of what is carried.
    assert rows[0] == len(PROMPTS)
    assert 1 < len(set(rows)) < 5
    assert all(carried >= left for carried, left in zip(rows, going, strict=True))


def test_it_stops_soon_after_all_have_ended():
    watched = Watched()
    got = draw(model_of("gpt2", eos=1e9), watched.decode)
    assert got.tokens.tolist() == [[EOS]] * len(PROMPTS)
    assert got.values.shape == (len(PROMPTS), 2)
    assert len(watched.shapes) == 2


def test_a_step_writes_nothing_but_the_tensors_that_were_there_before(monkeypatch):
    """What a recording needs: every step of a shape works on the same memory and changes nothing on the host."""
    seen = {}

    def run_step(step, shape):
        decoder = step.__self__
        places = {
            name: value.data_ptr() for name, value in vars(decoder).items() if isinstance(value, torch.Tensor)
        }
        places |= {
            f"{index} {name}": getattr(layer, name).data_ptr()
            for index, layer in enumerate(decoder.cache.layers)
            for name in ("keys", "values", "newest")
        }
        places |= {
            name: value.data_ptr()
            for name, value in vars(decoder.turns).items()
            if isinstance(value, torch.Tensor)
        }
        host = vars(decoder.cache.slots).copy(), shape
        step()
        assert (vars(decoder.cache.slots), decoder.shape) == host
        assert seen.setdefault("places", places) == places

    model = model_of("qwen2")
    draw(model, lambda *arguments: decode_static(*arguments, run_step))
    assert len(seen["places"]) == 6 + 2 * 3 + 5


def test_a_step_asks_the_host_for_no_value():
    """On the meta device there are no values: whatever would ask for one fails."""
    model = model_of("llama").to("meta")
    prompts = Packed(**{name: to_meta(value) for name, value in vars(pack(PROMPTS[:3], CPU)).items()})
    dice = torch.zeros(3, 5, device="meta")
    turns = Turns(dice, EXPLORATIONS["all"], EOS, PAD, lambda states: values_of(model, states))
    decoder = StaticDecoder(model, prompts, turns)
    for _ in range(3):
        decoder.cache.advance()
        decoder.step()
    assert decoder.shape == (3, 8)
    with pytest.raises(RuntimeError, match="meta"):
        decoder.drop_done()


def to_meta(value):
    if isinstance(value, Layout):
        return Layout(**{name: to_meta(item) for name, item in vars(value).items()})
    return value.to("meta") if isinstance(value, torch.Tensor) else value


def test_a_cpu_and_a_model_with_windows_take_the_path_that_drops(monkeypatch):
    assert fastest_decode(model_of("gpt2")) is decode_dropping
    monkeypatch.setattr(cuda_graphs, "has_windows", lambda model: False)
    assert fastest_decode(model_of("mistral")) is decode_dropping
