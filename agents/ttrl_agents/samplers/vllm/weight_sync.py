"""The way of the weights from the policy to an engine in another process.

- `WeightSync`: the way, which is found when the engine starts.
- `WeightSyncChoice`: the choices of `--weight-sync`.

On a GPU that both use, the engine maps a buffer of the policy's process (CUDA IPC), so that weights
never leave the GPU. Elsewhere, or where that does not work, the buffer is in main memory. Whichever
it is, the engine first reads back bytes that were written for it.
"""

from __future__ import annotations

import contextlib
import logging
from typing import Any, Literal

import torch

from ttrl_agents.errors import AgentError
from ttrl_agents.policy.policy import Policy
from ttrl_agents.samplers.vllm.process import EngineError, EngineProcess
from ttrl_agents.samplers.vllm.shared_buffer import DeviceBuffer, HostBuffer, SharedBuffer
from ttrl_agents.samplers.vllm.weight_stream import read_sums, send_weights, sum_of_words

__all__ = ["WeightSync", "WeightSyncChoice"]

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

    Attributes:
        description: The way that was found, in words.

    Raises:
        AgentError: `"ipc"` was chosen for a policy that is not on a GPU.
    """

    def __init__(self, policy: Policy, choice: WeightSyncChoice = "auto") -> None:
        on_gpu = policy.device.type == "cuda"
        if choice == "ipc" and not on_gpu:
            raise AgentError(
                f"--weight-sync ipc shares memory of a GPU, but the policy is on {policy.device}. "
                "Use --weight-sync auto."
            )
        self._policy, self._choice = policy, choice
        self._tries_device = on_gpu and choice != "shared-memory"
        self.description = _DEVICE if self._tries_device else _HOST
        self._host = HostBuffer(_BUFFER_BYTES)
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
        with contextlib.closing(parts):
            answer, _ = engine.ask({"command": "load"}, on_more=lambda: next(parts))
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


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0][:200]
