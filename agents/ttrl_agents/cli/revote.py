"""`ttrl revote`: stored completions voted on again, under any reward.

- `revote`: the command.
"""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from rich.table import Table
from rich.text import Text

from ttrl_agents.cli.console import CommandConsole
from ttrl_agents.errors import AgentError
from ttrl_benchmarks.printable import counted, plain_text
from ttrl_env.consensus import REWARDS, find_reward

if TYPE_CHECKING:
    from ttrl_agents.evaluate.folder import EvaluationFolder
    from ttrl_agents.evaluate.revote import Revote, RewardScores
    from ttrl_agents.evaluate.statistics import Interval

__all__ = ["revote"]

_ALL = "all"
_WIDTH_OF_ANSWERS = 24


def revote(
    folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")],
    reward: tuple[str, ...] = (_ALL,),
    questions: int = 5,
    data: Path | None = None,
    json: bool = False,
) -> None:
    """Votes stored completions again under other rewards, side by side. It needs no model.

    Prints for each reward the mean reward; the share of questions on which it is silent, since it
    abstains or rewards all completions alike; how many pseudo-labels are not the most frequent
    answer; and where labels exist, label accuracy (pseudo-labels that are right) and reward
    accuracy (rewards that equal those of the label, 1 or 0), with 95 % intervals over questions.
    Rewards that need what is not stored are named with the reason.

    Args:
        folder: The output folder of ttrl eval, RUN/evaluations/before or the like, or a run
            directory of ttrl train, for its evaluation at the end.
        reward: The rewards, as --reward of ttrl train takes them, e.g. majority
            "majority(tie=abstain)" empo; or all of them.
        questions: How many of the questions on which the rewards elect different pseudo-labels to
            show.
        data: The file of the questions, if it is no longer where it was.
        json: Print one JSON object for each evaluation, with the pseudo-labels of all questions.
    """
    from ttrl_agents.evaluate.folder import find_evaluations
    from ttrl_agents.evaluate.revote import benchmark_of
    from ttrl_agents.evaluate.revote import revote as vote_again

    rewards = _rewards(reward)
    console = CommandConsole()
    for stored in find_evaluations(folder).values():
        results = stored.read().results
        found = vote_again(results, benchmark_of(stored, data), rewards)
        if not found.scores:
            reasons = "; ".join(f"{name}: {reason}" for name, reason in found.reasons.items())
            raise AgentError(f"No reward can be computed on {stored.path}. {reasons}")
        if json:
            print(_as_json(stored, found))  # noqa: T201
        else:
            _print(console, stored, found, questions)


def _rewards(given: tuple[str, ...]) -> list[str]:
    """Returns the rewards that are asked for; a wrong name raises before anything is read."""
    if not given:
        raise AgentError("--reward needs a name, or all; ttrl rewards lists the names.")
    rewards: list[str] = []
    for each in given:
        if each != _ALL:
            find_reward(each)
        rewards += REWARDS if each == _ALL else [each]
    return rewards


def _as_json(stored: EvaluationFolder, found: Revote) -> str:
    config = stored.config()
    pseudo_labels = {
        question: {name: each.pseudo_labels[place] for name, each in found.scores.items()}
        for place, question in enumerate(found.questions)
    }
    values: dict[str, Any] = {
        "folder": str(stored.path),
        **{name: config[name] for name in ("benchmark", "k", "temperature", "top_p")},
        "questions": len(found.questions),
        "rewards": {name: each.to_dict() for name, each in found.scores.items()},
        "not_computable": dict(found.reasons),
        "pseudo_labels": pseudo_labels,
    }
    return json_module.dumps(values)


def _print(
    console: CommandConsole, stored: EvaluationFolder, found: Revote, questions: int
) -> None:
    from ttrl_agents.evaluate.setting import SamplingSetting

    config = stored.config()
    console.print(
        Text(
            f"{config['benchmark']}, {stored.path}: "
            f"{counted(len(found.questions), 'question')} x {counted(config['k'], 'vote')}, "
            f"{SamplingSetting.of(config).title}",
            style="bold",
        ),
        soft_wrap=True,
    )
    console.print(_table(found))
    names: dict[str, list[str]] = {}
    for name, reason in found.reasons.items():
        names.setdefault(reason.rstrip("."), []).append(name)
    for reason, rewards in names.items():
        line = f"Not computable: {', '.join(rewards)} ({reason})."
        console.print(line, markup=False, soft_wrap=True)
    disputed = found.disputed()
    if disputed and questions > 0:
        console.print(
            f"The rewards elect different pseudo-labels on {len(disputed)} of "
            f"{len(found.questions)} questions; the most divided:",
            soft_wrap=True,
        )
        for place in disputed[:questions]:
            console.print(Text(_verdicts(found, place)), soft_wrap=True)


def _table(found: Revote) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    table.add_column("reward", overflow="fold")
    for name in ("mean", "silent", "changed"):
        table.add_column(name, justify="right", no_wrap=True)
    graded = any(each.label_accuracy or each.reward_accuracy for each in found.scores.values())
    if graded:
        for name in ("label accuracy", "reward accuracy"):
            table.add_column(name, justify="right", no_wrap=True)
    for name, each in found.scores.items():
        changed = "-" if each.unnamed == len(found.questions) else str(each.changed)
        cells = [f"{each.mean_reward:.3f}", f"{each.silent:.0%}", changed]
        if graded:
            cells += [_words(each.label_accuracy), _words(each.reward_accuracy)]
        table.add_row(Text(name), *map(Text, cells))
    return table


def _words(interval: Interval | None) -> str:
    if interval is None:
        return "-"
    return f"{interval.mean:.3f} [{interval.low:.2f}, {interval.high:.2f}]"  # 80 columns hold two


def _verdicts(found: Revote, place: int) -> str:
    """Returns which rewards elect which answer to a question, in a line."""
    names: dict[str, list[str]] = {}
    for name, each in found.electing().items():
        names.setdefault(_elected(each, place), []).append(name)
    parts = [f"{answer}: {', '.join(rewards)}" for answer, rewards in names.items()]
    return f"  {plain_text(found.questions[place], keep='')}  " + "; ".join(parts)


def _elected(scores: RewardScores, place: int) -> str:
    answer, right = scores.pseudo_labels[place], scores.right[place]
    if answer is None:
        return "none"
    words = plain_text(answer, keep="")
    if len(words) > _WIDTH_OF_ANSWERS:
        words = words[: _WIDTH_OF_ANSWERS - 1] + "…"
    return words if right is None else f"{words} ({'right' if right else 'wrong'})"
