"""Samplers: prompts in, completions out.

- `Sampler`: the protocol.
- `SamplingParams`: temperature, top-p and where completions end.
- `TransformersSampler`: samples with the policy's own `transformers` model.
- `make_sampler`: the sampler that the options of a run name.
- `engine_limit`: the most tokens that its engine prepares for.
- `SAMPLERS`: the samplers by name, those of installed packages included; `register_sampler` adds
  one, which is made from a policy and `SamplerOptions`.
"""

from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.distributed.world import world
from ttrl_agents.errors import AgentError
from ttrl_agents.policy.policy import Policy
from ttrl_agents.samplers.base import Sampler, SamplingParams
from ttrl_agents.samplers.copied import CopySampler
from ttrl_agents.samplers.registry import SAMPLERS, SamplerOptions, register_sampler
from ttrl_agents.samplers.transformers import TransformersSampler
from ttrl_agents.samplers.vllm.engine_of_ranks import EngineOfRanks, check_tensor_parallel
from ttrl_agents.samplers.vllm.sampler import EngineOptions, VLLMSampler
from ttrl_agents.samplers.vllm.server import SERVER_ADVICE
from ttrl_env.consensus import reward_needs

__all__ = [
    "SAMPLERS",
    "Sampler",
    "SamplerOptions",
    "SamplingParams",
    "TransformersSampler",
    "check_sampler",
    "engine_limit",
    "make_sampler",
    "register_sampler",
]

_PROMPT_TOKENS = 2048
_ROWS = {False: 256, True: 1024}  # by whether there is a GPU
_SERVER = "vllm-server"


@register_sampler("transformers", token_statistics=True)
def _transformers(policy: Policy, options: SamplerOptions) -> Sampler:
    return (
        CopySampler(policy, options.rows)
        if policy.divided
        else TransformersSampler(policy, options.rows)
    )


@register_sampler("vllm")
def _vllm(policy: Policy, options: SamplerOptions) -> Sampler:
    engine = EngineOptions(
        max_length=options.max_length,
        max_rows=options.rows or _ROWS[policy.device.type == "cuda"],
        kv_gib=options.kv_gib,
        gpu_share=options.gpu_share,
        sleep=options.sleep,
        timeout=options.timeout,
        log=options.log,
        weight_sync=options.weight_sync,
        tensor_parallel=options.tensor_parallel,
    )
    if policy.divided or options.tensor_parallel > 1:
        return EngineOfRanks(policy, engine, world())
    return VLLMSampler(policy, engine)


def check_sampler(config: TrainConfig) -> None:
    """Checks, before anything is loaded, that a run can train with the sampler that it names.

    Raises:
        UnknownNameError: There is no such sampler.
        AgentError: It cannot be trained with, or does not return what the reward needs.
    """
    if config.sampler == _SERVER:
        raise AgentError(SERVER_ADVICE)
    entry = SAMPLERS.find(config.sampler)
    if "token statistics" in reward_needs(config.reward) and not entry.token_statistics:
        raise AgentError(
            f"--reward {config.reward} asks how sure the model is of every token, which "
            f"--sampler {config.sampler} does not tell. Use --sampler transformers, or a reward "
            "that `ttrl rewards` lists without token statistics."
        )
    if config.engine_tensor_parallel > 1:
        if config.sampler != "vllm":
            raise AgentError(
                f"--engine-tensor-parallel {config.engine_tensor_parallel} is for --sampler vllm, "
                f"not {config.sampler}."
            )
        check_tensor_parallel(config.engine_tensor_parallel, world())


def make_sampler(policy: Policy, config: TrainConfig) -> Sampler:
    """Returns the sampler that the options of a run name.

    Raises:
        UnknownNameError: There is no such sampler.
        AgentError: It cannot start, or cannot be trained with.
    """
    check_sampler(config)
    options = SamplerOptions(
        max_length=_prepared_length(policy, config),
        rows=config.sample_rows,
        kv_gib=config.engine_kv_gib,
        gpu_share=config.engine_gpu_share or SamplerOptions.gpu_share,
        sleep=config.engine_sleep,
        timeout=config.engine_timeout,
        log=None if config.output is None else config.output / _engine_log(),
        weight_sync=config.weight_sync,
        tensor_parallel=config.engine_tensor_parallel,
    )
    return SAMPLERS.find(config.sampler).make(policy, options)


def engine_limit(policy: Policy, config: TrainConfig) -> int | None:
    """Returns the most tokens that an engine prepares for, or `None` where the model is the limit.

    Args:
        policy: The model.
        config: The options of the run.
    """
    return None if config.sampler == "transformers" else _prepared_length(policy, config)


def _prepared_length(policy: Policy, config: TrainConfig) -> int:
    limit = config.engine_max_length or config.max_tokens + _PROMPT_TOKENS
    return min(limit, policy.max_length or limit)


def _engine_log() -> str:
    """The file for what the engine of this rank prints."""
    rank = world().rank
    return f"engine-{rank}.log" if rank else "engine.log"
