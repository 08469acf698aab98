"""The way of the weights: how it is chosen, proved, and given up; CUDA is acted by fakes."""

import base64
import json

import pytest
import torch
from torch.multiprocessing import reductions

from ttrl_agents.errors import AgentError
from ttrl_agents.samplers.vllm import weight_sync
from ttrl_agents.samplers.vllm.process import EngineError
from ttrl_agents.samplers.vllm.shared_buffer import DeviceBuffer, attach
from ttrl_agents.samplers.vllm.weight_stream import WeightReceiver, read_sums, sum_of_words
from ttrl_agents.samplers.vllm.weight_sync import WeightSync

HANDLES = (b"\x00handle\xff", 2**28, 512, b"/counter", 64, b"event\x80", True)


@pytest.fixture
def cuda_handles(monkeypatch):
    """PyTorch's two functions of CUDA IPC: the first gives a handle, the second opens it."""
    shared = {}

    def reduce_tensor(tensor):
        handle, size, offset, counter, place, event, waits = HANDLES
        shared[handle] = tensor
        kind = (torch.Tensor, tensor.size(), tensor.stride(), 0, torch.storage.TypedStorage)
        fields = (*kind, tensor.dtype, 3, handle, size, offset, False, counter, place, event, waits)
        return reductions.rebuild_cuda_tensor, fields

    def rebuild_cuda_tensor(*fields):
        shape, stride, first, _, dtype, device = fields[1:7]
        assert (stride, first, dtype, device) == ((1,), 0, torch.uint8, 0)
        assert (*fields[7:10], *fields[11:]) == HANDLES
        return shared[fields[7]][: shape[0]]

    monkeypatch.setattr(reductions, "reduce_tensor", reduce_tensor)
    monkeypatch.setattr(reductions, "rebuild_cuda_tensor", rebuild_cuda_tensor)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)


def test_a_handle_of_cuda_passes_as_json(cuda_handles):
    ours = DeviceBuffer(1000, torch.device("cpu"))
    described = json.loads(json.dumps(ours.describe()))
    assert described["kind"] == "cuda"
    assert base64.b64decode(described["storage_handle"]) == HANDLES[0]
    assert "device" not in described  # the engine counts GPUs by itself
    theirs = attach(described)
    ours.tensor.fill_(7)
    assert theirs.shape == (1000,)
    assert bool((theirs == 7).all())


class FakeEngine:
    """The engine's side, in this process.

    Args:
        maps_device: Whether it can map a buffer of a GPU.
    """

    def __init__(self, maps_device=True):
        self.maps_device = maps_device
        self.alive = True
        self.asked = []

    def ask(self, message, *, on_more=None):
        self.asked.append((message["command"], message.get("buffer", {}).get("kind")))
        if message["command"] == "share":
            if message["buffer"]["kind"] == "cuda" and not self.maps_device:
                raise EngineError("The engine failed (share): RuntimeError: invalid handle\nmore")
            self.buffer = attach(json.loads(json.dumps(message["buffer"])))
            return {"sum": read_sums([sum_of_words(self.buffer[: message["bytes"]])])[0]}, []
        arriving = WeightReceiver(self.buffer, torch.device("cpu"), on_more)
        self.weights = dict(arriving)
        return {"proved": len(self.weights), "packed": 0}, []


@pytest.fixture
def policy_on_a_gpu(random_policy, monkeypatch):
    """A policy that says it is on a GPU, whose buffer is in main memory all the same."""
    monkeypatch.setattr(type(random_policy), "device", torch.device("cuda:1"))
    monkeypatch.setattr(
        weight_sync, "DeviceBuffer", lambda size, device: DeviceBuffer(size, torch.device("cpu"))
    )
    return random_policy


def check_arrived(engine, policy):
    sent = dict(policy.weights())
    assert engine.weights.keys() == sent.keys()
    assert all(torch.equal(engine.weights[name], each) for name, each in sent.items())


def test_main_memory_on_a_cpu(random_policy):
    sync, engine = WeightSync(random_policy), FakeEngine()
    assert sync.description == "shared memory"
    sync.connect(engine)
    assert sync.load(engine)["proved"] == len(dict(random_policy.weights()))
    check_arrived(engine, random_policy)
    assert engine.asked == [("share", "memory"), ("load", None)]
    del engine
    sync.close()


def test_ipc_on_a_cpu_is_refused(random_policy):
    with pytest.raises(AgentError, match=r"--weight-sync ipc .* on cpu.*--weight-sync auto"):
        WeightSync(random_policy, "ipc")


@pytest.mark.parametrize("choice", ["auto", "ipc"])
def test_memory_of_the_gpu_where_both_see_it(policy_on_a_gpu, cuda_handles, choice):
    sync, engine = WeightSync(policy_on_a_gpu, choice), FakeEngine()
    sync.connect(engine)
    sync.load(engine)
    check_arrived(engine, policy_on_a_gpu)
    assert sync.description == "CUDA IPC"
    assert engine.asked == [("share", "cuda"), ("load", None)]
    again = FakeEngine()  # one that was started anew maps the same buffer
    sync.connect(again)
    assert again.buffer.data_ptr() == engine.buffer.data_ptr()


def test_main_memory_where_it_is_asked_for(policy_on_a_gpu, cuda_handles):
    sync, engine = WeightSync(policy_on_a_gpu, "shared-memory"), FakeEngine()
    sync.connect(engine)
    assert sync.description == "shared memory"
    assert engine.asked == [("share", "memory")]


def test_where_ipc_fails_auto_says_so_and_goes_through_main_memory(policy_on_a_gpu, cuda_handles):
    sync, engine = WeightSync(policy_on_a_gpu), FakeEngine(maps_device=False)
    sync.connect(engine)
    sync.load(engine)
    check_arrived(engine, policy_on_a_gpu)
    assert engine.asked == [("share", "cuda"), ("share", "memory"), ("load", None)]
    assert sync.description == (
        "shared memory, since CUDA IPC fails here "
        "(The engine failed (share): RuntimeError: invalid handle)"
    )
    sync.connect(engine)  # not tried a second time
    assert engine.asked[-1] == ("share", "memory")


def test_where_ipc_was_chosen_its_failure_is_an_error(policy_on_a_gpu, cuda_handles):
    sync = WeightSync(policy_on_a_gpu, "ipc")
    with pytest.raises(EngineError, match=r"invalid handle[^|]*Use --weight-sync shared-memory"):
        sync.connect(FakeEngine(maps_device=False))


def test_memory_that_is_not_the_same_is_noticed(random_policy):
    class Blind(FakeEngine):
        def ask(self, message, **options):
            answer, rest = super().ask(message, **options)
            return {**answer, "sum": answer["sum"] + 1}, rest

    with pytest.raises(EngineError, match="does not see what was written for it"):
        WeightSync(random_policy).connect(Blind())
