"""The way of the weights from the policy to an engine in another process.

- `WeightSync`: the way, which is found when the engine starts.
- `WeightSyncChoice`: the choices of `--weight-sync`.
- `pass_over`: takes part where other ranks ask for weights that are divided.

On a GPU that both use, the engine maps a buffer of the policy's process (CUDA IPC), so that weights
never leave the GPU. Elsewhere, or where that does not work, the buffer is in main memory. Whichever
it is, the engine first reads back bytes that were written for it.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Any, Literal

import torch

from ttrl_agents.errors import AgentError
from ttrl_agents.policy.policy import Policy
from ttrl_agents.samplers.vllm.process import EngineError, EngineProcess
from ttrl_agents.samplers.vllm.shared_buffer import DeviceBuffer, HostBuffer, SharedBuffer
from ttrl_agents.samplers.vllm.weight_stream import (
    read_sums,
    send_weights,
    size_of_all,
    sum_of_words,
)

__all__ = ["WeightSync", "WeightSyncChoice", "pass_over"]

WeightSyncChoice = Literal["auto", "ipc", "shared-memory"]

_BUFFER_BYTES = 2**28
_LOG = logging.getLogger(__name__)
_DEVICE, _HOST = "CUDA IPC", "shared memory"
_OTHER_WAY = "Use --weight-sync shared-memory."


class WeightSync:
    """The way of the weights from a policy to an engine.

    Args:
        policy: The policy.
        choice: `"ipc"`, `"shared-memory"`, or `"auto"`: the first on a GPU where it works, else
            the second.
        workers: How many workers the engine has. If there are several, each reads all weights from
            main memory, which holds all of them for that while.

    Attributes:
        description: The way that was found, in words.

    Raises:
        AgentError: `"ipc"` was chosen for a policy that is not on a GPU, or for several workers.
    """

    def __init__(
        self, policy: Policy, choice: WeightSyncChoice = "auto", *, workers: int = 1
    ) -> None:
        on_gpu = policy.device.type == "cuda"
        if choice == "ipc" and not on_gpu:
            raise AgentError(
                f"--weight-sync ipc shares memory of a GPU, but the policy is on {policy.device}. "
                "Use --weight-sync auto."
            )
        if choice == "ipc" and workers > 1:
            raise AgentError(
                "--weight-sync ipc shares the memory of one GPU, and --engine-tensor-parallel "
                f"{workers} has the engine use that of {workers}. {_OTHER_WAY}"
            )
        self._policy, self._choice = policy, choice
        self._tries_device = on_gpu and choice != "shared-memory" and workers == 1
        self.description = _DEVICE if self._tries_device else _HOST
        self._at_once = workers > 1
        self._host = HostBuffer(
            size_of_all(policy.model.state_dict().values(), policy.compute_dtype)
            if self._at_once
            else _BUFFER_BYTES
        )
        self._device: DeviceBuffer | None = None
        self._buffer: SharedBuffer = self._host

    @property
    def file_descriptor(self) -> int:
        """What the engine's process has to inherit."""
        return self._host.file_descriptor

    def connect(self, engine: EngineProcess) -> None:
        """Shares a buffer with an engine that has just started.

        Raises:
            EngineError: The engine does not see what was written.
        """
        if self._tries_device:
            try:
                self._device = self._device or DeviceBuffer(_BUFFER_BYTES, self._policy.device)
                self._share(engine, self._device)
            except (EngineError, RuntimeError) as error:
                if self._choice == "ipc" or not engine.alive:
                    raise EngineError(f"{error} {_OTHER_WAY}") from error
                self._tries_device, self._device = False, None
                self.description = f"{_HOST}, since {_DEVICE} fails here ({_first_line(error)})"
                _LOG.warning("Weights reach vLLM by %s.", self.description)
            else:
                return
        self._share(engine, self._host)

    def load(self, engine: EngineProcess) -> dict[str, Any]:
        """Sends the policy's weights.

        Returns:
            What the engine proved of them; see `Engine.load`.

        Raises:
            EngineError: They did not arrive.
        """
        weights = self._policy.weights()
        parts = send_weights(weights, self._policy.compute_dtype, self._buffer.tensor)
        try:
            with contextlib.closing(parts):
                answer, _ = engine.ask({"command": "load"}, on_more=lambda: next(parts))
        finally:
            pass_over(self._policy, weights)
            if self._at_once:
                self._host.release()
        return answer

    def close(self) -> None:
        """Lets go of the buffers."""
        self._buffer = self._host
        if self._device is not None:
            self._device.close()
        self._host.close()

    def _share(self, engine: EngineProcess, buffer: SharedBuffer) -> None:
        pattern = torch.arange(2**12, device=buffer.tensor.device) * 37 % 251
        start = buffer.tensor[: len(pattern)].copy_(pattern)
        (written,) = read_sums([sum_of_words(start)])  # also waits until it is written
        answer, _ = engine.ask(
            {"command": "share", "buffer": buffer.describe(), "bytes": len(pattern)}
        )
        if answer["sum"] != written:
            raise EngineError("The engine does not see what was written for it.")
        self._buffer = buffer


def pass_over(policy: Policy, weights: Iterator[tuple[str, torch.Tensor]]) -> None:
    """Asks for the weights that are left, if other ranks can have them only together with this one.

    Args:
        policy: The policy.
        weights: What `Policy.weights` returned.
    """
    if policy.divided:
        for _ in weights:
            pass


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0][:200]
