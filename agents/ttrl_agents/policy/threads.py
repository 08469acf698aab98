"""The number of threads for a small model.

- `few_threads`: uses one thread for a model that is too small for more.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

from ttrl_agents.policy.policy import Policy

__all__ = ["few_threads"]

# On two cores, 128 completions at a time: two threads sample 1.3 times as slowly as one with 0.4
# million weights, as fast with about 1.3 million, and 1.15 times as fast with 2 million.
_WORTH_TWO_THREADS = 1_500_000


@contextlib.contextmanager
def few_threads(policy: Policy) -> Iterator[None]:
    """Runs a small model on one CPU thread: waking another takes longer than it saves.

    Models of 1.5 million weights or more, and those on GPU, keep the threads of PyTorch.

    Args:
        policy: The model.
    """
    threads = torch.get_num_threads()
    if policy.device.type != "cpu" or policy.num_parameters >= _WORTH_TWO_THREADS or threads == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
