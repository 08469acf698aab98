"""Sampling with vLLM: an engine in a process of its own, or a server.

- `VLLMSampler`, `EngineOptions`: the engine.
"""

from ttrl_agents.samplers.vllm.sampler import EngineOptions, VLLMSampler

__all__ = ["EngineOptions", "VLLMSampler"]
