"""The name under which verifiers and prime-rl find the environment: `vf-eval ttrl-consensus`.

`ttrl_env.integrations.verifiers` says what is in it.
"""

from ttrl_env.integrations.verifiers import (
    AskOnce,
    BenchmarkTaskset,
    ConsensusEnv,
    load_environment,
)

__all__ = ["AskOnce", "BenchmarkTaskset", "ConsensusEnv", "load_environment"]
