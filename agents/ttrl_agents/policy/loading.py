"""Loading a policy: from a folder, a GGUF file, the Hugging Face Hub, or a run.

- `load_policy`: the policy with a name, in a folder or in a file.
- `load_run_policy`: the policy of a run, initial or from its checkpoint.
- `locate_model`, `adapter_folder`: where a model is, or an adapter.
- `read_template`: the text of a chat template.
- `resolve_device`: `"auto"`, `"cpu"`, `"cuda"` or `"mps"` as a device that exists.
- `resolve_dtype`: the type of the weights on a device.

Only safetensors (and GGUF, which holds numbers alone) are read, and code that comes with a model is
never run.
"""

from __future__ import annotations

import json
import os
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import get_token
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from ttrl_agents.config.train_config import DType, TrainConfig
from ttrl_agents.errors import AgentError
from ttrl_agents.policy.lora import LoraPolicy, add_adapters, load_adapters
from ttrl_agents.policy.model_files import check_all_loaded, check_model_files
from ttrl_agents.policy.policy import Policy, error_text, quiet_libraries
from ttrl_agents.run.folder import RUNS
from ttrl_agents.tiny import SHIPPED, checkpoint_path
from ttrl_benchmarks.errors import unknown_name
from ttrl_benchmarks.network import network_cause, refusal

__all__ = [
    "adapter_folder",
    "load_policy",
    "load_run_policy",
    "locate_model",
    "read_template",
    "resolve_device",
    "resolve_dtype",
]

_HUB = "https://huggingface.co"
_ADAPTER_CONFIG = "adapter_config.json"


def resolve_device(device: str) -> torch.device:
    """Returns the device of that name; `"auto"` is a GPU where there is one, else the CPU.

    Raises:
        AgentError: There is no such device.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    unknown = AgentError(f"Unknown device {device!r}; use auto, cpu, cuda, cuda:N or mps.")
    try:
        resolved = torch.device(device)
    except RuntimeError as error:
        raise unknown from error
    if resolved.type not in ("cpu", "cuda", "mps"):
        raise unknown
    if resolved.type == "mps" and not torch.backends.mps.is_available():
        raise AgentError(
            "Device 'mps' was asked for, but PyTorch finds no Apple GPU here. Use --device cpu."
        )
    if resolved.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (resolved.index or 0) >= count:
            raise AgentError(
                f"Device {device!r} was asked for, but PyTorch finds {count or 'no'} CUDA GPUs "
                "here. Use --device cpu, or install a PyTorch build and a driver that see the GPU."
            )
    return resolved


def resolve_dtype(dtype: DType, device: torch.device) -> torch.dtype:
    """Returns the type of the weights on a device.

    `"auto"` is bfloat16 on a GPU that computes in it, float16 on an older one (a T4, say), and
    float32 elsewhere.
    """
    if dtype != "auto":
        found: torch.dtype = getattr(torch, dtype)
        return found
    if device.type != "cuda":
        return torch.float32
    native = torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.bfloat16 if native else torch.float16


def load_policy(
    source: str,
    *,
    device: str = "auto",
    dtype: DType = "auto",
    chat_template: Path | None = None,
    template_date: str | None = None,
    tokenizer_folder: Path | None = None,
) -> Policy:
    """Loads a policy.

    Args:
        source: `"tiny"` or `"tiny-noisy"`, which ship with the package; the folder of a Hugging
            Face checkpoint, of a run or of a LoRA adapter; a GGUF file or the folder of one; or an
            id on the Hugging Face Hub.
        device: `"auto"`, `"cpu"`, `"cuda"`, `"cuda:N"` or `"mps"`.
        dtype: The type of the weights; see `resolve_dtype`.
        chat_template: A Jinja file that replaces the tokenizer's own chat template.
        template_date: The date that a template gets which asks for today's.
        tokenizer_folder: The folder of the tokenizer, if it is not the model's own.

    Raises:
        AgentError: There is no such model, or it cannot be read; the message says what to do.
    """
    adapter = adapter_folder(source)
    if adapter is not None:
        return _load_adapted(
            adapter,
            device=device,
            dtype=dtype,
            chat_template=chat_template,
            template_date=template_date,
        )
    where = resolve_device(device)
    template = None if chat_template is None else read_template(chat_template)
    folder, gguf = locate_model(source)
    with quiet_libraries():
        try:
            options: dict[str, Any] = {"gguf_file": gguf} if gguf else {}
            tokenizer = AutoTokenizer.from_pretrained(
                tokenizer_folder or folder, trust_remote_code=False, **options
            )
            if not gguf:
                shape = AutoConfig.from_pretrained(folder, trust_remote_code=False)
                check_model_files(folder, shape)
                options["use_safetensors"] = True
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                folder,
                trust_remote_code=False,
                dtype=resolve_dtype(dtype, where),
                output_loading_info=True,
                **options,
            )
        except AgentError:
            raise
        except Exception as error:  # damaged files raise any error, this class too
            what = (
                f"Model {source!r} cannot be loaded"
                if Path(folder).exists()
                else f"There is no folder {source!r}, and as an id on the Hub it cannot be loaded"
            )
            cause = None if Path(folder).exists() else _cause(error)
            said = error_text(error) if cause is None else f"{cause}."
            raise AgentError(f"{what}: {said}") from error
    model, found = loaded
    check_all_loaded(source, model, found)
    if gguf:
        _forget_quantization(model)
    if template is not None:
        tokenizer.chat_template = template
    policy = Policy(model.to(where).eval(), tokenizer, source)
    policy.template.set_date(template_date)
    return policy


def _cause(error: Exception) -> str | None:
    """Returns why the Hub does not give a model, as far as it can be told."""
    hub = os.environ.get("HF_ENDPOINT") or _HUB
    return network_cause(error, hub) or refusal(error, hub, token=bool(get_token()))


def load_run_policy(config: TrainConfig, saved: Path | None = None) -> Policy:
    """Loads the policy of a run.

    Args:
        config: The options of the run.
        saved: The model of the checkpoint that it resumes from, if any.

    Raises:
        AgentError: There is no such model, or it cannot be read.
    """
    whole = saved if config.lora_rank == 0 else None
    policy = load_policy(
        config.model if whole is None else str(whole),
        device=config.device,
        dtype=config.dtype,
        chat_template=config.chat_template,
        template_date=config.template_date,
    )
    if config.lora_rank == 0:
        policy.name = config.model
        return policy
    if isinstance(policy, LoraPolicy):
        raise AgentError(
            f"Model {config.model!r} is an adapter already. Merge it first (--lora-checkpoint "
            "merged), or train all of its weights with --lora-rank 0."
        )
    if saved is not None:
        return load_adapters(policy, saved, saved_as=config.lora_checkpoint)
    return add_adapters(
        policy,
        rank=config.lora_rank,
        alpha=config.lora_alpha,
        seed=config.seed,
        saved_as=config.lora_checkpoint,
    )


def adapter_folder(source: str) -> Path | None:
    """Returns the folder of an adapter, if `source` is one or a run that saved one."""
    path = Path(source).expanduser()
    for folder in (path, path / "checkpoint"):
        if (folder / _ADAPTER_CONFIG).is_file() and not (folder / "config.json").is_file():
            return folder
    return None


def _load_adapted(folder: Path, *, chat_template: Path | None, **options: Any) -> Policy:
    """Loads the model that an adapter names, with the adapter's own tokenizer and template."""
    try:
        base = json.loads((folder / _ADAPTER_CONFIG).read_text())["base_model_name_or_path"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AgentError(f"{folder / _ADAPTER_CONFIG} cannot be read: {error}") from error
    if not isinstance(base, str) or adapter_folder(base) is not None:
        raise AgentError(f"{folder / _ADAPTER_CONFIG} names no whole model that it adapts.")
    own = folder if (folder / "tokenizer_config.json").is_file() else None
    template = folder / "chat_template.jinja"
    if chat_template is None and own is None and template.is_file():
        chat_template = template
    policy = load_policy(base, chat_template=chat_template, tokenizer_folder=own, **options)
    return load_adapters(policy, folder)


def locate_model(source: str) -> tuple[str, str | None]:
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
    if path.parts[:1] == RUNS.parts:  # where runs go; not an organisation on the Hub
        # An evaluation is not a model, and that of this very command has a folder already.
        there = sorted(
            each.name for each in path.parent.glob("*/") if not each.name.startswith("eval-")
        )
        close = get_close_matches(path.name, there, n=3) or there[-3:]
        hint = f" In {path.parent} are: {', '.join(close)}." if close else ""
        raise AgentError(f"There is no folder {source!r}.{hint}")
    if source.endswith(".gguf") or source.startswith(("/", ".", "~")) or source.count("/") > 1:
        raise AgentError(f"There is no model at {source!r}.")
    if "/" not in source:
        nearby = [each.name for each in Path().iterdir() if (each / "config.json").is_file()]
        raise unknown_name("model", source, [*SHIPPED, *nearby])
    return source, None


def read_template(path: Path) -> str:
    """Returns the text of a chat template.

    Raises:
        AgentError: It cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AgentError(f"Chat template {str(path)!r} cannot be read: {error}") from error


def _forget_quantization(model: Any) -> None:
    """Makes a model that was read from GGUF, and is in float32 by now, an ordinary one."""
    model.hf_quantizer = None
    model.is_quantized = False
    for owner in (model, model.config):
        for name in ("quantization_method", "quantization_config"):
            if hasattr(owner, name):
                delattr(owner, name)
