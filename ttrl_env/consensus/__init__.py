"""Label-free rewards: a group's votes in, its rewards out.

- `Ballot`: the votes of one group.
- `Verdict`: the rewards of a group, its pseudo-label, and whether it abstains.
- `Estimator`: the type of a reward, `(Ballot) -> Verdict`.
- `hold_vote`: from completions to a ballot.
- `Majority`, `Oracle`, `Random`: the rewards; the latter two are controls.
- `Diagnostics`: what the votes alone say about a run.
- `REWARDS`, `resolve_estimator`: rewards by name.
"""

from ttrl_env.consensus.ballot import Ballot, Estimator, Verdict, hold_vote
from ttrl_env.consensus.controls import Oracle, Random
from ttrl_env.consensus.diagnostics import Diagnostics
from ttrl_env.consensus.majority import Majority
from ttrl_env.consensus.registry import REWARDS, resolve_estimator

__all__ = [
    "REWARDS",
    "Ballot",
    "Diagnostics",
    "Estimator",
    "Majority",
    "Oracle",
    "Random",
    "Verdict",
    "hold_vote",
    "resolve_estimator",
]
