"""The shapes of models, which determine the memory they need.

- `ModelShape`: the numbers of a model's config.json that matter.
- `SHAPES`: the shapes of models that are known by name.
- `model_shape`: the shape of a model that is not loaded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ttrl_agents.errors import AgentError

__all__ = ["SHAPES", "ModelShape", "model_shape"]


@dataclass(frozen=True)
class ModelShape:
    """The shape of a decoder, as its config.json gives it.

    Attributes:
        name: The model's name.
        layers: Its decoder layers.
        hidden: The width of hidden states.
        inner: The width inside the feed-forward part.
        heads: Attention heads.
        kv_heads: Heads of keys and values.
        head_size: The width of a head.
        vocabulary: The width of the logits.
        tied: Whether the LM head shares the embedding's weights.
        qkv_bias: Whether queries, keys and values have a bias.
    """

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

    @classmethod
    def from_config(cls, name: str, config: Mapping[str, Any]) -> ModelShape:
        """Reads a config.json of the Llama and Qwen families.

        Raises:
            AgentError: A value that is needed is missing.
        """
        try:
            heads = int(config["num_attention_heads"])
            hidden = int(config["hidden_size"])
            return cls(
                name=name,
                layers=int(config["num_hidden_layers"]),
                hidden=hidden,
                inner=int(config["intermediate_size"]),
                heads=heads,
                kv_heads=int(config.get("num_key_value_heads") or heads),
                head_size=int(config.get("head_dim") or hidden // heads),
                vocabulary=int(config["vocab_size"]),
                tied=bool(config.get("tie_word_embeddings", False)),
                qkv_bias=bool(
                    config.get("attention_bias", str(config.get("model_type")).startswith("qwen2"))
                ),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise AgentError(
                f"The config.json of {name!r} does not tell the shape of a decoder: {error}"
            ) from error

    @property
    def linear(self) -> list[tuple[int, int]]:
        """Inputs and outputs of the linear layers of one decoder layer."""
        queries, keys = self.heads * self.head_size, self.kv_heads * self.head_size
        h, inner = self.hidden, self.inner
        attention = [(h, queries), (h, keys), (h, keys), (queries, h)]
        return [*attention, (h, inner), (h, inner), (inner, h)]

    @property
    def weights(self) -> int:
        """The number of weights."""
        bias = (self.heads + 2 * self.kv_heads) * self.head_size if self.qkv_bias else 0
        block = sum(a * b for a, b in self.linear) + 2 * self.hidden + bias
        embeddings = self.head_weights * (1 if self.tied else 2)
        return self.layers * block + embeddings + self.hidden

    @property
    def head_weights(self) -> int:
        """The number of weights of the LM head."""
        return self.vocabulary * self.hidden

    def adapters(self, rank: int) -> int:
        """The number of weights in adapters of every linear layer but the head."""
        return self.layers * sum(rank * (a + b) for a, b in self.linear)

    @property
    def cache_per_token(self) -> int:
        """The number of values in the keys and values of one token."""
        return 2 * self.layers * self.kv_heads * self.head_size


def _qwen(
    size: str, layers: int, hidden: int, inner: int, heads: int, kv_heads: int, head_size: int
) -> ModelShape:
    small = float(size.removesuffix("B")) < 7
    return ModelShape(
        f"Qwen2.5-{size}", layers, hidden, inner, heads, kv_heads, head_size,
        vocabulary=151_936 if small else 152_064, tied=small, qkv_bias=True,
    )  # fmt: skip


_KNOWN = (
    ModelShape("SmolLM2-135M", 30, 576, 1536, 9, 3, 64, 49_152, tied=True, qkv_bias=False),
    _qwen("0.5B", 24, 896, 4864, 14, 2, 64),
    _qwen("1.5B", 28, 1536, 8960, 12, 2, 128),
    _qwen("3B", 36, 2048, 11_008, 16, 2, 128),
    _qwen("7B", 28, 3584, 18_944, 28, 4, 128),
    ModelShape("Llama-3.1-8B", 32, 4096, 14_336, 32, 8, 128, 128_256, tied=False, qkv_bias=False),
    _qwen("14B", 48, 5120, 13_824, 40, 8, 128),
    _qwen("32B", 64, 5120, 27_648, 40, 8, 128),
)
SHAPES: dict[str, ModelShape] = {shape.name: shape for shape in _KNOWN}
"""Qwen2.5-Math and the instruct versions have the shape of their base model."""

# Other models of the paper, which the tables of all models leave out.
_MORE = (
    ModelShape("Llama-3.2-3B", 28, 3072, 8192, 24, 8, 128, 128_256, tied=True, qkv_bias=False),
    ModelShape("Qwen3-8B", 36, 4096, 12_288, 32, 8, 128, 151_936, tied=False, qkv_bias=False),
    ModelShape("Ministral-8B", 36, 4096, 12_288, 32, 8, 128, 131_072, tied=False, qkv_bias=False),
    ModelShape("Mistral-Nemo", 40, 5120, 14_336, 32, 8, 128, 131_072, tied=False, qkv_bias=False),
    ModelShape("DeepSeek-7B", 30, 4096, 11_008, 32, 32, 128, 102_400, tied=False, qkv_bias=False),
    replace(SHAPES["Llama-3.1-8B"], name="DeepSeek-R1-Distill-Llama-8B"),
    replace(SHAPES["Qwen2.5-7B"], name="DeepSeek-R1-Distill-Qwen-7B"),
    replace(SHAPES["Qwen2.5-7B"], name="Skywork-OR1-7B"),
)


def model_shape(model: str) -> ModelShape:
    """Returns the shape of a model without loading it.

    Args:
        model: A folder with a config.json, `"tiny"`, a name in `SHAPES`, or an id on the Hugging
            Face Hub that ends like one, as `Qwen/Qwen2.5-Math-7B-Instruct` does.

    Raises:
        AgentError: The shape is not known.

    >>> model_shape("Qwen/Qwen2.5-Math-7B-Instruct").weights
    7615616512
    """
    folder = Path(model).expanduser()
    if model == "tiny":
        from ttrl_agents.tiny import checkpoint_path

        folder = checkpoint_path()
    file = folder / "config.json"
    if file.is_file():
        try:
            config = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise AgentError(f"{file} cannot be read: {error}") from error
        return ModelShape.from_config(model, config)
    wanted = folder.name.lower().replace("-math", "").replace("-coder", "")
    for name, shape in (SHAPES | {shape.name: shape for shape in _MORE}).items():
        known = name.lower()
        if wanted == known or wanted.startswith(f"{known}-"):
            return shape
    raise AgentError(
        f"The shape of model {model!r} is not known. Name a folder that holds its config.json, or "
        f"one of {', '.join(SHAPES)}."
    )
