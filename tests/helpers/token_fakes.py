"""A tokenizer that needs no model: ids 0 to 9 are digits, 10 ends, 11 pads."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from env_fakes import NO_ANSWER, boxed

from ttrl_env import TokenCodec, TokenVectorEnv

END, PAD, VOCABULARY = 10, 11, 12


def encode(prompt: str) -> list[int]:
    return [ord(letter) % 10 for letter in prompt.split("What is ")[-1][:3]]


def decode(ids: list[int]) -> str:
    digits = "".join(str(each) for each in ids if each < 10)
    return boxed(digits) if digits else NO_ANSWER


def codec() -> TokenCodec:
    return TokenCodec(encode, decode, VOCABULARY, (END,), PAD)


def random_tokens(envs: TokenVectorEnv, seed: int, steps: int) -> npt.NDArray[np.int64]:
    """Few digits and many ends, so that completions agree and differ in length."""
    choices = np.array([1, 1, 2, END, END, PAD])
    return np.random.default_rng(seed).choice(choices, size=(steps, envs.num_envs))
