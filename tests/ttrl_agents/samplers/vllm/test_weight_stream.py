"""Weights that pass through a shared buffer: what arrives is what was sent, and sums tell."""

import json
import os
import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ttrl_agents.samplers.vllm.shared_buffer import HostBuffer
from ttrl_agents.samplers.vllm.weight_stream import (
    WeightReceiver,
    read_sums,
    send_weights,
    sum_of_words,
)

CPU = torch.device("cpu")


def tensors():
    torch.manual_seed(0)
    return {
        "a": torch.randn(3, 5),
        "b": torch.randn(700),
        "scalar": torch.tensor(2.5),
        "nothing": torch.empty(0, 4),
        "turned": torch.randn(6, 2).t(),
    }


def receive(weights, dtype, buffer):
    """Sends and receives in one process; every message passes through JSON."""
    messages = send_weights(weights.items(), dtype, buffer)
    return WeightReceiver(buffer, CPU, lambda: json.loads(json.dumps(next(messages))))


@given(st.integers(1, 5000), st.sampled_from([torch.float32, torch.bfloat16, torch.float16]))
def test_what_arrives_is_what_was_sent_however_small_the_buffer(size, dtype):
    given = tensors()
    arriving = receive(given, dtype, torch.empty(size, dtype=torch.uint8))
    arrived = dict(arriving)
    assert list(arrived) == list(given)
    for name, tensor in arrived.items():
        assert tensor.dtype == dtype
        assert torch.equal(tensor, given[name].to(dtype))
    assert arriving.expected == dict(
        zip(arrived, read_sums([*arriving.sums.values()]), strict=True)
    )
    assert arriving.dtypes == dict.fromkeys(given, dtype)


def test_each_tensor_has_memory_of_its_own():
    """An engine may keep the first matrix until the last one of its layer has arrived."""
    weights = {name: torch.full((64,), float(name)) for name in "123456"}
    arrived = dict(receive(weights, torch.float32, torch.empty(256, dtype=torch.uint8)))
    assert [float(each[0]) for each in arrived.values()] == [1, 2, 3, 4, 5, 6]


def test_weights_are_taken_as_they_are_needed():
    """So that merged matrices of adapters are not all there at once."""
    made = []

    def weights():
        for name in "abcd":
            made.append(name)
            yield name, torch.zeros(64)

    messages = send_weights(weights(), torch.float32, torch.empty(256, dtype=torch.uint8))
    next(messages)
    assert made == ["a", "b"]


def test_a_part_that_is_missing_is_noticed():
    buffer = torch.empty(256, dtype=torch.uint8)
    messages = list(send_weights([("a", torch.ones(200))], torch.float32, buffer))
    assert len(messages) == 4
    with pytest.raises(ValueError, match="bytes 512 to 768 of a were not expected"):
        list(WeightReceiver(buffer, CPU, iter([messages[0], *messages[2:]]).__next__))
    with pytest.raises(ValueError, match="bytes 0 to 256 of a were not expected"):
        list(WeightReceiver(buffer, CPU, iter([messages[0], messages[0]]).__next__))


def test_a_changed_weight_changes_its_sum_alone():
    given = tensors()
    buffer = torch.empty(2**16, dtype=torch.uint8)
    *_, before = send_weights(given.items(), torch.float32, buffer)
    given["a"][1, 1] += 1
    *_, after = send_weights(given.items(), torch.float32, buffer)
    changed = {
        name for name, each in before["checksums"].items() if after["checksums"][name] != each
    }
    assert changed == {"a"}


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="anonymous files are Linux's own")
def test_another_process_sees_what_is_in_main_memory():
    ours = HostBuffer(4096)
    ours.tensor.copy_(torch.arange(4096) % 251)
    program = (
        "import json, sys\n"
        "from ttrl_agents.samplers.vllm.shared_buffer import attach\n"
        "from ttrl_agents.samplers.vllm.weight_stream import read_sums, sum_of_words\n"
        "seen = attach(json.loads(sys.argv[1]))\n"
        "print(len(seen), *read_sums([sum_of_words(seen)]))\n"
    )
    output = subprocess.run(
        [sys.executable, "-c", program, json.dumps(ours.describe())],
        pass_fds=[ours.file_descriptor],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=True,
    ).stdout
    assert output.split() == [b"4096", str(sum(k % 251 for k in range(4096))).encode()]
    ours.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(ours.file_descriptor)


@given(st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=20), st.data())
def test_a_checksum_is_additive_and_changes_with_any_value(values, data):
    tensor = torch.tensor(values)
    cut = data.draw(st.integers(0, len(values)))
    place = data.draw(st.integers(0, len(values) - 1))
    changed = tensor.clone()
    changed.view(torch.int32)[place] ^= 1
    whole, first, rest, other = read_sums(
        [sum_of_words(each) for each in (tensor, tensor[:cut], tensor[cut:], changed)]
    )
    assert whole == (first + rest) % 2**64
    assert other != whole
