"""Whether a laptop is ready for the course.

- `check_laptop`: tries out what the lessons need, and prints what to do where something fails.
- `TRIALS`: what is tried, in order.

It needs the Python standard library and the core of ttrl-env alone, so that it can say what else to
install.
"""

from __future__ import annotations

import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from pathlib import Path

from ttrl_agents.cli.requirements import DISTRIBUTION, installed_version, needs_of

__all__ = ["TRIALS", "FailedError", "Trial", "check_laptop"]

_OLDEST = (3, 11)
_SLOW = 20.0  # seconds; an idle laptop needs about one
_LEAST_FREE = 200 * 2**20
_INSTALL = f"pip install '{DISTRIBUTION}[agents]' (from a clone: pip install -e '.[agents]')"


class FailedError(Exception):
    """What is missing.

    Attributes:
        advice: What to do about it.
    """

    def __init__(self, said: str, advice: str) -> None:
        super().__init__(said)
        self.advice = advice


@dataclass(frozen=True)
class Trial:
    """One thing that the lessons need.

    Attributes:
        name: What it is.
        attempt: Tries it out in a folder of its own, returns what it saw, raises what failed.
        advice: What to do if it fails with an error that gives none.
    """

    name: str
    attempt: Callable[[Path], str]
    advice: str


def check_laptop(trials: Sequence[Trial] | None = None) -> int:
    """Tries out what the lessons need; returns the exit status.

    It ends with the first thing that fails, since what comes after needs it.

    Args:
        trials: What is tried; by default `TRIALS`.
    """
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for trial in TRIALS if trials is None else trials:
            try:
                seen = trial.attempt(Path(folder))
            except Exception as error:  # noqa: BLE001 - whatever fails here is reported
                advice = error.advice if isinstance(error, FailedError) else trial.advice
                said = str(error) if isinstance(error, FailedError) else _in_words(error)
                _print(f"FAILS {trial.name}: {said}")
                _print(f"      What to do: {advice}")
                return 1
            _print(f"ok    {trial.name}: {seen}")
    seconds = time.monotonic() - began
    _print(f"This computer is ready for the course ({seconds:.0f} s). Next: ttrl course list")
    return 0


def _python(_: Path) -> str:
    if sys.version_info < _OLDEST:
        wanted = ".".join(map(str, _OLDEST))
        raise FailedError(
            f"this is Python {platform.python_version()}", f"install Python {wanted} or newer"
        )
    return f"{platform.python_version()} on {platform.system()}"


def _packages(_: Path) -> str:
    try:
        needs = [*needs_of(""), *needs_of("agents")]
    except PackageNotFoundError as error:
        raise FailedError(f"{DISTRIBUTION} itself is not installed", _INSTALL) from error
    absent = [str(need) for need in needs if not need.is_met]
    if absent:
        raise FailedError(", ".join(absent), _INSTALL)
    shown = (f"{name} {installed_version(name)}" for name in ("torch", "transformers", "numpy"))
    return f"{len(needs)} are there, such as {', '.join(shown)}"


def _folder(_: Path) -> str:
    here = Path.cwd()
    advice = "go to a folder of your own, such as your home folder, and work there"
    try:
        with tempfile.TemporaryFile(dir=here) as file:
            file.write(b"a lesson saves its pictures and runs")
    except OSError as error:
        raise FailedError(f"{here} cannot be written to ({error.strerror})", advice) from error
    free = shutil.disk_usage(here).free
    if free < _LEAST_FREE:
        raise FailedError(
            f"{here} has {free / 2**20:.0f} MiB left",
            f"free some space: the runs of the course need {_LEAST_FREE // 2**20} MiB",
        )
    return f"{here} can be written to, and has {free / 2**30:.1f} GiB left"


def _sample(_: Path) -> str:
    from ttrl_agents.policy import load_policy
    from ttrl_agents.samplers import SamplingParams, TransformersSampler
    from ttrl_benchmarks.arithmetic import load

    benchmark = load("train", size=8)
    prompts = [benchmark.prompt(each) for each in benchmark.questions for _ in range(16)]
    sampler = TransformersSampler(load_policy("tiny"))
    began = time.monotonic()
    completions = sampler.sample(prompts, SamplingParams(max_tokens=64), seed=0)
    return f"{len(completions)} completions in {time.monotonic() - began:.1f} s"


def _train(folder: Path) -> str:
    from ttrl_agents.config import TrainConfig
    from ttrl_agents.trainer import Trainer

    began = time.monotonic()
    config = TrainConfig(model="tiny", steps=1, evaluate=False, output=folder / "run")
    Trainer(config).run()
    seconds = time.monotonic() - began
    slow = "; that is slow: close other programs, plug the power in" if seconds > _SLOW else ""
    return f"a step in {seconds:.1f} s, its files included{slow}"


def _picture(folder: Path) -> str:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure()
    FigureCanvasAgg(figure)
    figure.subplots().plot([0, 1, 4, 9])
    path = folder / "picture.png"
    figure.savefig(path)
    return f"drawn and saved, {path.stat().st_size // 1024} kB"


def _in_words(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201


_AGAIN = (
    f"install everything again: {_INSTALL}; then send the output of `ttrl doctor` with a report"
)
TRIALS = (
    Trial("Python", _python, _AGAIN),
    Trial("packages", _packages, _AGAIN),
    Trial("folder", _folder, _AGAIN),
    Trial("sampling from the tiny model", _sample, _AGAIN),
    Trial("training it", _train, _AGAIN),
    Trial("a picture", _picture, _AGAIN),
)
