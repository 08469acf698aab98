"""Advantages: pure functions from rewards to what each completion or token is worth.

One for each completion:

- `group_advantages`: GRPO and Dr. GRPO.
- `leave_one_out_advantages`: RLOO.
- `mean_ratio_advantages`: MaxRL.
- `length_weighted_advantages`: OPO.
- `batch_advantages`: REINFORCE with the mean of the batch as its baseline.
- `overlong_penalty`: DAPO's penalty on completions near the length limit.

One for each token:

- `token_rewards`, `returns_to_go`, `generalised_advantages`, `whiten`.

`ADVANTAGES` holds them by name, those of installed packages included. A new file adds one with the
decorator `completion_advantage` or `token_advantage`.
"""

from ttrl_agents.learning.advantages.completion import (
    batch_advantages,
    group_advantages,
    leave_one_out_advantages,
    length_weighted_advantages,
    mean_ratio_advantages,
    overlong_penalty,
)
from ttrl_agents.learning.advantages.registry import (
    ADVANTAGES,
    AdvantageInputs,
    completion_advantage,
    token_advantage,
)
from ttrl_agents.learning.advantages.token import (
    generalised_advantages,
    returns_to_go,
    token_rewards,
    whiten,
)

__all__ = [
    "ADVANTAGES",
    "AdvantageInputs",
    "batch_advantages",
    "completion_advantage",
    "generalised_advantages",
    "group_advantages",
    "leave_one_out_advantages",
    "length_weighted_advantages",
    "mean_ratio_advantages",
    "overlong_penalty",
    "returns_to_go",
    "token_advantage",
    "token_rewards",
    "whiten",
]
