"""The solutions of lesson 8.

Answers to the two questions:

1. With 1 of 16 right, the standard deviation is small (0.25) and the right completion has an
   advantage of about 3.75; with 8 of 16 it is 0.5 / 0.52, about 1. Without the division they are
   0.94 and 0.5. So the division makes the rare agreement count almost four times as much, and not
   twice. If the label is a vote, a winner with few votes is the one least to be trusted.
2. The later updates teach hardly anything: for half of the tokens the gradient is 0. The steps are
   too large, or there are too many of them on one batch. Lower the learning rate or take fewer
   updates; raising the clip would hide it.
"""

import numpy as np


def clipped_loss(
    ratio: np.ndarray, advantages: np.ndarray, clip_low: float, clip_high: float
) -> np.ndarray:
    """The smaller of the two objectives, and its sign turned: a loss goes down."""
    clipped = np.clip(ratio, 1 - clip_low, 1 + clip_high)
    return -np.minimum(ratio * advantages, clipped * advantages)


def k3(log_probs: np.ndarray, initial_log_probs: np.ndarray) -> np.ndarray:
    """How far e^(-d) lies above its tangent at 0, so it is never negative."""
    d = log_probs - initial_log_probs
    return np.exp(-d) + d - 1


def advantages_of_tokens(
    rewards: np.ndarray, values: np.ndarray, gamma: float, trust: float
) -> np.ndarray:
    """From the last token to the first; after the last one, value and advantage are 0."""
    advantages = np.zeros(len(rewards))
    following = advantage = 0.0
    for t in reversed(range(len(rewards))):
        delta = rewards[t] + gamma * following - values[t]
        advantage = delta + gamma * trust * advantage
        advantages[t] = advantage
        following = values[t]
    return advantages
