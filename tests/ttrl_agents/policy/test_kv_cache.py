"""The preallocated cache: what it returns is what `transformers` would return, row by row."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import DynamicCache, LlamaConfig, MistralConfig, Qwen2Config

from ttrl_agents.policy.kv_cache import PreallocatedLayer, make_cache

HEADS, WIDTH = 2, 3


def states(rows: int, length: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, HEADS, length, WIDTH, generator=generator)


@given(
    lengths=st.lists(st.integers(1, 4), min_size=1, max_size=5),
    rows=st.integers(1, 5),
    data=st.data(),
)
def test_it_holds_what_was_written_to_the_rows_that_were_kept(lengths, rows, data):
    layer = PreallocatedLayer(capacity=sum(lengths))
    whole = torch.empty(rows, HEADS, 0, WIDTH)
    for number, length in enumerate(lengths):
        keys = states(len(whole), length, number)
        whole = torch.cat([whole, keys], dim=2)
        found, values = layer.update(keys, -keys)
        assert torch.equal(found, whole)
        assert torch.equal(values, -whole)
        assert layer.get_seq_length() == whole.shape[2]
        kept = data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=6))
        if kept != sorted(set(kept)) and len(kept) <= len(whole):
            continue  # rows move down in place, so they are given in ascending order
        layer.take(torch.tensor(kept))
        whole = whole[kept]
        assert torch.equal(layer.keys, whole)
        assert torch.equal(layer.values, -whole)


def test_more_rows_than_there_were_are_copies():
    layer = PreallocatedLayer(capacity=4)
    keys = states(2, 3, 0)
    layer.update(keys, keys)
    layer.take(torch.tensor([0, 0, 1, 1]))
    assert torch.equal(layer.keys, keys[[0, 0, 1, 1]])
    layer.update(states(4, 1, 1), states(4, 1, 2))
    assert torch.equal(layer.keys[:, :, :3], keys[[0, 0, 1, 1]])
    assert torch.equal(layer.keys[:, :, 3:], states(4, 1, 1))


def test_nothing_is_copied_until_the_capacity_is_full():
    layer = PreallocatedLayer(capacity=8)
    layer.update(states(2, 3, 0), states(2, 3, 0))
    before = layer.keys.data_ptr()
    layer.update(states(2, 5, 1), states(2, 5, 1))
    assert layer.keys.data_ptr() == before
    with pytest.raises(ValueError, match="room for 8 positions, not 9"):
        layer.update(states(2, 1, 2), states(2, 1, 2))


@pytest.mark.parametrize(
    ("config", "preallocated"),
    [
        (LlamaConfig(num_hidden_layers=2), True),
        (Qwen2Config(num_hidden_layers=2), True),
        (MistralConfig(num_hidden_layers=2, sliding_window=8), False),
        (
            Qwen2Config(num_hidden_layers=2, use_sliding_window=True, max_window_layers=1),
            False,
        ),
    ],
)
def test_only_models_whose_layers_all_attend_to_everything_get_one(config, preallocated):
    cache = make_cache(config, 16)
    assert isinstance(cache, DynamicCache) != preallocated
    assert all(isinstance(layer, PreallocatedLayer) for layer in cache.layers) == preallocated


def test_a_model_reads_the_same_from_it(random_policy):
    model = random_policy.model
    ids = torch.tensor([[5, 6, 7, 8], [9, 10, 11, 12]])
    cache = make_cache(model.config, 4)
    with torch.no_grad():
        whole = model(input_ids=ids).logits
        model(input_ids=ids[:, :2], past_key_values=cache)
        cache.batch_select_indices(torch.tensor([1]))
        rest = model(input_ids=ids[1:, 2:], past_key_values=cache).logits
    assert torch.allclose(rest, whole[1:, 2:], atol=1e-5)
