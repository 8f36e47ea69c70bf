"""Who prefers both of two answers, by hand."""

from components.feedback.contradictions import Voice, contradictions, voices, write_voices
from components.feedback.draft import FIRST, SECOND, TIE, Draft, PromptText, Vote


def _faults(folder, *blocks, refused=()):
    for number, heard in enumerate(blocks):
        write_voices(folder, number, heard)
    return {place: fault.what for place, fault in contradictions(folder, refused).items()}


TOLD = "'ann' prefers both responses, each once (lines 10 and 11)"
BLOCKS = (
    [Voice(7, "ann", True, 0, 10), Voice(7, "bob", True, 0, 10), Voice(8, "ann", True, 1, 10)],
    [Voice(7, "ann", False, 5, 11), Voice(7, "bob", True, 6, 12), Voice(8, "ann", True, 7, 13)],
)


def test_only_one_persons_two_minds_are_a_contradiction(tmp_path):
    assert _faults(tmp_path, *BLOCKS) == {0: TOLD, 5: TOLD}


def test_a_row_that_is_refused_already_contradicts_nothing(tmp_path):
    assert _faults(tmp_path, *BLOCKS, refused=[5]) == {}


def test_nobody_spoke(tmp_path):
    assert _faults(tmp_path, []) == {}


def test_voices_of_a_pair_in_either_order():
    votes = (Vote("ann", FIRST), Vote("bob", SECOND), Vote("eve", TIE), Vote(None, FIRST))
    texts = "00000000000000ff" + "0" * 48
    for responses, first in ((("a", "b"), True), (("b", "a"), False)):
        draft = Draft("pairwise", PromptText("p"), responses, ("x", "y"), votes=votes)
        assert list(voices(draft, texts, 3, 4)) == [
            Voice(255, "ann", first, 3, 4), Voice(255, "bob", not first, 3, 4),
        ]  # fmt: skip


def test_ratings_contradict_nobody():
    draft = Draft("rating", PromptText("p"), ("a",), ("x",), votes=(Vote("ann", 1.0),))
    assert list(voices(draft, "0" * 64, 0, 1)) == []
