"""The prompts of a run: at one date, short enough for the model, and the same when it resumes.

- `fix_date`: the options with the date that the chat template of a run gets.
- `RunPrompts`: the questions whose prompts fit, and the fingerprints of what is asked.
- `prepare_prompts`: makes them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.distributed.world import world
from ttrl_agents.errors import AgentError
from ttrl_agents.policy.policy import Policy
from ttrl_agents.policy.prompts import check_room, encode_questions
from ttrl_agents.run.checkpoint import TrainerState
from ttrl_agents.run.env_questions import without_long_prompts
from ttrl_agents.samplers import engine_limit
from ttrl_benchmarks import Benchmark
from ttrl_benchmarks.digest import prompts_digest

__all__ = ["RunPrompts", "fix_date", "prepare_prompts"]


@dataclass(frozen=True)
class RunPrompts:
    """The questions of a run whose prompts fit.

    Attributes:
        benchmark: The questions to train on.
        held_out: Those to measure transfer on, or `None`.
        left_out: How many questions to train on were too long.
        questions: The digest of the former as a person reads them.
        prompts: Their digest as the model reads them.
    """

    benchmark: Benchmark
    held_out: Benchmark | None
    left_out: int
    questions: str
    prompts: str


def fix_date(
    config: TrainConfig, policy: Policy, state: TrainerState, saved: Path | None
) -> TrainConfig:
    """Returns the options with the date of the run, if its chat template asks for one.

    Args:
        config: The options.
        policy: The model, whose template gets the date.
        state: The state of the run.
        saved: The checkpoint that the run resumes from, if any.

    Raises:
        AgentError: The run was begun by a version that kept no date.
    """
    if not policy.template.tells_date:
        return config
    kept = config.template_date or state.options.get("template_date")
    if kept is None and saved is not None:
        raise AgentError(
            f"The chat template of model {policy.name!r} tells the date, and the run of {saved} "
            "has not kept the one that it began with. Give that with --template-date, or begin "
            "another run."
        )
    kept = world().broadcast(kept or date.today().isoformat())
    policy.template.set_date(kept)
    policy.forget_prompts()
    return replace(config, template_date=kept)


def prepare_prompts(
    config: TrainConfig,
    policy: Policy,
    benchmark: Benchmark,
    held_out: Benchmark | None,
    state: TrainerState,
    saved: Path | None,
) -> RunPrompts:
    """Encodes every prompt of a run, before its first step.

    Args:
        config: The options.
        policy: The model.
        benchmark: The questions to train on.
        held_out: Those to measure transfer on, if any.
        state: The state of the run.
        saved: The checkpoint that the run resumes from, if any.

    Raises:
        AgentError: Prompts are too long for the model, or are others than those of the checkpoint.
    """
    whole = benchmark
    limit = config.max_prompt_tokens
    if limit is not None:
        benchmark = without_long_prompts(benchmark, policy, limit)
        held_out = None if held_out is None else without_long_prompts(held_out, policy, limit)
    encoded = encode_questions(policy, benchmark)
    engine = engine_limit(policy, config)
    check_room(policy, benchmark.questions, encoded.lengths, config.max_tokens, engine_limit=engine)
    if held_out is not None and config.evaluate:
        lengths = encode_questions(policy, held_out).lengths
        check_room(policy, held_out.questions, lengths, config.max_tokens, engine_limit=engine)
    found = RunPrompts(
        benchmark,
        held_out,
        len(whole) - len(benchmark),
        prompts_digest(benchmark),
        encoded.digest,
    )
    if saved is not None:
        before = state.options.get("max_prompt_tokens")
        if before == limit:
            _check_same(config, saved, state, found.questions, found.prompts)
        else:
            asked = whole if before is None else without_long_prompts(whole, policy, before)
            prompts = encode_questions(policy, asked).digest
            _check_same(config, saved, state, prompts_digest(asked), prompts)
    return found


def _check_same(
    config: TrainConfig, saved: Path, state: TrainerState, questions: str, prompts: str
) -> None:
    if state.questions != questions:
        raise AgentError(
            f"Checkpoint {saved} was trained on other questions than those that "
            f"{config.env} asks now. Bring the file of questions back, or begin another run."
        )
    if state.prompts not in ("", prompts):  # older checkpoints have none
        raise AgentError(
            f"Checkpoint {saved} was trained on other prompts: the same questions, and another "
            "chat template or tokenizer. Bring those back, or begin another run."
        )
