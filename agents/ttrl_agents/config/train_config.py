"""Every option of a training run, documented once.

- `TrainConfig`: the options of `ttrl train`.
- `read_config`: those in a run's `config.json`.
- `RESUMABLE_WITH`: the options that a resumed run may change.
- `Family`, `Preset`: the names of the paper's settings (see `presets`).
- `DType`: what a model may compute in.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from ttrl_agents.config.algorithms import (
    ALGORITHMS,
    Aggregation,
    Algorithm,
    AlgorithmName,
    ImportanceCorrection,
    ImportanceLevel,
    KLEstimator,
    KLPlace,
)
from ttrl_agents.config.name_value import KeyValues
from ttrl_agents.config.schedule import Schedule
from ttrl_agents.config.serialization import option_name, options_from_json, options_to_json
from ttrl_agents.errors import AgentError
from ttrl_benchmarks.errors import unknown_name

__all__ = ["RESUMABLE_WITH", "DType", "Family", "Preset", "TrainConfig", "read_config"]

Preset = Literal["paper/aime24", "paper/amc", "paper/math500"]
Family = Literal["qwen2.5-math", "instruct", "reasoning"]
DType = Literal["auto", "bfloat16", "float16", "float32"]

# Where a run lies, how often it is saved, when it gives up on its sampler, and what it may take of
# the machine, which moves results by rounding alone. Everything else would make another run of it.
RESUMABLE_WITH = frozenset(
    {
        "output",
        "data",
        "checkpoint_every",
        "keep_checkpoints",
        "log_prob_tolerance",
        "engine_gpu_share",
        "engine_kv_gib",
        "engine_max_length",
        "engine_sleep",
        "engine_timeout",
        "device",
        "sample_rows",
        "micro_batch_tokens",
        "pack_rows",
    }
)


@dataclass(frozen=True)
class TrainConfig:
    """Trains a language model on questions that nobody labelled.

    Samples votes on each question, takes the majority for true, rewards the votes that agree and
    takes a policy-gradient step. Labels, where they exist, only measure.

    Raises:
        AgentError: A value is out of its range.
    """

    preset: Preset | None = None
    """Start from the settings of the TTRL paper on this benchmark; options that are given besides
    override them. --preset NAME --help shows them."""
    family: Family | None = None
    """Whose settings a preset takes: qwen2.5-math, instruct (any other model that does not think
    first) or reasoning (models that do); by default what the model's name and chat template say."""
    env: str = "TTRL-Arithmetic-v0"
    """Environment id."""
    env_options: KeyValues = field(default_factory=dict)
    """Options of the benchmark itself, as in level=3 or task=chain_sum; a wrong one lists those
    that there are."""
    instruction: str | None = None
    """What is appended to each question, '' for nothing; by default what the benchmark says."""
    model: str = "tiny"
    """tiny or tiny-noisy (they ship with the package), the folder of a Hugging Face checkpoint, a
    GGUF file or the folder of one, or an id on the Hugging Face Hub."""
    reward: str = "majority"
    """How votes become rewards: a name that `ttrl rewards` lists, with options or without, e.g.
    "majority(min_ratio=0.3, tie=abstain)"."""
    rephrase: str | None = None
    """Ask half of the votes on each question in other words, for rewards that compare two
    wordings: arithmetic, or a JSON file of paraphrases by question id or text."""
    output: Path | None = None
    """The run directory; by default a new one under runs/."""
    seed: int = 0
    """Names the order of questions and everything that is drawn."""
    steps: int = 100
    """Training steps."""
    questions_per_step: int = 8
    """Questions in a step."""
    n_votes: int = 16
    """Completions that vote on each question."""
    n_train: int | None = None
    """How many of them, the first ones, are trained on; by default all."""
    max_tokens: int = 256
    """The most tokens of one completion."""
    stop_at_box: bool = False
    """End a completion with the token that closes the box of its answer too, in training and in
    evaluation; not for chat templates that begin with a thought, where it would end that."""
    max_prompt_tokens: int | None = None
    """Leave out questions whose prompt is longer than this; by default none."""
    temperature: float = 1.0
    """Sampling temperature in training."""
    learning_rate: float | None = None
    """Peak rate of AdamW; by default 2e-4 for models of fewer than 10 million weights and 1e-6 for
    others, and 10 times as much with LoRA."""
    warmup_steps: int = 5
    """Steps over which the rate rises from 0."""
    schedule: Schedule = "cosine"
    """How the rate goes on: constant; cosine, a half cosine to 0 that the warm-up multiplies; or
    warmup-cosine, a warm-up from exactly 0 and then a half cosine over the steps that are left, as
    in the paper."""
    adam_beta2: float = 0.95
    """Decay of the second moment of AdamW; the usual 0.999 suits runs of thousands of steps."""
    weight_decay: float = 0.01
    """Weight decay of AdamW."""
    max_grad_norm: float = 1.0
    """Gradients are scaled down to this norm."""
    algorithm: AlgorithmName = "grpo"
    """The algorithm: a preset of the options below up to critic_learning_rate, which replace its
    pieces one by one; docs/algorithms.md shows how they differ."""
    scale_by_std: bool | None = None
    """Divide advantages by the standard deviation of the group (GRPO), or do not (Dr. GRPO)."""
    clip_low: float | None = None
    """How far below 1 the probability ratio may fall."""
    clip_high: float | None = None
    """How far above 1 the probability ratio may rise."""
    dual_clip: float | None = None
    """The ratio beyond which the loss of a bad completion stops growing, e.g. 3; 0 is none."""
    aggregation: Aggregation | None = None
    """The loss is a mean over all tokens (token), over completions of their means (sequence), or a
    sum divided by completions × max_tokens (fixed)."""
    kl_coef: float | None = None
    """Weight of the divergence from the initial model; above 0 keeps a copy of that model."""
    kl_estimator: KLEstimator | None = None
    """How the divergence is estimated."""
    kl_in: KLPlace | None = None
    """Whether the divergence is a term of the loss or taken off the reward."""
    entropy_coef: float | None = None
    """Weight of the policy's entropy in the objective; above 0 keeps it from becoming sure."""
    epochs: int | None = None
    """How often each rollout is learned from."""
    minibatches: int | None = None
    """Updates in each of these passes, on equal parts of the rollout's questions."""
    gae_lambda: float | None = None
    """How far PPO trusts rewards over its critic; 1 is all the way."""
    value_clip: float | None = None
    """How far PPO's critic may move from what it said before the update."""
    overlong_buffer: int | None = None
    """Tokens before max_tokens over which a growing penalty is taken off the reward (DAPO), down
    to -1; 0 is none."""
    importance_correction: ImportanceCorrection | None = None
    """What is done where the sampler's probabilities differ from the trainer's: nothing, weigh
    tokens by the ratio up to a cap (truncate), or leave out those beyond it (mask)."""
    importance_level: ImportanceLevel | None = None
    """The ratio of each token, of the completion (sequence), or its geometric mean."""
    importance_cap: float | None = None
    """The most that a ratio counts; mask also leaves out what is below 1 / cap."""
    critic_learning_rate: float | None = None
    """Peak rate of PPO's critic; by default 1e-3 for models of fewer than 10 million weights and
    9e-6 for others."""
    gradient_checkpointing: bool = False
    """Compute the model's layers again in the backward pass instead of keeping what they computed:
    less memory for a third more time, and more than that where prompts are long, since each is then
    run once for every completion."""
    micro_batch_tokens: int = 4096
    """The most completion tokens, padding included, that are run through the model at once in an
    update. Fewer need less memory; the result is the same."""
    pack_rows: Literal["auto", "yes", "no"] = "auto"
    """Run completions through the model side by side, without padding: on a GPU where the model
    allows it (auto), or always, or never. The result is the same up to rounding."""
    data: Path | None = None
    """The file of questions, for benchmarks that are not embedded; by default they are looked for
    in TTRL_DATA_DIR and downloaded from their publisher."""
    held_out: float = 0.0
    """The share of questions kept out of training to measure transfer, for benchmarks without a
    held-out split of their own."""
    eval_votes: int = 16
    """Completions for each question in an evaluation."""
    eval_temperatures: tuple[float, ...] | None = None
    """Sampling temperatures before and after, 0 for the likeliest token. The first is the main one,
    which eval_every uses too. By default 0.6, the paper's, and for models of fewer than 10 million
    weights 0 and the training temperature as well."""
    eval_top_p: float = 0.95
    """At the first of these temperatures, sample only from the likeliest tokens that together have
    this probability; the others sample from all tokens, as training does."""
    eval_every: int = 0
    """Evaluate every so many steps as well; 0 is before and after only."""
    evaluate: bool = True
    """Whether to evaluate before and after at all."""
    held_out_env: str | None = None
    """Measure transfer on the questions of this environment, e.g. train on AMC and measure
    AIME24."""
    held_out_data: Path | None = None
    """The file of its questions, where it needs one."""
    log: tuple[Literal["tensorboard", "wandb"], ...] = ()
    """Log the run to tensorboard, wandb or both, besides metrics.jsonl."""
    sample_every: int = 0
    """Write the completions of one question into samples/, and to the logs, every so many steps;
    0 is never."""
    checkpoint_every: int = 20
    """Save everything that is needed to resume every so many steps."""
    monitor_kl_every: int | None = None
    """Estimate how far the policy has moved from its start every so many steps (the metric
    kl_start; it changes nothing); 0 is never. It keeps a copy of the initial weights in memory, so
    the default is 5 for models of fewer than 10 million weights and 0 for others."""
    on_collapse: Literal["warn", "reduce", "stop", "ignore"] = "warn"
    """What to do when the votes show the run collapsing: warn; reduce the learning rate as well;
    stop and go back to the best checkpoint; or not watch at all."""
    best_by: Literal["majority-ratio", "margin", "stability", "reward"] = "majority-ratio"
    """What makes a checkpoint the best, without labels: the highest mean, over the last ten steps,
    of the majority ratio, of the margin, of the share of pseudo-labels that did not flip, or of
    the reward. A collapse raises most of these too, so none is taken after the first alarm."""
    keep_checkpoints: int = 2
    """How many of these stay; with 2, one that the disk damaged costs a few steps and no more."""
    lora_rank: int = 0
    """Train low-rank adapters (LoRA) of this rank on every linear layer but the head, instead of
    all weights; 0 trains all weights."""
    lora_alpha: float | None = None
    """Adapters are scaled by this over their rank; by default twice the rank."""
    lora_checkpoint: Literal["merged", "adapter"] = "merged"
    """What a run with LoRA leaves in checkpoint/: a whole model, or the adapter alone."""
    device: str = "auto"
    """auto (a GPU where there is one), cpu, cuda, cuda:N or mps (an Apple GPU)."""
    dtype: DType = "auto"
    """What the model computes in, and so what its weights are: auto is bfloat16 on a GPU (float16
    where it has no bfloat16) and float32 elsewhere. The optimizer keeps 16-bit weights in float32
    as well."""
    chat_template: Path | None = None
    """A Jinja file that replaces the model's chat template."""
    sample_rows: int | None = None
    """The most completions sampled at once; by default what memory holds, or 256 with vllm."""
    sampler: Literal["transformers", "vllm", "vllm-server"] = "transformers"
    """What draws completions: the model itself, or a vLLM engine beside it. A vllm-server keeps
    weights of its own, so it serves evaluation alone."""
    log_prob_tolerance: float | None = None
    """How far the log-probabilities of a sampler with its own copy of the weights may lie from
    the policy's, in nats, as a mean over tokens; beyond, the run stops. By default 0.001 on CPU
    and 0.05 on GPU."""
    engine_max_length: int | None = None
    """The most tokens of a prompt and its completion together that vLLM prepares for; by default
    2048 more than max_tokens, or what the model holds if that is less."""
    engine_kv_gib: float | None = None
    """Memory for vLLM's keys and values, in GiB; by default 1 on CPU, and on GPU what
    engine_gpu_share leaves beside the weights."""
    engine_gpu_share: float = 0.5
    """The share of the GPU's memory that vLLM may take."""
    engine_sleep: bool = False
    """Give vLLM's GPU memory back while the policy learns."""
    engine_timeout: float = 600.0
    """Seconds of silence after which vLLM counts as hung and is started anew."""

    def __post_init__(self) -> None:
        for name in (
            "questions_per_step",
            "max_tokens",
            "micro_batch_tokens",
            "eval_votes",
            "checkpoint_every",
            "keep_checkpoints",
        ):
            self._require(name, getattr(self, name) >= 1, "1 or more")
        for name in (
            "seed",
            "steps",
            "warmup_steps",
            "eval_every",
            "sample_every",
            "weight_decay",
        ):
            self._require(name, getattr(self, name) >= 0, "0 or more")
        self._require("lora_rank", self.lora_rank >= 0, "0 or more")
        self._require("lora_alpha", self.lora_alpha is None or self.lora_alpha > 0, "more than 0")
        for name in ("sample_rows", "max_prompt_tokens"):
            value = getattr(self, name)
            self._require(name, value is None or value >= 1, "1 or more")
        self._require(
            "eval_temperatures",
            self.eval_temperatures is None
            or (
                len(self.eval_temperatures) > 0
                and all(0 <= each < math.inf for each in self.eval_temperatures)
            ),
            "one or more temperatures of 0 or more, and finite",
        )
        self._require("eval_top_p", 0 < self.eval_top_p <= 1, "in (0, 1]")
        self._check_algorithm()
        self._require("n_votes", self.n_votes >= 2, "2 or more")
        self._require(
            "n_train",
            self.n_train is None or 2 <= self.n_train <= self.n_votes,
            f"from 2 to n_votes = {self.n_votes}",
        )
        self._require("temperature", 0 < self.temperature < math.inf, "more than 0, and finite")
        self._require("adam_beta2", 0 <= self.adam_beta2 < 1, "in [0, 1)")
        self._require("held_out", 0 <= self.held_out < 1, "in [0, 1)")
        if self.held_out_env is not None and self.held_out > 0:
            raise AgentError("Give --held-out or --held-out-env, not both.")
        if self.held_out_data is not None and self.held_out_env is None:
            raise AgentError("--held-out-data is the file of --held-out-env; give that too.")
        self._require("max_grad_norm", self.max_grad_norm > 0, "more than 0")
        self._require(
            "learning_rate",
            self.learning_rate is None or 0 <= self.learning_rate < 1,
            "in [0, 1)",
        )
        self._require(
            "log_prob_tolerance",
            self.log_prob_tolerance is None or self.log_prob_tolerance > 0,
            "more than 0",
        )
        self._require(
            "engine_max_length",
            self.engine_max_length is None or self.engine_max_length > self.max_tokens,
            f"more than max_tokens = {self.max_tokens}",
        )
        self._require("engine_kv_gib", (self.engine_kv_gib or 1) > 0, "more than 0")
        self._require("engine_gpu_share", 0 < self.engine_gpu_share < 1, "between 0 and 1")
        self._require("engine_timeout", self.engine_timeout > 0, "more than 0")
        self._require(
            "monitor_kl_every",
            self.monitor_kl_every is None or self.monitor_kl_every >= 0,
            "0 or more",
        )

    def resolve_algorithm(self) -> Algorithm:
        """Returns the pieces of the algorithm: those of the preset, but for those given."""
        preset = ALGORITHMS[self.algorithm]
        names = {field.name for field in fields(Algorithm)} & {each.name for each in fields(self)}
        given = {name: value for name in names if (value := getattr(self, name)) is not None}
        most = min(preset.minibatches, self.questions_per_step)
        return replace(preset, **{"minibatches": most, **given})

    def _check_algorithm(self) -> None:
        if self.algorithm not in ALGORITHMS:
            raise unknown_name("algorithm", self.algorithm, ALGORITHMS)
        for name, low, high, what in (
            ("clip_low", 0, 1, "in [0, 1]"),
            ("clip_high", 0, math.inf, "0 or more"),
            ("kl_coef", 0, math.inf, "0 or more"),
            ("entropy_coef", 0, math.inf, "0 or more"),
            ("epochs", 1, math.inf, "1 or more"),
            (
                "minibatches",
                1,
                self.questions_per_step,
                f"from 1 to questions_per_step = {self.questions_per_step}",
            ),
            ("gae_lambda", 0, 1, "in [0, 1]"),
            ("value_clip", 0, math.inf, "0 or more"),
            ("overlong_buffer", 0, self.max_tokens, f"from 0 to max_tokens = {self.max_tokens}"),
            ("importance_cap", 1, math.inf, "1 or more"),
            ("critic_learning_rate", 0, 1, "in [0, 1]"),
        ):
            value = getattr(self, name)
            self._require(name, value is None or low <= value <= high, what)
        self._require(
            "dual_clip", self.dual_clip in (None, 0) or self.dual_clip > 1, "0 or more than 1"
        )
        pieces = self.resolve_algorithm()
        if pieces.kl_coef > 0 and pieces.kl_in == "loss" and pieces.kl_estimator == "k1":
            raise AgentError(
                "The estimator k1 has no gradient on average as a term of the loss. Use "
                "--kl-estimator k2 or k3, or take it off the reward with --kl-in reward."
            )
        if pieces.advantage == "group-mean-ratio" and (
            pieces.overlong_buffer or pieces.shapes_reward
        ):
            raise AgentError(
                f"--algorithm {self.algorithm} divides by the mean reward, which must not fall "
                "below 0, so nothing can be taken off the reward. Leave out --overlong-buffer, "
                "and --kl-in reward."
            )

    def _require(self, name: str, holds: bool, what: str) -> None:
        if not holds:
            raise AgentError(f"{option_name(name)} must be {what}, not {getattr(self, name)}.")

    def to_dict(self) -> dict[str, Any]:
        """Returns the options as JSON holds them."""
        return options_to_json(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TrainConfig:
        """Returns the options that `to_dict` wrote; those that are missing have their defaults.

        Raises:
            AgentError: An option is unknown, or its value is of the wrong type or out of range.
        """
        return options_from_json(cls, values, "ttrl train")


def read_config(path: Path) -> TrainConfig:
    """Returns the options that a run left in its `config.json`.

    Raises:
        AgentError: There is no such file, or it does not hold the options of a run.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AgentError(f"{path} cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise AgentError(f"{path} does not hold the options of a run.")
    return TrainConfig.from_dict(values)
