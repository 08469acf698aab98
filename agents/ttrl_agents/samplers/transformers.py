"""Sampling with the policy's own `transformers` model, on CPU or GPU.

- `TransformersSampler`: the sampler.
- `draw_tokens`: one token for each row of logits.
- `measure_tokens`: how sure the model is, for each row of logits.

Against `model.generate` it encodes each distinct prompt once however many completions are asked
of it, writes the key-value cache in place, drops finished rows, and draws by inverting the
cumulated distribution, which is several times cheaper than `torch.multinomial`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from ttrl_agents.errors import AgentError
from ttrl_agents.policy.kv_cache import make_cache
from ttrl_agents.policy.token_batch import pad
from ttrl_agents.policy.policy import Policy
from ttrl_agents.policy.threads import few_threads
from ttrl_agents.samplers.base import Progress, SamplingParams, uniform_draws
from ttrl_agents.samplers.box_stop import BoxWatch, closers
from ttrl_env.completion import Completion

__all__ = ["TransformersSampler", "draw_tokens", "measure_tokens"]

# Rows are dropped from the batch once this share of them has finished: others move to their places.
_DROP_SHARE = 0.05
_CPU_CACHE_BYTES = 2 * 2**30
_GPU_CACHE_SHARE = 0.5


class TransformersSampler:
    """Samples with the policy's model as it is at the moment: weights are never stale.

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
        """Draws one completion of each prompt; see `Sampler.sample`.

        Raises:
            AgentError: A prompt and its completion may not fit into the model.
        """
        # One number for each row and position, drawn beforehand: what a row draws does not depend
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
                # As the trainer computes, so that what is learned from is what was sampled from.
                with self.policy.precision(), few_threads(self.policy):
                    drawn = self._sample_batch(
                        [encoded[i] for i in batch], uniforms[batch], params, progress
                    )
                for i, completion in zip(batch, drawn, strict=True):
                    completions[i] = completion
        finally:
            self.policy.model.train(was_training)
        return [completion for completion in completions if completion is not None]

    def sync(self) -> None:
        """Does nothing: the model that samples is the one that learns."""

    def metrics(self) -> dict[str, float]:
        """Returns nothing: nothing is counted."""
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
                f"{max(1, limit - longest)} or fewer."
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
    ) -> list[Completion]:
        policy, device = self.policy, self.policy.device
        distinct = {ids: k for k, ids in enumerate(dict.fromkeys(prompt_ids))}
        width = max(map(len, distinct))
        capacity = width + params.max_tokens
        input_ids, mask = (
            each.to(device) for each in pad(list(distinct), policy.pad_token_id, left=True)
        )
        mask = F.pad(mask, (0, params.max_tokens), value=True)
        positions = (mask[:, :width].cumsum(-1) - 1).clamp(min=0)

        cache = make_cache(policy.model.config, capacity)
        logits = self._forward(input_ids, mask[:, :width], positions, cache)
        rows = torch.tensor([distinct[ids] for ids in prompt_ids], device=device)
        cache.batch_select_indices(rows)
        mask, logits, position = mask[rows], logits[rows], positions[rows, -1]

        draws = torch.from_numpy(uniforms).to(device)
        tokens = torch.full((len(rows), params.max_tokens), -1, device=device)
        log_probs = torch.zeros((len(rows), params.max_tokens), device=device)
        measured = (
            torch.zeros((2, len(rows), params.max_tokens), device=device)
            if params.token_statistics
            else None
        )
        ends = torch.tensor(policy.end_token_ids, device=device)
        watches = [BoxWatch() for _ in rows] if params.stop_at_box else []
        closed = np.zeros(len(rows), dtype=bool)
        alive = torch.arange(len(rows), device=device)  # the row of each batch entry
        active = torch.ones(len(rows), dtype=torch.bool, device=device)
        for t in range(params.max_tokens):
            token, log_prob = draw_tokens(logits, draws[alive, t], params)
            writers = alive[active]
            tokens[writers, t] = token[active]
            log_probs[writers, t] = log_prob[active]
            if measured is not None:
                measured[:, writers, t] = torch.stack(measure_tokens(logits[active], params))
            if progress is not None:
                progress(len(writers))
            active &= ~torch.isin(token, ends)
            if watches:
                for k in (active & torch.isin(token, self._closers)).nonzero().flatten().tolist():
                    row = int(alive[k])
                    if watches[row].closes_at(tokens[row, : t + 1].tolist(), self._decode):
                        closed[row] = True
                        active[k] = False
            remaining = int(active.sum())
            if remaining == 0 or t + 1 == params.max_tokens:
                break
            if remaining <= (1 - _DROP_SHARE) * len(alive):
                # Writers of the tail take the places that are free: the others need not move.
                keep = torch.arange(remaining, device=device)
                keep[~active[:remaining]] = remaining + active[remaining:].nonzero().squeeze(-1)
                cache.batch_select_indices(keep)
                alive, mask, position, token = alive[keep], mask[keep], position[keep], token[keep]
                active = torch.ones(len(alive), dtype=torch.bool, device=device)
            position = position + 1
            logits = self._forward(
                token[:, None], mask[:, : width + t + 1], position[:, None], cache
            )
        return self._completions(tokens, log_probs, measured, closed)

    def _forward(
        self, input_ids: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor, cache: Any
    ) -> torch.Tensor:
        output = self.policy.model(
            input_ids=input_ids,
            attention_mask=mask,
            position_ids=positions,
            use_cache=True,
            logits_to_keep=1,
            **{self.policy.cache_argument: cache},
        )
        logits: torch.Tensor = output.logits[:, -1]
        return logits

    @cached_property
    def _closers(self) -> torch.Tensor:
        """The tokens after which the box of an answer may have closed."""
        found = closers(self.policy.tokenizer.get_vocab())
        return torch.tensor(sorted(found), device=self.policy.device)

    def _decode(self, token_ids: Sequence[int]) -> str:
        return self.policy.decode([token_ids])[0]

    def _completions(
        self,
        tokens: torch.Tensor,
        log_probs: torch.Tensor,
        measured: torch.Tensor | None,
        closed: np.ndarray[Any, Any],
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
            )
            for i, (text, n) in enumerate(zip(texts, lengths.tolist(), strict=True))
        ]


def _free_gpu_bytes(device: torch.device) -> int:
    # What an update has freed stays with PyTorch, which hands it out again: to the driver it is
    # in use, and sampling after the first update would look short of memory.
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return torch.cuda.mem_get_info(device)[0] + kept


def draw_tokens(
    logits: torch.Tensor, uniforms: torch.Tensor, params: SamplingParams
) -> tuple[torch.Tensor, torch.Tensor]:
    """Draws one token for each row of logits.

    Args:
        logits: Shape (rows, vocabulary).
        uniforms: One number in [0, 1) for each row, float64.
        params: Temperature and top-p.

    Returns:
        The tokens, shape (rows,), int64, and their log-probabilities under the distribution they
        were drawn from, shape (rows,), float32. With temperature 0 these are log-probabilities
        of the untempered distribution.
    """
    logits = logits.float()
    if params.temperature == 0:
        token = logits.argmax(-1)
        return token, logits.log_softmax(-1).gather(-1, token[:, None]).squeeze(-1)
    log_probs = (logits / params.temperature).log_softmax(-1)
    if params.top_p < 1:
        log_probs = _keep_top_p(log_probs, params.top_p)
    # float64: over a large vocabulary a float32 sum loses the unlikely tokens.
    cumulated = log_probs.double().exp().cumsum(-1)
    target = uniforms.to(cumulated.dtype) * cumulated[:, -1]
    token = torch.searchsorted(cumulated, target[:, None], right=True).squeeze(-1)
    token = token.clamp(max=logits.shape[-1] - 1)
    return token, log_probs.gather(-1, token[:, None]).squeeze(-1)


def measure_tokens(
    logits: torch.Tensor, params: SamplingParams
) -> tuple[torch.Tensor, torch.Tensor]:
    """Measures how sure the model is of the next token, before any truncation by top-p.

    Args:
        logits: Shape (rows, vocabulary).
        params: The temperature, which divides the logits; 0 leaves them as they are.

    Returns:
        The entropies, -sum p log p, and the self-certainties, logsumexp(z) - mean(z), in nats,
        both of shape (rows,), float32.
    """
    scaled = logits.float() / (params.temperature or 1.0)
    log_probs = scaled.log_softmax(-1)
    # logsumexp(z) - mean(z) is the mean of -log p.
    return torch.special.entr(log_probs.exp()).sum(-1), -log_probs.mean(-1)


def _keep_top_p(log_probs: torch.Tensor, top_p: float) -> torch.Tensor:
    ordered, order = log_probs.sort(-1, descending=True)
    probs = ordered.exp()
    # A token stays while those before it have not reached top_p: the likeliest always stays.
    dropped = probs.cumsum(-1) - probs >= top_p
    kept = ordered.masked_fill(dropped, -torch.inf)
    return torch.full_like(log_probs, -torch.inf).scatter(-1, order, kept).log_softmax(-1)
