"""Answers in pieces: the same texts and tokens as all at once, cut where they should be."""

from __future__ import annotations

from dataclasses import replace

import pytest
from chat.chat_case import FORMAT, PROMPT, TOK, write_policy

from components.modeling.exploration import Exploration
from components.modeling.generation import answer
from components.modeling.loading import load_policy
from components.serving.question import Finished, Piece, Question
from components.serving.stops import Stops
from components.serving.version import ServedVersion
from components.serving.writing import write_answers


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("policy")
    write_policy(folder, seed=1)
    return ServedVersion("reviews", "1", *load_policy(folder), None)


def written(served, question):
    """Pieces put together and what finished, by answer."""
    texts, ends = {}, {}
    for found in write_answers(served, question):
        if isinstance(found, Piece):
            assert found.choice not in ends
            texts[found.choice] = texts.get(found.choice, "") + found.text
        else:
            ends[found.choice] = found
    return texts, ends


@pytest.mark.parametrize(
    ("temperature", "top_p", "explore"),
    [(1.0, 1.0, Exploration()), (0.7, 0.8, Exploration(0.7, 0, 0.8)), (0, 1.0, Exploration(top_k=1))],
)
def test_they_are_what_the_pipeline_itself_generates_from_the_same_seed(served, temperature, top_p, explore):
    prompts = (PROMPT, "it was a fair price")
    question = Question(prompts, 5, n=2, temperature=temperature, top_p=top_p, max_tokens=30)
    texts, ends = written(served, question)
    limited = replace(FORMAT, max_response_tokens=30)
    repeated = [prompts[0], prompts[0], prompts[1], prompts[1]]
    expected = answer(served.model, TOK, limited, repeated, explore, 5)
    assert [texts[number] for number in range(4)] == [each.text for each in expected]
    assert [list(ends[number].tokens) for number in range(4)] == [each.tokens for each in expected]
    assert [ends[number].reason == "stop" for number in range(4)] == [each.ended for each in expected]
    assert all(ends[number].text == texts[number] for number in range(4))


@pytest.mark.parametrize("options", [{"temperature": 1e-40}, {"temperature": 1e-7}, {"top_p": 1e-300}])
def test_next_to_nothing_takes_the_likeliest_token_as_nothing_does(served, options):
    """Smaller than a float of 32 bits can be: logits would become infinite, or no token would be left."""
    greedy, _ = written(served, Question((PROMPT,), 0, temperature=0, max_tokens=5))
    found, _ = written(served, Question((PROMPT,), 0, max_tokens=5, **options))
    assert found == greedy


def test_an_answer_is_no_longer_than_the_model_was_taught(served):
    _, ends = written(served, Question((PROMPT,), 1, max_tokens=10_000))
    assert len(ends[0].tokens) <= FORMAT.max_response_tokens
    _, ends = written(served, Question((PROMPT,), 1, max_tokens=3))
    assert (len(ends[0].tokens), ends[0].reason) == (3, "length")


def test_a_stop_text_ends_the_answer_before_it(served):
    whole, _ = written(served, Question((PROMPT,), 0, temperature=0))
    assert whole[0].split()[:4] == ["long", "camera", "but", "cam"]
    for stop, expected in (
        ((" but",), " long camera"),
        (("cam dim", "mera b"), " long ca"),
        (("x",), whole[0]),
    ):
        texts, ends = written(served, Question((PROMPT,), 0, temperature=0, stop=stop))
        assert texts[0] == expected
        assert (ends[0].text, ends[0].reason) == (expected, "stop")
    texts, ends = written(served, Question((PROMPT,), 0, temperature=0, stop=(" long",)))
    assert (texts, ends[0].text) == ({}, "")


def test_closing_ends_the_computing(served):
    calls = []
    hook = served.model.register_forward_hook(lambda *_: calls.append(1))
    pieces = write_answers(served, Question((PROMPT,), 0))
    next(pieces)
    pieces.close()
    hook.remove()
    assert 0 < len(calls) < 5


def test_a_special_token_in_a_prompt_is_text(served):
    plain = Question(("a <|endoftext|> b [PAD]",), 0, max_tokens=1)
    _, ends = written(served, plain)
    ids = FORMAT.prompt_ids(TOK, plain.prompts[0])
    assert not {TOK.eos_token_id, TOK.pad_token_id} & set(ids)
    assert ends[0].prompt_tokens == len(ids) > 10
    assert TOK.decode(ids) == "a <|endoftext|> b [PAD]\n"


@pytest.mark.parametrize(
    ("stops", "parts", "shown", "rest"),
    [
        (["END"], ["ab", "cE", "N", "Dx"], ["ab", "c", "", ""], None),
        (["END"], ["ab", "cE", "N", "ot"], ["ab", "c", "", "ENot"], ""),
        (["END"], ["E"], [""], "E"),
        (["aab"], ["a", "a", "a", "b"], ["", "", "a", ""], None),
        (["xyz", "y"], ["a", "xy"], ["a", "x"], None),
        ([], ["a", "b"], ["a", "b"], ""),
    ],
)
def test_what_may_begin_a_stop_is_held_back(stops, parts, shown, rest):
    """rest: of a text in which no stop was found."""
    found = Stops(stops)
    assert [found.add(part) for part in parts] == shown
    assert found.found == (rest is None)
    assert found.rest() == (rest or "")


def test_what_was_held_back_comes_at_the_end(served):
    whole, _ = written(served, Question((PROMPT,), 0, temperature=0, max_tokens=2))
    texts, ends = written(
        served, Question((PROMPT,), 0, temperature=0, max_tokens=2, stop=("camera and more",))
    )
    assert texts == whole == {0: " long camera"}
    assert isinstance(ends[0], Finished)
    assert ends[0].reason == "length"
