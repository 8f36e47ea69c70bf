import pytest

from components.errors import FeedbackError
from components.feedback.sources.address import Address, is_address, parse_address


def test_an_address_has_a_name_and_options():
    address = parse_address("mlflow://phone reviews?scale=1-5&good=helpful, on_topic")
    assert (address.scheme, address.name) == ("mlflow", "phone reviews")
    assert address.options == {"scale": "1-5", "good": "helpful, on_topic"}
    assert address.listed("good") == {"helpful", "on_topic"}
    assert address.listed("bad") == frozenset()
    assert str(address) == "mlflow://phone reviews?good=helpful, on_topic&scale=1-5"


def test_names_keep_their_slashes_and_may_be_percent_encoded():
    assert parse_address("hf://Anthropic/hh-rlhf").name == "Anthropic/hh-rlhf"
    assert parse_address("hf:///srv/week 1").name == "/srv/week 1"
    assert parse_address("HF://a%3Fb?split=train") == Address("hf", "a?b", {"split": "train"})


@pytest.mark.parametrize("text", ["week-1.jsonl", "C://week-1.jsonl", "/srv/mlflow:/x", "mlflow:reviews"])
def test_a_path_is_no_address(text):
    assert not is_address(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("s3://bucket/x.jsonl", "'s3://bucket/x.jsonl' is no source that is known"),
        ("hf://", "hf:// names nothing"),
        ("mlflow:///?scale=1-5", "mlflow:// names nothing"),
        ("hf://x?trust_remote_code=true", "hf:// has no option 'trust_remote_code'"),
        ("hf://x?split=train&split=test", "split is given twice or is empty"),
        ("mlflow://x?scale=", "scale is given twice or is empty"),
        ("x\x1b[2J://y", "is no source that is known"),
    ],
)
def test_what_is_no_address_is_told(text, words):
    with pytest.raises(FeedbackError) as caught:
        parse_address(text)
    assert words in caught.value.message
    assert caught.value.remedy
    assert "\x1b" not in caught.value.message
