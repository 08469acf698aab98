"""Weights in shared memory: what arrives is what was sent, and checksums tell."""

import json
import os
import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ttrl_agents.samplers.vllm.shared_weights import SharedWeights, checksum

pytestmark = pytest.mark.skipif(
    not hasattr(os, "memfd_create"), reason="anonymous files are Linux's own"
)


def tensors():
    torch.manual_seed(0)
    return {"a": torch.randn(3, 5), "b": torch.randn(7), "scalar": torch.tensor(2.5)}


def test_what_is_attached_is_what_was_written():
    given = tensors()
    ours = SharedWeights.allocate(given.items(), torch.float32)
    sums = ours.write(given.items())
    theirs = SharedWeights.attach(
        {**ours.describe(), "file_descriptor": os.dup(ours.file_descriptor)}
    )
    for name, tensor in theirs:
        assert torch.equal(tensor, given[name])
        assert checksum(tensor) == sums[name]
    del tensor
    given["a"][1, 1] += 1
    assert ours.write(given.items())["a"] != sums["a"]
    assert torch.equal(dict(theirs)["a"], given["a"])
    theirs.close()
    ours.close()


def test_another_process_sees_them():
    given = tensors()
    ours = SharedWeights.allocate(given.items(), torch.bfloat16)
    sums = ours.write(given.items())
    program = (
        "import json, sys\n"
        "from ttrl_agents.samplers.vllm.shared_weights import SharedWeights, checksum\n"
        "weights = SharedWeights.attach(json.loads(sys.argv[1]))\n"
        "print(json.dumps({name: checksum(tensor) for name, tensor in weights}))\n"
    )
    output = subprocess.run(
        [sys.executable, "-c", program, json.dumps(ours.describe())],
        pass_fds=[ours.file_descriptor],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=True,
    ).stdout
    assert json.loads(output) == sums
    ours.close()


def test_a_missing_tensor_is_named():
    given = tensors()
    ours = SharedWeights.allocate(given.items(), torch.float32)
    del given["b"]
    with pytest.raises(KeyError, match="no values for b"):
        ours.write(given.items())
    ours.close()


@given(st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=20), st.data())
def test_a_checksum_is_additive_and_changes_with_any_value(values, data):
    tensor = torch.tensor(values)
    cut = data.draw(st.integers(0, len(values)))
    assert checksum(tensor) == (checksum(tensor[:cut]) + checksum(tensor[cut:])) % 2**64
    place = data.draw(st.integers(0, len(values) - 1))
    changed = tensor.clone()
    changed.view(torch.int32)[place] ^= 1
    assert checksum(changed) != checksum(tensor)
