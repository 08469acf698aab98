"""The environments.

- `TTRLEnv`: one question at a time, asked once for each vote.
- `TTRLVectorEnv`: many completions of many questions in one step.
- `TokenVectorEnv`, `TokenCodec`: the same, written one token a step.
- `QuestionOrder`: which question comes when.
"""

from ttrl_env.envs.question_env import TTRLEnv
from ttrl_env.envs.question_order import QuestionOrder
from ttrl_env.envs.token_codec import TokenCodec
from ttrl_env.envs.token_env import TokenVectorEnv
from ttrl_env.envs.vector_env import TTRLVectorEnv, make_vector_env

__all__ = [
    "QuestionOrder",
    "TTRLEnv",
    "TTRLVectorEnv",
    "TokenCodec",
    "TokenVectorEnv",
    "make_vector_env",
]
