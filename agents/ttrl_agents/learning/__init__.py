"""The policy-gradient agent: experience, advantages, losses, the update.

- `PolicyGradientAgent`: samples completions of prompts and learns from rollouts.
- `make_agent`: the agent that a configuration asks for.
"""

from ttrl_agents.learning.policy_gradient import PolicyGradientAgent, make_agent

__all__ = ["PolicyGradientAgent", "make_agent"]
