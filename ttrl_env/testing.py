"""A checker for vector environments, which Gymnasium lacks.

- `check_vector_env`: checks the whole contract, and raises at the first breach.
- `VectorEnvError`: what it raises.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space, iterate

from ttrl_env.wrappers.attributes import find_attribute

__all__ = ["VectorEnvError", "check_vector_env"]

Envs = VectorEnv[Any, Any, Any]


class VectorEnvError(AssertionError):
    """A vector environment breaks the contract; the message says how, and how to mend it."""


def check_vector_env(
    envs: Envs,
    *,
    seed: int = 0,
    max_steps: int = 1_000,
    group_size: int | None = None,
    sample_actions: Callable[[Envs], Any] | None = None,
) -> None:
    """Checks that a vector environment keeps Gymnasium's contract.

    It looks at attributes and spaces; at what `reset` and `step` return, with shapes, types and
    the masks of infos; that equal seeds give equal episodes and no global generator is touched;
    that what was returned once is never changed later; and at the autoreset mode, whichever of
    the three it is. The environment is closed at the end, twice.

    Args:
        envs: The environment.
        seed: Seeds the episodes and the actions.
        max_steps: The most steps to wait for the end of an episode.
        group_size: Consecutive sub-environments that only reset together; by default the
            environment's own `group_size`, or 1 where it has none.
        sample_actions: Draws a batch of actions; by default `envs.action_space.sample()`.

    Raises:
        VectorEnvError: It does not; the message names the first breach found.

    >>> import gymnasium as gym
    >>> check_vector_env(gym.make_vec("CartPole-v1", num_envs=3, vectorization_mode="sync"))
    """
    _check_attributes(envs)
    if group_size is None:
        group_size = _own_group_size(envs)
    draw = sample_actions or (lambda each: each.action_space.sample())
    before = random.getstate(), np.random.get_state()  # noqa: NPY002 - to see it left alone

    envs.action_space.seed(seed)
    steps = _roll_out(envs, seed, max_steps, lambda _: draw(envs))
    _require(
        data_equivalence(before, (random.getstate(), np.random.get_state())),  # noqa: NPY002
        "the environment draws from Python's or NumPy's global generator; draw from np_random",
    )
    again = _roll_out(envs, seed, max_steps, lambda index: deepcopy(steps[index].actions))
    _check_equal(steps, again, f"two runs with seed={seed} and the same actions")
    _check_unchanged(steps)

    _check_seed_lists(envs, [seed + i // group_size for i in range(envs.num_envs)])
    if _mode(envs) == AutoresetMode.DISABLED:
        _check_partial_reset(envs, seed, group_size, draw)
        _check_step_after_the_end(envs, seed, max_steps, draw)
    _check_render(envs)
    envs.close()
    envs.close()  # as a context manager and its user both may


@dataclass(frozen=True)
class _Step:
    """One step: the actions, what came back, and a copy of it as it was then."""

    actions: Any
    result: tuple[Any, ...]
    snapshot: tuple[Any, ...]

    @property
    def done(self) -> Any:
        return self.snapshot[2] | self.snapshot[3]


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise VectorEnvError(message)


def _mode(envs: Envs) -> AutoresetMode:
    mode: AutoresetMode = envs.metadata["autoreset_mode"]
    return mode


def _own_group_size(envs: Envs) -> int:
    try:
        return int(find_attribute(envs, "group_size"))
    except ValueError:  # not an environment of groups
        return 1


def _check_attributes(envs: Envs) -> None:
    _require(isinstance(envs, VectorEnv), f"{envs!r} is not a gymnasium.vector.VectorEnv")
    names = ["num_envs", "single_observation_space", "single_action_space", "observation_space"]
    for name in [*names, "action_space", "metadata"]:
        _require(hasattr(envs, name), f"the environment has no {name}; set it in __init__")
    number = envs.num_envs
    _require(
        isinstance(number, int) and number >= 1, f"num_envs must be a whole number, not {number!r}"
    )
    for name in ("observation_space", "action_space"):
        single, batched = getattr(envs, f"single_{name}"), getattr(envs, name)
        _require(
            batched == batch_space(single, number),
            f"{name} must be batch_space(single_{name}, {number}), not {str(batched)[:200]}",
        )
    mode = envs.metadata.get("autoreset_mode")
    _require(
        isinstance(mode, AutoresetMode),
        "metadata['autoreset_mode'] must be a member of gymnasium.vector.AutoresetMode, "
        f"not {mode!r}",
    )
    modes = envs.metadata.get("render_modes")
    _require(
        isinstance(modes, list),
        f"metadata['render_modes'] must be a list, to which HumanRendering appends, not {modes!r}",
    )
    _require(
        envs.render_mode is None or envs.render_mode in envs.metadata["render_modes"],
        f"render_mode {envs.render_mode!r} is none of metadata['render_modes'] = {modes}",
    )


def _roll_out(
    envs: Envs, seed: int, max_steps: int, actions_of: Callable[[int], Any]
) -> list[_Step]:
    """Resets and steps until an episode has ended and two more steps are done, checking each."""
    observations, infos = _reset(envs, f"reset(seed={seed})", seed=seed)
    nobody = np.zeros(envs.num_envs, dtype=np.bool_)
    start = (observations, np.zeros(envs.num_envs), nobody, nobody, infos)
    steps = [_Step(None, start, deepcopy(start))]
    left = max_steps
    while left > 0:
        actions = actions_of(len(steps))
        handed = deepcopy(actions)
        result = _step(envs, actions)
        _require(
            data_equivalence(actions, handed, exact=True), "step changes the actions it is given"
        )
        step = _Step(handed, result, deepcopy(result))
        _check_autoreset(envs, steps[-1], step)
        _check_no_sharing(steps[-1].result, result)
        steps.append(step)
        left -= 1
        if step.done.any():
            left = min(left, 2)
            if _mode(envs) == AutoresetMode.DISABLED:
                _reset(envs, "reset with a reset_mask", options={"reset_mask": step.done.copy()})
    _require(
        any(step.done.any() for step in steps),
        f"no episode ended within {max_steps} steps, so autoreset cannot be checked; raise "
        "max_steps, or give sample_actions that end an episode",
    )
    return steps


def _reset(envs: Envs, call: str, **arguments: Any) -> tuple[Any, dict[str, Any]]:
    result = envs.reset(**arguments)
    _require(
        isinstance(result, tuple) and len(result) == 2,
        f"{call} must return observations and infos, not {type(result).__name__}",
    )
    observations, infos = result
    _check_observations(envs, observations, call)
    _check_infos(infos, envs.num_envs, call)
    return observations, infos


def _step(envs: Envs, actions: Any) -> tuple[Any, ...]:
    result: tuple[Any, ...] = envs.step(actions)
    _require(
        isinstance(result, tuple) and len(result) == 5,
        "step must return observations, rewards, terminations, truncations and infos, "
        f"not {type(result).__name__}",
    )
    observations, rewards, terminations, truncations, infos = result
    number = envs.num_envs
    _check_observations(envs, observations, "step")
    _check_array("rewards", rewards, number, np.floating)
    _require(
        bool(np.isfinite(rewards).all()),
        f"rewards must be finite, as one NaN stays in every average, not {rewards}",
    )
    _check_array("terminations", terminations, number, np.bool_)
    _check_array("truncations", truncations, number, np.bool_)
    _check_infos(infos, number, "step")
    return result


def _check_observations(envs: Envs, observations: Any, call: str) -> None:
    _require(
        observations in envs.observation_space,
        f"{call} returns observations outside of observation_space: {str(observations)[:200]}",
    )


def _check_array(name: str, array: Any, number: int, kind: type[np.generic]) -> None:
    _require(isinstance(array, np.ndarray), f"{name} must be an array, not {type(array).__name__}")
    _require(array.shape == (number,), f"{name} must have shape ({number},), not {array.shape}")
    _require(
        np.issubdtype(array.dtype, kind),
        f"{name} must hold {kind.__name__} values, not {array.dtype}"
        + (": ClipReward would cut fractions off" if name == "rewards" else ""),
    )


def _check_infos(infos: Any, number: int, place: str, *, masked: bool = True) -> None:
    """Every key has a mask beside it, and every value one row for each sub-environment."""
    _require(isinstance(infos, dict), f"infos of {place} must be a dict, not {infos!r}")
    for key, value in infos.items():
        _require(isinstance(key, str), f"keys of infos must be strings, not {key!r}")
        if key.startswith("_"):
            _require(key[1:] in infos, f"infos of {place}: mask {key!r} belongs to no key")
            _check_array(f"infos[{key!r}]", value, number, np.bool_)
            continue
        _require(
            not masked or f"_{key}" in infos,
            f"infos of {place}: key {key!r} has no mask {'_' + key!r} beside it",
        )
        if isinstance(value, dict):
            _check_infos(value, number, f"{place}[{key!r}]", masked=key == "final_info")
            continue
        _require(
            isinstance(value, np.ndarray) and value.shape[:1] == (number,),
            f"infos of {place}: {key!r} must be an array with {number} rows, as DictInfoToList "
            f"takes it apart, not {type(value).__name__} of shape {np.shape(value)}",
        )


def _check_autoreset(envs: Envs, previous: _Step, step: _Step) -> None:
    mode, infos, done = _mode(envs), step.result[4], step.done
    if mode == AutoresetMode.NEXT_STEP:
        over = previous.done.astype(bool)
        _require(
            not (step.snapshot[1][over].any() or done[over].any()),
            "NEXT_STEP: the step after the end of an episode ignores the action, rewards with 0 "
            f"and ends nothing, but rewards are {step.result[1]} and ends {done} where {over} were "
            "over",
        )
    if mode != AutoresetMode.SAME_STEP:
        _require("final_obs" not in infos, f"{mode.name}: final_obs belongs to SAME_STEP alone")
        return
    for key in ("final_obs", "final_info"):
        mask = infos.get("_" + key, np.zeros(envs.num_envs, dtype=np.bool_))
        _require(
            (key in infos or not done.any()) and np.array_equal(mask, done),
            f"SAME_STEP: {key} must be there for the episodes that ended, {done}, and the mask is "
            f"{mask if key in infos else 'missing'}",
        )
    if not done.any():
        return
    finals = infos["final_obs"]
    _require(
        isinstance(finals, np.ndarray) and finals.dtype == object,
        f"SAME_STEP: final_obs must be an object array, not {type(finals).__name__}",
    )
    for index in np.flatnonzero(done):
        _require(
            finals[index] in envs.single_observation_space,
            f"SAME_STEP: final_obs[{index}] is outside of single_observation_space: "
            f"{str(finals[index])[:200]}",
        )


def _check_no_sharing(earlier: Any, later: Any) -> None:
    for one in _arrays(earlier):
        for other in _arrays(later):
            _require(
                not np.shares_memory(one, other),
                "two calls return arrays that share memory, so that changing one changes the "
                f"other: {str(other)[:200]}; return copies",
            )


def _check_unchanged(steps: Sequence[_Step]) -> None:
    for index, step in enumerate(steps):
        for name, position in (("observations", 0), ("infos", 4)):
            _require(
                data_equivalence(step.result[position], step.snapshot[position], exact=True),
                f"{name} that were returned at step {index} have changed since; return copies",
            )


def _check_equal(steps: Sequence[_Step], again: Sequence[_Step], what: str) -> None:
    names = ("observations", "rewards", "terminations", "truncations", "infos")
    for index, (one, other) in enumerate(zip(steps, again, strict=False)):
        for name, mine, theirs in zip(names, one.snapshot, other.snapshot, strict=True):
            if name == "infos":
                mine, theirs = _untimed(mine), _untimed(theirs)
            _require(
                data_equivalence(mine, theirs, exact=True),
                f"{what} differ in {name} at step {index}: {str(mine)[:200]} and "
                f"{str(theirs)[:200]}; seed everything that is drawn",
            )


def _untimed(infos: dict[str, Any]) -> dict[str, Any]:
    """Infos without the seconds that RecordEpisodeStatistics puts under its reserved key."""
    kept = {}
    for key, value in infos.items():
        if isinstance(value, dict):
            value = _untimed({k: v for k, v in value.items() if key != "episode" or k != "t"})
        kept[key] = value
    return kept


def _check_seed_lists(envs: Envs, seeds: list[int]) -> None:
    try:
        first = deepcopy(envs.reset(seed=seeds))  # type: ignore[arg-type]
    except Exception:  # noqa: BLE001 - Gymnasium's base class takes an int alone: it may refuse
        return
    second = _reset(envs, "reset(seed=[...])", seed=seeds)
    _require(
        data_equivalence(first, second, exact=True),
        "two resets with the same list of seeds return different observations or infos",
    )


def _check_partial_reset(
    envs: Envs, seed: int, group_size: int, draw: Callable[[Envs], Any]
) -> None:
    """DISABLED: a mask resets the sub-environments that it names, and no others."""
    _reset(envs, "reset", seed=seed)
    observations, *_ = _step(envs, draw(envs))
    if envs.num_envs <= group_size:
        return
    before = [deepcopy(row) for row in iterate(envs.observation_space, observations)]
    mask = np.zeros(envs.num_envs, dtype=np.bool_)
    mask[:group_size] = True
    observations, infos = _reset(
        envs, "reset with a reset_mask", options={"reset_mask": mask.copy()}
    )
    rows = list(iterate(envs.observation_space, observations))
    for index in np.flatnonzero(~mask):
        _require(
            data_equivalence(rows[index], before[index], exact=True),
            f"DISABLED: reset_mask {mask} leaves sub-environment {index} alone, yet its "
            f"observation changed from {str(before[index])[:100]} to {str(rows[index])[:100]}",
        )
    for key, value in infos.items():
        _require(
            not key.startswith("_") or not value[~mask].any(),
            f"DISABLED: infos[{key!r}] speaks of sub-environments that reset_mask leaves alone",
        )


def _check_step_after_the_end(
    envs: Envs, seed: int, max_steps: int, draw: Callable[[Envs], Any]
) -> None:
    _reset(envs, "reset", seed=seed)
    for _ in range(max_steps):
        _, _, terminations, truncations, _ = _step(envs, draw(envs))
        if (terminations | truncations).any():
            break
    try:
        envs.step(draw(envs))
    except Exception:  # noqa: BLE001 - whichever error it chose: it refuses, as it should
        return
    raise VectorEnvError("DISABLED: a step after the end of an episode must raise, not go on")


def _check_render(envs: Envs) -> None:
    if envs.render_mode is None:
        return
    frames = envs.render()
    _require(
        isinstance(frames, tuple) and len(frames) == envs.num_envs,
        f"render must return a tuple of {envs.num_envs} frames, not {type(frames).__name__}",
    )


def _arrays(value: Any) -> list[Any]:
    """Every array in a structure."""
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, dict):
        return [array for each in value.values() for array in _arrays(each)]
    if isinstance(value, tuple | list):
        return [array for each in value for array in _arrays(each)]
    return []
