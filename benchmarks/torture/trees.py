"""What a command left in its folder, so that two folders can be compared.

- `contents`: a digest of each file, without what may differ from one run to the next: times, and
  the folder's own name.
- `differences`: in words, how two of them differ.
"""

from __future__ import annotations

import collections
import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any

# How long steps took, when they were taken, and pictures and logs that show it. files.json has
# checksums of the former.
_TIMES = {
    *("seconds", "tokens_per_second", "idle_share", "sampling_skew"),
    *("output", "since"),
}
_LEFT_OUT = {"curves.png", "files.json", "provenance.json", "report.html"}
_LEFT_OUT_FOLDERS = {"tensorboard"}
# Of a tensor that all processes have, PyTorch writes one copy, into the shard of any of them.
_SHARD = "shard-*.safetensors"
_LEFTOVERS = (".tmp", ".old", ".gone", ".lock", ".incomplete")


def contents(folder: Path) -> dict[str, str]:
    """Returns a digest of each file of a folder, by its path in it."""
    found = {}
    shards = collections.defaultdict(list)
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.match(_SHARD):
            shards[(name.parent / _SHARD).as_posix()] += _pieces(path.read_bytes())
        elif path.is_file() and not (
            path.name in _LEFT_OUT or _LEFT_OUT_FOLDERS.intersection(name.parts)
        ):
            found[name.as_posix()] = _digest(path, folder)
    for where, pieces in shards.items():
        found[where] = hashlib.blake2b("\n".join(sorted(pieces)).encode()).hexdigest()
    return found


def differences(expected: dict[str, str], folder: Path) -> list[str]:
    """Returns how a folder differs from what is expected in it, and which leftovers it has."""
    found = contents(folder)
    said = [f"{name} is missing" for name in expected if name not in found]
    said += [f"{name} is too many" for name in found if name not in expected]
    said += [
        f"{name} differs" for name in expected if found.get(name, "") not in ("", expected[name])
    ]
    hidden = [path.relative_to(folder).as_posix() for path in folder.rglob(".*")]
    said += [
        f"{name} is left over"
        for name in hidden
        if name.endswith(_LEFTOVERS) and not any(each.startswith(name) for each in expected)
    ]
    return said


def _digest(path: Path, folder: Path) -> str:
    data = path.read_bytes()
    if path.suffix in (".json", ".jsonl"):
        with contextlib.suppress(ValueError):  # torn: it differs from every whole file
            data = _without_times(data, folder, lines=path.suffix == ".jsonl")
    return hashlib.blake2b(data, digest_size=12).hexdigest()


def _pieces(data: bytes) -> list[str]:
    """Returns what a shard holds: each tensor's name, place in the whole, and a digest."""
    size = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:size])
    places = json.loads(header.pop("__metadata__")["DCP_SHARDING_INFO"])
    said = []
    for name, tensor in header.items():
        begin, end = tensor.pop("data_offsets")
        digest = hashlib.blake2b(data[size + begin : size + end], digest_size=12).hexdigest()
        said.append(f"{name} {places[name]} {tensor} {digest}")
    return said


def _without_times(data: bytes, folder: Path, *, lines: bool) -> bytes:
    text = data.decode().replace(str(folder), "FOLDER").replace(folder.name, "FOLDER")
    rows = text.splitlines() if lines else [text]
    return json.dumps([_timeless(json.loads(row)) for row in rows]).encode()


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _timeless(each) for name, each in value.items() if name not in _TIMES}
    return [_timeless(each) for each in value] if isinstance(value, list) else value
