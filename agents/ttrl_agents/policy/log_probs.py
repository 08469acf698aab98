"""Log-probabilities of completions under the policy, without the logits of everything at once.

- `TokenBatch`: prompts and completions as padded tensors.
- `LogProbs`: computes log-probabilities and entropies of completion tokens, differentiably.
- `pad`: rows of token ids as one tensor.

A tensor of shape [rows, length, vocabulary] never exists: the hidden states of the completion
tokens alone go through the LM head, in chunks that are computed again in the backward pass. With
gradient checkpointing the layers, too, are computed again, so that only their inputs are kept.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint
from transformers import Cache, DynamicCache
from transformers.modeling_layers import GradientCheckpointingLayer

from ttrl_agents.errors import AgentError
from ttrl_agents.policy.policy import Policy

__all__ = ["LogProbs", "TokenBatch", "pad"]

_CHUNK_ELEMENTS = 2**25  # logits that exist at once: 128 MiB in float32


@dataclass(frozen=True)
class TokenBatch:
    """Completions padded on the right, and their distinct prompts padded on the left.

    Attributes:
        prompt_ids: The distinct prompts, shape (prompts, longest prompt), int64.
        prompt_mask: Which of them are tokens, bool.
        rows: The prompt of each completion, shape (completions,), int64.
        completion_ids: The completions, shape (completions, longest completion), int64.
        completion_mask: Which of them are tokens, bool.
    """

    prompt_ids: torch.Tensor
    prompt_mask: torch.Tensor
    rows: torch.Tensor
    completion_ids: torch.Tensor
    completion_mask: torch.Tensor

    @classmethod
    def from_ids(
        cls,
        prompts: Sequence[tuple[int, ...]],
        completions: Sequence[npt.NDArray[np.int64] | Sequence[int]],
        *,
        pad_token_id: int,
        device: torch.device | str = "cpu",
    ) -> TokenBatch:
        """Pads token ids to tensors.

        Args:
            prompts: Token ids of each completion's prompt; at least one.
            completions: Token ids of each completion; at least one.
            pad_token_id: What padding is filled with.
            device: Where the tensors go.

        Raises:
            ValueError: A prompt or a completion is empty.
        """
        if any(len(p) == 0 for p in prompts) or any(len(c) == 0 for c in completions):
            raise ValueError("every prompt and every completion needs at least one token")
        distinct = {ids: k for k, ids in enumerate(dict.fromkeys(prompts))}
        prompt_ids, prompt_mask = pad(list(distinct), pad_token_id, left=True)
        completion_ids, completion_mask = pad(completions, pad_token_id)
        rows = torch.tensor([distinct[ids] for ids in prompts])
        tensors = (prompt_ids, prompt_mask, rows, completion_ids, completion_mask)
        return cls(*(tensor.to(device) for tensor in tensors))


def pad(
    rows: Sequence[npt.NDArray[np.int64] | Sequence[int]], value: int, *, left: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Pads rows of token ids to one tensor.

    Args:
        rows: At least one row of token ids.
        value: What padding is filled with.
        left: Whether padding goes before the tokens instead of after them.

    Returns:
        The token ids, shape (rows, longest row), int64, and which of them are tokens, bool.
    """
    sizes = np.array([len(row) for row in rows])
    width = int(sizes.max())
    columns = np.arange(width)
    mask = columns >= (width - sizes)[:, None] if left else columns < sizes[:, None]
    ids = np.full((len(rows), width), value, dtype=np.int64)
    ids[mask] = np.concatenate([np.asarray(row, dtype=np.int64) for row in rows])
    return torch.from_numpy(ids), torch.from_numpy(mask)


class LogProbs:
    """Log-probabilities of completion tokens under a policy.

    Args:
        policy: The policy. Its LM head is applied to chunks of hidden states where that gives
            the model's own logits (this is checked once); otherwise, for models that do more to
            their logits, the model's full logits are used, which needs more memory.
        gradient_checkpointing: Whether to keep only the inputs of the model's layers for the
            backward pass and compute the rest again. Prompts are then not shared between
            completions, since keys and values that are kept would be the memory that it saves.

    Raises:
        AgentError: The model has no layers that can be computed again.
    """

    def __init__(self, policy: Policy, *, gradient_checkpointing: bool = False) -> None:
        self.policy = policy
        self.gradient_checkpointing = gradient_checkpointing
        self._layers = [
            module
            for module in policy.model.modules()
            if isinstance(module, GradientCheckpointingLayer)
        ]
        if gradient_checkpointing and not self._layers:
            raise AgentError(
                f"Model {policy.name!r} has no layers that gradient checkpointing can compute "
                "again. Use --no-gradient-checkpointing and fewer --micro-batch-tokens."
            )
        self.chunked = self._head_gives_the_logits()

    def __call__(
        self, batch: TokenBatch, temperature: float, *, entropy_gradient: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Computes log-probabilities and entropies.

        Args:
            batch: Prompts and completions.
            temperature: Divides the logits, as when sampling; 0 counts as 1.
            entropy_gradient: Whether entropies carry a gradient.

        Returns:
            Log-probabilities of the completion tokens, with gradient, and entropies of the
            distributions they came from; both in nats, float32, shape
            (rows, longest completion), 0 where there is no token.
        """
        scale = temperature or 1.0
        targets = batch.completion_ids[batch.completion_mask]
        with self.policy.precision():
            outputs = self.outputs(batch)
            head = (
                self.policy.model.get_output_embeddings() if self.chunked else torch.nn.Identity()
            )
            size = max(1, _CHUNK_ELEMENTS // self.policy.vocabulary_size)

            def score(part: torch.Tensor, wanted: torch.Tensor) -> tuple[torch.Tensor, ...]:
                return _select(head(part), wanted, scale, entropy_gradient)

            if len(outputs) <= size:
                flat = score(outputs, targets)
            else:
                parts = [
                    checkpoint(score, part, wanted, use_reentrant=False)
                    for part, wanted in zip(outputs.split(size), targets.split(size), strict=True)
                ]
                flat = tuple(torch.cat(each) for each in zip(*parts, strict=True))
        log_probs, entropies = (
            values.new_zeros(batch.completion_mask.shape).masked_scatter(
                batch.completion_mask, values
            )
            for values in flat
        )
        return log_probs, entropies

    def outputs(self, batch: TokenBatch) -> torch.Tensor:
        """Hidden states (or logits) that predict each completion token, one row a token.

        Each distinct prompt is run once; its keys and values, with their gradient, serve all of
        its completions.
        """
        if self.gradient_checkpointing and torch.is_grad_enabled():
            return self._outputs_computed_again(batch)
        cache = DynamicCache(config=self.policy.model.config)
        mask = batch.prompt_mask
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        first = self._run(batch.prompt_ids, mask, positions, cache)[:, -1:]
        first, positions = first[batch.rows], positions[batch.rows, -1:]
        width = batch.completion_ids.shape[1]
        if width > 1:
            cache.batch_select_indices(batch.rows)
            mask = torch.cat([mask[batch.rows], batch.completion_mask[:, :-1]], dim=1)
            positions = positions + torch.arange(1, width, device=positions.device)
            rest = self._run(batch.completion_ids[:, :-1], mask, positions, cache)
            first = torch.cat([first, rest], dim=1)
        return first[batch.completion_mask]

    def _outputs_computed_again(self, batch: TokenBatch) -> torch.Tensor:
        """The same without shared prompts: every row is a prompt and its completion."""
        ids = torch.cat([batch.prompt_ids[batch.rows], batch.completion_ids[:, :-1]], dim=1)
        mask = torch.cat([batch.prompt_mask[batch.rows], batch.completion_mask[:, :-1]], dim=1)
        with self._checkpointed_layers():
            outputs = self._run(ids, mask, (mask.cumsum(-1) - 1).clamp(min=0), None)
        return outputs[:, batch.prompt_ids.shape[1] - 1 :][batch.completion_mask]

    @contextlib.contextmanager
    def _checkpointed_layers(self) -> Iterator[None]:
        # Not the switch of transformers: it needs training mode, in which dropout would be drawn.
        for layer in self._layers:
            layer.forward = functools.partial(
                checkpoint, layer.forward, use_reentrant=False, preserve_rng_state=False
            )
        try:
            yield
        finally:
            for layer in self._layers:
                del layer.forward

    def _run(
        self, ids: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor, cache: Cache | None
    ) -> torch.Tensor:
        model = self.policy.model.base_model if self.chunked else self.policy.model
        output = model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            use_cache=cache is not None,
            **{self.policy.cache_argument: cache},
        )
        result: torch.Tensor = output.last_hidden_state if self.chunked else output.logits
        return result

    @torch.no_grad()
    def _head_gives_the_logits(self) -> bool:
        model = self.policy.model
        head = model.get_output_embeddings()
        if (
            head is None
            or "input_ids" not in inspect.signature(model.base_model.forward).parameters
        ):
            return False
        ids = torch.tensor([self.policy.end_token_ids[:1] * 3], device=self.policy.device)
        with self.policy.precision():
            whole = model(input_ids=ids, use_cache=False).logits
            parts = head(model.base_model(input_ids=ids, use_cache=False).last_hidden_state)
        return whole.shape == parts.shape and torch.allclose(whole, parts, rtol=1e-4, atol=1e-4)


def _select(
    logits: torch.Tensor, targets: torch.Tensor, scale: float, entropy_gradient: bool
) -> tuple[torch.Tensor, ...]:
    """Log-probabilities of the targets and entropies, for each row of logits."""
    logits = logits.float() / scale
    log_probs = -F.cross_entropy(logits, targets, reduction="none")
    with torch.set_grad_enabled(entropy_gradient and torch.is_grad_enabled()):
        normalised = logits.log_softmax(-1)
        entropies = -(normalised.exp() * normalised).sum(-1)
    return log_probs, entropies
