"""The proof of an engine's weights from the checksums of its workers."""

import pytest
import torch

from ttrl_agents.samplers.vllm.proof import prove, report_weights
from ttrl_agents.samplers.vllm.weight_stream import WeightReceiver, send_weights

SENT = {
    "layer.self_attn.q_proj.weight": torch.randn(8, 3),
    "layer.self_attn.k_proj.weight": torch.randn(4, 3),
    "layer.self_attn.v_proj.weight": torch.randn(4, 3),
    "layer.o_proj.weight": torch.randn(3, 8),
    "layer.norm.weight": torch.randn(3),
}
QKV = [f"layer.self_attn.{each}_proj.weight" for each in "qkv"]


def part_of_model(**held):
    """A worker's model that holds these tensors, queries, keys and values joined."""
    model = torch.nn.Module()
    model.packed_modules_mapping = {"qkv_proj": ["q_proj", "k_proj", "v_proj"]}
    model.layer = torch.nn.Module()
    model.layer.self_attn = torch.nn.Module()
    for name, tensor in held.items():
        parent = model.layer.self_attn if name == "qkv_proj" else model.layer
        setattr(parent, name, torch.nn.Module())
        getattr(parent, name).weight = torch.nn.Parameter(tensor.clone(), requires_grad=False)
    return model


def arrived(sent=SENT):
    buffer = torch.zeros(4096, dtype=torch.uint8)
    messages = send_weights(sent.items(), torch.float32, buffer)
    receiver = WeightReceiver(buffer, torch.device("cpu"), lambda: next(messages))
    list(receiver)
    return receiver


def halves(kv_heads=2):
    """What each of two workers holds; with one head of keys and values both hold that."""
    q, k, v = (SENT[name] for name in QKV)
    for half in range(2):
        rows = slice(2 * half, 2 * half + 2) if kv_heads == 2 else slice(None)
        yield {
            "qkv_proj": torch.cat([q[4 * half : 4 * half + 4], k[rows], v[rows]]),
            "o_proj": SENT["layer.o_proj.weight"][:, 4 * half : 4 * half + 4],
            "norm": SENT["layer.norm.weight"],
        }


def reports(parts):
    return [report_weights(part_of_model(**each), arrived()) for each in parts]


def test_parts_add_up_and_what_all_hold_is_as_it_was_sent():
    assert prove(reports(halves()), arrived().expected) == {"proved": 3, "packed": 0}


def test_padding_of_a_part_adds_nothing():
    parts = list(halves())
    parts[1]["o_proj"] = torch.cat([parts[1]["o_proj"], torch.zeros(5, 4)])
    assert prove(reports(parts), arrived().expected)["proved"] == 3


def test_heads_of_keys_and_values_that_several_workers_hold_are_counted_for_each():
    found = reports(halves(kv_heads=1))
    assert prove(found, arrived().expected, repeats=2) == {"proved": 3, "packed": 0}
    with pytest.raises(ValueError, match=r"qkv_proj\.weight is stale"):
        prove(found, arrived().expected)


@pytest.mark.parametrize("name", ["qkv_proj", "o_proj", "norm"])
@pytest.mark.parametrize("worker", [0, 1])
def test_one_stale_number_of_one_worker_is_found(name, worker):
    parts = list(halves())
    parts[worker][name] = parts[worker][name] + 0
    parts[worker][name].view(-1)[1] += 1e-3
    with pytest.raises(ValueError, match=rf"{name}\.weight is stale: it is not what was sent"):
        prove(reports(parts), arrived().expected)


def test_two_workers_with_the_same_half_are_found():
    first, _ = halves()
    with pytest.raises(ValueError, match="is stale"):
        prove(reports([first, first]), arrived().expected)


def test_what_cannot_be_compared_has_to_arrive_as_it_was_sent():
    parts = [{**each, "o_proj": torch.empty(0)} for each in halves()]
    found = reports(parts)
    assert prove(found, arrived().expected) == {"proved": 2, "packed": 1}
    found[1]["arrived"]["layer.o_proj.weight"] ^= 1
    with pytest.raises(ValueError, match=r"o_proj\.weight arrived damaged"):
        prove(found, arrived().expected)
    with pytest.raises(ValueError, match="sent or arrived, but not both: more"):
        prove(reports(parts), {**arrived().expected, "more": 1})
