"""All rules about one row, put together: a quick look at many texts at once, and an exact check of one draft."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import polars as pl

from components.config import FeedbackParams
from components.feedback.draft import Draft
from components.feedback.reasons import BatchError, Reason, RowError
from components.feedback.rules.cards import CARD
from components.feedback.rules.characters import BIDI, CONTROL
from components.feedback.rules.disguise import HOMOGLYPH, ZERO_WIDTH
from components.feedback.rules.emails import EMAIL
from components.feedback.rules.evaluation import EvaluationPrompts
from components.feedback.rules.files import check_version
from components.feedback.rules.language import Languages
from components.feedback.rules.markup import FORMULA, HTML
from components.feedback.rules.phones import PHONE
from components.feedback.rules.secrets import SECRET, SHORTEST_SECRET, secret_in_raw
from components.feedback.rules.special_tokens import SPECIAL_TOKEN
from components.feedback.rules.structure import check_structure
from components.feedback.rules.template import TEMPLATE

#: Rules that refuse a row, in the order in which they are told; and those that tag one.
REFUSING = (CONTROL, BIDI, SPECIAL_TOKEN, TEMPLATE, EMAIL, CARD, PHONE)
TAGGING = (ZERO_WIDTH, HOMOGLYPH, FORMULA, HTML)
#: One pass finds what any rule might object to.
_HINT = "|".join(f"(?:{rule.hint})" for rule in (SECRET, *REFUSING, *TAGGING))
_REVOKE = "revoke it now, take it out of the file and send the file again"


@dataclass(frozen=True)
class Rules:
    """What the parameters ask of a row. Plain data: it goes to other processes.

    Attributes:
        since: judgements before are mistakes.
        max_tokens: words and signs that a text may have.
        languages: of answers; None: any.
        evaluation: prompts that no text may repeat, if there are any.
    """

    since: datetime
    max_tokens: int
    languages: Languages | None
    evaluation: EvaluationPrompts | None

    @classmethod
    def of(cls, params: FeedbackParams, root: Path) -> Rules:
        """The rules that section `feedback` of params.yaml sets.

        Args:
            root: what the files of `evaluation_prompts` are relative to.

        Raises:
            FeedbackError: a file of evaluation prompts is missing or broken.
        """
        files = params.evaluation_prompts
        return cls(
            since=datetime.combine(params.since, time(), UTC),
            max_tokens=params.max_tokens,
            languages=Languages(params.languages) if params.languages else None,
            evaluation=EvaluationPrompts.read(files, root) if files else None,
        )

    def texts(self, draft: Draft) -> list[str]:
        """The texts of a draft that `suspicious` must have seen before `check` may be told that it is plain."""
        prompt = draft.prompt
        turns = (
            (prompt.text,) if prompt.messages is None else (message.content for message in prompt.messages)
        )
        return [*turns, *draft.responses]

    def suspicious(self, texts: pl.Series) -> pl.Series:
        """For each text whether a rule about texts might object to it; where False, none does."""
        suspects = texts.str.contains(_HINT)
        if self.evaluation is not None:
            suspects |= self.evaluation.may_be_in(texts)
        if self.languages is not None:
            suspects |= self.languages.may_be_others(texts)
        return suspects

    def check(self, draft: Draft, plain: bool = False) -> tuple[str, ...]:
        """The tags of a draft that may be accepted.

        Args:
            plain: `suspicious` is False for each of `texts(draft)`: rules about texts need not look again.

        Raises:
            BatchError: SECRET or SCHEMA_VER. Its message names the field; the caller adds file and line.
            RowError: the first thing that is wrong with the draft.
        """
        if draft.meta:
            _check_meta(draft.meta)
        # Before all else: a row that is quarantined for another reason is kept.
        texts = [] if plain else list(_texts(draft))
        _check_secrets(texts)
        check_structure(draft, self.since, self.max_tokens)
        if plain:
            return ()
        _check_texts(texts)
        self._check_not_leaked(draft, texts)
        return self._tags(draft, texts)

    def _check_not_leaked(self, draft: Draft, texts: list[tuple[str, str]]) -> None:
        if self.evaluation is None:
            return
        last = len(texts) - len(draft.responses) - 1
        for place, (field, text) in enumerate(texts):
            if found := self.evaluation.found_in(text, is_prompt=place == last):
                raise RowError(Reason.EVAL_LEAK, field, found)

    def _tags(self, draft: Draft, texts: list[tuple[str, str]]) -> tuple[str, ...]:
        tags = [rule.code for rule in TAGGING if any(rule.find(text) for _, text in texts)]
        if self.languages is not None and any(map(self.languages.other_in, draft.responses)):
            tags.append(Reason.LANG)
        return tuple(map(str, tags))


def check_refused(raw: str) -> None:
    """Pass a record, as it stands in its file, that may be kept in the quarantine.

    Raises:
        BatchError: SECRET. The caller adds file and line.
    """
    if found := secret_in_raw(raw):
        raise BatchError(Reason.SECRET, found, _REVOKE)


def _check_meta(meta: Mapping[str, Any]) -> None:
    """Fields that no model learns from are kept all the same: they must be of a known version and hold no secret."""
    check_version(meta.get("schema_version"))
    _check_secrets([("meta", text) for text in _leaves(meta) if len(text) >= SHORTEST_SECRET])


def _check_secrets(texts: Iterable[tuple[str, str]]) -> None:
    for field, text in texts:
        if found := SECRET.find(text):
            # Of some formats people name the fields.
            raise BatchError(Reason.SECRET, f"{ascii(field)[1:-1]}: {found}", _REVOKE)


def _check_texts(texts: list[tuple[str, str]]) -> None:
    for field, text in texts:
        for rule in REFUSING:
            if found := rule.find(text):
                raise RowError(rule.code, field, found)


def _texts(draft: Draft) -> Iterator[tuple[str, str]]:
    """The texts that a model learns from, by field. Of a chat its turns: between them our own markers stand."""
    prompt = draft.prompt
    if prompt.messages is None:
        yield prompt.name, prompt.text
    else:
        yield from ((prompt.name, message.content) for message in prompt.messages)
    yield from zip(draft.response_names, draft.responses, strict=True)


def _leaves(value: Any) -> Iterator[str]:
    """Every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item)
