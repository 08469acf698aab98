"""What consensus rewards for other libraries' trainers share.

- `resolve_benchmark`: a benchmark, its name, or the id of its environment, as a benchmark.
- `check_needs`: raises for a reward that needs more than a trainer tells, or brings more than it
  takes.
- `check_rewards_alone`: raises for a verdict that a trainer would misread or silently drop.
- `check_trainable`: all of it before the first vote, and that a reward remembers nothing.
"""

from __future__ import annotations

import gymnasium as gym

from ttrl_benchmarks import Benchmark, load_benchmark
from ttrl_env.completion import Completion
from ttrl_env.consensus import Estimator, Verdict, judge
from ttrl_env.consensus.cards import brings_of, needs_of
from ttrl_env.consensus.rewards.inner import remembers
from ttrl_env.registration import benchmark_of

__all__ = ["check_needs", "check_rewards_alone", "check_trainable", "resolve_benchmark"]

_OUT_OF_REACH = {
    "log-probs": "the log-probabilities of the tokens",
    "token statistics": "statistics of each token",
    "two prompts": "two wordings of each question",
}


def resolve_benchmark(benchmark: str | Benchmark) -> Benchmark:
    """Returns the benchmark that is meant.

    Args:
        benchmark: A benchmark, its name, or the id of its environment.

    Raises:
        BenchmarkError: There is no such benchmark, or it has options to give: load it yourself.
    """
    if isinstance(benchmark, Benchmark):
        return benchmark
    return benchmark_of(benchmark) if benchmark in gym.registry else load_benchmark(benchmark)


def check_needs(estimator: Estimator, trainer: str, *, log_probs: bool = False) -> None:
    """Checks that a reward needs no more than completions, and brings no more than rewards.

    Args:
        estimator: The reward.
        trainer: Who does not tell more, for the message; a plural.
        log_probs: Whether it tells the log-probabilities of the tokens.

    Raises:
        ValueError: It needs more, or may bring advantages or weights of its own.
    """
    for need in needs_of(estimator):
        if need in _OUT_OF_REACH and not (log_probs and need == "log-probs"):
            raise ValueError(
                f"{estimator!r} needs {_OUT_OF_REACH[need]}, which {trainer} do not give to reward "
                "functions; choose another reward, or train with ttrl_agents"
            )
    if brought := brings_of(estimator):
        raise ValueError(
            f"{estimator!r} gives {' and '.join(brought)} of its own, but {trainer} take rewards "
            "alone and compute advantages themselves; choose another reward, or train with "
            "ttrl_agents"
        )


def check_rewards_alone(estimator: Estimator, verdict: Verdict, trainer: str) -> None:
    """Checks that a verdict has nothing beyond rewards.

    Args:
        estimator: The reward.
        verdict: What it said.
        trainer: Who takes rewards alone, for the message.

    Raises:
        ValueError: The verdict has advantages or weights.
    """
    for own in ("advantages", "weights"):
        if getattr(verdict, own) is not None:
            raise ValueError(
                f"{estimator!r} gives {own}, but {trainer} takes rewards alone and computes "
                "advantages itself; choose another reward, or train with ttrl_agents"
            )


def check_trainable(estimator: Estimator, benchmark: Benchmark, trainer: str) -> None:
    """Checks, by a vote on made-up completions, that a trainer can use a reward.

    Args:
        estimator: The reward.
        benchmark: Whose first question the vote is on.
        trainer: Whose trainer it is, for the message.

    Raises:
        ValueError: The reward needs more than completions, has advantages or weights, or remembers
            earlier votes.
    """
    check_needs(estimator, f"the trainers of {trainer}", log_probs=True)
    if remembers(estimator):
        raise ValueError(
            f"{estimator!r} remembers earlier votes, but {trainer} may score in several processes, "
            "of which each would remember its own; choose another reward, or train with ttrl_agents"
        )
    texts = [r"\boxed{1}", r"\boxed{1}", r"\boxed{2}", ""]
    completions = [Completion(text, token_ids=[0], log_probs=[-1.0]) for text in texts]
    _, verdict = judge(estimator, completions, benchmark.questions[0], benchmark.unlabeled())
    check_rewards_alone(estimator, verdict, trainer)
