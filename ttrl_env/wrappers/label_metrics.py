"""The metrics that compare votes with labels, where there are labels.

- `LabelMetrics`: the only wrapper that sees labels; it changes no reward.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.vector import VectorEnv, VectorWrapper

from ttrl_env.answers import answer_key
from ttrl_env.wrappers.consensus_reward import find_consensus_reward, finished_info
from ttrl_env.wrappers.labels import benchmark_with_labels

__all__ = ["METRICS", "LabelMetrics"]

Array = npt.NDArray[Any]

METRICS = (
    "majority_accuracy",
    "label_accuracy",
    "reward_accuracy",
    "ground_truth_ratio",
    "pass_at_k",
)


class LabelMetrics(VectorWrapper):
    """Adds metrics that need labels to the information about finished episodes.

    Goes around a `ConsensusReward`. For each group of k completions, one value repeated over its
    members, float64, with the definitions of TTRL's section 4 (arXiv 2504.16084):

    - `majority_accuracy`: 1 if the most frequent answer equals the label (maj@k), whatever the
      reward;
    - `label_accuracy`: 1 if the pseudo-label equals the label, else 0;
    - `reward_accuracy`: the share of rewards that equal the true reward, 1 or 0;
    - `ground_truth_ratio`: the share of completions whose answer equals the label (mean@k);
    - `pass_at_k`: 1 if any of the k answers equals the label, else 0 (pass@k).

    Groups without a label are masked out. With a reward that names no pseudo-label (`random`),
    `label_accuracy` is 0.

    Args:
        env: A vector environment with a `ConsensusReward` inside.

    Raises:
        ValueError: There is none inside.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any]) -> None:
        super().__init__(env)
        inside = find_consensus_reward(env)
        self._benchmark = benchmark_with_labels(inside.env)
        self._groups = inside.groups

    def step(self, actions: Any) -> tuple[Any, Array, Array, Array, dict[str, Any]]:
        """Steps, and adds the metrics."""
        observations, rewards, terminations, truncations, infos = self.env.step(actions)
        final = finished_info(infos)
        added = {name: np.zeros(self.num_envs) for name in METRICS}
        mask = np.zeros(self.num_envs, dtype=np.bool_)
        for members in self._groups:
            start = members.start
            label = self._benchmark.labels.reveal(final["question_id"][start])
            if label is None or not final["_vote"][start]:
                continue
            truth = answer_key(label, self._benchmark.answer_format)
            votes, keys = final["vote"][members], final["answer_key"][members]
            counts = np.bincount(votes[votes >= 0])
            # Members of a class have one key, so they equal the label together or not at all.
            first = [int(np.argmax(votes == each)) for each in range(counts.size)]
            true_classes = [keys[member] == truth for member in first]
            right = np.array([vote >= 0 and true_classes[vote] for vote in votes])
            added["majority_accuracy"][members] = counts.size > 0 and true_classes[counts.argmax()]
            consensus = final["consensus"][start]
            if consensus is not None:
                elected = list(final["answer"][members]).index(consensus)
                added["label_accuracy"][members] = keys[elected] == truth
            added["reward_accuracy"][members] = np.mean(rewards[members] == right)
            added["ground_truth_ratio"][members] = right.mean()
            added["pass_at_k"][members] = right.any()
            mask[members] = True
        for name, values in added.items():
            final[name], final["_" + name] = values, mask.copy()
        return observations, rewards, terminations, truncations, infos
