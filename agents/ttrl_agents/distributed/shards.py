"""Tensors that each rank writes its part of, as safetensors (PyTorch's distributed checkpoints).

- `save_shards`: writes tensors, those that are divided in parts.
- `load_shards`: reads all tensors of a folder, divided over ranks or whole.
- `fill_from_files`: reads given tensors from a folder, each rank its part alone.
- `names_in`: the names of the tensors in a folder.
- `holds_shards`: whether a folder was written by `save_shards`.

The files can be read by any number of ranks. PyTorch does not notice damaged ones: a checkpoint
lists their checksums, and compares them before anything is read.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.hf_storage import (
    HuggingFaceStorageReader,
    HuggingFaceStorageWriter,
)
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Shard
from torch.distributed.tensor import empty as empty_in_parts

from ttrl_agents.distributed.world import world

__all__ = ["fill_from_files", "holds_shards", "load_shards", "names_in", "save_shards"]

_FILES = "shard-*.safetensors"  # as PyTorch names them

logging.getLogger("torch.distributed.checkpoint").setLevel(logging.ERROR)


def save_shards(folder: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Writes tensors: of those that are divided each rank its part, of the others one rank all.

    Args:
        folder: The folder, which exists.
        tensors: The tensors by name, the same names on every rank.

    Raises:
        OSError: A rank could not write.
    """
    writer = HuggingFaceStorageWriter(str(folder), save_distributed=True)
    _run(lambda: save(dict(tensors), storage_writer=writer, no_dist=world().size == 1))


def load_shards(folder: Path, device: torch.device | None = None) -> dict[str, torch.Tensor]:
    """Returns the tensors that `save_shards` wrote.

    Args:
        folder: Their folder.
        device: Where each rank's part of them goes; if `None`, every rank gets all of them, on CPU.
    """
    found = HuggingFaceStorageReader(str(folder)).read_metadata().state_dict_metadata
    mesh = None if device is None else init_device_mesh(device.type, (world().size,))
    tensors: dict[str, torch.Tensor] = {}
    for name, each in found.items():
        size, dtype = tuple(each.size), each.properties.dtype  # type: ignore[union-attr]
        if mesh is not None and size:
            tensors[name] = empty_in_parts(
                size, dtype=dtype, device_mesh=mesh, placements=[Shard(0)]
            )
        else:
            tensors[name] = torch.empty(size, dtype=dtype)
    fill_from_files(folder, tensors)
    return tensors


def fill_from_files(folder: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Reads tensors from the safetensors files of a folder, written by ranks or as a whole.

    Args:
        folder: The folder.
        tensors: What to fill, by the names that the files have; the type of numbers may differ.

    Raises:
        OSError: A file cannot be read.
    """
    reader = HuggingFaceStorageReader(str(folder))
    _run(lambda: load(dict(tensors), storage_reader=reader, no_dist=world().size == 1))


def names_in(folder: Path) -> set[str]:
    """Returns the names of the tensors in the safetensors files of a folder."""
    return set(HuggingFaceStorageReader(str(folder)).read_metadata().state_dict_metadata)


def holds_shards(folder: Path) -> bool:
    """Returns whether `save_shards` wrote into a folder."""
    return any(folder.glob(_FILES))


def _run(function: Any) -> None:
    """Runs a collective operation; raises what went wrong on the first rank where it did."""
    try:
        function()
    except CheckpointException as error:
        first = next(iter(error.failures.values()))[0]
        raise first if isinstance(first, Exception) else RuntimeError(str(first)) from error
