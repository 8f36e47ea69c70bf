"""How a prompt and a response become tokens. Saved with each model, so that a model folder is enough to use it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from components.errors import ModelError
from components.files import read_json, write_json

FILE_NAME = "text_format.json"
PLACE = "{prompt}"
#: Stand in the files of a `SeparatorFormat` and of an `EndedFormat`.
SEPARATED, ENDED = "separated", "ended"


@dataclass(frozen=True)
class TextFormat:
    """Attributes:
    prompt_template: what the model reads; "{prompt}" stands for the prompt's text.
    max_prompt_tokens: longer prompts lose their beginning, because the end holds the question.
    max_response_tokens: longer responses are cut, and then carry no EOS.
    """

    prompt_template: str
    max_prompt_tokens: int
    max_response_tokens: int

    def __post_init__(self) -> None:
        if self.prompt_template.count(PLACE) != 1:
            raise ModelError(
                f"prompt_template {self.prompt_template!r} must hold {PLACE} exactly once",
                "mend model.prompt_template in params.yaml",
            )

    def prompt_ids(self, tokenizer: Any, prompt: str) -> list[int]:
        # replace, not format: a prompt may hold braces.
        ids = encode(tokenizer, self.prompt_template.replace(PLACE, prompt))
        return ids[-self.max_prompt_tokens :]

    def response_ids(self, tokenizer: Any, response: str) -> list[int]:
        """The response's tokens and EOS, cut at the limit."""
        ids = [*encode(tokenizer, response), int(tokenizer.eos_token_id)]
        return ids[: self.max_response_tokens]

    def save(self, folder: Path) -> None:
        write_json(folder / FILE_NAME, asdict(self))

    @staticmethod
    def load(folder: Path) -> TextFormat:
        """Raises ModelError where the folder does not hold a model of this project."""
        path = folder / FILE_NAME
        if not path.exists():
            raise ModelError(f"{path} not found", f"{folder} is not a model of this project; rerun its stage")
        content = read_json(path)
        if content.pop(SEPARATED, False):
            return SeparatorFormat(**content)
        return EndedFormat(**content) if content.pop(ENDED, False) else TextFormat(**content)


class SeparatorFormat(TextFormat):
    """As an encoder such as BERT reads two texts: [CLS] prompt [SEP] response [SEP]; no limit cuts these off."""

    def prompt_ids(self, tokenizer: Any, prompt: str) -> list[int]:
        ids = encode(tokenizer, self.prompt_template.replace(PLACE, prompt))
        room = max(0, self.max_prompt_tokens - 2)
        kept = ids[len(ids) - min(room, len(ids)) :]
        return [int(tokenizer.cls_token_id), *kept, int(tokenizer.sep_token_id)]

    def response_ids(self, tokenizer: Any, response: str) -> list[int]:
        ids = encode(tokenizer, response)[: self.max_response_tokens - 1]
        return [*ids, int(tokenizer.sep_token_id)]

    def save(self, folder: Path) -> None:
        write_json(folder / FILE_NAME, asdict(self) | {SEPARATED: True})


class EndedFormat(TextFormat):
    """As a classifier such as T5's needs it, which reads the state at the EOS: no limit cuts that off."""

    def response_ids(self, tokenizer: Any, response: str) -> list[int]:
        ids = encode(tokenizer, response)[: self.max_response_tokens - 1]
        return [*ids, int(tokenizer.eos_token_id)]

    def save(self, folder: Path) -> None:
        write_json(folder / FILE_NAME, asdict(self) | {ENDED: True})


def encode(tokenizer: Any, text: str) -> list[int]:
    """Token ids of a text that a stranger wrote: `<|endoftext|>` in it stays text, never becomes the token."""
    ids: list[int] = tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    return ids
