"""Collapse on purpose: does the monitor see it, how early, and is it silent on healthy runs?

Trains the tiny reasoner with the default options (`healthy`) and at five times the learning rate
(`rate`), ten seeds each, and prints for every run when it raised its first alarm and what became of
it: the highest and the last mean@16 of the training steps, the highest and the last share of right
pseudo-labels, and how many questions agree on a wrong answer at the end. Labels only judge; no
alarm sees one.

    python benchmarks/paper/collapse.py --jobs 2     # all that is not measured yet
    python benchmarks/paper/collapse.py --write      # and keeps the results in the documentation
    python benchmarks/paper/collapse.py --settings double triple --seeds 30 31 32 --write

`double` and `triple` have two and three times the learning rate, constant as in `rate`; `votes` has
half the votes at three times the learning rate; `reduced` is `rate` with `--on-collapse reduce`. A
run is harmed if mean@16, averaged over one pass of the questions, ends 10 points or more under its
highest: from the first step on after which that stays so. Runs whose results are kept in
docs/results/collapse.json are not repeated; those in the output folder are read where they are
complete, and else resumed. The default seeds are not those on which the thresholds were chosen.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is imported

import json
import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import tyro
from collapse_picture import draw
from comparison import Comparison, Results, compare, publish
from rich.console import Console
from runs import Silent, read_summary

from pages import REPOSITORY
from ttrl_agents.callbacks.collapse import find_alarms
from ttrl_agents.config import TrainConfig
from ttrl_agents.config.eval_config import EvalConfig
from ttrl_agents.evaluate import Evaluation
from ttrl_agents.evaluate.runner import EvaluationRun
from ttrl_agents.evaluate.turned import CONFIDENT

PAGE = REPOSITORY / "docs" / "collapse.md"
CONSTANT: dict[str, Any] = {"schedule": "constant", "steps": 120}
TOO_FAST: dict[str, Any] = {**CONSTANT, "learning_rate": 1e-3}
SETTINGS: dict[str, dict[str, Any]] = {
    "healthy": {},
    "double": {**CONSTANT, "learning_rate": 4e-4},
    "triple": {**CONSTANT, "learning_rate": 6e-4},
    "rate": TOO_FAST,
    "votes": {**CONSTANT, "learning_rate": 6e-4, "n_votes": 8},
    "reduced": {**TOO_FAST, "on_collapse": "reduce"},
}
WORDS = {
    "healthy": "default",
    "double": "2 × learning rate",
    "triple": "3 × learning rate",
    "rate": "5 × learning rate",
    "votes": "8 votes, 3 × learning rate",
    "reduced": "5 × learning rate, `reduce`",
}
HARM = 0.1
SERIES = (
    "ground_truth_ratio",
    "label_accuracy",
    "majority_ratio",
    "settled_drift",
    "entropy",
    "kl_start",
)


@dataclass(frozen=True)
class Options(Comparison):
    """Trains into collapse on purpose, and says what the monitor saw of it."""

    script = "benchmarks/paper/collapse.py"
    varied = ("learning_rate", "schedule", "steps", "n_votes", "on_collapse")
    block = "collapse"
    page = PAGE

    settings: tuple[str, ...] = ("healthy", "rate")
    """Which of healthy, double, triple, rate, votes and reduced."""
    seeds: tuple[int, ...] = tuple(range(35, 45))
    """Every setting is run with each of these."""
    train: TrainConfig = field(default_factory=lambda: TrainConfig(evaluate=False))
    """The other options of every run."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self.settings:
            if name not in SETTINGS:
                raise SystemExit(f"--settings {name}: there are {', '.join(SETTINGS)}.")

    @property
    def names(self) -> tuple[str, ...]:
        """The settings that are compared."""
        return self.settings

    def config(self, name: str, seed: int) -> TrainConfig:
        """Returns the options of one run."""
        output = self.run_folder(name, seed)
        return replace(self.train, **SETTINGS[name], seed=seed, output=output)

    def row_of(self, config: TrainConfig) -> dict[str, Any]:
        """Returns what is kept of a complete run."""
        assert config.output is not None
        text = (config.output / "metrics.jsonl").read_text(encoding="utf-8")
        rows = [json.loads(line) for line in text.splitlines()]
        return {
            "alarms": [[alarm.step, alarm.kind] for alarm in find_alarms(rows)],
            "best": read_summary(config)["best"]["step"],
            "end": end_of(config),
            "series": {
                name: [
                    None if (value := row.get(name)) is None else round(value, 4) for row in rows
                ]
                for name in SERIES
            },
        }


def end_of(config: TrainConfig) -> dict[str, float]:
    """Returns how the trained model answers the trained questions, as the paper samples them."""
    assert config.output is not None

    def measured(name: str, **sampling: Any) -> Evaluation:
        options = EvalConfig(
            model=str(config.output / "checkpoint"),
            env=config.env,
            max_tokens=config.max_tokens,
            output=config.output / name,
            **sampling,
        )
        return EvaluationRun(options).run(Silent())[0]

    votes = measured("end", k=config.eval_k, seed=config.seed)
    greedy = measured("end-greedy", greedy=True)
    wrong = [result for result in votes.results if not result.majority_correct]
    return {
        f"mean@{votes.k}": round(float(votes.correct.mean()), 4),
        f"maj@{votes.k}": round(float(votes.majority_correct.mean()), 4),
        "greedy": round(float(greedy.correct.mean()), 4),
        "confidently_wrong": sum(result.majority_ratio >= CONFIDENT for result in wrong),
    }


@dataclass(frozen=True)
class Fate:
    """What became of a run, judged with labels.

    Attributes:
        mean: mean@k of the training steps, averaged over one pass of the questions; NaN before.
        labels: The share of right pseudo-labels, likewise.
        alarm: The step and the kind of the first alarm, if there is one.
    """

    mean: npt.NDArray[np.float64]
    labels: npt.NDArray[np.float64]
    alarm: tuple[int, str] | None

    @property
    def harmed_at(self) -> int | None:
        """The first step from which on mean@k stays this far under its highest."""
        known = np.nan_to_num(self.mean, nan=-1.0)
        far = known <= np.maximum.accumulate(known) - HARM
        if not far[-1]:
            return None
        kept = np.flatnonzero(~far)
        return int(kept[-1]) + 2

    @property
    def lead(self) -> int | None:
        """Steps from the first alarm to the harm."""
        if self.alarm is None or self.harmed_at is None:
            return None
        return self.harmed_at - self.alarm[0]


def fate_of(row: dict[str, Any], options: dict[str, Any]) -> Fate:
    """Returns what became of a run, from what is kept of it."""
    window = math.ceil(100 / options["questions_per_step"])  # the env has 100 questions
    series = row["series"]
    return Fate(
        moving_mean(series["ground_truth_ratio"], window),
        moving_mean(series["label_accuracy"], window),
        tuple(row["alarms"][0]) if row["alarms"] else None,
    )


def moving_mean(values: list[float | None], window: int) -> npt.NDArray[np.float64]:
    """Returns the means over the last `window` values; NaN where there are fewer."""
    known = np.array([np.nan if value is None else value for value in values])
    means = np.full(len(known), np.nan)
    if len(known) >= window:
        means[window - 1 :] = np.convolve(known, np.ones(window) / window, mode="valid")
    return means


def table(results: Results) -> str:
    """Returns the Markdown table of the runs, with a sentence for each setting."""
    options = results["options"]
    k = options["eval_k"]
    heads = (
        "setting",
        "seed",
        "first alarm",
        f"mean@{k}, highest → last",
        "right pseudo-labels, highest → last",
        "harmed from step",
        "alarm before harm, steps",
        "confidently wrong at the end",
        "greedy at the end",
        f"mean@{k} at the best checkpoint",
    )
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name in (name for name in SETTINGS if name in results["runs"]):
        for seed, row in sorted(results["runs"][name].items(), key=lambda item: int(item[0])):
            fate = fate_of(row, options)
            alarm = "none" if fate.alarm is None else f"{fate.alarm[0]}, `{fate.alarm[1]}`"
            cells = (
                WORDS[name],
                seed,
                alarm,
                highest_and_last(fate.mean),
                highest_and_last(fate.labels),
                "-" if fate.harmed_at is None else str(fate.harmed_at),
                "-" if fate.lead is None else str(fate.lead),
                str(row["end"]["confidently_wrong"]),
                f"{row['end']['greedy']:.2f}",
                mean_at(fate, row["best"]),
            )
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", *summary(results), "", legend(results)])


def highest_and_last(means: npt.NDArray[np.float64]) -> str:
    """Returns the highest and the last of some means, as a cell."""
    return f"{np.nanmax(means):.2f} → {means[-1]:.2f}"


def mean_at(fate: Fate, step: int) -> str:
    """Returns the averaged mean@k at a step, as a cell; the initial policy has none."""
    return f"{fate.mean[step - 1]:.2f}" if step >= 1 and not np.isnan(fate.mean[step - 1]) else "-"


def summary(results: Results) -> list[str]:
    """Returns a sentence for each setting."""
    lines = []
    for name in (name for name in SETTINGS if name in results["runs"]):
        fates = [fate_of(row, results["options"]) for row in results["runs"][name].values()]
        harmed = [fate for fate in fates if fate.harmed_at is not None]
        alarmed = sum(fate.alarm is not None for fate in fates)
        silent = sum(fate.alarm is None for fate in harmed)
        text = (
            f"- {WORDS[name]}: {alarmed} of {len(fates)} runs raised an alarm; {len(harmed)} of "
            f"{len(fates)} were harmed, {silent} of them without an alarm"
        )
        leads = [fate.lead for fate in harmed if fate.lead is not None]
        if leads:
            text += (
                f"; on the median the alarm came {before(float(np.median(leads)))} the harm "
                f"({before(max(leads))} to {before(min(leads))})"
            )
        wrong = [row["end"]["confidently_wrong"] for row in results["runs"][name].values()]
        text += (
            f". At the end {min(wrong)} to {max(wrong)} of the trained questions were confidently "
            "wrong"
        )
        lines.append(f"{text}.")
    return lines


def before(lead: float) -> str:
    """Returns how many steps before, or after, in words."""
    steps = "1 step" if abs(lead) == 1 else f"{abs(lead):g} steps"
    return f"{steps} {'after' if lead < 0 else 'before'}"


def legend(results: Results) -> str:
    """Returns the sentences below the table."""
    options = results["options"]
    k = options["eval_k"]
    return (
        f"`{options['model']}` on `{options['env']}`. mean@{k} and pseudo-labels are those of the "
        f"training steps, at T {options['temperature']:g}, top-p 1, averaged over one pass of the "
        f"questions. Harmed: mean@{k} ends {HARM:.0%} points or more under its highest. At the end "
        f"the trained questions are measured with {k} votes at T 0.6, top-p 0.95 (confidently "
        f"wrong: questions of which {CONFIDENT:.0%} of the votes or more agree on a wrong answer) "
        f"and greedily. Printed by `{results['command']}`."
    ).replace("% points", " points")


def main(options: Options) -> None:
    results = compare(options, Console(highlight=False, stderr=True))
    publish(options, results, table(results), draw)


if __name__ == "__main__":
    main(tyro.cli(Options))
