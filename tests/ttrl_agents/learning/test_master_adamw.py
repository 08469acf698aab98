"""AdamW in float32: PyTorch's own for float32 weights, and nothing lost for others."""

import pytest
import torch
from optimizer_steps import OPTIONS, make_layer, steps

from ttrl_agents.learning.master_adamw import MasterAdamW
from ttrl_agents.learning.optimizer_state import optimizer_tensors, restore_optimizer


def layer(dtype, seed=0):
    return make_layer(5, 3, dtype, seed)


def test_float32_weights_take_exactly_the_steps_of_pytorch():
    ours, theirs = layer(torch.float32), layer(torch.float32)
    optimizer, plain = (
        MasterAdamW(ours.parameters(), **OPTIONS),
        torch.optim.AdamW(theirs.parameters(), **OPTIONS),
    )
    steps(ours, optimizer, 5)
    for k in range(5):
        inputs = torch.randn(7, 5, generator=torch.Generator().manual_seed(k))
        for part in inputs.split(4):
            (theirs(part).square().sum() / 100).backward()
        torch.nn.utils.clip_grad_norm_(theirs.parameters(), 1.0)
        plain.step()
        plain.zero_grad()
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(mine, other)
        assert "master" not in optimizer.state[mine]


def test_steps_below_the_spacing_of_bfloat16_add_up():
    model = layer(torch.bfloat16)
    begin = model.weight.detach().clone()
    optimizer = MasterAdamW(model.parameters(), lr=1e-5, weight_decay=0.0)
    steps(model, optimizer, 1)
    assert (model.weight == begin).float().mean() > 0.8  # rounded away
    master = optimizer.state[model.weight]["master"]
    assert master.dtype == torch.float32
    assert (master - begin.float()).abs().min() > 5e-6  # and not forgotten
    steps(model, optimizer, 400, first=1)
    assert (model.weight == begin).float().mean() < 0.2
    assert torch.equal(optimizer.state[model.weight]["master"].bfloat16(), model.weight)


def test_gradients_of_micro_batches_are_added_up_in_float32():
    weight = torch.nn.Parameter(torch.zeros(1, dtype=torch.bfloat16))
    optimizer = MasterAdamW([weight], lr=0.0)
    for _ in range(1000):
        optimizer.backward(weight.sum())
    assert weight.grad is None
    assert optimizer.clip(1e9) == 1000  # bfloat16 alone would stop at 256
    optimizer.zero_grad()
    optimizer.backward(weight.sum())
    assert optimizer.clip(1e9) == 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_a_restored_optimizer_goes_on_bit_for_bit(dtype):
    whole, first, second = layer(dtype), layer(dtype), layer(dtype, seed=1)
    straight = MasterAdamW(whole.parameters(), **OPTIONS)
    steps(whole, straight, 6)
    broken = MasterAdamW(first.parameters(), **OPTIONS)
    steps(first, broken, 3)
    saved = optimizer_tensors(broken, first.named_parameters())
    second.load_state_dict(first.state_dict())
    resumed = MasterAdamW(second.parameters(), **OPTIONS)
    restore_optimizer(resumed, second.named_parameters(), saved)
    steps(second, resumed, 3, first=3)
    for mine, other in zip(second.parameters(), whole.parameters(), strict=True):
        assert torch.equal(mine, other)
        for key, value in straight.state[other].items():
            assert torch.equal(resumed.state[mine][key], value), key


@pytest.fixture
def mesh(tmp_path):
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path / 'ranks'}", rank=0, world_size=1
    )
    yield torch.distributed.init_device_mesh("cpu", (1,))
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_shards_of_a_weight_take_the_steps_of_the_whole(mesh, dtype):
    from torch.distributed.tensor import DTensor, distribute_tensor

    plain, sharded = layer(dtype), layer(dtype)
    for name, each in list(sharded.named_parameters()):
        setattr(sharded, name, torch.nn.Parameter(distribute_tensor(each.detach(), mesh)))
    optimizers = [MasterAdamW(model.parameters(), **OPTIONS) for model in (plain, sharded)]
    for _ in range(3):
        for model, optimizer in zip((plain, sharded), optimizers, strict=True):
            optimizer.backward(sum(each.float().square().sum() for each in model.parameters()))
            optimizer.clip(1.0)
            optimizer.step()
            optimizer.zero_grad()
    for mine, other in zip(sharded.parameters(), plain.parameters(), strict=True):
        assert isinstance(optimizers[1].state[mine]["exp_avg"], DTensor)
        assert torch.allclose(mine.to_local(), other, rtol=1e-6)


def test_a_float32_run_takes_over_the_masters_of_a_bfloat16_run():
    low, high = layer(torch.bfloat16), layer(torch.float32)
    optimizer = MasterAdamW(low.parameters(), **OPTIONS)
    steps(low, optimizer, 3)
    saved = optimizer_tensors(optimizer, low.named_parameters())
    other = MasterAdamW(high.parameters(), **OPTIONS)
    restore_optimizer(other, high.named_parameters(), saved)
    assert torch.equal(high.weight, optimizer.state[low.weight]["master"])
    assert "master" not in other.state[high.weight]


def test_float16_gradients_that_would_vanish_are_kept_by_the_loss_scale():
    weight = torch.nn.Parameter(torch.zeros(1, dtype=torch.float16))
    optimizer = MasterAdamW([weight], lr=0.0)
    optimizer.backward(weight.float().sum() * 1e-8)  # below the smallest float16
    assert optimizer.clip(1.0) == pytest.approx(1e-8, rel=1e-2)


def test_a_float16_gradient_that_overflows_halves_the_loss_scale():
    weight = torch.nn.Parameter(torch.zeros(1, dtype=torch.float16))
    optimizer = MasterAdamW([weight], lr=0.0)
    before = optimizer.loss_scale
    optimizer.backward(weight.float().sum() * 100)
    assert optimizer.clip(1.0) == float("inf")
    assert optimizer.back_off()
    assert optimizer.loss_scale == before / 2
    assert not MasterAdamW([torch.nn.Parameter(torch.zeros(1))], lr=0.0).back_off()
