"""Memory that two processes see: main memory, or the memory of a GPU.

- `SharedBuffer`: bytes that one process writes and the other reads.
- `HostBuffer`: in main memory; the reader inherits its file descriptor.
- `DeviceBuffer`: on a GPU that both use (CUDA IPC); the reader gets a handle to it.
- `attach`: opens the buffer that another process described.

Descriptions are JSON. A handle of CUDA is a few numbers and names; nothing is pickled.
"""

from __future__ import annotations

import base64
import mmap
import os
from collections.abc import Mapping
from typing import Any, Protocol

import torch

__all__ = ["DeviceBuffer", "HostBuffer", "SharedBuffer", "attach"]

_BYTES = ("storage_handle", "ref_counter_handle", "event_handle")
_NUMBERS = ("storage_size", "storage_offset", "ref_counter_offset", "event_sync_required")


class SharedBuffer(Protocol):
    """Bytes that one process writes and the other reads.

    Attributes:
        tensor: The bytes, shape (size,), uint8.
    """

    tensor: torch.Tensor

    def describe(self) -> dict[str, Any]:
        """Returns what `attach` needs in the other process, as JSON holds it."""
        ...

    def close(self) -> None:
        """Lets go of the memory; `tensor` must no longer be in use."""
        ...


class HostBuffer:
    """A buffer in main memory.

    It is an anonymous file (Linux), freed when both processes have closed it or ended. Pages that
    are never written take no memory.

    Args:
        size: Its bytes.
    """

    def __init__(self, size: int) -> None:
        self.file_descriptor = os.memfd_create("ttrl-weights")
        os.ftruncate(self.file_descriptor, size)
        self._memory = mmap.mmap(self.file_descriptor, size)
        self.tensor = torch.frombuffer(self._memory, dtype=torch.uint8)

    def describe(self) -> dict[str, Any]:
        """Returns the size and the file descriptor, which the other process has to inherit."""
        return {
            "kind": "memory",
            "size": len(self.tensor),
            "file_descriptor": self.file_descriptor,
        }

    def release(self) -> None:
        """Gives the memory back; what is written next takes some again."""
        self._memory.madvise(mmap.MADV_REMOVE)

    def close(self) -> None:
        """Closes the file and the memory."""
        self.tensor = torch.empty(0, dtype=torch.uint8)
        self._memory.close()
        os.close(self.file_descriptor)


class DeviceBuffer:
    """A buffer on a GPU, which another process that uses the same GPU can map.

    Args:
        size: Its bytes.
        device: The GPU.
    """

    def __init__(self, size: int, device: torch.device) -> None:
        self.tensor = torch.empty(size, dtype=torch.uint8, device=device)

    def describe(self) -> dict[str, Any]:
        """Returns a new handle of CUDA.

        Raises:
            RuntimeError: This GPU, its driver or PyTorch's allocator gives none.
        """
        from torch.multiprocessing.reductions import reduce_tensor

        *_, device, handle, size, offset, _, counter, place, event, waits = reduce_tensor(
            self.tensor
        )[1]
        del device  # the other process may count GPUs differently
        found: dict[str, Any] = {
            "storage_handle": handle,
            "storage_size": size,
            "storage_offset": offset,
            "ref_counter_handle": counter,
            "ref_counter_offset": place,
            "event_handle": event,
            "event_sync_required": waits,
        }
        for name in _BYTES:
            found[name] = base64.b64encode(found[name]).decode("ascii")
        return {"kind": "cuda", "size": len(self.tensor), **found}

    def close(self) -> None:
        """Lets PyTorch use the memory for something else."""
        self.tensor = torch.empty(0, dtype=torch.uint8)


def attach(description: Mapping[str, Any]) -> torch.Tensor:
    """Opens the buffer that another process described.

    Args:
        description: The buffer. Its file descriptor is one of this process, or of the `process`
            that it names.

    Returns:
        The bytes, shape (size,), uint8.

    Raises:
        RuntimeError: The GPU's memory cannot be mapped here.
    """
    size = int(description["size"])
    if description["kind"] == "memory":
        place = int(description["file_descriptor"])
        if "process" not in description:
            return torch.frombuffer(mmap.mmap(place, size), dtype=torch.uint8)
        opened = os.open(f"/proc/{int(description['process'])}/fd/{place}", os.O_RDWR)
        try:
            return torch.frombuffer(mmap.mmap(opened, size), dtype=torch.uint8)
        finally:
            os.close(opened)  # the memory stays mapped
    from torch.multiprocessing.reductions import rebuild_cuda_tensor

    handles = {name: base64.b64decode(description[name], validate=True) for name in _BYTES}
    numbers = {name: int(description[name]) for name in _NUMBERS}
    tensor: torch.Tensor = rebuild_cuda_tensor(
        torch.Tensor,
        (size,),
        (1,),
        0,
        torch.storage.TypedStorage,
        torch.uint8,
        torch.cuda.current_device(),
        handles["storage_handle"],
        numbers["storage_size"],
        numbers["storage_offset"],
        False,
        handles["ref_counter_handle"],
        numbers["ref_counter_offset"],
        handles["event_handle"],
        bool(numbers["event_sync_required"]),
    )
    return tensor
