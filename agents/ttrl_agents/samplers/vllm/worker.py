"""What a worker of an engine does beside what vLLM has it do: it takes weights, and reports them.

- `ReceivesWeights`: added to vLLM's own worker, by its option `worker_extension_cls`.

Each worker reads all weights from memory that it shares with the run, and keeps its part of them.
"""

from __future__ import annotations

from typing import Any

import torch

from ttrl_agents.samplers.vllm.proof import report_weights
from ttrl_agents.samplers.vllm.shared_buffer import attach
from ttrl_agents.samplers.vllm.weight_stream import WeightReceiver, read_sums, sum_of_words

__all__ = ["ReceivesWeights"]


class ReceivesWeights:
    """A worker that takes weights from shared memory."""

    _ttrl_buffer: torch.Tensor

    def ttrl_share(self, description: dict[str, Any], count: int) -> int:
        """Opens the memory; returns the checksum of as many bytes as were written as a proof."""
        self._ttrl_buffer = attach(description)
        return read_sums([sum_of_words(self._ttrl_buffer[:count])])[0]

    def ttrl_load(self, message: dict[str, Any]) -> dict[str, Any]:
        """Takes this worker's part of the weights that the memory holds; see `report_weights`."""
        worker: Any = self  # vLLM's, which has these methods
        model = worker.get_model()
        device = next(model.parameters()).device
        arriving = WeightReceiver(self._ttrl_buffer, device, iter([message]).__next__)
        weights = iter(arriving)
        worker.reload_weights(weights_iterator=weights)
        for _ in weights:  # to the end, whatever vLLM had no use for
            pass
        return report_weights(worker.get_model(), arriving)
