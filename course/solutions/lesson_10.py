"""The solutions of lesson 10.

Answers to the two questions:

1. The settled drift and the flips, if questions come back; the divergence from the initial policy;
   the length and the share of truncated completions; the majority ratio with all of these, and not
   alone. And a few dozen questions with known answers, asked every morning and never trained on,
   would tell more than all of them.
2. The score before and after, greedily and at several temperatures: was it sharpening? The same on
   a second family of models: is it a property of the reward or of one model? Several seeds of the
   coin, and a reward for the format alone: is it the reward at all? And one more: was the first
   number measured with the prompt that suits the model?
"""

import numpy as np


def gains(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The mean of the diagonal, and of everything else."""
    gained = after - before  # a row for each training, a column for each test
    home = np.eye(len(before), dtype=bool)
    return np.array([gained[home].mean(), gained[~home].mean()])


def count_weights(config: dict[str, int]) -> int:
    """Layers, the last norm, and two matrices as large as the vocabulary."""
    h = config["hidden"]
    q = config["heads"] * config["head_size"]
    k = config["kv_heads"] * config["head_size"]
    attention = 2 * h * q + 2 * h * k + q + 2 * k
    layer = attention + 3 * h * config["inner"] + 2 * h
    return config["layers"] * layer + h + 2 * config["vocabulary"] * h


def training_gigabytes(frozen: int, trained: int, reference: bool) -> float:
    """2 bytes for a frozen weight, 18 for a trained one, and 2 for one of a reference."""
    size = 2 * frozen + 18 * trained
    if reference and frozen == 0:
        size += 2 * trained
    return size / 1e9
