"""What is random goes on where it stood, also on another machine."""

import random

import numpy as np
import torch

from components.training.randomness import LibraryRandomness


def draws():
    return random.random(), np.random.random(), torch.rand(3).tolist()


def test_every_generator_goes_on_where_it_stood():
    everything = LibraryRandomness()
    state = everything.state()
    expected = draws()
    assert draws() != expected
    everything.restore(state)
    assert draws() == expected


def test_a_machine_with_fewer_gpus_takes_the_states_of_those_it_has(monkeypatch):
    taken = []
    monkeypatch.setattr(torch.cuda, "set_rng_state_all", taken.extend)
    of_gpus = [torch.full((16,), number, dtype=torch.uint8) for number in range(4)]
    everything = LibraryRandomness()
    for count, expected in ((2, [0, 1]), (0, []), (8, [0, 1, 2, 3])):
        monkeypatch.setattr(torch.cuda, "device_count", lambda count=count: count)
        everything.restore(everything.state() | {"cuda": of_gpus})
        assert [state[0].item() for state in taken] == expected
        taken.clear()
