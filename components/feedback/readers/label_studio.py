"""Label Studio's JSON export (not JSON_MIN), for Pairwise and Rating tasks.

A task holds `data` (what was shown) and `annotations`, each {completed_by, was_cancelled, created_at,
result}; a result is {type: "pairwise", to_name: "answer1,answer2", value: {selected: "left"}} or {type:
"rating", value: {rating: 4}}. The Rating tag's maxRating is not exported: the scale is 1 to 5 unless
`data.scale` says so. `data.gold` of a comparison is the side that is known to be right, `lead_time` of the
only annotation the seconds that it took. The row's id is the pair's, where `rlhf collect` wrote the task, or else the
task's number.
https://labelstud.io/guide/task_format and https://labelstud.io/tags/pairwise
"""

from __future__ import annotations

from components.feedback.draft import FIRST, SECOND, TIE, Draft, Vote
from components.feedback.fields import Fields
from components.feedback.readers.base import Reader, complete, needing
from components.feedback.readers.wording import (
    PROMPT_NAMES,
    RESPONSE_NAMES,
    name_among,
    pair_among,
    rating_of,
    scale_of,
)
from components.feedback.reasons import Reason, RowError

_SIDES = {"left": FIRST, "right": SECOND}
#: Field of `data` with the id of a pair that `rlhf collect to-label-studio` wrote.
TASK = "rlhf_task"
#: One annotation and the part of its result that is the judgement.
_Judged = tuple[Fields, Fields]


def read(task: Fields) -> Draft:
    data = task.part("data")
    annotations = [part for part in task.parts("annotations") if part.peek("was_cancelled") is not True]
    compared = _judged(annotations, "pairwise")
    draft = _comparison(data, compared) if compared else _rating(data, _judged(annotations, "rating"))
    # Predictions and drafts are not feedback, and the task's own times are not those of the judgements.
    task.use("predictions", "drafts", "created_at", "updated_at")
    row_id = data.name(TASK) or task.peek("id")
    return complete(Fields({**task.rest(), "id": row_id, "data": data.rest()}), draft)


def _judged(annotations: list[Fields], kind: str) -> list[_Judged]:
    return [
        (annotation, result)
        for annotation in annotations
        for result in annotation.parts("result")
        if result.peek("type") == kind
    ]


def _comparison(data: Fields, judged: list[_Judged]) -> Draft:
    pair = _shown(data, judged[0][1])
    return Draft(
        kind="pairwise",
        prompt=data.prompt(name_among(data, PROMPT_NAMES, "prompt")),
        responses=(data.text(pair[0]), data.text(pair[1])),
        response_names=(f"data.{pair[0]}", f"data.{pair[1]}"),
        votes=tuple(_vote(annotation, _side(result)) for annotation, result in judged),
        gold=data.optional_choice("gold", _SIDES | {"tie": TIE}, "left, right or tie"),
        seconds=_seconds(judged),
    )


def _rating(data: Fields, judged: list[_Judged]) -> Draft:
    if not judged:
        raise RowError(Reason.NO_VOTES, "annotations", "nobody has compared or rated")
    scale = scale_of(data)
    response = name_among(data, RESPONSE_NAMES, "response")
    ratings = [
        (annotation, rating_of(result.part("value"), "rating", scale)) for annotation, result in judged
    ]
    return Draft(
        kind="rating",
        prompt=data.prompt(name_among(data, PROMPT_NAMES, "prompt")),
        responses=(data.text(response),),
        response_names=(f"data.{response}",),
        votes=tuple(_vote(annotation, rating) for annotation, rating in ratings),
        scale=scale,
        seconds=_seconds(judged),
    )


def _shown(data: Fields, result: Fields) -> tuple[str, str]:
    """The fields that stood left and right: as the comparison names them, or by a usual pair of names."""
    left, _, right = (result.optional_text("to_name") or "").partition(",")
    if data.has(left) and data.has(right):
        return left, right
    pair = pair_among(data)
    if pair is None:
        raise RowError(Reason.MISSING_COL, "data", "has no two responses, such as answer1 and answer2")
    return pair


def _side(result: Fields) -> float:
    return result.part("value").choice("selected", _SIDES, "left or right")


def _vote(annotation: Fields, label: float) -> Vote:
    return Vote(_annotator(annotation), label, annotation.moment("created_at"))


def _seconds(judged: list[_Judged]) -> float | None:
    """How long the only judgement took; of several none can stand for the row."""
    return judged[0][0].amount("lead_time") if len(judged) == 1 else None


def _annotator(annotation: Fields) -> str | None:
    """`completed_by` is a number, or an object with the person's number, name and address: one is enough."""
    if isinstance(annotation.peek("completed_by"), dict):
        return annotation.part("completed_by").name("id")
    return annotation.name("completed_by")


READER = Reader("label-studio", (needing("data", "annotations"),), read)
