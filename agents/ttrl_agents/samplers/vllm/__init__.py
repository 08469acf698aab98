"""Sampling with vLLM: an engine in a separate process, or a server.

- `VLLMSampler`, `EngineOptions`: the engine.
"""

from ttrl_agents.samplers.vllm.sampler import EngineOptions, VLLMSampler

__all__ = ["EngineOptions", "VLLMSampler"]
