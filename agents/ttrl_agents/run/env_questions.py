"""The questions and the environments of a run.

- `load_questions`: the questions to train on, and those to measure transfer on.
- `asked_questions`: those that the options of a run or an evaluation name.
- `without_long_prompts`: a benchmark without the questions whose prompts are too long.
- `questions_of`: the benchmark of an environment id.
- `held_out_split`: the name of a benchmark's own held-out split, if it has one.
- `check_reward`: whether the reward can be computed with the options of a run.
- `make_environments`: the vector environment of a run.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
from gymnasium.vector import VectorEnv

from ttrl_agents.config.options import SharedOptions
from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.errors import AgentError
from ttrl_agents.policy.policy import Policy
from ttrl_agents.policy.prompts import encode_questions
from ttrl_agents.run.overlap import warn_of_overlap
from ttrl_agents.seeds import Stream, derive_seed
from ttrl_benchmarks import Benchmark, benchmark_card, benchmark_options
from ttrl_env.consensus import reward_needs
from ttrl_env.envs import TTRLEnv
from ttrl_env.registration import ENV_IDS, check_env_id
from ttrl_env.wrappers import LabelMetrics, benchmark_with_labels

__all__ = [
    "asked_questions",
    "check_reward",
    "held_out_split",
    "load_questions",
    "make_environments",
    "questions_of",
    "without_long_prompts",
]

_SET_BY_THE_RUN = frozenset(inspect.signature(TTRLEnv).parameters)


def load_questions(config: TrainConfig) -> tuple[Benchmark, Benchmark | None]:
    """Returns the questions to train on, and those to measure transfer on, if there are any.

    The latter are those of `held_out_env`, else the benchmark's own held-out split, else a share
    `held_out` of its questions, which are then not trained on.

    Raises:
        AgentError: An option is given twice, or does not fit the environment.
        BenchmarkError: The questions cannot be loaded.
    """
    benchmark = asked_questions(config)
    if config.held_out_env is not None:
        other = replace(config, env=config.held_out_env, data=config.held_out_data, env_options={})
        if config.held_out_env != config.env:
            other = replace(other, duplicates=None)
        held_out = asked_questions(other)
        warn_of_overlap(benchmark, held_out)
        return benchmark, held_out
    split = held_out_split(config.env)
    if split is not None and config.env_options.get("split") != split:
        return benchmark, asked_questions(
            replace(config, env_options={**config.env_options, "split": split})
        )
    if config.held_out == 0:
        return benchmark, None
    held_out, train = benchmark.split(config.held_out, derive_seed(config.seed, Stream.SPLIT))
    return train, held_out


def asked_questions(config: SharedOptions, *, split: str | None = None) -> Benchmark:
    """Returns the questions that the options of a run or an evaluation name.

    Args:
        config: The options.
        split: `"train"` or `"held_out"`, for benchmarks that have splits of their own.

    Raises:
        AgentError: An option is given twice, or does not fit the environment.
        BenchmarkError: The questions cannot be loaded.
    """
    options = dict(config.env_options)
    if config.duplicates is not None:
        if "duplicates" in options:
            raise AgentError("duplicates is given twice; leave it out of --env-options.")
        options["duplicates"] = config.duplicates
    benchmark = questions_of(config.env, data=config.data, split=split, options=options)
    return _instructed(benchmark, config.instruction)


def without_long_prompts(benchmark: Benchmark, policy: Policy, limit: int) -> Benchmark:
    """Returns the questions whose prompts have at most `limit` tokens.

    Raises:
        AgentError: There are no such questions.
    """
    lengths = encode_questions(policy, benchmark).lengths
    fit = {
        question.id
        for question, length in zip(benchmark.questions, lengths, strict=True)
        if length <= limit
    }
    if not fit:
        raise AgentError(
            f"--max-prompt-tokens {limit} leaves no question: the shortest prompt has "
            f"{min(lengths)} tokens."
        )
    return benchmark.filter(lambda question: question.id in fit)


def questions_of(
    env_id: str,
    *,
    data: Path | None = None,
    split: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Benchmark:
    """Returns the benchmark of an environment.

    Args:
        env_id: The environment.
        data: The file of questions, for benchmarks that have one.
        split: `"train"` or `"held_out"`, for benchmarks that have splits of their own.
        options: More options of the benchmark itself.

    Raises:
        AgentError: The environment asks no questions, has no splits, or an option is given twice
            or is not the benchmark's.
        BenchmarkError: The benchmark has no such option, or cannot be loaded.
        UnknownNameError: There is no such environment.
    """
    check_env_id(env_id)
    if split is not None and held_out_split(env_id) is None:
        raise AgentError(f"Environment {env_id!r} has no split of its own; leave out --split.")
    given = {"path": data, "split": split}
    named: dict[str, Any] = {name: each for name, each in given.items() if each is not None}
    more = dict(options or {})
    for name in more:
        if name in named:
            raise AgentError(f"{name} is given twice; leave it out of --env-options.")
        if name in _SET_BY_THE_RUN:
            raise AgentError(
                f"--env-options takes options of the benchmark; {name} is the environment's, and "
                "the run sets it."
            )
    _check_file(env_id, {**named, **more})
    try:
        env = gym.make(env_id, **named, **more)
    except TypeError as error:
        if not more:
            raise
        raise AgentError(f"Environment {env_id!r} refuses --env-options: {error}") from error
    try:
        return benchmark_with_labels(env)
    except ValueError as error:
        raise AgentError(
            f"Environment {env_id!r} asks no questions. Use one of {', '.join(ENV_IDS)}, or "
            "register your own with the entry points of ttrl_env."
        ) from error


def _check_file(env_id: str, options: Mapping[str, Any]) -> None:
    """Checks that a file of questions is given where one is taken, and only there."""
    given = {**gym.spec(env_id).kwargs, **options}
    name = given.get("benchmark")
    if not isinstance(name, str):
        return
    needed = benchmark_options(name).get("path")
    if needed is None and "path" in options:
        raise AgentError(
            f"Environment {env_id!r} takes no file of questions, and --data {options['path']} was "
            f"given; for questions of your own give --env {benchmark_card('questions').env_id} too."
        )
    if needed and "path" not in given:
        raise AgentError(
            f"Environment {env_id!r} asks questions of a file; name it with --data FILE."
        )


def held_out_split(env_id: str) -> str | None:
    """Returns the name of a benchmark's own held-out split, if it has one.

    >>> held_out_split("TTRL-Arithmetic-v0"), held_out_split("TTRL-AIME24-v0")
    ('held_out', None)
    """
    name = gym.spec(env_id).kwargs.get("benchmark")
    return benchmark_card(name).held_out_split if isinstance(name, str) else None


def check_reward(config: TrainConfig) -> None:
    """Checks, before anything is loaded, that the reward has what it needs.

    Raises:
        AgentError: It needs two wordings of each question, and the options do not provide them.
        RewardError: There is no such reward, or its options are wrong.
    """
    if "two prompts" not in reward_needs(config.reward) and config.rephrase is None:
        return
    if config.rephrase is None:
        raise AgentError(
            f"--reward {config.reward} compares two wordings of each question; say which with "
            "--rephrase arithmetic, or a JSON file of paraphrases by question."
        )
    if config.n_votes % 2:
        raise AgentError(
            f"--rephrase shows each wording to half of the votes, so --n-votes must be even, not "
            f"{config.n_votes}."
        )
    if config.n_train is not None:
        raise AgentError("--rephrase trains on both halves of the votes; leave out --n-train.")


def make_environments(config: TrainConfig, benchmark: Benchmark) -> VectorEnv[Any, Any, Any]:
    """Returns the vector environment of a run, with the label metrics around it.

    Args:
        config: The options of the run.
        benchmark: The questions to train on.
    """
    envs = gym.make_vec(
        config.env,
        num_envs=config.questions_per_step * config.n_votes,
        group_size=config.n_votes,
        reward=config.reward,
        rephrase=config.rephrase,
        benchmark=benchmark,
    )
    return LabelMetrics(envs)


def _instructed(benchmark: Benchmark, instruction: str | None) -> Benchmark:
    return benchmark if instruction is None else replace(benchmark, instruction=instruction)
