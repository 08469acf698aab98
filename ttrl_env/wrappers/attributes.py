"""Attributes of the environments inside wrappers, at any depth.

- `find_attribute`: an attribute of a vector environment, of any wrapper inside it, or of its
  sub-environments.
- `singles_have`: whether all sub-environments have one.
"""

from __future__ import annotations

from typing import Any

from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv, VectorEnv, VectorWrapper

__all__ = ["find_attribute", "singles_have"]


def find_attribute(env: VectorEnv[Any, Any, Any], name: str) -> Any:
    """Returns the outermost attribute of this name.

    Raises:
        ValueError: There is none, so this is not an environment of `ttrl_env`.
    """
    layer = env
    while True:
        if hasattr(layer, name):
            return getattr(layer, name)
        if not isinstance(layer, VectorWrapper):
            break
        layer = layer.env
    if isinstance(layer, SyncVectorEnv | AsyncVectorEnv) and singles_have(layer, name):
        return layer.get_attr(name)[0]
    raise ValueError(
        f"{env!r} has no {name!r}. Wrap an environment of ttrl_env, such as "
        "gym.make_vec('TTRL-Arithmetic-v0', num_envs=32)."
    )


def singles_have(envs: SyncVectorEnv | AsyncVectorEnv, name: str) -> bool:
    """Returns whether all sub-environments have this attribute.

    Asking for a missing one instead would end the processes of AsyncVectorEnv.
    """
    return all(envs.call("has_wrapper_attr", name))
