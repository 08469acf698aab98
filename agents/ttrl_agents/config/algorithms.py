"""The algorithms, each a choice among the same pieces.

- `Algorithm`: the pieces of one algorithm; the options that replace them take their help and
  their ranges from here.
- `ALGORITHMS`: the presets, by name.
- `Ratio`, `Aggregation`, `KLEstimator`, `KLPlace`, `ImportanceCorrection`, `ImportanceLevel`: the
  words for the pieces. Those for `advantage` and `objective` are the names in the tables of
  `learning.advantages` and `learning.losses`, to which a new file can add.

docs/algorithms.md shows how they differ, formula by formula. Nothing here imports PyTorch, so
that options can be read and checked without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from ttrl_agents.config.bounds import AT_LEAST_0, AT_LEAST_1, Bound
from ttrl_agents.config.registry import Registry

__all__ = [
    "ALGORITHMS",
    "Aggregation",
    "Algorithm",
    "ImportanceCorrection",
    "ImportanceLevel",
    "KLEstimator",
    "KLPlace",
    "Ratio",
]

Ratio = Literal["token", "sequence"]
Aggregation = Literal["token", "sequence", "fixed"]
KLEstimator = Literal["k1", "k2", "k3"]
KLPlace = Literal["loss", "reward"]
ImportanceCorrection = Literal["none", "truncate", "mask"]
ImportanceLevel = Literal["token", "sequence", "geometric"]


@dataclass(frozen=True)
class Algorithm:
    """The pieces of an algorithm; the defaults are those of `grpo`."""

    bounds: ClassVar[Mapping[str, Bound]] = {
        "clip_low": Bound("in [0, 1]", 0, 1),
        "clip_high": AT_LEAST_0,
        "kl_coef": AT_LEAST_0,
        "entropy_coef": AT_LEAST_0,
        "epochs": AT_LEAST_1,
        "minibatches": AT_LEAST_1,
        "gamma": Bound("in [0, 1]", 0, 1),
        "gae_lambda": Bound("in [0, 1]", 0, 1),
        "value_clip": AT_LEAST_0,
        "overlong_buffer": AT_LEAST_0,
        "importance_cap": AT_LEAST_1,
    }

    advantage: str = "group-mean"
    """What a reward is compared with. Within its group: group-mean, leave-one-out (the mean of the
    others), group-mean-ratio (the mean, and divided by it) or length-weighted (the mean weighted by
    lengths). Within the batch: batch-mean. Token by token: returns (the rewards from each token on)
    or gae (the same, minus what a critic expected). Installed packages may add others."""
    scale_by_std: bool = True
    """Divide the advantages of group-mean by the standard deviation of the group (GRPO), or do not
    (Dr. GRPO)."""
    whiten: bool = False
    """Shift and scale advantages to mean 0 and variance 1 over all tokens of a rollout."""
    ratio: Ratio = "token"
    """The probability ratio of each token, or the geometric mean over the completion (sequence)."""
    objective: str = "clip"
    """What becomes of the ratio: clip (PPO), weight (CISPO: the ratio is a clipped weight without a
    gradient of its own) or gate (SAPO: a smooth clip). Installed packages may add others."""
    clip_low: float = 0.2
    """How far below 1 the probability ratio may fall."""
    clip_high: float = 0.2
    """How far above 1 the probability ratio may rise."""
    dual_clip: float = 0.0
    """The ratio beyond which the loss of a completion with a negative advantage stops growing, e.g.
    3; 0 is none."""
    aggregation: Aggregation = "token"
    """The loss is a mean over all tokens (token), over completions of their means (sequence), or a
    sum divided by completions × max_tokens (fixed)."""
    kl_coef: float = 0.0
    """Weight of the divergence from the initial policy; above 0 keeps a copy of that policy."""
    kl_estimator: KLEstimator = "k3"
    """How the divergence is estimated."""
    kl_in: KLPlace = "loss"
    """Whether the divergence is a term of the loss or subtracted from the reward."""
    entropy_coef: float = 0.0
    """Weight of the policy's entropy in the objective; above 0 keeps it from becoming sure."""
    epochs: int = 1
    """How often each rollout is learned from."""
    minibatches: int = 1
    """Updates in each of these passes, on equal parts of the rollout's questions; by default at
    most one per question."""
    gamma: float = 1.0
    """Discount of rewards per token, for returns and gae."""
    gae_lambda: float = 1.0
    """How far gae (PPO) trusts rewards over its critic; 1 is all the way."""
    value_clip: float = 0.5
    """How far PPO's critic may move from its values at the time of the rollout."""
    overlong_buffer: int = 0
    """Tokens before max_tokens over which a growing penalty is subtracted from the reward (DAPO),
    down to -1; 0 is none."""
    importance_correction: ImportanceCorrection = "none"
    """What is done where the sampler's probabilities differ from the trainer's: nothing, weigh
    tokens by the ratio up to a cap (truncate), or leave out those beyond it (mask)."""
    importance_level: ImportanceLevel = "token"
    """The ratio of each token, of the completion (sequence), or its geometric mean."""
    importance_cap: float = 2.0
    """The most that a ratio counts; mask also leaves out what is below 1 / cap."""

    @property
    def shapes_reward(self) -> bool:
        """Whether the divergence from the initial policy is subtracted from the reward."""
        return self.kl_coef > 0 and self.kl_in == "reward"


# Where the original takes several updates on a rollout and its ratio would otherwise be 1
# throughout, so do we: four.
_PRESETS = {
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

ALGORITHMS: Registry[Algorithm] = Registry("algorithm", "ttrl_agents.algorithms")
for _name, _preset in _PRESETS.items():
    ALGORITHMS.register(_name)(_preset)
