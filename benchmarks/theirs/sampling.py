"""transformers' generate, which TRL samples with."""

from __future__ import annotations

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from benchmarks.data import EOS_ID, PAD_ID
from benchmarks.worker import Laps, Spec


@torch.no_grad()
def run_sampling(spec: Spec, laps: Laps) -> None:
    """A lap is one call of generate() on fresh prompts, padded on the left."""
    dtype = torch.bfloat16 if spec.precision == "bf16" else torch.float32
    model = AutoModelForCausalLM.from_pretrained(spec.policy, dtype=dtype).eval()
    tokenizer = AutoTokenizer.from_pretrained(spec.policy, padding_side="left")
    prompts = spec.data()["prompts"]
    torch.manual_seed(spec.seed)
    while True:
        count = laps.wait()
        part, prompts = prompts[:count], prompts[count:]
        batch = tokenizer.pad({"input_ids": part}, return_tensors="pt")
        laps.restart()
        sequences = model.generate(
            **batch, max_new_tokens=spec.response_tokens, do_sample=True, temperature=1.0, top_k=0, top_p=1.0
        )
        laps.stop()
        responses = sequences[:, batch["input_ids"].shape[1] :]
        lengths = response_lengths(responses)
        laps.report(rows=count, updates=0, lengths=[*zip(map(len, part), lengths, strict=True)])


def response_lengths(responses: torch.Tensor) -> list[int]:
    """Tokens of each response up to and including its EOS; [B, T] ids with padding after it."""
    is_eos = (responses == EOS_ID).long()
    return [int(count) for count in ((is_eos.cumsum(1) - is_eos == 0) & (responses != PAD_ID)).sum(1)]
