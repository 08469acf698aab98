"""AdamW with 8-bit moments: near the exact one, small, and resumed bit for bit."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from optimizer_steps import OPTIONS, make_layer, steps
from safetensors.torch import load_file

from ttrl_agents.callbacks.base import Callback
from ttrl_agents.config.train_config import TrainConfig
from ttrl_agents.errors import AgentError
from ttrl_agents.learning import compact_adamw
from ttrl_agents.learning.compact_adamw import CompactAdamW, make_adamw
from ttrl_agents.learning.eight_bits import BLOCK, decode, encode, join_float32, split_float32
from ttrl_agents.learning.master_adamw import MasterAdamW
from ttrl_agents.learning.optimizer_state import optimizer_tensors, restore_optimizer
from ttrl_agents.trainer import Interrupted, Trainer, resume_config


def layer(dtype, seed=0):
    return make_layer(40, 30, dtype, seed)


numbers = st.lists(st.floats(-(2.0**60), 2.0**60, width=32), min_size=1, max_size=3 * BLOCK)


@given(numbers, st.booleans())
def test_a_number_is_met_within_a_share_of_itself_or_of_the_least_of_its_block(values, signed):
    given = torch.tensor(values) if signed else torch.tensor(values).abs()
    codes, scales = encode(given, signed=signed)
    assert codes.dtype == torch.uint8
    assert len(scales) == -(-len(given) // BLOCK)
    found = decode(codes, scales, signed=signed)
    largest = torch.nn.functional.pad(given.abs(), (0, -len(given) % BLOCK)).view(-1, BLOCK)
    most = largest.amax(1).repeat_interleave(BLOCK)[: len(given)]
    for above, share in [(0.1, 0.04), (0.01, 0.08), (1e-3, 0.15)]:
        share *= 2 if signed else 1
        there = given.abs() >= above * most
        assert ((found - given).abs() <= share * given.abs() + 1e-37)[there].all()
    assert ((found - given).abs() <= 0.04 * most + 1e-37).all()
    assert (found[given == 0] == 0).all()
    if not signed:
        big_enough = most > 1e-30  # below, float32 itself has nothing left
        assert (found > 0)[(given > 0) & (given > 1e-7 * most) & big_enough].all()


def test_numbers_without_a_sign_are_never_rounded_to_nothing():
    given = torch.tensor([1.0, 1e-12])
    assert decode(*encode(given, signed=False), signed=False)[1] > 0
    assert decode(*encode(given, signed=True), signed=True)[1] == 0


@given(st.lists(st.floats(-(2.0**126), 2.0**126, width=32), min_size=1))
def test_float32_is_bfloat16_and_sixteen_more_bits(values):
    given = torch.tensor(values)
    high, low = split_float32(given)
    assert torch.equal(join_float32(high, low), given)
    assert (
        (high.double() - given.double()).abs() <= 2.0**-8 * given.double().abs() + 2.0**-133
    ).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_it_takes_nearly_the_steps_of_the_exact_optimizer(dtype):
    ours, theirs, begin = layer(dtype), layer(dtype), layer(dtype)
    steps(ours, CompactAdamW(ours.parameters(), **OPTIONS), 30)
    steps(theirs, MasterAdamW(theirs.parameters(), **OPTIONS), 30)
    for mine, other, start in zip(
        ours.parameters(), theirs.parameters(), begin.parameters(), strict=True
    ):
        way, gap = (other - start).float(), (mine - other).float()
        assert way.norm() > 0.05
        assert gap.norm() < 0.12 * way.norm()


def test_the_first_step_is_that_of_pytorch():
    """Nothing has been rounded to 8 bits before it."""
    ours, theirs = layer(torch.float32), layer(torch.float32)
    steps(ours, CompactAdamW(ours.parameters(), **OPTIONS), 1)
    steps(theirs, MasterAdamW(theirs.parameters(), **OPTIONS), 1)
    assert torch.allclose(ours.weight, theirs.weight, rtol=1e-6, atol=1e-8)


def test_steps_below_the_spacing_of_bfloat16_add_up():
    model = layer(torch.bfloat16)
    begin = model.weight.detach().clone()
    optimizer = CompactAdamW(model.parameters(), lr=1e-5, weight_decay=0.0)
    steps(model, optimizer, 1)
    assert (model.weight == begin).float().mean() > 0.8  # rounded away
    low = optimizer.state[model.weight]["low"]
    whole = join_float32(model.weight.detach(), low)
    assert (whole - begin.float()).abs().median() > 5e-6  # and not forgotten
    steps(model, optimizer, 400, first=1)
    assert (model.weight == begin).float().mean() < 0.2


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_restored_optimizer_goes_on_bit_for_bit(dtype, monkeypatch):
    monkeypatch.setattr(compact_adamw, "_SLICE", 2 * BLOCK)  # several slices, the last one ragged
    whole, first, second = layer(dtype), layer(dtype), layer(dtype, seed=1)
    straight = CompactAdamW(whole.parameters(), **OPTIONS)
    steps(whole, straight, 6)
    broken = CompactAdamW(first.parameters(), **OPTIONS)
    steps(first, broken, 3)
    saved = optimizer_tensors(broken, first.named_parameters())
    second.load_state_dict(first.state_dict())
    resumed = CompactAdamW(second.parameters(), **OPTIONS)
    restore_optimizer(resumed, second.named_parameters(), saved)
    steps(second, resumed, 3, first=3)
    for mine, other in zip(second.parameters(), whole.parameters(), strict=True):
        assert torch.equal(mine, other)
        for key, value in straight.state[other].items():
            assert torch.equal(resumed.state[mine][key], value), key


def test_the_state_takes_four_bytes_a_weight_and_a_scale_for_each_block():
    model = torch.nn.Linear(256, 256, bias=False).to(torch.bfloat16)
    optimizer = CompactAdamW(model.parameters(), lr=1e-3)
    optimizer.backward(model(torch.ones(1, 256, dtype=torch.bfloat16)).sum())
    assert model.weight.grad.dtype == torch.bfloat16
    optimizer.step()
    saved = optimizer_tensors(optimizer, model.named_parameters())
    bytes_ = sum(each.nbytes for each in saved.values())
    assert bytes_ == 4 * model.weight.numel() * (1 + 2 / BLOCK) + 4  # 4: the count of steps


def test_slices_give_the_same_steps(monkeypatch):
    whole, sliced = layer(torch.bfloat16), layer(torch.bfloat16)
    steps(whole, CompactAdamW(whole.parameters(), **OPTIONS), 3)
    monkeypatch.setattr(compact_adamw, "_SLICE", BLOCK)
    steps(sliced, CompactAdamW(sliced.parameters(), **OPTIONS), 3)
    assert torch.equal(whole.weight, sliced.weight)


def test_a_large_gradient_is_clipped_in_the_step():
    ours, theirs = layer(torch.float32), layer(torch.float32)
    for model, kind in ((ours, CompactAdamW), (theirs, MasterAdamW)):
        optimizer = kind(model.parameters(), lr=1e-3, eps=1.0)  # so that the scale is seen
        optimizer.backward(1e3 * model(torch.ones(2, 40)).square().sum())
        assert optimizer.clip(0.5) > 100
        optimizer.step()
    assert torch.allclose(ours.weight, theirs.weight, atol=1e-7)


def test_float16_weights_are_not_taken():
    weight = torch.nn.Parameter(torch.zeros(1, dtype=torch.float16))
    with pytest.raises(AgentError, match="--dtype bfloat16"):
        CompactAdamW([weight], lr=0.0)


def test_the_bits_name_the_optimizer():
    weight = torch.nn.Parameter(torch.zeros(1))
    options = {"lr": 0.1, "betas": (0.9, 0.95), "weight_decay": 0.0}
    assert type(make_adamw([weight], bits=8, **options)) is CompactAdamW
    assert type(make_adamw([weight], bits=32, **options)) is MasterAdamW
    with pytest.raises(AgentError, match="must be 32 or 8, not 16"):
        make_adamw([weight], bits=16, **options)


@pytest.mark.parametrize("options", [{}, {"algorithm": "ppo"}, {"dtype": "bfloat16"}])
def test_a_run_with_8_bit_moments_goes_on_bit_for_bit(tmp_path, options):
    def config(name):
        return TrainConfig(
            output=tmp_path / name, steps=3, questions_per_step=2, n_votes=4, max_tokens=16,
            evaluate=False, checkpoint_every=1, device="cpu", learning_rate=1e-3, warmup_steps=0,
            optimizer_bits=8, **options,
        )  # fmt: skip

    class Stop(Callback):
        def on_start(self, run):
            self.run = run

        def on_step(self, step, metrics):
            if step == 2:
                self.run.request_stop()

    Trainer(config("whole")).run()
    with pytest.raises(Interrupted):
        Trainer(config("parts"), [Stop()]).run()
    Trainer(resume_config(tmp_path / "parts"), resume=True).run()
    found, expected = (
        load_file(tmp_path / name / "checkpoint" / "model.safetensors")
        for name in ("parts", "whole")
    )
    assert all(torch.equal(found[name], each) for name, each in expected.items())
