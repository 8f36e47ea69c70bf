"""What prompts and responses look like in traces, as the usual libraries log them."""

import pytest

from components.tracking.trace_texts import pair_of, prompt_of, response_of

USER = {"role": "user", "content": "Is it loud?"}


def parts(kind, *texts):
    return [{"type": kind, "text": text} for text in texts]


@pytest.mark.parametrize(
    ("inputs", "prompt"),
    [
        ("Is it loud?", "Is it loud?"),
        ("", ""),
        ({"question": "Is it loud?", "user_id": 7}, "Is it loud?"),
        ({"q": "Is it loud?"}, "Is it loud?"),
        ({"inputs": {"question": "Is it loud?"}}, "Is it loud?"),
        (["Is it loud?"], "Is it loud?"),
        ([USER], [USER]),
        ({"message": USER}, [USER]),
        # OpenAI's chat completions, with a model's name and a temperature beside the messages
        ({"messages": [USER], "model": "m", "temperature": 0}, [USER]),
        # text in parts
        ({"messages": [{"role": "user", "content": parts("text", "Is it ", "loud?")}]}, [USER]),
        # OpenAI's responses: a text below instructions, or items
        ({"input": "Is it loud?", "instructions": "Be brief."}, [{"role": "system", "content": "Be brief."}, USER]),
        ({"input": [{"type": "message", "role": "user", "content": parts("input_text", "Is it loud?")}]}, [USER]),
        # Anthropic's messages
        ({"system": "Be brief.", "messages": [USER]}, [{"role": "system", "content": "Be brief."}, USER]),
        # Gemini's contents
        ({"contents": [{"role": "user", "parts": [{"text": "Is it loud?"}]}]}, [USER]),
        # LangChain's messages, one chat in a batch
        ([[{"type": "system", "content": "Be brief."}, {"type": "human", "content": "Is it loud?"}]],
         [{"role": "system", "content": "Be brief."}, USER]),
        # MLflow's ResponsesAgent and ChatAgent
        ({"request": {"input": [USER]}}, [USER]),
        ({"messages": [{"role": "developer", "content": "Be brief."}, USER], "context": None},
         [{"role": "system", "content": "Be brief."}, USER]),
    ],
)  # fmt: skip
def test_prompts(inputs, prompt):
    assert prompt_of(inputs) == prompt


@pytest.mark.parametrize(
    "inputs",
    [
        None,
        7,
        [],
        {},
        {"a": "one", "b": "two"},
        {"messages": []},
        {"messages": [USER, {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}]},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
        {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": "too deep"}}}}}}}}},
    ],
)
def test_what_is_no_prompt(inputs):
    assert prompt_of(inputs) is None


ANSWER = {"role": "assistant", "content": "A little."}


@pytest.mark.parametrize(
    "outputs",
    [
        "A little.",
        {"response": "A little.", "tokens": 3},
        {"anything": "A little."},
        ANSWER,
        [ANSWER],
        {"choices": [{"index": 0, "message": ANSWER, "finish_reason": "stop"}], "usage": {}},
        {"choices": [{"text": "A little."}]},
        {
            "messages": [
                {"role": "assistant", "content": "Let me see."},
                {"role": "tool", "content": "7 dB"},
                ANSWER,
            ]
        },
        {
            "output": [
                {"type": "reasoning", "summary": []},
                {
                    "type": "message",
                    "role": "assistant",
                    "content": [{"type": "output_text", "text": "A little."}],
                },
            ],
            "text": {"format": {"type": "text"}},
        },
        {
            "role": "assistant",
            "content": [{"type": "text", "text": "A "}, {"type": "text", "text": "little."}],
        },
        {"generations": [[{"text": "A little."}]]},
        {"candidates": [{"content": {"role": "model", "parts": [{"text": "A little."}]}}]},
    ],
)
def test_responses(outputs):
    assert response_of(outputs) == "A little."


@pytest.mark.parametrize(
    "outputs",
    [
        None,
        3.5,
        {},
        [],
        {"label": "good", "score": 1},
        {"response_a": "A little.", "response_b": "No."},
        {"choices": [{"text": "A little."}, {"text": "No."}]},
    ],
)
def test_what_is_not_one_response(outputs):
    assert response_of(outputs) is None


@pytest.mark.parametrize(
    "outputs",
    [
        {"response_a": "A little.", "response_b": "No.", "model": "m"},
        {"a": {"choices": [{"message": ANSWER}]}, "b": {"text": "No."}},
        {"answer1": "A little.", "answer2": "No."},
        ["A little.", "No."],
        {"responses": ["A little.", "No."]},
        {"responses": [ANSWER, {"role": "assistant", "content": "No."}]},
        {"choices": [{"message": ANSWER}, {"message": {"role": "assistant", "content": "No."}}]},
        {"generations": [[{"text": "A little."}, {"text": "No."}]]},
        {"result": {"response_a": "A little.", "response_b": "No."}},
    ],
)
def test_pairs(outputs):
    assert pair_of(outputs) == ("A little.", "No.")


@pytest.mark.parametrize(
    "outputs",
    [
        "A little.",
        None,
        {"responses": ["A little."]},
        ["A little.", "No.", "Yes."],
        # one answer in two steps
        {"messages": [ANSWER, {"role": "assistant", "content": "No."}]},
        [ANSWER, {"role": "assistant", "content": "No."}],
        {"response_a": "A little.", "response_b": None},
    ],
)
def test_what_is_no_pair(outputs):
    assert pair_of(outputs) is None
