"""Runs that differ in one option, side by side: controls, rewards, algorithms.

- `Comparison`: the options that all comparisons share, and which runs they mean.
- `compare`: trains the runs that are missing and returns the results of all.
- `kept_results`: the results that are kept of earlier runs.
- `publish`: prints the table; on request writes results, table and picture into the docs.
- `COLUMNS`, `Column`: the scores that are compared.
- `measure_column`, `cell`, `table`: scores with their intervals, and the Markdown table.

What is kept of a run is one entry of a JSON file under `docs/results`: how many completions of
each question were right, and whether its vote was. A run whose entry exists already is not trained
again, so a new reward or algorithm is added by the same command, and costs only its own runs. A
run that was cut off is resumed from the output folder.
"""

from __future__ import annotations

import json
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from rich.console import Console

sys.path.append(str(Path(__file__).parents[1]))
from runs import initial_weights, read_summary, train_all

from pages import picture_path, results_path, write_results
from ttrl_agents.config import TrainConfig
from ttrl_agents.config.train_config import RESUMABLE_WITH
from ttrl_agents.evaluate import Evaluation, EvaluationFolder, Interval, bootstrap_intervals
from ttrl_agents.evaluate.fingerprint import weights_digest
from ttrl_agents.evaluate.setting import settings_of_run
from ttrl_agents.policy import load_policy

Results = dict[str, Any]

GREEDY = "greedy/"
SPLITS = {"train": "trained", "held_out": "held-out"}
KEPT = ("train", "held_out", f"{GREEDY}train", f"{GREEDY}held_out")
NAMED = (  # options that are kept with the results, whatever they are
    "model",
    "env",
    "steps",
    "questions_per_step",
    "n_votes",
    "max_tokens",
    "temperature",
    "learning_rate",
    "algorithm",
    "reward",
    "eval_k",
    "eval_temperatures",
    "eval_top_p",
)


@dataclass(frozen=True)
class Column:
    """A score of a comparison.

    Attributes:
        folder: The folder of the evaluation within that of its moment.
        score: `mean`, `maj` or `pass`.
    """

    folder: str
    score: str

    def title(self, k: int) -> str:
        """Returns the head of the column."""
        split = SPLITS[self.folder.removeprefix(GREEDY)]
        greedy = self.folder.startswith(GREEDY)
        return f"greedy, {split}" if greedy else f"{self.score}@{k}, {split}"

    def values(self, kept: Mapping[str, Any], k: int) -> npt.NDArray[np.float64]:
        """Returns the score of each question, from what is kept of an evaluation."""
        of = kept[self.folder]
        if self.score == "maj":
            return np.asarray(of["vote"], np.float64)
        right = np.asarray(of["right"], np.float64)
        tries = 1 if self.folder.startswith(GREEDY) else k
        return right / tries if self.score == "mean" else (right > 0).astype(np.float64)


COLUMNS = (
    Column("train", "mean"),
    Column("held_out", "mean"),
    Column("held_out", "maj"),
    Column("held_out", "pass"),
    Column(f"{GREEDY}held_out", "mean"),
)


@dataclass(frozen=True)
class Comparison(ABC):
    """The options of a comparison."""

    script: ClassVar[str]
    varied: ClassVar[tuple[str, ...]]  # the options in which its runs differ
    block: ClassVar[str]
    page: ClassVar[Path]

    seeds: tuple[int, ...] = (0, 1, 2)
    """Each is run with each of these."""
    jobs: int = 1
    """Runs at a time, one thread each."""
    output: Path | None = None
    """Where the runs go; by default a folder of runs/."""
    write: bool = False
    """Keep the results in the documentation, with the table and the picture."""
    again: bool = False
    """Use nothing that is kept there; runs in the output folder are still read."""
    train: TrainConfig = field(default_factory=lambda: TrainConfig(eval_temperatures=(0.6, 0.0)))
    """The other options of every run."""

    def __post_init__(self) -> None:
        if not self.seeds or self.jobs < 1:
            raise SystemExit("--jobs must be 1 or more, and there must be a seed.")

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """What is compared."""

    def config(self, name: str, seed: int) -> TrainConfig:
        """Returns the options of one run; by default what is compared is the one that varies."""
        (varied,) = self.varied
        output = self.run_folder(name, seed)
        return replace(self.train, **{varied: name}, seed=seed, output=output)

    @property
    def folder(self) -> Path:
        """Where the runs go."""
        return self.output or Path("runs") / Path(self.script).stem

    def run_folder(self, name: str, seed: int) -> Path:
        """Returns where a run goes, under a name that every file system takes."""
        plain = re.sub(r"[^\w.=+]+", "-", name).strip("-")
        return self.folder / f"{plain}-seed{seed}"

    def options(self) -> dict[str, Any]:
        """Returns the options that results depend on and all runs share, as JSON."""
        default, apart = TrainConfig().to_dict(), {*RESUMABLE_WITH, *self.varied, "seed"}
        return {
            name: value
            for name, value in self.train.to_dict().items()
            if name not in apart and (name in NAMED or value != default[name])
        }

    def check_weights(self, configs: Sequence[TrainConfig], weights: str) -> None:
        """Checks that runs began with these weights.

        Raises:
            SystemExit: They did not, so they are of an older model.
        """
        # Without evaluations no folder says what its run began with, and adapters differ by seed.
        known = self.train.evaluate and not self.train.lora_rank
        if known and initial_weights(configs) != weights:
            raise SystemExit(
                f"the runs in {self.folder} began with an older {self.train.model}; name a new "
                "--output to train them again"
            )

    def weights(self) -> Any:
        """Returns the fingerprint of the model before training, as JSON."""
        return weights_digest(load_policy(self.train.model, device="cpu"))

    def holds(self, results: Results, name: str, seed: int) -> bool:
        """Returns whether the results of a run are among those that are kept."""
        return str(seed) in results["runs"].get(name, {})

    def wants(self, name: str, seed: int) -> bool:
        """Returns whether a run whose results are missing is made; by default each is."""
        return seed in self.seeds and name in self.names

    def make_runs(
        self, missing: Sequence[tuple[str, int]], configs: Sequence[TrainConfig], console: Console
    ) -> None:
        """Trains the runs of names and seeds whose results are missing."""
        assert len(missing) == len(configs)
        train_all(configs, self.jobs, console)

    def start_of(self, config: TrainConfig) -> dict[str, Any]:
        """Returns what is kept of the model before a run; seeds differ in how it is sampled."""
        return _kept_of(config, "before") if config.evaluate else {}

    def row_of(self, config: TrainConfig) -> dict[str, Any]:
        """Returns what is kept of a complete run."""
        assert config.output is not None
        lines = map(json.loads, (config.output / "metrics.jsonl").read_text().splitlines())
        return {
            "alarms": [[alarm["step"], alarm["kind"]] for alarm in read_summary(config)["alarms"]],
            "skipped": int(sum(line["skipped"] for line in lines)),
            "after": _kept_of(config, "after"),
        }


def compare(comparison: Comparison, console: Console) -> Results:
    """Returns the results of all runs; those that are not kept yet are trained or read first."""
    results = kept_results(comparison, console)
    missing = [
        (name, seed)
        for seed in comparison.seeds  # outermost: whoever stops early has every name once
        for name in comparison.names
        if not comparison.holds(results, name, seed) and comparison.wants(name, seed)
    ]
    if missing:
        configs = [comparison.config(name, seed) for name, seed in missing]
        comparison.make_runs(missing, configs, console)
        comparison.check_weights(configs, results["weights"])
        for (name, seed), config in zip(missing, configs, strict=True):
            results["before"].setdefault(str(seed), comparison.start_of(config))
            results["runs"].setdefault(name, {})[str(seed)] = comparison.row_of(config)
    return results


def publish(
    comparison: Comparison,
    results: Results,
    text: str,
    draw: Callable[[Results, Path], None] | None = None,
) -> None:
    """Prints the table; on request writes results, table and picture into the documentation."""
    print(text)
    comparison.folder.mkdir(parents=True, exist_ok=True)
    if draw is not None:
        draw(results, comparison.folder / f"{comparison.block}.png")
    if comparison.write:
        write_results(comparison.block, results, comparison.page, text)
        if draw is not None:
            draw(results, picture_path(comparison.block))


def measure_column(
    results: Results, name: str | None, column: Column
) -> tuple[Interval, list[float]]:
    """Returns a score with its interval over questions, and the score of each seed.

    Args:
        results: What `compare` returned.
        name: What was compared; `None` for the scores before training.
        column: The score.
    """
    k = results["options"]["eval_k"]
    moments = (
        results["before"].values()
        if name is None
        else [row["after"] for row in results["runs"][name].values()]
    )
    by_seed = np.stack([column.values(kept, k) for kept in moments])
    (interval,) = bootstrap_intervals(by_seed.mean(axis=0)[:, None])
    return interval, [float(each.mean()) for each in by_seed]


def cell(interval: Interval, seeds: Sequence[float]) -> str:
    """Returns a mean with its interval, and the range over seeds where there are several."""
    text = f"{interval.mean:.3f} [{interval.low:.2f}, {interval.high:.2f}]"
    if len(seeds) > 1:
        text += f"<br>{min(seeds):.2f} to {max(seeds):.2f}"
    return text


def table(
    results: Results,
    head: str,
    words: Mapping[str, str],
    extra: Mapping[str, Callable[[dict[str, Any]], str]],
) -> str:
    """Returns the Markdown table of the results, with its legend.

    Args:
        results: What `compare` returned.
        head: The head of the first column.
        words: The names of the rows, in the order of the table.
        extra: More columns: from the rows of a name, by seed, to the cell.
    """
    k = results["options"]["eval_k"]
    heads = [head, *(column.title(k) for column in COLUMNS), *extra]
    start = [f"{measure_column(results, None, column)[0].mean:.3f}" for column in COLUMNS]
    lines = [
        f"| {' | '.join(heads)} |",
        "|---" * len(heads) + "|",
        f"| before training | {' | '.join(start + [''] * len(extra))} |",
    ]
    seeds = sorted({int(seed) for rows in results["runs"].values() for seed in rows})
    for name, label in words.items():
        rows = results["runs"][name]
        cells = [cell(*measure_column(results, name, column)) for column in COLUMNS]
        cells += [of(rows) for of in extra.values()]
        if len(rows) < len(seeds):
            label += f", seed {', '.join(rows)}"
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", legend(results, seeds)])


def legend(results: Results, seeds: Sequence[int]) -> str:
    """Returns the sentences below a table."""
    options, several = results["options"], len(seeds) > 1
    return (
        f"`{options['model']}` on `{options['env']}`, {options['steps']} steps, "
        f"seed{'s' if several else ''} {', '.join(map(str, seeds))}; {main_setting(results)} where "
        "it is not greedy. In brackets the 95 % interval over questions"
        f"{', below it the range over seeds' if several else ''}. Printed by "
        f"`{results['command']}`."
    )


def main_setting(results: Results) -> str:
    """Returns the temperature and top-p of the scores that are not greedy."""
    options = results["options"]
    first, *_ = settings_of_run(
        tuple(options["eval_temperatures"]),
        options["eval_top_p"],
        training_temperature=options["temperature"],
        small_model=True,
    )
    return first.title


def with_an_alarm(rows: dict[str, Any]) -> str:
    """Returns how many of the runs raised an alarm of collapse, as a cell."""
    return f"{sum(bool(row['alarms']) for row in rows.values())} of {len(rows)}"


def kept_results(comparison: Comparison, console: Console) -> Results:
    """Returns what is kept of runs with the same options and weights, which may be nothing."""
    weights = comparison.weights()
    fresh: Results = {
        "command": f"python {comparison.script}",
        "weights": weights,
        "options": json.loads(json.dumps(comparison.options())),
        "before": {},
        "runs": {},
    }
    path = results_path(comparison.block)
    if comparison.again or not path.is_file():
        return fresh
    kept: Results = json.loads(path.read_text(encoding="utf-8"))
    now, then = fresh["options"], kept["options"]
    differing = [
        f"{name} is {now.get(name)}, was {then.get(name)}"
        for name in {**now, **then}
        if now.get(name) != then.get(name)
    ]
    if kept["weights"] != weights:
        differing.append(f"{now['model']} has other weights")
    if differing:
        console.print(f"{path.name} is not used: {'; '.join(differing)}.")
        return fresh
    return kept


def _kept_of(config: TrainConfig, moment: str) -> dict[str, Any]:
    """What is kept of the evaluations of a moment: by split, and how they were sampled."""
    assert config.output is not None
    place = config.output / "evaluations" / moment
    return {folder: _by_question(EvaluationFolder(place / folder).read()) for folder in KEPT}


def _by_question(evaluation: Evaluation) -> dict[str, list[int]]:
    right: list[int] = evaluation.correct.sum(axis=1).tolist()
    if evaluation.k == 1:
        return {"right": right}
    return {"right": right, "vote": evaluation.majority_correct.astype(int).tolist()}
