"""Every kind of feedback as comparisons, and comparisons as preferences: labels and weights by hand."""

from collections import Counter

import pytest
from prepare_rows import demonstration, pair, rating, row, thumb

from components.feedback.comparisons import compare_all
from components.feedback.preferences import aggregate
from components.feedback.splits import role_of
from components.records import Opinion, Preference


def seen(*rows: dict) -> list[tuple[str, str, float, float]]:
    """First answer, second answer, label and weight of each comparison."""
    return [(found.first, found.second, found.label, found.weight) for found in compare_all(rows)]


def preferred(*rows: dict) -> list[tuple[str, str, float, float]]:
    """Chosen, rejected, probability and weight of each preference."""
    pairs = aggregate(compare_all(rows), judge_share=0.4)
    return [(item.chosen, item.rejected, item.probability, item.weight) for item in pairs]


def test_each_vote_is_a_comparison() -> None:
    assert seen(pair("P", "A", "B", 1, 0, 0.5)) == [
        ("A", "B", 1.0, 1.0),
        ("A", "B", 0.0, 1.0),
        ("A", "B", 0.5, 1.0),
    ]


@pytest.mark.parametrize(
    ("label", "strength", "softened"),
    [(1, None, 1.0), (1, 1.0, 1.0), (1, 0.4, 0.7), (0, 0.4, 0.3), (1, 0.0, 0.5), (0.5, 0.8, 0.5)],
)
def test_strength_draws_a_label_to_the_tie(label: float, strength: float | None, softened: float) -> None:
    assert seen(pair("P", "A", "B", label, strength=strength)) == [("A", "B", pytest.approx(softened), 1.0)]


def test_a_ranking_of_four_counts_as_three_pairs() -> None:
    found = seen(row("ranking", "P", ("A", "B", "C", "D"), ranks=[2, 1, 4, 3]))
    assert found == [
        ("A", "B", 0.0, 0.5),
        ("A", "C", 1.0, 0.5),
        ("A", "D", 1.0, 0.5),
        ("B", "C", 1.0, 0.5),
        ("B", "D", 1.0, 0.5),
        ("C", "D", 0.0, 0.5),
    ]
    assert sum(weight for *_, weight in found) == 3.0


def test_many_answers_meet_some_of_the_others_and_weigh_no_less() -> None:
    """17 answers: each meets all 16 others. 100 answers: each meets 16, which makes 800 pairs, not 4,950."""
    for count, pairs in ((17, 136), (100, 800)):
        answers = [f"Answer {number}" for number in range(count)]
        found = seen(row("ranking", "P", answers, ranks=list(range(1, count + 1))))
        met = Counter(answer for first, second, *_ in found for answer in (first, second))
        assert len({frozenset((first, second)) for first, second, *_ in found}) == len(found) == pairs
        assert set(met.values()) == {16}
        assert sum(weight for *_, weight in found) == pytest.approx(count - 1)
        assert all((int(a[7:]) < int(b[7:])) == bool(label) for a, b, label, _ in found)


def test_which_answers_meet_does_not_depend_on_their_order() -> None:
    rows = [thumb("P", f"Answer {number}", number % 2) for number in range(40)]
    met = [{frozenset((first, second)) for first, second, *_ in seen(*order)} for order in (rows, rows[::-1])]
    assert met[0] == met[1]
    assert len(met[0]) < 40 * 8


def test_equal_ranks_say_nothing() -> None:
    found = seen(row("ranking", "P", ("A", "B", "C"), ranks=[1, 1, 2]))
    assert [(first, second) for first, second, *_ in found] == [("A", "C"), ("B", "C")]


def test_an_edit_beats_what_it_was_made_from() -> None:
    assert seen(row("edit", "P", ("Rough.", "Mended."))) == [("Mended.", "Rough.", 1.0, 1.0)]


def test_a_demonstration_compares_nothing() -> None:
    assert seen(demonstration("P", "A")) == []


def test_ratings_are_compared_within_each_person() -> None:
    """Ann prefers A and Bob prefers B, though Bob's ratings are all higher."""
    rows = [
        rating("P", "A", 2, "Ann"),
        rating("P", "B", 1, "Ann"),
        rating("P", "A", 4, "Bob"),
        rating("P", "B", 5, "Bob"),
    ]
    assert seen(*rows) == [("A", "B", 1.0, 1.0), ("A", "B", 0.0, 1.0)]
    assert preferred(*rows) == [("A", "B", 0.5, 1.0)]


def test_answers_that_nobody_rated_both_of_are_compared_by_their_means() -> None:
    """A: 0.75 of a 5-point scale. B: mean of 0.5 and 1 of 3-point scales = 0.75: a tie; C: 0."""
    rows = [
        rating("P", "A", 4, "Ann"),
        rating("P", "B", 2, "Bob", best=3),
        rating("P", "B", 3, None, best=3),
        rating("P", "C", 1, "Eve"),
    ]
    third = pytest.approx(2 / 3)
    assert seen(*rows) == [("A", "C", 1.0, third), ("B", "C", 1.0, third)]


def test_nameless_people_are_not_one_person() -> None:
    """Each answer's mean counts, not who of the nameless gave what: A has 1 and 5, B has 4."""
    rows = [rating("P", "A", 1, None), rating("P", "A", 5, None), rating("P", "B", 4, None)]
    assert seen(*rows) == [("A", "B", 0.0, 1.0)]


def test_ratings_of_other_prompts_are_not_compared() -> None:
    assert seen(rating("P", "A", 5, "Ann"), rating("Q", "B", 1, "Ann")) == []


def test_equal_ratings_say_nothing() -> None:
    assert seen(rating("P", "A", 3, "Ann"), rating("P", "B", 3, "Ann")) == []


def test_thumbs_up_beat_thumbs_down() -> None:
    """B has two thumbs up and one down; D's thumbs are even."""
    rows = [
        thumb("P", "A", 0),
        *(thumb("P", "B", up) for up in (1, 1, 0)),
        thumb("P", "C", 1),
        *(thumb("P", "D", up) for up in (1, 0)),
    ]
    assert seen(*rows) == [("A", "B", 0.0, 0.5), ("A", "C", 0.0, 0.5)]


def test_votes_on_the_same_two_answers_meet_in_any_order_row_or_batch() -> None:
    """A over B: 1, and from the row that has them the other way round 1 - 0 and 1 - 1."""
    rows = [pair("P", "A", "B", 1), pair("P", "B", "A", 0, 1, batch="batch-2")]
    assert preferred(*rows) == [("A", "B", pytest.approx(2 / 3), 1.0)]


def test_the_preferred_answer_is_the_chosen_one() -> None:
    assert preferred(pair("P", "A", "B", 0, 0, 1, 0)) == [("B", "A", 0.75, 1.0)]


def test_a_tie_stays() -> None:
    assert preferred(pair("P", "A", "B", 0.5)) == [("A", "B", 0.5, 1.0)]
    assert preferred(pair("P", "A", "B", 1, 0)) == [("A", "B", 0.5, 1.0)]


def test_other_prompts_and_other_answers_are_other_preferences() -> None:
    rows = [pair("P", "A", "B", 1), pair("P", "A", "C", 1), pair("Q", "A", "B", 1)]
    assert [chosen + rejected for chosen, rejected, *_ in preferred(*rows)] == ["AB", "AC", "AB"]


def test_the_weightiest_judgement_gives_the_weight() -> None:
    ranking = row("ranking", "P", ("A", "B", "C", "D"), ranks=[1, 2, 3, 4])
    weights = {
        chosen + rejected: weight
        for chosen, rejected, _, weight in preferred(ranking, pair("P", "A", "B", 1))
    }
    assert weights == {"AB": 1.0, "AC": 0.5, "AD": 0.5, "BC": 0.5, "BD": 0.5, "CD": 0.5}


def test_a_preference_remembers_where_it_came_from() -> None:
    rows = [pair("P", "A", "B", 1, source="first", batch="b-1"), pair("P", "B", "A", 0, source="second")]
    (found,) = aggregate(compare_all(rows), judge_share=0.4)
    for_a = Opinion("pairwise", 1.0, 1.0, "person 0", None)
    role = role_of("P", 0.4)
    assert found == Preference("P", "A", "B", 1.0, 1.0, "first", "b-1", role, 0.0, (for_a, for_a))
