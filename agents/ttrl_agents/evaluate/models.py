"""The model that an evaluation measures: in this process, or behind a server.

- `Measured`: the interface that both share.
- `LocalModel`: weights and a tokenizer in this process, sampled by one of `SAMPLERS`.
- `ServedModel`: a model behind a server.
- `find_model`: the model that the options name.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from ttrl_agents.config.eval_config import EvalConfig
from ttrl_agents.errors import AgentError
from ttrl_agents.evaluate.fingerprint import weights_digest
from ttrl_agents.policy.loading import load_policy
from ttrl_agents.samplers import SAMPLERS, Sampler, SamplerOptions, SamplingParams
from ttrl_agents.samplers.vllm.server import VLLMServerSampler
from ttrl_benchmarks.errors import unknown_name

__all__ = ["LocalModel", "Measured", "ServedModel", "find_model"]

_PAPER_TOKENS = 3072
_API_KEY = "VLLM_API_KEY"  # what vLLM itself calls it
_ONLY_ONE = "-"
_SERVER = "vllm-server"


class Measured(Protocol):
    """A model that can be measured.

    Attributes:
        name: Its name.
        description: The name with further details for the console.
        weights: A fingerprint of its weights, or `None` if they cannot be read.
    """

    name: str
    description: str
    weights: str | None

    def max_tokens(self, prompts: Sequence[str]) -> int:
        """Returns the length limit of completions, if the options do not set one.

        Raises:
            AgentError: There is no room for any token.
        """
        ...

    def start(self, prompts: Sequence[str], params: SamplingParams, log: Path) -> Sampler:
        """Returns a sampler for these prompts; what an engine prints goes into the log."""
        ...


class LocalModel:
    """A model with weights and a tokenizer in this process.

    Args:
        config: The options.

    Raises:
        AgentError: The model cannot be loaded.
    """

    def __init__(self, config: EvalConfig) -> None:
        self.config = config
        if config.sampler not in SAMPLERS:
            raise unknown_name("sampler", config.sampler, [*SAMPLERS, _SERVER])
        self.policy = load_policy(
            config.model,
            device=config.device,
            chat_template=config.chat_template,
            template_date=config.template_date,
        )
        self.name = self.policy.name
        self.description = (
            f"{self.name} ({self.policy.num_parameters:,} weights, {self.policy.device})"
        )
        self.weights: str | None = weights_digest(self.policy)

    def max_tokens(self, prompts: Sequence[str]) -> int:
        """Returns the paper's limit, or less if the model has less room."""
        longest = self._longest(prompts)
        room = (self.policy.max_length or longest + _PAPER_TOKENS) - longest
        if room < 1:
            raise AgentError(
                f"A prompt of {longest} tokens leaves no room in the {self.policy.max_length} "
                f"positions of model {self.name!r}. Use a model with more, or leave out "
                "such questions with --max-prompt-tokens."
            )
        return min(_PAPER_TOKENS, room)

    def start(self, prompts: Sequence[str], params: SamplingParams, log: Path) -> Sampler:
        """Returns the sampler that the options name."""
        config = self.config
        options = SamplerOptions(
            max_length=self._longest(prompts) + params.max_tokens,
            rows=config.sample_rows,
            kv_gib=config.engine_kv_gib,
            gpu_share=config.engine_gpu_share or SamplerOptions.gpu_share,
            timeout=config.engine_timeout,
            log=log,
            weight_sync=config.weight_sync,
        )
        return SAMPLERS.find(config.sampler).make(self.policy, options)

    def _longest(self, prompts: Sequence[str]) -> int:
        return max(map(len, self.policy.encode_prompts(prompts)), default=0)


class ServedModel:
    """A model behind a server; neither its weights nor its tokenizer are needed here.

    Args:
        config: The options; `model` is the name that it is served under; "-" for the only one.

    Raises:
        AgentError: There is no such server, or it does not serve this model.
    """

    def __init__(self, config: EvalConfig) -> None:
        if config.url is None:
            raise AgentError("--sampler vllm-server needs --url, such as http://localhost:8000.")
        self.sampler = VLLMServerSampler(
            config.url,
            None if config.model == _ONLY_ONE else config.model,
            api_key=os.environ.get(_API_KEY),
            timeout=config.engine_timeout,
        )
        self.name = self.sampler.model
        self.description = f"{self.name} (served at {self.sampler.url})"
        self.weights: str | None = None

    def max_tokens(self, prompts: Sequence[str]) -> int:  # noqa: ARG002 - the server counts them
        """Returns the paper's limit, if the server has room for it."""
        limit = self.sampler.max_length
        if limit is not None and limit <= _PAPER_TOKENS:
            raise AgentError(
                f"The server has room for {limit} tokens of a prompt and its completion, fewer "
                f"than the {_PAPER_TOKENS} of the paper. Say with --max-tokens how many a "
                "completion may have."
            )
        return _PAPER_TOKENS

    def start(self, prompts: Sequence[str], params: SamplingParams, log: Path) -> Sampler:  # noqa: ARG002
        """Returns the sampler, which is connected already."""
        return self.sampler


def find_model(config: EvalConfig) -> Measured:
    """Returns the model that the options name.

    Raises:
        AgentError: It does not exist; the message says what to do.
    """
    return ServedModel(config) if config.sampler == _SERVER else LocalModel(config)
