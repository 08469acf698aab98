"""Reads what Weights & Biases wrote offline.

The file is a short header and then records in the block format of LevelDB's log, each of which is
a protocol buffer of W&B's own.
"""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_HEADER, _BLOCK, _PREFIX = 7, 32_768, 7
_WHOLE, _LAST = 1, 4


def wandb_records(path: Path) -> Iterator[Any]:
    """The records of a `.wandb` file, those that are whole."""
    from wandb.proto import wandb_internal_pb2

    data, position, parts = path.read_bytes(), _HEADER, b""
    while position + _PREFIX <= len(data):
        left = _BLOCK - position % _BLOCK
        if left < _PREFIX:
            position += left
            continue
        _, length, kind = struct.unpack_from("<IHB", data, position)
        position += _PREFIX
        if position + length > len(data):
            return  # W&B is writing it just now
        parts += data[position : position + length]
        position += length
        if kind in (_WHOLE, _LAST):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(parts)
            parts = b""
            yield record


def _finished(path: Path) -> list[Any]:
    """The records of a run that has ended: W&B's own process writes them a little later."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        records = list(wandb_records(path))
        if any(record.WhichOneof("record_type") == "exit" for record in records):
            return records
        time.sleep(0.05)
    raise AssertionError(f"{path} has no end")


def wandb_rows(folder: Path) -> tuple[set[str], list[dict[str, Any]]]:
    """The run ids and all logged rows of a run directory, in the order of the processes."""
    ids: set[str] = set()
    rows: list[dict[str, Any]] = []
    paths = sorted(
        folder.glob("wandb/offline-run-*/*.wandb"), key=lambda each: each.stat().st_mtime
    )
    for path in paths:
        for record in _finished(path):
            kind = record.WhichOneof("record_type")
            if kind == "run":
                ids.add(record.run.run_id)
            elif kind == "history":
                rows.append(
                    {
                        item.key or "/".join(item.nested_key): json.loads(item.value_json)
                        for item in record.history.item
                    }
                )
    return ids, rows
