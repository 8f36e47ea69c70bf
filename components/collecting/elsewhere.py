"""The pairs to judge, as Argilla and Label Studio import them; what people say there `rlhf ingest` reads.

Texts go as JSON strings and are shown as plain text in both tools: no Markdown, no HTML, and no address is fetched.
Neither format holds a text of a pair anywhere else.

Argilla (2.x): a folder for `rg.Dataset.from_disk`, as `to_disk` writes it.
https://docs.argilla.io/latest/how_to_guides/import_export
Label Studio: a list of tasks, and the labelling configuration of the project they go into.
https://labelstud.io/guide/tasks and https://labelstud.io/tags/pairwise
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from components.collecting.store import Store
from components.collecting.tasks import FIELDS
from components.feedback.readers.label_studio import TASK

#: Files of an Argilla folder.
DATASET, SETTINGS, RECORDS = ".argilla/dataset.json", ".argilla/settings.json", "records.json"
_QUESTION = "Which answer is better?"
_GUIDELINES = (
    "Read the prompt and both answers, then say which one serves who asked. Take equal where neither does."
)
_TITLES = {"prompt": "Prompt", "response_a": "Answer A", "response_b": "Answer B"}
#: What gold is called in either tool; a stands left.
_NAMES = {"a": "response_a", "b": "response_b", "tie": "tie"}
_SIDES = {"a": "left", "b": "right", "tie": "tie"}

#: valueType: an answer that is an address stays one, and is not fetched.
LABEL_STUDIO_CONFIG = f"""\
<View>
  <Header value="Prompt"/>
  <Text name="prompt" value="$prompt" valueType="text"/>
  <Header value="{_QUESTION} Submit without a choice to skip."/>
  <Pairwise name="preference" toName="response_a,response_b"/>
  <Text name="response_a" value="$response_a" valueType="text"/>
  <Text name="response_b" value="$response_b" valueType="text"/>
</View>
"""


def pairs_in(store: Store) -> list[dict[str, Any]]:
    """All pairs to judge by tasks.FIELDS, in the order in which they were added."""
    query = f"SELECT {', '.join(FIELDS)} FROM tasks ORDER BY number"  # noqa: S608 - names of our own
    return [dict(row) for row in store.reading().execute(query).fetchall()]


def label_studio_tasks(pairs: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Tasks to import. The pair's id stands in `data`: Label Studio numbers tasks itself."""
    return [{"data": _present(_texts(pair) | {TASK: pair["id"]} | _about(pair, _SIDES))} for pair in pairs]


def argilla_files(pairs: Iterable[Mapping[str, Any]], name: str, votes: int) -> dict[str, Any]:
    """The content of each file of the folder.

    Args:
        name: of the data set; votes: how many people are to judge a pair.
    """
    return {
        DATASET: {"name": name, "status": "draft", "guidelines": _GUIDELINES, "allow_extra_metadata": True},
        SETTINGS: _settings(votes),
        RECORDS: [_record(pair) for pair in pairs],
    }


def _record(pair: Mapping[str, Any]) -> dict[str, Any]:
    nothing: dict[str, Any] = {"suggestions": {}, "responses": {}, "vectors": {}}
    return {
        "id": pair["id"],
        "fields": _texts(pair),
        "metadata": _present(_about(pair, _NAMES)),
        **nothing,
    }


def _settings(votes: int) -> dict[str, Any]:
    return {
        "guidelines": _GUIDELINES,
        "fields": [_field(name, title) for name, title in _TITLES.items()],
        "questions": [_question()],
        "vectors": [],
        "metadata": [],
        "allow_extra_metadata": True,
        "distribution": {"strategy": "overlap", "min_submitted": votes},
    }


def _field(name: str, title: str) -> dict[str, Any]:
    settings = {"type": "text", "use_markdown": False}
    return {"name": name, "title": title, "required": True, "settings": settings, "type": "text"}


def _question() -> dict[str, Any]:
    titles = {"response_a": "Answer A", "response_b": "Answer B", "tie": "Equal"}
    options = [{"value": value, "text": text} for value, text in titles.items()]
    settings = {"type": "label_selection", "options": options, "visible_options": len(options)}
    about = {"name": "preference", "title": _QUESTION, "required": True}
    return about | {"settings": settings, "type": "label_selection"}


def _texts(pair: Mapping[str, Any]) -> dict[str, Any]:
    return {name: pair[name] for name in _TITLES}


def _about(pair: Mapping[str, Any], golds: Mapping[str, str]) -> dict[str, Any]:
    gold = pair["gold"]
    return {"language": pair["language"], "gold": None if gold is None else golds[gold]}


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
