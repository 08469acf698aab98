"""Credit assignment: from the rewards of a rollout to the advantage of each token.

- `assign_credit`: as an algorithm says.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from ttrl_agents.config.algorithms import Algorithm
from ttrl_agents.errors import AgentError
from ttrl_agents.learning.advantages import (
    batch_advantages,
    generalised_advantages,
    group_advantages,
    leave_one_out_advantages,
    length_weighted_advantages,
    mean_ratio_advantages,
    overlong_penalty,
    returns_to_go,
    token_rewards,
    whiten,
)
from ttrl_agents.learning.experience import Experience
from ttrl_agents.learning.losses import kl_estimate

__all__ = ["assign_credit"]


def assign_credit(algorithm: Algorithm, experience: Experience, max_tokens: int) -> Experience:
    """Returns the experience with its advantages, and the returns where there is a critic.

    Advantages that the reward gave itself stand in place of the group's; weights multiply what
    comes out in the end, whitened or not.

    Args:
        algorithm: Whose advantages.
        experience: Whole groups, with old log-probabilities, those of the reference and values
            where the algorithm needs them.
        max_tokens: The length limit of a completion.

    Raises:
        AgentError: The reward gave advantages, and the algorithm has none of whole completions; or
            it is negative, and the algorithm divides by its mean.
    """
    rewards, penalties = experience.rewards, None
    lengths = torch.from_numpy(experience.lengths)
    if algorithm.overlong_buffer:
        rewards = rewards + overlong_penalty(lengths, max_tokens, algorithm.overlong_buffer)
    if algorithm.shapes_reward:
        penalties = algorithm.kl_coef * _divergence(algorithm, experience)
    teaches = ~experience.abstained
    returns = None
    if algorithm.per_token:
        advantages, returns = _token_advantages(algorithm, experience, rewards, penalties)
    else:
        if penalties is not None:
            rewards = rewards - penalties.sum(dim=1)
        each = _completion_advantages(algorithm, experience, rewards, lengths)
        given = experience.given_advantages
        if given is not None:
            each = torch.where(given.isnan(), each, given)
        # Groups without contrast teach nothing; they do not count when advantages are whitened.
        contrast = each.reshape(-1, experience.group_rows) != 0
        teaches = teaches & contrast.any(dim=1).repeat_interleave(experience.group_rows)
        advantages = each[:, None].expand(experience.mask.shape)
    mask = experience.mask & teaches[:, None]
    advantages = whiten(advantages, mask) if algorithm.whiten else advantages.masked_fill(~mask, 0)
    if experience.weights is not None:
        advantages = advantages * experience.weights[:, None]
    return replace(
        experience,
        advantages=advantages.float(),
        returns=None if returns is None else returns.float(),
    )


def _completion_advantages(
    algorithm: Algorithm, experience: Experience, rewards: torch.Tensor, lengths: torch.Tensor
) -> torch.Tensor:
    """One advantage a completion, float64."""
    groups = rewards.reshape(-1, experience.group_rows)
    if algorithm.advantage == "batch-mean":
        teaches = ~experience.abstained
        result = torch.zeros_like(rewards)
        result[teaches] = batch_advantages(rewards[teaches])
        return result
    if algorithm.advantage == "leave-one-out":
        groups = leave_one_out_advantages(groups)
    elif algorithm.advantage == "group-mean-ratio":
        if (rewards < 0).any():
            raise AgentError(
                f"maxrl divides by the mean reward, and a reward of {rewards.min().item():g} is "
                "below 0. Use another --algorithm, e.g. grpo, or another --reward."
            )
        groups = mean_ratio_advantages(groups)
    elif algorithm.advantage == "length-weighted":
        groups = length_weighted_advantages(groups, lengths.reshape(groups.shape))
    else:
        groups = group_advantages(groups, scale_by_std=algorithm.scale_by_std)
    return groups.flatten()


def _token_advantages(
    algorithm: Algorithm,
    experience: Experience,
    rewards: torch.Tensor,
    penalties: torch.Tensor | None,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """One advantage a token, float64, and the returns where there is a critic."""
    given = experience.given_advantages
    if given is not None and not given.isnan().all():
        raise AgentError(
            "This reward gives advantages of its own to whole completions, which reinforce++ and "
            "ppo, whose advantages are those of tokens, have no place for. Use another "
            "--algorithm, e.g. grpo."
        )
    mask = experience.mask
    per_token = token_rewards(rewards, mask, penalties)
    if algorithm.advantage == "returns":
        return returns_to_go(per_token, mask, algorithm.gamma), None
    if experience.values is None:
        raise ValueError("generalised advantages need the values of a critic")
    return generalised_advantages(
        per_token,
        experience.values.double(),
        mask,
        gamma=algorithm.gamma,
        gae_lambda=algorithm.gae_lambda,
    )


def _divergence(algorithm: Algorithm, experience: Experience) -> torch.Tensor:
    """The divergence from the initial model at each token, float64."""
    old, reference = experience.old_log_probs, experience.reference_log_probs
    if old is None or reference is None:
        raise ValueError("a penalty on the reward needs both log-probabilities")
    kl = kl_estimate(old.double(), reference.double(), algorithm.kl_estimator)
    return kl.masked_fill(~experience.mask, 0.0)
