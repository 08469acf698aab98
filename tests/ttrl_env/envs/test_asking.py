"""What environments are reset with: seeds and options that are wrong raise clear errors."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import ttrl_env  # noqa: F401 - it registers the ids
from ttrl_benchmarks import UnknownNameError


def envs() -> list[Any]:
    return [
        gym.make("TTRL-Arithmetic-v0", size=20),
        gym.make_vec("TTRL-Arithmetic-v0", num_envs=4, group_size=2, size=20),
    ]


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("seed", [1.5, "3", np.float64(2)])
def test_a_seed_that_is_not_a_whole_number_raises(which: int, seed: Any) -> None:
    with pytest.raises(TypeError, match="a seed must be a whole number, not"):
        envs()[which].reset(seed=seed)


def test_a_list_with_such_a_seed_raises() -> None:
    with pytest.raises(TypeError, match=r"a seed must be a whole number, not 2\.5"):
        envs()[1].reset(seed=[1, 1, 2.5, 2.5])


@pytest.mark.parametrize("which", [0, 1])
def test_a_mistyped_option_names_the_close_one(which: int) -> None:
    with pytest.raises(UnknownNameError, match=r"reset 'postion'\. Did you mean 'position'"):
        envs()[which].reset(seed=0, options={"postion": 3})
    with pytest.raises(TypeError, match="must be a dictionary, not 'position'"):
        envs()[which].reset(seed=0, options="position")


@pytest.mark.parametrize("which", [0, 1])
def test_what_is_right_is_taken(which: int) -> None:
    env = envs()[which]
    whole, _ = env.reset(seed=np.int64(3), options={"position": 2})
    again, _ = env.reset(seed=3, options={"position": np.int64(2)})
    assert list(whole) == list(again)
    env.reset(options={})
    env.reset(seed=None, options=None)
