"""The language model that learns, with its tokenizer: loading, prompts, saving.

- `Policy`: a causal language model, its tokenizer and its device.
- `load_policy`: from a folder, a GGUF file, a Hugging Face id, or a shipped one.
- `resolve_device`: `"auto"`, `"cpu"` or `"cuda"` as a device that is there.

Weights are kept in float32, where small steps of the optimizer are not rounded away; on GPU the
matrix products run in bfloat16. Only safetensors (and GGUF, which holds numbers alone) are read,
and no code that comes with a model is run.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from jinja2 import TemplateError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as transformers_logging

from ttrl_agents.errors import AgentError
from ttrl_agents.tiny import SHIPPED, checkpoint_path
from ttrl_benchmarks.errors import unknown_name

__all__ = ["ADAPTER_CONFIG", "Policy", "load_policy", "quiet_libraries", "resolve_device"]

ADAPTER_CONFIG = "adapter_config.json"


class Policy:
    """A causal language model and its tokenizer.

    Args:
        model: A `transformers` causal language model.
        tokenizer: Its tokenizer; it needs a chat template.
        name: What the model is called in headers and errors.

    Raises:
        AgentError: The tokenizer has no chat template, or nothing ends its texts.
    """

    def __init__(self, model: Any, tokenizer: Any, name: str) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.name = name
        if not tokenizer.chat_template:
            raise AgentError(
                f"Model {name!r} has no chat template, so a question cannot be put to it. Use its "
                "instruct version, or give a template with --chat-template FILE (Jinja, as in "
                "tokenizer_config.json)."
            )
        ends = getattr(model.generation_config, "eos_token_id", None)
        found = {tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])} - {None}
        if not found:
            raise AgentError(f"Model {name!r} has no end-of-text token, so no completion can end.")
        self.end_token_ids: list[int] = sorted(found)
        pad = tokenizer.pad_token_id
        self.pad_token_id: int = self.end_token_ids[0] if pad is None else pad
        # What the model calls its key-value cache: transformers renamed it in 5.2x.
        takes = inspect.signature(model.forward).parameters
        self.cache_argument = "cache" if "cache" in takes else "past_key_values"
        self._encoded: dict[str, tuple[int, ...]] = {}

    @property
    def device(self) -> torch.device:
        """The device that the weights are on."""
        device: torch.device = self.model.device
        return device

    @property
    def num_parameters(self) -> int:
        """The number of weights, shared ones counted once."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    @property
    def num_trained(self) -> int:
        """The number of weights that training moves: all, but with LoRA those of its adapters."""
        return sum(each.numel() for each in self.model.parameters() if each.requires_grad)

    @property
    def vocabulary_size(self) -> int:
        """The width of the logits, which may exceed the number of tokens."""
        size: int = self.model.config.get_text_config().vocab_size
        return size

    @property
    def max_length(self) -> int | None:
        """The most tokens of prompt and completion together, or `None` where it is unknown."""
        return getattr(self.model.config.get_text_config(), "max_position_embeddings", None)

    def encode_prompts(self, prompts: Sequence[str]) -> list[tuple[int, ...]]:
        """Returns the token ids of each prompt, as one user's turn in the chat template."""
        new = [prompt for prompt in dict.fromkeys(prompts) if prompt not in self._encoded]
        if new:
            with quiet_libraries():  # a prompt that is too long is ours to refuse
                self._encoded |= {prompt: self._encode(prompt) for prompt in new}
        return [self._encoded[prompt] for prompt in prompts]

    def _encode(self, prompt: str) -> tuple[int, ...]:
        messages = [{"role": "user", "content": prompt}]
        try:
            ids = self.tokenizer.apply_chat_template(
                messages, add_generation_prompt=True, tokenize=True, return_dict=True
            )["input_ids"]
        except TemplateError as error:
            raise AgentError(
                f"The chat template of model {self.name!r} fails: {_reason(error)}"
            ) from error
        return tuple(ids)

    def forget_prompts(self) -> None:
        """Empties the memory of encoded prompts."""
        self._encoded.clear()

    def decode(self, token_ids: Sequence[Sequence[int]]) -> list[str]:
        """Returns the text of each row of token ids, without special tokens."""
        texts: list[str] = self.tokenizer.batch_decode(
            token_ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return texts

    @property
    def compute_dtype(self) -> torch.dtype:
        """What matrix products run in: bfloat16 on GPU, float32 on CPU (where it is faster)."""
        return torch.bfloat16 if self.device.type == "cuda" else torch.float32

    @contextlib.contextmanager
    def precision(self) -> Iterator[None]:
        """Runs matrix products in `compute_dtype`; whoever runs the model runs it within this."""
        reduced = self.compute_dtype != torch.float32
        with torch.autocast(self.device.type, torch.bfloat16, enabled=reduced):
            yield

    def weights(self) -> Iterator[tuple[str, torch.Tensor]]:
        """Yields the weights under the names that a checkpoint gives them.

        Shared ones come under each of their names: an engine may keep a copy for each.
        """
        yield from self.model.state_dict().items()

    def save(self, folder: Path) -> None:
        """Writes the model and the tokenizer as a Hugging Face checkpoint (safetensors)."""
        with quiet_libraries():
            self.model.save_pretrained(folder)
            self.tokenizer.save_pretrained(folder)

    def save_for_resuming(self, folder: Path) -> None:
        """Writes what a resumed run cannot take from the model that it began with."""
        self.save(folder)


def resolve_device(device: str) -> torch.device:
    """Returns the device of that name; `"auto"` is a GPU where there is one, else the CPU.

    Raises:
        AgentError: There is no such device.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    unknown = AgentError(f"Unknown device {device!r}; use auto, cpu, cuda or cuda:N.")
    try:
        resolved = torch.device(device)
    except RuntimeError as error:
        raise unknown from error
    if resolved.type not in ("cpu", "cuda"):
        raise unknown
    if resolved.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (resolved.index or 0) >= count:
            raise AgentError(
                f"Device {device!r} was asked for, but PyTorch finds {count or 'no'} CUDA GPUs "
                "here. Use --device cpu, or install a PyTorch build and a driver that see the GPU."
            )
    return resolved


def load_policy(source: str, *, device: str = "auto", chat_template: Path | None = None) -> Policy:
    """Loads a policy.

    Args:
        source: `"tiny"` or `"tiny-noisy"`, which ship with the package; the folder of a Hugging
            Face checkpoint, of a run or of a LoRA adapter; a GGUF file or the folder of one; or an
            id on the Hugging Face Hub.
        device: `"auto"`, `"cpu"`, `"cuda"` or `"cuda:N"`.
        chat_template: A Jinja file that replaces the tokenizer's own chat template.

    Raises:
        AgentError: There is no such model, or it cannot be read; the message says what to do.
    """
    adapter = _adapter_folder(source)
    if adapter is not None:
        return _load_adapted(adapter, device=device, chat_template=chat_template)
    where = resolve_device(device)
    template = None if chat_template is None else _read_template(chat_template)
    folder, gguf = _locate(source)
    with quiet_libraries():
        try:
            options: dict[str, Any] = {"gguf_file": gguf} if gguf else {}
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, **options)
            if not gguf:
                AutoConfig.from_pretrained(folder, trust_remote_code=False)
                options["use_safetensors"] = True
            model: Any = AutoModelForCausalLM.from_pretrained(
                folder, trust_remote_code=False, dtype=torch.float32, **options
            )
        except Exception as error:  # of damaged files anything is raised, this very class too
            raise AgentError(f"Model {source!r} cannot be loaded: {_reason(error)}") from error
    if gguf:
        _forget_quantization(model)
    if template is not None:
        tokenizer.chat_template = template
    return Policy(model.to(where).eval(), tokenizer, source)


def _adapter_folder(source: str) -> Path | None:
    """Returns the folder of an adapter, where `source` is one, or a run that left one."""
    path = Path(source).expanduser()
    for folder in (path, path / "checkpoint"):
        if (folder / ADAPTER_CONFIG).is_file() and not (folder / "config.json").is_file():
            return folder
    return None


def _load_adapted(folder: Path, *, device: str, chat_template: Path | None) -> Policy:
    from ttrl_agents.policy.lora import load_adapters  # which imports this module

    try:
        base = json.loads((folder / ADAPTER_CONFIG).read_text())["base_model_name_or_path"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AgentError(f"{folder / ADAPTER_CONFIG} cannot be read: {error}") from error
    if not isinstance(base, str) or _adapter_folder(base) is not None:
        raise AgentError(f"{folder / ADAPTER_CONFIG} names no whole model that it adapts.")
    return load_adapters(load_policy(base, device=device, chat_template=chat_template), folder)


def _locate(source: str) -> tuple[str, str | None]:
    """Returns what `from_pretrained` takes, and the name of the GGUF file if it is one."""
    if source in SHIPPED:
        return str(checkpoint_path(source)), None
    path = Path(source).expanduser()
    if path.is_file():
        if path.suffix != ".gguf":
            raise AgentError(f"Model file {source!r} is not a GGUF file; name its folder instead.")
        return str(path.parent), path.name
    if path.is_dir():
        # A run of `ttrl train` has a config.json too, of its own options.
        if (path / "checkpoint" / "config.json").is_file():
            return str(path / "checkpoint"), None
        if (path / "checkpoints").is_dir() and not any(path.glob("*.safetensors")):
            raise AgentError(
                f"The run in {source!r} has not come to its end, so it has no trained model yet. "
                f"To go on: ttrl train --resume {source}"
            )
        if (path / "config.json").is_file():
            return str(path), None
        files = sorted(path.glob("*.gguf"))
        if len(files) == 1:
            return str(path), files[0].name
        if files:
            raise AgentError(
                f"Folder {source!r} holds {len(files)} GGUF files; name one: "
                + ", ".join(file.name for file in files)
            )
        raise AgentError(f"Folder {source!r} holds neither config.json nor a GGUF file.")
    if source.endswith(".gguf") or source.startswith(("/", ".", "~")) or source.count("/") > 1:
        raise AgentError(f"There is no model at {source!r}.")
    if "/" not in source:
        nearby = [each.name for each in Path().iterdir() if (each / "config.json").is_file()]
        raise unknown_name("model", source, [*SHIPPED, *nearby])
    return source, None


def _read_template(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AgentError(f"Chat template {str(path)!r} cannot be read: {error}") from error


def _reason(error: Exception) -> str:
    if "ignore_mismatched_sizes" in str(error):  # the report that it names is not shown
        return "its weights do not have the shapes that its config.json says."
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines)[:400] if lines else type(error).__name__


def _forget_quantization(model: Any) -> None:
    """Makes a model that was read from GGUF, and so is in float32 by now, an ordinary one."""
    model.hf_quantizer = None
    model.is_quantized = False
    for owner in (model, model.config):
        for name in ("quantization_method", "quantization_config"):
            if hasattr(owner, name):
                delattr(owner, name)


@contextlib.contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keeps the loading bars, retries and advice of the libraries out of our own output."""
    hub = logging.getLogger("huggingface_hub")
    levels = transformers_logging.get_verbosity(), hub.level
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity_error()
    hub.setLevel(logging.ERROR)
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(levels[0])
        hub.setLevel(levels[1])
        if bars:
            transformers_logging.enable_progress_bar()
