"""Test-time reinforcement learning (TTRL, arXiv 2504.16084) as Gymnasium environments.

Importing this package registers its environments:

    import gymnasium as gym, ttrl_env
    env = gym.make("TTRL-AIME24-v0", group_size=16)
    envs = gym.make_vec("TTRL-AIME24-v0", num_envs=8 * 64, group_size=64)

- `envs`: the environments, single and vectorized; a second wording of each question.
- `answers`: from a completion to its answer, and from an answer to its canonical key.
- `consensus`: ballots and the label-free rewards computed on them.
- `wrappers`: the consensus reward, label metrics, token ids as actions, records.
- `integrations`: other libraries' trainers on these environments and rewards.
- `records`: recorded votes on the disk.
- `rendering`: the vote as text and as an image.
- `testing`: a checker for any vector environment.
- `spaces`, `prompt`, `completion`: observations and actions.
- `registration`: the environment ids, one for each benchmark.
"""

from ttrl_env.completion import Completion
from ttrl_env.envs import TokenCodec, TokenVectorEnv, TTRLEnv, TTRLVectorEnv
from ttrl_env.prompt import Prompt
from ttrl_env.registration import ENV_IDS, register_envs
from ttrl_env.spaces import UnicodeText
from ttrl_env.wrappers import (
    ConsensusReward,
    LabelMetrics,
    RecordRollouts,
    TokenActions,
    benchmark_with_labels,
    finished_info,
    read_rollouts,
)

__all__ = [  # noqa: RUF022 - grouped by subject
    # environments
    "ENV_IDS",
    "TTRLEnv",
    "TTRLVectorEnv",
    "TokenCodec",
    "TokenVectorEnv",
    # wrappers
    "ConsensusReward",
    "LabelMetrics",
    "RecordRollouts",
    "TokenActions",
    "benchmark_with_labels",
    "finished_info",
    "read_rollouts",
    # observations and actions
    "Completion",
    "Prompt",
    "UnicodeText",
]

register_envs()
