"""The token environment: completions written one token a step, for learners of classic RL.

- `TokenVectorEnv`: each sub-environment writes one completion; groups are voted on when whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from ttrl_benchmarks import Benchmark
from ttrl_env.answers import opens_thinking
from ttrl_env.completion import Completion
from ttrl_env.consensus import Estimator, resolve_estimator
from ttrl_env.envs.asking import check_position, check_reset, fresh_seed, resolve_benchmark
from ttrl_env.envs.groups import Groups, check_not_over, metadata_for, resolve_autoreset_mode
from ttrl_env.envs.sealing import SealedBenchmark
from ttrl_env.envs.token_codec import TokenCodec
from ttrl_env.envs.vector_env import make_vector_env
from ttrl_env.rendering import RENDER_MODES, check_render_mode

__all__ = ["TokenVectorEnv"]

Array = npt.NDArray[Any]
Observation = dict[str, Array]
TextEnvs = VectorEnv[Any, Any, Any]


class TokenVectorEnv(SealedBenchmark, VectorEnv[Observation, Array, Array]):
    """Completions of many questions, each written by a sub-environment one token a step.

    Sub-environments k·G to k·G+G-1, with G the group size, answer one question and write in
    lockstep. A member has finished when it writes an end-of-text token or its last allowed one;
    from then on whatever action it is given counts as padding, which costs and earns nothing.
    When the last member has finished, the whole group is voted on and rewarded at once, and its
    episodes end. The vote is held by the text environment of `gym.make_vec`: rewards, infos and
    the order of questions are its own.

    An observation holds `input_ids` (prompt and completion so far, padded on the right, int64),
    `attention_mask` (which of them are tokens, int8), `prompt_length` (how many of them are the
    prompt's, int64) and `finished` (whether this member only waits for its group, int8). A
    completion that was cut off ends its episode like any other (termination, not truncation): the
    vote has rewarded it, and no value lies beyond.

    Args:
        num_envs: Completions written at once; a multiple of `group_size`.
        benchmark: A benchmark, or the name of one.
        group_size: Completions of one question.
        tokens: The tokenizer.
        max_tokens: The most tokens of a completion, its end included.
        max_prompt_tokens: The most tokens of a prompt; by default what the longest one has.
        reward: A label-free reward: a name such as `"majority"`, an estimator, or `None` for no
            vote at all.
        centre_rewards: Whether to subtract the mean of its group from each reward, so that a
            learner without a good critic has a baseline. Groups that abstain then get 0.
        fixed_length: Whether every episode lasts `max_tokens` steps, waiting included. A rollout
            of `max_tokens` steps then holds whole episodes and nothing else.
        autoreset_mode: `"SAME_STEP"`, `"NEXT_STEP"` or `"DISABLED"`, for whole groups.
        wrap: Put around the text environment of each group, e.g. `LabelMetrics`.
        render_mode: `"ansi"`, `"rgb_array"` or `None`, as in `TTRLVectorEnv`.
        **benchmark_options: Options of the named benchmark, e.g. `path` or `split`.

    Raises:
        ValueError: `num_envs` is not a multiple of `group_size`, or a number is out of range.
        BenchmarkError: The benchmark cannot be loaded.

    >>> digits = TokenCodec(
    ...     encode=lambda prompt: [1, 2, 3],
    ...     decode=lambda ids: "".join(map(str, ids)),
    ...     vocabulary_size=11,
    ...     end_token_ids=(10,),
    ...     pad_token_id=10,
    ... )
    >>> envs = TokenVectorEnv(2, "arithmetic", group_size=2, tokens=digits, max_tokens=3)
    >>> observations, infos = envs.reset(seed=0)
    >>> observations["input_ids"].tolist()
    [[1, 2, 3, 10, 10, 10], [1, 2, 3, 10, 10, 10]]
    """

    # Gymnasium declares it as an instance's own.
    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES), "render_fps": 2}  # noqa: RUF012

    def __init__(
        self,
        num_envs: int,
        benchmark: str | Benchmark,
        group_size: int = 16,
        *,
        tokens: TokenCodec,
        max_tokens: int = 256,
        max_prompt_tokens: int | None = None,
        reward: str | Estimator | None = "majority",
        centre_rewards: bool = False,
        fixed_length: bool = False,
        autoreset_mode: str | AutoresetMode = "SAME_STEP",
        wrap: Callable[[TextEnvs], TextEnvs] | None = None,
        render_mode: str | None = None,
        **benchmark_options: Any,
    ) -> None:
        self._groups = Groups(num_envs, group_size)
        self.num_groups = self._groups.count
        if max_tokens < 1:
            raise ValueError(f"max_tokens must be 1 or more, not {max_tokens}")
        self.seal(resolve_benchmark(benchmark, benchmark_options, TokenVectorEnv))
        self.num_envs = num_envs
        self.group_size = group_size
        self.tokens = tokens
        self.max_tokens = max_tokens
        self.max_prompt_tokens = self._longest_prompt(max_prompt_tokens)
        self.centre_rewards = centre_rewards
        self.fixed_length = fixed_length
        self.render_mode = check_render_mode(render_mode)
        self.autoreset_mode = resolve_autoreset_mode(autoreset_mode)
        self.metadata = metadata_for(self.autoreset_mode)
        # One for all groups, as what it remembers is of questions, which any group may be asked.
        self.estimator = (
            None if reward is None else resolve_estimator(reward, self._labelled_benchmark)
        )
        self._texts = [self._make_texts(wrap) for _ in range(self.num_groups)]
        self.single_observation_space = self._single_observation_space()
        self.single_action_space = Discrete(tokens.vocabulary_size)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

        self._started = False
        length = self.max_prompt_tokens + max_tokens
        self._ids = np.full((num_envs, length), tokens.pad_token_id, dtype=np.int64)
        self._lengths = np.zeros(num_envs, dtype=np.int64)
        self._prompt_lengths = np.zeros(num_envs, dtype=np.int64)
        self._finished = np.zeros(num_envs, dtype=np.bool_)
        self._ended = np.zeros(num_envs, dtype=np.bool_)  # by themselves, not cut off
        self._thinking = np.zeros(num_envs, dtype=np.bool_)  # asked inside a thought
        self._question_ids = np.full(num_envs, None, dtype=object)
        # One value a group:
        self._positions = np.zeros(self.num_groups, dtype=np.int64)
        self._steps = np.zeros(self.num_groups, dtype=np.int64)
        self._over = np.zeros(self.num_groups, dtype=np.bool_)
        self._frames: dict[int, tuple[Any, ...]] = {}

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Observation, dict[str, Any]]:
        """Asks the next questions.

        Args:
            seed: Starts the order of questions named by this seed; by default the order goes on.
                A list has one seed for each sub-environment, the same within a group.
            options: `{"position": p}` goes to a place in the order of questions;
                `{"reset_mask": mask}` resets whole groups and leaves the others as they are.

        Returns:
            The observations and the information about them.

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
        if not self._started:
            mask[:] = True  # the first reset starts every group
            seeds = seeds or [fresh_seed()] * self.num_groups
            self._started = True
        groups = np.flatnonzero(mask)
        if position is not None:
            self._positions[groups] = position + groups
        elif seeds is not None:
            self._positions[groups] = groups
        else:
            self._positions[groups] += self.num_groups
        for group in groups:
            self._ask(int(group), None if seeds is None else seeds[group])
        return self._observe(), self._info(mask)

    def step(self, actions: Array) -> tuple[Observation, Array, Array, Array, dict[str, Any]]:
        """Takes one token from each sub-environment.

        Args:
            actions: Token ids, integers of shape (num_envs,). Those of members that have finished
                are not looked at.

        Raises:
            gymnasium.error.ResetNeeded: A group is over and, in the mode DISABLED, was not reset.
            gymnasium.error.InvalidAction: The shape or an id is wrong.
        """
        self._check_ready()
        restarting = self._over.copy()  # NEXT_STEP: these ignore their actions
        writing = ~self._finished & ~self._groups.spread(restarting)
        actions = self._checked(actions, writing)
        self._frames.clear()
        self._write(np.flatnonzero(writing), actions[writing])
        self._steps += 1

        done = ~restarting & self._groups.rows(self._finished).all(axis=1)
        if self.fixed_length:
            done &= self._steps == self.max_tokens
        rewards = np.zeros(self.num_envs, dtype=np.float64)
        votes: dict[str, Any] = {}
        for group in np.flatnonzero(done):
            self._vote(int(group), rewards, votes)
        self._over = done.copy()
        terminations = self._groups.spread(done)
        truncations = np.zeros(self.num_envs, dtype=np.bool_)

        if self.autoreset_mode == AutoresetMode.DISABLED:
            return self._observe(), rewards, terminations, truncations, votes
        if self.autoreset_mode == AutoresetMode.NEXT_STEP:
            self._ask_next(restarting)
            infos = votes | (self._info(restarting) if restarting.any() else {})
            return self._observe(), rewards, terminations, truncations, infos
        infos = {}
        if done.any():
            infos["final_obs"] = np.full(self.num_envs, None, dtype=object)
            ends = self._observe()
            for i in np.flatnonzero(terminations):
                infos["final_obs"][i] = {key: rows[i].copy() for key, rows in ends.items()}
            infos["final_info"] = votes
            infos["_final_obs"], infos["_final_info"] = terminations.copy(), terminations.copy()
            self._ask_next(done)
            infos |= self._info(done)
            self._over[:] = False
        return self._observe(), rewards, terminations, truncations, infos

    def render(self) -> Any:
        """Shows each group's vote in the step that held it, and its question in all others.

        Returns:
            One frame for each sub-environment; those of a group are the same. `None` where
            `render_mode` is `None`.

        Raises:
            RuntimeError: The environment was never reset.
        """
        if self.render_mode is None:
            return None
        if not self._started:
            raise RuntimeError("call reset before anything else")
        frames: tuple[Any, ...] = ()
        for group in range(self.num_groups):
            frames += self._frames.get(group) or self._render_group(group)
        return frames

    def close_extras(self, **kwargs: Any) -> None:
        """Closes the text environments."""
        for envs in self._texts:
            envs.close(**kwargs)

    def _make_texts(self, wrap: Callable[[TextEnvs], TextEnvs] | None) -> TextEnvs:
        """Makes the text environment of one group, which asks and votes."""
        envs = make_vector_env(
            self.group_size,
            benchmark=self._labelled_benchmark,
            group_size=self.group_size,
            reward=self.estimator,
            autoreset_mode="DISABLED",
            render_mode=self.render_mode,
        )
        return envs if wrap is None else wrap(envs)

    def _single_observation_space(self) -> Dict:
        length = self.max_prompt_tokens + self.max_tokens
        return Dict(
            {
                "input_ids": Box(0, self.tokens.vocabulary_size - 1, (length,), np.int64),
                "attention_mask": MultiBinary(length),
                "prompt_length": Box(1, self.max_prompt_tokens, (1,), np.int64),
                "finished": MultiBinary(1),
            }
        )

    def _ask_next(self, mask: Array) -> None:
        for group in np.flatnonzero(mask):
            self._positions[group] += self.num_groups
            self._ask(int(group), None)

    def _ask(self, group: int, seed: int | None) -> None:
        """Shows a group the question at its place in the order."""
        members = self._groups.members(group)
        prompts, infos = self._texts[group].reset(
            seed=seed, options={"position": int(self._positions[group])}
        )
        ids = np.asarray(self.tokens.encode(prompts[0]), dtype=np.int64)
        question_id = infos["question_id"][0]
        if not 1 <= len(ids) <= self.max_prompt_tokens:
            raise ValueError(
                f"question {question_id!r} makes a prompt of {len(ids)} tokens; it must be from 1 "
                f"to max_prompt_tokens = {self.max_prompt_tokens}"
            )
        self._ids[members] = self.tokens.pad_token_id
        self._ids[members, : len(ids)] = ids
        self._lengths[members] = self._prompt_lengths[members] = len(ids)
        self._finished[members] = self._ended[members] = False
        self._thinking[members] = opens_thinking(self.tokens.decode(ids.tolist()))
        self._question_ids[members] = question_id
        self._steps[group], self._over[group] = 0, False

    def _write(self, rows: Array, ids: Array) -> None:
        """Appends a token to these rows."""
        self._ids[rows, self._lengths[rows]] = ids
        self._lengths[rows] += 1
        self._ended[rows] = np.isin(ids, self.tokens.end_token_ids)
        written = self._lengths[rows] - self._prompt_lengths[rows]
        self._finished[rows] = self._ended[rows] | (written == self.max_tokens)

    def _vote(self, group: int, rewards: Array, votes: dict[str, Any]) -> None:
        """Hands a group's completions to its text environment, which counts and rewards them."""
        members = self._groups.members(group)
        completions = [self._completion(i) for i in range(members.start, members.stop)]
        _, earned, _, _, infos = self._texts[group].step(completions)
        if self.centre_rewards:
            abstained = infos.get("abstained", np.zeros(self.group_size, dtype=np.bool_))
            alike = (earned == earned[0]).all()
            earned = np.where(abstained | alike, 0.0, earned - earned.mean())
        rewards[members] = earned
        if self.render_mode is not None:
            self._frames[group] = self._render_group(group)
        for key, values in infos.items():
            if key not in votes:
                fill = None if values.dtype == object else 0
                votes[key] = np.full(self.num_envs, fill, dtype=values.dtype)
            votes[key][members] = values

    def _completion(self, row: int) -> Completion:
        ids = self._ids[row, self._prompt_lengths[row] : self._lengths[row]]
        ended = bool(self._ended[row])
        text = self.tokens.decode(ids[: len(ids) - ended].tolist())
        return Completion(
            text, token_ids=ids.copy(), finished=ended, thinking=bool(self._thinking[row])
        )

    def _observe(self) -> Observation:
        columns = np.arange(self._ids.shape[1])
        return {
            "attention_mask": (columns < self._lengths[:, None]).astype(np.int8),
            "finished": self._finished[:, None].astype(np.int8),
            "input_ids": self._ids.copy(),
            "prompt_length": self._prompt_lengths[:, None].copy(),
        }

    def _info(self, mask: Array) -> dict[str, Any]:
        """What is asked of these groups."""
        told = self._groups.spread(mask)
        question_ids = np.full(self.num_envs, None, dtype=object)
        question_ids[told] = self._question_ids[told]
        return {
            "question_id": question_ids,
            "_question_id": told,
            "position": np.where(told, self._groups.spread(self._positions), 0),
            "_position": told.copy(),
        }

    def _render_group(self, group: int) -> tuple[Any, ...]:
        frames: Any = self._texts[group].render()
        return tuple(frames)

    def _longest_prompt(self, given: int | None) -> int:
        if given is not None:
            if given < 1:
                raise ValueError(f"max_prompt_tokens must be 1 or more, not {given}")
            return given
        prompts = map(self.benchmark.prompt, self.benchmark.questions)
        return max(len(self.tokens.encode(prompt)) for prompt in prompts)

    def _check_ready(self) -> None:
        if not self._started:
            raise gym.error.ResetNeeded("call reset before the first step")
        if self.autoreset_mode == AutoresetMode.DISABLED:
            check_not_over(self._over)

    def _checked(self, actions: Any, writing: Array) -> Array:
        ids = np.asarray(actions)
        if ids.shape != (self.num_envs,) or not np.issubdtype(ids.dtype, np.integer):
            raise gym.error.InvalidAction(
                f"a step takes {self.num_envs} token ids, integers of shape ({self.num_envs},), "
                f"not {ids.dtype} of shape {ids.shape}"
            )
        strange = writing & ((ids < 0) | (ids >= self.tokens.vocabulary_size))
        if strange.any():
            row = int(np.flatnonzero(strange)[0])
            raise gym.error.InvalidAction(
                f"sub-environment {row} was given id {ids[row]}; ids run from 0 to "
                f"{self.tokens.vocabulary_size - 1}"
            )
        return ids
