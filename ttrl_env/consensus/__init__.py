"""Label-free rewards: a group's votes in, its rewards out.

- `Ballot`: the votes of one group.
- `Verdict`: the rewards of a group, its pseudo-label, and whether it abstains.
- `Estimator`: the type of a reward, `(Ballot) -> Verdict`.
- `hold_vote`, `check_verdict`: from completions to a ballot; what a verdict has to be.
- Rewards by votes: `Majority`, `SoftMajority`, `EMPO`, `SCRL`, `RESTRAIN`, `DDRL`.
- Rewards that ask how sure the model is: `DeepConf`, `SelfCertainty`, `NegativeEntropy`.
- Rewards with a second opinion: `CoRewarding`, `SelfHarmony`, `VerifierWeighted`.
- Rewards around another: `EntropyShaped`, `HeldVote`.
- Controls: `Oracle`, `Random`, `FormatOnly`, `Constant`.
- `REWARDS`, `register_estimator`, `unregister_estimator`, `find_reward`, `reward_needs`,
  `resolve_estimator`: rewards by name; `RewardCard` and `RewardEntry` are what is known of one.
- `Diagnostics`: what the votes alone say about a run.
- `RewardError`: what goes wrong with them.
"""

from ttrl_env.consensus.ballot import Ballot, Estimator, Verdict, check_verdict, hold_vote
from ttrl_env.consensus.cards import RewardCard, RewardEntry
from ttrl_env.consensus.diagnostics import Diagnostics
from ttrl_env.consensus.errors import RewardError
from ttrl_env.consensus.registry import (
    REWARDS,
    find_reward,
    register_estimator,
    resolve_estimator,
    reward_needs,
    unregister_estimator,
)
from ttrl_env.consensus.rewards.co_rewarding import CoRewarding, SelfHarmony
from ttrl_env.consensus.rewards.controls import Constant, FormatOnly, Oracle, Random
from ttrl_env.consensus.rewards.ddrl import DDRL
from ttrl_env.consensus.rewards.deepconf import DeepConf
from ttrl_env.consensus.rewards.empo import EMPO
from ttrl_env.consensus.rewards.entropy_shaped import EntropyShaped
from ttrl_env.consensus.rewards.held import HeldVote
from ttrl_env.consensus.rewards.majority import Majority
from ttrl_env.consensus.rewards.restrain import RESTRAIN
from ttrl_env.consensus.rewards.scrl import SCRL
from ttrl_env.consensus.rewards.self_certainty import NegativeEntropy, SelfCertainty
from ttrl_env.consensus.rewards.soft_majority import SoftMajority
from ttrl_env.consensus.rewards.verified import EquationVerifier, Verifier, VerifierWeighted

__all__ = [  # noqa: RUF022 - grouped by subject
    # votes and verdicts
    "Ballot",
    "Estimator",
    "Verdict",
    "check_verdict",
    "hold_vote",
    # rewards by votes
    "DDRL",
    "EMPO",
    "Majority",
    "RESTRAIN",
    "SCRL",
    "SoftMajority",
    # rewards that ask how sure the model is
    "DeepConf",
    "NegativeEntropy",
    "SelfCertainty",
    # rewards with a second opinion
    "CoRewarding",
    "EquationVerifier",
    "SelfHarmony",
    "Verifier",
    "VerifierWeighted",
    # rewards around another
    "EntropyShaped",
    "HeldVote",
    # controls
    "Constant",
    "FormatOnly",
    "Oracle",
    "Random",
    # instruments
    "Diagnostics",
    # by name
    "REWARDS",
    "RewardCard",
    "RewardEntry",
    "RewardError",
    "find_reward",
    "register_estimator",
    "resolve_estimator",
    "reward_needs",
    "unregister_estimator",
]
