"""PandaLM's test set (Wang 2023, 2306.05087): instruction, input, two responses, three annotators.

One record is one row with three votes. An annotator wrote 0 for a tie, 1 or 2 for the better response.
"""

from __future__ import annotations

from components.feedback.draft import FIRST, SECOND, TIE, Draft, PromptText, Vote
from components.feedback.fields import Fields
from components.feedback.readers.base import Reader, complete, needing

#: Field of a vote -> what its annotator is called; the file names nobody.
_ANNOTATORS = {f"annotator{number}": f"pandalm-{number}" for number in (1, 2, 3)}
_LABELS = {0: TIE, 1: FIRST, 2: SECOND, "0": TIE, "1": FIRST, "2": SECOND}
_NAMES = ("response1", "response2")


def read(fields: Fields) -> Draft:
    draft = Draft(
        kind="pairwise",
        prompt=PromptText(_prompt(fields), name="instruction"),
        responses=(fields.text(_NAMES[0]), fields.text(_NAMES[1])),
        response_names=_NAMES,
        votes=tuple(
            Vote(who, fields.choice(field, _LABELS, "0, 1 or 2")) for field, who in _ANNOTATORS.items()
        ),
    )
    return complete(fields, draft, id_name="idx")


def _prompt(fields: Fields) -> str:
    """The instruction and, below it, the input. Either may be blank; one real row has an input alone."""
    parts = (fields.text("instruction"), fields.optional_text("input") or "")
    return "\n\n".join(part for part in parts if part.strip())


READER = Reader(
    "pandalm",
    (needing("instruction", *_NAMES, *_ANNOTATORS),),
    read,
    made=frozenset(_ANNOTATORS.values()),
)
