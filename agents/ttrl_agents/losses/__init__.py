"""Policy-gradient losses: pure tensor functions, no model, no state.

- `group_advantages`: rewards of whole groups to advantages.
- `clipped_policy_loss`: the clipped surrogate of PPO and GRPO.
- `kl_estimate`: the estimators k1, k2 and k3 of the divergence from a reference.
"""

from ttrl_agents.losses.advantages import group_advantages
from ttrl_agents.losses.kl import kl_estimate
from ttrl_agents.losses.policy_loss import clipped_policy_loss

__all__ = ["clipped_policy_loss", "group_advantages", "kl_estimate"]
