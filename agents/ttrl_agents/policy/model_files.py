"""What the files of a model say of themselves, looked at before a library believes it.

- `check_model_files`: raises where an index names pickles or files elsewhere, or where a shape
  cannot be that of the weights.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from transformers.utils.hub import cached_file

from ttrl_agents.errors import AgentError
from ttrl_benchmarks.printable import plain_text

__all__ = ["check_model_files"]

_INDEX, _WHOLE = "model.safetensors.index.json", "model.safetensors"
_SHARD = re.compile(r"[\w.+-]+\.safetensors", re.ASCII)
_LAYERS = ("num_hidden_layers", "num_layers", "n_layer", "n_layers")
# Making this many layers takes a moment; more need as many weights.
_FEW_LAYERS = 1000


def check_model_files(source: str, config: Any) -> None:
    """Checks what the files of a model name, and how large it says that it is.

    Args:
        source: The folder of a checkpoint, or an id on the Hugging Face Hub.
        config: Its configuration, as `transformers` reads it.

    Raises:
        AgentError: The index of its weights names something other than safetensors files beside
            it, or the model has more layers than its files have weights.
    """
    if Path(source, "adapter_config.json").is_file():
        raise AgentError(
            f"Folder {source!r} holds a model and an adapter (adapter_config.json). Put the "
            "adapter into a folder of its own, or remove it."
        )
    weights = _weights_named(source)
    if weights is None:
        return
    for part in (config, config.get_text_config()):
        for name in _LAYERS:
            layers = getattr(part, name, None)
            if isinstance(layers, int) and layers > max(_FEW_LAYERS, weights):
                raise AgentError(
                    f"Model {source!r} says that it has {layers:,} layers ({name} in config.json), "
                    f"and its files hold {weights:,} weights. Correct or download it again."
                )


def _weights_named(source: str) -> int | None:
    """Returns how many weights a model has, or `None` where that is not known."""
    index = _find(source, _INDEX)
    if index is not None:
        return len(_read_index(source, index))
    whole = _find(source, _WHOLE)
    if whole is None:
        return None
    try:
        with safe_open(whole, "pt") as file:
            return len(file.keys())
    except (OSError, SafetensorError) as error:
        raise AgentError(
            f"Model {source!r} cannot be loaded: {whole.name} cannot be read: "
            f"{plain_text(str(error))}"
        ) from error


def _read_index(source: str, path: Path) -> dict[str, str]:
    try:
        names: Any = json.loads(path.read_text(encoding="utf-8"))["weight_map"]
        shards = {str(each) for each in names.values()}
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise AgentError(
            f"Model {source!r} cannot be loaded: {path.name} cannot be read as an index of "
            f"weights: {plain_text(str(error))}"
        ) from error
    for shard in sorted(shards):
        if not _SHARD.fullmatch(shard):
            raise AgentError(
                f"The index of model {source!r} names {shard[:80]!r}. Only .safetensors files "
                "beside it are read: pickled weights can run code. Save the model with safetensors."
            )
    return dict(names)


def _find(source: str, name: str) -> Path | None:
    found = cached_file(
        source,
        name,
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
        _raise_exceptions_for_gated_repo=False,
    )
    return None if found is None else Path(found)
