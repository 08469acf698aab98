"""Attacks: what is done to each command that writes, and what must hold afterwards.

- `Killed`: processes are killed until a command is done; it must end as one that was left alone.
- `Recorded`: the same for `RecordRollouts`: no step that returned is lost.
- `Rewritten`: a command that writes one file is killed; the file is never torn.
- `TwoWriters`: two processes write to one folder: one of them is told who else does.
- `TwoFolders`: two that name no folder: each has one of its own.

`trial` of each runs one trial and counts it.
"""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from processes import Kill, Process, command, start
from tally import Tally
from trees import contents, differences

Words = list[object]
_SENTENCES = ("is in use:", "is not empty")


def nothing(folder: Path) -> None:
    """Puts nothing into a folder."""


def check_ended(process: Process, *, statuses: tuple[int, ...] = (0,)) -> list[str]:
    """Returns what is wrong with how a process ended that nobody killed."""
    printed = process.printed
    if process.killed:
        return [f"hung for {process.seconds:.0f} s: {printed[-200:]!r}"]
    if "Traceback (most recent call last)" in printed:
        return [f"traceback: {printed[-300:]!r}"]
    if process.status not in statuses:
        return [f"exit status {process.status}: {printed[-300:]!r}"]
    return []


@dataclass
class Killed:
    """Kills a command again and again, until it is done.

    Attributes:
        name: Of the row in the table.
        first: The command line that begins in a folder.
        again: The one that goes on in it.
        done: The file that is there once it is done.
        prepare: Puts into a new folder what the command needs there.
        begun: The file from which on `again` is used.
    """

    name: str
    first: Callable[[Path], Words]
    again: Callable[[Path], Words]
    done: str = "summary.json"
    begun: str = "config.json"
    prepare: Callable[[Path], object] = nothing
    tally: Tally = field(init=False)
    _expected: dict[str, str] = field(default_factory=dict)
    _seconds: float = 0.0
    _operations: int = 0

    def __post_init__(self) -> None:
        self.tally = Tally(self.name, "kills", "ends with the same files as one left alone")

    def trial(self, folder: Path, rng: random.Random) -> None:
        """Runs one trial: a few kills, and then to the end."""
        if not self._expected:
            self._run_alone(folder.with_name("alone-" + folder.name))
        self.prepare(folder)
        kills = 0
        for _ in range(rng.randint(1, 4)):
            kill = Kill.draw(rng, self._seconds, self._operations)
            process = self._start(folder, kill).wait(kill)
            if not process.killed:
                problems = check_ended(process)
                break
            kills += 1
        else:
            problems = check_ended(self._start(folder).wait())
        self.tally.add(kills, problems or differences(self._expected, folder))

    def _start(self, folder: Path, kill: Kill | None = None) -> Process:
        words = self.again(folder) if (folder / self.begun).is_file() else self.first(folder)
        log = folder.with_name(f"{folder.name}.log")
        return start(command(*words), log, folder=folder, kill=kill)

    def _run_alone(self, folder: Path) -> None:
        self.prepare(folder)
        alone = self._start(folder).wait()
        problems = check_ended(alone)
        if problems:
            raise RuntimeError(f"{self.name} fails without any attack: {problems[0]}")
        self._seconds, self._operations = alone.seconds, alone.operations
        self._expected = contents(folder)
        shutil.rmtree(folder)


@dataclass
class Recorded:
    """Kills a process that records votes; what it was told is written must be there."""

    file_format: str
    name: str = ""
    tally: Tally = field(init=False)
    _seconds: float = 1.0

    def __post_init__(self) -> None:
        self.name = f"RecordRollouts, {self.file_format}"
        self.tally = Tally(self.name, "kills", "no step that returned is lost, none unreadable")

    def trial(self, folder: Path, rng: random.Random) -> None:
        """Kills a few processes that record, one after the other."""
        from ttrl_env import read_rollouts

        told, kills = folder.with_name(f"{folder.name}.told"), rng.randint(1, 4)
        told.touch()
        problems: list[str] = []
        for _ in range(kills):
            kill = Kill.draw(rng, self._seconds, 60)
            log = folder.with_name(f"{folder.name}.log")
            process = start(lambda: self._record(folder, told), log, folder=folder, kill=kill)
            process.wait(kill if kill.seconds else Kill(seconds=10 * self._seconds))
            if not process.killed:
                problems += check_ended(process) or ["it ended by itself"]
        rows = [(row["step"], row["completions"][0]["text"]) for row in read_rollouts(folder)]
        returned = told.read_text().count("\n")
        if not 2 * returned <= len(rows) <= 2 * (returned + kills):
            problems.append(f"{len(rows)} rows after {returned} steps of 2 groups")
        problems += [
            f"step {step} holds {text!r}" for step, text in rows if f"{{{step}}}" not in text
        ]
        self.tally.add(kills, problems)

    def _record(self, folder: Path, told: Path) -> None:
        import gymnasium as gym

        from ttrl_env import RecordRollouts

        envs = gym.make_vec("TTRL-Arithmetic-v0", num_envs=4, group_size=2, size=5)
        envs = RecordRollouts(envs, folder, file_format=self.file_format, part_bytes=4000)
        envs.reset(seed=0)
        with told.open("ab", buffering=0) as file:
            step = 0
            while True:
                envs.step([rf"\boxed{{{step}}}"] * 4)
                file.write(b"%d\n" % step)
                step += 1


@dataclass
class Rewritten:
    """Kills a command that writes one file into a folder that is done; the file is always whole.

    Attributes:
        name: Of the row in the table.
        words: The command line.
        prepare: Makes the folder.
        file: What the command writes.
        end: What a whole file ends with.
    """

    name: str
    words: Callable[[Path], Words]
    prepare: Callable[[Path], object]
    file: str
    end: bytes
    tally: Tally = field(init=False)
    _seconds: float = 0.0
    _operations: int = 0

    def __post_init__(self) -> None:
        self.tally = Tally(
            self.name, "kills", "the file is whole or not there; the rest is as it was"
        )

    def trial(self, folder: Path, rng: random.Random) -> None:
        """Kills the command a few times and then lets it end."""
        self.prepare(folder)
        expected, log = contents(folder), folder.with_name(f"{folder.name}.log")
        if not self._seconds:
            alone = start(command(*self.words(folder)), log, folder=folder).wait()
            if problems := check_ended(alone):
                raise RuntimeError(f"{self.name} fails without any attack: {problems[0]}")
            self._seconds, self._operations = alone.seconds, alone.operations
        kills, problems = 0, []
        for _ in range(rng.randint(1, 4)):
            kill = Kill.draw(rng, self._seconds, self._operations)
            process = start(command(*self.words(folder)), log, folder=folder, kill=kill).wait(kill)
            kills += process.killed
            problems += [] if process.killed else check_ended(process)
            problems += self._torn(folder)
        problems += check_ended(start(command(*self.words(folder)), log).wait())
        if not (folder / self.file).is_file():
            problems.append(f"{self.file} was not written")
        self.tally.add(kills, problems + self._torn(folder) + differences(expected, folder))

    def _torn(self, folder: Path) -> list[str]:
        path = folder / self.file
        whole = not path.exists() or path.read_bytes().rstrip().endswith(self.end)
        return [] if whole else [f"{self.file} is torn"]


@dataclass
class TwoWriters:
    """Starts the same command twice in one folder, the second at some instant of the first."""

    name: str
    words: Callable[[Path], Words]
    prepare: Callable[[Path], object] = nothing
    tally: Tally = field(init=False)
    _expected: dict[str, str] = field(default_factory=dict)
    _seconds: float = 0.0

    def __post_init__(self) -> None:
        held = "one ends as if alone; the other too, or with a sentence"
        self.tally = Tally(self.name, "times", held)

    def trial(self, folder: Path, rng: random.Random) -> None:
        """Runs both to their ends."""
        if not self._expected:
            alone = folder.with_name("alone-" + folder.name)
            self.prepare(alone)
            process = start(command(*self.words(alone)), alone.with_suffix(".log")).wait()
            if problems := check_ended(process):
                raise RuntimeError(f"{self.name} fails without any attack: {problems[0]}")
            self._expected, self._seconds = contents(alone), process.seconds
            shutil.rmtree(alone)
        self.prepare(folder)
        both = []
        for number in (1, 2):
            log = folder.with_name(f"{folder.name}-{number}.log")
            both.append(start(command(*self.words(folder)), log))
            if number == 1:
                time.sleep(rng.choice([0.0, rng.uniform(0, self._seconds)]))
        problems = [each for process in both for each in self._check(process.wait())]
        if all(process.status for process in both):
            problems.append("neither of the two did its work")
        self.tally.add(1, problems or differences(self._expected, folder))

    def _check(self, process: Process) -> list[str]:
        problems = check_ended(process, statuses=(0, 1))
        if process.status == 1 and not any(each in process.printed for each in _SENTENCES):
            problems.append(f"no sentence: {process.printed[-300:]!r}")
        return problems


@dataclass
class TwoFolders:
    """Starts the same command twice at once, without a folder."""

    name: str
    words: Words
    tally: Tally = field(init=False)

    def __post_init__(self) -> None:
        self.tally = Tally(self.name, "times", "both end, each in a folder of its own")

    def trial(self, folder: Path, rng: random.Random) -> None:  # noqa: ARG002 - both at once
        """Runs both to their ends."""
        folder.mkdir()

        def call() -> int:
            os.chdir(folder)
            return command(*self.words)()

        both = [start(call, folder.with_name(f"{folder.name}-{number}.log")) for number in (1, 2)]
        problems = [each for process in both for each in check_ended(process.wait())]
        runs = list((folder / "runs").iterdir())
        trees = [contents(each) for each in runs]
        if len(runs) != 2 or trees[0] != trees[1]:
            problems.append(f"{len(runs)} folders: {[sorted(tree) for tree in trees]}")
        self.tally.add(1, problems)
