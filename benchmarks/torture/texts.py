"""Hostile completions: whatever a model may write, given to an environment as votes.

- `Texts`: a step of an environment on completions that generators make up.
"""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

import numpy as np
from tally import Tally

sys.path.insert(0, str(Path(__file__).parents[1] / "speed"))

from fuzz_answers import characters, completion, damaged, soup

_VOTES = 64
_SLOW = 2.0  # seconds for a step, on a machine that may be busy
_FORMATS = ("TTRL-Arithmetic-v0", "TTRL-Questions-v0")


class Texts:
    """Steps an environment with hostile completions."""

    def __init__(self) -> None:
        held = f"no error, votes and rewards in range, {_SLOW:g} s at most a step of {_VOTES}"
        self.tally = Tally("fuzzed completions", "completions", held)
        from ttrl_env.envs.asking import MAX_LENGTH

        self._longest = MAX_LENGTH
        self._envs = [self._make(answer_format) for answer_format in ("integer", "latex", "choice")]

    def trial(self, folder: Path, rng: random.Random) -> None:  # noqa: ARG002 - needs no files
        """Takes one step with 64 completions."""
        make = rng.choice([characters, soup, completion, damaged])
        texts = [make(rng) for _ in range(_VOTES)]
        # Votes that repeat, as those of a model do, also with a box around them.
        texts = [rng.choice(texts) if rng.random() < 0.3 else each for each in texts]
        texts = [rf"\boxed{{{each}}}" if rng.random() < 0.3 else each for each in texts]
        texts = [each[: self._longest] for each in texts]  # a sampler's token limit is far below
        envs = rng.choice(self._envs)
        problems = []
        began = time.thread_time()
        try:
            _, rewards, _, _, infos = envs.step(texts)
        except Exception as error:  # noqa: BLE001 - whatever is raised is what is looked for
            problems.append(f"{type(error).__name__}: {error}: {texts!a:.300}")
            envs.reset(seed=0)
        else:
            votes = infos["final_info"]["vote"]
            if not (np.isfinite(rewards).all() and (votes < _VOTES).all() and (votes >= -1).all()):
                problems.append(f"rewards {rewards}, votes {votes}: {texts!a:.300}")
        spent = time.thread_time() - began
        if spent > _SLOW:
            problems.append(f"{spent:.1f} s for a step: {texts!a:.300}")
        self.tally.add(_VOTES, problems)

    @staticmethod
    def _make(answer_format: str) -> object:
        from ttrl_benchmarks import Benchmark, Question
        from ttrl_env import ConsensusReward, TTRLVectorEnv

        options = ("1", "2", "3", "4") if answer_format == "choice" else None
        question = Question("q", "What is 1 + 1?", options=options)
        benchmark = Benchmark("hostile", (question,), answer_format=answer_format)
        envs = ConsensusReward(TTRLVectorEnv(_VOTES, benchmark, _VOTES))
        envs.reset(seed=0)
        return envs
