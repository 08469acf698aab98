"""Samplers: prompts in, completions out.

- `Sampler`: the protocol.
- `SamplingParams`: temperature, top-p and the length limit.
- `TransformersSampler`: samples with the policy's own `transformers` model.
- `make_sampler`: the sampler that a run asks for.
"""

from ttrl_agents.config import TrainConfig
from ttrl_agents.policy import Policy
from ttrl_agents.samplers.base import Sampler, SamplingParams
from ttrl_agents.samplers.transformers import TransformersSampler

__all__ = ["Sampler", "SamplingParams", "TransformersSampler", "make_sampler"]


def make_sampler(policy: Policy, config: TrainConfig) -> Sampler:
    """Returns the sampler that a run asks for."""
    return TransformersSampler(policy, config.sample_rows)
