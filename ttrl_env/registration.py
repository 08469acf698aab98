"""Every Gymnasium id of this package, in one table.

- `ENV_IDS`: the ids, each with its benchmark.
- `register_envs`: registers them; called once, when `ttrl_env` is imported.
- `check_env_id`: raises with the close names where an id is unknown.
"""

from __future__ import annotations

import gymnasium as gym

from ttrl_benchmarks.errors import unknown_name

__all__ = ["ENV_IDS", "check_env_id", "register_envs"]

ENV_IDS: dict[str, dict[str, str]] = {
    "TTRL-Arithmetic-v0": {"benchmark": "arithmetic"},
    "TTRL-AIME24-v0": {"benchmark": "aime24"},
    "TTRL-AIME25-v0": {"benchmark": "aime25"},
    "TTRL-AMC-v0": {"benchmark": "amc"},
    "TTRL-MATH500-v0": {"benchmark": "math500"},
    **{f"TTRL-MATH500-L{n}-v0": {"benchmark": f"math500-l{n}"} for n in range(1, 6)},
    "TTRL-GPQA-v0": {"benchmark": "gpqa"},
    "TTRL-Questions-v0": {"benchmark": "questions"},  # path=... names the file
    "TTRL-ReasoningGym-v0": {"benchmark": "reasoning-gym"},  # task=... names the task
}


def register_envs() -> None:
    """Registers every id with Gymnasium; ids that are registered already are left alone."""
    for env_id, options in ENV_IDS.items():
        if env_id not in gym.registry:
            gym.register(
                id=env_id,
                entry_point="ttrl_env.envs.question_env:TTRLEnv",
                vector_entry_point="ttrl_env.envs.vector_env:make_vector_env",
                kwargs=dict(options),
            )


def check_env_id(env_id: str) -> None:
    """Checks that an environment of ours is registered.

    Raises:
        UnknownNameError: It is not; the message lists the names that come close.
    """
    if env_id not in gym.registry:
        raise unknown_name("environment", env_id, ENV_IDS)
