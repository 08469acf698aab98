"""A small vector environment that keeps the contract, and can be told to break it in one place."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

LAST = 3


class Countdown(VectorEnv):
    """Counts down from 3 or 2 in each sub-environment; at 0 the episode ends.

    Args:
        mode: The autoreset mode.
        fault: The name of the one thing to do wrong, or `None`.
    """

    def __init__(self, mode: AutoresetMode, fault: str | None = None, num_envs: int = 3) -> None:
        self.fault = fault
        self.num_envs = num_envs
        self.metadata = {"render_modes": ["rgb_array"], "autoreset_mode": mode}
        if fault == "mode is a string":
            self.metadata["autoreset_mode"] = mode.name
        if fault == "render modes are a tuple":
            self.metadata["render_modes"] = ("rgb_array",)
        self.mode = mode
        self.render_mode = None
        self.single_observation_space = Box(0, LAST, (), np.float64)
        self.single_action_space = Discrete(2)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        if fault == "spaces do not fit":
            self.observation_space = batch_space(self.single_observation_space, num_envs + 1)
        self.left = np.zeros(num_envs)
        self.done = np.zeros(num_envs, dtype=bool)

    def reset(self, *, seed: Any = None, options: Any = None) -> tuple[Any, dict]:
        mask = np.ones(self.num_envs, dtype=bool)
        if options and "reset_mask" in options and self.fault != "the mask is ignored":
            mask = options["reset_mask"]
        if seed is not None and self.fault != "the seed is ignored":
            seeds = [seed + i for i in range(self.num_envs)] if isinstance(seed, int) else seed
            self.rngs = [np.random.default_rng(each) for each in seeds]
        if not hasattr(self, "rngs"):
            # Fixed, so that tests repeat; a run that ignores its seed goes on with these.
            self.rngs = [np.random.default_rng(i) for i in range(self.num_envs)]
        self._start(mask)
        observations = self._observe()
        if self.fault == "reset returns observations alone":
            return observations  # type: ignore[return-value]
        return observations, self._infos(mask)

    def step(self, actions: Any) -> tuple:
        if self.fault == "actions are changed":
            actions[:] = 1 - actions
        rewards = np.zeros(self.num_envs)
        resetting = self.done & (self.mode == AutoresetMode.NEXT_STEP)
        if self.mode == AutoresetMode.DISABLED and self.done.any():
            if self.fault != "a step after the end goes on":
                raise RuntimeError("reset first")
            resetting = self.done.copy()
        self._start(resetting)
        going = ~resetting
        self.left[going] -= 1
        rewards[going] = 0.5
        if self.fault == "the reset step pays":
            rewards[:] = 0.5
        self.done = self.left == 0
        terminations = self.done.copy()
        if self.fault == "a NaN":
            rewards[0] = np.nan
        if self.fault == "integer rewards":
            rewards = rewards.astype(np.int64)
        if self.fault == "rewards in a column":
            rewards = rewards[:, None]
        if self.fault == "ends are numbers":
            terminations = terminations.astype(np.int64)
        infos: dict[str, Any] = {}
        if self.mode == AutoresetMode.SAME_STEP and self.done.any():
            ended = self.done.copy()
            infos |= {"final_obs": np.empty(self.num_envs, dtype=object), "_final_obs": ended}
            for i, value in enumerate(self.left):
                infos["final_obs"][i] = np.array(value)
            infos |= {"final_info": self._infos(ended), "_final_info": ended.copy()}
            if self.fault == "the last observation is lost":
                del infos["final_obs"], infos["_final_obs"]
            if self.fault == "the last mask names everybody":
                infos["_final_obs"] = np.ones(self.num_envs, dtype=bool)
            self._start(ended)
        infos |= self._infos(np.ones(self.num_envs, dtype=bool))
        if self.fault == "observations outside of the space":
            return self._observe() + 100, rewards, terminations, terminations & False, infos
        return self._observe(), rewards, terminations, terminations & False, infos

    def close_extras(self, **_: Any) -> None:
        if self.fault == "it cannot be closed":
            raise OSError("closed already")

    def _start(self, mask: Any) -> None:
        for i in np.flatnonzero(mask):
            self.left[i] = self.rngs[i].integers(2, LAST + 1)
            if self.fault == "the global generator is drawn from":
                self.left[i] = np.random.randint(2, LAST + 1)  # noqa: NPY002 - the fault
        self.done = self.done & ~np.asarray(mask, dtype=bool)

    def _observe(self) -> Any:
        return self.left if self.fault == "observations are shared" else self.left.copy()

    def _infos(self, mask: Any) -> dict[str, Any]:
        infos: dict[str, Any] = {"left": self.left.copy(), "_left": mask.copy()}
        if self.fault == "an info without a mask":
            del infos["_left"]
        if self.fault == "an info that is a list":
            infos["left"] = self.left.tolist()
        if self.fault == "an info of one number":
            infos["left"] = float(self.left[0])
        return infos
