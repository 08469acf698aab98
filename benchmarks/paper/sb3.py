"""What Stable-Baselines3's A2C and PPO teach the tiny reasoner, token by token.

Runs `examples/sb3_ppo.py` with each algorithm and several seeds and prints how the model answers
before and after, at the paper's temperature 0.6 and top-p 0.95 and greedily.

    python benchmarks/paper/sb3.py            # all that is not measured yet
    python benchmarks/paper/sb3.py --write    # and keeps the results in the documentation

Runs whose results are kept in docs/results/sb3.json, or in the output folder, are not repeated.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro
from rich.console import Console
from rich.progress import track

sys.path.append(str(Path(__file__).parents[1]))
from pages import REPOSITORY, results_path, write_results
from ttrl_agents.evaluate.fingerprint import weights_digest
from ttrl_agents.policy import load_policy

EXAMPLE = REPOSITORY / "examples" / "sb3_ppo.py"
PAGE = REPOSITORY / "docs" / "sb3.md"
BLOCK = "sb3"
WORDS = {"a2c": "A2C", "ppo": "PPO, two epochs"}
COLUMNS = {
    "mean@16, trained": "mean@16, trained questions, T 0.6, top-p 0.95",
    "mean@16, held-out": "mean@16, held-out questions, T 0.6, top-p 0.95",
    "maj@16, held-out": "maj@16, held-out questions, T 0.6, top-p 0.95",
    "greedy, held-out": "greedy, held-out questions",
}


@dataclass(frozen=True)
class Options:
    """Trains the tiny reasoner with Stable-Baselines3, and measures what it learned."""

    algorithms: tuple[str, ...] = ("a2c", "ppo")
    """Which of a2c and ppo."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Each is run with each of these."""
    updates: int = 100
    """Updates of every run."""
    output: Path = Path("runs/sb3")
    """Where the scores of each run go."""
    write: bool = False
    """Keep the results in the documentation."""


def measured(options: Options, algorithm: str, seed: int) -> dict[str, Any]:
    """Returns the scores of a run, which is trained first if need be."""
    path = options.output / f"{algorithm}-{options.updates}-seed{seed}.json"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        given = {"algorithm": algorithm, "seed": seed, "updates": options.updates, "json": path}
        arguments = [str(part) for name, value in given.items() for part in (f"--{name}", value)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, str(EXAMPLE), *arguments]
        subprocess.run(command, check=True, env=environment)  # noqa: S603 - the example, by us
    scores: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return scores


def collect(options: Options, console: Console) -> dict[str, Any]:
    """Returns the results of all runs: those that are kept, and those of the output folder."""
    results: dict[str, Any] = {
        "command": "python benchmarks/paper/sb3.py",
        "weights": weights_digest(load_policy("tiny", device="cpu")),
        "options": {"model": "tiny", "steps": options.updates},
        "runs": {},
    }
    path = results_path(BLOCK)
    if path.is_file():
        kept = json.loads(path.read_text(encoding="utf-8"))
        if all(kept[name] == results[name] for name in ("weights", "options")):
            results = kept
        else:
            console.print(f"{path.name} is not used: it is of another model or number of updates.")
    # Seeds outermost: whoever stops early has every algorithm once.
    runs = [(algorithm, seed) for seed in options.seeds for algorithm in options.algorithms]
    for algorithm, seed in track(runs, "runs", console=console):
        of = results["runs"].setdefault(algorithm, {})
        if str(seed) not in of:
            of[str(seed)] = measured(options, algorithm, seed)
    return results


def table(results: dict[str, Any]) -> str:
    """Returns the Markdown table of the results."""
    heads = ("algorithm", "seed", *COLUMNS)
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for algorithm, rows in results["runs"].items():
        for seed, row in sorted(rows.items(), key=lambda item: int(item[0])):
            cells = [pair(row, name) for name in COLUMNS.values()]
            lines.append(f"| {WORDS[algorithm]} | {seed} | {' | '.join(cells)} |")
    legend = (
        f"`{results['options']['model']}`, {results['options']['steps']} updates of 8 questions "
        "with 16 votes each; T 0.6, top-p 0.95 where it is not greedy. Before → after, in brackets "
        f"the 95 % interval over questions. Printed by `{results['command']}`."
    )
    return "\n".join([*lines, "", legend])


def pair(row: dict[str, Any], name: str) -> str:
    """Returns a score before and after, as a cell."""
    before, (after, low, high) = row["before"][name][0], row["after"][name]
    return f"{before:.3f} → **{after:.3f}** [{low:.2f}, {high:.2f}]"


def main(options: Options) -> None:
    results = collect(options, Console(highlight=False, stderr=True))
    print(table(results))
    if options.write:
        write_results(BLOCK, results, PAGE, table(results))


if __name__ == "__main__":
    main(tyro.cli(Options))
