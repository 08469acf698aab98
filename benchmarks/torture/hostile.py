"""Hostile files: made up by generators, and given to commands.

- `hostile`: registers a generator. Those of `tests/hostile` are registered too: each module there
  defines functions with this decorator.
- `HostileFiles`: gives what a generator made to the command that it names.

A generator is given an empty folder and random numbers; it writes files and returns the command
line that reads them. The command must end with a sentence or do its work: no traceback, no hang.
"""

from __future__ import annotations

import importlib.util
import json
import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from attacks import check_ended
from processes import command, new_folder, start
from tally import Tally

__all__ = ["GENERATORS", "HostileFiles", "hostile"]

Generator = Callable[[Path, random.Random], list[object]]

GENERATORS: dict[str, Generator] = {}
_MORE = Path(__file__).parents[2] / "tests" / "hostile"
_RUN = (
    "train --steps 3 --checkpoint-every 1 --questions-per-step 1 --n-votes 2 --max-tokens 16 "
    "--no-evaluate --env-options size=5"
)
_EVAL = "eval tiny --limit 4 --k 2 --portion 1 --max-tokens 16"


def hostile(name: str) -> Callable[[Generator], Generator]:
    """Registers a generator of hostile files under a name."""

    def register(generator: Generator) -> Generator:
        GENERATORS[name] = generator
        return generator

    return register


class HostileFiles:
    """Gives hostile files to commands; each generator in turn."""

    def __init__(self) -> None:
        self.tally = Tally("hostile files", "files", "ends with a sentence, or does its work")
        _load_more()
        self._next = 0

    def trial(self, folder: Path, rng: random.Random) -> None:
        """Makes one and reads it."""
        names = sorted(GENERATORS)
        name = names[self._next % len(names)]
        self._next += 1
        folder.mkdir()
        words = GENERATORS[name](folder, rng)
        process = start(command(*words), folder.with_name(f"{folder.name}.log")).wait()
        self.tally.add(1, [f"{name}: {each}" for each in check_ended(process, statuses=(0, 1, 2))])


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Returns a file as a careless editor, a torn disk or somebody hostile leaves it."""
    kind = rng.randrange(8)
    place = rng.randrange(len(data) + 1)
    if kind == 0:
        return data[:place]
    if kind == 1:
        return data[:place] + rng.randbytes(rng.randint(1, 8)) + data[place:]
    if kind == 2:
        return b""
    if kind == 3:
        return rng.choice([b"[", b'{"a":']) * 100_000
    if kind == 4:
        return data + data
    if kind == 5:
        return rng.choice([b"null", b"[]", b"{}", b'"text"', b"1e999", b"\xff\xfe\x00"])
    return _other_values(data, rng)


def _other_values(data: bytes, rng: random.Random) -> bytes:
    """Returns JSON with one of its values replaced by one of another kind."""
    try:
        lines = [json.loads(line) for line in data.splitlines()]
        whole = False
    except ValueError:
        try:
            lines, whole = [json.loads(data)], True
        except ValueError:
            return data[::-1]
    row = rng.choice(lines) if lines else None
    while isinstance(row, dict | list) and row:
        key = rng.choice(list(row)) if isinstance(row, dict) else rng.randrange(len(row))
        if not isinstance(row[key], dict | list) or not row[key] or rng.random() < 0.3:
            row[key] = rng.choice([None, "text", -1, 1e300, [], {}, True, "\ud800", [[]] * 3])
            break
        row = row[key]
    text = "\n".join(json.dumps(line, indent=2 if whole else None) for line in lines)
    return (text + "\n").encode()


def _of(kind: str) -> Path:
    """Returns a folder with a run, or an evaluation, that has not ended; made once."""
    if kind not in _MADE:
        folder = new_folder() / kind
        words = [*(_RUN if kind == "run" else _EVAL).split(), "--output", folder]
        process = start(command(*words), folder.with_suffix(".log")).wait()
        if problems := check_ended(process):
            raise RuntimeError(problems[0])
        (folder / "summary.json").unlink()
        _MADE[kind] = folder
    return _MADE[kind]


_MADE: dict[str, Path] = {}


def _with_damage(kind: str, folder: Path, rng: random.Random) -> Path:
    """Copies a run or an evaluation and damages one of its text files."""
    target = folder / kind
    shutil.copytree(_of(kind), target)
    files = [
        path
        for path in sorted(target.rglob("*"))
        if path.suffix in (".json", ".jsonl", ".jinja") and path.is_file()
    ]
    path = rng.choice(files)
    path.write_bytes(damaged(path.read_bytes(), rng))
    return target


@hostile("a run with a damaged file")
def damaged_run(folder: Path, rng: random.Random) -> list[object]:
    """A run that goes on from damaged files."""
    return ["train", "--resume", _with_damage("run", folder, rng)]


@hostile("a run whose damage its checksums hide")
def forged_run(folder: Path, rng: random.Random) -> list[object]:
    """A run that goes on from files that somebody edited together with their checksums."""
    import zlib

    target = _with_damage("run", folder, rng)
    for manifest in target.rglob("files.json"):
        files = [path for path in manifest.parent.rglob("*") if path.is_file()]
        sums = {
            path.relative_to(manifest.parent).as_posix(): [
                path.stat().st_size,
                zlib.crc32(path.read_bytes()),
            ]
            for path in files
            if path != manifest
        }
        manifest.write_text(json.dumps(sums))
    return ["train", "--resume", target]


@hostile("an evaluation with a damaged file")
def damaged_evaluation(folder: Path, rng: random.Random) -> list[object]:
    """An evaluation that goes on from damaged files."""
    return ["eval", "--resume", _with_damage("evaluation", folder, rng)]


@hostile("a damaged evaluation to compare")
def damaged_comparison(folder: Path, rng: random.Random) -> list[object]:
    """A comparison of a good evaluation with a damaged one."""
    target = _with_damage("evaluation", folder, rng)
    return ["compare", _of("evaluation"), target]


def _load_more() -> None:
    """Imports the modules with further generators."""
    # They import this module by its name, whatever it was imported as here.
    sys.modules.setdefault("hostile", sys.modules[__name__])
    for path in sorted(_MORE.glob("*.py")) if _MORE.is_dir() else ():
        spec = importlib.util.spec_from_file_location(f"hostile_{path.stem}", path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path} cannot be imported")
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
