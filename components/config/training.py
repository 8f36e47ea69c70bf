"""The sections on how models are trained, but for the policy's."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from components.config.section import Count, Positive, Section, Share


class TrainParams(Section):
    """How models are trained, whatever they learn.

    Attributes:
        precision: of weights and activations while training: "fp32", "bf16", or "auto", which is bf16 where the
            hardware computes in it. Master weights, optimizer and saved models are float32 always.
        microbatch_tokens: most tokens in one forward and backward pass; bounds memory, changes no result. "auto": as
            many as keep the device busy, which are few on a CPU.
        num_processes: processes that share each minibatch, one a GPU where there are GPUs.
        sharding: "none": each process has all of what it trains. "full": they divide it among them (FSDP2), that is the
            float32 weights, gradients and Adam's moments; one process has nothing to divide.
        gradient_checkpointing: activations are computed again instead of being kept: less memory, about a third more
            time, the same gradients.
        lora_rank: above 0, reward models, PPO and DPO train adapters of this rank beside a frozen model, and the policy
            without its adapters is the reference; what is saved is merged. SFT trains the whole model always.
        lora_alpha: what adapters learn is scaled by lora_alpha / lora_rank.
    """

    precision: Literal["auto", "fp32", "bf16"]
    microbatch_tokens: Literal["auto"] | Count
    num_processes: Count
    sharding: Literal["none", "full"]
    gradient_checkpointing: bool
    lora_rank: Annotated[int, Field(ge=0)]
    lora_alpha: Positive


class AlarmParams(Section):
    """When a PPO run says aloud that something may be wrong (components/evaluation/alarms.py).

    Attributes:
        max_kl: nats an answer.
        min_entropy_ratio: of the entropy of the first rounds.
        max_length_correlation: between score and length, without sign.
        max_disagreement_ratio: of an ensemble's disagreement in the first rounds.
    """

    max_kl: Positive
    min_entropy_ratio: Share
    max_length_correlation: Share
    max_disagreement_ratio: Positive


class CheckpointParams(Section):
    """Attributes: seconds: least time between two checkpoints of a run; 0 writes one after each step."""

    seconds: Annotated[float, Field(ge=0)]


class SupervisedParams(Section):
    """Passes over data by AdamW.

    Attributes:
        epochs: passes over the data.
        batch_size: rows or pairs in an optimizer step, over all processes.
        learning_rate: its height, from which it falls in a line to zero at the last step.
        warmup_share: of the steps, over which it rises in a line to that height.
        weight_decay: AdamW's.
    """

    epochs: Count
    batch_size: Count
    learning_rate: Positive
    warmup_share: Annotated[float, Field(ge=0, lt=1)]
    weight_decay: Annotated[float, Field(ge=0)]


class RewardParams(SupervisedParams):
    """What the reward model is made of, and what it learns from.

    Attributes:
        centering: weight of the term that keeps scores near zero (Eisenstein 2023, eq. 2).
        base: "sft" (the SFT model's trunk), or a folder or hub id of any model that transformers can load for sequence
            classification; then with its own tokenizer.
        max_prompt_tokens, max_response_tokens: in the base's own tokens; None: as in `model`.
        ensemble: how many are trained, each from another seed.
        strength_margin: 0: the strength of a preference draws its label to a tie. Above: the label stays, and a
            preference of strength s asks for a lead of s * strength_margin (Touvron 2023, eq. 2).
        rating_weight, thumbs_weight: how much a rated answer counts beside an average pair. 0: ratings, or thumbs,
            teach as comparisons of two answers. Above: on their own, and no longer as comparisons.
    """

    centering: Annotated[float, Field(ge=0)]
    base: str = "sft"
    max_prompt_tokens: Count | None = None
    max_response_tokens: Count | None = None
    ensemble: Count = 1
    strength_margin: Annotated[float, Field(ge=0)] = 0.0
    rating_weight: Annotated[float, Field(ge=0)] = 0.0
    thumbs_weight: Annotated[float, Field(ge=0)] = 0.0


class DpoParams(SupervisedParams):
    """Attributes: beta: strength of the pull to the reference (Rafailov 2023, eq. 7)."""

    beta: Positive
