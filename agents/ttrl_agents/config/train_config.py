"""Every option of a training run, documented once.

- `TrainConfig`: the options of `ttrl train`.
- `read_config`: those in a run's `config.json`.
- `RESUMABLE_WITH`: the options that a resumed run may change.
- `Family`, `Preset`: the names of the paper's settings (see `presets`).
- `DType`: what a model may compute in.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import tyro

from ttrl_agents.config.algorithms import (
    ALGORITHMS,
    Aggregation,
    Algorithm,
    ImportanceCorrection,
    ImportanceLevel,
    KLEstimator,
    KLPlace,
    Ratio,
)
from ttrl_agents.config.bounds import (
    AT_LEAST_0,
    AT_LEAST_1,
    LEAST_TEMPERATURE,
    MORE_THAN_0,
    Bound,
    check_bounds,
)
from ttrl_agents.config.groups import Heading, in_help_order
from ttrl_agents.config.options import SharedOptions
from ttrl_agents.config.schedule import Schedule
from ttrl_agents.errors import AgentError
from ttrl_env.files import parse_json

__all__ = ["RESUMABLE_WITH", "DType", "Family", "Preset", "TrainConfig", "read_config"]

Preset = Literal["paper/aime24", "paper/amc", "paper/math500", "paper/gpqa"]
Family = Literal["qwen2.5-math", "instruct", "reasoning"]
DType = Literal["auto", "bfloat16", "float16", "float32"]

# These options change results by rounding at most, so a resumed run may change them; but for
# max_prompt_tokens, which leaves out the questions that a run cannot go on with.
RESUMABLE_WITH = frozenset(
    {
        "output",
        "max_prompt_tokens",
        "data",
        "checkpoint_every",
        "keep_checkpoints",
        "log_prob_tolerance",
        "engine_gpu_share",
        "engine_kv_gib",
        "engine_max_length",
        "engine_sleep",
        "engine_tensor_parallel",
        "engine_timeout",
        "weight_sync",
        "device",
        "sample_rows",
        "micro_batch_tokens",
        "pack_rows",
        "gradient_checkpointing",
        "shard",
        "offload_reference",
        "kernels",
    }
)


@in_help_order
@dataclass(frozen=True)
class TrainConfig(SharedOptions):
    """Trains a language model on questions that nobody labelled.

    Samples votes on each question, treats the majority answer as the label, rewards the votes that
    agree and takes a policy-gradient step. Labels, where they exist, only measure.

    Raises:
        AgentError: A value is out of its range.
    """

    bounds: ClassVar[Mapping[str, Bound]] = {
        **SharedOptions.bounds,
        **Algorithm.bounds,
        "steps": AT_LEAST_0,
        "questions_per_step": AT_LEAST_1,
        "n_votes": Bound("2 or more", 2),
        "max_tokens": AT_LEAST_1,
        "temperature": Bound("0.001 or more", LEAST_TEMPERATURE),
        "learning_rate": Bound("in [0, 1)", 0, 1, open_high=True),
        "warmup_steps": AT_LEAST_0,
        "adam_beta2": Bound("in [0, 1)", 0, 1, open_high=True),
        "weight_decay": AT_LEAST_0,
        "max_grad_norm": MORE_THAN_0,
        "critic_learning_rate": Bound("in [0, 1]", 0, 1),
        "micro_batch_tokens": AT_LEAST_1,
        "held_out": Bound("in [0, 1)", 0, 1, open_high=True),
        "eval_limit": AT_LEAST_1,
        "eval_k": AT_LEAST_1,
        "eval_temperatures": Bound(
            "one or more temperatures of 0, or of 0.001 or more", LEAST_TEMPERATURE, or_0=True
        ),
        "eval_top_p": Bound("in (0, 1]", 0, 1, open_low=True),
        "eval_every": AT_LEAST_0,
        "sample_every": AT_LEAST_0,
        "checkpoint_every": AT_LEAST_1,
        "monitor_kl_every": AT_LEAST_0,
        "keep_checkpoints": AT_LEAST_1,
        "engine_tensor_parallel": AT_LEAST_1,
        "lora_rank": AT_LEAST_0,
        "lora_alpha": MORE_THAN_0,
        "log_prob_tolerance": MORE_THAN_0,
    }
    command: ClassVar[str] = "ttrl train"
    common: ClassVar[tuple[str, ...]] = (
        *("model", "env", "data", "seed", "preset"),
        *("steps", "questions_per_step", "n_votes", "max_tokens", "temperature"),
        *("reward", "algorithm", "learning_rate", "lora_rank"),
        *("eval_every", "eval_k", "held_out", "output", "log", "sampler", "device"),
    )

    MODEL_AND_QUESTIONS: ClassVar[Heading]
    """Which model learns from which questions."""
    model: str = "tiny"
    """tiny or tiny-noisy (they ship with the package), the folder of a Hugging Face checkpoint, a
    GGUF file or the folder of one, or an id on the Hugging Face Hub."""
    preset: Preset | None = None
    """Start from the settings of the TTRL paper on this benchmark; options that are given besides
    override them. --preset NAME --help-all shows them."""
    family: Family | None = None
    """Whose settings a preset takes: qwen2.5-math, instruct (any other model that does not think
    first) or reasoning (models that do); by default what the model's name and chat template say."""
    rephrase: str | None = None
    """Ask half of the votes on each question in other words, for rewards that compare two
    wordings: arithmetic, or a JSON file of paraphrases by question id or text."""

    SAMPLING_AND_VOTES: ClassVar[Heading]
    """How many completions a step samples, and how many of them vote and train."""
    steps: int = 100
    """Training steps."""
    questions_per_step: int = 8
    """Questions in a step."""
    n_votes: int = 16
    """Completions that vote on each question."""
    n_train: int | None = None
    """How many of the votes, the first ones, are trained on; by default all."""
    max_tokens: int = 256
    """The most tokens of one completion."""
    temperature: float = 1.0
    """Sampling temperature in training."""

    REWARD: ClassVar[Heading]
    """`ttrl rewards` lists them, and `ttrl rewards NAME` explains one."""
    reward: str = "majority"
    """How votes become rewards: a name that `ttrl rewards` lists, with options or without, or a
    sum, e.g. "majority(min_ratio=0.3, tie=abstain)", "majority + 0.1*format_only"."""

    ALGORITHM: ClassVar[Heading]
    """How rewards become gradients; docs/algorithms.md has the formulas."""
    algorithm: Annotated[
        str, tyro.conf.arg(metavar="{" + ",".join(ALGORITHMS.registered) + "}")
    ] = "grpo"
    """Sets advantage … importance_cap at once; those of them that are given as well override it.
    docs/algorithms.md shows how the algorithms differ. Installed packages may add others."""
    # The pieces of the algorithm: None is the preset's; help and ranges are those of `Algorithm`.
    advantage: str | None = None
    scale_by_std: bool | None = None
    whiten: bool | None = None
    ratio: Ratio | None = None
    objective: str | None = None
    clip_low: float | None = None
    clip_high: float | None = None
    dual_clip: float | None = None
    aggregation: Aggregation | None = None
    kl_coef: float | None = None
    kl_estimator: KLEstimator | None = None
    kl_in: KLPlace | None = None
    entropy_coef: float | None = None
    epochs: int | None = None
    minibatches: int | None = None
    gamma: float | None = None
    gae_lambda: float | None = None
    value_clip: float | None = None
    overlong_buffer: int | None = None
    importance_correction: ImportanceCorrection | None = None
    importance_level: ImportanceLevel | None = None
    importance_cap: float | None = None
    old_log_probs: Literal["trainer", "sampler"] = "trainer"
    """Whose log-probabilities of the sampled tokens the ratio of later updates is taken against:
    the trainer's, which costs another pass over them, or those that the sampler reported."""

    OPTIMIZER: ClassVar[Heading]
    """Which weights change, and how fast."""
    learning_rate: float | None = None
    """Peak learning rate of AdamW; by default 2e-4 for models of fewer than 10 million weights and
    1e-6 for others, and 10 times as much with LoRA."""
    warmup_steps: int = 5
    """Steps over which the learning rate rises from 0."""
    schedule: Schedule = "cosine"
    """How the learning rate goes on: constant; cosine, a half cosine to 0 that the warm-up
    multiplies; or warmup-cosine, a warm-up from exactly 0 and then a half cosine over the steps
    that are left, as in the paper."""
    adam_beta2: float = 0.95
    """Decay of the second moment of AdamW; the usual 0.999 suits runs of thousands of steps."""
    weight_decay: float = 0.01
    """Weight decay of AdamW."""
    max_grad_norm: float = 1.0
    """Gradients are scaled down to this norm."""
    critic_learning_rate: float | None = None
    """Peak learning rate of PPO's critic; by default 1e-3 for models of fewer than 10 million
    weights and 9e-6 for others."""
    lora_rank: int = 0
    """Train low-rank adapters (LoRA) of this rank on every linear layer but the head, instead of
    all weights; 0 trains all weights."""
    lora_alpha: float | None = None
    """Adapters are scaled by this over their rank; by default twice the rank."""
    lora_checkpoint: Literal["merged", "adapter"] = "merged"
    """What a run with LoRA leaves in checkpoint/: a whole model, or the adapter alone."""

    EVALUATION: ClassVar[Heading]
    """How the model is measured before, during and after. The names are those of `ttrl eval`, with
    eval- in front."""
    evaluate: bool = True
    """Whether to evaluate before and after at all."""
    eval_every: int = 0
    """Evaluate every so many steps as well; 0 is before and after only."""
    eval_limit: int | None = None
    """Evaluate only so many questions of each kind, spread evenly over them; by default all."""
    eval_k: int = 16
    """Completions for each question in an evaluation."""
    eval_temperatures: tuple[float, ...] | None = None
    """Sampling temperatures before and after, 0 for the likeliest token. The first is the main one,
    which eval_every uses too. By default 0.6, the paper's, and for models of fewer than 10 million
    weights 0 and the training temperature as well."""
    eval_top_p: float = 0.95
    """At the first of these temperatures, sample only from the likeliest tokens that together have
    this probability; the others sample from all tokens, as training does."""
    held_out: float = 0.0
    """The share of questions kept out of training to measure transfer, for benchmarks without a
    held-out split of their own."""
    held_out_env: str | None = None
    """Measure transfer on the questions of this environment, e.g. train on AMC and measure
    AIME24."""
    held_out_data: Path | None = None
    """The file of the questions of --held-out-env, where it needs one."""

    SAVING_AND_LOGGING: ClassVar[Heading]
    """What the run writes and watches."""
    output: Path | None = None
    """The run directory; by default a new one under runs/."""
    log: tuple[str, ...] = ()
    """Log the run to tensorboard, trackio or wandb, or to several, besides metrics.jsonl, or by
    callbacks that installed packages add."""
    sample_every: int = 0
    """Write the completions of one question into samples/, and to the logs, every so many steps;
    0 is never."""
    checkpoint_every: int = 20
    """Save everything that is needed to resume every so many steps."""
    keep_checkpoints: int = 2
    """How many checkpoints stay; with 2, one that the disk damaged costs a few steps, no more."""
    best_by: Literal["majority-ratio", "margin", "stability", "reward"] = "majority-ratio"
    """What makes a checkpoint the best, without labels: the highest mean, over the last ten steps,
    of the majority ratio, of the margin, of the share of winners that did not flip, or of the
    reward. A collapse raises most of these too, so none is taken after the first alarm."""
    on_collapse: Literal["warn", "reduce", "stop", "ignore"] = "warn"
    """What to do when the votes show the run collapsing: warn; reduce the learning rate as well;
    stop and go back to the best checkpoint; or not watch at all."""
    monitor_kl_every: int | None = None
    """Estimate how far the policy has moved from the initial policy every so many steps (the metric
    kl_start; it changes nothing); 0 is never. It keeps a copy of the initial weights in memory, so
    the default is 5 for models of fewer than 10 million weights and 0 for others."""

    ENGINE: ClassVar[Heading]
    """What the model runs on, and how much memory it takes."""
    dtype: DType = "auto"
    """What the model computes in, and so what its weights are: auto is bfloat16 on a GPU (float16
    where it has no bfloat16) and float32 elsewhere. The optimizer keeps 16-bit weights in float32
    as well."""
    optimizer_bits: Literal[32, 8] = 32
    """Bits of each of AdamW's moments. With 8, a scale for every 256 of them, 16-bit weights are
    kept in float32 by 16 more bits each, and gradients of micro-batches are added up in the type of
    the weights: 8 bytes a weight instead of 18, at some cost in precision."""
    gradient_checkpointing: bool = False
    """Compute the model's layers again in the backward pass instead of keeping what they computed:
    less memory for a third more time, and more than that where prompts are long, since each is then
    run once for every completion."""
    offload_reference: bool = False
    """Keep the initial policy, which kl_coef needs, in main memory, and bring it to the GPU for its
    pass alone. With LoRA it has no weights of its own, and this does nothing."""
    micro_batch_tokens: int | None = None
    """The most tokens that are run through the model at once in an update: with padding, or where
    rows are packed, with prompts. Fewer need less memory; the result is the same. By default 4,096
    on CPU, and on GPU what the memory plan chooses, with --gradient-checkpointing, --engine-sleep
    and --offload-reference where they are needed."""
    pack_rows: Literal["auto", "yes", "no"] = "auto"
    """Run completions through the model side by side, without padding: on a GPU where the model
    allows it (auto), or always, or never. The result is the same up to rounding."""
    kernels: Literal["torch", "compile", "liger"] = "torch"
    """What computes the model's layers in an update: PyTorch's own operations; compile, the same
    fused by torch.compile, where rows are packed; or liger, the Triton kernels of Liger (the extra
    gpu), on a GPU. The result is the same up to rounding."""
    shard: Literal["auto", "no", "full"] = "auto"
    """With several GPUs, whether each keeps only a part of the weights, gradients and moments:
    full; no, each keeps all of them; or auto, full where they do not fit on one GPU. It changes
    nothing with one process."""
    log_prob_tolerance: float | None = None
    """How far the log-probabilities of a sampler with its own copy of the weights may lie from
    the policy's, in nats, as a mean over tokens; beyond, the run stops. By default 0.001 in float32
    and 0.05 in 16 bits, divided by a temperature below 1."""
    engine_max_length: int | None = None
    """The most tokens of a prompt and its completion together that vLLM prepares for; by default
    2048 more than max_tokens, or what the model holds if that is less."""
    engine_sleep: bool = False
    """Give vLLM's GPU memory back while the policy learns."""
    engine_tensor_parallel: int = 1
    """With several GPUs, how many of one machine share an engine of vLLM, each with a part of its
    weights: for models that are too large for an engine on every GPU. --gpus is a multiple of
    it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_bounds(self, self._dependent_bounds())
        if self.held_out_env is not None and self.held_out > 0:
            raise AgentError("Give --held-out or --held-out-env, not both.")
        if self.held_out_data is not None and self.held_out_env is None:
            raise AgentError("--held-out-data is the file of --held-out-env; give that too.")
        self._check_algorithm()

    def resolve_algorithm(self) -> Algorithm:
        """Returns the pieces of the algorithm: those of the preset, but for those given."""
        preset = ALGORITHMS.find(self.algorithm)
        names = [each.name for each in fields(Algorithm)]
        given = {name: value for name in names if (value := getattr(self, name)) is not None}
        most = min(preset.minibatches, self.questions_per_step)
        return replace(preset, **{"minibatches": most, **given})

    def _dependent_bounds(self) -> dict[str, Bound]:
        """Returns the ranges that depend on other options."""
        questions, votes, tokens = self.questions_per_step, self.n_votes, self.max_tokens
        return {
            "n_train": Bound(f"from 2 to n_votes = {votes}", 2, votes),
            "minibatches": Bound(f"from 1 to questions_per_step = {questions}", 1, questions),
            "overlong_buffer": Bound(f"from 0 to max_tokens = {tokens}", 0, tokens),
            "engine_max_length": Bound(f"more than max_tokens = {tokens}", tokens, open_low=True),
        }

    def _check_algorithm(self) -> None:
        """Checks the pieces of the algorithm together."""
        pieces = self.resolve_algorithm()
        if not (pieces.dual_clip == 0 or 1 < pieces.dual_clip < math.inf):
            raise AgentError(f"--dual-clip must be 0 or more than 1, not {pieces.dual_clip}.")
        if pieces.kl_coef > 0 and pieces.kl_in == "loss" and pieces.kl_estimator == "k1":
            raise AgentError(
                "The estimator k1 has no gradient on average as a term of the loss. Use "
                "--kl-estimator k2 or k3, or subtract it from the reward with --kl-in reward."
            )
        if pieces.advantage == "group-mean-ratio" and (
            pieces.overlong_buffer or pieces.shapes_reward
        ):
            raise AgentError(
                f"--algorithm {self.algorithm} divides by the mean reward, which must not fall "
                "below 0, so nothing can be subtracted from the reward. Leave out "
                "--overlong-buffer, and --kl-in reward."
            )


def read_config(path: Path) -> TrainConfig:
    """Returns the options that a run left in its `config.json`.

    Raises:
        AgentError: There is no such file, or it does not hold the options of a run.
    """
    try:
        values = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AgentError(f"{path} cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise AgentError(f"{path} does not hold the options of a run.")
    return TrainConfig.from_dict(values)
