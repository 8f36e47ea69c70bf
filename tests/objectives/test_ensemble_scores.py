import pytest
import torch

from components.objectives.ensembles import pessimistic_mean


def test_by_hand():
    # 1, 3: mean 2, std 1;  5, 5: no doubt;  -2, 4: mean 1, std 3
    scores = torch.tensor([[1.0, 5.0, -2.0], [3.0, 5.0, 4.0]])
    assert pessimistic_mean(scores, penalty=0.5).tolist() == pytest.approx([1.5, 5.0, -0.5])
    assert pessimistic_mean(scores, penalty=0.0).tolist() == [2.0, 5.0, 1.0]


def test_one_model_is_taken_at_its_word():
    scores = torch.tensor([[1.0, -7.5]])
    assert pessimistic_mean(scores, penalty=2.0).tolist() == [1.0, -7.5]
