"""Runs the Triton kernels of the LM head in Triton's interpreter, and prints how far they are off.

    TRITON_INTERPRET=1 python lm_head_kernel_cases.py

It has to be a process of its own: Triton reads that variable where a kernel is defined. Each case
is compared with autograd in float64 on the same inputs; what is printed is the largest difference
over the largest value, for log-probabilities, entropies, and the gradients of hidden states, weight
and bias.
"""

import json
import sys

import torch

from ttrl_agents.policy.lm_head_tiles import _try_kernels, tiled_log_probs

TEMPERATURE = 0.6
CASES = {
    "float32": {},
    "float32, entropies with a gradient": {"entropy": "gradient"},
    "float32, no entropies": {"entropy": "none"},
    "bfloat16": {"dtype": torch.bfloat16, "entropy": "gradient"},
    "float16": {"dtype": torch.float16, "entropy": "gradient"},
    "a bias": {"bias": True, "entropy": "gradient"},
    "words that are masked": {"masked": True, "entropy": "gradient"},
    "a tile that is masked": {"masked": True, "entropy": "gradient", "tile": (3, 16)},
    "one tile": {"tile": (64, 512), "entropy": "gradient"},
    "one row and one word left over": {"tokens": 9, "tile": (4, 100), "entropy": "gradient"},
    "large logits": {"size": 60.0, "entropy": "gradient"},
    "a vocabulary wider than a block": {
        "tokens": 3, "vocabulary": 5003, "tile": (2, 4999), "entropy": "gradient",
    },
}  # fmt: skip


def drawn(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def run(
    tokens=13, width=24, vocabulary=301, tile=(5, 128), dtype=torch.float32, entropy="value",
    bias=False, masked=False, size=3.0,
):  # fmt: skip
    hidden = (size * drawn(0, tokens, width)).to(dtype)
    weight = (drawn(1, vocabulary, width) / 5).to(dtype)
    offset = drawn(2, vocabulary).to(dtype) if bias or masked else None
    targets = torch.arange(tokens) * 37 % vocabulary
    if masked:
        offset[16:40] = -torch.inf
        offset[targets] = 0.0
    found = _measured(hidden, weight, offset, targets, entropy, tile)
    exact = [None if each is None else each.double() for each in (hidden, weight, offset)]
    expected = _measured(*exact, targets, entropy, None)
    return [None if a is None else _apart(a, b) for a, b in zip(found, expected, strict=True)]


def _measured(hidden, weight, bias, targets, entropy, tile):
    inputs = [None if x is None else x.clone().requires_grad_() for x in (hidden, weight, bias)]
    if tile is None:
        logits = torch.nn.functional.linear(*inputs) / TEMPERATURE
        normalised = logits.log_softmax(-1)
        log_probs = normalised.gather(1, targets[:, None])[:, 0]
        finite = normalised.clamp(min=-1e30)
        entropies = None if entropy == "none" else -(finite.exp() * finite).sum(-1)
    else:
        log_probs, entropies = tiled_log_probs(*inputs, targets, TEMPERATURE, entropy, tile)
    loss = (log_probs * drawn(3, len(targets))).sum()
    if entropy == "gradient":
        loss = loss + (entropies * drawn(4, len(targets))).sum()
    loss.backward()
    entropies = None if entropies is None else entropies.detach()
    return [log_probs.detach(), entropies, *(None if x is None else x.grad for x in inputs)]


def _apart(found, expected):
    gap = (found.double() - expected.double()).abs().max() / expected.abs().max()
    return float(gap) if found.isfinite().all() else float("nan")


if __name__ == "__main__":
    found = {name: run(**case) for name, case in CASES.items()}
    with torch.no_grad():
        found["tried"] = _try_kernels(torch.device("cpu"))
    json.dump(found, sys.stdout)
