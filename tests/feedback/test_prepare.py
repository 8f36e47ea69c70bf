"""Accepted rows as training data: what goes where, what is left out, and when there is too little."""

import polars as pl
import pytest
from prepare_rows import (
    PARAMS,
    demonstration,
    enough,
    pair,
    prepare,
    rating,
    records,
    row,
    thumb,
    votes,
)

from components.errors import DataError
from components.feedback.splits import SPLITS, normalise_prompt, role_of, split_of
from components.feedback.tables import TABLES, write_tables
from components.files import digest_tree
from components.records import Demonstration, Prompt, Rating

QUESTIONS = [f"Question {n}?" for n in range(60)]
TRAIN = next(f"Train {n}?" for n in range(99) if split_of(f"Train {n}?", 0.1, 0.2) == "train")


def demonstrations_of(prepared, prompt: str) -> list[str]:
    return [item.response for item in records(prepared, "demonstrations") if item.prompt == prompt]


def test_no_prompt_is_in_two_splits_whatever_the_kind() -> None:
    rows = enough(200) + [rating(f" question {n}? ", "Fine.", 3, "Ann") for n in range(200)]
    prepared = prepare(rows)
    where: dict[str, set[str]] = {}
    for name in TABLES:
        for split in SPLITS:
            for record in records(prepared, name, split):
                where.setdefault(normalise_prompt(record.prompt), set()).add(split)
    assert len(where) == 200
    assert all(len(splits) == 1 for splits in where.values())
    assert set().union(*where.values()) == set(SPLITS)


def test_more_feedback_moves_nothing() -> None:
    few, many = prepare(enough(80)), prepare(enough(160))
    for split in SPLITS:
        before = records(few, "preferences", split)
        assert records(many, "preferences", split)[: len(before)] == before


def test_demonstrations_are_what_people_wrote_or_mended() -> None:
    rows = [
        *enough(),
        demonstration(TRAIN, "Written."),
        row("edit", TRAIN, ("Rough.", "Mended.")),
        demonstration(TRAIN, "Written."),
    ]
    prepared = prepare(rows)
    assert demonstrations_of(prepared, TRAIN) == ["Written.", "Mended."]
    assert records(prepared, "demonstrations", "train")[-2] == Demonstration(
        TRAIN, "Written.", "test", "batch-1"
    )
    assert (prepared.written, prepared.demonstrations.height, prepared.chosen) == (63, 62, 0)


def test_what_people_mended_teaches_the_judge_or_the_policy() -> None:
    """A mended answer is a preference, too; on the judge's prompts it must not teach what the judge will judge."""
    questions = [f"Question {number}?" for number in range(60)]
    rows = [*enough(60), *(row("edit", question, ("Rough.", f"Mended {question}")) for question in questions)]
    prepared = prepare(rows)
    taught = {q for q in questions if f"Mended {q}" in demonstrations_of(prepared, q)}
    roles = {q: role_of(q, PARAMS.judge_share) for q in QUESTIONS if q in questions}
    assert {roles[q] for q in roles} == {"reward", "judge"}
    assert {q for q in roles if q in taught} == {q for q in roles if roles[q] == "reward"}


@pytest.mark.parametrize(
    ("mode", "least", "added"),
    [("always", 0, True), ("never", 999, False), ("auto", 60, False), ("auto", 61, True)],
)
def test_chosen_answers_as_demonstrations(mode: str, least: int, added: bool) -> None:
    """60 demonstrations were written. The tie's answers and the answer that is a demonstration are not added,
    nor is anything that the judge learns from.
    """
    params = PARAMS.model_copy(update={"chosen_as_demonstrations": mode, "min_demonstrations": least})
    rows = [*enough(60), pair("Question 0?", "C", "D", 0.5), pair("Question 1?", "Written.", "E", 1)]
    prepared = prepare(rows, params)
    of_role = {
        role: [q for q in QUESTIONS if role_of(q, params.judge_share) == role] for role in ("reward", "judge")
    }
    assert all(len(questions) > 10 for questions in of_role.values())
    assert all(demonstrations_of(prepared, q) == ["Written."] for q in of_role["judge"])
    assert all(demonstrations_of(prepared, q) == ["Written."] + ["Good."] * added for q in of_role["reward"])
    assert prepared.chosen == len(of_role["reward"]) * added


def test_ratings_and_thumbs_are_scaled_to_one() -> None:
    """The row of thumbs has two up and one down."""
    rows = [
        *enough(),
        rating(TRAIN, "Fine.", 4, "Ann"),
        rating(TRAIN, "Bad.", 1, "Ann", best=10),
        row("thumbs", TRAIN, ("So-so.",), votes=votes(1, 1, 0)),
    ]
    role = role_of(TRAIN, PARAMS.judge_share)
    assert records(prepare(rows), "ratings", "train") == [
        Rating(TRAIN, "Fine.", 0.75, "test", "batch-1", "rating", 5, role),
        Rating(TRAIN, "Bad.", 0.0, "test", "batch-1", "rating", 10, role),
        Rating(TRAIN, "So-so.", pytest.approx(2 / 3), "test", "batch-1", "thumbs", 2, role),
    ]


@pytest.mark.parametrize(("best", "levels"), [(3, 3), (6, 6), (11, 11), (12, 11), (101, 11), (2.5, 11)])
def test_fine_and_fractional_scales_are_read_in_tenths(best: float, levels: int) -> None:
    (found,) = records(prepare([*enough(), rating(TRAIN, "Fine.", 2, "Ann", best=best)]), "ratings", "train")
    assert found.levels == levels


def test_prompts_are_distinct_and_of_all_kinds() -> None:
    rows = [*enough(), thumb(TRAIN, "Fine.", 1), demonstration(TRAIN.upper(), "Loud.")]
    prompts = records(prepare(rows), "prompts")
    assert len(prompts) == 61
    assert Prompt(TRAIN, "test") in prompts
    assert Prompt(TRAIN.upper(), "test") not in prompts


def test_the_same_rows_write_the_same_bytes(tmp_path) -> None:
    write_tables(tmp_path / "a", prepare(enough()))
    write_tables(tmp_path / "b", prepare(enough()))
    written = digest_tree(tmp_path / "a")
    assert written == digest_tree(tmp_path / "b")
    assert sorted(written) == sorted(f"{name}/{split}.parquet" for name in TABLES for split in SPLITS)


def test_tables_replace_those_that_were_there(tmp_path) -> None:
    (tmp_path / "prepared").mkdir()
    (tmp_path / "prepared" / "old.parquet").write_text("old")
    write_tables(tmp_path / "prepared", prepare(enough()))
    assert not (tmp_path / "prepared" / "old.parquet").exists()


def test_a_table_without_rows_has_its_columns(tmp_path) -> None:
    write_tables(tmp_path, prepare(enough()))
    frame = pl.read_parquet(tmp_path / "ratings" / "train.parquet")
    assert frame.schema == {
        "prompt": pl.String,
        "response": pl.String,
        "rating": pl.Float64,
        "source": pl.String,
        "batch": pl.String,
        "kind": pl.String,
        "levels": pl.Int64,
        "role": pl.String,
    }
    assert frame.height == 0


def test_no_comparison_at_all_is_an_error() -> None:
    with pytest.raises(DataError, match="no comparison of two answers") as error:
        prepare([demonstration("P", "A"), rating("P", "A", 3, "Ann")])
    assert "ingest pairwise judgements" in error.value.remedy


def test_an_error_names_all_that_is_missing() -> None:
    with pytest.raises(DataError) as error:
        prepare([pair(TRAIN, "A", "B", 1)], PARAMS.model_copy(update={"judge_share": 0.999999}))
    assert error.value.message == (
        "too little feedback: there are no demonstrations to train on, "
        "no preferences to train the reward model on, no preferences to test on"
    )
    assert "prepare in params.yaml" in error.value.remedy


def test_shares_that_leave_nothing_to_train_on_are_an_error() -> None:
    params = PARAMS.model_copy(update={"validation_share": 0.5, "test_share": 0.5})
    with pytest.raises(DataError, match="no preferences to train the judge on"):
        prepare(enough(), params)
