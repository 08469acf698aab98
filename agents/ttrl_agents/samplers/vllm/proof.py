"""The proof that an engine holds the weights that were sent, by adding up checksums.

- `report_weights`: what one worker of an engine holds, and what arrived there.
- `prove`: compares the reports of all workers with what was sent.

An engine that divides the model over several GPUs has a worker for each. A checksum does not depend
on the order of the numbers, so those of the workers' parts add up to that of the whole; what every
worker has all of, each has to hold as it was sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ttrl_agents.samplers.vllm.weight_stream import WeightReceiver, read_sums, sum_of_words

__all__ = ["prove", "report_weights"]

_REPEATED = ("k_proj", "v_proj")


def report_weights(model: torch.nn.Module, sent: WeightReceiver) -> dict[str, Any]:
    """Returns what a worker holds, as JSON holds it.

    Args:
        model: The model, or the part of it, that the worker runs.
        sent: The weights as they arrived.

    Returns:
        `held`: the checksum of each parameter that can be compared; `parts`: the names of the
        weights that were joined in each of them; `packed`: how many cannot be compared, since the
        engine keeps them in another form; `arrived`: the checksum of each weight that arrived.
    """
    joined: Mapping[str, Sequence[str]] = getattr(model, "packed_modules_mapping", {})
    held: dict[str, torch.Tensor] = {}
    parts: dict[str, list[str]] = {}
    packed = 0
    for name, parameter in model.named_parameters():
        module, _, kind = name.rpartition(".")
        parent, dot, leaf = module.rpartition(".")  # the LM head has no parent
        names = [f"{parent}{dot}{each}.{kind}" for each in joined.get(leaf, [leaf])]
        if parameter.numel() == 0 or not all(each in sent.sums for each in names):
            packed += 1
            continue
        # Some models keep a few of their weights wider than the rest.
        held[name] = sum_of_words(parameter.to(sent.dtypes[names[0]]))
        parts[name] = names
    sums = read_sums([*held.values(), *sent.sums.values()])
    return {
        "held": dict(zip(held, sums[: len(held)], strict=True)),
        "parts": parts,
        "packed": packed,
        "arrived": dict(zip(sent.sums, sums[len(held) :], strict=True)),
    }


def prove(
    reports: Sequence[Mapping[str, Any]], sent: Mapping[str, int], *, repeats: int = 1
) -> dict[str, int]:
    """Compares what the workers of an engine hold with what was sent.

    Of what cannot be compared, it compares what arrived.

    Args:
        reports: What `report_weights` returned in each worker.
        sent: The checksum of each weight as it was sent.
        repeats: How many workers hold each head of keys and values, where there are more workers
            than such heads.

    Returns:
        `proved`: how many tensors were compared; `packed`: how many cannot be.

    Raises:
        ValueError: The engine's weights, or those that arrived, differ from those that were sent.
    """
    unseen = set(sent)
    for each in reports:
        if sent.keys() != each["arrived"].keys():
            names = ", ".join(sorted(sent.keys() ^ each["arrived"].keys()))
            raise ValueError(f"sent or arrived, but not both: {names}")
        if each["parts"] != reports[0]["parts"]:
            raise ValueError("the workers of the engine hold different weights")
    for name, parts in reports[0]["parts"].items():
        held = [each["held"][name] for each in reports]
        whole = sum(sent[part] for part in parts) % 2**64
        divided = sum(sent[part] * _copies(part, repeats) for part in parts) % 2**64
        if any(each != whole for each in held) and sum(held) % 2**64 != divided:
            raise ValueError(f"{name} is stale: it is not what was sent")
        unseen -= set(parts)
    proved = len(reports[0]["parts"])
    if proved == 0:
        raise ValueError("none of the engine's weights could be compared with what was sent")
    for name in sorted(unseen):
        if any(each["arrived"][name] != sent[name] for each in reports):
            raise ValueError(f"{name} arrived damaged")
    return {"proved": proved, "packed": reports[0]["packed"]}


def _copies(name: str, repeats: int) -> int:
    return repeats if name.split(".")[-2:-1] and name.split(".")[-2] in _REPEATED else 1
