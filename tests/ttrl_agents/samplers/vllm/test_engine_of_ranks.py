"""Engines that several ranks share: which can be made, and what each rank samples of a call."""

import pytest
import torch
from small_runs import small

from ttrl_agents.distributed.sampling import DividedSampler
from ttrl_agents.distributed.world import World
from ttrl_agents.errors import AgentError
from ttrl_agents.samplers import check_sampler
from ttrl_agents.samplers.vllm.engine_of_ranks import EngineOfRanks, check_tensor_parallel
from ttrl_agents.samplers.vllm.sampler import EngineOptions, visible_gpus
from ttrl_agents.samplers.vllm.weight_sync import WeightSync


def test_engines_are_made_of_whole_groups_of_a_machines_ranks(random_policy, tmp_path):
    check_tensor_parallel(4, World(size=16, local_size=8))
    with pytest.raises(
        AgentError, match=r"this run has 8 of each\. Use --gpus with a multiple of 3"
    ):
        check_tensor_parallel(3, World(size=16, local_size=8))
    with pytest.raises(AgentError, match="this run has 1 of each"):
        check_sampler(small(tmp_path, sampler="vllm", engine_tensor_parallel=2))
    with pytest.raises(AgentError, match="is for --sampler vllm, not transformers"):
        check_sampler(small(tmp_path, engine_tensor_parallel=2))
    with pytest.raises(AgentError, match="cannot divide the 4 attention heads of random"):
        EngineOfRanks(random_policy, EngineOptions(64, tensor_parallel=3), World(local_size=3))


def test_a_shared_engine_takes_no_memory_of_one_gpu(random_policy):
    with pytest.raises(AgentError, match="--weight-sync"):
        WeightSync(random_policy, "ipc", workers=2)
    sync = WeightSync(random_policy, workers=2)
    weights = list(random_policy.model.state_dict().values())
    assert len(sync._buffer.tensor) >= sum(4 * each.numel() for each in weights)
    sync.close()


@pytest.mark.parametrize(
    ("ours", "first", "seen"),
    [(None, 0, "0,1"), (None, 2, "2,3"), ("4,5, 6,7", 2, "6,7"), ("GPU-a,GPU-b", 0, "GPU-a,GPU-b")],
)
def test_an_engine_sees_the_gpus_of_its_ranks(monkeypatch, ours, first, seen):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if ours is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", ours)
    assert visible_gpus(torch.device("cuda", first), 2) == {"CUDA_VISIBLE_DEVICES": seen}


class Shared:
    """A sampler that two ranks share."""

    copies_weights, together, ranks_per_engine = True, True, 2


def test_the_first_rank_of_each_group_samples_for_all_of_them():
    parts = [DividedSampler(Shared(), World(rank, 6))._part(7) for rank in range(6)]
    assert [len(each) for each in parts] == [2, 0, 2, 0, 3, 0]
    assert [place for each in parts for place in each] == list(range(7))
