"""What people said behind a preference: strengths, names, and kinds that can be taken out again. By hand."""

from dataclasses import replace

import pytest
from prepare_rows import pair, rating, row, thumb, votes

from components.feedback.comparisons import compare_all
from components.feedback.preferences import aggregate, without_kinds
from components.records import Opinion, Preference


def preferences(*rows: dict) -> list[Preference]:
    return aggregate(compare_all(rows), judge_share=0.4)


@pytest.mark.parametrize(
    ("vote", "strength", "margin", "agreement"),
    [(1, 0.4, 0.4, 1.0), (0, 0.4, 0.4, 1.0), (1, 1.0, 1.0, 1.0), (1, None, 0.0, 1.0), (0.5, 0.9, 0.0, 0.5)],
)
def test_the_margin_is_the_strength_where_one_was_given(vote, strength, margin, agreement) -> None:
    (found,) = preferences(pair("P", "A", "B", vote, strength=strength))
    assert (found.margin, found.agreement) == (margin, agreement)
    assert found.chosen == ("B" if vote == 0 else "A")


def test_strengths_on_either_side_are_weighed_against_each_other() -> None:
    """For A at 1.0, for B at 0.4: labels 1 and 0.3, margin (1.0 - 0.4) / 2; each side has one vote."""
    rows = [pair("P", "A", "B", 1, strength=1.0), pair("P", "B", "A", 1, strength=0.4)]
    (found,) = preferences(*rows)
    assert (found.chosen, found.agreement) == ("A", 0.5)
    assert (found.probability, found.margin) == pytest.approx((0.65, 0.3))


def test_one_clear_vote_outweighs_two_faint_ones_but_not_their_number() -> None:
    rows = [pair("P", "A", "B", 1, strength=1.0), pair("P", "A", "B", 0, 0, strength=0.2)]
    (found,) = preferences(*rows)
    # Labels 1, 0.4, 0.4; of the votes one in three is for A.
    assert (found.chosen, found.probability) == ("A", pytest.approx(0.6))
    assert (found.agreement, found.margin) == pytest.approx((1 / 3, 0.2))


def test_a_lead_of_the_rejected_answer_is_no_margin() -> None:
    """Two votes for A by people who were not asked how clear it is, and a faint one for B."""
    (found,) = preferences(pair("P", "A", "B", 1, 1), pair("P", "B", "A", 1, strength=0.3))
    assert (found.chosen, found.margin) == ("A", 0.0)


def test_each_opinion_is_of_the_chosen_answer_and_keeps_its_name() -> None:
    rows = [
        row("pairwise", "P", ("A", "B"), votes=votes(0, 0, by=["Ann", None]), strength=0.6),
        row("pairwise", "P", ("B", "A"), votes=votes(0, by=["Bob"])),
    ]
    (found,) = preferences(*rows)
    assert found.chosen == "B"
    assert found.opinions == (
        Opinion("pairwise", 1.0, 1.0, "Ann", 0.6),
        Opinion("pairwise", 1.0, 1.0, None, 0.6),
        Opinion("pairwise", 0.0, 1.0, "Bob", None),
    )


def test_names_of_those_who_ranked_mended_and_rated() -> None:
    rows = [
        row("ranking", "P", ("A", "B"), ranks=[1, 2], annotator="Ann"),
        row("edit", "Q", ("Rough.", "Mended."), annotator="Bob"),
        rating("R", "A", 5, "Eve"),
        rating("R", "B", 1, "Eve"),
        rating("S", "A", 5, "Eve"),
        rating("S", "B", 1, "Kim"),
        thumb("T", "A", 1, "Ann"),
        thumb("T", "B", 0, "Ann"),
    ]
    said = [(o.kind, o.annotator) for found in preferences(*rows) for o in found.opinions]
    # Nobody rated both answers to S, and thumbs are compared by their means: nobody said so by name.
    assert said == [
        ("ranking", "Ann"),
        ("edit", "Bob"),
        ("rating", "Eve"),
        ("rating", None),
        ("thumbs", None),
    ]


def test_kinds_are_taken_out_of_what_preferences_rest_on() -> None:
    """A over B by two ratings, B over A by one vote; C over D by ratings alone; E over F by a vote alone."""
    rows = [
        pair("P", "B", "A", 1, strength=0.8),
        *(rating("P", text, given, name) for name in ("Ann", "Bob") for text, given in (("A", 5), ("B", 1))),
        rating("Q", "C", 5, "Ann"),
        rating("Q", "D", 1, "Ann"),
        pair("R", "E", "F", 1),
    ]
    together = preferences(*rows)
    assert [(p.chosen, p.probability) for p in together] == [
        ("A", pytest.approx(0.7)),
        ("E", 1.0),
        ("C", 1.0),
    ]
    apart = without_kinds(together, ["rating"])
    assert [(p.chosen, p.rejected) for p in apart] == [("B", "A"), ("E", "F")]
    assert (apart[0].probability, apart[0].margin) == pytest.approx((0.9, 0.8))
    assert apart[0].opinions == (Opinion("pairwise", 1.0, 1.0, "person 0", 0.8),)
    assert apart[1] is together[1]
    assert without_kinds(together, ["thumbs"]) == together
    assert without_kinds(together, []) == together


def test_the_weight_is_that_of_the_weightiest_opinion_left() -> None:
    ranking = row("ranking", "P", ("A", "B", "C", "D"), ranks=[1, 2, 3, 4])
    found = without_kinds(preferences(ranking, pair("P", "A", "B", 1)), ["pairwise"])
    assert {p.weight for p in found} == {0.5}


def test_a_preference_without_opinions_stays() -> None:
    made = Preference("P", "A", "B", probability=0.8)
    assert without_kinds([made], ["rating"]) == [made]
    assert made.agreement == 0.8
    assert replace(made, margin=0.5).margin == 0.5


def test_an_exact_tie_is_not_pushed_below_one_half_by_rounding() -> None:
    """Strengths whose labels add up to a hair below a half each way round."""
    for strength in (0.1, 0.3, 0.7, 0.9):
        (found,) = preferences(pair("P", "A", "B", 1, 0, 1, 0, strength=strength))
        assert found.probability == pytest.approx(0.5)
        assert found.probability >= 0.5
        assert found.margin == pytest.approx(0.0, abs=1e-12)
