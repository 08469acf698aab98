"""Samplers: prompts in, completions out.

- `Sampler`: the protocol.
- `SamplingParams`: temperature, top-p and where completions end.
- `TransformersSampler`: samples with the policy's own `transformers` model.
- `make_sampler`: the sampler that a run asks for.
"""

from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.errors import AgentError
from ttrl_agents.policy.policy import Policy
from ttrl_agents.samplers.base import Sampler, SamplingParams
from ttrl_agents.samplers.transformers import TransformersSampler
from ttrl_agents.samplers.vllm.sampler import EngineOptions, VLLMSampler
from ttrl_agents.samplers.vllm.server import SERVER_ADVICE
from ttrl_env.consensus import reward_needs

__all__ = ["Sampler", "SamplingParams", "TransformersSampler", "make_sampler"]

_PROMPT_TOKENS = 2048


def make_sampler(policy: Policy, config: TrainConfig) -> Sampler:
    """Returns the sampler that a run asks for.

    Raises:
        AgentError: It cannot start, or cannot be trained with.
    """
    if config.sampler == "transformers":
        return TransformersSampler(policy, config.sample_rows)
    if "token statistics" in reward_needs(config.reward):  # said before an engine is started
        raise AgentError(
            f"--reward {config.reward} asks how sure the model is of every token, which "
            f"--sampler {config.sampler} does not tell. Use --sampler transformers, or a reward "
            "that `ttrl rewards` lists without token statistics."
        )
    if config.sampler == "vllm-server":
        raise AgentError(SERVER_ADVICE)
    limit = config.engine_max_length or config.max_tokens + _PROMPT_TOKENS
    return VLLMSampler(
        policy,
        EngineOptions(
            max_length=min(limit, policy.max_length or limit),
            max_rows=config.sample_rows or 256,
            kv_gib=config.engine_kv_gib,
            gpu_share=config.engine_gpu_share,
            sleep=config.engine_sleep,
            timeout=config.engine_timeout,
            log=None if config.output is None else config.output / "engine.log",
        ),
    )
