"""Sampling with vLLM in a separate process, whose crash or hang does not end the run.

- `VLLMSampler`: the sampler.
- `EngineOptions`: the resources that the engine may use.
- `visible_gpus`: the GPUs of an engine, the first of which it shares with the policy.

The engine starts without weights. It gets those of the policy before it samples and after every
update (`weight_sync`); checksums prove that they arrived. An engine that dies, hangs or fails is
restarted once, with the current weights, and the sampling is repeated.
"""

from __future__ import annotations

import atexit
import copy
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from ttrl_agents.errors import AgentError
from ttrl_agents.policy.policy import Policy, quiet_libraries
from ttrl_agents.samplers.base import Progress, SamplingParams, report_finished, request_seeds
from ttrl_agents.samplers.box_stop import closers
from ttrl_agents.samplers.vllm.process import EngineError, EngineProcess
from ttrl_agents.samplers.vllm.weight_sync import WeightSync, WeightSyncChoice
from ttrl_env.completion import Completion

__all__ = ["EngineOptions", "VLLMSampler", "visible_gpus"]

Result = TypeVar("Result")

_MODULE = "ttrl_agents.samplers.vllm.engine"
_WORKER = "ttrl_agents.samplers.vllm.worker.ReceivesWeights"
_START_SECONDS = 1800.0  # a large model captures CUDA graphs for minutes
_ENVIRONMENT = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # the engine is in a process of its own already
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",  # the cores are shared with the update
    "HF_HUB_OFFLINE": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
}


@dataclass(frozen=True)
class EngineOptions:
    """The resources that the engine may use.

    Attributes:
        max_length: The most tokens of a prompt and its completion together.
        max_rows: The most completions sampled at once.
        kv_gib: Memory for keys and values, in GiB; by default 1 on CPU, and on GPU what
            `gpu_share` leaves.
        gpu_share: The share of the GPU's memory that weights, keys and values may take.
        sleep: Whether `rest` releases the GPU's memory; for models that do not fit beside their
            own training.
        timeout: Seconds of silence after which the engine counts as hung.
        log: The file for the engine's output; by default a temporary file.
        weight_sync: The way of the weights to the engine.
        tensor_parallel: How many GPUs it divides the model over: that of the policy and those after
            it. On CPU, how many processes.
    """

    max_length: int
    max_rows: int = 256
    kv_gib: float | None = None
    gpu_share: float = 0.5
    sleep: bool = False
    timeout: float = 600.0
    log: Path | None = None
    weight_sync: WeightSyncChoice = "auto"
    tensor_parallel: int = 1


class VLLMSampler:
    """Samples with vLLM from a copy of the policy's weights.

    Args:
        policy: The model and its tokenizer.
        options: The resources that the engine may use.

    Attributes:
        restarts: How often the engine had to be restarted: 0 or 1.
        copies_weights: Always `True`: updates reach it by `sync` alone.
        proof: What the engine proved of the last weights; see `Engine.load`.

    Raises:
        AgentError: vLLM is not installed, not in a version that is known to work, or does not
            start.
    """

    copies_weights = True

    def __init__(self, policy: Policy, options: EngineOptions) -> None:
        self.policy = policy
        self.options = options
        self.restarts = 0
        self.proof: dict[str, int] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="ttrl-engine-")
        self._dtype = policy.compute_dtype
        self._weights = WeightSync(policy, options.weight_sync, workers=options.tensor_parallel)
        self._asleep = False
        atexit.register(self.close)
        self._engine: EngineProcess | None = None
        self._closed = False
        try:
            self._start()
        except BaseException as error:
            self.close()
            advice = _memory_advice(str(error)) if isinstance(error, EngineError) else None
            if advice is None:
                raise
            raise EngineError(f"{error} {advice}") from error

    @property
    def engine(self) -> EngineProcess:
        """The process of the engine.

        Raises:
            AgentError: The sampler was closed.
        """
        if self._engine is None:
            raise AgentError("The sampler was closed.")
        return self._engine

    @property
    def weight_sync(self) -> str:
        """The way of the weights to the engine, in words."""
        return self._weights.description

    def sample(
        self,
        prompts: Sequence[str],
        params: SamplingParams,
        *,
        seed: int | Sequence[int],
        progress: Progress | None = None,
    ) -> list[Completion]:
        """Samples one completion of each prompt; see `Sampler.sample`.

        The same seed gives the same completions if the engine's arithmetic is deterministic: on GPU
        it may depend on which completions share a batch.

        Raises:
            EngineError: The engine failed for the second time in this run.
            AgentError: A prompt and its completion do not fit, or token statistics are asked for.
        """
        if params.token_statistics:
            raise AgentError(
                "vLLM does not report token statistics; sample with TransformersSampler, or omit "
                "token_statistics."
            )
        encoded = self.policy.encode_prompts(prompts)
        self._check_length(max(map(len, encoded), default=0), params.max_tokens)
        rows: dict[tuple[int, ...], list[int]] = {}
        for i, ids in enumerate(encoded):
            rows.setdefault(ids, []).append(i)
        # vLLM draws greedily only once for a prompt; equal prompts then share their completion.
        greedy = params.temperature == 0
        members = list(rows.values())
        places = members if greedy else [[i] for each in members for i in each]
        request = {
            "command": "sample",
            "counts": [1 if greedy else len(each) for each in members],
            "seeds": request_seeds(seed, members),
            "closers": self._closers if params.stop_at_box else [],
            "thinking": [self.policy.opens_thinking(ids) for ids in rows],
            "params": {
                "max_tokens": params.max_tokens,
                "temperature": params.temperature,
                "top_p": params.top_p,
                "stop_token_ids": self.policy.end_token_ids,
            },
        }
        arrays = [
            np.array([token for ids in rows for token in ids], dtype=np.int64),
            np.array([len(ids) for ids in rows], dtype=np.int64),
        ]

        def finished_at(drawn: list[int]) -> None:
            report_finished(progress, [place for k in drawn for place in places[k]])

        def draw() -> list[np.ndarray[Any, Any]]:
            _, drawn = self.engine.ask(
                request, arrays, on_progress=progress, on_finished=finished_at
            )
            return drawn

        if self._asleep:
            self._with_restart(self._load)
        tokens, log_probs, lengths, finished = self._with_restart(draw)
        return self._completions(
            places,
            tokens,
            log_probs,
            lengths,
            finished,
            [self.policy.opens_thinking(ids) for ids in encoded],
        )

    def _check_length(self, prompt: int, completion: int) -> None:
        """Checks that a prompt and a completion of this many tokens fit into the engine."""
        if prompt + completion > self.options.max_length:
            raise AgentError(
                f"A prompt of {prompt} tokens and --max-tokens {completion} exceed the "
                f"{self.options.max_length} that the engine was started for. Raise "
                "--engine-max-length, or lower --max-tokens."
            )

    def sync(self) -> None:
        """Sends the policy's weights, and proves by checksums that they arrived.

        Raises:
            EngineError: They did not arrive, not even in a new engine.
        """
        self._with_restart(self._load)

    def rest(self) -> None:
        """Releases the engine's GPU memory until the next call, if the options say so.

        Raises:
            EngineError: The engine failed for the second time in this run.
        """

        def sleep() -> None:
            self.engine.ask({"command": "sleep"})
            self._asleep = True

        if self.options.sleep and not self._asleep:
            self._with_restart(sleep)

    def close(self) -> None:
        """Ends the engine and frees its memory."""
        atexit.unregister(self.close)
        if self._engine is not None:
            self._engine.end()
            self._engine = None
        if not self._closed:
            self._closed = True
            self._weights.close()
            self._folder.cleanup()

    def metrics(self) -> dict[str, float]:
        """Returns how often the engine was restarted."""
        return {"engine_restarts": float(self.restarts)}

    @cached_property
    def _closers(self) -> list[int]:
        """The tokens after which the box of an answer may have closed."""
        return sorted(closers(self.policy.tokenizer.get_vocab()))

    def _start(self) -> None:
        """Starts an engine and gives it the current weights."""
        self._start_engine()
        self._load()

    def _start_engine(self) -> None:
        """Starts an engine, which has no weights yet."""
        folder, options = Path(self._folder.name), self.options
        config = copy.deepcopy(self.policy.model.config)
        config.architectures = config.architectures or [type(self.policy.model).__name__]
        config.save_pretrained(folder)
        with quiet_libraries():
            self.policy.tokenizer.save_pretrained(folder)  # to decode if boxes end texts
        on_gpu = self.policy.device.type == "cuda"
        step_tokens = max(16_384 if on_gpu else 8192, options.max_rows)
        arguments: dict[str, Any] = {
            "model": ".",  # its working directory, by which vLLM finds what it has compiled
            "load_format": "dummy",
            "skip_tokenizer_init": True,
            "generation_config": "vllm",
            "dtype": str(self._dtype).removeprefix("torch."),
            "max_model_len": options.max_length,
            "max_num_seqs": options.max_rows,
            "max_num_batched_tokens": step_tokens,
            "enable_prefix_caching": True,
            "logprobs_mode": "processed_logprobs",
            "disable_log_stats": True,
            "seed": 0,
        }
        if options.tensor_parallel > 1:
            arguments["tensor_parallel_size"] = options.tensor_parallel
            arguments["distributed_executor_backend"] = "mp"
            arguments["worker_extension_cls"] = _WORKER
        if on_gpu:
            arguments["gpu_memory_utilization"] = options.gpu_share
            arguments["enable_sleep_mode"] = options.sleep
        else:
            arguments["enforce_eager"] = True
            # A prompt split over two steps has to rewind its generator; CPU generators cannot.
            arguments["enable_chunked_prefill"] = False
            arguments["max_num_batched_tokens"] = max(step_tokens, options.max_length)
        kv_gib = options.kv_gib or (None if on_gpu else 1.0)
        if kv_gib is not None:
            arguments["kv_cache_memory_bytes"] = int(kv_gib * 2**30)
        self._engine = EngineProcess(
            _MODULE,
            _ENVIRONMENT | visible_gpus(self.policy.device, options.tensor_parallel),
            folder,
            options.log or folder / "engine.log",
            options.timeout,
            inherit=[self._weights.file_descriptor],
        )
        torch.cuda.empty_cache()  # the engine needs the memory that PyTorch caches
        self.engine.ask({"command": "start", "options": arguments}, timeout=_START_SECONDS)
        self._weights.connect(self.engine)

    def _load(self) -> None:
        self.proof = self._weights.load(self.engine)
        self._asleep = False

    def _with_restart(self, action: Callable[[], Result]) -> Result:
        """Repeats an action once in a new engine; the second failure of a run ends it."""
        if self.options.sleep:
            torch.cuda.empty_cache()  # else the engine would lack memory when it wakes
        try:
            return action()
        except EngineError as error:
            self._replace_engine(error)
            self._load()
            return action()

    def _replace_engine(self, error: EngineError) -> None:
        """Starts a new engine, without weights yet, for one that failed for the first time."""
        if self.restarts:
            raise EngineError(f"{error} It had been started anew once already.") from error
        self.restarts += 1
        self.engine.end()
        self._start_engine()

    def _completions(
        self,
        places: Sequence[Sequence[int]],
        tokens: np.ndarray[Any, Any],
        log_probs: np.ndarray[Any, Any],
        lengths: np.ndarray[Any, Any],
        finished: np.ndarray[Any, Any],
        thinking: Sequence[bool],
    ) -> list[Completion]:
        """Puts each of the engine's completions where it belongs among the prompts."""
        ends = np.cumsum(lengths)
        ids = [tokens[end - n : end] for end, n in zip(ends, lengths, strict=True)]
        chances = [log_probs[end - n : end] for end, n in zip(ends, lengths, strict=True)]
        ends_of_text = set(self.policy.end_token_ids)
        kept = [row[:-1] if len(row) and int(row[-1]) in ends_of_text else row for row in ids]
        texts = self.policy.decode([row.tolist() for row in kept])
        completions = [Completion()] * len(thinking)
        for k, where in enumerate(places):
            for place in where:
                completions[place] = Completion(
                    texts[k],
                    token_ids=ids[k].copy(),
                    log_probs=chances[k].copy(),
                    finished=bool(finished[k]),
                    thinking=thinking[place],
                )
        return completions

    def __enter__(self) -> VLLMSampler:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()


def _memory_advice(said: str) -> str | None:
    """Returns advice if an engine did not start because of too little memory."""
    if "Free memory on device" in said or "out of memory" in said:
        return "Lower --engine-gpu-share: the policy takes part of this GPU's memory too."
    if "memory" in said:
        return (
            "Give keys and values more room with --engine-kv-gib or --engine-gpu-share, or ask for "
            "less with --engine-max-length."
        )
    return None


def visible_gpus(device: torch.device, count: int = 1) -> dict[str, str]:
    """Returns the environment in which an engine finds some GPUs and no others.

    Args:
        device: The device of the first of them.
        count: How many.

    >>> visible_gpus(torch.device("cpu"))
    {}
    """
    if device.type != "cuda":
        return {}
    first = device.index or 0
    ours = os.environ.get("CUDA_VISIBLE_DEVICES")
    every = ours.split(",") if ours else [str(index) for index in range(first + count)]
    return {"CUDA_VISIBLE_DEVICES": ",".join(each.strip() for each in every[first : first + count])}
