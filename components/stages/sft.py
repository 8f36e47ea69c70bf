"""Stage `sft`: base model + demonstrations -> models/sft."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from transformers import PreTrainedModel

from components.config import Params, load_params
from components.errors import DataError
from components.files import replacing_directory
from components.modeling.device import pick_device, seed_everything
from components.modeling.loading import build_tiny, load_base, save_model
from components.modeling.text_format import TextFormat
from components.modeling.tokenizer import train_tokenizer
from components.records import Demonstration
from components.stages.forgetting import after_outputs
from components.stages.launching import run_training_stage
from components.stages.paths import SFT
from components.stages.positions import positions_of, refuse_too_long
from components.stages.prepared import load_demonstrations, load_preferences
from components.stages.step_log import StepLog
from components.stages.training_run import of_whole_model, start_run
from components.training.encoding import encode_pairs
from components.training.epochs import count_steps
from components.training.sft import response_loss, train_sft

STAGE = "sft"


def main() -> None:
    params = load_params()
    seed_everything(params.seed)
    train, held_out = load_demonstrations("train"), load_demonstrations("validation")
    if not train:
        raise DataError(
            "there are no demonstrations to start from",
            "ingest demonstrations or edits, or set prepare.chosen_as_demonstrations to auto in params.yaml",
        )
    model, tokenizer = start_model(params, train)
    text_format = TextFormat(
        params.model.prompt_template, params.model.max_prompt_tokens, params.model.max_response_tokens
    )
    model.to(pick_device())
    rows = _encode(tokenizer, text_format, train)
    log = StepLog(STAGE, count_steps(len(rows), params.sft), shown=("loss",))
    run = of_whole_model(start_run(STAGE, params, params.seed, log))
    train_sft(model, rows, params.sft, run)
    if not run.leads:
        return
    metrics: dict[str, object] = {"demonstrations": len(rows), "train_loss": log.mean_of_last("loss")}
    if held_out:
        checked = _encode(tokenizer, text_format, held_out)
        metrics["validation_loss"] = response_loss(model, checked)
    with replacing_directory(SFT) as folder:
        save_model(folder, model, tokenizer, text_format)
    log.write(metrics)
    after_outputs(STAGE)


def start_model(params: Params, train: Sequence[Demonstration]) -> tuple[PreTrainedModel, Any]:
    """The base model of params.yaml; the embedded tiny one gets a tokenizer made of the training texts."""
    positions = params.model.max_prompt_tokens + params.model.max_response_tokens
    if params.model.base != "tiny":
        model, tokenizer = load_base(params.model.base)
        refuse_too_long(
            positions,
            positions_of(model),
            f"model.max_prompt_tokens + model.max_response_tokens = {positions}, but the base model",
            "make them smaller, or take another model.base",
        )
        return model, tokenizer
    texts = [text for row in train for text in (row.prompt, row.response)]
    texts += [text for row in load_preferences("train") for text in (row.chosen, row.rejected)]
    tokenizer = train_tokenizer(texts, params.tiny.vocab_size)
    model = build_tiny(tokenizer, params.tiny.n_layer, params.tiny.n_embd, params.tiny.n_head, positions)
    return model, tokenizer


def _encode(tokenizer: Any, text_format: TextFormat, rows: Sequence[Demonstration]) -> Any:
    return encode_pairs(tokenizer, text_format, [row.prompt for row in rows], [row.response for row in rows])


if __name__ == "__main__":
    run_training_stage(main, STAGE)
