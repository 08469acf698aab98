"""Credit assignment: from the rewards of a rollout to the advantage of each token.

- `assign_credit`: returns the experience with the advantages of an algorithm.
- `check_advantages`: raises for a reward that may bring what an algorithm cannot use.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from ttrl_agents.config.algorithms import Algorithm
from ttrl_agents.errors import AgentError
from ttrl_agents.learning.advantages.completion import overlong_penalty
from ttrl_agents.learning.advantages.registry import (
    ADVANTAGES,
    AdvantageInputs,
    CompletionAdvantage,
    OfCompletions,
    TokenAdvantage,
)
from ttrl_agents.learning.advantages.token import whiten
from ttrl_agents.learning.experience import Experience
from ttrl_agents.learning.losses import kl_estimate
from ttrl_env.consensus import Estimator
from ttrl_env.consensus.cards import brings_of

__all__ = ["assign_credit", "check_advantages"]


def assign_credit(algorithm: Algorithm, experience: Experience, max_tokens: int) -> Experience:
    """Returns the experience with its advantages, and with returns if there is a critic.

    Advantages that the reward itself gave replace the group's. Weights multiply the final
    advantages, after any whitening.

    Args:
        algorithm: The algorithm that defines the advantages.
        experience: Whole groups, with old log-probabilities, those of the reference and values
            where the algorithm needs them.
        max_tokens: The length limit of a completion.

    Raises:
        AgentError: The reward gave advantages, and the algorithm has none of whole completions; or
            it is negative, and the algorithm divides by its mean.
    """
    inputs = _inputs(algorithm, experience, max_tokens)
    match ADVANTAGES.find(algorithm.advantage):
        case TokenAdvantage(compute_tokens):
            _check_none_given(algorithm, experience)
            advantages, returns = compute_tokens(inputs)
            teaches = ~experience.abstained
        case CompletionAdvantage(compute):
            each, returns = _of_completions(inputs, compute), None
            given = experience.given_advantages
            if given is not None:
                each = torch.where(given.isnan(), each, given)
            # Groups with equal rewards teach nothing, and do not count in the whitening.
            contrast = each.reshape(-1, experience.group_rows) != 0
            contrasts = contrast.any(dim=1).repeat_interleave(experience.group_rows)
            teaches = ~experience.abstained & contrasts
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


def _inputs(algorithm: Algorithm, experience: Experience, max_tokens: int) -> AdvantageInputs:
    """Returns the inputs of the advantages, including the algorithm's penalties."""
    rewards, lengths = experience.rewards, torch.from_numpy(experience.lengths)
    if algorithm.overlong_buffer:
        rewards = rewards + overlong_penalty(lengths, max_tokens, algorithm.overlong_buffer)
    penalties = None
    if algorithm.shapes_reward:
        penalties = algorithm.kl_coef * _divergence(algorithm, experience)
    return AdvantageInputs(
        algorithm=algorithm,
        rewards=rewards,
        group_size=experience.group_rows,
        abstained=experience.abstained,
        lengths=lengths,
        mask=experience.mask,
        penalties=penalties,
        values=experience.values,
    )


def _of_completions(inputs: AdvantageInputs, compute: OfCompletions) -> torch.Tensor:
    """Returns one advantage for each completion, after subtracting its token penalties."""
    if inputs.penalties is not None:
        rewards = inputs.rewards - inputs.penalties.sum(dim=1)
        inputs = replace(inputs, rewards=rewards, penalties=None)
    return compute(inputs).flatten()


def check_advantages(algorithm: Algorithm, estimator: Estimator) -> None:
    """Checks that an algorithm can use what a reward may bring, before it does.

    Raises:
        AgentError: The reward may bring advantages, and the algorithm has none of whole
            completions.
    """
    tokens = isinstance(ADVANTAGES.find(algorithm.advantage), TokenAdvantage)
    if tokens and "advantages" in brings_of(estimator):
        raise _given_in_vain(algorithm)


def _check_none_given(algorithm: Algorithm, experience: Experience) -> None:
    given = experience.given_advantages
    if given is not None and not given.isnan().all():
        raise _given_in_vain(algorithm)


def _given_in_vain(algorithm: Algorithm) -> AgentError:
    return AgentError(
        "This reward gives advantages of its own to whole completions, which the advantage "
        f"{algorithm.advantage!r} of reinforce++ and ppo, one for each token, cannot use. Use "
        "another --algorithm, e.g. grpo."
    )


def _divergence(algorithm: Algorithm, experience: Experience) -> torch.Tensor:
    """Returns the divergence from the initial policy at each token, float64."""
    old, reference = experience.old_log_probs, experience.reference_log_probs
    if old is None or reference is None:
        raise ValueError("a penalty on the reward needs both log-probabilities")
    kl = kl_estimate(old.double(), reference.double(), algorithm.kl_estimator)
    return kl.masked_fill(~experience.mask, 0.0)
