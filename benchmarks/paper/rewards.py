"""Every label-free reward on one page: the same model, questions and budget for each.

Trains the tiny reasoner with every reward, several seeds each, and prints and draws, for each
reward, over the seeds:

- final mean@16 on the trained and on the held-out questions, measured after the last step, at the
  paper's temperature 0.6 and top-p 0.95 (`--train.eval-temperatures`, `--train.eval-top-p`);
- the gap from best to last: the highest moving average of the in-training share of right answers
  (`ground_truth_ratio`) minus its last value, in points. The window is one pass over the questions,
  as every step asks others. Chance alone makes the gap larger than 0;
- stability: the standard deviation of the final mean@16 over seeds, and its worst seed.

    python benchmarks/paper/rewards.py --jobs 2                      # all rewards, seeds 0 to 2
    python benchmarks/paper/rewards.py --rewards majority scrl --seeds 0 --steps 10

Every run is one process of one thread. Runs that are complete in the output folder are read, not
repeated; those that were cut off go on. `rewards.md` and `rewards.png` there hold the results.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is imported

import json
import math
import multiprocessing
import re
import time
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ttrl_agents.config import TrainConfig
from ttrl_agents.evaluate.setting import PAPER_SETTING, SamplingSetting
from ttrl_env.consensus import REWARDS, find_reward, reward_needs

START = "start"  # the folder of what the untrained model measures


@dataclass(frozen=True)
class Options:
    """Compares every label-free reward at the same budget."""

    steps: int = 100
    """Training steps of every run."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Every reward is run with each of these."""
    rewards: tuple[str, ...] = ()
    """The rewards, with options or without; by default all that `ttrl rewards` lists."""
    jobs: int = 1
    """Processes at a time, of one thread each."""
    rephrase: str = "arithmetic"
    """The second wording, for the rewards that need one."""
    output: Path = Path("runs/rewards")
    """Where the runs, the table and the picture go."""
    train: TrainConfig = field(default_factory=TrainConfig)
    """The other options of every run."""

    def __post_init__(self) -> None:
        if self.jobs < 1 or self.steps < 1 or not self.seeds:
            raise SystemExit("--jobs and --steps must be 1 or more, and there must be a seed.")
        for reward in self.names:
            find_reward(reward)

    @property
    def names(self) -> tuple[str, ...]:
        """The rewards of this comparison."""
        return self.rewards or tuple(REWARDS)

    def folder(self, reward: str, seed: int) -> Path:
        """Where the run of a reward with a seed goes."""
        name = re.sub(r"[^\w.=]+", "-", reward).strip("-")
        return self.output / f"{name}-seed{seed}"


def config_of(options: Options, reward: str, seed: int) -> dict[str, Any]:
    two = "two prompts" in reward_needs(reward)
    return {
        **options.train.to_dict(),
        "reward": reward,
        "seed": seed,
        "steps": options.steps,
        "evaluate": False,  # measured here, the start once for all rewards
        "rephrase": options.rephrase if two else None,
        "output": str(options.folder(reward, seed)),
    }


def run_once(values: dict[str, Any]) -> None:
    """Trains and measures one run, or resumes it; in a process of its own."""
    import torch

    from ttrl_agents.trainer import Trainer, resume_config

    torch.set_num_threads(1)
    folder = Path(values["output"])
    if (folder / "measured.json").is_file():
        return
    config = TrainConfig.from_dict(values)
    if not (folder / "summary.json").is_file():
        begun = any((folder / "checkpoints").glob("*"))
        if begun:
            config = resume_config(folder)
        else:  # nothing was saved yet, so nothing is lost
            for torn in folder.glob("*.json*"):
                torn.unlink()
        Trainer(config, resume=begun).run()
    measure(config, str(folder / "checkpoint"), folder / "measured.json")


def run_start(values: dict[str, Any], path: str) -> None:
    """Measures the model before any training; in a process of its own."""
    import torch

    torch.set_num_threads(1)
    config = TrainConfig.from_dict(values)
    measure(config, config.model, Path(path))


def measure(config: TrainConfig, model: str, path: Path) -> None:
    """Writes mean@k on the trained and the held-out questions."""
    from ttrl_agents.evaluate import evaluate
    from ttrl_agents.policy import load_policy
    from ttrl_agents.samplers import SamplingParams, make_sampler
    from ttrl_agents.seeds import Stream, derive_seed
    from ttrl_benchmarks import load_benchmark
    from ttrl_env.files import write_atomically

    if path.is_file():
        return
    sampler = make_sampler(load_policy(model, device="cpu"), config)
    setting = setting_of(config)
    measured: dict[str, Any] = {}
    for split in ("train", "held_out"):
        result = evaluate(
            sampler,
            load_benchmark("arithmetic", split=split),
            k=config.eval_k,
            params=SamplingParams(config.max_tokens, setting.temperature, setting.top_p),
            seed=derive_seed(config.seed, Stream.EVALUATION, config.steps),
        )
        assert result is not None  # every arithmetic question has a label
        measured[split] = result.to_dict()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(measured, indent=2) + "\n")


def setting_of(config: TrainConfig) -> SamplingSetting:
    """Returns the main temperature and top-p of the runs' evaluations."""
    temperatures = config.eval_temperatures or (PAPER_SETTING.temperature,)
    return SamplingSetting(temperatures[0], config.eval_top_p)


def steps_done(options: Options, runs: list[tuple[str, int]]) -> int:
    done = 0
    for reward, seed in runs:
        path = options.folder(reward, seed) / "metrics.jsonl"
        if path.is_file():
            done += min(options.steps, path.read_text().count("\n"))
    return done


def run_all(options: Options, console: Console) -> None:
    # Seeds outermost: whoever stops early has every reward once.
    runs = [(reward, seed) for seed in options.seeds for reward in options.names]
    os.environ["OMP_NUM_THREADS"] = "1"  # for the processes to come
    context = multiprocessing.get_context("spawn")
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with (
        ProcessPoolExecutor(options.jobs, mp_context=context) as pool,
        Progress(*columns, console=console, refresh_per_second=1) as progress,
    ):
        names: dict[Any, str] = {}
        for seed in options.seeds:
            values = config_of(options, "majority", seed) | {"output": None}
            path = options.output / START / f"seed{seed}.json"
            names[pool.submit(run_start, values, str(path))] = f"start, seed {seed}"
        for reward, seed in runs:
            job = pool.submit(run_once, config_of(options, reward, seed))
            names[job] = f"{reward}, seed {seed}"
        bar = progress.add_task("training steps", total=options.steps * len(runs))
        waiting, last_line = set(names), time.monotonic()
        while waiting:
            done, waiting = wait(waiting, timeout=2, return_when=FIRST_COMPLETED)
            for job in done:
                job.result()  # an error ends all, with its own message
                if console.is_terminal:
                    progress.console.print(f"done: {names[job]}")
            steps = steps_done(options, runs)
            progress.update(bar, completed=steps)
            if not console.is_terminal and (done or time.monotonic() - last_line > 30):
                last_line = time.monotonic()
                finished = len(names) - len(waiting)
                console.print(f"{finished}/{len(names)} jobs, {steps} steps done", soft_wrap=True)


@dataclass(frozen=True)
class Row:
    """What one reward did, one number a seed each."""

    reward: str
    trained: tuple[float, ...]
    held_out: tuple[float, ...]
    gaps: tuple[float, ...]


def spread(values: tuple[float, ...]) -> str:
    """The standard deviation over seeds; of one seed there is none."""
    return f"{np.std(values, ddof=1):.3f}" if len(values) > 1 else "-"


def gap_of(folder: Path, questions_per_step: int, questions: int) -> float:
    """From the best to the last moving average over one pass of the questions."""
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    right = np.array([json.loads(line)["ground_truth_ratio"] for line in lines])
    window = min(len(right), math.ceil(questions / questions_per_step))
    means = np.convolve(right, np.ones(window) / window, mode="valid")
    return float(means.max() - means[-1])


def read_rows(options: Options) -> tuple[list[Row], dict[str, float]]:
    metric = f"mean@{options.train.eval_k}"

    def scores(paths: list[Path], split: str) -> tuple[float, ...]:
        return tuple(json.loads(path.read_text())[split][metric] for path in paths)

    rows = []
    for reward in options.names:
        folders = [options.folder(reward, seed) for seed in options.seeds]
        measured = [folder / "measured.json" for folder in folders]
        questions = json.loads(measured[0].read_text())["train"]["questions"]
        gaps = [gap_of(each, options.train.questions_per_step, questions) for each in folders]
        rows.append(
            Row(reward, scores(measured, "train"), scores(measured, "held_out"), tuple(gaps))
        )
    starts = [options.output / START / f"seed{seed}.json" for seed in options.seeds]
    start = {split: float(np.mean(scores(starts, split))) for split in ("train", "held_out")}
    return sorted(rows, key=lambda row: -np.mean(row.trained)), start


def report(options: Options, rows: list[Row], start: dict[str, float], console: Console) -> None:
    k = options.train.eval_k
    heads = (
        "reward",
        f"mean@{k}, trained",
        "std over seeds",
        "worst seed",
        f"mean@{k}, held-out",
        "std over seeds",
        "best to last, points",
    )
    cells = [
        ("(start)", f"{start['train']:.3f}", "", "", f"{start['held_out']:.3f}", "", ""),
        *(
            (
                row.reward,
                f"{np.mean(row.trained):.3f}",
                spread(row.trained),
                f"{min(row.trained):.3f}",
                f"{np.mean(row.held_out):.3f}",
                spread(row.held_out),
                f"{100 * np.mean(row.gaps):.1f}",
            )
            for row in rows
        ),
    ]
    title = (
        f"{options.train.model}: {options.steps} steps, seeds "
        f"{', '.join(map(str, options.seeds))}, {setting_of(options.train).title}"
    )
    table = Table(title=title)
    for head in heads:
        first = head == "reward"
        table.add_column(head, justify="left" if first else "right", no_wrap=first)
    for line in cells:
        table.add_row(*line)
    console.print(table)
    markdown = [f"| {' | '.join(heads)} |", "|---|" + "---:|" * (len(heads) - 1)]
    markdown += [f"| {' | '.join(line)} |" for line in cells]
    (options.output / "rewards.md").write_text("\n".join(markdown) + "\n")
    console.print(f"{draw(options, rows, start)} and rewards.md are written.", soft_wrap=True)


def draw(options: Options, rows: list[Row], start: dict[str, float]) -> Path:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 1.6 + 0.36 * len(rows)), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(2, 1))
    places = np.arange(len(rows))[::-1]
    k = options.train.eval_k
    for split, color, words, shift in (
        ("train", "#1f5fa8", "trained questions", 0.12),
        ("held_out", "#d1731c", "held-out questions", -0.12),
    ):
        for place, row in zip(places, rows, strict=True):
            values = row.trained if split == "train" else row.held_out
            mean = float(np.mean(values))
            left.plot([min(values), max(values)], [place + shift] * 2, color=color, alpha=0.5)
            left.plot(values, [place + shift] * len(values), ".", color=color, alpha=0.6)
            left.plot(mean, place + shift, "D", color=color, markersize=5)
        left.axvline(start[split], color=color, linestyle=":", linewidth=1)
        left.plot([], [], "D", color=color, label=f"{words} (dotted: start)")
    left.set_xlabel(f"final mean@{k}: mean over seeds, and each seed")
    left.set_yticks(places, [row.reward for row in rows])
    left.legend(fontsize=8, loc="lower right")
    gaps = [100 * float(np.mean(row.gaps)) for row in rows]
    right.barh(places, gaps, height=0.5, color="#6b7684")
    right.set_xlabel("from best to last in training, points")
    for axis in (left, right):
        axis.grid(alpha=0.25, axis="x")
        axis.spines[["top", "right"]].set_visible(False)
    figure.suptitle(
        f"{options.train.model}, {options.steps} steps with each reward, "
        f"measured at {setting_of(options.train).title}",
        fontsize=13,
    )
    path = options.output / "rewards.png"
    figure.savefig(path, dpi=130)
    return path


def main(options: Options) -> None:
    console = Console(highlight=False)
    options.output.mkdir(parents=True, exist_ok=True)
    run_all(options, console)
    rows, start = read_rows(options)
    report(options, rows, start, console)


if __name__ == "__main__":
    main(tyro.cli(Options))
