"""The sections on what goes into training and on what comes out of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from components.config.section import Count, Positive, Section, Share


class ModelParams(Section):
    """The base model and the room it gives to a prompt and to a response.

    Attributes:
        base: "tiny" (embedded, built from `tiny`), a local folder, or a Hugging Face hub id.
        prompt_template: what the model reads; "{prompt}" stands for the prompt's text.
        max_prompt_tokens: longer prompts lose their beginning.
        max_response_tokens: longer responses are cut, and sampling stops there.
    """

    base: str
    prompt_template: str
    max_prompt_tokens: Count
    max_response_tokens: Count


class TinyParams(Section):
    """Shape of the embedded base model: a GPT-2 taught from scratch in the SFT stage."""

    vocab_size: Annotated[int, Field(ge=300)]
    n_layer: Count
    n_embd: Count
    n_head: Count


class PrepareParams(Section):
    """From feedback to training data.

    Attributes:
        judge_share: share of the training prompts whose preferences teach the judge and nobody else.
        chosen_as_demonstrations: preferred answers become demonstrations: "always", "never", or
            "auto", which is when people wrote fewer than `min_demonstrations`.
        votes: what a pair's probability is: "mean", the share of its votes, or "reliability", what they say by how
            far each annotator is right elsewhere (components/feedback/quality/reliability.py).
        automatic_share: judgements by rules and models weigh at most this share of what teaches the reward model,
            each as far as it was measured to agree with people (components/feedback/automatic/); 0: they teach nothing.
    """

    validation_share: Share
    test_share: Share
    judge_share: Share
    chosen_as_demonstrations: Literal["auto", "always", "never"]
    min_demonstrations: Annotated[int, Field(ge=0)]
    votes: Literal["mean", "reliability"]
    automatic_share: Annotated[float, Field(ge=0, lt=1)]


class SelectParams(Section):
    """Attributes: by: who picks one of PPO's snapshots; prompts: most validation prompts that they answer for it."""

    by: Literal["judge", "last"]
    prompts: Count


class EvaluateParams(Section):
    """Attributes:
    prompts: most held-out prompts answered; temperature: of the answers compared.
    best_of: most answers a prompt of which the SFT model's best is taken, fewer where that moves as far as the policy.
    best_of_prompts: on so many of the prompts.
    """

    prompts: Count
    temperature: Positive
    best_of: Count
    best_of_prompts: Count
    bootstrap_samples: Count
    confidence: Share
    calibration_bins: Count
    side_by_side: Count


class GateParams(Section):
    """Thresholds a candidate must meet to be READY; each is explained in components/evaluation/gates.py."""

    min_win_rate_lower: Share
    min_champion_win_rate_lower: Share
    max_sequence_kl: Positive
    min_reward_accuracy_lower: Share
    min_judge_accuracy_lower: Share
    max_calibration_error: Annotated[float, Field(ge=0, le=1)]
    max_disagreement_ratio: Positive
    max_length_ratio: Positive
    max_character_ratio: Positive
    max_slice_loss: Share
    slice_confidence: Share
    max_copied_ratio: Positive
    min_relevance_ratio: Positive
    max_new_phrase_share: Share
    max_planted_phrase_share: Annotated[float, Field(ge=0, le=1)]
    max_leaked_share: Annotated[float, Field(ge=0, le=1)]
    max_empty_share: Annotated[float, Field(ge=0, le=1)]
    max_truncated_share: Annotated[float, Field(ge=0, le=1)]
    max_repetition_ratio: Positive
    min_distinct_2_ratio: Positive


class RegistryParams(Section):
    """Attributes: name: production model; candidates are `<name>-candidate`, parents `-sft`, `-reward`."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]


class GitParams(Section):
    """Attributes: commit: whether ingestion and retraining commit the .dvc file and dvc.lock they wrote."""

    commit: bool
