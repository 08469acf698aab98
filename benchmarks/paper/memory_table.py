"""Prints what training a model keeps in memory, by formula, as in docs/training.md.

    python benchmarks/paper/memory_table.py

Nothing is measured: activations, of which gradient checkpointing leaves little, come on top.
"""

from __future__ import annotations

from dataclasses import dataclass

BYTES = 4  # weights, gradients and both moments of AdamW are float32
CACHE_BYTES = 2  # keys and values are bfloat16 on GPU
RANK = 64
PROMPT, COMPLETION = 512, 3072


@dataclass(frozen=True)
class Shape:
    """The shape of a model, as its config.json tells it."""

    name: str
    layers: int
    hidden: int
    inner: int
    heads: int
    kv_heads: int
    head_size: int
    vocabulary: int
    tied: bool
    qkv_bias: bool

    @property
    def linear(self) -> list[tuple[int, int]]:
        """Inputs and outputs of the linear layers of one block."""
        queries, keys = self.heads * self.head_size, self.kv_heads * self.head_size
        h, inner = self.hidden, self.inner
        attention = [(h, queries), (h, keys), (h, keys), (queries, h)]
        return [*attention, (h, inner), (h, inner), (inner, h)]

    @property
    def weights(self) -> int:
        """How many weights there are."""
        bias = (self.heads + 2 * self.kv_heads) * self.head_size if self.qkv_bias else 0
        block = sum(a * b for a, b in self.linear) + 2 * self.hidden + bias
        embeddings = self.vocabulary * self.hidden * (1 if self.tied else 2)
        return self.layers * block + embeddings + self.hidden

    def adapters(self, rank: int) -> int:
        """How many there are in adapters of every linear layer but the head."""
        return self.layers * sum(rank * (a + b) for a, b in self.linear)

    @property
    def cache_per_token(self) -> int:
        """Bytes of keys and values."""
        return 2 * self.layers * self.kv_heads * self.head_size * CACHE_BYTES


SHAPES = (
    Shape("SmolLM2-135M", 30, 576, 1536, 9, 3, 64, 49_152, tied=True, qkv_bias=False),
    Shape("Qwen2.5-0.5B", 24, 896, 4864, 14, 2, 64, 151_936, tied=True, qkv_bias=True),
    Shape("Qwen2.5(-Math)-1.5B", 28, 1536, 8960, 12, 2, 128, 151_936, tied=True, qkv_bias=True),
    Shape("Qwen2.5(-Math)-7B", 28, 3584, 18_944, 28, 4, 128, 152_064, tied=False, qkv_bias=True),
    Shape("Llama-3.1-8B", 32, 4096, 14_336, 32, 8, 128, 128_256, tied=False, qkv_bias=False),
    Shape("Qwen2.5-32B", 64, 5120, 27_648, 40, 8, 128, 152_064, tied=False, qkv_bias=True),
)


def main() -> None:
    gigabyte = 10**9
    print(
        "| model | weights | all weights | and with KL | "
        f"LoRA, rank {RANK}, with KL | cache of one completion |\n|---|---|---|---|---|---|"
    )
    for shape in SHAPES:
        n, a = shape.weights, shape.adapters(RANK)
        full = 4 * BYTES * n  # the weights, their gradient, two moments
        lora = BYTES * n + 4 * BYTES * a  # the model serves as its own reference
        cache = shape.cache_per_token * (PROMPT + COMPLETION)
        print(
            f"| {shape.name} | {n / 1e9:.2f} billion | {full / gigabyte:.1f} GB | "
            f"{(full + BYTES * n) / gigabyte:.1f} GB | {lora / gigabyte:.1f} GB | "
            f"{cache / gigabyte:.2f} GB |"
        )


if __name__ == "__main__":
    main()
