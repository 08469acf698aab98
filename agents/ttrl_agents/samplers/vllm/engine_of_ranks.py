"""Sampling with vLLM where a run has several ranks, which hand out the weights together.

- `EngineOfRanks`: the sampler of each rank.

Where the model is divided over ranks, its weights can be had only by all of them together; and an
engine that is divided over the GPUs of several ranks belongs to the first of those. So every call
here is one that all ranks make, also those without an engine or without a prompt, and an engine
that fails on one rank is replaced while the others take part in handing out the weights.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from ttrl_agents.distributed.world import World
from ttrl_agents.errors import AgentError
from ttrl_agents.policy.policy import Policy
from ttrl_agents.samplers.vllm.process import Array, EngineError, EngineProcess
from ttrl_agents.samplers.vllm.sampler import EngineOptions, VLLMSampler
from ttrl_agents.samplers.vllm.weight_sync import pass_over

__all__ = ["EngineOfRanks", "check_tensor_parallel"]

Result = TypeVar("Result")


def check_tensor_parallel(count: int, ranks: World) -> None:
    """Checks that engines of so many GPUs can be made of the ranks of every machine.

    Args:
        count: GPUs of an engine.
        ranks: The ranks.

    Raises:
        AgentError: They cannot.
    """
    if ranks.local_size % count:
        raise AgentError(
            f"--engine-tensor-parallel {count} makes engines of {count} GPUs of one machine, and "
            f"this run has {ranks.local_size} of each. Use --gpus with a multiple of {count}, or "
            "another --engine-tensor-parallel."
        )


class EngineOfRanks(VLLMSampler):
    """Samples on one rank of several; every rank makes every call.

    Args:
        policy: The model and its tokenizer.
        options: The resources that an engine may use. With `tensor_parallel` above 1, each group of
            so many ranks has one engine.
        ranks: The ranks.

    Attributes:
        together: Whether every rank makes every call: always.
        ranks_per_engine: How many ranks share an engine.

    Raises:
        AgentError: An engine does not start on some rank; every rank raises it.
    """

    together = True

    def __init__(self, policy: Policy, options: EngineOptions, ranks: World) -> None:
        check_tensor_parallel(options.tensor_parallel, ranks)
        heads = getattr(policy.model.config, "num_attention_heads", options.tensor_parallel)
        if heads % options.tensor_parallel:
            raise AgentError(
                f"--engine-tensor-parallel {options.tensor_parallel} cannot divide the {heads} "
                f"attention heads of {policy.name}. Use a number that does."
            )
        self.ranks_per_engine = options.tensor_parallel
        self._ranks = ranks
        self._owns = ranks.rank % options.tensor_parallel == 0
        with ranks.agreement():
            super().__init__(policy, options)

    def _start(self) -> None:
        self._start_engine()
        self._ranks.wait()  # where a rank whose engine did not start can say so
        self._load()

    def _start_engine(self) -> None:
        if self._owns:
            super()._start_engine()
        else:
            self._engine = _EngineElsewhere()

    def _load(self) -> None:
        if self._owns:
            super()._load()
        else:
            self._stand_by()
            self._asleep = False

    def _stand_by(self) -> None:
        """Takes part in handing out the weights without taking any."""
        pass_over(self.policy, self.policy.weights())

    def _with_restart(self, action: Callable[[], Result]) -> Result:
        found: list[Result] = []
        failure: EngineError | None = None
        try:
            found.append(action())
        except EngineError as error:
            failure = error
        if self._ranks.any(failure is not None):
            with self._ranks.agreement():
                if failure is not None:
                    self._replace_engine(failure)
            with self._ranks.agreement():
                if failure is None:
                    self._stand_by()
                else:
                    self._load()
            with self._ranks.agreement():
                if failure is not None:
                    found.append(self._result_again(action))
        return found[0]

    def _result_again(self, action: Callable[[], Result]) -> Any:
        # The new engine has its weights, which are not to be had from this rank alone.
        return None if action == self._load else action()


class _EngineElsewhere(EngineProcess):
    """Answers for the engine of another rank, which is asked there: there is nothing to say."""

    def __init__(self) -> None:
        self.timeout = 0.0

    def ask(self, *_: Any, **__: Any) -> tuple[dict[str, Any], list[Array]]:
        """Returns no completions."""
        kinds = (np.int64, np.float32, np.int64, np.bool_)
        return {}, [np.empty(0, dtype) for dtype in kinds]

    def end(self) -> None:
        """Does nothing."""
