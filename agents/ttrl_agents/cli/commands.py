"""The commands of `ttrl`; nothing heavy is imported before a command runs.

- `commands_for`: all commands by name, for a command line.

- `train`: trains a model.
- `eval`, `compare`: measures one; compares two measurements.
- `probe`: whether a model is fit to learn without labels from some questions.
- `report`: a run as one HTML file.
- `votes`, `revote`: shows the votes; votes stored completions again under other rewards.
- `benchmarks`, `fetch`: list the benchmarks and download them.
- `plan`: the GPU memory that a run would need.
- `rewards`: how votes become rewards.
- `grade`, `extract`: how answers are read, step by step.
- `course`: the lessons of the course.
- `doctor`: what this machine has, and what is missing for what.
"""

from collections.abc import Callable, Sequence
from typing import Any

from ttrl_agents.cli.answers import extract, grade
from ttrl_agents.cli.benchmarks import benchmarks, fetch
from ttrl_agents.cli.compare import compare
from ttrl_agents.cli.course import course
from ttrl_agents.cli.doctor import doctor
from ttrl_agents.cli.eval import evaluate
from ttrl_agents.cli.help_text import join_option_help
from ttrl_agents.cli.plan import plan
from ttrl_agents.cli.probe import probe
from ttrl_agents.cli.report import report
from ttrl_agents.cli.revote import revote
from ttrl_agents.cli.rewards import rewards
from ttrl_agents.cli.train import train_command
from ttrl_agents.cli.votes import votes
from ttrl_agents.config.algorithms import Algorithm
from ttrl_agents.config.eval_config import EvalConfig
from ttrl_agents.config.probe_config import ProbeConfig
from ttrl_agents.config.train_config import TrainConfig

__all__ = ["commands_for"]

_COMMANDS: dict[str, Callable[..., Any]] = {
    "eval": evaluate,
    "compare": compare,
    "probe": probe,
    "report": report,
    "votes": votes,
    "revote": revote,
    "benchmarks": benchmarks,
    "fetch": fetch,
    "plan": plan,
    "rewards": rewards,
    "grade": grade,
    "extract": extract,
    "course": course,
    "doctor": doctor,
}


def commands_for(arguments: Sequence[str]) -> dict[str, Callable[..., Any]]:
    """Returns the commands by name.

    Args:
        arguments: The command line; the preset or run that it names sets the defaults of `train`.

    Raises:
        AgentError: That preset or run cannot be loaded.
    """
    own = arguments[1:] if arguments[:1] == ["train"] else ()
    join_option_help(TrainConfig, Algorithm)
    join_option_help(EvalConfig)
    join_option_help(ProbeConfig)
    return {"train": train_command(own), **_COMMANDS}
