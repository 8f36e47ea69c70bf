"""Feedback that repeats the examination: texts that hold an evaluation prompt, whole or 13 words of it in a row.

13 words is the length at which GPT-3's authors called an overlap contamination (Brown 2020, 2005.14165). A shorter
prompt counts where it is the whole of a feedback's prompt. Both sides are compared in the same plain form: NFKC,
small letters, words with one blank between; each ideograph is a word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from components.errors import FeedbackError
from components.feedback.parsing.strict_json import StrictJson
from components.feedback.reasons import RowError

#: Words in a row that are no coincidence.
RUN_WORDS = 13
#: Any 13 words in a row hold a whole one of the pieces that a prompt falls into.
_PIECE_WORDS = 7
_IDEOGRAPH = r"([\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}])"
_REMEDY = "mend the file, or name another one under feedback.evaluation_prompts in params.yaml"


@dataclass(frozen=True)
class EvaluationPrompts:
    """Prompts that no feedback may repeat.

    Attributes:
        whole: plain form -> where it stands, such as "heldout.jsonl line 3".
        runs: RUN_WORDS words in a row -> the same.
        pieces: of the runs, for a quick look.
    """

    whole: dict[str, str] = field(default_factory=dict)
    runs: dict[str, str] = field(default_factory=dict)
    pieces: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, files: Sequence[Path], root: Path) -> EvaluationPrompts:
        """The prompts of JSONL files.

        Raises:
            FeedbackError: a file is missing, or a line of it has no prompt.
        """
        found = [prompt for file in files for prompt in _prompts(root, file)]
        forms = plain_form(pl.Series([text for _, text in found], dtype=pl.String))
        prompts = cls()
        for (place, _), form in zip(found, forms, strict=True):
            # "???" has no words to repeat.
            if form:
                prompts._add(place, form)
        return prompts

    def may_be_in(self, texts: pl.Series) -> pl.Series:
        """False for each text in which none of the prompts can be."""
        forms = plain_form(texts)
        repeated = forms.is_in(list(self.whole))
        return repeated | forms.str.contains_any(self.pieces) if self.pieces else repeated

    def found_in(self, text: str, is_prompt: bool) -> str | None:
        """Says which prompt a text repeats. A short one is repeated by a prompt alone."""
        form = plain_form(pl.Series([text], dtype=pl.String))[0]
        if is_prompt and form in self.whole:
            return f"is the evaluation prompt of {self.whole[form]}"
        place = next((self.runs[run] for run in _runs(form, RUN_WORDS, step=1) if run in self.runs), None)
        return None if place is None else f"repeats {RUN_WORDS} words of the evaluation prompt of {place}"

    def _add(self, place: str, form: str) -> None:
        self.whole.setdefault(form, place)
        self.runs.update((run, place) for run in _runs(form, RUN_WORDS, step=1) if run not in self.runs)
        if len(form.split(" ")) >= RUN_WORDS:
            self.pieces.extend(_runs(form, _PIECE_WORDS, step=_PIECE_WORDS))


def plain_form(texts: pl.Series) -> pl.Series:
    """Texts as words in small letters with one blank between."""
    # Most texts are ASCII, and what others need takes as long as all the rest.
    others = (texts.str.len_bytes() != texts.str.len_chars()).arg_true()
    if len(others):
        spelled = texts.gather(others).str.normalize("NFKC").str.replace_all(_IDEOGRAPH, " $1 ")
        texts = texts.scatter(others, spelled)
    return texts.str.to_lowercase().str.replace_all(r"\W+", " ").str.strip_chars(" ")


def _runs(form: str, length: int, step: int) -> Iterator[str]:
    words = form.split(" ")
    return (" ".join(words[start : start + length]) for start in range(0, len(words) - length + 1, step))


def _prompts(root: Path, file: Path) -> Iterator[tuple[str, str]]:
    """(where, prompt) of a file's lines."""
    try:
        content = (root / file).read_text(encoding="utf-8-sig")
    except OSError as error:
        what = f"cannot read the evaluation prompts {file}: {error.strerror or error}"
        raise FeedbackError(
            what, "name a file that exists under feedback.evaluation_prompts in params.yaml"
        ) from None
    except UnicodeDecodeError:
        raise FeedbackError(f"the evaluation prompts {file} are not UTF-8", _REMEDY) from None
    decoder = StrictJson()
    # JSON may hold what Unicode takes for the end of a line.
    for number, line in enumerate(content.split("\n"), start=1):
        if line.strip():
            yield f"{file.name} line {number}", _prompt_of(decoder, line, f"{file} line {number}")


def _prompt_of(decoder: StrictJson, line: str, place: str) -> str:
    """The prompt of a line: text, or a chat, of which the last turn is meant."""
    try:
        value = decoder.decode(line)
    except RowError as error:
        raise FeedbackError(f"{place}: {error.what}", _REMEDY) from None
    prompt: Any = value.get("prompt") if isinstance(value, dict) else None
    if isinstance(prompt, list) and prompt and isinstance(prompt[-1], dict):
        prompt = prompt[-1].get("content")
    if not isinstance(prompt, str) or not prompt.strip():
        raise FeedbackError(f"{place} has no prompt", _REMEDY)
    return prompt
