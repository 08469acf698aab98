"""Sampling from a vLLM server that somebody else runs.

- `VLLMServerSampler`: speaks the OpenAI-compatible interface.
- `SERVER_ADVICE`: why such a server cannot be trained.

The server keeps its own weights, so this sampler is for evaluation, and for environments without a
local model. The chat template is the server's.
"""

from __future__ import annotations

import contextlib
import queue
import re
import threading
from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import TypeVar

from ttrl_agents.errors import AgentError
from ttrl_agents.samplers.base import Progress, SamplingParams, report_finished, request_seeds
from ttrl_agents.samplers.box_stop import count_to_box
from ttrl_agents.samplers.vllm.answers import (
    Choice,
    read_choices,
    read_models,
    read_text,
    shown,
)
from ttrl_agents.samplers.vllm.json_client import JsonClient
from ttrl_env.answers import opens_thinking
from ttrl_env.completion import Completion

__all__ = ["SERVER_ADVICE", "VLLMServerSampler"]

SERVER_ADVICE = (
    "--sampler vllm-server cannot train: the server keeps its own weights, which no update "
    "reaches. Use --sampler vllm, or measure with ttrl eval."
)
_NEUTRAL = {
    "top_k": -1,
    "min_p": 0.0,
    "repetition_penalty": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
}
_CONNECTIONS = 64
_SMALL_ANSWER = 16 * 2**20
_BYTES_OF_A_TOKEN = 2**10  # of its text, its log-probability and its id, in JSON
_END_OF_PROMPT = 64  # last tokens, which are searched for an open thought
_THREAD = "vllm-server request"

Result = TypeVar("Result")


class VLLMServerSampler:
    """Samples from an OpenAI-compatible vLLM server.

    Args:
        url: Its address, e.g. `http://localhost:8000`; `/v1` is added where it is missing.
        model: The name it serves the model under; by default the only one that it serves.
        api_key: The key it was started with (`--api-key`), if any.
        timeout: Seconds to wait for one answer.

    Raises:
        AgentError: There is no such server, or it does not serve this model.

    Attributes:
        model: The name of the model.
        max_length: The most tokens of a prompt and its completion, if the server reports it.
    """

    copies_weights = True

    def __init__(
        self,
        url: str,
        model: str | None = None,
        *,
        api_key: str | None = None,
        timeout: float = 3600.0,
    ) -> None:
        base = url.rstrip("/")
        if not base.startswith(("http://", "https://")):
            raise AgentError(
                f"--url {url!r} is not an address; give one such as http://localhost:8000"
            )
        self.url = base if base.endswith("/v1") else base + "/v1"
        self._client = JsonClient(self.url, _CONNECTIONS, api_key=api_key, timeout=timeout)
        self._thinking: dict[tuple[int, ...], bool] = {}
        self.max_length: int | None = None
        self.model = self._find_model(model)

    @property
    def retries(self) -> int:
        """How many requests had to be repeated."""
        return self._client.retries

    def sample(
        self,
        prompts: Sequence[str],
        params: SamplingParams,
        *,
        seed: int | Sequence[int],
        progress: Progress | None = None,
    ) -> list[Completion]:
        """Samples one completion of each prompt; see `Sampler.sample`.

        Raises:
            AgentError: The server reported an error, or could not be reached in four attempts.
        """
        rows: dict[str, list[int]] = {}
        for i, prompt in enumerate(prompts):
            rows.setdefault(prompt, []).append(i)
        completions = [Completion()] * len(prompts)

        def ask(seed: int, prompt: str, members: list[int]) -> tuple[list[int], list[Completion]]:
            # A server draws greedily only once for a prompt; equal prompts share that completion.
            count = 1 if params.temperature == 0 else len(members)
            drawn: list[Completion] = []
            # A server that ignores n returns fewer; completion i of a request has the seed plus i.
            while len(drawn) < count:
                wanted = count - len(drawn)
                choices, ids = self._choices(prompt, params, wanted, seed + len(drawn))
                thinking = self._opens_thinking(ids)
                new = [_completion(choice, thinking) for choice in choices]
                if params.stop_at_box:
                    new = list(map(_cut_at_box, choices, new))
                drawn += new[:wanted]
            return members, drawn * (len(members) // count)

        seeds = request_seeds(seed, rows.values())
        calls = [partial(ask, *item) for item in zip(seeds, rows, rows.values(), strict=True)]
        with contextlib.closing(_as_completed(calls)) as answers:
            for members, drawn in answers:
                for i, completion in zip(members, drawn, strict=True):
                    completions[i] = completion
                if progress is not None:
                    progress(sum(_length(each) for each in drawn))
                report_finished(progress, members)
        return completions

    def sync(self) -> None:
        """Raises an error: no update reaches the server.

        Raises:
            AgentError: Always.
        """
        raise AgentError(SERVER_ADVICE)

    def rest(self) -> None:
        """Does nothing: the server's memory is its own."""

    def metrics(self) -> dict[str, float]:
        """Returns how many requests had to be repeated."""
        return {"server_retries": float(self.retries)}

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _choices(
        self, prompt: str, params: SamplingParams, count: int, seed: int
    ) -> tuple[list[Choice], tuple[int, ...]]:
        body = {
            "model": self.model,
            "messages": [{"role": "user", "content": prompt}],
            "n": count,
            "seed": seed,
            "temperature": params.temperature,
            "top_p": params.top_p,
            # A server takes what a request omits from the model's generation_config.
            **_NEUTRAL,
            "max_tokens": params.max_tokens,
            "logprobs": True,
            "return_token_ids": True,
        }
        most = _SMALL_ANSWER + count * params.max_tokens * _BYTES_OF_A_TOKEN
        answer = self._client.post(self.url + "/chat/completions", body, most_bytes=most)
        return read_choices(answer, self.url)

    def _opens_thinking(self, prompt_ids: Sequence[int]) -> bool:
        """Returns whether a prompt ends inside a thought, if the server reports its tokens."""
        end = tuple(prompt_ids[-_END_OF_PROMPT:])
        if end and end not in self._thinking:
            address = self.url.removesuffix("/v1") + "/detokenize"
            body = {"model": self.model, "tokens": list(end)}
            told = self._client.post(address, body, most_bytes=_SMALL_ANSWER)
            self._thinking[end] = opens_thinking(read_text(told, "prompt", self.url))
        return bool(end) and self._thinking[end]

    def _find_model(self, wanted: str | None) -> str:
        answer = self._client.get(self.url + "/models", most_bytes=_SMALL_ANSWER)
        served = read_models(answer, self.url)
        names = list(served)
        if wanted is None and len(names) == 1:
            wanted = names[0]
        if wanted is not None and wanted in served:
            self.max_length = served[wanted]
            return wanted
        asked = (
            "Name one model" if wanted is None else f"The server has no model {wanted!r}; name one"
        )
        raise AgentError(f"{asked} of those that {self.url} serves: {shown(names)}.")


def _as_completed(calls: Sequence[Callable[[], Result]]) -> Generator[Result, None, None]:
    """Makes the calls, `_CONNECTIONS` at a time, and yields what they return as it comes.

    Unlike a pool of `concurrent.futures`, it does not wait for its threads when a call fails or on
    Ctrl-C, since an answer may take an hour. Calls that have not started by then are dropped.
    """
    waiting: queue.SimpleQueue[Callable[[], Result]] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[Result] | Exception] = queue.SimpleQueue()
    over = threading.Event()
    for call in calls:
        waiting.put(call)

    def work() -> None:
        while not over.is_set():
            try:
                call = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                done.put((call(),))
            except Exception as error:  # noqa: BLE001 - raised where the results are awaited
                done.put(error)

    for _ in range(min(_CONNECTIONS, len(calls))):
        threading.Thread(target=work, name=_THREAD, daemon=True).start()
    try:
        for _ in calls:
            result = done.get()
            if isinstance(result, Exception):
                raise result
            yield result[0]
    finally:
        over.set()


def _completion(choice: Choice, thinking: bool) -> Completion:
    return Completion(
        choice.text,
        token_ids=choice.token_ids,
        log_probs=choice.log_probs,
        finished=choice.finished,
        thinking=thinking,
    )


def _cut_at_box(choice: Choice, whole: Completion) -> Completion:
    """Returns the completion up to the token that closes its box.

    The interface cannot stop there, so the tokens after it were sampled in vain.
    """
    pieces = list(choice.pieces)
    count = count_to_box(pieces, thinking=whole.thinking)
    text = "".join(pieces[:count])
    if count is not None and whole.startswith(text):
        ids, chances = whole.token_ids, whole.log_probs
        return Completion(
            text,
            token_ids=None if ids is None else ids[:count],
            log_probs=None if chances is None else chances[:count],
            thinking=whole.thinking,
        )
    # The server reports no tokens, or their texts do not add up to the completion's (e.g. parts of
    # a character): only the text is cut, and no tokens are returned.
    parts = re.findall(r"[^}]*\}", whole)
    count = count_to_box(parts, thinking=whole.thinking)
    return whole if count is None else Completion("".join(parts[:count]), thinking=whole.thinking)


def _length(completion: Completion) -> int:
    return 0 if completion.token_ids is None else len(completion.token_ids)
