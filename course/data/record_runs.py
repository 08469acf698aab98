"""The eight recorded runs of lesson 9, and how they were made.

Trains the tiny reasoner eight times for 120 steps, at the default learning rate and at two, three
and five times that, and keeps of each run what fits into a small file: the metrics of every step,
and the most frequent answers of every group. Nothing is kept that the trainer does not write.

    python course/data/record_runs.py               # all eight, about ten minutes on one core
    python course/data/record_runs.py run-3 run-5   # some of them

The files are beside this script. Most keys of a file need no label: `metrics` is what `ttrl train`
writes into metrics.jsonl, `votes` is from votes.jsonl. What does need labels is under `judged`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is imported

from ttrl_agents.config import TrainConfig
from ttrl_agents.run.votes import GroupVotes, read_votes
from ttrl_agents.trainer import Trainer

FOLDER = Path(__file__).parent
STEPS = 120
METRICS = (
    "majority_ratio",
    "flip_rate",
    "drift_rate",
    "settled_drift",
    "distinct_winners",
    "entropy",
    "kl_start",
    "completion_tokens",
    "truncated",
)
JUDGED = {"mean@16": "ground_truth_ratio", "label_accuracy": "label_accuracy"}
ANSWERS = 3  # of each group, the most frequent ones


@dataclass(frozen=True)
class Recipe:
    """The options of a recorded run that are not the defaults.

    Attributes:
        seed: The seed of the run.
        learning_rate: The peak learning rate; the default is 2e-4.
        schedule: How it goes on after the warm-up.
    """

    seed: int
    learning_rate: float
    schedule: str


RECIPES = {
    "run-1": Recipe(35, 2e-4, "cosine"),
    "run-2": Recipe(42, 1e-3, "constant"),
    "run-3": Recipe(30, 4e-4, "constant"),
    "run-4": Recipe(39, 1e-3, "constant"),
    "run-5": Recipe(32, 6e-4, "constant"),
    "run-6": Recipe(39, 2e-4, "cosine"),
    "run-7": Recipe(31, 4e-4, "constant"),
    "run-8": Recipe(36, 1e-3, "constant"),
}


def record(name: str) -> None:
    """Trains one run and writes its file."""
    recipe = RECIPES[name]
    with tempfile.TemporaryDirectory() as folder:
        config = TrainConfig(
            model="tiny",
            steps=STEPS,
            evaluate=False,
            checkpoint_every=STEPS,
            output=Path(folder) / name,
            **asdict(recipe),
        )
        Trainer(config).run()
        write(name, recipe, Path(folder) / name)


def write(name: str, recipe: Recipe, run: Path) -> None:
    """Writes the file of a run that is complete."""
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    kept: dict[str, Any] = {
        "name": name,
        "options": asdict(recipe) | {"model": "tiny", "steps": STEPS},
        "metrics": {key: [rounded(row.get(key)) for row in rows] for key in METRICS},
        "judged": {key: [rounded(row.get(old)) for row in rows] for key, old in JUDGED.items()},
        "votes": [tally(group) for group in read_votes(run)],
    }
    data = json.dumps(kept, separators=(",", ":")).encode()
    path = FOLDER / f"{name}.json.gz"
    path.write_bytes(gzip.compress(data, mtime=0))  # the same bytes for the same run
    print(f"{path}: {path.stat().st_size / 1000:.1f} kB")


def rounded(value: float | None) -> float | None:
    """Returns a metric with four decimals, which is finer than its noise."""
    return None if value is None else round(value, 4)


def tally(group: GroupVotes) -> list[Any]:
    """Returns step, question, and the most frequent answers with their votes, of one group."""
    answers = sorted(group.answers, key=lambda each: -each.count)[:ANSWERS]
    return [group.step, group.question_id, [[each.answer, each.count] for each in answers]]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(RECIPES), help="run-1 to run-8")
    for each in parser.parse_args().names:
        record(each)
