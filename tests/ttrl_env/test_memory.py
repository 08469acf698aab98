"""Memory does not grow with the number of steps."""

from __future__ import annotations

import gc
import tracemalloc

import gymnasium as gym
import numpy as np
from env_fakes import boxed

from ttrl_env import LabelMetrics


def test_memory_does_not_grow() -> None:
    envs = LabelMetrics(
        gym.make_vec("TTRL-Arithmetic-v0", num_envs=4, group_size=2, render_mode="ansi")
    )
    rng = np.random.default_rng(0)
    envs.reset(seed=0)

    def bytes_after(steps: int) -> int:
        for _ in range(steps):
            # A kilobyte of text that was never there before, and one of fifty answers.
            noise = "".join(map(chr, rng.integers(97, 123, size=1_000)))
            envs.step([noise + boxed(rng.integers(50)) for _ in range(4)])
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before, after = bytes_after(300), bytes_after(700)
    finally:
        tracemalloc.stop()
    assert after - before < 100_000, f"{after - before} bytes more over 700 steps"
