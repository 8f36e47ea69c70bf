"""params.yaml as frozen models: an unknown key, a wrong type or a value out of range is an error."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from components.errors import ConfigError

Share = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(gt=0)]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


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
    """

    validation_share: Share
    test_share: Share
    judge_share: Share
    chosen_as_demonstrations: Literal["auto", "always", "never"]
    min_demonstrations: Annotated[int, Field(ge=0)]


class TrainParams(Section):
    """How models are trained, whatever they learn.

    Attributes:
        precision: of weights and activations while training: "fp32", "bf16", or "auto", which is bf16 where the
            hardware computes in it. Master weights, optimizer and saved models are float32 always.
        microbatch_tokens: most tokens in one forward and backward pass; bounds memory, changes no result.
        num_processes: processes that share each minibatch, one a GPU where there are GPUs.
        gradient_checkpointing: activations are computed again instead of being kept: less memory, about a third more
            time, the same gradients.
        lora_rank: above 0, reward models, PPO and DPO train adapters of this rank beside a frozen model, and the policy
            without its adapters is the reference; what is saved is merged. SFT trains the whole model always.
        lora_alpha: what adapters learn is scaled by lora_alpha / lora_rank.
    """

    precision: Literal["auto", "fp32", "bf16"]
    microbatch_tokens: Count
    num_processes: Count
    gradient_checkpointing: bool
    lora_rank: Annotated[int, Field(ge=0)]
    lora_alpha: Positive


class CheckpointParams(Section):
    """Attributes: seconds: least time between two checkpoints of a run; 0 writes one after each step."""

    seconds: Annotated[float, Field(ge=0)]


class SupervisedParams(Section):
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


class PpoParams(Section):
    """Policy gradient on rollouts of the policy (details: Huang 2024, "N+ implementation details").

    Attributes:
        algorithm: "ppo" (Schulman 2017), "reinforce" (discounted returns above a critic's baseline), or without a
            critic, from several answers to a prompt: "rloo" (Ahmadian 2024), "grpo" (Shao 2024).
        critic: "separate", a model of its own, or "shared", a head on the policy's trunk.
        samples_per_prompt: answers sampled to each prompt of a round.
        iterations: rollout-and-update rounds.
        rollouts: responses sampled a round.
        epochs, minibatches: passes over a round's rollouts, and optimizer steps a pass.
        kl_coef: weight of the KL penalty: per token inside the reward, with grpo a term of the loss.
        kl_target: where set, kl_coef is only the start and is steered to this KL in nats a sequence (Ziegler 2019).
        kl_horizon: episodes over which it is steered.
        gamma, lam: discount and GAE's lambda.
        whiten_rewards: scale a round's rewards to variance 1.
        clip_eps, value_clip: how far the ratio and the value may move in one round.
        dual_clip: where set, bounds the loss of a token that got worse, at this ratio (Ye 2019).
        vf_coef: weight of the value loss where the trunk is shared.
        temperature: divides the logits in sampling and in every logprob alike.
        top_k, top_p, epsilon: explore less or more than the policy itself (components/modeling/exploration.py).
        missing_eos_score: score of a response that was cut by length instead of ending itself.
        uncertainty_penalty: the score is the mean over the reward models of an ensemble minus this many times their
            standard deviation (Coste 2023).
        target_kl: a round's updates stop early when the approximate KL to the sampler passes this.
    """

    algorithm: Literal["ppo", "reinforce", "rloo", "grpo"]
    critic: Literal["separate", "shared"]
    samples_per_prompt: Count
    iterations: Count
    rollouts: Count
    epochs: Count
    minibatches: Count
    learning_rate: Positive
    critic_learning_rate: Positive
    kl_coef: Annotated[float, Field(ge=0)]
    kl_target: Positive | None
    kl_horizon: Positive
    gamma: Annotated[float, Field(gt=0, le=1)]
    lam: Annotated[float, Field(ge=0, le=1)]
    whiten_rewards: bool
    clip_eps: Share
    value_clip: Positive
    dual_clip: Annotated[float, Field(gt=1)] | None
    vf_coef: Positive
    temperature: Positive
    top_k: Annotated[int, Field(ge=0)]
    top_p: Annotated[float, Field(gt=0, le=1)]
    epsilon: Annotated[float, Field(ge=0, lt=1)]
    missing_eos_score: float
    uncertainty_penalty: Annotated[float, Field(ge=0)] = 0.0
    target_kl: Positive
    max_grad_norm: Positive

    @property
    def needs_critic(self) -> bool:
        """Whether the algorithm has a baseline of its own to learn."""
        return self.algorithm in ("ppo", "reinforce")

    @property
    def has_own_critic(self) -> bool:
        """Whether that baseline is a model beside the policy."""
        return self.needs_critic and self.critic == "separate"

    @property
    def shares_trunk(self) -> bool:
        """Whether that baseline is a head on the policy's trunk."""
        return self.needs_critic and self.critic == "shared"

    @model_validator(mode="after")
    def _check_round(self) -> PpoParams:
        if self.rollouts % self.samples_per_prompt:
            raise ValueError("rollouts must be a multiple of samples_per_prompt")
        if not self.needs_critic and self.samples_per_prompt < 2:
            raise ValueError(
                f"{self.algorithm} compares answers to one prompt: set samples_per_prompt to 2 or more"
            )
        if self.algorithm == "reinforce" and self.epochs > 1:
            raise ValueError(
                "reinforce has no importance ratio, so a sample serves one pass: set epochs to 1"
            )
        if self.algorithm == "reinforce" and (self.top_k or self.top_p < 1 or self.epsilon):
            raise ValueError(
                "reinforce has no importance ratio, so it samples the policy itself: leave top_k at 0, "
                "top_p at 1 and epsilon at 0, and explore by temperature"
            )
        return self


class EvaluateParams(Section):
    """Attributes: prompts: most held-out prompts answered; temperature: of the answers compared."""

    prompts: Count
    temperature: Positive
    bootstrap_samples: Count
    confidence: Share
    calibration_bins: Count
    side_by_side: Count


class GateParams(Section):
    """Thresholds a candidate must meet to be READY; each is explained in components/evaluation/gates.py."""

    min_win_rate_lower: Share
    max_sequence_kl: Positive
    min_reward_accuracy_lower: Share
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


class Params(Section):
    """The whole of params.yaml."""

    seed: Annotated[int, Field(ge=0, lt=2**31)]
    model: ModelParams
    tiny: TinyParams
    prepare: PrepareParams
    train: TrainParams
    checkpoints: CheckpointParams
    sft: SupervisedParams
    reward_model: RewardParams
    judge: RewardParams
    ppo: PpoParams
    dpo: DpoParams
    evaluate: EvaluateParams
    gates: GateParams
    registry: RegistryParams
    git: GitParams

    @model_validator(mode="after")
    def _check_shares(self) -> Params:
        if self.ppo.rollouts % self.train.num_processes:
            raise ValueError("ppo.rollouts must be a multiple of train.num_processes")
        return self


def load_params(path: Path = Path("params.yaml")) -> Params:
    """Read and check params.yaml.

    Raises:
        ConfigError: naming the file, each key at fault and what it should be.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Params.model_validate(content)
    except FileNotFoundError:
        raise ConfigError(f"{path} not found", "run this in the project's folder") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML: {error}", "mend the line it names") from None
    except ValidationError as error:
        raise ConfigError(
            _describe(path, error), "mend these keys; README.md explains each section"
        ) from None


def _describe(path: Path, error: ValidationError) -> str:
    faults = (
        f"{'.'.join(map(str, fault['loc'])) or 'top level'}: {fault['msg']}" for fault in error.errors()
    )
    return f"{path}: " + "; ".join(faults)
