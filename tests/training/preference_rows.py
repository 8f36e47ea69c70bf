"""A few pairs that tiny models can learn by heart."""

from modeling.tiny_models import FORMAT, tokenizer

from components.records import Preference
from components.training.encoding import encode_pairs

TOK = tokenizer()
PAIRS = [
    Preference("the battery", "it lasts long", "it is a battery"),
    Preference("the screen", "sharp", "a screen is a screen a"),
    Preference("the price", "fair", "dim"),
]
#: Votes that are split, one tie, and a pair that counts three times as much as another.
SPLIT_PAIRS = [
    Preference("the battery", "it lasts long", "it is a battery", probability=0.8, weight=0.5),
    Preference("the screen", "sharp", "a screen is a screen a", probability=0.5, weight=1.0),
    Preference("the price", "fair", "dim", probability=1.0, weight=1.5),
]
COMMON = {"batch_size": 3, "warmup_share": 0.0, "weight_decay": 0.0}


def rows():
    """The preferred answers as demonstrations."""
    return encode_pairs(TOK, FORMAT, [pair.prompt for pair in PAIRS], [pair.chosen for pair in PAIRS])
