"""The pieces of policy-gradient algorithms: pure tensor functions, no model, no state.

Advantages, one for each completion:

- `group_advantages`: GRPO and Dr. GRPO.
- `leave_one_out_advantages`: RLOO.
- `mean_ratio_advantages`: MaxRL.
- `length_weighted_advantages`: OPO.
- `batch_advantages`: REINFORCE with the mean of the batch as its baseline.
- `overlong_penalty`: DAPO's penalty on completions near the length limit.

Advantages, one for each token:

- `token_rewards`, `returns_to_go`, `generalised_advantages`, `whiten`.

The objective:

- `probability_ratio`, `clipped_surrogate`, `clipped_weight`, `soft_gate`: what a token costs.
- `importance_weights`: what corrects for a sampler that differs from the trainer.
- `kl_estimate`: the estimators k1, k2 and k3 of the divergence from a reference.
- `clipped_value_loss`, `explained_variance`: the critic's.
- `Counts`, `aggregate`: from tokens to one number, the same however the batch is split.
- `policy_objective`: all of it together, as an `Algorithm` says.
"""

from ttrl_agents.losses.advantages import (
    batch_advantages,
    group_advantages,
    leave_one_out_advantages,
    length_weighted_advantages,
    mean_ratio_advantages,
    overlong_penalty,
)
from ttrl_agents.losses.aggregation import Counts, aggregate
from ttrl_agents.losses.importance import importance_weights
from ttrl_agents.losses.kl import kl_estimate
from ttrl_agents.losses.objective import LossInputs, policy_objective
from ttrl_agents.losses.returns import (
    generalised_advantages,
    returns_to_go,
    token_rewards,
    whiten,
)
from ttrl_agents.losses.surrogates import (
    clipped_surrogate,
    clipped_weight,
    probability_ratio,
    soft_gate,
)
from ttrl_agents.losses.values import clipped_value_loss, explained_variance

__all__ = [
    "Counts",
    "LossInputs",
    "aggregate",
    "batch_advantages",
    "clipped_surrogate",
    "clipped_value_loss",
    "clipped_weight",
    "explained_variance",
    "generalised_advantages",
    "group_advantages",
    "importance_weights",
    "kl_estimate",
    "leave_one_out_advantages",
    "length_weighted_advantages",
    "mean_ratio_advantages",
    "overlong_penalty",
    "policy_objective",
    "probability_ratio",
    "returns_to_go",
    "soft_gate",
    "token_rewards",
    "whiten",
]
