"""Finding what a wrapper needs to know, however deep it lies.

- `find_attribute`: an attribute of a vector environment, of any wrapper inside it, or of its
  sub-environments.
"""

from __future__ import annotations

import contextlib
from typing import Any

from gymnasium.vector import VectorEnv, VectorWrapper

__all__ = ["find_attribute"]


def find_attribute(env: VectorEnv[Any, Any, Any], name: str) -> Any:
    """Returns the outermost attribute of this name.

    Raises:
        ValueError: There is none, so this is no environment of `ttrl_env`.
    """
    layer = env
    while True:
        if hasattr(layer, name):
            return getattr(layer, name)
        if not isinstance(layer, VectorWrapper):
            break
        layer = layer.env
    if hasattr(layer, "get_attr"):  # Gymnasium's own: ask the first sub-environment
        with contextlib.suppress(AttributeError):  # said below, with the way out
            return layer.get_attr(name)[0]
    raise ValueError(
        f"{env!r} has no {name!r}. Wrap an environment of ttrl_env, such as "
        "gym.make_vec('TTRL-Arithmetic-v0', num_envs=32)."
    )
