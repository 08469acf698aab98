"""Training a language model token by token with Stable-Baselines3.

- `make_token_envs`, `token_codec`: an environment that a policy writes into.
- `CausalLMActorCriticPolicy`: the language model as a policy of Stable-Baselines3.
- `CompletionRolloutBuffer`: minibatches of whole completions, without padding.
- `VoteMetrics`: logs what the votes show.

Needs the extra `sb3`. Internal: `prefix_cache` and `ragged_layer` (while acting, no token is read
twice), `sequences` (the same while learning).
"""

from ttrl_agents.sb3.actor_critic import CausalLMActorCriticPolicy
from ttrl_agents.sb3.buffer import CompletionRolloutBuffer
from ttrl_agents.sb3.environments import make_token_envs, token_codec
from ttrl_agents.sb3.vote_callback import VoteMetrics

__all__ = [
    "CausalLMActorCriticPolicy",
    "CompletionRolloutBuffer",
    "VoteMetrics",
    "make_token_envs",
    "token_codec",
]
