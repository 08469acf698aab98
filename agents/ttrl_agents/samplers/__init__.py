"""Samplers: prompts in, completions out.

- `Sampler`: the protocol.
- `SamplingParams`: temperature, top-p and the length limit.
- `TransformersSampler`: samples with the policy's own `transformers` model.
"""

from ttrl_agents.samplers.base import Sampler, SamplingParams
from ttrl_agents.samplers.transformers import TransformersSampler

__all__ = ["Sampler", "SamplingParams", "TransformersSampler"]
