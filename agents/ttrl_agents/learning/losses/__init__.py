"""The pieces of policy-gradient algorithms: pure tensor functions, no model, no state.

The objective:

- `probability_ratio`, `clipped_surrogate`, `clipped_weight`, `soft_gate`: the loss of a token;
  `SURROGATES` holds them by name, those of installed packages included, and `register_surrogate`
  adds one.
- `importance_weights`: the correction for a sampler that differs from the trainer.
- `kl_estimate`: the estimators k1, k2 and k3 of the divergence from the initial policy.
- `clipped_value_loss`, `explained_variance`: the critic's.
- `Counts`, `aggregate`: from tokens to one number, the same however the batch is split.
- `policy_objective`: combines them as an `Algorithm` says.
"""

from ttrl_agents.learning.losses.aggregation import Counts, aggregate
from ttrl_agents.learning.losses.importance import importance_weights
from ttrl_agents.learning.losses.kl import kl_estimate
from ttrl_agents.learning.losses.objective import LossInputs, policy_objective
from ttrl_agents.learning.losses.surrogates import (
    SURROGATES,
    SurrogateInputs,
    clipped_surrogate,
    clipped_weight,
    probability_ratio,
    register_surrogate,
    soft_gate,
)
from ttrl_agents.learning.losses.values import clipped_value_loss, explained_variance

__all__ = [
    "SURROGATES",
    "Counts",
    "LossInputs",
    "SurrogateInputs",
    "aggregate",
    "clipped_surrogate",
    "clipped_value_loss",
    "clipped_weight",
    "explained_variance",
    "importance_weights",
    "kl_estimate",
    "policy_objective",
    "probability_ratio",
    "register_surrogate",
    "soft_gate",
]
