"""The algorithms, each a choice among the same pieces.

- `Algorithm`: the pieces of one algorithm.
- `ALGORITHMS`: the presets, by name.
- `AlgorithmName`: their names, as the command line takes them.
- `Advantage`, `Ratio`, `Objective`, `Aggregation`, `KLEstimator`, `KLPlace`,
  `ImportanceCorrection`, `ImportanceLevel`: the words for the pieces.

docs/algorithms.md shows how they differ, formula by formula. Nothing here imports PyTorch, so
that options can be read and checked without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "ALGORITHMS",
    "Advantage",
    "Aggregation",
    "Algorithm",
    "AlgorithmName",
    "ImportanceCorrection",
    "ImportanceLevel",
    "KLEstimator",
    "KLPlace",
    "Objective",
    "Ratio",
]

AlgorithmName = Literal[
    "reinforce",
    "rloo",
    "grpo",
    "dr-grpo",
    "dapo",
    "gspo",
    "cispo",
    "sapo",
    "reinforce++",
    "reinforce++-baseline",
    "maxrl",
    "opo",
    "ppo",
]
Advantage = Literal[
    "group-mean", "leave-one-out", "group-mean-ratio", "length-weighted", "batch-mean", "returns",
    "gae",
]  # fmt: skip
Ratio = Literal["token", "sequence"]
Objective = Literal["clip", "weight", "gate"]
Aggregation = Literal["token", "sequence", "fixed"]
KLEstimator = Literal["k1", "k2", "k3"]
KLPlace = Literal["loss", "reward"]
ImportanceCorrection = Literal["none", "truncate", "mask"]
ImportanceLevel = Literal["token", "sequence", "geometric"]


@dataclass(frozen=True)
class Algorithm:
    """The pieces of an algorithm; the defaults are those of `grpo`.

    Attributes:
        advantage: What a reward is compared with. Within its group: `"group-mean"`,
            `"leave-one-out"` (the mean of the others), `"group-mean-ratio"` (the mean, and divided
            by it), `"length-weighted"` (the mean weighted by lengths). Within the batch:
            `"batch-mean"`. Token by token: `"returns"` (the rewards from each token on), `"gae"`
            (the same, less what a critic expected).
        scale_by_std: Whether `"group-mean"` is divided by the standard deviation of the group.
        whiten: Whether advantages get mean 0 and variance 1 over all tokens of a rollout.
        ratio: The probability ratio of each token, or the geometric mean over the completion.
        objective: What becomes of the ratio: `"clip"` (PPO), `"weight"` (CISPO: it is a clipped
            weight without a gradient of its own) or `"gate"` (SAPO: a smooth clip).
        clip_low: How far below 1 the ratio may fall.
        clip_high: How far above 1 it may rise.
        dual_clip: With a negative advantage, the ratio beyond which the loss stops growing;
            0: none.
        aggregation: The mean over all tokens, the mean over completions of their means, or the
            sum divided by completions × `max_tokens`.
        kl_coef: Weight of the divergence from the initial model.
        kl_estimator: How it is estimated.
        kl_in: Whether it is a term of the loss or taken off the reward.
        entropy_coef: Weight of the entropy that is added to the objective.
        epochs: Passes over a rollout.
        minibatches: Updates in a pass. A preset asks for at most one a question.
        gamma: Discount of rewards per token, for `"returns"` and `"gae"`.
        gae_lambda: How far `"gae"` trusts rewards over the critic; 1 is all the way.
        value_clip: How far the critic may move from its values at the time of the rollout.
        overlong_buffer: Tokens before `max_tokens` over which a growing penalty is taken off the
            reward, down to -1 (DAPO); 0: none.
        importance_correction: What is done where the sampler's probabilities differ from the
            trainer's: nothing, weigh by their truncated ratio, or leave out.
        importance_level: The ratio of each token, the product over the completion, or its
            geometric mean.
        importance_cap: Where the ratio is truncated; what lies outside [1 / cap, cap] is left out.
    """

    advantage: Advantage = "group-mean"
    scale_by_std: bool = True
    whiten: bool = False
    ratio: Ratio = "token"
    objective: Objective = "clip"
    clip_low: float = 0.2
    clip_high: float = 0.2
    dual_clip: float = 0.0
    aggregation: Aggregation = "token"
    kl_coef: float = 0.0
    kl_estimator: KLEstimator = "k3"
    kl_in: KLPlace = "loss"
    entropy_coef: float = 0.0
    epochs: int = 1
    minibatches: int = 1
    gamma: float = 1.0
    gae_lambda: float = 1.0
    value_clip: float = 0.5
    overlong_buffer: int = 0
    importance_correction: ImportanceCorrection = "none"
    importance_level: ImportanceLevel = "token"
    importance_cap: float = 2.0

    @property
    def per_token(self) -> bool:
        """Whether tokens of one completion may have different advantages before whitening."""
        return self.advantage in ("returns", "gae")

    @property
    def shapes_reward(self) -> bool:
        """Whether the divergence from the initial model is taken off the reward."""
        return self.kl_coef > 0 and self.kl_in == "reward"


# Where the original takes several updates on a rollout and its ratio would otherwise be 1
# throughout, so do we: four.
ALGORITHMS: dict[AlgorithmName, Algorithm] = {
    "reinforce": Algorithm(advantage="batch-mean", aggregation="fixed"),
    "rloo": Algorithm(
        advantage="leave-one-out", aggregation="fixed", kl_estimator="k1", kl_in="reward"
    ),
    "grpo": Algorithm(),
    "dr-grpo": Algorithm(scale_by_std=False, aggregation="fixed"),
    "dapo": Algorithm(clip_high=0.28, minibatches=4),
    "gspo": Algorithm(
        ratio="sequence", clip_low=3e-4, clip_high=4e-4, aggregation="sequence", minibatches=4
    ),
    "cispo": Algorithm(objective="weight", clip_low=1.0, clip_high=4.0, minibatches=4),
    "sapo": Algorithm(objective="gate", aggregation="sequence", minibatches=4),
    "reinforce++": Algorithm(advantage="returns", whiten=True, kl_estimator="k1", kl_in="reward"),
    "reinforce++-baseline": Algorithm(scale_by_std=False, whiten=True, kl_estimator="k2"),
    "maxrl": Algorithm(advantage="group-mean-ratio"),
    "opo": Algorithm(advantage="length-weighted"),
    "ppo": Algorithm(
        advantage="gae", whiten=True, kl_estimator="k1", kl_in="reward", minibatches=4
    ),
}
