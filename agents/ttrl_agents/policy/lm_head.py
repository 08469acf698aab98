"""Log-probabilities and entropies from hidden states, without all logits in memory at once.

- `head_log_probs`: from hidden states, through an LM head.
- `logit_log_probs`: from logits that are computed already.
- `Entropy`: whether entropies are asked for, and whether they carry a gradient.

The LM head is the widest layer of a small language model: the logits of 16,384 tokens over 152,000
words take 10 GB. Here they are computed in chunks, in float32, and each chunk is computed a second
time in the backward pass. That pass is written by hand for two reasons: the gradient of the head is
added up over chunks in float32, whatever the type of the weights (in bfloat16 the sum over many
chunks is off by percents), and nothing of the size of the logits is kept. If float32 logits fit
into one chunk, as on CPU with a small vocabulary, autograd is used: that is the reference. On a GPU
that Triton compiles for, the same is done by its kernels in tiles (`lm_head_tiles`).
"""

from __future__ import annotations

from typing import Any, Literal

import torch
import torch.nn.functional as F

from ttrl_agents.policy.lm_head_tiles import product, tiled_log_probs, why_not_tiled

__all__ = ["Entropy", "head_log_probs", "logit_log_probs"]

Entropy = Literal["none", "value", "gradient"]
"""No entropies; entropies without a gradient; entropies with one."""

# Logits per chunk. A GPU needs a few thousand rows for efficient matrix products.
_CPU_CHUNK = 2**25
_GPU_CHUNK = 2**28
_LEAST = -1e30


def head_log_probs(
    hidden: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    targets: torch.Tensor,
    temperature: float,
    *,
    entropy: Entropy = "value",
    chunk: int | None = None,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Returns the log-probability of each target, and the entropy of its distribution.

    Args:
        hidden: The hidden states that the head is applied to, shape (tokens, width).
        weight: The head's weight, shape (vocabulary, width).
        bias: Its bias, if it has one.
        targets: Shape (tokens,), int64.
        temperature: Divides the logits.
        entropy: Whether entropies are computed and carry a gradient.
        chunk: Logits per chunk; by default what suits the device, or tiles on a GPU.

    Returns:
        Both in nats, float32, shape (tokens,); `None` for entropies that were not asked for.
    """
    if chunk is None and why_not_tiled(hidden.device) is None:
        return tiled_log_probs(hidden, weight, bias, targets, temperature, entropy)
    most = chunk or (_CPU_CHUNK if hidden.device.type == "cpu" else _GPU_CHUNK)
    rows = max(1, most // weight.shape[0])
    if hidden.dtype == torch.float32 and len(hidden) <= rows:
        logits = F.linear(hidden, weight, bias)
        return logit_log_probs(logits, targets, temperature, entropy=entropy)
    log_probs, entropies = _HeadLogProbs.apply(  # type: ignore[no-untyped-call]
        hidden, weight, bias, targets, temperature, entropy, rows
    )
    return log_probs, entropies


def logit_log_probs(
    logits: torch.Tensor, targets: torch.Tensor, temperature: float, *, entropy: Entropy = "value"
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Returns the same as `head_log_probs` from logits, shape (tokens, vocabulary)."""
    logits = logits.float() / temperature
    log_probs = -F.cross_entropy(logits, targets, reduction="none")
    if entropy == "none":
        return log_probs, None
    with torch.set_grad_enabled(entropy == "gradient" and torch.is_grad_enabled()):
        # A logit of -inf has probability 0 and adds 0; 0 times -inf would be NaN.
        normalised = logits.log_softmax(-1).clamp(min=_LEAST)
        return log_probs, -(normalised.exp() * normalised).sum(-1)


class _HeadLogProbs(torch.autograd.Function):
    """`head_log_probs` with its backward pass.

    With p = softmax(z / T), the log-probability of y has the gradient (1[v = y] - p_v) / T by the
    logit z_v, and the entropy H has -p_v (log p_v + H) / T.
    """

    @staticmethod
    def forward(
        ctx: Any,
        hidden: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        targets: torch.Tensor,
        temperature: float,
        entropy: Entropy,
        rows: int,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Computes chunk by chunk, and keeps no chunk."""
        log_probs = hidden.new_empty(len(hidden), dtype=torch.float32)
        entropies = None if entropy == "none" else torch.empty_like(log_probs)
        for start in range(0, len(hidden), rows):
            part = slice(start, start + rows)
            normalised = _log_softmax(hidden[part], weight, bias, temperature)
            log_probs[part] = normalised.gather(1, targets[part, None]).squeeze(1)
            if entropies is not None:
                normalised.clamp_(min=_LEAST)  # as in `logit_log_probs`
                # A product per row, so that nothing else of the size of the logits is made.
                entropies[part] = -torch.bmm(normalised.exp()[:, None], normalised[:, :, None])[
                    :, 0, 0
                ]
        ctx.save_for_backward(hidden, weight, bias, targets, entropies)
        ctx.temperature, ctx.entropy, ctx.rows = temperature, entropy, rows
        if entropies is not None and entropy != "gradient":
            ctx.mark_non_differentiable(entropies)
        return log_probs, entropies

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor, entropy_grad: Any) -> Any:
        """Computes each chunk's log-softmax again, turns it into the gradient of its logits."""
        hidden, weight, bias, targets, entropies = ctx.saved_tensors
        asked = dict(zip(("hidden", "weight", "bias"), ctx.needs_input_grad[:3], strict=True))
        found = _Gradients(hidden, weight, bias if asked["bias"] else None, asked)
        for start in range(0, len(hidden), ctx.rows):
            part = slice(start, start + ctx.rows)
            normalised = _log_softmax(hidden[part], weight, bias, ctx.temperature)
            wanted = grad[part, None]
            if ctx.entropy == "gradient":
                normalised.clamp_(min=_LEAST)
                slopes = (normalised + entropies[part, None]) * entropy_grad[part, None] + wanted
            else:
                slopes = wanted
            logits_grad = normalised.exp_().mul_(-slopes)  # -p times what pulls at log p
            logits_grad.scatter_add_(1, targets[part, None], wanted)
            found.add(part, logits_grad.div_(ctx.temperature))
        return found.hidden, found.weight, found.bias, None, None, None, None


class _Gradients:
    """The gradients of hidden states, weight and bias; the last two are sums in float32."""

    def __init__(
        self,
        hidden: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        asked: dict[str, bool],
    ) -> None:
        self._inputs, self._head = hidden, weight
        self._asked = asked
        self._has_bias = bias is not None
        self.hidden = torch.empty_like(hidden) if asked["hidden"] else None
        self.weight: torch.Tensor | None = None
        self.bias: torch.Tensor | None = None

    def add(self, part: slice, logits_grad: torch.Tensor) -> None:
        """Adds those of a chunk."""
        low = logits_grad.to(self._head.dtype)
        if self.hidden is not None:
            torch.mm(low, self._head, out=self.hidden[part])
        if self._asked["weight"]:
            found = product(low.t(), self._inputs[part])
            self.weight = found if self.weight is None else self.weight.add_(found)
        if self._has_bias:
            total = logits_grad.sum(0)
            self.bias = total if self.bias is None else self.bias.add_(total)


def _log_softmax(
    hidden: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, temperature: float
) -> torch.Tensor:
    if hidden.dtype == torch.float32:
        logits = F.linear(hidden, weight, bias)
    else:
        logits = product(hidden, weight.t())
        if bias is not None:
            logits.add_(bias)
    if temperature != 1:
        logits.div_(temperature)
    return logits.log_softmax(-1)
