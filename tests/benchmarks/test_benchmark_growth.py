"""What is varied to see how cost grows."""

from benchmarks.data import PROMPT_TOKENS
from benchmarks.growth import BASE, line, variants


def test_one_thing_is_varied_at_a_time():
    for _, shape, rollouts in variants():
        changed = [
            shape.response_tokens != BASE.response_tokens,
            shape.width != BASE.width,
            shape.layers != BASE.layers,
            rollouts != 64,
        ]
        assert sum(changed) <= 1
        assert shape.inner == 4 * shape.width


def test_the_longest_sequences_fit_the_model():
    for _, shape, _ in variants():
        assert PROMPT_TOKENS[1] + shape.response_tokens <= shape.positions


def test_a_line_says_what_was_needed():
    row = {
        "name": "2 layers",
        "seconds": 1.25,
        "phases": {"generation": 0.25, "updates": 1.0},
        "gigaflops": 80.0,
        "peak_share": 0.5,
        "peak_bytes": 123e6,
    }
    said = "2 layers: 1.25 s (generation 0.25, updates 1), 80.0 GFLOP needed, 50.0% of the peak, 123 MB"
    assert " ".join(line(row).split()) == said
