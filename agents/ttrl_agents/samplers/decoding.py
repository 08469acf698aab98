"""The decoding loop: samples the tokens of a batch of completions, position by position.

- `Decoding`: a batch of completions that are being written.
- `draw_tokens`: draws one token for each row of logits.
- `measure_tokens`: measures the model's confidence for each row of logits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from ttrl_agents.policy.kv_cache import make_cache
from ttrl_agents.policy.policy import Policy
from ttrl_agents.policy.token_batch import pad
from ttrl_agents.samplers.base import SamplingParams

__all__ = ["Decoding", "draw_tokens", "measure_tokens"]


class Decoding:
    """A batch of completions that are being written; its first token is ready to be drawn.

    For each position call `draw`, then `count_writing` (the only call that waits for a GPU), then
    `shrink` if many rows are done, then `step`.

    Args:
        policy: The model.
        prompt_ids: Token ids of each completion's prompt; equal ones are run once.
        uniforms: One number in [0, 1) for each completion and position.
        params: The parameters of sampling.

    Attributes:
        tokens: The sampled tokens, shape (completions, max_tokens), -1 where there are none.
        log_probs: Log-probabilities of the tokens.
        measured: Entropies and self-certainties, shape (2, completions, max_tokens), if asked for.
        rows: The completion of each entry of the batch.
        active: Which of these are not done.
        writing: How many are not.
    """

    def __init__(
        self,
        policy: Policy,
        prompt_ids: Sequence[tuple[int, ...]],
        uniforms: npt.NDArray[np.float64],
        params: SamplingParams,
    ) -> None:
        self._policy, self._params = policy, params
        device, count = policy.device, len(prompt_ids)
        self._uniforms = torch.from_numpy(uniforms).to(_float64_device(device))
        self._ends = torch.tensor(policy.end_token_ids, device=device)
        self.tokens = torch.full((count, params.max_tokens), -1, device=device)
        self.log_probs = torch.zeros((count, params.max_tokens), device=device)
        self.measured = (
            torch.zeros((2, count, params.max_tokens), device=device)
            if params.token_statistics
            else None
        )
        self.rows = torch.arange(count, device=device)
        self.active = torch.ones(count, dtype=torch.bool, device=device)
        self.writing = count
        self._prefill(prompt_ids)

    def _prefill(self, prompt_ids: Sequence[tuple[int, ...]]) -> None:
        """Runs each distinct prompt once, and gives its keys and values to its completions."""
        policy, device = self._policy, self._policy.device
        distinct = {ids: k for k, ids in enumerate(dict.fromkeys(prompt_ids))}
        self._width = max(map(len, distinct))
        input_ids, mask = (
            each.to(device) for each in pad(list(distinct), policy.pad_token_id, left=True)
        )
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        self._cache = make_cache(policy.model.config, self._width + self._params.max_tokens)
        logits = self._forward(input_ids, mask, positions)
        prompts = torch.tensor([distinct[ids] for ids in prompt_ids], device=device)
        self._cache.batch_select_indices(prompts)
        self._mask = F.pad(mask, (0, self._params.max_tokens), value=True)[prompts]
        self._logits, self._position = logits[prompts], positions[prompts, -1]

    def draw(self, t: int) -> None:
        """Draws the tokens at position `t`."""
        uniforms = self._uniforms[self.rows.to(self._uniforms.device), t]
        self._token, log_prob = draw_tokens(self._logits, uniforms, self._params)
        # Rows that are done are written too: leaving them out would have to wait for the GPU.
        self.tokens[self.rows, t] = self._token.masked_fill(~self.active, -1)
        self.log_probs[self.rows, t] = log_prob.masked_fill(~self.active, 0.0)
        if self.measured is not None:
            found = torch.stack(measure_tokens(self._logits, self._params))
            self.measured[:, self.rows, t] = found.masked_fill(~self.active, 0.0)
        self.active = self.active & ~torch.isin(self._token, self._ends)

    def count_writing(self) -> None:
        """Counts the rows that are not done."""
        self.writing = int(self.active.sum())

    def shrink(self) -> None:
        """Drops the rows that are done."""
        # The last rows move to the free places; the others need not move.
        device, count = self.rows.device, self.writing
        keep = torch.arange(count, device=device)
        keep[~self.active[:count]] = count + self.active[count:].nonzero().squeeze(-1)
        self._cache.batch_select_indices(keep)
        self.rows, self._mask = self.rows[keep], self._mask[keep]
        self._position, self._token = self._position[keep], self._token[keep]
        self.active = torch.ones(count, dtype=torch.bool, device=device)

    def step(self, t: int) -> None:
        """Runs the tokens at position `t` through the model."""
        self._position = self._position + 1
        self._logits = self._forward(
            self._token[:, None], self._mask[:, : self._width + t + 1], self._position[:, None]
        )

    def _forward(
        self, input_ids: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor
    ) -> torch.Tensor:
        output: Any = self._policy.model(
            input_ids=input_ids,
            attention_mask=mask,
            position_ids=positions,
            use_cache=True,
            logits_to_keep=1,
            **{self._policy.cache_argument: self._cache},
        )
        logits: torch.Tensor = output.logits[:, -1]
        return logits


def _float64_device(device: torch.device) -> torch.device:
    """Returns the device for float64 numbers, which Apple's GPUs do not support."""
    return torch.device("cpu") if device.type == "mps" else device


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
        were drawn from, shape (rows,), float32. With temperature 0 they are log-probabilities at
        temperature 1.
    """
    logits = logits.float()
    if params.temperature == 0:
        token = logits.argmax(-1)
        return token, logits.log_softmax(-1).gather(-1, token[:, None]).squeeze(-1)
    log_probs = (logits / params.temperature).log_softmax(-1)
    if params.top_p < 1:
        log_probs = _keep_top_p(log_probs, params.top_p)
    # float64: over a large vocabulary a float32 sum loses the unlikely tokens.
    cumulated = log_probs.to(_float64_device(logits.device)).double().exp().cumsum(-1)
    target = uniforms.to(cumulated.dtype) * cumulated[:, -1]
    token = torch.searchsorted(cumulated, target[:, None], right=True).squeeze(-1)
    token = token.clamp(max=logits.shape[-1] - 1).to(logits.device)
    return token, log_probs.gather(-1, token[:, None]).squeeze(-1)


def measure_tokens(
    logits: torch.Tensor, params: SamplingParams
) -> tuple[torch.Tensor, torch.Tensor]:
    """Measures the model's confidence in the next token, before any truncation by top-p.

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
