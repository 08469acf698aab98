"""Log-probabilities of completions under the policy.

- `LogProbs`: computes log-probabilities and entropies of completion tokens, differentiably.
- `TokenBatch`: the prompts and completions that they are computed from.

On CPU completions are padded to one length, and the keys and values of a prompt serve all of its
completions. On a GPU they are packed: side by side, without padding, in one forward pass. Both give
the same numbers up to rounding. Of the hidden states only those of completion tokens go through the
LM head (`lm_head`). With gradient checkpointing the layers are computed again in the backward pass,
so that only their inputs are kept.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any, Literal, overload

import torch
from torch.utils.checkpoint import checkpoint
from transformers import Cache, DynamicCache
from transformers.modeling_layers import GradientCheckpointingLayer

from ttrl_agents.distributed.sharding import within
from ttrl_agents.errors import AgentError
from ttrl_agents.policy.layer_kernels import compile_layers
from ttrl_agents.policy.lm_head import Entropy, head_log_probs, logit_log_probs
from ttrl_agents.policy.lm_head_tiles import why_not_tiled
from ttrl_agents.policy.packed_attention import attend_packed, gather_rows
from ttrl_agents.policy.policy import Policy
from ttrl_agents.policy.token_batch import TokenBatch

__all__ = ["LogProbs", "TokenBatch"]

# How much packed and padded rows may differ, in nats, by the type of the weights.
_PACKED_TOLERANCE = {torch.float32: 1e-3, torch.float16: 0.05, torch.bfloat16: 0.3}


class LogProbs:
    """Log-probabilities of completion tokens under a policy.

    Args:
        policy: The policy. Its LM head is applied to the hidden states of completion tokens alone
            if that gives the model's own logits (this is checked once). For models that process
            their logits further, the full logits are used, which needs more memory.
        gradient_checkpointing: Whether to keep only the inputs of the model's layers for the
            backward pass and compute the rest again. Padded prompts are then not shared between
            completions, since keeping their keys and values would cost the memory that it saves.
        compiled: Whether the layers are compiled (`layer_kernels`); this needs packed rows.
        packed: Whether rows are packed; by default on a GPU, where the model and the GPU allow it
            (`why_padded` says why not).

    Attributes:
        chunked: Whether the LM head is applied to hidden states in chunks.
        packed: Whether rows are packed.
        why_padded: Why they are not, if packing was considered.

    Raises:
        AgentError: The model has no layers that can be computed again or compiled, or rows cannot
            be packed although `packed` or `compiled` is true.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        gradient_checkpointing: bool = False,
        packed: bool | None = None,
        compiled: bool = False,
    ) -> None:
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
        self.chunked = within(policy.model, self._head_gives_the_logits)
        self._compiled: dict[torch.nn.Module, Callable[..., Any]] = {}
        self.packed, self.why_padded = False, None
        if packed or (packed is None and policy.device.type == "cuda"):
            self.why_padded = self._find_obstacle()
            self.packed = self.why_padded is None
            if packed and self.why_padded is not None:
                raise AgentError(f"Rows cannot be packed: {self.why_padded}. Use --pack-rows auto.")
        if compiled:
            self._compile_layers()

    @overload
    def __call__(
        self, batch: TokenBatch, temperature: float, *, entropy: Literal["none"]
    ) -> tuple[torch.Tensor, None]: ...

    @overload
    def __call__(
        self,
        batch: TokenBatch,
        temperature: float,
        *,
        entropy: Literal["value", "gradient"] = "value",
    ) -> tuple[torch.Tensor, torch.Tensor]: ...

    def __call__(
        self, batch: TokenBatch, temperature: float, *, entropy: Entropy = "value"
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Computes log-probabilities and entropies.

        Args:
            batch: Prompts and completions.
            temperature: Divides the logits, as when sampling; 0 counts as 1.
            entropy: Whether entropies are computed and carry a gradient.

        Returns:
            Log-probabilities of the completion tokens, with gradient, and entropies of the
            distributions they came from, if they were asked for; both in nats, float32, shape
            (rows, longest completion), 0 where there is no token.
        """
        return within(self.policy.model, self._score, batch, temperature, entropy)

    def _score(
        self, batch: TokenBatch, temperature: float, entropy: Entropy
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        scale = temperature or 1.0
        with self.policy.precision():
            outputs = self.outputs(batch)
            if self.chunked:
                head = self.policy.model.get_output_embeddings()
                log_probs, entropies = head_log_probs(
                    outputs, head.weight, head.bias, batch.targets, scale, entropy=entropy
                )
            else:
                log_probs, entropies = logit_log_probs(
                    outputs, batch.targets, scale, entropy=entropy
                )
        return batch.spread(log_probs), None if entropies is None else batch.spread(entropies)

    def describe(self) -> str:
        """Returns what computes rows, layers and LM head, with the reasons."""
        device = self.policy.device
        why = f" ({self.why_padded})" if self.why_padded else ""
        parts = ["rows packed" if self.packed else f"rows padded{why}"]
        parts += ["layers compiled"] if self._compiled else []
        plain = why_not_tiled(device)
        parts.append("LM head in Triton" if plain is None else f"LM head in PyTorch ({plain})")
        return "; ".join(parts)

    def outputs(self, batch: TokenBatch) -> torch.Tensor:
        """Returns the hidden states (or logits) that predict each token, one row per token."""
        if self.packed:
            return self._packed_outputs(batch)
        again = self.gradient_checkpointing and torch.is_grad_enabled()
        padded = self._outputs_computed_again(batch) if again else self._outputs_shared(batch)
        return padded.flatten(0, 1)[batch.places]

    def _packed_outputs(self, batch: TokenBatch) -> torch.Tensor:
        packed = batch.packed
        attending = functools.partial(attend_packed, self.policy.model)
        again = self.gradient_checkpointing and torch.is_grad_enabled()
        with attending(), self._changed_layers(again, attending):
            output = self.policy.model.base_model(
                input_ids=packed.ids[None],
                position_ids=packed.positions[None],
                attention_mask=None,
                use_cache=False,
                packed=packed,
            )
        return gather_rows(output.last_hidden_state[0], packed.predictors)

    def _outputs_shared(self, batch: TokenBatch) -> torch.Tensor:
        """The same, padded: each distinct prompt is run once, and serves all its completions."""
        cache = DynamicCache(config=self.policy.model.config)
        mask = batch.prompt_mask
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        first = self._run(batch.prompt_ids, mask, positions, cache)[:, -1:]
        first, positions = first[batch.rows], positions[batch.rows, -1:]
        width = batch.shape[1]
        if width > 1:
            cache.batch_select_indices(batch.rows)
            mask = torch.cat([mask[batch.rows], batch.completion_mask[:, :-1]], dim=1)
            positions = positions + torch.arange(1, width, device=positions.device)
            rest = self._run(batch.completion_ids[:, :-1], mask, positions, cache)
            first = torch.cat([first, rest], dim=1)
        return first

    def _outputs_computed_again(self, batch: TokenBatch) -> torch.Tensor:
        """The same without shared prompts: every row is a prompt and its completion."""
        ids = torch.cat([batch.prompt_ids[batch.rows], batch.completion_ids[:, :-1]], dim=1)
        mask = torch.cat([batch.prompt_mask[batch.rows], batch.completion_mask[:, :-1]], dim=1)
        with self._changed_layers(True, contextlib.nullcontext):
            outputs = self._run(ids, mask, (mask.cumsum(-1) - 1).clamp(min=0), None)
        return outputs[:, batch.prompt_ids.shape[1] - 1 :]

    @contextlib.contextmanager
    def _changed_layers(
        self, again: bool, within: Callable[[], contextlib.AbstractContextManager[None]]
    ) -> Iterator[None]:
        """Makes layers run compiled, and compute again in the backward pass within a context."""

        def forward(layer_forward: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            with within():  # the backward pass comes after the context around the forward pass
                return layer_forward(*args, **kwargs)

        # Not the option of transformers: it needs training mode, which would enable dropout.
        changed = self._layers if again or self._compiled else []
        for layer in changed:
            run = self._compiled.get(layer, layer.forward)
            if again:
                run = functools.partial(
                    checkpoint,
                    functools.partial(forward, run),
                    use_reentrant=False,
                    preserve_rng_state=False,
                )
            layer.forward = run
        try:
            yield
        finally:
            for layer in changed:
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
            type(head) is not torch.nn.Linear
            or "input_ids" not in inspect.signature(model.base_model.forward).parameters
        ):
            return False
        ids = torch.tensor([self.policy.end_token_ids[:1] * 3], device=self.policy.device)
        with self.policy.precision():
            whole = model(input_ids=ids, use_cache=False).logits
            parts = head(model.base_model(input_ids=ids, use_cache=False).last_hidden_state)
        return whole.shape == parts.shape and torch.allclose(whole, parts, rtol=1e-4, atol=1e-4)

    def _find_obstacle(self) -> str | None:
        """Returns why rows cannot be packed, or `None`: both ways are run on a few tokens."""
        config = self.policy.model.config.get_text_config()
        kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
        if not self.chunked:
            return "the model does more to its logits than its last layer says"
        if kinds != {"full_attention"}:
            return f"the model has layers of {', '.join(sorted(kinds))}"
        if self.policy.device.type == "cuda" and self.policy.compute_dtype == torch.float32:
            return "flash attention does not compute in float32"
        few = self.policy.end_token_ids[0]
        batch = TokenBatch.from_ids(
            [(few, 1, 2), (few, 1, 2), (few, 1, 2), (3,)],
            [[4, 5, few, 6], [7], [few, 8], [9, few, 10]],
            pad_token_id=self.policy.pad_token_id,
            device=self.policy.device,
        )
        try:
            gap = self._packed_gap(batch)
        except (RuntimeError, TypeError, ValueError, ImportError) as error:
            return f"packed rows do not run here ({str(error).splitlines()[0][:200]})"
        if not gap <= _PACKED_TOLERANCE[self.policy.compute_dtype]:
            return f"packed and padded rows differ by {gap:.3g} nats a token"
        return None

    def _compile_layers(self) -> None:
        """Compiles the layers, and runs them on a few tokens, since a compiler may be missing."""
        why = self.why_padded or ("" if self.packed else "the run packs no rows: --pack-rows yes")
        if not (self.packed and self._layers):
            raise AgentError(
                f"--kernels compile needs packed rows ({why or 'no layers are known'}). Use "
                "--kernels torch."
            )
        self._compiled = compile_layers(self._layers)
        obstacle = self._find_obstacle()
        self.packed = True
        if obstacle is not None:
            raise AgentError(f"--kernels compile: {obstacle}. Use --kernels torch.")

    @torch.no_grad()
    def _packed_gap(self, batch: TokenBatch) -> float:
        """Returns the largest difference of packed and padded log-probabilities, in nats."""
        found = []
        try:
            for self.packed in (False, True):
                found.append(self(batch, 1.0, entropy="none")[0])
        finally:
            self.packed = False
        return float((found[0] - found[1]).abs().max())
