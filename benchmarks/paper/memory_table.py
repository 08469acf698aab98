"""Prints what training a model keeps in a GPU's memory, by formula, as in docs/training.md.

    python benchmarks/paper/memory_table.py

Nothing is measured. Activations, the LM head and the engine come on top: `ttrl plan` adds them up.
"""

from __future__ import annotations

from ttrl_agents.memory.shapes import SHAPES

WEIGHT = 2  # bytes in bfloat16, and so those of a key or a value
TRAINED = 4 + 4 + 8  # a trained weight's float32 copy, its gradient, two moments of AdamW
RANK = 64
PROMPT, COMPLETION = 512, 3072
GIGABYTE = 10**9


def main() -> None:
    """Prints the table."""
    print(
        "| model | weights | all weights | and with KL | "
        f"LoRA, rank {RANK}, with KL | cache of one completion |\n|---|---|---|---|---|---|"
    )
    for shape in SHAPES.values():
        n, a = shape.weights, shape.adapters(RANK)
        full = (WEIGHT + TRAINED) * n
        lora = WEIGHT * n + (WEIGHT + TRAINED) * a  # the model serves as its own reference
        cache = WEIGHT * shape.cache_per_token * (PROMPT + COMPLETION)
        print(
            f"| {shape.name} | {n / 1e9:.2f} billion | {full / GIGABYTE:.1f} GB | "
            f"{(full + WEIGHT * n) / GIGABYTE:.1f} GB | {lora / GIGABYTE:.1f} GB | "
            f"{cache / GIGABYTE:.2f} GB |"
        )


if __name__ == "__main__":
    main()
