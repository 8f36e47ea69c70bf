import pytest
import torch

from components.objectives.value_losses import clipped_value_loss, explained_variance, value_clip_fraction

ONE = torch.ones(1, 1, dtype=torch.bool)


def test_value_loss_by_hand():
    values, old = torch.tensor([[1.0, 0.05]]), torch.zeros(1, 2)
    returns, mask = torch.tensor([[2.0, 1.0]]), torch.ones(1, 2, dtype=torch.bool)
    # first: held at 0.2, (0.2 - 2)^2 = 3.24 > 1;  second: not held, 0.95^2 = 0.9025.
    assert clipped_value_loss(values, old, returns, mask, 0.2).item() == pytest.approx(
        0.5 * (3.24 + 0.9025) / 2
    )


def test_a_value_clipped_on_its_way_to_the_return_gets_no_gradient():
    values = torch.tensor([[1.0]], requires_grad=True)
    clipped_value_loss(values, torch.zeros(1, 1), torch.tensor([[2.0]]), ONE, 0.2).backward()
    assert values.grad.item() == 0.0


def test_explained_variance():
    returns, mask = torch.tensor([[1.0, 2.0, 3.0]]), torch.ones(1, 3, dtype=torch.bool)
    assert explained_variance(returns, returns, mask).item() == 1.0
    assert explained_variance(torch.full((1, 3), 2.0), returns, mask).item() == 0.0
    assert explained_variance(-returns, returns, mask).item() == pytest.approx(-3.0)


def test_a_value_clipped_on_its_way_away_from_the_return_is_pulled_back():
    values = torch.tensor([[-1.0]], dtype=torch.float64, requires_grad=True)
    clipped_value_loss(
        values, torch.zeros(1, 1).double(), torch.tensor([[2.0]]).double(), ONE, 0.2
    ).backward()
    assert values.grad.item() == pytest.approx(-3.0)  # value - return


def test_clip_fraction_counts_the_tokens_without_a_gradient():
    values = torch.tensor([1.0, 0.05, -1.0, -2.0, 9.0], dtype=torch.float64, requires_grad=True)
    old, returns = torch.zeros(5).double(), torch.tensor([2.0, 1.0, 2.0, 2.0, 10.0]).double()
    mask = torch.tensor([True, True, True, True, False])
    clipped_value_loss(values, old, returns, mask, 0.2).backward()
    assert [grad == 0.0 for grad in values.grad.tolist()] == [True, False, False, False, True]
    share = value_clip_fraction(values, old, returns, mask, 0.2)
    assert share.item() == 0.25
    assert not share.requires_grad
    assert value_clip_fraction(values, old, returns, mask, 0.2, count=8).item() == 0.125


@pytest.mark.parametrize("garbage", [float("nan"), float("inf"), -float("inf"), 1e300])
@pytest.mark.parametrize("dirty", ["values", "old_values", "returns", "all"])
def test_masked_garbage_reaches_neither_the_loss_nor_the_gradient(garbage, dirty):
    mask = torch.tensor([[True, True, False]])
    rows = {"values": [1.0, 0.05, 0.0], "old_values": [0.0, 0.0, 0.0], "returns": [2.0, 1.0, 0.0]}
    for name in rows:
        if dirty in (name, "all"):
            rows[name][2] = garbage
    tensors = {name: torch.tensor([row], dtype=torch.float64) for name, row in rows.items()}
    values = tensors["values"].requires_grad_()
    loss = clipped_value_loss(**tensors, mask=mask, value_clip=0.2)
    loss.backward()
    assert loss.item() == pytest.approx(0.5 * (3.24 + 0.9025) / 2)
    # -0.95 / 2 tokens
    assert values.grad.tolist()[0] == pytest.approx([0.0, -0.475, 0.0])
    # 1 - Var(1, .95) / Var(2, 1) = 1 - .000625 / .25
    assert explained_variance(values, tensors["returns"], mask).item() == pytest.approx(0.9975)
