"""The short form of `make torture`, and that each of its attacks would see what it looks for."""

from __future__ import annotations

import importlib
import json
import random
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FOLDER = Path(__file__).parents[3] / "benchmarks" / "torture"
NAMES = ("processes", "trees", "tally", "attacks", "killed_ranks", "hostile", "texts")


@pytest.fixture
def part(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Imports a part of the script as it does itself: with its folder first on the path."""
    monkeypatch.syspath_prepend(FOLDER)

    def load(name: str) -> ModuleType:
        return importlib.import_module(name)

    yield load
    for name in (*NAMES, "fuzz_answers"):
        sys.modules.pop(name, None)


@pytest.mark.slow
def test_nothing_is_lost_in_the_short_form(tmp_path: Path) -> None:
    arguments = [
        "--kills",
        "12",
        "--rank-kills",
        "1",
        "--completions",
        "1280",
        "--files",
        "8",
        "--seed",
        "1",
    ]
    done = subprocess.run(
        [sys.executable, FOLDER / "torture.py", *arguments, "--keep", tmp_path],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    assert all(line.endswith("| 0 |") for line in rows[1:])
    # How many commands twelve kills reach depends on how many of them come too late.
    tried = [line.split(" | ")[1].split()[1] for line in rows[1:]]
    assert {*tried} == {"kills", "times", "files", "completions"}


def test_a_fork_can_be_killed_before_an_operation_or_after_a_time(
    part: Any, tmp_path: Path
) -> None:
    processes = part("processes")

    def write() -> None:
        for number in range(5):
            (tmp_path / str(number)).write_text("")
        time.sleep(60)

    kill = processes.Kill(operation=4)
    process = processes.start(write, tmp_path / "log", folder=tmp_path / "", kill=kill)
    assert process.wait(kill).killed
    assert len(list(tmp_path.glob("[0-9]"))) == 3
    kill = processes.Kill(seconds=0.2)
    assert processes.start(write, tmp_path / "log").wait(kill).killed


def test_each_way_of_ending_badly_is_seen(
    part: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes, attacks = part("processes"), part("attacks")

    def ended(call: Any) -> list[str]:
        problems: list[str] = attacks.check_ended(processes.start(call, tmp_path / "log").wait())
        return problems

    assert ended(lambda: 0) == []
    assert "traceback" in ended(lambda: 1 / 0)[0]
    assert "exit status 3" in ended(lambda: 3)[0]
    assert "exit status 2" in ended(lambda: sys.exit(2))[0]
    monkeypatch.setattr(processes, "LIMIT", 0.2)
    assert "hung" in ended(lambda: time.sleep(60))[0]


def test_every_difference_between_two_folders_is_seen_but_times(part: Any, tmp_path: Path) -> None:
    trees = part("trees")
    for name, seconds in (("a", 1), ("b", 2)):
        folder = tmp_path / name
        (folder / "inside").mkdir(parents=True)
        (folder / "metrics.jsonl").write_text(f'{{"step": 1, "seconds": {seconds}}}\n')
        (folder / "config.json").write_text(f'{{"model": "{folder}/model"}}')
        (folder / "inside" / "weights").write_bytes(b"weights")
    expected = trees.contents(tmp_path / "a")
    assert trees.differences(expected, tmp_path / "b") == []
    (tmp_path / "b" / "metrics.jsonl").write_text('{"step": 2, "seconds": 1}\n')
    (tmp_path / "b" / "inside" / "weights").unlink()
    (tmp_path / "b" / "inside" / "more").write_text("")
    (tmp_path / "b" / ".lock").write_text("")
    assert sorted(trees.differences(expected, tmp_path / "b")) == [
        ".lock is left over",
        ".lock is too many",
        "inside/more is too many",
        "inside/weights is missing",
        "metrics.jsonl differs",
    ]


def write_shard(path: Path, tensors: dict[str, int], offset: int = 0) -> None:
    """Writes tensors of one byte as a shard that begins at an offset of the whole."""
    places = {name: {"saved_offsets": [offset]} for name in tensors}
    header: dict[str, Any] = {"__metadata__": {"DCP_SHARDING_INFO": json.dumps(places)}}
    for at, name in enumerate(tensors):
        header[name] = {"dtype": "U8", "shape": [1], "data_offsets": [at, at + 1]}
    words = json.dumps(header).encode()
    path.write_bytes(len(words).to_bytes(8, "little") + words + bytes(tensors.values()))


def test_shards_are_compared_as_one_whole(part: Any, tmp_path: Path) -> None:
    trees = part("trees")
    first, second = (tmp_path / f"shard-{number}.safetensors" for number in (1, 2))
    write_shard(first, {"a": 1, "step": 7})
    write_shard(second, {"b": 2})
    expected = trees.contents(tmp_path)
    write_shard(first, {"a": 1})
    write_shard(second, {"step": 7, "b": 2})
    assert trees.differences(expected, tmp_path) == []
    for other, offset in (({"step": 8, "b": 2}, 0), ({"b": 2}, 0), ({"step": 7, "b": 2}, 1)):
        write_shard(second, other, offset)
        assert trees.differences(expected, tmp_path) == ["shard-*.safetensors differs"]


class Forgetful:
    """A command that does not go on where it was killed: it counts from 0 again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self) -> int:
        self.folder.mkdir(exist_ok=True)
        (self.folder / "config.json").touch()
        for number in range(20):
            with (self.folder / "lines").open("a") as file:
                file.write(f"{number}\n")
            time.sleep(0.005)
        return 0


def test_a_command_that_loses_work_is_seen(
    part: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attacks = part("attacks")
    monkeypatch.setattr(attacks, "command", lambda folder: Forgetful(folder))
    attack = attacks.Killed("forgetful", lambda folder: [folder], lambda folder: [folder])
    rng = random.Random(0)
    while not attack.tally.times:
        attack.trial(tmp_path / f"trial-{attack.tally.trials}", rng)
    assert "lines differs" in attack.tally.problems
    assert "| forgetful |" in part("tally").as_table([attack.tally])


class Careless:
    """A command that writes its file in place, line by line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self) -> int:
        with (self.folder / "page").open("w", buffering=1) as file:
            for _ in range(20):
                file.write("line\n")
                time.sleep(0.005)
            file.write("end\n")
        return 0


def test_a_file_that_is_written_in_place_is_seen_torn(
    part: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attacks = part("attacks")
    monkeypatch.setattr(attacks, "command", lambda folder: Careless(folder))
    attack = attacks.Rewritten("careless", lambda folder: [folder], Path.mkdir, "page", b"end")
    rng = random.Random(0)
    while "page is torn" not in attack.tally.problems:
        attack.trial(tmp_path / f"trial-{attack.tally.trials}", rng)
        assert attack.tally.trials < 20


def test_two_that_both_write_are_seen(
    part: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attacks = part("attacks")
    monkeypatch.setattr(attacks, "command", lambda folder: Forgetful(folder))
    attack = attacks.TwoWriters("two", lambda folder: [folder])
    attack.trial(tmp_path / "trial", random.Random(0))
    assert attack.tally.problems == ["lines differs"]


def test_a_completion_that_breaks_the_environment_is_seen(
    part: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = part("texts").Texts()
    texts.trial(tmp_path, random.Random(0))
    assert (texts.tally.times, texts.tally.problems) == (64, [])
    for envs in texts._envs:
        monkeypatch.setattr(envs, "step", lambda texts: texts[0].nothing)
    texts.trial(tmp_path, random.Random(0))
    assert "AttributeError" in texts.tally.problems[0]


def test_damage_of_every_kind_changes_a_file(part: Any) -> None:
    damaged = part("hostile").damaged
    data = b'{"step": 1, "parts": {"best": [1, 2]}}\n'
    made = {damaged(data, random.Random(seed)) for seed in range(60)}
    assert len(made) > 20
    assert sum(each == data for each in made) <= 1


def test_generators_in_tests_hostile_are_found(part: Any, tmp_path: Path) -> None:
    hostile = part("hostile")
    (tmp_path / "mine.py").write_text(
        "from hostile import hostile\n\n"
        "@hostile('mine')\n"
        "def mine(folder, rng):\n"
        "    return ['--version']\n"
    )
    before = dict(hostile.GENERATORS)
    hostile._MORE = tmp_path
    attack = hostile.HostileFiles()
    assert set(hostile.GENERATORS) - set(before) == {"mine"}
    for name in before:
        del hostile.GENERATORS[name]
    attack.trial(tmp_path / "trial", random.Random(0))
    assert (attack.tally.times, attack.tally.problems) == (1, [])
