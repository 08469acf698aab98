"""The picture of a rendered vote, as `render_mode="rgb_array"` draws it.

Writes `docs/images/vote.png`:

    python docs/figures/vote.py
"""

from __future__ import annotations

from pathlib import Path

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from loop import ANSWERS
from PIL import Image

import ttrl_env  # noqa: F401 - registers the environments

TARGET = Path(__file__).parents[1] / "images" / "vote.png"


def picture() -> npt.NDArray[np.uint8]:
    """Returns the picture, shape (height, width, 3)."""
    env = gym.make("TTRL-Arithmetic-v0", group_size=len(ANSWERS), render_mode="rgb_array")
    env.reset(seed=0)
    for answer in ANSWERS:
        env.step("I give up" if answer == "none" else f"\\boxed{{{answer}}}")
    return np.asarray(env.render(), dtype=np.uint8)


if __name__ == "__main__":
    Image.fromarray(picture()).quantize(64).save(TARGET, optimize=True)
