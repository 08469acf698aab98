"""Stable-Baselines3 on our vector environments, and on any other of Gymnasium's.

- `SB3VecEnv`: a Gymnasium vector environment as a `VecEnv` of Stable-Baselines3.

Needs the extra `sb3`; nothing else in this package imports it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.vector import (
    AsyncVectorEnv,
    AutoresetMode,
    SyncVectorEnv,
    VectorEnv,
    VectorWrapper,
)
from stable_baselines3.common.env_util import is_wrapped
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import (
    VecEnvIndices,
    VecEnvObs,
    VecEnvStepReturn,
)

from ttrl_env.consensus.cards import brings_of
from ttrl_env.envs.asking import fresh_seed
from ttrl_env.wrappers.attributes import singles_have

__all__ = ["SB3VecEnv"]

Array = npt.NDArray[Any]
Info = dict[str, Any]

# What RecordEpisodeStatistics adds about an episode that ended, beside the news of the next one.
_STATISTICS = "episode"


class SB3VecEnv(VecEnv):
    """A vector environment of Gymnasium as a `VecEnv` of Stable-Baselines3.

    What Gymnasium keeps in `final_obs` becomes `terminal_observation`; the information about a
    finished episode is in the info of the step that ended it, that about the episode begun in
    the same step in `reset_infos`. Where an episode was truncated and not terminated,
    `TimeLimit.truncated` says so. A seed names the whole batch: it is handed on as it is, and the
    environment spreads it.

    Args:
        envs: The environment, in the autoreset mode SAME_STEP.

    Raises:
        ValueError: The autoreset mode is another, or the reward may bring advantages or weights
            of its own.
        TypeError: Stable-Baselines3 cannot take the spaces, e.g. text.
    """

    def __init__(self, envs: VectorEnv[Any, Any, Any]) -> None:
        mode = envs.metadata.get("autoreset_mode")
        if mode != AutoresetMode.SAME_STEP:
            raise ValueError(
                "Stable-Baselines3 expects the first observation of the next episode in the step "
                "that ends one: make the environment with autoreset_mode='SAME_STEP' (for "
                "Gymnasium's own, vector_kwargs={'autoreset_mode': AutoresetMode.SAME_STEP}), not "
                f"{getattr(mode, 'name', mode)!r}"
            )
        observation_space, action_space = envs.single_observation_space, envs.single_action_space
        if isinstance(observation_space, spaces.Dict):
            for key, space in observation_space.spaces.items():
                _check_space(space, f"observation {key!r}")
        else:
            _check_space(observation_space, "the observation")
        _check_space(action_space, "the action")
        self.envs = envs
        for layer in self._layers():
            estimator = getattr(layer, "estimator", None)
            if brings_of(estimator):
                raise _own_advantage(estimator)
        self._seed: int | None = None
        self._actions: Any = None
        super().__init__(envs.num_envs, observation_space, action_space)

    def reset(self) -> VecEnvObs:
        """Starts every episode again, with the seed and the options set before, if any."""
        options = self._options[0]
        if any(each != options for each in self._options):
            raise ValueError(
                "the options of a vector environment are one dict for all of its "
                f"{self.num_envs} sub-environments; set_options was given different ones"
            )
        observations, infos = self.envs.reset(seed=self._seed, options=options or None)
        self.reset_infos = _rows(infos, self.num_envs)
        self._seed = None  # as in Stable-Baselines3's own: for one reset
        self._reset_seeds()
        self._reset_options()
        return _dict_or_array(observations)

    def step_async(self, actions: Array) -> None:
        """Takes the actions of the step that `step_wait` makes."""
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        """Steps.

        Raises:
            ValueError: The reward of a vote gives advantages or weights of its own.
        """
        observations, rewards, terminations, truncations, infos = self.envs.step(self._actions)
        dones = terminations | truncations
        finals = infos.pop("final_obs", None)
        final_rows = _rows(infos.pop("final_info", {}), self.num_envs)
        rows = _rows(infos, self.num_envs)
        for i, done in enumerate(dones):
            if done:
                self.reset_infos[i], rows[i] = rows[i], final_rows[i]
                _check_no_own_advantage(rows[i])
                rows[i]["terminal_observation"] = finals[i]
                if _STATISTICS in self.reset_infos[i]:
                    rows[i][_STATISTICS] = self.reset_infos[i].pop(_STATISTICS)
            rows[i]["TimeLimit.truncated"] = bool(truncations[i] and not terminations[i])
        return _dict_or_array(observations), rewards.astype(np.float32), dones, rows

    def close(self) -> None:
        """Closes the environment."""
        self.envs.close()

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Sets the seed of the next reset.

        Args:
            seed: Names the whole batch; by default one from the operating system.

        Returns:
            The seed, once for each sub-environment.
        """
        self._seed = fresh_seed() if seed is None else seed
        self._seeds = [self._seed] * self.num_envs
        return self._seeds

    def get_images(self) -> Sequence[Array | None]:
        """Returns one picture for each sub-environment."""
        frames: Any = self.envs.render()
        return [None] * self.num_envs if frames is None else list(frames)

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """Returns an attribute of sub-environments, or of the one that holds them all.

        Raises:
            AttributeError: There is none of this name.
        """
        rows = list(self._get_indices(indices))
        if (singles := self._singles(attr_name)) is not None:
            values = singles.get_attr(attr_name)
            return [values[i] for i in rows]
        return [getattr(self._owner(attr_name), attr_name)] * len(rows)

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Sets an attribute of sub-environments, or of the one that holds them all.

        Raises:
            AttributeError: There is none of this name.
            ValueError: One environment holds them all, and `indices` names only some.
        """
        if (singles := self._singles(attr_name)) is not None:
            values = self.get_attr(attr_name)
            for i in self._get_indices(indices):
                values[i] = value
            singles.set_attr(attr_name, values)
            return
        self._check_all(f"attribute {attr_name!r}", indices)
        setattr(self._owner(attr_name), attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **kwargs: Any
    ) -> list[Any]:
        """Calls a method of every sub-environment, or once of the one that holds them all.

        Returns:
            What it returned to each sub-environment.

        Raises:
            AttributeError: There is none of this name.
            ValueError: `indices` names only some.
        """
        self._check_all(f"method {method_name!r}", indices)
        if (singles := self._singles(method_name)) is not None:
            return list(singles.call(method_name, *method_args, **kwargs))
        result = getattr(self._owner(method_name), method_name)(*method_args, **kwargs)
        one_each = isinstance(result, tuple | list) and len(result) == self.num_envs
        return list(result) if one_each else [result] * self.num_envs

    def env_is_wrapped(self, wrapper_class: Any, indices: VecEnvIndices = None) -> list[bool]:
        """Returns whether each sub-environment, or the whole, is wrapped in such a wrapper."""
        whole = any(isinstance(layer, wrapper_class) for layer in self._layers())
        inmost = self._layers()[-1]
        if not isinstance(inmost, SyncVectorEnv):  # other processes are out of sight
            return [whole for _ in self._get_indices(indices)]
        singles = inmost.envs
        return [whole or is_wrapped(singles[i], wrapper_class) for i in self._get_indices(indices)]

    def _layers(self) -> list[VectorEnv[Any, Any, Any]]:
        """The environment and everything inside its wrappers, from the outside in."""
        layers = [self.envs]
        while isinstance(layer := layers[-1], VectorWrapper):
            layers.append(layer.env)
        return layers

    def _singles(self, attribute: str) -> Any:
        """Gymnasium's environment of single environments, if it is inside and they have this."""
        inmost = self._layers()[-1]
        own = isinstance(inmost, SyncVectorEnv | AsyncVectorEnv) and singles_have(inmost, attribute)
        return inmost if own else None

    def _owner(self, name: str) -> Any:
        for layer in self._layers():
            if hasattr(layer, name):
                return layer
        raise AttributeError(f"{self.envs!r} has no {name!r}, nor has anything inside it")

    def _check_all(self, what: str, indices: VecEnvIndices) -> None:
        rows = list(self._get_indices(indices))
        if rows != list(range(self.num_envs)):
            raise ValueError(
                f"{what} belongs to all {self.num_envs} sub-environments together, and cannot be "
                f"used for {rows} alone"
            )


def _check_space(space: spaces.Space[Any], name: str) -> None:
    """Raises for what Stable-Baselines3 would fail at later, with a less helpful message."""
    known = spaces.Box | spaces.Discrete | spaces.MultiDiscrete | spaces.MultiBinary
    if not isinstance(space, known):
        text = isinstance(space, spaces.Text)
        raise TypeError(
            f"Stable-Baselines3 takes numbers (Box, Discrete, MultiDiscrete, MultiBinary, and "
            f"flat Dicts of them as observations), and {name} is of {space}."
            + (" Write token by token instead, with ttrl_env.TokenVectorEnv." if text else "")
        )
    if np.any(getattr(space, "start", 0)):
        raise TypeError(f"Stable-Baselines3 counts from 0, and {name} is of {space}")


def _check_no_own_advantage(info: Info) -> None:
    """Raises where the reward gives more than rewards, as it would be ignored here."""
    if "vote" in info and ("advantage" in info or info.get("advantage_weight", 1.0) != 1.0):
        raise _own_advantage("the reward")


def _own_advantage(reward: object) -> ValueError:
    return ValueError(
        f"{reward} gives advantages or weights of its own, but Stable-Baselines3 takes rewards "
        "alone and computes advantages itself; choose another reward, or train with ttrl_agents"
    )


def _dict_or_array(observations: Any) -> Array | dict[str, Array]:
    # What the spaces checked above lead to; mypy knows no more of them than that.
    result: Array | dict[str, Array] = observations
    return result


def _rows(infos: Info, number: int) -> list[Info]:
    """From infos of arrays, with their masks, to one dict for each sub-environment."""
    rows: list[Info] = [{} for _ in range(number)]
    for key, values in infos.items():
        if key.startswith("_"):
            continue
        told = infos.get("_" + key, np.ones(number, dtype=np.bool_))
        if isinstance(values, dict):
            values = _rows(values, number)
        for i in np.flatnonzero(told):
            rows[i][key] = values[i]
    return rows
