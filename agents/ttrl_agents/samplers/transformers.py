"""Sampling with the policy's own `transformers` model, on CPU or GPU.

- `TransformersSampler`: the sampler.

Unlike `model.generate` it encodes each distinct prompt once for all of its completions, writes the
key-value cache in place, drops finished rows, and draws by inverting the cumulative distribution,
which is several times cheaper than `torch.multinomial`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ttrl_agents.errors import AgentError
from ttrl_agents.policy.policy import Policy
from ttrl_agents.policy.threads import few_threads
from ttrl_agents.samplers.base import Progress, SamplingParams, report_finished, uniform_draws
from ttrl_agents.samplers.box_stop import BoxWatch, closers
from ttrl_agents.samplers.decoding import Decoding
from ttrl_env.completion import Completion

__all__ = ["TransformersSampler"]

# Finished rows are dropped from the batch once they are this share of it.
_DROP_SHARE = 0.05
_CPU_CACHE_BYTES = 2 * 2**30
_GPU_CACHE_SHARE = 0.5


class TransformersSampler:
    """Samples with the policy's own model, so that its weights are never stale.

    Args:
        policy: The model and its tokenizer.
        max_rows: The most completions in one batch; by default what 2 GiB of key-value cache
            hold on CPU, and half of the free memory on GPU.
    """

    copies_weights = False

    def __init__(self, policy: Policy, max_rows: int | None = None) -> None:
        self.policy = policy
        self.max_rows = max_rows

    @torch.inference_mode()
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
            AgentError: A prompt and its completion may not fit into the model.
        """
        # One number for each row and position, drawn beforehand: the tokens of a row do not depend
        # on which rows share its batch or have finished.
        uniforms = uniform_draws(seed, len(prompts), params.max_tokens)
        encoded = self.policy.encode_prompts(prompts)
        self._check_lengths(encoded, params)
        # Equal prompts side by side, long ones first: prompts are encoded once, padding is short.
        order = sorted(range(len(prompts)), key=lambda i: (-len(encoded[i]), encoded[i], i))
        completions: list[Completion | None] = [None] * len(prompts)
        was_training = self.policy.model.training
        self.policy.model.eval()
        try:
            rows = self._rows_per_batch(max(map(len, encoded), default=0) + params.max_tokens)
            for start in range(0, len(order), rows):
                batch = order[start : start + rows]
                # In the trainer's precision, so that the policy learns from the distribution it
                # sampled.
                with self.policy.precision(), few_threads(self.policy):
                    drawn = self._sample_batch(
                        [encoded[i] for i in batch], uniforms[batch], params, progress, batch
                    )
                for i, completion in zip(batch, drawn, strict=True):
                    completions[i] = completion
        finally:
            self.policy.model.train(was_training)
        return [completion for completion in completions if completion is not None]

    def sync(self) -> None:
        """Does nothing: the model that samples is the one that learns."""

    def rest(self) -> None:
        """Does nothing: nothing is held between calls."""

    def metrics(self) -> dict[str, float]:
        """Returns an empty dictionary: nothing is counted."""
        return {}

    def close(self) -> None:
        """Does nothing: nothing is held between calls."""

    def _check_lengths(self, encoded: Sequence[tuple[int, ...]], params: SamplingParams) -> None:
        limit = self.policy.max_length
        longest = max(map(len, encoded), default=0)
        if limit is not None and longest + params.max_tokens > limit:
            raise AgentError(
                f"A prompt of {longest} tokens and --max-tokens {params.max_tokens} exceed "
                f"the {limit} positions of model {self.policy.name!r}. Use --max-tokens "
                f"{max(1, limit - longest)} or fewer, or leave out such questions with "
                "--max-prompt-tokens."
            )

    def _rows_per_batch(self, length: int) -> int:
        if self.max_rows is not None:
            return self.max_rows
        config = self.policy.model.config.get_text_config()
        heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
        width = getattr(config, "head_dim", None) or (
            config.hidden_size // config.num_attention_heads
        )
        itemsize = self.policy.compute_dtype.itemsize
        row_bytes = 2 * config.num_hidden_layers * heads * width * itemsize * length
        if self.policy.device.type == "cuda":
            budget = _GPU_CACHE_SHARE * _free_gpu_bytes(self.policy.device)
        else:
            budget = _CPU_CACHE_BYTES
        return max(1, int(budget // row_bytes))

    def _sample_batch(
        self,
        prompt_ids: list[tuple[int, ...]],
        uniforms: np.ndarray[Any, Any],
        params: SamplingParams,
        progress: Progress | None,
        places: Sequence[int],
    ) -> list[Completion]:
        batch = Decoding(self.policy, prompt_ids, uniforms, params)
        thinking = [self.policy.opens_thinking(ids) for ids in prompt_ids]
        watch = _BoxWatches(self.policy, thinking) if params.stop_at_box else None
        left = set(range(len(prompt_ids)))
        for t in range(params.max_tokens):
            if progress is not None:
                progress(batch.writing)
            batch.draw(t)
            if watch is not None:
                watch.look(batch, t)
            batch.count_writing()
            if batch.writing == 0 or t + 1 == params.max_tokens:
                break
            if batch.writing <= (1 - _DROP_SHARE) * len(batch.rows):
                batch.shrink()
                still = set(batch.rows.tolist())
                report_finished(progress, [places[row] for row in sorted(left - still)])
                left = still
            batch.step(t)
        report_finished(progress, [places[row] for row in sorted(left)])
        closed = np.zeros(len(prompt_ids), dtype=bool) if watch is None else watch.closed
        return self._completions(batch.tokens, batch.log_probs, batch.measured, closed, thinking)

    def _completions(
        self,
        tokens: torch.Tensor,
        log_probs: torch.Tensor,
        measured: torch.Tensor | None,
        closed: np.ndarray[Any, Any],
        thinking: Sequence[bool],
    ) -> list[Completion]:
        ids, log_prob_rows = tokens.cpu().numpy(), log_probs.cpu().numpy()
        statistics = None if measured is None else measured.cpu().numpy()
        lengths = (ids >= 0).sum(axis=1)
        ends = np.isin(ids[np.arange(len(ids)), lengths - 1], self.policy.end_token_ids)
        texts = self.policy.decode(
            [
                row[: n - end]
                for row, n, end in zip(ids, lengths.tolist(), ends.tolist(), strict=True)
            ]
        )
        return [
            Completion(
                text,
                token_ids=ids[i, :n],
                log_probs=log_prob_rows[i, :n],
                finished=bool(ends[i] or closed[i]),
                entropies=None if statistics is None else statistics[0, i, :n],
                self_certainties=None if statistics is None else statistics[1, i, :n],
                thinking=thinking[i],
            )
            for i, (text, n) in enumerate(zip(texts, lengths.tolist(), strict=True))
        ]


def _free_gpu_bytes(device: torch.device) -> int:
    # PyTorch keeps memory that an update has freed for reuse. The driver counts it as used, so
    # without this, sampling after the first update would seem short of memory.
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return torch.cuda.mem_get_info(device)[0] + kept


class _BoxWatches:
    """Ends completions with the token that closes the box of their answer."""

    def __init__(self, policy: Policy, thinking: Sequence[bool]) -> None:
        self._policy = policy
        self._watches = [BoxWatch(thinking=each) for each in thinking]
        found = closers(policy.tokenizer.get_vocab())
        self._closers = torch.tensor(sorted(found), device=policy.device)
        self.closed = np.zeros(len(thinking), dtype=bool)

    def look(self, batch: Decoding, t: int) -> None:
        """Ends the completions whose box the token at position `t` has closed."""
        written = batch.tokens[batch.rows, t]
        candidates = batch.active & torch.isin(written, self._closers)
        for k in candidates.nonzero().flatten().tolist():
            row = int(batch.rows[k])
            if self._watches[row].closes_at(batch.tokens[row, : t + 1].tolist(), self._decode):
                self.closed[row] = True
                batch.active[k] = False

    def _decode(self, token_ids: Sequence[int]) -> str:
        return self._policy.decode([token_ids])[0]
