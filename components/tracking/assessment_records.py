"""From an assessment of a trace to a record of our formats, or to the reason why there is none."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from components.feedback.readers.wording import THUMBS
from components.tracking.assessment_meanings import Kind, Meanings, thumb_key
from components.tracking.left_out import LeftOutError
from components.tracking.trace_texts import pair_of, prompt_of, response_of

#: People that MLflow does not know: several may stand behind one such name.
_NOBODY = frozenset({"", "default", "unknown", "anonymous"})
#: What an assessment's metadata may say about the judgement, under our own columns' names.
_ABOUT_THE_JUDGEMENT = ("strength", "seconds", "gold", "language")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)


def record_of(
    assessment: Any, kind: Kind, inputs: Any, outputs: Any, scale: str | None, meanings: Meanings
) -> dict[str, Any]:
    """The record of an assessment of what `inputs` and `outputs` hold.

    Args:
        assessment: MLflow's Feedback or Expectation.
        scale: of ratings, such as "1-5".

    Raises:
        LeftOutError: the trace has no such texts, or the rating no scale.
    """
    prompt = prompt_of(inputs)
    if prompt is None:
        raise LeftOutError(
            "the trace's inputs are no text and no chat", "log the prompt as text or as messages"
        )
    value = _value(assessment)
    judged = _judged(kind, value, outputs, scale)
    if kind == "thumbs" and meanings.blames(assessment.name):
        judged["thumbs_up"] = not THUMBS[thumb_key(value)]
    return {
        "id": assessment.assessment_id,
        "prompt": prompt,
        **judged,
        "annotator": annotator_of(assessment),
        "created_at": _moment(assessment.last_update_time_ms),
        "source": "mlflow" if assessment.source.source_type == "HUMAN" else "mlflow-judge",
        **_circumstances(assessment),
    }


def annotator_of(assessment: Any) -> str | None:
    """Who judged, or None where MLflow was not told."""
    name = (assessment.source.source_id or "").strip()
    return None if name.lower() in _NOBODY else name


def _judged(kind: Kind, value: Any, outputs: Any, scale: str | None) -> dict[str, Any]:
    """The fields that are the kind's own: the responses and what was said of them."""
    if kind == "pairwise":
        pair = pair_of(outputs)
        if pair is None:
            raise LeftOutError(
                "the trace's outputs are not two responses", "log them as response_a and response_b"
            )
        return {"response_a": pair[0], "response_b": pair[1], "preferred": value}
    if kind == "demonstration":
        return {"response": value}
    response = response_of(outputs)
    if response is None:
        raise LeftOutError(
            "the trace's outputs are not one response", "log the response as text or as a message"
        )
    if kind == "edit":
        return {"response": response, "edited_response": value}
    if kind == "thumbs":
        return {"response": response, "thumbs_up": value}
    if scale is None:
        raise LeftOutError(
            "nothing says how far a rating reaches", "add ?scale=1-5, or whatever it is, to the address"
        )
    return {"response": response, "rating": value, "scale": scale}


def _circumstances(assessment: Any) -> dict[str, Any]:
    """What else is known; the readers keep what they have no column for."""
    metadata = {key: str(value) for key, value in sorted((assessment.metadata or {}).items())}
    told = {key: _number(metadata.pop(key)) for key in _ABOUT_THE_JUDGEMENT if key in metadata}
    kept = {
        "name": assessment.name,
        "trace": assessment.trace_id,
        "span": assessment.span_id,
        "overrides": assessment.overrides,
        "rationale": assessment.rationale,
        "metadata": metadata,
    }
    return told | {key: value for key, value in kept.items() if value}


def _value(assessment: Any) -> Any:
    part = assessment.feedback or assessment.expectation
    # A server hands whole numbers over as 4.0, a database as 4: the same bytes for the same feedback.
    whole = isinstance(part.value, float) and part.value.is_integer()
    return int(part.value) if whole else part.value


def _number(text: str) -> float | str:
    """A number where the text is one; else the text, which the reader refuses by its name where it wants one."""
    return float(text) if _NUMBER.fullmatch(text) else text


def _moment(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
