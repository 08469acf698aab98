"""How right the votes are, where labels exist to say so.

- `LabelMetrics`: the only wrapper that sees labels; it changes no reward.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.vector import VectorEnv, VectorWrapper

from ttrl_env.answers import answer_key
from ttrl_env.wrappers.attributes import find_attribute
from ttrl_env.wrappers.consensus_reward import finished_info

__all__ = ["LabelMetrics"]

Array = npt.NDArray[Any]


class LabelMetrics(VectorWrapper):
    """Adds metrics that need labels to the information about finished episodes.

    Goes around a `ConsensusReward`. For each group, one value repeated over its members, float64,
    with the definitions of TTRL's section 4 (arXiv 2504.16084):

    - `majority_accuracy`: 1 if the most frequent answer equals the label (maj@k), whatever the
      reward;
    - `label_accuracy`: 1 if the pseudo-label equals the label, else 0;
    - `reward_accuracy`: the share of rewards that equal the true reward;
    - `ground_truth_ratio`: the share of completions whose answer equals the label (mean@k).

    Groups without a label are masked out. With a reward that names no pseudo-label (`random`),
    `label_accuracy` is 0.

    Args:
        env: A vector environment with a `ConsensusReward` inside.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any]) -> None:
        super().__init__(env)
        self._benchmark = find_attribute(env, "benchmark")
        self._group_size = int(find_attribute(env, "group_size"))

    def step(self, actions: Any) -> tuple[Any, Array, Array, Array, dict[str, Any]]:
        """Steps, and adds the metrics."""
        observations, rewards, terminations, truncations, infos = self.env.step(actions)
        final = finished_info(infos)
        names = ("majority_accuracy", "label_accuracy", "reward_accuracy", "ground_truth_ratio")
        added = {name: np.zeros(self.num_envs) for name in names}
        mask = np.zeros(self.num_envs, dtype=np.bool_)
        for start in range(0, self.num_envs, self._group_size):
            members = slice(start, start + self._group_size)
            label = self._benchmark.labels.reveal(final["question_id"][start])
            if label is None or not final["_answer"][start]:
                continue
            truth = self._key(label)
            keys = [self._key(answer) for answer in final["answer"][members]]
            true_rewards = np.array([key == truth for key in keys])
            votes = Counter(key for key in keys if key is not None).most_common(1)
            added["majority_accuracy"][members] = bool(votes) and votes[0][0] == truth
            added["label_accuracy"][members] = self._key(final["consensus"][start]) == truth
            added["reward_accuracy"][members] = np.mean(rewards[members] == true_rewards)
            added["ground_truth_ratio"][members] = true_rewards.mean()
            mask[members] = True
        for name, values in added.items():
            final[name], final["_" + name] = values, mask.copy()
        return observations, rewards, terminations, truncations, infos

    def _key(self, answer: str | None) -> Any:
        return None if answer is None else answer_key(answer, self._benchmark.answer_format)
