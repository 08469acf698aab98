"""The advantages of tokens, from the rewards of tokens.

- `token_rewards`: the reward of a completion on its last token, minus a penalty on every token.
- `returns_to_go`: the discounted sum of rewards from each token on.
- `generalised_advantages`: the same, minus what a critic expected (GAE).
- `whiten`: shifts and scales to mean 0 and variance 1 over all tokens.

The functions are pure; the entries of `ADVANTAGES` at the end of the file call them. All tensors
have shape (completions, length); tokens come first in their row, padding after them.
"""

from __future__ import annotations

import torch

from ttrl_agents.learning.advantages.registry import AdvantageInputs, token_advantage

__all__ = ["generalised_advantages", "returns_to_go", "token_rewards", "whiten"]


def token_rewards(
    rewards: torch.Tensor, mask: torch.Tensor, penalties: torch.Tensor | None = None
) -> torch.Tensor:
    """Returns the reward of each token: that of the completion on its last one.

    Args:
        rewards: One for each completion.
        mask: Which positions are tokens, bool; every row has one or more.
        penalties: What is subtracted from the reward of each token, e.g. a multiple of the
            divergence from the initial policy.

    >>> token_rewards(torch.tensor([1.0]), torch.tensor([[True, True, False]]))
    tensor([[0., 1., 0.]])
    """
    result = torch.zeros(mask.shape, dtype=rewards.dtype, device=rewards.device)
    if penalties is not None:
        result = result - penalties.to(rewards.dtype).masked_fill(~mask, 0.0)
    rows = torch.arange(len(mask), device=mask.device)
    result[rows, mask.sum(dim=1) - 1] += rewards
    return result


def returns_to_go(rewards: torch.Tensor, mask: torch.Tensor, gamma: float = 1.0) -> torch.Tensor:
    """Returns the discounted sum of the rewards from each token on.

    G_t = r_t + gamma G_{t+1}: REINFORCE++, arXiv 2501.03262.

    Args:
        rewards: The reward of each token.
        mask: Which positions are tokens, bool.
        gamma: Discount per token.

    >>> returns_to_go(torch.tensor([[0.0, -0.1, 1.0]]), torch.ones(1, 3, dtype=torch.bool))
    tensor([[0.9000, 0.9000, 1.0000]])
    """
    zero = torch.zeros_like(rewards)
    return generalised_advantages(rewards, zero, mask, gamma=gamma, gae_lambda=1.0)[0]


def generalised_advantages(
    rewards: torch.Tensor,
    values: torch.Tensor,
    mask: torch.Tensor,
    *,
    gamma: float = 1.0,
    gae_lambda: float = 1.0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns the advantage of each token by GAE, and the return that a critic should expect.

    delta_t = r_t + gamma V_{t+1} - V_t, A_t = sum_k (gamma lambda)^k delta_{t+k}, R = A + V:
    arXiv 1506.02438, equation 16. After the last token the value is 0.

    Args:
        rewards: The reward of each token.
        values: The critic's estimate at each token.
        mask: Which positions are tokens, bool.
        gamma: Discount per token.
        gae_lambda: 1 uses the rewards alone; 0 uses one reward and the critic's next value.

    Returns:
        Advantages and returns, 0 where there is no token.

    >>> rewards, values = torch.tensor([[0.0, 0.0, 1.0]]), torch.tensor([[0.2, 0.4, 0.6]])
    >>> generalised_advantages(rewards, values, torch.ones(1, 3).bool(), gae_lambda=0.95)
    (tensor([[0.7510, 0.5800, 0.4000]]), tensor([[0.9510, 0.9800, 1.0000]]))
    """
    rewards, values = rewards.masked_fill(~mask, 0.0), values.masked_fill(~mask, 0.0)
    advantages = torch.zeros_like(rewards)
    following = advantage = rewards.new_zeros(len(rewards))
    for t in range(rewards.shape[1] - 1, -1, -1):
        delta = rewards[:, t] + gamma * following - values[:, t]
        advantage = (delta + gamma * gae_lambda * advantage).masked_fill(~mask[:, t], 0.0)
        advantages[:, t] = advantage
        following = values[:, t]
    return advantages, advantages + values


def whiten(values: torch.Tensor, mask: torch.Tensor, epsilon: float = 1e-8) -> torch.Tensor:
    """Returns the values of all tokens shifted and scaled to mean 0 and variance 1.

    Args:
        values: One for each token.
        mask: Which positions are tokens, bool.
        epsilon: Added to the variance (unbiased), which keeps the division finite.

    Returns:
        The whitened values, 0 where there is no token; 0 throughout if all are equal.

    >>> whiten(torch.tensor([[1.0, 2.0, 3.0]]), torch.ones(1, 3, dtype=torch.bool))
    tensor([[-1.,  0.,  1.]])
    """
    found = values[mask]
    if len(found) == 0 or (found == found[0]).all():
        return torch.zeros_like(values)
    scaled = (values - found.mean()) * (found.var() + epsilon).rsqrt()
    return scaled.masked_fill(~mask, 0.0)


@token_advantage("returns")
def _returns(inputs: AdvantageInputs) -> tuple[torch.Tensor, None]:
    rewards = token_rewards(inputs.rewards, inputs.mask, inputs.penalties)
    return returns_to_go(rewards, inputs.mask, inputs.algorithm.gamma), None


@token_advantage("gae")
def _gae(inputs: AdvantageInputs) -> tuple[torch.Tensor, torch.Tensor]:
    if inputs.values is None:
        raise ValueError("generalised advantages need the values of a critic")
    return generalised_advantages(
        token_rewards(inputs.rewards, inputs.mask, inputs.penalties),
        inputs.values.double(),
        inputs.mask,
        gamma=inputs.algorithm.gamma,
        gae_lambda=inputs.algorithm.gae_lambda,
    )
