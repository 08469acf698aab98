"""Runs a model with Liger's kernels in Triton's interpreter; prints how far it is off.

    TRITON_INTERPRET=1 python layer_kernel_cases.py

It has to be a process of its own: Triton reads that variable where a kernel is defined, and Liger's
rotary embedding takes the place of that of every model of the type. What is printed is the largest
difference of log-probabilities, and of gradients over the largest gradient.
"""

import json
import sys

import numpy as np
import triton.language as tl
from liger_kernel.transformers import monkey_patch
from triton.runtime import interpreter

from ttrl_agents.policy.layer_kernels import use_liger
from ttrl_agents.policy.log_probs import LogProbs
from ttrl_agents.policy.token_batch import TokenBatch
from ttrl_agents.tiny.random_policy import random_policy

convert = interpreter._implicit_cvt


def as_compiled(argument):
    """Makes a tensor of a number, as the compiler does; the interpreter leaves it as it is."""
    if type(argument) is float:
        handle = interpreter.TensorHandle(np.array([argument], dtype=np.float32), tl.float32)
        return tl.tensor(handle, tl.float32)
    return convert(argument)


def run(policy):
    batch = TokenBatch.from_ids(
        [(5, 6, 7), (8, 9), (5, 6, 7)], [[11, 12], [13], [14, 15, 16, 3]],
        pad_token_id=policy.pad_token_id,
    )  # fmt: skip
    policy.model.zero_grad()
    found = LogProbs(policy, packed=True)(batch, 0.7)[0]
    found.sum().backward()
    grads = {name: each.grad.clone() for name, each in policy.model.named_parameters()}
    return found.detach(), grads


if __name__ == "__main__":
    policy = random_policy()
    expected, expected_grads = run(policy)
    interpreter._implicit_cvt = as_compiled
    # The kernel of RMSNorm calls a function that only the compiler has.
    monkey_patch._patch_rms_norm_module = lambda *_, **__: None
    use_liger(policy)
    found, grads = run(policy)
    gap = max(
        float((grads[name] - each).abs().max() / each.abs().max())
        for name, each in expected_grads.items()
    )
    replaced = "forward" in vars(policy.model.base_model.layers[0].mlp)
    log_probs = float((found - expected).abs().max())
    json.dump({"log_probs": log_probs, "gradients": gap, "replaced": replaced}, sys.stdout)
