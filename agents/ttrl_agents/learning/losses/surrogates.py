"""The surrogate losses of tokens, given how the policy has moved since it sampled.

- `probability_ratio`: the factor by which a token, or its completion, has become likelier.
- `clipped_surrogate`: PPO's, which GRPO, DAPO and GSPO share.
- `clipped_weight`: CISPO's.
- `soft_gate`: SAPO's.
- `SURROGATES`: the losses by the names that `Algorithm.objective` and `--objective` take;
  `register_surrogate` adds one.
- `SurrogateInputs`, `Surrogate`: what an entry of the table takes and returns.

At ratio 1 each has the gradient of REINFORCE. Tensors have shape (completions, length).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from ttrl_agents.config.algorithms import Algorithm, Ratio
from ttrl_agents.config.registry import Registry

__all__ = [
    "SURROGATES",
    "Surrogate",
    "SurrogateInputs",
    "clipped_surrogate",
    "clipped_weight",
    "probability_ratio",
    "register_surrogate",
    "soft_gate",
]

# As in verl: one impossible token must not give infinity.
_MAX_LOG_RATIO = 20.0


def probability_ratio(
    log_probs: torch.Tensor, old_log_probs: torch.Tensor, mask: torch.Tensor, level: Ratio = "token"
) -> torch.Tensor:
    """Returns the probability of each token now, divided by that when it was sampled.

    `"token"`: rho_t = exp(log_probs - old_log_probs). `"sequence"`: the geometric mean of rho_t
    over the completion, for each of its tokens, with the gradient of that token alone (GSPO-token,
    arXiv 2507.18071, equations 7 and 14), so that advantages may differ from token to token.

    Args:
        log_probs: Log-probabilities under the policy, in nats.
        old_log_probs: The same under the policy that sampled.
        mask: Which positions are tokens, bool; every row has one or more.
        level: One of the two.

    Raises:
        ValueError: There is no such level.

    >>> now, mask = torch.tensor([[1.0, 4.0]]).log(), torch.ones(1, 2, dtype=torch.bool)
    >>> probability_ratio(now, torch.zeros(1, 2), mask, "sequence")
    tensor([[2., 2.]])
    """
    log_ratio = (log_probs - old_log_probs).masked_fill(~mask, 0.0)
    if level == "sequence":
        mean = log_ratio.detach().sum(dim=1, keepdim=True) / mask.sum(dim=1, keepdim=True)
        log_ratio = mean + (log_probs - log_probs.detach()).masked_fill(~mask, 0.0)
    elif level != "token":
        raise ValueError(f"unknown level {level!r}; use token or sequence")
    return log_ratio.clamp(-_MAX_LOG_RATIO, _MAX_LOG_RATIO).exp()


def clipped_surrogate(
    ratio: torch.Tensor,
    advantages: torch.Tensor,
    *,
    clip_low: float = 0.2,
    clip_high: float = 0.2,
    dual_clip: float = 0.0,
) -> torch.Tensor:
    """Returns PPO's loss of each token.

    L = -min(rho A, clip(rho, 1 - clip_low, 1 + clip_high) A): arXiv 1707.06347, equation 7, with
    the two bounds of DAPO, arXiv 2503.14476. With a dual clip c, and A < 0, at most -c A: arXiv
    1912.09729, equation 5.

    Args:
        ratio: The probability ratio.
        advantages: One for each token.
        clip_low: How far below 1 the ratio may fall before its gradient stops.
        clip_high: How far above 1 it may rise.
        dual_clip: c, more than 1; 0: none.

    >>> one = torch.ones(1)
    >>> clipped_surrogate(1.5 * one, one, clip_high=0.28)
    tensor([-1.2800])
    >>> clipped_surrogate(5 * one, -one, dual_clip=3.0)
    tensor([3.])
    """
    clipped = ratio.clamp(1 - clip_low, 1 + clip_high)
    loss = -torch.minimum(ratio * advantages, clipped * advantages)
    if dual_clip > 0:
        loss = torch.where(advantages < 0, torch.minimum(loss, -dual_clip * advantages), loss)
    return loss


def clipped_weight(
    ratio: torch.Tensor,
    advantages: torch.Tensor,
    log_probs: torch.Tensor,
    *,
    clip_low: float = 1.0,
    clip_high: float = 4.0,
) -> torch.Tensor:
    """Returns CISPO's loss of each token: clipped or not, every token keeps its gradient.

    L = -sg(clip(rho, 1 - clip_low, 1 + clip_high)) A log pi: arXiv 2506.13585, equation 4. With
    the defaults the weight is bounded from above alone, by 5.

    Args:
        ratio: The probability ratio.
        advantages: One for each token.
        log_probs: Log-probabilities under the policy, in nats.
        clip_low: How far below 1 the weight may fall.
        clip_high: How far above 1 it may rise.

    >>> clipped_weight(torch.tensor([9.0]), torch.tensor([2.0]), torch.tensor([-0.1]))
    tensor([1.])
    """
    weight = ratio.detach().clamp(1 - clip_low, 1 + clip_high)
    return -weight * advantages * log_probs


def soft_gate(
    ratio: torch.Tensor, advantages: torch.Tensor, *, tau_up: float = 1.0, tau_down: float = 1.05
) -> torch.Tensor:
    """Returns SAPO's loss of each token: the gradient fades as the ratio leaves 1.

    L = -(4 / tau) sigmoid(tau (rho - 1)) A, with tau_up for A > 0 and tau_down otherwise: arXiv
    2511.20347.

    Args:
        ratio: The probability ratio.
        advantages: One for each token.
        tau_up: How fast it fades for good completions.
        tau_down: The same for bad ones.

    >>> soft_gate(torch.tensor([1.5, 1.5]), torch.tensor([1.0, -1.0]))
    tensor([-2.4898,  2.3936])
    """
    tau = torch.where(advantages > 0, tau_up, tau_down)
    return -4 / tau * torch.sigmoid(tau * (ratio - 1)) * advantages


@dataclass(frozen=True)
class SurrogateInputs:
    """What a surrogate loss is computed from; shapes are (completions, length).

    Attributes:
        algorithm: The pieces of the algorithm, its clips among them.
        ratio: The probability ratio, with gradient.
        advantages: One for each token.
        log_probs: Log-probabilities under the policy, in nats, with gradient.
    """

    algorithm: Algorithm
    ratio: torch.Tensor
    advantages: torch.Tensor
    log_probs: torch.Tensor


Surrogate = Callable[[SurrogateInputs], tuple[torch.Tensor, torch.Tensor]]
"""Returns the loss of each token, and which tokens are held back (bool): those without a gradient
or with a bounded weight, whose share is the metric `clip_fraction`."""

SURROGATES: Registry[Surrogate] = Registry("objective", "ttrl_agents.surrogates")


def register_surrogate(name: str) -> Callable[[Surrogate], Surrogate]:
    """Returns a decorator that adds a function as a surrogate loss.

    Args:
        name: The name that `--objective` takes.

    >>> @register_surrogate("plain")
    ... def plain(inputs: SurrogateInputs) -> tuple[torch.Tensor, torch.Tensor]:
    ...     return -inputs.ratio * inputs.advantages, torch.zeros_like(inputs.ratio).bool()
    >>> "plain" in SURROGATES
    True
    >>> SURROGATES.unregister("plain")
    """
    return SURROGATES.register(name)


@register_surrogate("clip")
def _clip(inputs: SurrogateInputs) -> tuple[torch.Tensor, torch.Tensor]:
    algorithm, advantages = inputs.algorithm, inputs.advantages
    loss = clipped_surrogate(
        inputs.ratio,
        advantages,
        clip_low=algorithm.clip_low,
        clip_high=algorithm.clip_high,
        dual_clip=algorithm.dual_clip,
    )
    above, below = _beyond(inputs)
    held_back = (above & (advantages > 0)) | (below & (advantages < 0))
    if algorithm.dual_clip > 0:
        held_back = held_back | ((inputs.ratio > algorithm.dual_clip) & (advantages < 0))
    return loss, held_back


@register_surrogate("weight")
def _weight(inputs: SurrogateInputs) -> tuple[torch.Tensor, torch.Tensor]:
    loss = clipped_weight(
        inputs.ratio,
        inputs.advantages,
        inputs.log_probs,
        clip_low=inputs.algorithm.clip_low,
        clip_high=inputs.algorithm.clip_high,
    )
    above, below = _beyond(inputs)
    return loss, above | below


@register_surrogate("gate")
def _gate(inputs: SurrogateInputs) -> tuple[torch.Tensor, torch.Tensor]:
    loss = soft_gate(inputs.ratio, inputs.advantages)
    return loss, torch.zeros_like(loss, dtype=torch.bool)


def _beyond(inputs: SurrogateInputs) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns where the ratio is above its upper bound, and where below its lower one."""
    ratio, algorithm = inputs.ratio.detach(), inputs.algorithm
    return ratio > 1 + algorithm.clip_high, ratio < 1 - algorithm.clip_low
