"""The reward wrapper: the votes of each group become its rewards.

- `ConsensusReward`: the wrapper.
- `find_consensus_reward`: the reward wrapper inside other wrappers.
- `finished_info`: the information about the episodes that a step ended, in any autoreset mode.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.vector import VectorEnv, VectorWrapper

from ttrl_benchmarks import Benchmark
from ttrl_env.consensus import Ballot, Estimator, Verdict, judge, resolve_estimator
from ttrl_env.envs.groups import Groups
from ttrl_env.rendering import render_view, view_vote
from ttrl_env.wrappers.attributes import find_attribute
from ttrl_env.wrappers.labels import benchmark_with_labels

__all__ = ["ConsensusReward", "find_consensus_reward", "finished_info"]

Array = npt.NDArray[Any]


def finished_info(infos: dict[str, Any]) -> dict[str, Any]:
    """Returns the information about the episodes that a step ended.

    Args:
        infos: What `step` returned.

    Returns:
        `infos["final_info"]` where the environment resets within the step (SAME_STEP), else
        `infos` itself.
    """
    final: dict[str, Any] = infos.get("final_info", infos)
    return final


class ConsensusReward(VectorWrapper):
    """Rewards the completions of each group by a label-free estimator.

    Works on a `TTRLVectorEnv` and, with the same numbers, on a `SyncVectorEnv` of `TTRLEnv`s
    with `group_size=1` and `reward=None`. It adds to the information about finished episodes
    (see `finished_info`), one value for each sub-environment:

    - `answer`: the completion's answer, or `None` (object);
    - `answer_key`: its canonical key, or `None`; equal answers have equal keys (object);
    - `vote`: the class of its answer within the group, from 0, or -1 for no answer (int64);
    - `consensus`: the pseudo-label of its group, or `None` (object);
    - `majority_ratio`: the share of the group that gave the most frequent answer (float64);
    - `abstained`: whether the group should teach nothing (bool);
    - `finished`: whether the completion ended by itself (bool);
    - `advantage`: an advantage that replaces the learner's own (float64); if the reward gives
      none, it is 0 and its mask `_advantage` is false;
    - `advantage_weight`: what the advantage is to be multiplied by, 1 unless the reward says
      otherwise (float64).

    Args:
        env: The vector environment.
        reward: The name of a reward, or an estimator.
        group_size: Completions of one question; by default the environment's own.

    Raises:
        ValueError: The environment names no benchmark, or is not of whole groups.
        UnknownNameError: There is no reward of this name.
    """

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        reward: str | Estimator = "majority",
        group_size: int | None = None,
    ) -> None:
        super().__init__(env)
        self.benchmark: Benchmark = find_attribute(env, "benchmark").unlabeled()
        if group_size is None:
            group_size = int(find_attribute(env, "group_size"))
        self.groups = Groups(self.num_envs, group_size)
        self.group_size = group_size
        self.estimator = resolve_estimator(reward, benchmark_with_labels(env))
        self._by_id = {question.id: question for question in self.benchmark.questions}
        self._question_ids: Array = np.empty(0, dtype=object)
        self._positions: Array = np.empty(0, dtype=np.int64)
        self._variants: Array = np.zeros(self.num_envs, dtype=np.int64)
        # The completions and the verdict that `render` shows of a group; without, its question.
        self._held: dict[int, tuple[str, int, tuple[str, ...], Verdict]] = {}

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        """Resets the environment and remembers what it asks."""
        # Gymnasium's own environments take the mask out of the options that they are given.
        options = dict(options) if isinstance(options, dict) else options
        observations, infos = self.env.reset(seed=seed, options=options)  # type: ignore[arg-type]
        self._remember(infos)
        if self.render_mode is not None:
            told = self.groups.rows(infos["_question_id"])[:, 0]
            for group in np.flatnonzero(told):
                self._held.pop(int(group), None)
        return observations, infos

    def step(self, actions: Any) -> tuple[Any, Array, Array, Array, dict[str, Any]]:
        """Steps, and replaces the rewards of every group that ends by its consensus rewards.

        Raises:
            ValueError: A part of a group ended and the rest did not, or the members of a group
                were asked different questions.
        """
        asked, positions = self._question_ids.copy(), self._positions.copy()
        variants = self._variants.copy()
        observations, _, terminations, truncations, infos = self.env.step(actions)
        done = self.groups.rows(terminations | truncations)
        rewards = np.zeros(self.num_envs, dtype=np.float64)
        votes = _Votes(self.num_envs)
        self._held.clear()
        for k in np.flatnonzero(done.any(axis=1)):
            members = self.groups.members(int(k))
            self._check_whole(int(k), done[k], asked[members])
            ballot, verdict = judge(
                self.estimator,
                actions[members],
                self._by_id[asked[members][0]],
                self.benchmark,
                int(positions[members][0]),
                variants[members],
            )
            rewards[members] = verdict.rewards
            votes.add(members, ballot, verdict)
            if self.render_mode is not None:
                texts = tuple(actions[members])
                self._held[int(k)] = ballot.question_id, ballot.position, texts, verdict
        finished_info(infos).update(votes.infos(done.ravel()))
        self._remember(infos)
        return observations, rewards, terminations, truncations, infos

    def render(self) -> Any:
        """Shows each group's vote with its rewards, or its question where there is none yet.

        Returns:
            One frame for each sub-environment; those of a group are the same. `None` where
            `render_mode` is `None`.

        Raises:
            RuntimeError: The environment was never reset.
        """
        if self.render_mode is None:
            return None
        if len(self._question_ids) == 0:
            raise RuntimeError("call reset before anything else")
        frames: list[Any] = []
        for k, members in enumerate(self.groups):
            first = members.start
            asked = self._question_ids[first], int(self._positions[first]), (), None
            question_id, position, texts, verdict = self._held.get(k, asked)
            view = view_vote(
                self.benchmark,
                self._by_id[question_id],
                position,
                self.group_size,
                texts,
                verdict,
            )
            frames += [render_view(view, self.render_mode)] * self.group_size
        return tuple(frames)

    def _remember(self, infos: dict[str, Any]) -> None:
        # A sub-environment that was left alone keeps the question that it showed before.
        ids, told = infos["question_id"], infos["_question_id"]
        if len(self._question_ids) == 0:
            self._question_ids = np.full(self.num_envs, None, dtype=object)
            self._positions = np.zeros(self.num_envs, dtype=np.int64)
        self._question_ids[told] = np.asarray(ids, dtype=object)[told]
        self._positions[told] = np.asarray(infos["position"])[told]
        if "variant" in infos:
            shown = infos["_variant"]
            self._variants[shown] = np.asarray(infos["variant"])[shown]

    def _check_whole(self, group: int, done: Array, question_ids: Array) -> None:
        if not done.all():
            raise ValueError(
                f"{int(done.sum())} of the {len(done)} completions of group {group} ended; a vote "
                "needs all of them at once"
            )
        if (question_ids != question_ids[0]).any():
            raise ValueError(
                f"group {group} was asked different questions ({', '.join(set(question_ids))}); "
                f"give its {len(done)} sub-environments the same slot and the same seed"
            )


class _Votes:
    """What a step says of each completion, gathered group by group."""

    def __init__(self, num_envs: int) -> None:
        self._columns: dict[str, Array] = {
            "answer": np.full(num_envs, None, dtype=object),
            "answer_key": np.full(num_envs, None, dtype=object),
            "vote": np.full(num_envs, -1, dtype=np.int64),
            "consensus": np.full(num_envs, None, dtype=object),
            "majority_ratio": np.zeros(num_envs),
            "abstained": np.zeros(num_envs, dtype=np.bool_),
            "finished": np.zeros(num_envs, dtype=np.bool_),
            "advantage": np.zeros(num_envs),
            "advantage_weight": np.ones(num_envs),
        }
        self._with_advantages = np.zeros(num_envs, dtype=np.bool_)

    def add(self, members: slice, ballot: Ballot, verdict: Verdict) -> None:
        """Adds one group."""
        columns = self._columns
        columns["answer"][members] = ballot.answers
        for i, vote in enumerate(ballot.classes, start=members.start):
            if vote >= 0:  # one by one, as a key may be a tuple
                columns["answer_key"][i] = ballot.keys[vote]
        columns["vote"][members] = ballot.classes
        columns["consensus"][members] = ballot.answer_of(verdict.pseudo_label)
        columns["majority_ratio"][members] = ballot.majority_ratio
        columns["abstained"][members] = verdict.abstains
        columns["finished"][members] = ballot.finished
        if verdict.advantages is not None:
            columns["advantage"][members] = verdict.advantages
            self._with_advantages[members] = True
        if verdict.weights is not None:
            columns["advantage_weight"][members] = verdict.weights

    def infos(self, ended: Array) -> dict[str, Array]:
        """Returns the columns, each with its mask: the episodes that ended."""
        infos = {}
        for key, values in self._columns.items():
            infos[key], infos["_" + key] = values, ended.copy()
        infos["_advantage"] = self._with_advantages
        return infos


def find_consensus_reward(env: VectorEnv[Any, Any, Any]) -> ConsensusReward:
    """Returns the outermost `ConsensusReward` among an environment and the wrappers inside it.

    Raises:
        ValueError: There is none.
    """
    layer = env
    while isinstance(layer, VectorWrapper):
        if isinstance(layer, ConsensusReward):
            return layer
        layer = layer.env
    raise ValueError(
        f"{env!r} has no ConsensusReward inside, so it holds no votes. Make it with a reward, or "
        "wrap it first: ConsensusReward(envs)."
    )
