"""The vector environment: a batch of completions in, a batch of rewards out.

- `TTRLVectorEnv`: groups of completions of as many questions; never rewards by itself.
- `make_vector_env`: the same inside a `ConsensusReward`; what `gym.make_vec` calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from ttrl_benchmarks import Benchmark, Question
from ttrl_env.consensus import Estimator
from ttrl_env.envs.asking import (
    MAX_LENGTH,
    check_position,
    check_reset,
    fresh_seed,
    prompt_of,
    resolve_benchmark,
)
from ttrl_env.envs.groups import (
    Groups,
    check_halves,
    check_not_over,
    metadata_for,
    resolve_autoreset_mode,
)
from ttrl_env.envs.question_order import QuestionOrder
from ttrl_env.envs.rephrase import Rephrase, resolve_rephrase
from ttrl_env.envs.sealing import SealedBenchmark
from ttrl_env.prompt import Prompt
from ttrl_env.rendering import RENDER_MODES, check_render_mode, render_view, view_vote
from ttrl_env.spaces import UnicodeText
from ttrl_env.wrappers.consensus_reward import ConsensusReward

__all__ = ["TTRLVectorEnv", "make_vector_env"]

Array = npt.NDArray[Any]
Prompts = tuple[str, ...]


class TTRLVectorEnv(SealedBenchmark, VectorEnv[Prompts, Sequence[str], Array]):
    """Many completions of many questions at once.

    Sub-environments k·G to k·G+G-1, with G the group size, show the same question. A step takes
    one completion from each and is a whole episode. Rewards are 0 unless a `ConsensusReward` is
    put around it, as `gym.make_vec` does. The information about an answered question, under
    `final_info` in the mode SAME_STEP, has `question_id` and `position`, and with a
    `ConsensusReward` more. With `rephrase`, the second half of each group is asked in other
    words, and the information has `variant`: 0 for the publisher's wording, 1 for the other.

    Args:
        num_envs: Completions in a step; a multiple of `group_size`.
        benchmark: A benchmark, or the name of one.
        group_size: Completions of one question.
        autoreset_mode: `"SAME_STEP"` (default: the step returns the next prompts, so that no
            completion is wasted), `"NEXT_STEP"` or `"DISABLED"`, or the member of
            `gymnasium.vector.AutoresetMode`.
        max_length: The most characters of a prompt or a completion.
        rephrase: The second wording of each question: a name such as `"arithmetic"`, the path of a
            JSON file of paraphrases by question id or text, such a mapping, or a function of the
            question's text; by default there is none. It needs an even `group_size`.
        render_mode: `"ansi"` for text, `"rgb_array"` for pictures of the votes, or `None`.
        **benchmark_options: Options of the named benchmark, e.g. `path` or `split`.

    Raises:
        ValueError: `num_envs` is not a multiple of `group_size`, a group cannot be halved, or a
            mode is unknown.
        BenchmarkError: The benchmark cannot be loaded.
    """

    # Gymnasium declares it as an instance's own.
    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES), "render_fps": 2}  # noqa: RUF012
    single_observation_space: UnicodeText
    single_action_space: UnicodeText

    def __init__(
        self,
        num_envs: int,
        benchmark: str | Benchmark,
        group_size: int = 16,
        *,
        autoreset_mode: str | AutoresetMode = "SAME_STEP",
        max_length: int = MAX_LENGTH,
        rephrase: Rephrase | None = None,
        render_mode: str | None = None,
        **benchmark_options: Any,
    ) -> None:
        self._groups = Groups(num_envs, group_size)
        self.num_groups = self._groups.count
        self.seal(resolve_benchmark(benchmark, benchmark_options, TTRLVectorEnv, make_vector_env))
        self._reword = resolve_rephrase(rephrase, self.benchmark)
        if self._reword is not None:
            check_halves(group_size)
        self.num_envs = num_envs
        self.group_size = group_size
        self.render_mode = check_render_mode(render_mode)
        self.autoreset_mode = resolve_autoreset_mode(autoreset_mode)
        self.metadata = metadata_for(self.autoreset_mode)
        self.single_observation_space = UnicodeText(max_length)
        self.single_action_space = UnicodeText(max_length)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._orders: list[QuestionOrder] = []
        self._positions = np.zeros(self.num_groups, dtype=np.int64)
        self._done = np.zeros(self.num_groups, dtype=np.bool_)
        self._shown: list[tuple[Question, int, tuple[str, ...]]] = []

    @property
    def questions(self) -> tuple[Question, ...]:
        """The question of each group.

        Raises:
            RuntimeError: The environment was never reset.
        """
        if not self._orders:
            raise RuntimeError("call reset before anything else")
        return tuple(
            self.benchmark.questions[order[int(position)]]
            for order, position in zip(self._orders, self._positions, strict=True)
        )

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Prompts, dict[str, Any]]:
        """Asks the next questions.

        Args:
            seed: Starts the order of questions named by this seed; by default the order goes on.
                A list has one seed for each sub-environment, the same within a group.
            options: `{"position": p}` goes to a place in the order, counted in questions from 0;
                `{"reset_mask": mask}`, with `mask` of shape (num_envs,) and bool, resets whole
                groups and leaves the others as they are.

        Returns:
            The prompts and the information about them.

        Raises:
            ValueError: A list of seeds or a mask splits a group, the position is negative, or
                there is no such option.
            TypeError: A seed or the position is not a whole number.
        """
        options = check_reset(seed, options, ("position", "reset_mask"))
        super().reset(seed=int(seed) if isinstance(seed, int | np.integer) else None)
        position = check_position(options.get("position"))
        mask = self._groups.mask(options.get("reset_mask"))
        seeds = self._groups.seeds(seed)
        if not self._orders or seeds is not None:
            if seeds is None:
                seeds = [fresh_seed()] * self.num_groups
            orders = [QuestionOrder(len(self.benchmark), each) for each in seeds]
            if not self._orders:
                mask[:] = True  # the first reset starts every group
                self._orders = list(orders)
            for group in np.flatnonzero(mask):
                self._orders[group] = orders[group]
                self._positions[group] = group
        else:
            self._positions[mask] += self.num_groups
        if position is not None:
            self._positions[mask] = position + np.flatnonzero(mask)
        self._done[mask] = False
        self._show(mask, None)
        return self._observe(), self._info(self._groups.spread(mask))

    def step(self, actions: Sequence[str]) -> tuple[Prompts, Array, Array, Array, dict[str, Any]]:
        """Takes one completion from each sub-environment; each ends its episode.

        Raises:
            gymnasium.error.ResetNeeded: A group is over and, in the mode DISABLED, was not reset.
            gymnasium.error.InvalidAction: There are too many or too few completions, or one is
                not a string or too long.
        """
        if not self._orders:
            raise gym.error.ResetNeeded("call reset before the first step")
        self._check(actions)
        rewards = np.zeros(self.num_envs, dtype=np.float64)
        truncations = np.zeros(self.num_envs, dtype=np.bool_)
        every = np.ones(self.num_envs, dtype=np.bool_)
        if self.autoreset_mode == AutoresetMode.SAME_STEP:
            final_obs = np.array(self._observe(), dtype=object)
            final_info = self._info(every)
            self._show(np.ones(self.num_groups, dtype=np.bool_), actions)
            self._positions += self.num_groups
            infos = self._info(every)
            infos |= {"final_obs": final_obs, "_final_obs": every.copy()}
            infos |= {"final_info": final_info, "_final_info": every.copy()}
            return self._observe(), rewards, every, truncations, infos
        if self.autoreset_mode == AutoresetMode.NEXT_STEP:
            # Groups that are over ignore the action and show their next question.
            over = self._done.copy()
            self._positions[over] += self.num_groups
            self._show(over, None)
            self._show(~over, actions)
            self._done = ~over
            terminations = self._groups.spread(~over)
            return self._observe(), rewards, terminations, truncations, self._info(every)
        check_not_over(self._done)
        self._done[:] = True
        self._show(self._done, actions)
        return self._observe(), rewards, every, truncations, self._info(every)

    def render(self) -> Any:
        """Shows each group's vote, or its question where there is none yet.

        Returns:
            One frame for each sub-environment, as Gymnasium's wrappers expect; those of a group
            are the same. `None` where `render_mode` is `None`.

        Raises:
            RuntimeError: The environment was never reset.
        """
        if self.render_mode is None:
            return None
        if not self._shown:
            raise RuntimeError("call reset before anything else")
        frames: list[Any] = []
        for question, position, votes in self._shown:
            view = view_vote(self.benchmark, question, position, self.group_size, votes)
            frames += [render_view(view, self.render_mode)] * self.group_size
        return tuple(frames)

    def _show(self, groups: Array, completions: Sequence[str] | None) -> None:
        """Keeps what `render` shows of these groups."""
        if self.render_mode is None:
            return
        for group in np.flatnonzero(groups if self._shown else np.ones_like(groups)):
            votes = () if completions is None else completions[self._groups.members(int(group))]
            shown = self.questions[group], int(self._positions[group]), tuple(votes)
            if group < len(self._shown):
                self._shown[group] = shown
            else:
                self._shown.append(shown)

    def close_extras(self, **kwargs: Any) -> None:
        """Nothing is held open."""

    def _observe(self) -> Prompts:
        prompts: list[str] = []
        for question in self.questions:
            if self._reword is None:
                prompts += [self._prompt(question)] * self.group_size
            else:
                for wording in (question, self._reword(question)):
                    prompts += [self._prompt(wording)] * (self.group_size // 2)
        return tuple(prompts)

    def _prompt(self, question: Question) -> Prompt:
        return prompt_of(self.benchmark, question, self.single_observation_space.max_length)

    def _info(self, mask: Array) -> dict[str, Any]:
        ids = np.array([question.id for question in self.questions], dtype=object)
        info = {
            "question_id": self._groups.spread(ids),
            "_question_id": mask.copy(),
            "position": self._groups.spread(self._positions),
            "_position": mask.copy(),
        }
        if self._reword is not None:
            halves = np.repeat([0, 1], self.group_size // 2)
            info |= {"variant": np.tile(halves, self.num_groups), "_variant": mask.copy()}
        return info

    def _check(self, actions: Sequence[str]) -> None:
        several = hasattr(actions, "__getitem__") and not isinstance(actions, str)
        if not several or len(actions) != self.num_envs:
            kind = "string" if isinstance(actions, str) else type(actions).__name__
            given = f"{len(actions)}" if several else f"one {kind}; pass a list"
            raise gym.error.InvalidAction(
                f"a step takes {self.num_envs} completions, one from each sub-environment, "
                f"not {given}"
            )
        longest = self.single_action_space.max_length
        for i, action in enumerate(actions):
            if not isinstance(action, str) or len(action) > longest:
                shown = f"{len(action)} characters" if isinstance(action, str) else repr(action)
                raise gym.error.InvalidAction(
                    f"completion {i} must be a string of at most {longest} characters, "
                    f"not {shown[:80]}"
                )


def make_vector_env(
    num_envs: int, *, reward: str | Estimator | None = "majority", **kwargs: Any
) -> VectorEnv[Prompts, Sequence[str], Array]:
    """Makes a `TTRLVectorEnv` with its reward: what `gym.make_vec` calls.

    Args:
        num_envs: Completions in a step; a multiple of `group_size`.
        reward: A label-free reward: a name such as `"majority"`, an estimator, or `None` for no
            reward wrapper at all.
        **kwargs: The other arguments of `TTRLVectorEnv`.
    """
    envs = TTRLVectorEnv(num_envs, **kwargs)
    return envs if reward is None else ConsensusReward(envs, reward)
