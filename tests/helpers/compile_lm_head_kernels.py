"""Compiles the LM head's kernels for GPUs that need not be here; prints the bytes of each binary.

The capabilities are those of a T4, an A100 and an H100.
"""

import json
import sys

from triton import compiler
from triton.backends.compiler import GPUTarget

from ttrl_agents.policy.lm_head_triton import add_tile_kernel, tile_gradient_kernel

SIGNATURES = {
    add_tile_kernel: {
        "logits": "*fp32", "bias": "*bf16", "targets": "*i64", "largest": "*fp32",
        "total": "*fp32", "weighted": "*fp32", "at_target": "*fp32", "columns": "i32",
        "first": "i32", "scale": "fp32",
    },
    tile_gradient_kernel: {
        "logits": "*fp32", "bias": "*bf16", "targets": "*i64", "log_mass": "*fp32",
        "pull": "*fp32", "entropies": "*fp32", "entropy_pull": "*fp32", "out": "*bf16",
        "columns": "i32", "first": "i32", "scale": "fp32",
    },
}  # fmt: skip
CONSTANTS = {
    add_tile_kernel: {"has_bias": True, "block": 4096},
    tile_gradient_kernel: {"has_bias": True, "has_entropy": True, "block": 4096},
}

sizes = {}
for kernel, signature in SIGNATURES.items():
    constants = CONSTANTS[kernel]
    whole = signature | dict.fromkeys(constants, "constexpr")
    for capability in (75, 80, 90):
        binary = compiler.compile(
            compiler.ASTSource(kernel, signature=whole, constexprs=constants),
            target=GPUTarget("cuda", capability, 32),
            options={"num_warps": 8},
        )
        sizes[f"{kernel.__name__} {capability}"] = len(binary.asm["cubin"])
json.dump(sizes, sys.stdout)
