"""Argilla's JSON export (`dataset.records.to_json`, version 2), for preference and rating tasks.

A record holds `fields` (what was shown), `responses` (question -> answers, each {value, user_id}), `metadata`
and more. Two responses among the fields make it a preference, one a rating. The preference is a label (the
field's name, or a, b, tie) or a ranking of the two; the rating's scale is 1 to 5 unless `metadata.scale` says
otherwise. `metadata.gold` of a preference is the label that is known to be right.
https://docs.argilla.io/latest/reference/argilla/records/records
"""

from __future__ import annotations

from components.feedback.draft import FIRST, SECOND, TIE, Draft, Vote
from components.feedback.fields import Fields
from components.feedback.readers.base import Reader, complete, needing
from components.feedback.readers.wording import (
    PREFERRED,
    PROMPT_NAMES,
    RESPONSE_NAMES,
    name_among,
    pair_among,
    rating_of,
    scale_of,
)
from components.feedback.reasons import Reason, RowError

_PREFERENCES = ("preference", "preferred", "ranking", "choice", "label", "better", "best")
_RATINGS = ("rating", "score", "quality", "overall")
#: An answer that its author has not handed in.
_UNFINISHED = ("draft", "discarded")


def read(record: Fields) -> Draft:
    fields = record.part("fields")
    pair = pair_among(fields)
    draft = _preference(record, fields, pair) if pair else _rating(record, fields)
    # Suggestions are a model's answers, vectors a search index: neither is feedback.
    record.use("suggestions", "vectors")
    return complete(record, draft)


def _preference(record: Fields, fields: Fields, pair: tuple[str, str]) -> Draft:
    answers = _answers(record, _PREFERENCES)
    return Draft(
        kind="pairwise",
        prompt=fields.prompt(name_among(fields, PROMPT_NAMES, "prompt")),
        responses=(fields.text(pair[0]), fields.text(pair[1])),
        response_names=(f"fields.{pair[0]}", f"fields.{pair[1]}"),
        votes=tuple(Vote(_user(answer), _preferred(answer, pair)) for answer in answers),
        gold=_gold(record, pair),
        meta={"fields": fields.rest()},
    )


def _rating(record: Fields, fields: Fields) -> Draft:
    scale = scale_of(record.part("metadata")) if record.has("metadata") else scale_of(Fields({}))
    answers = _answers(record, _RATINGS)
    response = name_among(fields, RESPONSE_NAMES, "response")
    return Draft(
        kind="rating",
        prompt=fields.prompt(name_among(fields, PROMPT_NAMES, "prompt")),
        responses=(fields.text(response),),
        response_names=(f"fields.{response}",),
        votes=tuple(Vote(_user(answer), rating_of(answer, "value", scale)) for answer in answers),
        scale=scale,
        meta={"fields": fields.rest()},
    )


def _answers(record: Fields, questions: tuple[str, ...]) -> list[Fields]:
    """Answers to the question that is named like one of these, or to the only one there is.

    Raises:
        RowError: NO_VOTES, or MISSING_COL when there are several questions and none is named so.
    """
    if not record.peek("responses"):
        raise RowError(Reason.NO_VOTES, "responses", "nobody has answered")
    asked = record.part("responses")
    names = asked.names()
    question = names[0] if len(names) == 1 else name_among(asked, questions, "question")
    answers = [
        answer for answer in asked.parts(question) if answer.optional_text("status") not in _UNFINISHED
    ]
    if not answers:
        raise RowError(Reason.NO_VOTES, "responses", "nobody has answered")
    return answers


def _user(answer: Fields) -> str | None:
    # The export writes str(None) where the user is not known.
    user = answer.name("user_id")
    return None if user == "None" else user


def _preferred(answer: Fields, pair: tuple[str, str]) -> float:
    if isinstance(answer.peek("value"), list):
        return _first_ranked(answer, pair)
    return answer.choice("value", _meanings(pair), f"{pair[0]}, {pair[1]} or tie")


def _gold(record: Fields, pair: tuple[str, str]) -> float | None:
    if not isinstance(record.peek("metadata"), dict):
        return None
    metadata = Fields(record.peek("metadata"), path="metadata.")
    return metadata.optional_choice("gold", _meanings(pair), f"{pair[0]}, {pair[1]} or tie")


def _meanings(pair: tuple[str, str]) -> dict[str, float]:
    return PREFERRED | {pair[0].lower(): FIRST, pair[1].lower(): SECOND}


def _first_ranked(answer: Fields, pair: tuple[str, str]) -> float:
    """A ranking of the two: names in order, best first; or objects {value, rank}."""
    if all(isinstance(item, dict) for item in answer.items("value")):
        ranks = {part.text("value"): part.whole("rank") for part in answer.parts("value")}
    else:
        ranks = {name: rank for rank, name in enumerate(answer.texts("value"), start=1)}
    if set(ranks) != set(pair):
        raise RowError(Reason.RANGE, "value", f"does not rank {pair[0]} and {pair[1]}")
    first, second = ranks[pair[0]], ranks[pair[1]]
    return TIE if first == second else FIRST if first < second else SECOND


READER = Reader("argilla", (needing("fields", "responses"),), read)
