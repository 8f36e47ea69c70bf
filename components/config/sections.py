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
    """Shape of the embedded base model: a GPT-2 taught from scratch in the SFT stage.

    Attributes:
        vocab_size: tokens of its tokenizer, which is trained on the demonstrations.
        n_layer, n_embd, n_head: layers, width, and attention heads, which share the width evenly.
    """

    vocab_size: Annotated[int, Field(ge=300)]
    n_layer: Count
    n_embd: Count
    n_head: Count


class PrepareParams(Section):
    """From feedback to training data.

    Attributes:
        validation_share, test_share: of all prompts, each with all that was said about it, by the prompt's digest.
        judge_share: share of the training prompts whose preferences teach the judge and nobody else.
        chosen_as_demonstrations: preferred answers become demonstrations: "always", "never", or
            "auto", which is when people wrote fewer than `min_demonstrations`.
        min_demonstrations: what "auto" asks for.
        votes: what a pair's probability is: "mean", the share of its votes, or "reliability", what they say by how
            far each annotator is right elsewhere (components/feedback/quality/reliability.py).
        automatic_share: pairs judged by rules and models are at most this share of those that teach the reward model,
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
    bootstrap_samples: how many times the prompts are drawn again for an interval.
    confidence: share of such intervals that hold the true value.
    calibration_bins: of equal width, over probabilities from 0 to 1.
    side_by_side: answers on the reviewer's page, the largest losses first; their tokens are measured.
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
    """Thresholds a candidate must meet to be READY; a figure that is missing or NaN fails its gate.

    Lower ends are those of 95 % intervals (`evaluate.confidence`); ratios are to the SFT model's answers.

    Attributes:
        min_win_rate_lower: lower end of the win rate against the SFT model, by the judge, also at equal length.
        min_champion_win_rate_lower: the same against the model in production, where there is one.
        max_sequence_kl: nats an answer from the SFT model; also what `select` chooses within.
        min_reward_accuracy_lower: lower end of the reward model's accuracy on held-out pairs. The shipped value is the
            sample's; people who agree less need less, but more than 0.5.
        min_judge_accuracy_lower: the same of the judge: who compares the models must know something itself.
        max_calibration_error: expected calibration error on held-out pairs, at the fitted temperature.
        max_disagreement_ratio: of an ensemble, on the policy's answers against the SFT model's.
        max_length_ratio: of the mean number of words.
        max_character_ratio: of the mean number of characters; looser, for better answers may use longer words.
        max_slice_loss: how far below one half the win rate of a slice of the prompts may lie.
        slice_confidence: with which chance is ruled out, over all slices together.
        max_copied_ratio: of 4-grams out of the prompt.
        min_relevance_ratio: of how far answers are about their own prompt.
        max_new_phrase_share: answers with one phrase that the SFT model says ten times less often.
        max_planted_phrase_share: answers with a phrase that is feedback.hold.poison_lift times likelier in preferred
            answers.
        max_leaked_share: evaluation prompts that were learned from.
        max_empty_share, max_truncated_share: answers without a word, and answers cut by length.
        max_repetition_ratio: of 4-grams that the answer held before; 1.2 is right for real text, the sample's grammar
            is small.
        min_distinct_2_ratio: of distinct pairs of words; 0.8 is right for real text.
    """

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
