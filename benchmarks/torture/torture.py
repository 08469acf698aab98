"""Tries to break what writes: kills, two writers, hostile texts and files.

    python benchmarks/torture/torture.py --kills 1000 --rank-kills 40 --seed 0     # hours
    python benchmarks/torture/torture.py --kills 12 --completions 2000      # the short form, in CI

Each attack has a row in the table that is printed at the end; docs/reliability.md quotes it. Every
failure is printed with the seed and the number of its trial, which `--seed` and `--first` repeat.
The exit status is the number of failures, 99 at most. Not on Windows: the attacks fork.
"""

from __future__ import annotations

import functools
import itertools
import os
import random
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import tyro
from attacks import Killed, Recorded, Rewritten, TwoFolders, TwoWriters
from hostile import HostileFiles
from killed_ranks import KilledRanks
from processes import command, new_folder, start
from tally import Tally, as_table
from texts import Texts

_SMALL = (
    "--steps 12 --checkpoint-every 2 --questions-per-step 2 --n-votes 4 --max-tokens 32 "
    "--learning-rate 1e-3 --eval-k 2 --env-options size=5"
)
VARIANTS = {
    "train": "--eval-every 5 --sample-every 4",
    "train, held votes": "--no-evaluate --reward held",
    "train, ppo": "--no-evaluate --algorithm ppo",
    "train, LoRA": "--no-evaluate --lora-rank 2",
    "train, TensorBoard": "--no-evaluate --log tensorboard",
}
EVAL = "tiny --limit 12 --k 2 --portion 2 --max-tokens 32"
_PROGRESS = 10.0


@dataclass(frozen=True)
class Options:
    """How long to try.

    Attributes:
        kills: At least so many kills, over all commands; two writers a fifth as often.
        rank_kills: So many kills of a rank, in runs of two processes; each takes seconds.
        completions: So many hostile completions.
        files: So many hostile files.
        minutes: End after so many minutes, whatever is left.
        seed: Names the trials.
        first: The number of the first trial.
        only: Try only the attacks whose names hold one of these words.
        keep: Keep the folders of trials that failed, in this folder.
    """

    kills: int = 40
    rank_kills: int = 2
    completions: int = 20_000
    files: int = 40
    minutes: float | None = None
    seed: int = 0
    first: int = 0
    only: tuple[str, ...] = ()
    keep: Path | None = None


class Attack(Protocol):
    """Something that is tried."""

    tally: Tally

    def trial(self, folder: Path, rng: random.Random) -> None:
        """Tries it once, in a folder that does not exist yet."""
        ...


def train(folder: Path, more: str) -> list[object]:
    """Returns the command line of a small run."""
    return ["train", *_SMALL.split(), *more.split(), "--output", folder]


def resume(folder: Path) -> list[object]:
    """Returns the command line that goes on with a run."""
    return ["train", "--resume", folder]


def evaluate(folder: Path) -> list[object]:
    """Returns the command line of a small evaluation."""
    return ["eval", *EVAL.split(), "--output", folder]


@functools.cache
def half_done(kind: str) -> Path:
    """Makes a folder in which a command was killed in the middle, once for all trials."""
    folder = new_folder() / kind
    words = train(folder, "--no-evaluate") if kind == "run" else evaluate(folder)
    lines = folder / ("metrics.jsonl" if kind == "run" else "completions.jsonl")
    process = start(command(*words), folder.with_suffix(".log"))
    deadline = time.monotonic() + 120
    while not lines.is_file() or lines.read_bytes().count(b"\n") < 5:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{words} does not begin: {process.printed[-300:]}")
        time.sleep(0.005)
    os.kill(process.pid, 9)
    process.wait()
    return folder


def kill_attacks() -> list[Attack]:
    """Returns the commands that are killed."""
    attacks: list[Attack] = [
        Killed(name, lambda folder, more=more: train(folder, more), resume)  # type: ignore[misc]
        for name, more in VARIANTS.items()
    ]
    return [
        *attacks,
        Killed(
            "train --resume",
            resume,
            resume,
            prepare=lambda to: shutil.copytree(half_done("run"), to),
        ),
        Killed("eval", evaluate, evaluate),
        Killed(
            "eval --resume",
            evaluate,
            lambda folder: ["eval", "--resume", folder],
            prepare=lambda to: shutil.copytree(half_done("evaluation"), to),
        ),
        Recorded("jsonl"),
        Recorded("parquet"),
        Rewritten(
            "report",
            lambda folder: ["report", folder],
            lambda to: shutil.copytree(half_done("run"), to),
            "report.html",
            b"</html>",
        ),
    ]


def writer_attacks() -> list[Attack]:
    """Returns the commands that are started twice."""
    return [
        TwoWriters("two of train", lambda folder: train(folder, "--no-evaluate")),
        TwoWriters(
            "two of train --resume", resume, lambda to: shutil.copytree(half_done("run"), to)
        ),
        TwoWriters("two of eval", evaluate),
        TwoWriters(
            "two of eval --resume",
            lambda folder: ["eval", "--resume", folder],
            lambda to: shutil.copytree(half_done("evaluation"), to),
        ),
        TwoWriters(
            "two of report",
            lambda folder: ["report", folder],
            lambda to: shutil.copytree(half_done("run"), to),
        ),
        TwoFolders("two of train without a folder", ["train", *_SMALL.split(), "--no-evaluate"]),
        TwoFolders("two of eval without a folder", ["eval", *EVAL.split()]),
    ]


def rank_attacks() -> list[Attack]:
    """Returns the runs of several processes of which one is killed."""
    two = "--no-evaluate --gpus 2 --device cpu --micro-batch-tokens 100"
    return [
        KilledRanks("train, two processes", lambda folder: train(folder, two)),
        KilledRanks("train, a model divided", lambda folder: train(folder, f"{two} --shard full")),
    ]


def schedule(options: Options) -> Iterator[tuple[Attack, int]]:
    """Yields attacks with the numbers of their trials, until each kind was tried enough.

    The kinds take turns in proportion, so that one that is cut short has tried all of them.
    """

    def chosen(attacks: Sequence[Attack]) -> list[Attack]:
        words = options.only
        return [each for each in attacks if not words or any(w in each.tally.name for w in words)]

    kinds = [
        (chosen(kill_attacks()), options.kills),
        (chosen(rank_attacks()), options.rank_kills),
        (chosen(writer_attacks()), options.kills // 5),
        (chosen([HostileFiles()]), options.files),
        (chosen([Texts()]), options.completions),
    ]
    kinds = [(attacks, wanted) for attacks, wanted in kinds if attacks and wanted]

    def share_done(kind: tuple[list[Attack], int]) -> float:
        attacks, wanted = kind
        return sum(each.tally.times for each in attacks) / wanted

    for number in itertools.count(options.first):
        kind = min(kinds, key=share_done, default=None)
        if kind is None or share_done(kind) >= 1:
            return
        # Whichever was tried least: a trial has one to four kills.
        yield min(kind[0], key=lambda each: each.tally.times), number


def run(options: Options, attacks: Iterator[tuple[Attack, int]]) -> list[Tally]:
    """Tries everything; returns the counts, also where it is interrupted."""
    began = last = time.monotonic()
    tallies: dict[str, Tally] = {}
    root = new_folder()
    try:
        for attack, number in attacks:
            tally = tallies.setdefault(attack.tally.name, attack.tally)
            folder = root / f"trial-{number}"
            before = len(tally.problems)
            try:
                attack.trial(folder, random.Random(f"{options.seed}/{tally.name}/{number}"))
            except Exception as error:  # noqa: BLE001 - the others go on
                tally.add(1, [f"the attack itself failed: {type(error).__name__}: {error}"])
            if len(tally.problems) > before:
                print(f"FAILED {tally.name}, trial {number}: {tally.problems[before]}", flush=True)
                if options.keep is not None:
                    shutil.copytree(root, options.keep / f"{tally.name}-{number}".replace(" ", "-"))
            shutil.rmtree(root)
            root.mkdir()
            now = time.monotonic()
            if now - last > _PROGRESS:
                last = now
                done = ", ".join(f"{each.name} {each.times:,}" for each in tallies.values())
                print(f"{(now - began) / 60:.1f} min: {done}", file=sys.stderr, flush=True)
            if options.minutes is not None and now - began > 60 * options.minutes:
                break
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return list(tallies.values())


def main(options: Options) -> int:
    """Tries everything and prints the table; returns the number of failures."""
    load_everything()
    began = time.monotonic()
    tallies = run(options, schedule(options))
    print(f"\n{as_table(tallies)}\n")
    for tally in tallies:
        for problem in tally.describe_problems():
            print(f"{tally.name}: {problem}")
    failures = sum(len(each.problems) for each in tallies)
    minutes = (time.monotonic() - began) / 60
    print(f"seed {options.seed}, {minutes:.1f} minutes, {failures} failures")
    return min(failures, 99)


def load_everything() -> None:
    """Imports what the commands import late, so that forks need not.

    The libraries read these variables when they are imported; a process with threads cannot fork.
    """
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    import torch

    import ttrl_agents.callbacks
    import ttrl_agents.cli.commands
    import ttrl_agents.evaluate.display
    import ttrl_agents.evaluate.runner
    import ttrl_agents.trainer  # noqa: F401 - imported for the forks

    torch.set_num_threads(1)


if __name__ == "__main__":
    raise SystemExit(main(tyro.cli(Options, description=__doc__)))
