"""Ranks that are killed in a run of several processes: the launcher starts all of them again.

- `KilledRanks`: kills one of the processes now and then; the run must end as one left alone.
"""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from attacks import check_ended
from processes import LIMIT, Process, command, start
from tally import Tally
from trees import contents, differences

_RESTARTS = 3  # so many a launcher makes before it gives up


@dataclass
class KilledRanks:
    """Kills ranks of a run, each at some instant; the launcher itself lives.

    Attributes:
        name: Of the row in the table.
        words: The command line, with its number of processes.
    """

    name: str
    words: Callable[[Path], list[object]]
    tally: Tally = field(init=False)
    _expected: dict[str, str] = field(default_factory=dict)
    _seconds: float = 0.0

    def __post_init__(self) -> None:
        self.tally = Tally(self.name, "kills", "goes on by itself to the files of one left alone")

    def trial(self, folder: Path, rng: random.Random) -> None:
        """Starts a run, kills a rank up to three times, and waits for the end."""
        log = folder.with_name(f"{folder.name}.log")
        if not self._expected:
            alone = folder.with_name("alone-" + folder.name)
            process = start(command(*self.words(alone)), log).wait()
            if problems := check_ended(process):
                raise RuntimeError(f"{self.name} fails without any attack: {problems[0]}")
            self._expected, self._seconds = contents(alone), process.seconds
            shutil.rmtree(alone)
        process = start(command(*self.words(folder)), log)
        kills = 0
        for _ in range(rng.randint(1, _RESTARTS)):
            kills += kill_a_rank(process, rng.uniform(0, self._seconds), rng)
        problems = check_ended(process.wait())
        self.tally.add(kills, problems or differences(self._expected, folder))


def kill_a_rank(launcher: Process, seconds: float, rng: random.Random) -> bool:
    """Kills a rank after so many seconds; returns whether there was one left to kill."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and psutil.Process(launcher.pid).status() != "zombie":
        time.sleep(0.01)
    while time.monotonic() < deadline + LIMIT:
        if psutil.Process(launcher.pid).status() == "zombie":  # it has ended, and is waited for
            return False
        alive = ranks_of(launcher.pid)
        if alive:
            rng.choice(alive).kill()
            return True
        time.sleep(0.01)  # between two attempts, or before the first
    return False


def ranks_of(pid: int) -> list[psutil.Process]:
    """Returns the processes that a launcher has started, in their order."""
    found = []
    for child in psutil.Process(pid).children():
        try:
            if "spawn_main" in " ".join(child.cmdline()):
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return sorted(found, key=lambda each: each.pid)
