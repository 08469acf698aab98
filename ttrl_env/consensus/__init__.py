"""Label-free rewards: a group's votes in, its rewards out.

- `Ballot`, `hold_vote`: the votes of one group, and how they are counted.
- `Verdict`: the rewards of a group, its pseudo-label, and whether it abstains.
- `Estimator`: the type of a reward, `(Ballot) -> Verdict`.
- `judge`, `check_verdict`: from completions to ballot and verdict; what a verdict has to be.
- The rewards, one file each in `rewards/`: by votes `Majority`, `SoftMajority`, `EMPO`, `SCRL`,
  `RESTRAIN`, `DDRL`, `DeepConf`, `DivTTRL`, `EvolRL`, `Scope`; with a second opinion
  `CoRewarding`, `SelfHarmony`, `VerifierWeighted`; around another `EntropyFilter`,
  `EntropyShaped`, `Guard`, `HeldVote`, `LabelBudget`; a `WeightedSum`; by certainty alone
  `SelfCertainty`, `NegativeEntropy`; as controls `Oracle`, `Random`, `FormatOnly`, `Constant`.
- `REWARDS`, `register_estimator`, `unregister_estimator`, `find_reward`, `reward_needs`,
  `rewards_inside`, `resolve_estimator`: rewards by name; `RewardCard` and `RewardEntry` are
  what is known of one.
- `Diagnostics`: what the votes alone say about a run.
- `RewardError`: what is wrong with a reward, and what to do.
"""

from ttrl_env.consensus.ballot import Ballot, hold_vote
from ttrl_env.consensus.cards import RewardCard, RewardEntry
from ttrl_env.consensus.diagnostics import Diagnostics
from ttrl_env.consensus.errors import RewardError
from ttrl_env.consensus.registry import (
    REWARDS,
    find_reward,
    register_estimator,
    resolve_estimator,
    reward_needs,
    rewards_inside,
    unregister_estimator,
)
from ttrl_env.consensus.rewards.co_rewarding import CoRewarding
from ttrl_env.consensus.rewards.constant import Constant
from ttrl_env.consensus.rewards.ddrl import DDRL
from ttrl_env.consensus.rewards.deepconf import DeepConf
from ttrl_env.consensus.rewards.div_ttrl import DivTTRL
from ttrl_env.consensus.rewards.empo import EMPO
from ttrl_env.consensus.rewards.entropy_filter import EntropyFilter
from ttrl_env.consensus.rewards.entropy_shaped import EntropyShaped
from ttrl_env.consensus.rewards.evol_rl import EvolRL
from ttrl_env.consensus.rewards.format_only import FormatOnly
from ttrl_env.consensus.rewards.guard import Guard
from ttrl_env.consensus.rewards.held import HeldVote
from ttrl_env.consensus.rewards.label_budget import LabelBudget
from ttrl_env.consensus.rewards.majority import Majority
from ttrl_env.consensus.rewards.negative_entropy import NegativeEntropy
from ttrl_env.consensus.rewards.oracle import Oracle
from ttrl_env.consensus.rewards.random import Random
from ttrl_env.consensus.rewards.restrain import RESTRAIN
from ttrl_env.consensus.rewards.scope import Scope
from ttrl_env.consensus.rewards.scrl import SCRL
from ttrl_env.consensus.rewards.self_certainty import SelfCertainty
from ttrl_env.consensus.rewards.self_harmony import SelfHarmony
from ttrl_env.consensus.rewards.soft_majority import SoftMajority
from ttrl_env.consensus.rewards.verified import EquationVerifier, Verifier, VerifierWeighted
from ttrl_env.consensus.rewards.weighted_sum import WeightedSum
from ttrl_env.consensus.verdict import Estimator, Verdict, check_verdict, judge

__all__ = [  # noqa: RUF022 - grouped by subject
    # votes and verdicts
    "Ballot",
    "Estimator",
    "Verdict",
    "check_verdict",
    "hold_vote",
    "judge",
    # rewards by votes
    "DDRL",
    "DivTTRL",
    "EMPO",
    "EvolRL",
    "Majority",
    "RESTRAIN",
    "SCRL",
    "SoftMajority",
    # rewards that ask how sure the model is
    "DeepConf",
    "NegativeEntropy",
    "Scope",
    "SelfCertainty",
    # rewards with a second opinion
    "CoRewarding",
    "EquationVerifier",
    "SelfHarmony",
    "Verifier",
    "VerifierWeighted",
    # rewards around another
    "EntropyFilter",
    "EntropyShaped",
    "Guard",
    "HeldVote",
    "LabelBudget",
    "WeightedSum",
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
    "rewards_inside",
    "unregister_estimator",
]
