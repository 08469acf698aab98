"""Sampling with an undivided copy of a policy that is divided over ranks.

- `CopySampler`: the sampler.
"""

from __future__ import annotations

from ttrl_agents.distributed.sharding import sharding_of
from ttrl_agents.policy.divided import sampling_copy
from ttrl_agents.policy.policy import Policy
from ttrl_agents.samplers.transformers import TransformersSampler

__all__ = ["CopySampler"]


class CopySampler(TransformersSampler):
    """Samples as `TransformersSampler`, with all weights of a divided policy on each rank.

    The copy is in the type that the policy computes in. It is for small models and for tests: an
    engine such as vLLM keeps a copy too, and samples faster.

    Args:
        policy: The divided policy.
        max_rows: As for `TransformersSampler`.
    """

    copies_weights = True

    def __init__(self, policy: Policy, max_rows: int | None = None) -> None:
        super().__init__(sampling_copy(policy), max_rows)
        self._divided = policy
        self.sync()

    def sync(self) -> None:
        """Copies the policy's weights, which takes all ranks."""
        sharding = sharding_of(self._divided.model)
        if sharding is not None:
            sharding.gather_into(self.policy.model, self._divided.model)
