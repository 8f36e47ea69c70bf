"""Whose answers people are to compare."""

import pytest
import torch
from modeling.tiny_models import saved_policy
from tracking.fake_workspace import READY, write_reports
from tracking.promotion_case import flip_a_bit

from components.errors import ModelError, RegistryError
from components.tracking.loading import load_contenders
from components.tracking.promotion import promote
from components.tracking.registration import register_all


def told(tracker):
    return [(version.name, version.version) for version in load_contenders(tracker)]


def test_champion_and_candidate_where_they_differ(tracker, root):
    with pytest.raises(RegistryError, match="no version yet"):
        load_contenders(tracker)
    register_all(tracker)
    assert told(tracker) == [("reviews-candidate", "1")]
    promote(tracker, "1", "reviewer")
    assert told(tracker) == [("reviews", "1")]
    # The same policy under another evaluation is another candidate, and the same model.
    write_reports(root, READY | {"note": "another"})
    register_all(tracker)
    assert told(tracker) == [("reviews", "1")]
    torch.manual_seed(9)
    saved_policy(root / "models/policy", "gpt2")
    register_all(tracker)
    champion, candidate = load_contenders(tracker)
    assert (champion.name, candidate.name, candidate.version) == ("reviews", "reviews-candidate", "3")
    flip_a_bit(candidate.reward / "model.safetensors")
    with pytest.raises(ModelError, match="SHA-256"):
        load_contenders(tracker)
