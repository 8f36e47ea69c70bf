"""The real client of OpenAI against the real server."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import openai
import pytest
from chat.chat_case import FORMAT, PROMPT, TOK, connected

from components.modeling.exploration import Exploration
from components.modeling.generation import answer
from components.modeling.loading import load_policy
from components.tracking.loading import load_version


@pytest.fixture(scope="module")
def client(server):
    with openai.OpenAI(base_url=f"{server.address}/v1", api_key="none", max_retries=0, timeout=120) as found:
        yield found


@pytest.fixture(scope="module")
def champion(project):
    return load_policy(load_version(connected(project), "champion").folder)


def says(champion, prompts, explore, seed):
    """The texts that the pipeline itself generates."""
    return [each.text for each in answer(*champion, prompts, explore, seed)]


def user(text):
    return [{"role": "user", "content": text}]


def test_models_are_those_of_the_registry(client):
    assert [each.id for each in client.models.list()] == ["champion", "candidate"]
    assert client.models.retrieve("candidate").owned_by == "reviews-candidate/2"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-4")


def test_a_chat_is_answered_by_the_champion_as_the_pipeline_does(client, champion):
    reply = client.chat.completions.create(
        model="champion", messages=user(PROMPT), seed=3, temperature=0.8, top_p=0.9
    )
    assert [reply.choices[0].message.content] == says(champion, [PROMPT], Exploration(0.8, 0, 0.9), 3)
    assert (reply.model, reply.system_fingerprint, reply.object) == (
        "champion",
        "reviews/1",
        "chat.completion",
    )
    assert reply.choices[0].message.role == "assistant"
    read = len(FORMAT.prompt_ids(TOK, PROMPT))
    assert reply.usage.prompt_tokens == read
    assert reply.usage.total_tokens == read + reply.usage.completion_tokens


def test_a_stream_says_the_same_piece_by_piece(client):
    options = {"model": "champion", "messages": user(PROMPT), "seed": 3}
    whole = client.chat.completions.create(**options)
    chunks = list(
        client.chat.completions.create(**options, stream=True, stream_options={"include_usage": True})
    )
    *parts, last = chunks
    assert parts[0].choices[0].delta.role == "assistant"
    texts = [part.choices[0].delta.content for part in parts]
    assert "".join(text or "" for text in texts) == whole.choices[0].message.content
    assert len([text for text in texts if text]) == whole.usage.completion_tokens - 1
    assert [part.choices[0].finish_reason for part in parts[:-1]] == [None] * (len(parts) - 1)
    assert parts[-1].choices[0].finish_reason == whole.choices[0].finish_reason == "stop"
    assert (last.choices, last.usage) == ([], whole.usage)
    assert {chunk.id for chunk in chunks} == {chunks[0].id}
    assert all(part.usage is None for part in parts)
    without = list(client.chat.completions.create(**options, stream=True))
    assert len(without) == len(parts)


def test_several_answers_come_with_their_numbers_streamed_or_not(client, champion):
    options = {"model": "champion", "prompt": [PROMPT, "it was"], "n": 2, "max_tokens": 400, "seed": 4}
    whole = client.completions.create(**options)
    expected = says(champion, [PROMPT, PROMPT, "it was", "it was"], Exploration(), 4)
    assert [choice.text for choice in whole.choices] == expected
    assert [choice.index for choice in whole.choices] == [0, 1, 2, 3]
    assert whole.usage.prompt_tokens == sum(len(FORMAT.prompt_ids(TOK, text)) for text in (PROMPT, "it was"))
    texts = ["", "", "", ""]
    for chunk in client.completions.create(**options, stream=True):
        texts[chunk.choices[0].index] += chunk.choices[0].text
    assert texts == expected


def test_completions_have_sixteen_tokens_where_nobody_says_more(client):
    reply = client.completions.create(model="candidate", prompt="it was")
    assert (reply.usage.completion_tokens, reply.choices[0].finish_reason) == (16, "length")
    assert reply.system_fingerprint == "reviews-candidate/2"


def test_limits_and_stops(client):
    def finish(**options):
        reply = client.chat.completions.create(
            model="champion", messages=user(PROMPT), temperature=0, **options
        )
        return reply.choices[0].message.content, reply.choices[0].finish_reason

    assert finish(max_tokens=2) == finish(max_completion_tokens=2) == (" long camera", "length")
    assert finish(stop=" but") == finish(stop=["zzz", " but"]) == (" long camera", "stop")
    assert finish(seed=1) == finish(seed=2)


def test_a_chat_of_several_turns_reads_as_it_does_in_feedback(client, champion):
    messages = [
        {"role": "developer", "content": "be brief"},
        {"role": "user", "content": [{"type": "text", "text": "the "}, {"type": "text", "text": "battery"}]},
        {"role": "assistant", "content": "lasts"},
        {"role": "user", "content": "a price"},
    ]
    reply = client.chat.completions.create(model="champion", messages=messages, seed=9)
    prompt = "System: be brief\n\nUser: the battery\n\nAssistant: lasts\n\nUser: a price"
    assert [reply.choices[0].message.content] == says(champion, [prompt], Exploration(), 9)


def test_an_answer_is_sent_back_as_it_came(client, champion):
    """As the client's own examples do it: the message of a reply, an object or its fields, joins the messages."""
    first = client.chat.completions.create(model="champion", messages=user("a"), seed=9, max_tokens=3)
    said = first.choices[0].message
    prompt = f"User: a\n\nAssistant: {said.content}\n\nUser: b"
    for message in (said, said.model_dump()):
        messages = [*user("a"), message, *user("b")]
        reply = client.chat.completions.create(model="champion", messages=messages, seed=9)
        assert [reply.choices[0].message.content] == says(champion, [prompt], Exploration(), 9)


def test_without_a_seed_answers_differ(client):
    found = {client.completions.create(model="candidate", prompt="it was").choices[0].text for _ in range(3)}
    assert len(found) == 3


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": "0.5"}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"top_p": 1.1}, "top_p"),
        ({"n": 0}, "n"),
        ({"n": 7}, "n"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": 0}, "max_completion_tokens"),
        ({"seed": 2**63}, "seed"),
        ({"stop": ["a"] * 5}, "stop"),
        ({"stop": ""}, "stop"),
        ({"presence_penalty": 0.5}, "presence_penalty"),
        ({"logprobs": True}, "logprobs"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"extra_body": {"frobnicate": 1}}, "frobnicate"),
        ({"messages": []}, "messages"),
        ({"messages": user("")}, "messages"),
        ({"messages": [{"role": "tool", "content": "x", "tool_call_id": "1"}]}, "messages"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "messages"),
        ({"messages": [{"role": "user", "content": "x", "refusal": "no"}]}, "messages"),
        ({"messages": [{"role": "user", "content": "x", "tool_calls": [1]}]}, "messages"),
        ({"stream_options": {"include_usage": True}}, None),
    ],
)
def test_what_is_out_of_range_or_not_offered_is_told_with_its_name(client, fields, param):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(**{"model": "champion", "messages": user(PROMPT), **fields})
    assert caught.value.body["type"] == "invalid_request_error"
    found = caught.value.body["param"]
    assert found is None if param is None else found.startswith(param), caught.value.body


def test_neutral_values_of_what_is_not_offered_are_taken(client):
    client.chat.completions.create(
        model="champion", messages=user(PROMPT), max_tokens=1, presence_penalty=0, frequency_penalty=0.0,
        logprobs=False, tools=[], user="ann", response_format={"type": "text"}, n=1, logit_bias={},
    )  # fmt: skip


def test_a_model_that_nobody_knows_is_not_found(client):
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="gpt-4", messages=user(PROMPT))
    assert (caught.value.body["code"], caught.value.body["param"]) == ("model_not_found", "model")


def test_more_than_may_wait_are_told_to_come_again(server):
    """Two may wait while one is answered, for long: of twelve at once most are refused, and no more than that."""

    def ask(_):
        with httpx.Client(base_url=server.address, timeout=300, verify=False) as client:  # noqa: S501
            body = {"model": "candidate", "prompt": "it was", "max_tokens": 400, "n": 2}
            return client.post("/v1/completions", json=body)

    with ThreadPoolExecutor(12) as pool:
        replies = list(pool.map(ask, range(12)))
    refused = [reply for reply in replies if reply.status_code == 429]
    assert {reply.status_code for reply in replies} == {200, 429}
    assert len(replies) - len(refused) >= 3
    for reply in refused:
        assert reply.headers["retry-after"] == "1"
        assert reply.json()["error"]["type"] == "rate_limit_error"
    for reply in replies:
        if reply.status_code == 200:
            assert [choice["finish_reason"] for choice in reply.json()["choices"]] == ["length"] * 2
