"""Whether a text insults, by alt-profanity-check: a linear classifier of English text that its package ships.

It was trained on comments that people had called toxic. It knows English alone: in another language it says "fine" of
nearly everything, so that the rule has no opinion there. https://github.com/dimitrismistriotis/alt-profanity-check
"""

from __future__ import annotations

from collections.abc import Sequence

#: Above the first a text is toxic, below the second it is not; between, "screw the two parts together" (0.76) and "hell
#: of a good phone" (0.66) lie beside mild insults.
TOXIC, FINE = 0.8, 0.5


def toxicity(texts: Sequence[str]) -> list[bool | None]:
    """Of each text whether it is toxic; None where that is not clear."""
    from profanity_check import predict_prob

    if not texts:
        return []
    return [_is_toxic(float(probability)) for probability in predict_prob(list(texts))]


def _is_toxic(probability: float) -> bool | None:
    if probability >= TOXIC:
        return True
    return False if probability < FINE else None
