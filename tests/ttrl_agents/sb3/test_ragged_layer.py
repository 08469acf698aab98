"""Rows that have come to different places share one layer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from ttrl_agents.sb3.ragged_layer import RaggedLayer


@pytest.fixture
def _poisoned_memory() -> Iterator[None]:
    """Memory that nobody wrote to holds NaN."""
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


def states(*rows: list[float]) -> torch.Tensor:
    return torch.tensor(rows)[:, None, :, None]


@pytest.mark.usefixtures("_poisoned_memory")
def test_each_row_writes_at_its_own_place() -> None:
    layer = RaggedLayer(capacity=5)
    layer.append(states([1.0, 2.0, 3.0], [4.0, 0.0, 0.0]), states([1.0] * 3, [1.0] * 3))
    layer.turn_to(torch.tensor([3, 1]), longest=3)
    assert layer.get_seq_length() == 3
    keys, values = layer.update(states([9.0], [8.0]), states([7.0], [6.0]))
    assert keys[:, 0, :, 0].tolist() == [[1.0, 2.0, 3.0, 9.0], [4.0, 8.0, 0.0, 0.0]]
    assert values[1, 0, 1, 0] == 6.0
    layer.append(states([5.0, 5.0]), states([5.0, 5.0]))
    layer.take(torch.tensor([2, 0]))
    layer.turn_to(torch.tensor([2, 4]), longest=4)
    keys, values = layer.update(states([3.0], [2.0]), states([3.0], [2.0]))
    assert keys[:, 0, :, 0].tolist() == [[5.0, 5.0, 3.0, 0.0, 0.0], [1.0, 2.0, 3.0, 9.0, 2.0]]
    # What a short row has at the places of a long one is masked, but NaN would come through.
    assert values.isfinite().all()
