import pytest
import torch
from modeling.tiny_models import FORMAT, lift, plain_logprobs, policy, saved_policy, tokenizer

from components.modeling import generation
from components.modeling.exploration import Exploration
from components.modeling.generation import answer, generate_responses
from components.modeling.loading import load_policy

TOK = tokenizer()
PROMPTS = ["the battery", "a price", "it was", "screen", "naïve 日本語"]


@pytest.fixture
def model():
    torch.manual_seed(0)
    return lift(policy("gpt2", TOK), TOK.eos_token_id, 4.5)


def test_the_same_seed_gives_the_same_answer_and_another_another(tmp_path):
    torch.manual_seed(0)
    folder = saved_policy(tmp_path, "gpt2")
    first = generate_responses(folder, ["the battery", "a price"], n=3, temperature=1.0, seed=4)
    again = generate_responses(folder, ["the battery", "a price"], n=3, temperature=1.0, seed=4)
    other = generate_responses(folder, ["the battery", "a price"], n=3, temperature=1.0, seed=5)
    assert first == again != other
    assert [len(answers) for answers in first] == [3, 3]
    assert len(set(first[0])) > 1


def test_answers_of_each_prompt_lie_together(tmp_path):
    """Near-greedy: all answers to one prompt are that prompt's greedy answer."""
    torch.manual_seed(0)
    folder = saved_policy(tmp_path, "gpt2")
    plain, tok, fmt = load_policy(folder)
    for prompt, texts in zip(PROMPTS, generate_responses(folder, PROMPTS, 2, 1e-4, 0), strict=True):
        ids = torch.tensor([fmt.prompt_ids(tok, prompt)])
        greedy = plain.generate(ids, max_new_tokens=fmt.max_response_tokens, do_sample=False)[
            0, ids.shape[1] :
        ]
        assert texts == [tok.decode(greedy, skip_special_tokens=True)] * 2


def test_an_answer_says_whether_it_ended_and_keeps_its_tokens(model):
    answers = answer(model, TOK, FORMAT, PROMPTS, Exploration(), 0)
    assert 0 < sum(a.ended for a in answers) < 5
    for a in answers:
        assert a.ended == (a.tokens[-1] == TOK.eos_token_id)
        assert TOK.eos_token_id not in a.tokens[:-1]
        assert TOK.pad_token_id not in a.tokens
        assert len(a.tokens) <= FORMAT.max_response_tokens
        assert a.text == TOK.decode(a.tokens, skip_special_tokens=True)
        assert a.ended or len(a.tokens) == FORMAT.max_response_tokens


def test_many_prompts_are_answered_in_portions_and_in_order(model, monkeypatch):
    whole = answer(model, TOK, FORMAT, PROMPTS, Exploration(), 0)
    monkeypatch.setattr(generation, "ROWS_AT_ONCE", 2)
    assert answer(model, TOK, FORMAT, PROMPTS, Exploration(), 0) == whole


def test_the_temperature_is_used(model):
    """At 1e-4 every token is the likeliest one; at 3 it is not."""
    cold, hot = (
        answer(model, TOK, FORMAT, PROMPTS, Exploration(temperature), 0) for temperature in (1e-4, 3.0)
    )
    for answers, expected in ((cold, True), (hot, False)):
        sure = [
            logprob > -1e-3
            for prompt, a in zip(PROMPTS, answers, strict=True)
            for logprob in plain_logprobs(model, FORMAT.prompt_ids(TOK, prompt), a.tokens, 1e-4)
        ]
        assert all(sure) == expected
