"""Who prefers both of two answers, by hand."""

import polars as pl

from components.feedback.columns import table_of
from components.feedback.contradictions import VOICES, contradictions, voices, write_voices
from components.feedback.draft import FIRST, SECOND, TIE, Draft, PromptText, Vote
from components.feedback.faults import by_place
from components.feedback.judgements import Judgement

TOLD = "'ann' prefers both responses, each once (lines 10 and 11)"
BLOCKS = (
    [(7, "ann", True, 0, 10), (7, "bob", True, 0, 10), (8, "ann", True, 1, 10)],
    [(7, "ann", False, 5, 11), (7, "bob", True, 6, 12), (8, "ann", True, 7, 13)],
)


def _faults(folder, *blocks, refused=()):
    for number, heard in enumerate(blocks):
        write_voices(folder, number, pl.DataFrame(heard, schema=VOICES, orient="row"))
    found = contradictions(folder, pl.Series(refused, dtype=pl.Int64))
    return {place: fault.what for place, fault in by_place(found).items()}


def _voices(draft):
    rows = table_of([Judgement(3, 4, draft, "00000000000000ff" + "0" * 48, "0" * 64)], "a tool")
    return voices(rows).rows()


def test_only_one_persons_two_minds_are_a_contradiction(tmp_path):
    assert _faults(tmp_path, *BLOCKS) == {0: TOLD, 5: TOLD}


def test_a_row_that_is_refused_already_contradicts_nothing(tmp_path):
    assert _faults(tmp_path, *BLOCKS, refused=[5]) == {}


def test_nobody_spoke(tmp_path):
    assert _faults(tmp_path, []) == {}


def test_voices_of_a_pair_in_either_order():
    votes = (Vote("ann", FIRST), Vote("bob", SECOND), Vote("eve", TIE), Vote(None, FIRST))
    for responses, first in ((("a", "b"), True), (("b", "a"), False)):
        draft = Draft("pairwise", PromptText("p"), responses, ("x", "y"), votes=votes)
        assert _voices(draft) == [(255, "ann", first, 3, 4), (255, "bob", not first, 3, 4)]


def test_ratings_contradict_nobody():
    assert _voices(Draft("rating", PromptText("p"), ("a",), ("x",), votes=(Vote("ann", 1.0),))) == []
